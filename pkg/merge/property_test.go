package merge_test

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/openskills-go/skills/pkg/merge"
)

// Few paths and texts, so that the same ones meet: among them a file that is a
// folder elsewhere, names that differ in case, and texts that merge, that differ
// in line ends and that are binary.
func trees(irregular bool) *rapid.Generator[map[string]content] {
	paths := rapid.SampledFrom([]string{"a", "A", "a/b", "b", "b/a", "c", "d.md"})
	texts := rapid.SampledFrom([]string{
		"", "1\n2\n3\n4\n5\n", "1\r\n2\r\n3\r\n4\r\n5\r\n", "one\n2\n3\n4\n5\n", "1\n2\n3\n4\nfive\n", "one\n2\n3\n4\nfive\n",
		"one\r\n2\r\n3\r\n4\r\n5\r\n", "1\n2\n3\n4\n5", "\x00", "\x00\r\n", "\x00\n", "x", "1\n2\nthree\n4\n5\n",
	})
	modes := []fs.FileMode{0o644, 0o755}
	if irregular {
		modes = append(modes, fs.ModeSymlink)
	}
	return rapid.Custom(func(t *rapid.T) map[string]content {
		all := map[string]content{}
		for _, path := range rapid.SliceOfN(paths, 0, 5).Draw(t, "paths") {
			if c := (content{rapid.SampledFrom(modes).Draw(t, "mode"), texts.Draw(t, "text")}); fits(all, path) {
				all[path] = c
			}
		}
		return all
	})
}

// fits reports whether path can be beside the others on a file system that
// tells upper from lower case.
func fits(all map[string]content, path string) bool {
	for other := range all {
		if strings.HasPrefix(other, path+"/") || strings.HasPrefix(path, other+"/") {
			return false
		}
	}
	return true
}

// published reports whether an archive can have these paths at once.
func published(all map[string]content) bool {
	lower := map[string]content{}
	for path, c := range all {
		if _, ok := lower[strings.ToLower(path)]; ok || !fits(lower, strings.ToLower(path)) {
			return false
		}
		lower[strings.ToLower(path)] = c
	}
	return true
}

func three(t *rapid.T, tb testing.TB, pristine, local, next map[string]content) *merge.Merged {
	m, err := merge.Three(side(tb, pristine), side(tb, local), side(tb, next))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAnUnchangedSideChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p, x := trees(false).Filter(published).Draw(rt, "pristine"), trees(false).Filter(published).Draw(rt, "other")
		for path, c := range p { // modes are not what this is about
			p[path] = content{0o644, c.text}
		}
		for path, c := range x {
			x[path] = content{0o644, c.text}
		}
		m := three(rt, t, p, p, x)
		if diff := cmp.Diff(&merge.Merged{}, m); diff != "" {
			rt.Fatalf("nothing was edited (-want +got):\n%s", diff)
		}
		m = three(rt, t, p, x, p)
		if len(m.Conflicts) > 0 {
			// Only case can be in the way, of a file that was in p too.
			rt.Fatalf("next is pristine: %+v", m.Conflicts)
		}
		got, want := result(t, m, x, p), maps.Clone(x)
		for path, c := range want { // but for line ends, which are no edit
			if before, ok := p[path]; ok && unix(before.text) == unix(c.text) && !strings.Contains(c.text, "\x00") {
				want[path] = before
			}
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(content{})); diff != "" {
			rt.Fatalf("next is pristine (-want +got):\n%s", diff)
		}
	})
}

func unix(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// Nothing that was modified or added is lost: it is in the result or there is a
// conflict; and each path has one fate.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p, n := trees(false).Filter(published).Draw(rt, "pristine"), trees(false).Filter(published).Draw(rt, "next")
		l := trees(true).Draw(rt, "local")
		m := three(rt, t, p, l, n)
		edits, err := merge.Compare(side(t, p), side(t, l))
		if err != nil {
			rt.Fatal(err)
		}
		fate := map[string]int{}
		for _, c := range m.Conflicts {
			fate[c.Path]++
		}
		for _, f := range m.Files {
			fate[f.Path]++
		}
		for _, path := range m.Removed {
			fate[path]++
		}
		for path, times := range fate {
			if times != 1 {
				rt.Fatalf("%s is in %d lists", path, times)
			}
		}
		got := result(t, m, l, n)
		inConflict := func(path string) bool {
			return slices.ContainsFunc(m.Conflicts, func(c merge.Conflict) bool { return c.Path == path })
		}
		for _, path := range slices.Concat(edits.Modified, edits.Added) {
			if inConflict(path) || slices.Contains(m.Combined, path) {
				continue
			}
			if unix(got[path].text) != unix(l[path].text) || l[path].mode.Type() != 0 {
				rt.Fatalf("%s was %q here, is %q, and there is no conflict", path, l[path].text, got[path].text)
			}
		}
		for _, path := range edits.Deleted {
			if _, back := got[path]; back {
				rt.Fatalf("%s was deleted here, and is back", path)
			}
		}
		for path, c := range n {
			if _, ok := got[path]; !ok && !inConflict(path) && !slices.Contains(m.Removed, path) {
				rt.Fatalf("%s of next (%q) is lost", path, c.text)
			}
		}
		if len(m.Conflicts) == 0 && published(l) && published(n) && !published(got) {
			// What is left are two local names that pristine and next have no part in.
			rt.Fatalf("the result cannot be in one folder everywhere: %q", slices.Sorted(maps.Keys(got)))
		}
	})
}

// Whether texts conflict does not depend on which is whose, nor does the merge.
func TestSymmetric(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 30), 0, 12).Draw(t, "lines") {
			fmt.Fprintf(&b, "%d\n", n)
		}
		return b.String()
	})
	rapid.Check(t, func(rt *rapid.T) {
		symmetric(t, text.Draw(rt, "base"), text.Draw(rt, "local"), text.Draw(rt, "next"))
	})
}

func symmetric(t testing.TB, base, local, next string) {
	t.Helper()
	x, ok1 := threeTexts(t, base, local, next)
	y, ok2 := threeTexts(t, base, next, local)
	if ok1 != ok2 || unix(x) != unix(y) {
		t.Errorf("base %q, %q, %q: merged %v to %q, the other way %v to %q", base, local, next, ok1, x, ok2, y)
	}
}

// FuzzTexts merges any three texts: no line comes from nowhere, either order
// tells the same, and the diff of two texts makes the one of the other.
func FuzzTexts(f *testing.F) {
	for _, texts := range [][3]string{
		{"1\n2\n3\n4\n5\n", "one\n2\n3\n4\n5\n", "1\n2\n3\n4\nfive\n"},
		{"1\r\n2\n", "1\n2\r\n", "\ufeff1\n2"},
		{"a\nb\nb\nc", "a\nb\nb\nb\nc", "b\nb\nc\n"},
		{"\r\r\n", "\r\n", "\n"},
		{"", "\x00", "\xff"},
	} {
		f.Add(texts[0], texts[1], texts[2])
	}
	f.Fuzz(func(t *testing.T, base, local, next string) {
		got, ok := threeTexts(t, base, local, next)
		if ok {
			for line := range strings.Lines(got) {
				line = strings.TrimRight(line, "\r\n")
				if !strings.Contains(base, line) && !strings.Contains(local, line) && !strings.Contains(next, line) {
					t.Errorf("base %q, local %q, next %q: line %q comes from nowhere", base, local, next, line)
				}
			}
		}
		symmetric(t, base, local, next)
		if diff := merge.Unified("a/f", "b/f", []byte(local), []byte(next)); merge.Text([]byte(local)) && merge.Text([]byte(next)) && diff != "" {
			if made := patched(t, local, diff); made != next {
				t.Errorf("the diff from %q to %q makes %q:\n%s", local, next, made, diff)
			}
		}
	})
}

// patched applies a unified diff, strictly.
func patched(t *testing.T, text, diff string) string {
	t.Helper()
	old, out := slices.Collect(strings.Lines(text)), ""
	at := 0
	hunks := slices.Collect(strings.Lines(diff))[2:]
	for i, line := range hunks {
		body := line[1:]
		if i+1 < len(hunks) && hunks[i+1][0] == '\\' {
			body = strings.TrimSuffix(body, "\n")
		}
		switch line[0] {
		case '@':
			var from int
			if _, err := fmt.Sscanf(line, "@@ -%d", &from); err != nil {
				t.Fatal(err)
			}
			for ; at < from-1; at++ {
				out += old[at]
			}
		case ' ', '-':
			if at >= len(old) || old[at] != body {
				t.Fatalf("%q: line %d is not %q:\n%s", text, at, body, diff)
			}
			at++
			if line[0] == ' ' {
				out += body
			}
		case '+':
			out += body
		}
	}
	return out + strings.Join(old[at:], "")
}
