package archive_test

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/archive/archivetest"
	"github.com/openskills-go/skills/pkg/digest"
)

// FuzzUnpack unpacks anything into a folder inside a folder. Whatever the bytes
// are, nothing may be outside, no limit may be passed, no link may be left; and
// what was accepted must come out the same after packing it.
func FuzzUnpack(f *testing.F) {
	for _, v := range archivetest.Vectors(f, "../../testdata/archive") {
		if strings.HasPrefix(v.Name, "limits/") {
			continue // these are slow to build, and the limits are others here
		}
		if data := archivetest.Build(f, v.Recipe); len(data) < 8<<10 {
			f.Add(data)
		}
	}
	limits := archive.Limits{Unpacked: 1 << 20, File: 600_000, Entries: 50, TarHeaders: 100_000}
	f.Fuzz(func(t *testing.T, data []byte) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		result, err := unpackInto(t.Context(), data, dir, archive.Options{Limits: limits})
		if all, _ := os.ReadDir(outer); len(all) != 1 {
			t.Fatalf("something was written outside: %v", all)
		}
		total, count := int64(0), 0
		for path, file := range readWritten(t, dir, err == nil) {
			total, count = total+int64(len(file.content)), count+1
			if len(file.content) > 600_000 {
				t.Errorf("%s has %d bytes", path, len(file.content))
			}
			if file.mode != "-rw-r--r--" && file.mode != "-rwxr-xr-x" {
				t.Errorf("%s has mode %s", path, file.mode)
			}
		}
		if total > 1<<20 || count > 50 {
			t.Fatalf("wrote %d files with %d bytes", count, total)
		}
		if err != nil {
			if !errors.Is(err, archive.ErrRefused) {
				t.Fatalf("error that is not a refusal: %v", err)
			}
			checkMessage(t, err)
			return
		}
		checkRoundTrip(t, dir, result)
	})
}

// readWritten is readTree; after a failure a folder may be empty.
func readWritten(t *testing.T, dir string, complete bool) map[string]diskFile {
	t.Helper()
	if complete {
		return readTree(t, dir)
	}
	files := map[string]diskFile{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		files[path] = diskFile{info.Mode().String(), string(content)}
		return err
	})
	if err != nil {
		t.Errorf("read what was written: %v", err)
	}
	return files
}

func checkRoundTrip(t *testing.T, dir string, result *archive.Result) {
	t.Helper()
	var packed bytes.Buffer
	p, err := archive.Pack(t.Context(), &packed, os.DirFS(dir))
	if err != nil {
		t.Fatalf("Pack of what Unpack accepted: %v", err)
	}
	again, err := archive.Unpack(t.Context(), bytes.NewReader(packed.Bytes()), int64(packed.Len()), nil, archive.Options{})
	if err != nil {
		t.Fatalf("Unpack of what Pack wrote: %v", err)
	}
	want := result.Tree.Digest()
	if got := p.Tree.Digest(); got != want {
		t.Errorf("packed tree %s, want %s", got, want)
	}
	if got := again.Tree.Digest(); got != want {
		t.Errorf("unpacked tree %s, want %s", got, want)
	}
	if !slices.Equal(again.Tree.Files, result.Tree.Files) {
		t.Errorf("modes or sizes changed: %v, want %v", again.Tree.Files, result.Tree.Files)
	}
}

// FuzzPack, as a fuzz target, has the fuzzer choose the trees of TestPackIsReproducible.
func FuzzPack(f *testing.F) {
	f.Add([]byte("seed"))
	f.Fuzz(rapid.MakeFuzz(packIsReproducible))
}

func TestPackIsReproducible(t *testing.T) {
	rapid.Check(t, packIsReproducible)
}

// packIsReproducible says that equal trees make equal bytes, whatever order, times
// and working memory they come with, and that they come out as they went in.
func packIsReproducible(t *rapid.T) {
	// With the f, none is a name that Windows reserves.
	name := rapid.StringMatching(`f[a-z]{0,7}(/f[a-z]{0,4}é?\.md)?`)
	content := rapid.SliceOfN(rapid.Byte(), 0, 3000)
	files := rapid.MapOfN(name, content, 0, 8).Draw(t, "files")
	for path := range files {
		if dir := filepath.Dir(path); dir != "." {
			delete(files, dir) // cannot be both
		}
	}
	files["SKILL.md"] = []byte("# " + rapid.String().Draw(t, "text"))
	first := pack(t, files)
	pack(t, map[string][]byte{"SKILL.md": []byte("another"), "x": make([]byte, 100_000)})
	if second := pack(t, maps.Clone(files)); !bytes.Equal(first, second) {
		t.Fatalf("two packs of one tree differ")
	}
	result, err := archive.Unpack(t.Context(), bytes.NewReader(first), int64(len(first)), nil, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Tree.Files) != len(files) {
		t.Fatalf("%d files became %d", len(files), len(result.Tree.Files))
	}
	for _, file := range result.Tree.Files {
		if digest.FromSum(file.Sum) != digest.Of(files[file.Path]) {
			t.Fatalf("%s changed", file.Path)
		}
	}
}

func pack(t *rapid.T, files map[string][]byte) []byte {
	var b bytes.Buffer
	if _, err := archive.PackFiles(t.Context(), &b, files); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzDetect says that Detect knows no more than three formats and always says
// something short.
func FuzzDetect(f *testing.F) {
	for _, head := range []string{"", "PK\x03\x04", "\x1f\x8b\x08", "<html>", "{", "---\n", "\xef\xbb\xbf", "\x7fELF", "caf\xc3", "MZ"} {
		f.Add([]byte(head))
	}
	f.Add(archivetest.Build(f, "tar\nskill\nkeep 512"))
	f.Fuzz(func(t *testing.T, head []byte) {
		format, err := archive.Detect(head)
		if (err == nil) != (format >= archive.Zip && format <= archive.TarGz) {
			t.Fatalf("format %v, error %v", format, err)
		}
		if err != nil {
			checkMessage(t, err)
		}
	})
}
