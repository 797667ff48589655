package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/archive/archivetest"
)

func TestErrorsHaveTypes(t *testing.T) {
	unpack := func(recipe string, o archive.Options) error {
		data := archivetest.Build(t, recipe)
		_, err := archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), nil, o)
		return err
	}
	var limit *archive.LimitError
	err := unpack("zip\nskill\nfile a zeros:1001", archive.Options{Limits: archive.Limits{File: 1000}})
	if !errors.As(err, &limit) || limit.Flag != "--max-file" || limit.Limit != 1000 || limit.Got != 1001 || limit.Entry != "a" {
		t.Errorf("LimitError is %+v", limit)
	}
	var unsafe *archive.UnsafeError
	err = unpack("zip\nskill\nfile ../a", archive.Options{})
	if !errors.As(err, &unsafe) || !errors.Is(err, archive.ErrUnsafe) || unsafe.Entry != "../a" {
		t.Errorf("UnsafeError is %+v", unsafe)
	}
	var format *archive.FormatError
	err = unpack("raw \"<html>\"", archive.Options{})
	if !errors.As(err, &format) || format.Format != 0 || errors.Is(err, archive.ErrUnsafe) {
		t.Errorf("FormatError is %+v", format)
	}
	var root *archive.RootError
	err = unpack("zip\nskill b/SKILL.md\nskill a/SKILL.md", archive.Options{})
	if !errors.As(err, &root) || errors.Is(err, archive.ErrNoSkill) || cmp.Diff(root.Candidates, []string{"b", "a"}) != "" {
		t.Errorf("RootError is %+v", root)
	}
	if err = unpack("zip\nfile a", archive.Options{}); !errors.Is(err, archive.ErrNoSkill) {
		t.Errorf("error is %v", err)
	}
}

// A long and ugly name must neither flood a terminal nor control it.
func TestErrorsAreShort(t *testing.T) {
	for _, name := range []string{
		strings.Repeat("a", 5000), strings.Repeat("\x1b", 900), strings.Repeat("é", 600), strings.Repeat("\u202e", 300), "\xff\xfe" + strings.Repeat("/..", 300),
	} {
		_, err := archive.PackFiles(t.Context(), io.Discard, map[string][]byte{name: nil})
		if !errors.Is(err, archive.ErrRefused) {
			t.Fatalf("name %.20q: error %v", name, err)
		}
		checkMessage(t, err)
	}
}

// failing is a source or a target that stops working.
type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func (f failing) Close() error { return nil }

func (f failing) Mkdir(string) error { return nil }

func (f failing) Create(string, fs.FileMode) (io.WriteCloser, error) { return f, nil }

// What the disk does is not the archive's fault, and must not read as if it were.
func TestFaultsOfTheDiskAreNotRefusals(t *testing.T) {
	broken := errors.New("input/output error")
	_, err := archive.Unpack(t.Context(), failing{broken}, 1000, nil, archive.Options{})
	if !errors.Is(err, broken) || errors.Is(err, archive.ErrRefused) {
		t.Errorf("source fails: error %v", err)
	}
	for _, recipe := range []string{"zip\nskill", "tar\nskill", "tar\nskill\ngzip", "zip\nskill\nfile a zeros:2000000", "tar\nskill\nfile a zeros:2000000"} {
		data := archivetest.Build(t, recipe)
		_, err = archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), failing{broken}, archive.Options{})
		if !errors.Is(err, broken) || errors.Is(err, archive.ErrRefused) {
			t.Errorf("%q, target fails: error %v", recipe, err)
		}
		_, err = archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data))+1, nil, archive.Options{})
		if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, archive.ErrRefused) {
			t.Errorf("%q, source is shorter than said: error %v", recipe, err)
		}
		tap := func(string) io.Writer { return failing{broken} }
		_, err = archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), nil, archive.Options{Tap: tap})
		if !errors.Is(err, broken) {
			t.Errorf("%q, tap fails: error %v", recipe, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = archive.Unpack(ctx, bytes.NewReader(data), int64(len(data)), nil, archive.Options{})
		if !errors.Is(err, context.Canceled) || errors.Is(err, archive.ErrRefused) {
			t.Errorf("%q, cancelled: error %v", recipe, err)
		}
	}
}

func TestCancelWhileUnpacking(t *testing.T) {
	data := archivetest.Build(t, "zip\nskill\nfile a zeros:3000000\nfile b zeros:3000000")
	ctx, cancel := context.WithCancel(t.Context())
	var seen []string
	_, err := archive.Unpack(ctx, bytes.NewReader(data), int64(len(data)), discard{}, archive.Options{Tap: func(path string) io.Writer {
		if seen = append(seen, path); path == "a" {
			cancel()
		}
		return nil
	}})
	if !errors.Is(err, context.Canceled) || len(seen) != 2 {
		t.Errorf("error %v after %v", err, seen)
	}
}

func TestTapSeesEveryByteOnce(t *testing.T) {
	for _, recipe := range []string{
		"zip\nskill p/SKILL.md\nfile p/big fill:1500000:abc\nfile outside \"x\"",
		"tar\nskill p/SKILL.md\nfile p/big fill:1500000:abc\nfile outside \"x\"\ngzip",
	} {
		data := archivetest.Build(t, recipe)
		seen := map[string]*bytes.Buffer{}
		_, err := archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), nil, archive.Options{Tap: func(path string) io.Writer {
			if seen[path] != nil {
				t.Errorf("tap was asked twice for %s", path)
			}
			seen[path] = new(bytes.Buffer)
			return seen[path]
		}})
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) != 2 || seen["SKILL.md"].String() != archivetest.Skill || seen["big"].Len() != 1500000 || seen["big"].String()[:6] != "abcabc" {
			t.Errorf("tap saw %d files, %d bytes of big", len(seen), seen["big"].Len())
		}
	}
}

// counting counts how a source is read.
type counting struct {
	*bytes.Reader
	reads, bytes int
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Reader.ReadAt(p, off)
	c.reads++
	c.bytes += n
	return n, err
}

func TestSmallArtifactsAreReadOnce(t *testing.T) {
	for _, recipe := range []string{"zip" + typical, "tar" + typical, "tar" + typical + "gzip", "zip\nskill\nfile a method=store random:1048000"} {
		data := archivetest.Build(t, recipe)
		src := &counting{Reader: bytes.NewReader(data)}
		if _, err := archive.Unpack(t.Context(), src, src.Size(), discard{}, archive.Options{}); err != nil {
			t.Fatal(err)
		}
		if src.reads != 1 || src.bytes != len(data) {
			t.Errorf("%d bytes were read in %d calls, %d bytes", len(data), src.reads, src.bytes)
		}
	}
}

// order records what a tree.Writer is told.
type order struct {
	discard
	told *[]string
}

func (o order) Mkdir(path string) error { *o.told = append(*o.told, path+"/"); return nil }

func (o order) Create(path string, mode fs.FileMode) (io.WriteCloser, error) {
	*o.told = append(*o.told, path)
	return writes{o.told}, nil
}

type writes struct{ told *[]string }

func (w writes) Write(p []byte) (int, error) { *w.told = append(*w.told, "write"); return len(p), nil }

func (w writes) Close() error { *w.told = append(*w.told, "close"); return nil }

func TestWriterIsToldInOrder(t *testing.T) {
	data := archivetest.Build(t, "zip\nskill\nfile a/b/c fill:900000:x\ndir z\nfile a/d \"x\"\nfile e zeros:1100000")
	var told []string
	if _, err := archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), order{told: &told}, archive.Options{}); err != nil {
		t.Fatal(err)
	}
	want := []string{"SKILL.md", "write", "close", "a/", "a/b/", "a/b/c", "write", "close", "a/d", "write", "close", "e", "write", "write", "write", "write", "write", "close"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestReadFile(t *testing.T) {
	data := archivetest.Build(t, "tar\nskill p/SKILL.md\nfile p/a/b \"content\"\ngzip")
	src := func() *io.SectionReader { return io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data))) }
	if b, err := archive.ReadFile(t.Context(), src(), "a/b", archive.Options{}); err != nil || string(b) != "content" {
		t.Errorf("ReadFile is %q, %v", b, err)
	}
	if _, err := archive.ReadFile(t.Context(), src(), "p/a/b", archive.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// Unpackers are pooled: what one archive left behind must not show in the next,
// nor in one that is unpacked at the same time.
func TestUnpackersDoNotMix(t *testing.T) {
	type unpacked struct {
		data []byte
		want *archive.Result
		err  string
		o    archive.Options
	}
	var all []unpacked
	for _, v := range archivetest.Vectors(t, "../../testdata/archive") {
		if strings.HasPrefix(v.Name, "limits/") {
			continue // slow, and no different
		}
		u := unpacked{data: archivetest.Build(t, v.Recipe), o: options(t, v)}
		var err error
		if u.want, err = archive.Unpack(t.Context(), bytes.NewReader(u.data), int64(len(u.data)), nil, u.o); err != nil {
			u.err = err.Error()
		}
		all = append(all, u)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range all {
				u := all[(i*7+g*13)%len(all)]
				got, err := archive.Unpack(t.Context(), bytes.NewReader(u.data), int64(len(u.data)), nil, u.o)
				text := ""
				if err != nil {
					text = err.Error()
				}
				if text != u.err || !cmp.Equal(got, u.want) {
					t.Errorf("another result: %v, want %v", text, u.err)
				}
			}
		})
	}
	wg.Wait()
}
