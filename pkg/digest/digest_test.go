package digest_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/mod/sumdb/dirhash"
	"pgregory.net/rapid"

	"github.com/openskills-go/skills/pkg/digest"
)

const (
	emptySHA256 = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	treeH1      = "h1:l9YoCufJAl0h8wbcf5mjtNkjByB3kN//3fNDuCE683c="
)

func TestParse(t *testing.T) {
	for _, s := range []string{emptySHA256, treeH1} {
		d, err := digest.Parse(s)
		if err != nil || string(d) != s {
			t.Errorf("Parse(%q) = %q, %v", s, d, err)
		}
	}
	value := strings.TrimPrefix(emptySHA256, "sha256:")
	base64 := strings.TrimPrefix(treeH1, "h1:")
	for name, s := range map[string]string{
		"nothing":                  "",
		"no algorithm":             value,
		"no value":                 "sha256:",
		"an unknown algorithm":     "sha512:" + value + value,
		"an algorithm in capitals": "SHA256:" + value,
		"hex in capitals":          "sha256:" + strings.ToUpper(value),
		"a digit short":            "sha256:" + value[1:],
		"a byte long":              "sha256:" + value + "00",
		"no hex":                   "sha256:" + strings.Repeat("g", 64),
		"white space":              " sha256:" + value,
		"a newline":                "sha256:" + value + "\n",
		"base64 for sha256":        "sha256:" + base64,
		"hex for h1":               "h1:" + value,
		"no padding":               "h1:" + strings.TrimSuffix(base64, "="),
		"a newline in base64":      "h1:" + base64[:20] + "\n" + base64[20:],
		"the URL alphabet":         "h1:" + strings.ReplaceAll(base64, "/", "_"),
		"bits after the end":       "h1:" + strings.Replace(base64, "3c=", "3d=", 1),
		"a short tree":             "h1:AAAA",
		"a path":                   "../../etc/passwd",
	} {
		if d, err := digest.Parse(s); !errors.Is(err, digest.ErrInvalid) || d != "" {
			t.Errorf("%s: Parse(%q) = %q, %v", name, s, d, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{emptySHA256, treeH1, "", "sha256:", "h1:", "h1:AAAA", strings.ToUpper(emptySHA256), treeH1 + "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := digest.Parse(s)
		if err != nil {
			if !errors.Is(err, digest.ErrInvalid) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		// There is one spelling, of one length, safe as a file name part.
		hex, ok := strings.CutPrefix(s, "sha256:")
		if string(d) != s || ok != (d.Hex() != "") || ok && (len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "") || !ok && len(s) != len(treeH1) {
			t.Errorf("%q is accepted as %q", s, d)
		}
	})
}

func TestParts(t *testing.T) {
	d := digest.Of(nil)
	if d != emptySHA256 {
		t.Errorf("Of(nothing) = %s", d)
	}
	if d.Hex() != strings.TrimPrefix(emptySHA256, "sha256:") || d.Short() != "e3b0c44298fc" {
		t.Errorf("%s has hex %s, short %s", d, d.Hex(), d.Short())
	}
	if d := digest.Digest(treeH1); d.Hex() != "" || d.Short() != "l9YoCufJAl0h" {
		t.Errorf("%s has hex %q, short %s", d, d.Hex(), d.Short())
	}
	if d := digest.Digest(""); d.Hex() != "" || d.Short() != "" {
		t.Errorf("no digest has hex %q, short %q", d.Hex(), d.Short())
	}
}

func TestHasher(t *testing.T) {
	h := digest.NewHasher()
	for _, s := range []string{"a", "", "bc"} {
		if n, err := h.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
		h.Digest() // asking does not disturb
	}
	if got, want := h.Digest(), digest.Of([]byte("abc")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	h.Reset()
	if h.Digest() != emptySHA256 {
		t.Errorf("Reset has kept something: %s", h.Digest())
	}
}

// What a shell makes of the same two files:
// find . -type f | sed 's,^[.]/,,' | LC_ALL=C sort | xargs sha256sum | sha256sum
func TestOfTreeVector(t *testing.T) {
	files := []digest.File{
		file("scripts/run.sh", "#!/bin/sh\necho hi\n"),
		file("SKILL.md", "---\nname: x\ndescription: y\n---\n"),
	}
	const want = "h1:iZJm4PBu43vpjW522WVaP75fFriM1XAp5EYMofOD/bM="
	if got := digest.OfTree(files); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func file(path, content string) digest.File {
	return digest.File{Path: path, Sum: sha256.Sum256([]byte(content))}
}

// For any tree the digest is that of dirhash, whatever order its files come in.
func TestOfTreeOracle(t *testing.T) {
	paths := rapid.OneOf(
		rapid.StringMatching(`[A-Za-z0-9. _-]{1,8}(/[A-Za-z0-9.é技-]{1,8}){0,3}`),
		rapid.SampledFrom([]string{"SKILL.md", "a", "a/b", "a.b", "a-b", "a b", "Z", "é", "e\u0301", "\U0001f984", "\uffff"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		tree := rapid.MapOfN(paths, rapid.SliceOfN(rapid.Byte(), 0, 40), 0, 12).Draw(t, "tree")
		var names []string
		var files []digest.File
		for name, content := range tree {
			names = append(names, name)
			files = append(files, digest.File{Path: name, Sum: sha256.Sum256(content)})
		}
		want, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(tree[name])), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(files)
		if got := digest.OfTree(files); string(got) != want {
			t.Fatalf("got %s, want %s", got, want)
		}
		if !slices.Equal(files, before) {
			t.Fatal("the files were reordered")
		}
		if _, err := digest.Parse(want); err != nil {
			t.Fatal(err)
		}
	})
}

// The same on a real folder, with the paths that the operating system gives.
func TestOfTreeOnDisk(t *testing.T) {
	dir := t.TempDir()
	contents := map[string]string{"SKILL.md": "---\nname: x\n---\n", "scripts/run.sh": "#!/bin/sh\n", "scripts.md": "", "references/a b.md": "x"}
	var files []digest.File
	for path, content := range contents {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file(path, content))
	}
	want, err := dirhash.HashDir(dir, "", dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	if got := digest.OfTree(files); string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestReader(t *testing.T) {
	const content = "the bytes of an artifact"
	right, wrong := digest.Of([]byte(content)), digest.Of(nil)
	size := int64(len(content))
	var mismatch *digest.MismatchError
	for _, c := range []struct {
		name string
		want digest.Digest
		size int64
		err  func(error) bool
	}{
		{"right", right, size, func(err error) bool { return err == nil }},
		{"size unknown", right, -1, func(err error) bool { return err == nil }},
		{"digest unknown", "", size, func(err error) bool { return err == nil }},
		{"nothing known", "", -1, func(err error) bool { return err == nil }},
		{"other bytes", wrong, size, func(err error) bool {
			return errors.As(err, &mismatch) && mismatch.Got == right && mismatch.Want == wrong
		}},
		{"too short", right, size + 1, func(err error) bool { return errors.Is(err, digest.ErrSize) }},
		{"too long", right, size - 1, func(err error) bool { return errors.Is(err, digest.ErrSize) }},
		{"should be empty", wrong, 0, func(err error) bool { return errors.Is(err, digest.ErrSize) }},
	} {
		for how, r := range map[string]io.Reader{
			"at once":         strings.NewReader(content),
			"byte by byte":    iotest.OneByteReader(strings.NewReader(content)),
			"with its EOF":    iotest.DataErrReader(strings.NewReader(content)),
			"in half chunks":  iotest.HalfReader(strings.NewReader(content)),
			"from two halves": io.MultiReader(strings.NewReader(content[:9]), strings.NewReader(content[9:])),
		} {
			got, err := io.ReadAll(digest.NewReader(r, c.want, c.size))
			if !c.err(err) {
				t.Errorf("%s, %s: %v", c.name, how, err)
			}
			if err == nil && string(got) != content {
				t.Errorf("%s, %s: read %q", c.name, how, got)
			}
		}
	}
}

// A connection that breaks is not a wrong digest.
func TestReaderKeepsErrors(t *testing.T) {
	broken := errors.New("connection reset")
	r := io.MultiReader(strings.NewReader("some"), iotest.ErrReader(broken))
	if _, err := io.ReadAll(digest.NewReader(r, emptySHA256, 10)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// More than promised is refused while it comes, not at its end.
func TestReaderStopsEndlessStream(t *testing.T) {
	n, err := io.Copy(io.Discard, digest.NewReader(endless{}, emptySHA256, 1<<20))
	if !errors.Is(err, digest.ErrSize) || n > 2<<20 {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
