package clawhubtest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

func (s *Server) whoami(w http.ResponseWriter, r *http.Request) {
	handle := s.handle(r)
	if handle == "" {
		refuse(w, http.StatusUnauthorized, "Unauthorized")
		return
	}
	reply(w, http.StatusOK, object{"user": object{"handle": handle, "displayName": handle, "image": nil, "role": "user"}})
}

func (*Server) thanks(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, object{"ok": true})
}

const deviceCode = "device-code-of-the-test"

func (s *Server) deviceCode(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, object{
		"device_code": deviceCode, "user_code": "ABCD-EFGH", "verification_uri": s.Registry() + "/cli/device",
		"expires_in": 600, "interval": 1,
	})
}

func (s *Server) deviceToken(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Code  string `json:"device_code"`
		Grant string `json:"grant_type"`
	}
	fail := func(code string) { reply(w, http.StatusBadRequest, object{"error": code}) }
	if json.NewDecoder(r.Body).Decode(&asked) != nil || asked.Code != deviceCode ||
		asked.Grant != "urn:ietf:params:oauth:grant-type:device_code" {
		fail("invalid_grant")
		return
	}
	s.mu.Lock()
	s.polls++
	polls := s.polls
	s.mu.Unlock()
	tokens := slices.Sorted(maps.Keys(s.options.Tokens))
	switch {
	case polls <= s.options.Pending && polls%2 == 1:
		fail("authorization_pending")
	case polls <= s.options.Pending:
		fail("slow_down")
	case s.options.Device != "":
		fail(s.options.Device)
	case len(tokens) == 0:
		fail("access_denied")
	default:
		reply(w, http.StatusOK, object{"access_token": tokens[0], "token_type": "Bearer", "scope": "read write"})
	}
}

func (s *Server) verdicts(w http.ResponseWriter, r *http.Request) {
	type item struct {
		Slug    string `json:"slug"`
		Version string `json:"version"`
	}
	var asked struct {
		Items []struct {
			item
			OwnerHandle string `json:"ownerHandle"`
		} `json:"items"`
	}
	if json.NewDecoder(r.Body).Decode(&asked) != nil || len(asked.Items) == 0 || len(asked.Items) > 100 {
		refuse(w, http.StatusBadRequest, "items must hold 1 to 100 entries")
		return
	}
	seen := map[item]bool{}
	answers := []object{}
	for _, a := range asked.Items {
		if seen[a.item] {
			refuse(w, http.StatusBadRequest, "items must be unique")
			return
		}
		seen[a.item] = true
		answers = append(answers, s.verdict(a.Slug, a.Version, a.OwnerHandle))
	}
	reply(w, http.StatusOK, object{"schema": "clawhub.skill.security-verdicts.v1", "items": answers})
}

func (s *Server) verdict(slug, version, owner string) object {
	answer := object{"requestedSlug": slug, "requestedVersion": version}
	i := slices.IndexFunc(s.options.Skills, func(k Skill) bool { return k.Slug == slug && (owner == "" || k.Owner == owner) })
	if i < 0 || s.options.Skills[i].find(version) == nil {
		maps.Copy(answer, object{
			"ok": false, "decision": "fail", "reasons": []string{"version.not_found"}, "security": nil,
			"error": object{"code": "version_not_found", "message": "Version not found"},
		})
		return answer
	}
	k := &s.options.Skills[i]
	status, reasons := "clean", []string{}
	if m := k.Moderation; m != nil {
		reasons = append(reasons, m.Reasons...)
		switch {
		case k.blocked():
			status = "malicious"
		case m.Suspicious || m.Verdict == "suspicious":
			status = "suspicious"
		}
	}
	decision := "pass"
	if status != "clean" {
		decision = "fail"
	}
	maps.Copy(answer, object{
		"ok": status == "clean", "decision": decision, "reasons": reasons, "slug": k.Slug, "displayName": k.name(),
		"publisherHandle": k.Owner, "publisherDisplayName": k.Owner, "version": version, "createdAt": stamp, "checkedAt": stamp,
		"skillUrl": s.page(k), "securityAuditUrl": s.page(k) + "/security-audit?version=" + version,
		"security": object{"status": status, "passed": status == "clean", "signals": object{}},
	})
	return answer
}
