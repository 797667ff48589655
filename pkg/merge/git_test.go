package merge_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/merge"
)

// git runs git in dir, without the settings of whoever runs the test.
func git(t *testing.T, dir string, args ...string) (stdout string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() > 127 || exit.ExitCode() < 0) {
		t.Fatalf("git %q: %v\n%s", args, err, errs.String())
	}
	return string(out) + errs.String(), cmd.ProcessState.ExitCode()
}

// threeTexts merges one file, and returns false for a conflict.
func threeTexts(t testing.TB, base, local, next string) (string, bool) {
	t.Helper()
	one := func(text string) map[string]content { return map[string]content{"f": {0o644, text}} }
	m, err := merge.Three(side(t, one(base)), side(t, one(local)), side(t, one(next)))
	if err != nil {
		t.Fatal(err)
	}
	return result(t, m, one(local), one(next))["f"].text, len(m.Conflicts) == 0
}

// Where git sees a conflict there is one, and where both merge, the bytes are
// equal. We see a conflict where git merges only if lines repeat: seldom in a
// text of paragraphs, often in one that has few different lines.
func TestLikeGit(t *testing.T) {
	for name, c := range map[string]struct {
		text   func(*rand.Rand) []string
		change func(*rand.Rand, []string) []string
		strict int // how many of a hundred that git merges we may refuse
	}{
		"paragraphs":       {paragraphs, changeParagraphs, 10},
		"different lines":  {lines(1_000_000), change(1_000_000), 0},
		"some lines twice": {lines(60), change(60), 25},
		"three lines":      {lines(3), change(3), 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, uint64(len(name))))
			dir := t.TempDir()
			merged, refused := 0, 0
			for range 60 {
				base := c.text(r)
				texts := [3]string{}
				for i, l := range [][]string{base, c.change(r, base), c.change(r, base)} {
					texts[i] = strings.Join(l, "")
					if r.IntN(6) == 0 {
						texts[i] = strings.TrimSuffix(texts[i], "\n")
					}
					if err := os.WriteFile(filepath.Join(dir, "bln"[i:i+1]), []byte(texts[i]), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, conflicts := git(t, dir, "merge-file", "-p", "-q", "l", "b", "n")
				got, ok := threeTexts(t, texts[0], texts[1], texts[2])
				switch {
				case conflicts > 0 && ok:
					t.Errorf("git sees a conflict, we none\nbase  %q\nlocal %q\nnext  %q\ngot   %q", texts[0], texts[1], texts[2], got)
				case conflicts > 0:
				case !ok:
					merged++
					refused++
				default:
					merged++
					if got != want {
						t.Errorf("other bytes than git\nbase  %q\nlocal %q\nnext  %q\ngot   %q\nwant  %q", texts[0], texts[1], texts[2], got, want)
					}
				}
			}
			if merged < 15 {
				t.Errorf("git merges %d: the test proves little", merged)
			}
			if refused*100 > c.strict*merged {
				t.Errorf("git merges %d, of which we refuse %d", merged, refused)
			}
		})
	}
}

func line(r *rand.Rand, different int) string { return fmt.Sprintf("%d\n", r.IntN(different)) }

func lines(different int) func(*rand.Rand) []string {
	return func(r *rand.Rand) []string {
		var all []string
		for range r.IntN(20) {
			all = append(all, line(r, different))
		}
		return all
	}
}

func change(different int) func(*rand.Rand, []string) []string {
	return func(r *rand.Rand, all []string) []string {
		all = slices.Clone(all)
		for range r.IntN(3) {
			at := r.IntN(len(all) + 1)
			if r.IntN(2) == 0 {
				all = slices.Delete(all, at, min(len(all), at+1+r.IntN(2)))
			}
			if r.IntN(2) == 0 {
				at = min(at, len(all))
				for range 1 + r.IntN(2) {
					all = slices.Insert(all, at, line(r, different))
				}
			}
		}
		return all
	}
}

func paragraphs(r *rand.Rand) []string {
	var all []string
	for range 3 + r.IntN(6) {
		all = append(all, paragraph(r)...)
	}
	return all
}

func paragraph(r *rand.Rand) []string {
	var all []string
	for range 1 + r.IntN(3) {
		all = append(all, line(r, 1_000_000))
	}
	if r.IntN(5) == 0 {
		all = append(all, "```\n", line(r, 1_000_000), "```\n")
	}
	return append(all, "\n")
}

func changeParagraphs(r *rand.Rand, all []string) []string {
	all = slices.Clone(all)
	for range 1 + r.IntN(3) {
		at := r.IntN(len(all))
		switch r.IntN(5) {
		case 0: // a paragraph goes
			if i := slices.Index(all[at:], "\n"); i >= 0 && i+1 < len(all) {
				all = slices.Delete(all, at, at+i+1)
			}
		case 1: // or comes, before an empty line or behind it
			if i := slices.Index(all[at:], "\n"); i >= 0 {
				p := paragraph(r)
				if r.IntN(2) == 0 {
					p = append([]string{"\n"}, p[:len(p)-1]...)
				} else {
					i++
				}
				all = slices.Insert(all, at+i, p...)
			}
		case 2:
			all = slices.Insert(all, at, line(r, 1_000_000))
		case 3:
			if len(all) > 1 {
				all = slices.Delete(all, at, at+1)
			}
		default:
			all[at] = line(r, 1_000_000)
		}
	}
	return all
}

// What Unified writes is what git apply reads, in one patch of many files.
func TestGitApplies(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	dir := t.TempDir()
	var patch strings.Builder
	want := map[string]string{}
	add := func(path, from, to string) {
		t.Helper()
		if from != "" {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, path), []byte(from), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		oldName, newName := "a/"+path, "b/"+path
		if from == "" {
			oldName = "/dev/null"
		}
		if to == "" {
			newName = "/dev/null"
		}
		diff := merge.Unified(oldName, newName, []byte(from), []byte(to))
		if (diff == "") != (from == to) {
			t.Errorf("%q to %q: diff is %q", from, to, diff)
		}
		patch.WriteString(diff)
		want[path] = to
	}
	for i := range 300 {
		kind := []func(*rand.Rand) []string{paragraphs, lines(1_000_000), lines(3)}[r.IntN(3)]
		before := kind(r)
		from, to := strings.Join(before, ""), strings.Join(change(3)(r, before), "")
		switch r.IntN(8) {
		case 0:
			from = ""
		case 1:
			to = ""
		case 2:
			from = strings.TrimSuffix(from, "\n")
		case 3:
			to = strings.TrimSuffix(to, "\n")
		case 4:
			from = strings.ReplaceAll(from, "\n", "\r\n")
		case 5:
			to = strings.ReplaceAll(to, "\n", "\r\n")
		}
		add(fmt.Sprintf("random/%d", i), from, to)
	}
	for i, name := range []string{
		"with space", "tab\there", `back\slash`, `"quoted"`, "é/ü", "line\nbreak", "-dash", "a b/c d", "\x01", "ends in space ", "+++ b", "new\u0085line",
	} {
		add(fmt.Sprintf("names %d/%s", i, name), "1\n2\n", "1\n3\n")
	}
	for i, text := range []string{"-- a\n", "++ b\n", "@@ -1 +1 @@\n", "\\ No newline at end of file\n", "diff --git a/x b/x\n", "\ufeff\n", "\r", "\r\r\n", "\n\n\n", " ", "\x0c\n"} {
		add(fmt.Sprintf("texts/%d", i), "1\n", text)
		add(fmt.Sprintf("texts/%d-back", i), text, "1\n")
		add(fmt.Sprintf("texts/%d-more", i), text, text+"1\n")
	}
	file := filepath.Join(t.TempDir(), "patch")
	if err := os.WriteFile(file, []byte(patch.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, code := git(t, dir, "apply", "--whitespace=nowarn", "-p1", file); code != 0 {
		t.Fatalf("git apply: %d\n%s", code, out)
	}
	for path, text := range want {
		got, err := os.ReadFile(filepath.Join(dir, path))
		if text == "" && errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil || string(got) != text {
			t.Errorf("%q holds %q, want %q (%v)", path, got, text, err)
		}
	}
}
