package git_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/git"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
)

// The folder of the skill is the one named, or the only one there is.
func TestFolderOfTheSkill(t *testing.T) {
	t.Parallel()
	nested := map[string]node{"examples/SKILL.md": file(skillText("inner"))}
	for name, c := range map[string]struct {
		files  map[string]node
		subdir string
		words  string // of the error; "" is none
		is     error
	}{
		"named":              {under("a/pdf", pdf()), "//a/pdf", "", nil},
		"only one":           {under("a/pdf", pdf(), map[string]node{"README.md": file("x"), "link": {"120000", "a"}}), "", "", nil},
		"at the top":         {pdf(), "", "", nil},
		"with one inside":    {under("pdf", skillFiles("pdf", nested)), "", "", nil},
		"several":            {under("a", pdf(), under("b", skillFiles("doc", nil))), "", `has 2 skills: "a", "b"`, source.ErrAmbiguous},
		"none":               {map[string]node{"README.md": file("x")}, "", "no SKILL.md", source.ErrNotFound},
		"a link is none":     {map[string]node{"SKILL.md": {"120000", "x"}}, "", "no SKILL.md", source.ErrNotFound},
		"another folder":     {under("a/pdf", pdf()), "//a/doc", `no skill in the folder "a/doc"; its skills are "a/pdf"`, source.ErrNotFound},
		"a folder above":     {under("a/pdf", pdf(), map[string]node{"a/x": {"120000", "y"}}), "//a", `its skills are "a/pdf"`, source.ErrNotFound},
		"a file":             {under("a/pdf", pdf()), "//a/pdf/SKILL.md", "no skill in the folder", source.ErrNotFound},
		"through a link":     {under("a/pdf", pdf(), map[string]node{"l": {"120000", "a"}}), "//l/pdf", "no skill in the folder", source.ErrNotFound},
		"a link itself":      {under("a/pdf", pdf(), map[string]node{"l": {"120000", "a/pdf"}}), "//l", "no skill in the folder", source.ErrNotFound},
		"a submodule":        {under("a/pdf", pdf(), map[string]node{"l": {"160000", strings.Repeat("1", 40)}}), "//l", "no skill in the folder", source.ErrNotFound},
		"inside a submodule": {under("a/pdf", pdf(), map[string]node{"l": {"160000", strings.Repeat("1", 40)}}), "//l/x", "no skill in the folder", source.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, at := hostile(t, c.files)
			_, got, err := get(t, newSource(t, git.Options{}), at+c.subdir)
			if c.words != "" {
				if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.words) {
					t.Errorf("Fetch = %v, want one with %q", err, c.words)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if f, ok := got.Tree.Lookup("SKILL.md"); !ok || f.Size != int64(len(skillText("pdf"))) {
				t.Errorf("another skill came: %v", got.Tree.Files)
			}
		})
	}
}

// Texts of an error are few and quoted, whatever the folders are called.
func TestManyErrorIsShort(t *testing.T) {
	t.Parallel()
	files := make(map[string]node)
	for i := range 30 {
		files[fmt.Sprintf("s%02d\x1b[2J\n/SKILL.md", i)] = file(skillText("x"))
	}
	_, at := hostile(t, files)
	_, _, err := get(t, newSource(t, git.Options{}), at)
	many, ok := errors.AsType[*git.ManyError](err)
	if !ok || len(many.Skills) != 30 {
		t.Fatalf("%v is no ManyError with all of them", err)
	}
	if text := err.Error(); strings.ContainsAny(text, "\x1b\n") || !strings.Contains(text, "s09") || strings.Contains(text, "s10") || !strings.Contains(text, "and 20 more") {
		t.Errorf("the text is %s", text)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	files := under("skills/zip", skillFiles("a-zip", nil), under("skills/pdf", pdf()), under("skills/broken", map[string]node{"SKILL.md": file("no front matter")}),
		under("skills/inner", skillFiles("inner", map[string]node{"examples/x/SKILL.md": file(skillText("example"))})),
		under("odd@name/x", skillFiles("odd", nil)), under("a b", skillFiles("space", nil)),
		under("-rf", skillFiles("option", nil)), under("x\ny", skillFiles("line", nil)), under("huge", map[string]node{"SKILL.md": file(strings.Repeat("x", 1<<20+1))}),
		map[string]node{"README.md": file("x"), "linked/SKILL.md": {"120000", "../skills/pdf/SKILL.md"}, ".claude/skills/hidden/SKILL.md": file(skillText("hidden"))})
	r, at := hostile(t, files)
	r.git(nil, "tag", "v1.0.0", "main")
	type listed struct{ ref, name string }
	for text, want := range map[string][]listed{
		at + "@v1.0.0": {
			{at + "//skills/zip@v1.0.0", "a-zip"}, {at + "//skills/broken@v1.0.0", "broken"}, {at + "//.claude/skills/hidden@v1.0.0", "hidden"},
			{at + "//huge@v1.0.0", "huge"}, {at + "//skills/inner@v1.0.0", "inner"}, {at + "//odd@name/x@v1.0.0", "odd"}, {at + "//skills/pdf@v1.0.0", "pdf"}, {at + "//a b@v1.0.0", "space"},
		},
		at + "//skills@^1": {
			{at + "//skills/zip@^1", "a-zip"}, {at + "//skills/broken@^1", "broken"}, {at + "//skills/inner@^1", "inner"}, {at + "//skills/pdf@^1", "pdf"},
		},
		at + "//skills/inner": {{at + "//skills/inner", "inner"}},
	} {
		s := newSource(t, git.Options{})
		got, err := s.List(t.Context(), parse(t, text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for i, l := range got {
			if i < len(want) && (l.Ref.String() != want[i].ref || l.Name != want[i].name) {
				t.Errorf("%s: %d is %s, %q; want %v", text, i, l.Ref, l.Name, want[i])
			}
			if l.Name == "pdf" && l.Description != "What pdf does." {
				t.Errorf("the description is %q", l.Description)
			}
			if l.Name == "broken" || l.Name == "huge" {
				continue
			}
			p, err := s.Resolve(t.Context(), l.Ref, "")
			if err == nil {
				_, err = s.Fetch(t.Context(), p, new(sourcetest.Sink))
			}
			if err != nil {
				t.Errorf("%s cannot be fetched: %v", l.Ref, err)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d are listed, want %d: %v", text, len(got), len(want), got)
		}
	}
	for _, text := range []string{"//none", "//README.md", "//skills/pdf/bin"} {
		if _, err := newSource(t, git.Options{}).List(t.Context(), parse(t, at+text)); !errors.Is(err, source.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", text, err)
		}
	}
}

// The skill at the top of a repository has others below it.
func TestListWithASkillAtTheTop(t *testing.T) {
	t.Parallel()
	_, at := hostile(t, under("skills/pdf", pdf(), skillFiles("all", nil)))
	s := newSource(t, git.Options{})
	got, err := s.List(t.Context(), parse(t, at))
	if err != nil || len(got) != 2 || got[0].Name != "all" || got[0].Ref.Subdir != "" || got[1].Ref.Subdir != "skills/pdf" {
		t.Errorf("List = %v, %v", got, err)
	}
}
