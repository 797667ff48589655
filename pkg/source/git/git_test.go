package git_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/git"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
)

func pdf() map[string]node {
	return skillFiles("pdf", map[string]node{"bin/run": {"100755", "#!/bin/sh\n"}, "notes.txt": file("a\r\nb\n"), ".gitignore": file("x\n")})
}

func TestSource(t *testing.T) {
	t.Parallel()
	served := serve(t, nil)
	local := t.TempDir() + "/r.git"
	for name, text := range map[string]string{local: "git+file://" + local, served.dir + "/r.git": served.at("r.git")} {
		t.Run(text[:8], func(t *testing.T) {
			t.Parallel()
			r := newRepository(t, name)
			r.git(nil, "config", "uploadpack.allowFilter", "true")
			for _, v := range []string{"1.0.0", "1.2.0", "2.0.0-rc.1"} {
				files := pdf()
				files["version"] = file(v)
				r.commit("main", under("skills/pdf", files, map[string]node{"README.md": file("x")}))
				r.git(nil, "tag", "-a", "-m", v, "v"+v, "main")
			}
			r.commit("main", under("skills/pdf", pdf(), map[string]node{"README.md": file("x")}))
			sourcetest.Run(t, func(t *testing.T) source.Source {
				return newSource(t, git.Options{Env: served.env})
			}, sourcetest.Expect{
				Found: parse(t, text+"//skills/pdf"), Name: "pdf", Tree: treeOf(t, pdf()),
				Versioned: parse(t, text+"//skills/pdf"),
				Versions:  []string{"1.0.0", "1.2.0", "2.0.0-rc.1"},
				Picks:     map[string]string{"^1": "1.2.0", "~1.0": "1.0.0", "latest": "1.2.0", ">=2": "", "2.0.0-rc.1": "2.0.0-rc.1", "1.0.0": "1.0.0"},
				Missing:   parse(t, strings.Replace(text, "r.git", "none.git", 1)),
				Foreign:   ref.Ref{Kind: ref.URL, URL: "https://example.com/x.zip"},
			})
			if _, err := newSource(t, git.Options{Env: served.env}).Resolve(t.Context(), parse(t, text+"x"), ""); !errors.Is(err, source.ErrNotFound) {
				t.Errorf("Resolve of a repository that is not there = %v, want ErrNotFound", err)
			}
		})
	}
}
