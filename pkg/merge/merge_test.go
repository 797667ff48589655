package merge_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/merge"
	"github.com/openskills-go/skills/pkg/tree"
)

// A content is a file of a test: its mode, with a type for what is no file.
type content struct {
	mode fs.FileMode
	text string
}

// side makes a Side in memory. What must not be read fails the test.
func side(t testing.TB, files map[string]content) merge.Side {
	t.Helper()
	var all tree.Tree
	for path, c := range files {
		f := tree.File{Path: path, Mode: c.mode, Size: int64(len(c.text)), Sum: sha256.Sum256([]byte(c.text))}
		if c.mode.Type() != 0 {
			f.Size, f.Sum = 0, sha256.Sum256([]byte("no content has it\x00"+c.text))
		}
		all.Files = append(all.Files, f)
	}
	all.Sort()
	return merge.Side{Files: all.Files, Read: func(path string) ([]byte, error) {
		c, ok := files[path]
		if !ok || c.mode.Type() != 0 {
			t.Errorf("%q is read", path)
			return nil, fs.ErrNotExist
		}
		return []byte(c.text), nil
	}}
}

// result is the tree that m describes, without the paths that have a conflict.
func result(t testing.TB, m *merge.Merged, local, next map[string]content) map[string]content {
	t.Helper()
	all := maps.Clone(next)
	if all == nil {
		all = map[string]content{}
	}
	for _, path := range m.Removed {
		if _, ok := all[path]; !ok {
			t.Errorf("%q is removed, but next has no such file", path)
		}
		delete(all, path)
	}
	for _, f := range m.Files {
		if f.Mode != 0o644 && f.Mode != 0o755 {
			t.Errorf("%q has mode %v", f.Path, f.Mode)
		}
		text := string(f.Content)
		switch f.From {
		case merge.FromLocal:
			text = local[f.Path].text
		case merge.FromNext:
			text = next[f.Path].text
		}
		all[f.Path] = content{f.Mode, text}
	}
	for _, c := range m.Conflicts {
		delete(all, c.Path)
	}
	return all
}

func TestTrees(t *testing.T) {
	data, err := os.ReadFile("testdata/trees.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases := strings.Split(string(data), "\n== ")[1:]
	for _, c := range cases {
		name, body, _ := strings.Cut(c, "\n")
		t.Run(name, func(t *testing.T) { testTrees(t, body) })
	}
	if len(cases) < 50 {
		t.Errorf("there are %d cases: some were not read", len(cases))
	}
}

func testTrees(t *testing.T, body string) {
	trees := map[string]map[string]content{"result": {}}
	want := &merge.Merged{}
	modes := false
	for line := range strings.Lines(body) {
		words := split(t, line)
		if len(words) == 0 {
			continue
		}
		switch verb, rest := words[0], words[1:]; verb {
		case "modes":
			modes = true
		case "pristine", "local", "next", "result":
			trees[verb] = files(t, rest)
		case "removed":
			want.Removed = rest
		case "kept":
			want.Kept = rest
		case "combined":
			want.Combined = rest
		case "conflict":
			c := merge.Conflict{Path: rest[0], Reason: merge.Reason(rest[1])}
			if len(rest) == 3 {
				c.With = rest[2]
			}
			want.Conflicts = append(want.Conflicts, c)
		default:
			t.Fatalf("what is %q?", verb)
		}
	}
	local := side(t, trees["local"])
	local.Modes = modes
	got, err := merge.Three(side(t, trees["pristine"]), local, side(t, trees["next"]))
	if err != nil {
		t.Fatal(err)
	}
	tree := result(t, got, trees["local"], trees["next"])
	if diff := cmp.Diff(trees["result"], tree, cmp.AllowUnexported(content{})); diff != "" {
		t.Errorf("the result (-want +got):\n%s", diff)
	}
	for i, c := range got.Conflicts {
		n, ok := trees["next"][c.Path]
		if ok != (c.Next != nil) || string(c.Next) != n.text {
			t.Errorf("conflict in %q: Next is %q, next has %q", c.Path, c.Next, n.text)
		}
		if readable := c.Reason != merge.ReasonIrregular && c.Reason != merge.ReasonCollides && n.text+trees["local"][c.Path].text != ""; readable != (c.Diff != "") {
			t.Errorf("conflict in %q has diff %q", c.Path, c.Diff)
		}
		got.Conflicts[i].Next, got.Conflicts[i].Diff = nil, ""
	}
	got.Files = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
}

// split cuts a line at blanks, and takes quoted text out of its quotes.
func split(t *testing.T, line string) []string {
	t.Helper()
	var words []string
	word, in := "", false
	for line = strings.TrimSpace(line); line != ""; {
		switch line[0] {
		case ' ':
			if in {
				words = append(words, word)
			}
			word, in, line = "", false, line[1:]
		case '"':
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				t.Fatal(err)
			}
			text, err := strconv.Unquote(quoted)
			if err != nil {
				t.Fatal(err)
			}
			word, in, line = word+text, true, line[len(quoted):]
		default:
			word, in, line = word+line[:1], true, line[1:]
		}
	}
	if in {
		words = append(words, word)
	}
	return words
}

func files(t *testing.T, words []string) map[string]content {
	t.Helper()
	all := map[string]content{}
	for _, w := range words {
		path, text, ok := strings.Cut(w, "=")
		c := content{0o644, text}
		if p, executable := strings.CutSuffix(path, "*"); executable {
			path, c.mode = p, 0o755
		}
		if p, link := strings.CutSuffix(path, "@"); link && !ok {
			path, c.mode = p, fs.ModeSymlink
		}
		all[path] = c
	}
	return all
}

func TestCompare(t *testing.T) {
	pristine := map[string]content{
		"same": {0o644, "1"}, "folded": {0o644, "a\nb\n"}, "partly": {0o644, "a\r\nb\n"}, "modified": {0o644, "1"},
		"blob": {0o644, "\x00\n"}, "deleted": {0o644, "1"}, "link": {0o644, "1"}, "mode": {0o755, "1"}, "cr": {0o644, "a\rb\n"},
	}
	local := map[string]content{
		"same": {0o644, "1"}, "folded": {0o644, "a\r\nb\r\n"}, "partly": {0o644, "a\nb\r\n"}, "modified": {0o644, "2"},
		"blob": {0o644, "\x00\r\n"}, "added": {0o644, "1"}, "link": {fs.ModeSymlink, "/"}, "pipe": {fs.ModeNamedPipe, ""},
		"mode": {0o644, "1"}, "cr": {0o644, "a\nb\n"},
	}
	got, err := merge.Compare(side(t, pristine), side(t, local))
	if err != nil {
		t.Fatal(err)
	}
	want := merge.Edits{
		Modified: []string{"blob", "cr", "link", "modified"}, Added: []string{"added", "pipe"},
		Deleted: []string{"deleted"}, Folded: []string{"folded", "partly"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.None() || !(merge.Edits{Folded: []string{"x"}}).None() {
		t.Error("None is wrong")
	}
}

// What is the same, or cannot differ in line ends alone, is not read: a skill
// that holds a large file costs no more.
func TestReadsLittle(t *testing.T) {
	pristine := map[string]content{"same": {0o644, "1"}, "gone": {0o644, "1"}, "grown": {0o644, "1"}, "big": {0o644, "1\n"}}
	local := map[string]content{
		"same": {0o644, "1"}, "new": {0o644, "1"}, "grown": {0o644, "123"}, "big": {0o644, strings.Repeat("x", merge.MaxText+1)},
	}
	next := maps.Clone(pristine)
	next["same"] = content{0o644, "2"}
	var sides []merge.Side
	for _, s := range []map[string]content{pristine, local, next} {
		one := side(t, s)
		one.Read = func(path string) ([]byte, error) {
			t.Errorf("%s is read", path)
			return nil, fs.ErrNotExist
		}
		sides = append(sides, one)
	}
	if _, err := merge.Compare(sides[0], sides[1]); err != nil {
		t.Error(err)
	}
	if _, err := merge.Three(sides[0], sides[1], sides[2]); err != nil {
		t.Error(err)
	}
}

func TestLargeTexts(t *testing.T) {
	var all strings.Builder
	for i := range merge.MaxText / 1024 {
		fmt.Fprintf(&all, "%1023d\n", i)
	}
	most, less := all.String(), all.String()[1024:]
	pristine := map[string]content{"most": {0o644, "1\n" + less}, "more": {0o644, most}}
	local := map[string]content{"most": {0o644, "2\n" + less}, "more": {0o644, "1\n" + most}}
	next := map[string]content{"most": {0o644, "1\n" + less + "2\n"}, "more": {0o644, most + "2\n"}}
	got, err := merge.Three(side(t, pristine), side(t, local), side(t, next))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Combined, []string{"most"}) || len(got.Conflicts) != 1 {
		t.Fatalf("combined %q, %d conflicts", got.Combined, len(got.Conflicts))
	}
	c := got.Conflicts[0]
	if c.Path != "more" || c.Reason != merge.ReasonLarge || string(c.Next) != next["more"].text ||
		c.Diff != "Binary files a/more and b/more differ\n" {
		t.Errorf("conflict in %s: %s, next of %d bytes, diff %.80q", c.Path, c.Reason, len(c.Next), c.Diff)
	}
}

func TestErrors(t *testing.T) {
	one := map[string]content{"a": {0o644, "1\n"}}
	two := map[string]content{"a": {0o644, "2\n"}}
	three := map[string]content{"a": {0o644, "3\n"}}
	for name, c := range map[string]struct {
		change func(*merge.Side)
		want   error
	}{
		"a file that changed since":   {func(s *merge.Side) { s.Read = func(string) ([]byte, error) { return []byte("9\n"), nil } }, merge.ErrChanged},
		"a file that went away":       {func(s *merge.Side) { s.Read = func(string) ([]byte, error) { return nil, fs.ErrNotExist } }, fs.ErrNotExist},
		"a file that is listed twice": {func(s *merge.Side) { s.Files = append(s.Files, s.Files...) }, fs.ErrInvalid},
		"files out of order": {func(s *merge.Side) {
			s.Files = append(s.Files, tree.File{Path: "A"})
		}, fs.ErrInvalid},
	} {
		for at := range 3 {
			sides := []merge.Side{side(t, one), side(t, two), side(t, three)}
			c.change(&sides[at])
			if got, err := merge.Three(sides[0], sides[1], sides[2]); !errors.Is(err, c.want) || got != nil {
				t.Errorf("%s on side %d: Three = %v, %v", name, at, got, err)
			}
			if at == 2 {
				continue
			}
			if got, err := merge.Compare(sides[0], sides[1]); !errors.Is(err, c.want) || !got.None() {
				t.Errorf("%s on side %d: Compare = %v, %v", name, at, got, err)
			}
		}
	}
}

func Example() {
	pristine := map[string]string{"SKILL.md": "# PDF\n* Use pdftotext.\n* Be brief.\n", "old.sh": "exit\n"}
	local := map[string]string{"SKILL.md": "# PDF\n* Use pdftotext.\n* Be brief, in French.\n", "old.sh": "exit\n", "mine.md": "x\n"}
	next := map[string]string{"SKILL.md": "# PDF files\n* Use pdftotext.\n* Be brief.\n"}

	m, err := merge.Three(inMemory(pristine), inMemory(local), inMemory(next))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("kept", m.Kept, "combined", m.Combined, "conflicts", len(m.Conflicts))
	for _, f := range m.Files {
		if f.From == merge.FromBoth {
			fmt.Print(merge.Unified("a/"+f.Path, "b/"+f.Path, []byte(next[f.Path]), f.Content))
		}
	}
	// Output:
	// kept [mine.md] combined [SKILL.md] conflicts 0
	// --- a/SKILL.md
	// +++ b/SKILL.md
	// @@ -1,3 +1,3 @@
	//  # PDF files
	//  * Use pdftotext.
	// -* Be brief.
	// +* Be brief, in French.
}

func inMemory(files map[string]string) merge.Side {
	var s merge.Side
	for _, path := range slices.Sorted(maps.Keys(files)) {
		text := files[path]
		s.Files = append(s.Files, tree.File{Path: path, Mode: 0o644, Size: int64(len(text)), Sum: sha256.Sum256([]byte(text))})
	}
	s.Read = func(path string) ([]byte, error) { return []byte(files[path]), nil }
	return s
}
