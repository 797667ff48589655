package git_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/git"
	"github.com/openskills-go/skills/pkg/version"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	r := newRepository(t, filepath.Join(t.TempDir(), "my-skills.git"))
	at := "git+file://" + r.path
	ids := make(map[string]string)
	for _, v := range []string{"1.0.0", "1.1.0", "2.0.0", "3.0.0-rc.1"} {
		ids[v] = r.commit("main", under("skills/pdf", pdf(), map[string]node{"v": file(v)}))
		r.git(nil, "tag", "v"+v, "main")
	}
	r.git(nil, "tag", "-a", "-m", "x", "pdf/v1.5.0", ids["1.1.0"])
	r.git(nil, "tag", "skills/doc/v9.0.0", ids["1.1.0"])
	r.git(nil, "tag", "annotated", ids["1.0.0"], "-a", "-m", "x")
	r.git(nil, "branch", "both", ids["1.0.0"])
	r.git(nil, "tag", "both", ids["2.0.0"])
	r.git(nil, "branch", "feature/x.y", ids["1.1.0"])
	r.git(nil, "branch", "deadbeef", ids["1.1.0"])
	r.git(nil, "update-ref", "refs/tags/--upload-pack=touch", ids["1.0.0"])
	r.git(nil, "update-ref", "refs/heads/-rf", ids["1.0.0"])
	r.git(nil, "update-ref", "refs/pull/1/head", ids["1.0.0"])
	r.git(nil, "tag", "2.0.0", ids["1.0.0"]) // the same version without the v
	head := ids["3.0.0-rc.1"]
	full := ids["1.0.0"]

	s := newSource(t, git.Options{})
	for text, want := range map[string][2]string{ // commit and version
		at:                           {head, ""},
		at + "@main":                 {head, ""},
		at + "@HEAD":                 {head, ""},
		at + "@v1.0.0":               {ids["1.0.0"], "1.0.0"},
		at + "@refs/tags/v1.0.0":     {ids["1.0.0"], "1.0.0"},
		at + "@annotated":            {ids["1.0.0"], ""},
		at + "@both":                 {ids["2.0.0"], ""},
		at + "@heads/both":           {ids["1.0.0"], ""},
		at + "@feature/x.y":          {ids["1.1.0"], ""},
		at + "@deadbeef":             {ids["1.1.0"], ""},
		at + "@" + full:              {full, ""},
		at + "@latest":               {ids["2.0.0"], "2.0.0"},
		at + "@^1":                   {ids["1.1.0"], "1.1.0"},
		at + "@>=1 <3":               {ids["2.0.0"], "2.0.0"},
		at + "@>=3.0.0-rc.1":         {head, "3.0.0-rc.1"},
		at + "@=1.0.0":               {ids["1.0.0"], "1.0.0"},
		at + "//skills/pdf@^1":       {ids["1.1.0"], "1.5.0"},
		at + "//skills/pdf@latest":   {ids["1.1.0"], "1.5.0"},
		at + "//skills/doc@>1":       {ids["1.1.0"], "9.0.0"},
		at + "//skills/other@latest": {ids["2.0.0"], "2.0.0"},
	} {
		asked := parse(t, text)
		p, err := s.Resolve(t.Context(), asked, "")
		if err != nil || p.Revision != want[0] || p.Version != want[1] || p.Ref != asked || p.Trust != source.FirstUse {
			t.Errorf("%s: %+v, %v; want commit %s, version %q", text, p, err, want[0], want[1])
			continue
		}
		slug, _, _ := strings.Cut(strings.TrimPrefix(text, at+"//skills/"), "@")
		if asked.Subdir == "" {
			slug = "my-skills"
		}
		if again, err := ref.Parse(p.URL); err != nil || again.Rev != "" || again.URL != asked.URL || again.Subdir != asked.Subdir || p.Slug != slug {
			t.Errorf("%s: the URL is %s (%v), the slug %s", text, p.URL, err, p.Slug)
		}
	}
	for text, words := range map[string]string{
		at + "@none":                `"none" is no branch or tag`,
		at + "@" + full[:7]:         "all 40 hexadecimal digits",
		at + "@pull/1/head":         "is no branch or tag",
		at + "@1.x":                 "is no branch or tag",
		at + "@^7":                  "no version",
		at + "//skills/doc@^1":      "no version", // those of the repository are not its own
		"git+file:///none/none.git": "does not appear to be a git repository",
	} {
		_, err := s.Resolve(t.Context(), parse(t, text), "")
		if !errors.Is(err, source.ErrNotFound) && !errors.Is(err, version.ErrNoMatch) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want %q", text, err, words)
		}
	}
	// A version that satisfies is kept.
	if p, err := s.Resolve(t.Context(), parse(t, at+"@^1"), "1.0.0"); err != nil || p.Version != "1.0.0" {
		t.Errorf("current is not kept: %+v, %v", p, err)
	}
	infos, err := s.Versions(t.Context(), parse(t, at))
	var got []string
	for _, info := range infos {
		got = append(got, info.Version)
	}
	slices.SortFunc(got, version.Compare)
	if want := []string{"1.0.0", "1.1.0", "2.0.0", "3.0.0-rc.1"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("Versions = %v, %v", got, err)
	}
}

// A lock that somebody edited holds what Parse would refuse.
func TestAddressesThatAreNone(t *testing.T) {
	t.Parallel()
	s := newSource(t, git.Options{})
	for _, r := range []ref.Ref{
		{Kind: ref.Git, URL: "--upload-pack=touch"},
		{Kind: ref.Git, URL: "ext::sh -c touch"},
		{Kind: ref.Git, URL: "http://example.com/x.git"},
		{Kind: ref.Git, URL: "https://user:hunter2@example.com/x.git"},
		{Kind: ref.Git, URL: "ssh://-oProxyCommand=touch/x.git"},
		{Kind: ref.Git, URL: "https://example.com/x.git", Subdir: "../x"},
		{Kind: ref.Git, URL: "https://example.com/x.git", Subdir: "-x"},
		{Kind: ref.Git, URL: "/srv/x.git"},
		{Kind: ref.Git},
		{},
	} {
		_, err := s.Resolve(t.Context(), r, "")
		_, err2 := s.Fetch(t.Context(), source.Pin{Ref: r, URL: r.URL, Revision: strings.Repeat("1", 40)}, nil)
		if !errors.Is(err, source.ErrUnsupported) || err2 == nil {
			t.Errorf("%+v: %v, %v; want ErrUnsupported", r, err, err2)
		}
	}
	for _, id := range []string{"", "main", "--all", strings.Repeat("1", 39), strings.Repeat("1", 41), strings.Repeat("g", 40)} {
		if _, err := s.Fetch(t.Context(), source.Pin{Ref: parse(t, "github.com/o/r"), Revision: id}, nil); err == nil || !strings.Contains(err.Error(), "no commit in full") {
			t.Errorf("Fetch of %q: %v", id, err)
		}
	}
}

func TestEmptyRepository(t *testing.T) {
	t.Parallel()
	r := newRepository(t, filepath.Join(t.TempDir(), "r.git"))
	for _, text := range []string{"", "@main", "@^1", "@latest"} {
		_, err := newSource(t, git.Options{}).Resolve(t.Context(), parse(t, "git+file://"+r.path+text), "")
		if !errors.Is(err, source.ErrNotFound) || !strings.Contains(err.Error(), "empty") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A tag can be on a file, and an id can be that of one.
func TestWhatIsNoCommit(t *testing.T) {
	t.Parallel()
	r, at := hostile(t, under("pdf", pdf()))
	blob := r.git(nil, "rev-parse", "main:pdf/SKILL.md")
	r.git(nil, "tag", "v1.0.0", blob)
	r.git(nil, "tag", "-a", "-m", "x", "v2.0.0", "main")
	r.git(nil, "config", "uploadpack.allowAnySHA1InWant", "true")
	for _, rev := range []string{"v1.0.0", blob, r.git(nil, "rev-parse", "v2.0.0"), strings.Repeat("1", 40)} {
		if _, _, err := get(t, newSource(t, git.Options{}), at+"//pdf@"+rev); !errors.Is(err, source.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", rev, err)
		}
	}
}

func TestObjectsOfSHA256(t *testing.T) {
	t.Parallel()
	r := newRepository(t, filepath.Join(t.TempDir(), "r.git"), "--object-format=sha256")
	r.commit("main", under("pdf", pdf()))
	p, got, err := get(t, newSource(t, git.Options{}), "git+file://"+r.path+"//pdf")
	if err != nil || len(p.Revision) != 64 || got.Tree.Digest() != treeOf(t, pdf()) {
		t.Errorf("%+v, %v", p, err)
	}
}
