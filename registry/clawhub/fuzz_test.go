package clawhub

import (
	"bytes"
	"net/url"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/internal/baseurl"
	"github.com/openskills-go/skills/registry/internal/held"
)

const fuzzed = "https://hub.example/api/v1/x"

// printable fails for an error that could do something to a terminal.
func printable(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	if len(text) > 1000 || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f || c > '~' }) {
		t.Errorf("the error cannot be printed: %q", text)
	}
}

// Whatever answers hold, what is taken from them can be named by a reference,
// written into a lock, and printed.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"skill":{"slug":"demo","tags":{"latest":"1.0.0"}},"latestVersion":{"version":"1.0.0"},"owner":{"handle":"alice"},` +
			`"moderation":{"isSuspicious":true,"summary":"x","reasonCodes":["a"]}}`,
		`{"version":"1.0.0","files":[{"path":"SKILL.md","size":1,"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],"security":{"status":"clean"}}`,
		`{"slug":"a","ownerHandle":"b","owner":{"handle":"c"},"version":"1","source":"clawhub"}`,
		`{"ok":true,"installKind":"github","repo":"a/b","path":"c/d","commit":"0123456789abcdef0123456789abcdef01234567"}`,
		`{"apiBase":"/api/v1","registry":"https://h/x"}`, `{"apiBase":"//h/x?y"}`, `null`, `[]`, `{"skill":{"slug":1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var skill skillAnswer
		err := decode(body, &skill, fuzzed)
		printable(t, err)
		if err == nil {
			name, err := skill.check(skillName{slug: "demo"}, fuzzed)
			printable(t, err)
			if err == nil {
				fuzzSkill(t, &skill, name)
			}
		}
		var v versionAnswer
		if decode(body, &v, fuzzed) == nil {
			files, err := v.files(fuzzed, 100)
			printable(t, err)
			for _, file := range files {
				if len(file.Digest.Hex()) != 64 || file.Path == "" || strings.HasPrefix(file.Path, "/") {
					t.Errorf("file %+v", file)
				}
			}
		}
		var e entry
		if decode(body, &e, fuzzed) == nil {
			if h, ok := e.hit(); ok && (!ref.ValidSlug(h.Slug) || h.Owner != "" && !ref.ValidSlug(h.Owner)) {
				t.Errorf("hit %+v", h)
			}
		}
		var g githubAnswer
		if decode(body, &g, fuzzed) == nil {
			fuzzPlace(t, g)
		}
		registry, err := discovered(&transport.Response{URL: fuzzed, Body: body}, fuzzed)
		if err == nil {
			if u, err := url.Parse(registry); err != nil || u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
				t.Errorf("registry %q", registry)
			}
		}
	})
}

func fuzzSkill(t *testing.T, a *skillAnswer, name skillName) {
	t.Helper()
	if !ref.ValidSlug(name.slug) || name.owner != "" && !ref.ValidSlug(name.owner) {
		t.Errorf("name %+v", name)
	}
	for _, info := range a.known() {
		if !validVersion(info.Version) {
			t.Errorf("version %q", info.Version)
		}
	}
	if a.Moderation != nil {
		if reason := a.Moderation.reason(); reason == "" || len(reason) > 200 || strings.ContainsAny(reason, "\n\r\x1b") {
			t.Errorf("reason %q", reason)
		}
	}
}

func fuzzPlace(t *testing.T, g githubAnswer) {
	t.Helper()
	text, err := g.text(fuzzed)
	if err != nil {
		printable(t, err)
		return
	}
	r, err := ref.Parse(text)
	if err != nil || r.Kind != ref.Git || r.Rev != g.Commit || !strings.HasPrefix(r.URL, "https://github.com/") {
		t.Errorf("%q is %+v, %v", text, r, err)
	}
}

// The body of an error is read to its end or as far as it is there.
func FuzzErrors(f *testing.F) {
	f.Add([]byte(`{"code":"AMBIGUOUS_SKILL_SLUG","message":"x","matches":[{"ownerHandle":"a","slug":"b"},{"ownerHandle":"c"`), 409)
	f.Add([]byte(`"{\"code\":\"AMBIGUOUS_SKILL_SLUG\"}"`), 400)
	f.Add([]byte(`{"errors":[{"message":"Skill not found"}]}`), 404)
	f.Add([]byte(`{"error":{"error":{"error":"x"}}}`), 403)
	f.Add([]byte("<html>"), 404)
	f.Add([]byte("Blocked: malware"), 423)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		err := explain(&transport.StatusError{URL: "hub.example/x", Status: status, Body: body[:min(len(body), 4<<10)]}, fuzzed, "demo")
		if err == nil {
			t.Error("an error becomes none")
		}
		matches, _ := ambiguity(body)
		for _, m := range matches {
			if !ref.ValidSlug(m.Owner) || !ref.ValidSlug(m.Slug) {
				t.Errorf("match %+v", m)
			}
		}
		if len(matches) == 0 {
			_ = err.Error()
		}
	})
}

// What an answer is does not depend on the pieces in which it comes.
func FuzzIntake(f *testing.F) {
	f.Add([]byte("PK\x03\x04 and so on"), 1)
	f.Add([]byte(`{"error":"x"}`), 3)
	f.Add(bytes.Repeat([]byte("PK\x05\x06"), 300), 7)
	f.Add(bytes.Repeat([]byte{0}, 1024), 100)
	f.Fuzz(func(t *testing.T, answer []byte, piece int) {
		piece = max(1, min(piece, 1<<16))
		answer = answer[:min(len(answer), maxHeld)]
		var whole, parts sourcetest.Sink
		first, second := &intake{Sink: held.Sink{Dst: &whole}}, &intake{Sink: held.Sink{Dst: &parts}}
		_, _ = first.Write(answer)
		for rest := answer; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
			if _, err := second.Write(rest[:min(piece, len(rest))]); err != nil {
				t.Fatal(err)
			}
		}
		err, err2 := first.finish(fuzzed), second.finish(fuzzed)
		printable(t, err)
		if (err == nil) != (err2 == nil) || !bytes.Equal(whole.Bytes(), parts.Bytes()) || err == nil && !bytes.Equal(whole.Bytes(), answer) {
			t.Errorf("in one: %v, in pieces: %v", err, err2)
		}
	})
}

// An address that stands for a skill can be named by a reference.
func FuzzMatch(f *testing.F) {
	f.Add("https://hub.example/alice/skills/pdf")
	f.Add("https://hub.example/api/v1/download?slug=pdf&ownerHandle=a&version=1")
	f.Add("https://hub.example/%2e%2e/x")
	f.Fuzz(func(t *testing.T, text string) {
		r := &Registry{name: "hub", base: base{baseurl.URL{Scheme: "https", Host: "hub.example"}}}
		found, ok := r.Match(text)
		if !ok {
			return
		}
		again, err := ref.Parse(found.String())
		if err != nil || again != found {
			t.Errorf("%q is %+v, which reads as %+v, %v", text, found, again, err)
		}
	})
}
