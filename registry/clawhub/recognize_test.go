package clawhub_test

import (
	"errors"
	"testing"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/registry/clawhub/clawhubtest"
)

// A version is known by its files, in whatever order they come and whatever the
// registry and others put beside them.
func TestRecognize(t *testing.T) {
	files := map[string]string{
		"SKILL.md": "one", "a.md": "1", "B.md": "2", "scripts/run.sh": "3", "scripts/Run.sh": "4", "scripts-x.md": "5", "_x.md": "6",
	}
	s := clawhubtest.New(t, clawhubtest.Options{Skills: []clawhubtest.Skill{{Owner: "alice", Slug: "pdf", Versions: []clawhubtest.Version{
		{Version: "1.0.0", Files: files}, {Version: "1.1.0", Files: map[string]string{"SKILL.md": "two"}},
	}}}})
	r := open(t, s.Registry())
	list := []source.File{{Path: "_meta.json", Digest: digest.Of([]byte("{}"))}, {Path: ".git/x", Digest: digest.Of([]byte("x"))}}
	for path, text := range files {
		list = append(list, source.File{Path: path, Digest: digest.Of([]byte(text))})
	}
	for _, rf := range []ref.Ref{{Slug: "pdf"}, {Slug: "pdf", Owner: "alice"}} {
		if v, err := r.Recognize(t.Context(), rf, list); v != "1.0.0" || err != nil {
			t.Errorf("Recognize %s = %q, %v", rf, v, err)
		}
	}
	if v, err := r.Recognize(t.Context(), ref.Ref{Slug: "pdf"}, list[:3]); v != "" || err != nil {
		t.Errorf("Recognize of other files = %q, %v", v, err)
	}
	if _, err := r.Recognize(t.Context(), ref.Ref{Slug: "nosuch"}, list); !errors.Is(err, source.ErrNotFound) {
		t.Errorf("Recognize of a skill that is not there: %v", err)
	}
	foreign := append(list[:0:0], list...)
	foreign[2].Path = "Ähnlich.md"
	s.Requests()
	if v, err := r.Recognize(t.Context(), ref.Ref{Slug: "pdf"}, foreign); v != "" || err != nil || len(s.Requests()) > 0 {
		t.Errorf("Recognize of what cannot be ordered = %q, %v, or a request", v, err)
	}
	missing := open(t, answer(t, 404, "text/plain", "Not Found"))
	if v, err := missing.Recognize(t.Context(), ref.Ref{Slug: "pdf"}, list); v != "" || err != nil {
		t.Errorf("Recognize without the endpoint = %q, %v", v, err)
	}
}
