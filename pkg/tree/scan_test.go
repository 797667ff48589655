package tree_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/dirhash"
	"pgregory.net/rapid"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/tree"
)

// write puts files, by slash-separated path, into a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func scan(t *testing.T, dir string) *tree.Tree {
	t.Helper()
	got, err := tree.Scan(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func paths(t *tree.Tree) []string {
	var names []string
	for _, f := range t.Files {
		names = append(names, f.Path)
	}
	return names
}

func TestScanIsDirhash(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"one file":        {"SKILL.md": "x"},
		"empty file":      {"SKILL.md": ""},
		"order of bytes":  {"a/b": "1", "a-b": "2", "a": "3 not a folder"}, // "a" is dropped below
		"no ascii":        {"é/ü": "1", "é-": "2", "日本/語.md": "3"},
		"below a buffer":  {"f": strings.Repeat("x", 64<<10-1)},
		"a buffer":        {"f": strings.Repeat("x", 64<<10)},
		"above a buffer":  {"f": strings.Repeat("x", 64<<10+1)},
		"several buffers": {"f": strings.Repeat("0123456789", 64<<10)},
		"odd names":       {" ": "1", "a b": "2", "-": "3", "~": "4", "a\tb": "5"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "order of bytes" {
				delete(files, "a")
			}
			dir := write(t, files)
			if err := os.MkdirAll(filepath.Join(dir, "empty", "folder"), 0o755); err != nil {
				t.Fatal(err)
			}
			want, err := dirhash.HashDir(dir, "", dirhash.Hash1)
			if err != nil {
				t.Fatal(err)
			}
			got := scan(t, dir)
			if string(got.Digest()) != want {
				t.Errorf("digest %s, dirhash says %s", got.Digest(), want)
			}
			size := int64(0)
			for path, text := range files {
				f, ok := got.Lookup(path)
				if !ok || f.Size != int64(len(text)) || f.Mode != 0o644 {
					t.Errorf("Lookup(%q) = %+v, %v", path, f, ok)
				}
				size += f.Size
			}
			if got.Size() != size || len(got.Files) != len(files) {
				t.Errorf("%d files of %d bytes, want %d of %d", len(got.Files), got.Size(), len(files), size)
			}
			if _, ok := got.Lookup("not there"); ok {
				t.Error("Lookup finds what is not there")
			}
		})
	}
}

func TestScanOfManyFiles(t *testing.T) {
	dir := t.TempDir()
	for i := range 100 {
		sub := filepath.Join(dir, fmt.Sprint(i))
		if err := os.Mkdir(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		for j := range 100 {
			name := filepath.Join(sub, fmt.Sprint(j))
			var err error
			if j == 0 {
				err = os.WriteFile(name, []byte{byte(i)}, 0o644)
			} else { // a second name costs less than a second file
				err = os.Link(filepath.Join(sub, "0"), name)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	want, err := dirhash.HashDir(dir, "", dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	got := scan(t, dir)
	if len(got.Files) != 10_000 || string(got.Digest()) != want {
		t.Errorf("%d files with digest %s, want 10000 with %s", len(got.Files), got.Digest(), want)
	}
	if !slices.IsSortedFunc(got.Files, func(a, b tree.File) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("the files are not sorted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tree.Scan(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Litter is exactly what an archive cannot bring: whatever is dropped only here
// or only there would make an installed skill look changed, or hide that it was.
func TestLitterIsWhatArchivesDrop(t *testing.T) {
	files := map[string]string{"SKILL.md": "---\nname: a\ndescription: b\n---\n", "a/b.md": "x"}
	clean := scan(t, write(t, files)).Digest()
	for _, name := range []string{
		".DS_Store", "a/.DS_Store", "._x", "a/._x", "._/x", "__MACOSX/x", "a/__MACOSX/b/x", ".DS_Store/x",
		"Thumbs.db", "desktop.ini", ".ds_store", "__macosx/x", "x._", "_x", ".x", "DS_Store", "a/.hidden", "x~", ".#x", ".gitignore",
	} {
		files := map[string]string{name: "litter?", "SKILL.md": files["SKILL.md"], "a/b.md": "x"}
		dir := write(t, files)
		onDisk := scan(t, dir).Digest()
		want, err := dirhash.HashDir(dir, "", dirhash.Hash1)
		if err != nil {
			t.Fatal(err)
		}
		if string(onDisk) != want && onDisk != clean {
			t.Errorf("%s: the digest is neither with it nor without", name)
		}
		data := zipOf(t, files)
		result, err := archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), nil, archive.Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := result.Tree.Digest(); got != onDisk {
			t.Errorf("%s: an archive with it has tree %s, a folder %s", name, got, onDisk)
		}
	}
}

func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for path, text := range files {
		w, err := z.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestScanOfWhatIsNoFolder(t *testing.T) {
	dir := write(t, map[string]string{"file": "x", "real/SKILL.md": "x"})
	for name, to := range map[string]string{"link": "real", "dangling": "nowhere", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]error{
		"":                                       fs.ErrNotExist,
		filepath.Join(dir, "nothing"):            fs.ErrNotExist,
		filepath.Join(dir, "nothing") + "/":      fs.ErrNotExist,
		filepath.Join(dir, "file"):               fs.ErrInvalid,
		filepath.Join(dir, "link"):               fs.ErrInvalid,
		filepath.Join(dir, "link") + "/":         fs.ErrInvalid,
		filepath.Join(dir, "link") + "/.":        fs.ErrInvalid,
		filepath.Join(dir, "dangling"):           fs.ErrInvalid,
		filepath.Join(dir, "loop"):               fs.ErrInvalid,
		filepath.Join(dir, "real") + "/../link/": fs.ErrInvalid,
	} {
		if _, err := tree.Scan(t.Context(), path); !errors.Is(err, want) {
			t.Errorf("Scan(%q) = %v, want %v", path, err, want)
		}
	}
	if got := paths(scan(t, filepath.Join(dir, "real")+"/")); !slices.Equal(got, []string{"SKILL.md"}) {
		t.Errorf("a folder with a slash behind it has %q", got)
	}
}

func TestLinksAreNoFiles(t *testing.T) {
	dir := write(t, map[string]string{"SKILL.md": "x", "real/a": "1"})
	clean := scan(t, dir).Digest()
	seen := map[digest.Digest]string{clean: "no link"}
	for name, to := range map[string]string{
		"to a file": "SKILL.md", "to a folder": "real", "outside": "/etc/passwd", "dangling": "nowhere", "to itself": "l",
	} {
		link := filepath.Join(dir, "l")
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
		got := scan(t, dir)
		if !slices.Equal(paths(got), []string{"SKILL.md", "l", "real/a"}) {
			t.Errorf("%s: files %q", name, paths(got))
		}
		if other, ok := seen[got.Digest()]; ok {
			t.Errorf("%s: the tree equals that of %s", name, other)
		}
		seen[got.Digest()] = name
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
}

// Whoever publishes a file with the text that stands for a link could otherwise
// have the link pass for the file.
func TestNoContentPassesForALink(t *testing.T) {
	linked := write(t, map[string]string{"SKILL.md": "x"})
	if err := os.Symlink("../secret", filepath.Join(linked, "l")); err != nil {
		t.Fatal(err)
	}
	mode := fs.ModeSymlink
	forged := write(t, map[string]string{"SKILL.md": "x", "l": mode.String() + "\x00../secret"})
	if scan(t, linked).Digest() == scan(t, forged).Digest() {
		t.Error("a file and a link have one digest")
	}
}

// In the digest of a tree a line is a file.
func TestNoNamePassesForTwo(t *testing.T) {
	two := write(t, map[string]string{"a": "1", "b": "2"})
	text := fmt.Sprintf("a\n%x  b", sha256.Sum256([]byte("2")))
	one := t.TempDir()
	if err := os.WriteFile(filepath.Join(one, text), []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := scan(t, one)
	if got.Digest() == scan(t, two).Digest() {
		t.Error("one file with a line break in its name has the digest of two files")
	}
	if len(got.Files) != 1 || strings.Contains(got.Files[0].Path, "\n") {
		t.Errorf("files %q", paths(got))
	}
	if got.Files[0].Mode.IsRegular() {
		t.Error("it passes for a file that can be read by this path")
	}
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "x\ny", "z"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := scan(t, folder); len(got.Files) != 1 {
		t.Errorf("a folder with a line break in its name: %q", paths(got))
	}
}

// What goes away while the folder is read was not there; only the folder itself
// can be missing. An engine that took the error for an empty place would replace
// what stands in it.
func TestScanWhileFilesComeAndGo(t *testing.T) {
	dir := write(t, map[string]string{"SKILL.md": "x", "a/b/stays": "x"})
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for i := range 2 {
		wg.Go(func() {
			sub := filepath.Join(dir, "a", fmt.Sprint("comes", i))
			for {
				select {
				case <-stop:
					return
				default:
				}
				_ = os.Mkdir(sub, 0o755)
				for j := range 8 {
					_ = os.WriteFile(filepath.Join(sub, fmt.Sprint(j)), nil, 0o644)
				}
				_ = os.Symlink("x", filepath.Join(dir, "a", "b", fmt.Sprint("link", i)))
				_ = os.Remove(filepath.Join(dir, "a", "b", fmt.Sprint("link", i)))
				_ = os.RemoveAll(sub)
			}
		})
	}
	for range 100 {
		got, err := tree.Scan(t.Context(), dir)
		if err != nil {
			t.Error(err)
			break
		}
		if _, ok := got.Lookup("a/b/stays"); !ok {
			t.Error("a file that stays is not found")
			break
		}
	}
	close(stop)
	wg.Wait()
}

// However a file grows and shrinks, its size and its sum are those of one string
// of bytes.
func TestScanOfAFileThatGrowsAndShrinks(t *testing.T) {
	dir := write(t, map[string]string{"f": ""})
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		// Of zeros: a read that meets a truncate may see those of the page in the end.
		f, err := os.OpenFile(filepath.Join(dir, "f"), os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = f.Close() }()
		chunk := make([]byte, 50_000)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_, _ = f.Write(chunk[:len(chunk)-i%1000])
			if i%5 == 4 {
				_ = f.Truncate(int64(i % 3 * 1000))
			}
		}
	})
	for range 100 {
		got := scan(t, dir)
		if f := got.Files[0]; f.Sum != sha256.Sum256(make([]byte, f.Size)) {
			t.Errorf("a file of %d bytes has another sum than so many bytes", f.Size)
			break
		}
	}
	close(stop)
	wg.Wait()
}

func TestSumFile(t *testing.T) {
	big := strings.Repeat("x", 200_000)
	dir := write(t, map[string]string{"empty": "", "small": "abc", "buffer": big[:64<<10], "big": big})
	if err := os.Symlink("small", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"empty": "", "small": "abc", "buffer": big[:64<<10], "big": big} {
		got, err := tree.SumFile(filepath.Join(dir, name), int64(len(want)))
		if err != nil || got != sha256.Sum256([]byte(want)) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
		for _, off := range []int64{-1, 1, 100_000} {
			if _, err := tree.SumFile(filepath.Join(dir, name), int64(len(want))+off); !errors.Is(err, digest.ErrSize) {
				t.Errorf("%s with a size that is off by %d: %v, want ErrSize", name, off, err)
			}
		}
	}
	for _, name := range []string{"link", ".", "missing"} {
		if _, err := tree.SumFile(filepath.Join(dir, name), 3); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, name)) {
			t.Errorf("%s: %v, want an error that names it", name, err)
		}
	}
}

func TestDiff(t *testing.T) {
	// Few paths and few contents, so that the trees overlap.
	files := rapid.MapOf(rapid.StringOfN(rapid.RuneFrom([]rune("ab/-é")), 1, 3, -1), rapid.ByteRange(0, 2))
	toTree := func(m map[string]byte) *tree.Tree {
		out := &tree.Tree{}
		for path, b := range m {
			out.Files = append(out.Files, tree.File{Path: path, Sum: [32]byte{b}})
		}
		out.Sort()
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		before, after := files.Draw(t, "before"), files.Draw(t, "after")
		var added, changed, removed []string
		for path, b := range after {
			if old, ok := before[path]; !ok {
				added = append(added, path)
			} else if old != b {
				changed = append(changed, path)
			}
		}
		for path := range before {
			if _, ok := after[path]; !ok {
				removed = append(removed, path)
			}
		}
		want := [][]string{added, changed, removed}
		for _, list := range want {
			slices.Sort(list)
		}
		a, c, r := tree.Diff(toTree(before), toTree(after))
		if diff := cmp.Diff(want, [][]string{a, c, r}); diff != "" {
			t.Errorf("added, changed, removed (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkScan(b *testing.B) {
	dir := b.TempDir()
	for i := range 100 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), bytes.Repeat([]byte("x"), 4000), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tree.Scan(b.Context(), dir); err != nil {
			b.Fatal(err)
		}
	}
}
