package clawhubtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// An object is JSON that is written as ClawHub writes it: what is not there is
// left out or null, as its client wants it.
type object map[string]any

const stamp = 1730000000000 // the time of everything, in milliseconds

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// refuse answers in plain text, as ClawHub does.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// readBody returns the body of a request, and leaves it to be read again.
func readBody(r *http.Request) string {
	data, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	r.Body = io.NopCloser(bytes.NewReader(data))
	return string(data)
}

// find returns the skill that a request is about, or answers why not.
func (s *Server) find(w http.ResponseWriter, slug, owner string) *Skill {
	// Clients up to 0.20 know no owners, and send @owner/slug as a slug.
	if o, rest, ok := strings.Cut(strings.TrimPrefix(slug, "@"), "/"); ok {
		owner, slug = o, rest
	}
	var found []*Skill
	for i := range s.options.Skills {
		k := &s.options.Skills[i]
		if (k.Slug == slug || slices.Contains(k.Aliases, slug)) && (owner == "" || strings.EqualFold(k.Owner, owner) || slices.Contains(k.Former, owner)) {
			found = append(found, k)
		}
	}
	switch {
	case len(found) == 0:
		refuse(w, http.StatusNotFound, "Skill not found")
		return nil
	case len(found) > 1:
		s.ambiguous(w, found)
		return nil
	case found[0].Refuse != nil:
		r := found[0].Refuse
		w.Header().Set("Content-Type", r.Content)
		if r.Content == "" {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		}
		w.WriteHeader(r.Status)
		_, _ = io.WriteString(w, r.Text)
		return nil
	}
	return found[0]
}

func (s *Server) ambiguous(w http.ResponseWriter, found []*Skill) {
	var matches []object
	for _, k := range found {
		matches = append(matches, object{
			"ownerHandle": k.Owner, "slug": k.Slug, "ref": "@" + k.Owner + "/" + k.Slug, "url": s.page(k),
		})
	}
	reply(w, http.StatusConflict, object{
		"code": "AMBIGUOUS_SKILL_SLUG", "message": "Several owners have this slug.", "matches": matches,
	})
}

func (s *Server) page(k *Skill) string { return s.Registry() + "/" + k.Owner + "/skills/" + k.Slug }

// ofPath is find for an address below that of a skill.
func (s *Server) ofPath(w http.ResponseWriter, r *http.Request) *Skill {
	return s.find(w, r.PathValue("slug"), r.URL.Query().Get("ownerHandle"))
}

// versionOf returns a version of a skill that is asked for, the latest if none
// is, or answers why not.
func versionOf(w http.ResponseWriter, k *Skill, number, tag string) *Version {
	v := k.latest()
	switch {
	case number != "":
		v = k.find(number)
	case tag != "":
		v = k.find(k.tags()[tag])
	}
	if v == nil {
		refuse(w, http.StatusNotFound, "Version not found")
		return nil
	}
	if v.Deleted {
		refuse(w, http.StatusGone, "Version is not available")
		return nil
	}
	return v
}

func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, object{"apiBase": s.Registry(), "authBase": s.Registry(), "minCliVersion": "0.0.5"})
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	q := strings.ToLower(r.URL.Query().Get("q"))
	if q == "" {
		refuse(w, http.StatusBadRequest, "Missing q")
		return
	}
	results := []object{}
	for i := range s.options.Skills {
		k := &s.options.Skills[i]
		text := strings.ToLower(k.Owner + "/" + k.Slug + " " + k.name() + " " + k.Summary)
		if !strings.Contains(text, strings.TrimPrefix(q, "@")) || k.blocked() || k.Refuse != nil {
			continue
		}
		hit := object{
			"score": 1, "slug": k.Slug, "displayName": k.name(), "summary": k.Summary, "updatedAt": stamp,
			"ownerHandle": k.Owner, "owner": object{"handle": k.Owner, "displayName": k.Owner, "image": nil},
		}
		if v := k.latest(); v != nil {
			hit["version"] = v.Version
		}
		results = append(results, hit)
	}
	reply(w, http.StatusOK, object{"results": results[:min(len(results), s.limit(r, len(results)))]})
}

// limit returns how many entries a request asks for.
func (s *Server) limit(r *http.Request, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || n <= 0 {
		return otherwise
	}
	return n
}

// cut returns the page of a list that a request asks for, and the cursor of the
// next or nil.
func (s *Server) cut(r *http.Request, list []object) (page []object, next any) {
	from, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
	from = max(0, min(from, len(list)))
	to := min(len(list), from+min(s.limit(r, s.options.Page), s.options.Page))
	if to < len(list) {
		next = strconv.Itoa(to)
	}
	return list[from:to], next
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	items := []object{}
	for i := range s.options.Skills {
		k := &s.options.Skills[i]
		if k.blocked() || k.Refuse != nil || !strings.HasPrefix(k.Slug, r.URL.Query().Get("prefix")) {
			continue
		}
		item := k.item()
		if v := k.latest(); v != nil {
			item["latestVersion"] = v.object()
		}
		item["ownerHandle"] = k.Owner
		items = append(items, item)
	}
	page, next := s.cut(r, items)
	reply(w, http.StatusOK, object{"items": page, "nextCursor": next})
}

func (k *Skill) item() object {
	return object{
		"slug": k.Slug, "displayName": k.name(), "summary": k.Summary, "tags": k.tags(), "stats": object{},
		"createdAt": stamp, "updatedAt": stamp,
	}
}

func (v *Version) object() object {
	return object{"version": v.Version, "changelog": "", "createdAt": stamp, "license": nil}
}

func (m *Moderation) object() any {
	if m == nil {
		return nil
	}
	o := object{
		"isSuspicious": m.Suspicious, "isMalwareBlocked": m.Malware, "reasonCodes": append([]string{}, m.Reasons...),
		"summary": m.Summary, "updatedAt": stamp,
	}
	if m.Verdict != "" {
		o["verdict"] = m.Verdict
	}
	return o
}

func (s *Server) skill(w http.ResponseWriter, r *http.Request) {
	k := s.ofPath(w, r)
	if k == nil {
		return
	}
	answer := object{
		"skill": k.item(), "latestVersion": nil, "metadata": nil, "moderation": k.Moderation.object(),
		"owner": object{"handle": k.Owner, "displayName": k.Owner, "image": nil},
	}
	if v := k.latest(); v != nil {
		answer["latestVersion"] = v.object()
	}
	reply(w, http.StatusOK, answer)
}

func (s *Server) moderation(w http.ResponseWriter, r *http.Request) {
	k := s.ofPath(w, r)
	if k == nil {
		return
	}
	if k.Moderation == nil {
		refuse(w, http.StatusNotFound, "Skill not found")
		return
	}
	reply(w, http.StatusOK, object{"moderation": k.Moderation.object()})
}

func (s *Server) versions(w http.ResponseWriter, r *http.Request) {
	k := s.ofPath(w, r)
	if k == nil {
		return
	}
	items := []object{}
	for i := range slices.Backward(k.Versions) {
		if !k.Versions[i].Deleted {
			items = append(items, k.Versions[i].object())
		}
	}
	page, next := s.cut(r, items)
	reply(w, http.StatusOK, object{"items": page, "nextCursor": next})
}

func (s *Server) version(w http.ResponseWriter, r *http.Request) {
	k := s.ofPath(w, r)
	if k == nil {
		return
	}
	v := versionOf(w, k, r.PathValue("version"), "")
	if v == nil {
		return
	}
	o := v.object()
	files := []object{}
	for _, path := range v.paths() {
		files = append(files, object{
			"path": path, "size": len(v.Files[path]), "sha256": sum(v.Files[path]), "contentType": "text/plain",
		})
	}
	o["files"] = files
	reply(w, http.StatusOK, object{"version": o, "skill": object{"slug": k.Slug, "displayName": k.name()}})
}

func (s *Server) install(w http.ResponseWriter, r *http.Request) {
	k := s.ofPath(w, r)
	if k == nil {
		return
	}
	v := k.latest()
	switch {
	case k.Install != nil:
		reply(w, k.Install.Status, object{
			"ok": false, "slug": k.Slug, "reason": k.Install.Reason, "message": k.Install.Text, "status": k.Install.Status,
		})
	case v != nil:
		reply(w, http.StatusOK, object{"ok": true, "slug": k.Slug, "installKind": "archive", "archive": object{
			"version": v.Version, "downloadUrl": s.Registry() + "/api/v1/download?slug=" + k.Slug + "&version=" + v.Version,
		}})
	case k.GitHub != nil:
		reply(w, http.StatusOK, object{"ok": true, "slug": k.Slug, "installKind": "github", "github": object{
			"repo": k.GitHub.Repo, "path": k.GitHub.Path, "commit": k.GitHub.Commit, "contentHash": sum(k.Slug),
			"sourceUrl": "https://github.com/" + k.GitHub.Repo,
		}})
	default:
		reply(w, http.StatusConflict, object{
			"ok": false, "slug": k.Slug, "reason": "no_version", "message": "Nothing was published yet.", "status": 409,
		})
	}
}
