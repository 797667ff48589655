package budget

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTokens(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, " \n\t": 0, "a": 1, "word": 1, "two words": 2,
		strings.Repeat("a", 12): 1, strings.Repeat("a", 13): 2, strings.Repeat("a", 19): 3,
		"1": 1, "2024": 2, "v1.2.3": 6, "a-b": 3, "----": 1, "-----": 2,
		"naïve": 1, "读取和填写": 4, "ファイル": 4, "파일을": 3, "документ": 4, "🚀": 1, "\xff": 1, "a\u3000b": 3,
		strings.Repeat("=", 400): 100,
	} {
		if got := Tokens(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A folder of an agent holds what people put there.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "pdf", "SKILL.md"), "---\nname: pdf\ndescription: Reads them.\n---\nBody.\n")
	write(t, filepath.Join(dir, "nameless", "SKILL.md"), "---\ndescription: Has none.\n---\n")
	write(t, filepath.Join(dir, "broken", "SKILL.md"), "no front matter")
	write(t, filepath.Join(dir, "folder", "SKILL.md", "x"), "")
	write(t, filepath.Join(dir, "large", "SKILL.md"), "---\nname: large\ndescription: "+strings.Repeat("x", 2<<20)+"\n---\n")
	write(t, filepath.Join(dir, "none", "README.md"), "no skill")
	write(t, filepath.Join(dir, "file"), "no folder")
	write(t, filepath.Join(dir, ".skills-staging-x", "SKILL.md"), "---\nname: no\ndescription: No.\n---\n")
	skills, faults, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []Skill{{filepath.Join(dir, "nameless"), "nameless", "Has none."}, {filepath.Join(dir, "pdf"), "pdf", "Reads them."}}
	if diff := cmp.Diff(want, skills); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var bad []string
	for _, f := range faults {
		bad = append(bad, filepath.Base(f.Path))
	}
	if diff := cmp.Diff([]string{"broken", "folder", "large"}, bad); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if s, f, err := Read(filepath.Join(dir, "missing")); len(s)+len(f) > 0 || err != nil {
		t.Errorf("of a folder that is not there: %v, %v, %v", s, f, err)
	}
	if _, _, err := Read(filepath.Join(dir, "file")); err == nil {
		t.Error("of a file: no error")
	}
}

func TestLimits(t *testing.T) {
	none := func(string) string { return "" }
	claude, ok := LimitOf("claude-code", none)
	if !ok || claude.Most != 8000 {
		t.Fatalf("claude-code: %+v", claude)
	}
	// "- a: ", the newline, and 1,536 of the 2,000 characters, two bytes each.
	long := []Skill{{Path: "/s/a", Name: "a", Description: strings.Repeat("é", 2000)}}
	if got := claude.Used(long); got != 1536+6 {
		t.Errorf("claude-code counts %d", got)
	}
	codex, _ := LimitOf("codex", none)
	line := "- a: " + strings.Repeat("é", 1024) + " (file: " + filepath.Join("/s/a", "SKILL.md") + ")\n"
	if got := codex.Used(long); got != (len(line)+3)/4 {
		t.Errorf("codex counts %d", got)
	}
	if got := claude.Used(nil); got != 0 {
		t.Errorf("nothing counts %d", got)
	}
	if _, ok := LimitOf("nobody", none); ok {
		t.Error("nobody has a limit")
	}
	for text, want := range map[string]int{"15000": 15000, "x": 8000, "-1": 8000, "0": 8000} {
		if l, _ := LimitOf("claude-code", func(string) string { return text }); l.Most != want {
			t.Errorf("with %q: %d, want %d", text, l.Most, want)
		}
	}
}
