package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/archive/archivetest"
)

// allocated returns how many bytes f allocates, its second time.
func allocated(t *testing.T, f func()) uint64 {
	t.Helper()
	f()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Memory must not grow with the archive or the files in it: here, all that is ever
// allocated, whether it is freed or not.
func TestMemoryIsFlat(t *testing.T) {
	const most = 12 << 20
	for _, format := range []string{"zip", "tar", "tar.gz"} {
		path := filepath.Join(t.TempDir(), "archive")
		writeLarge(t, path, format)
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		got := allocated(t, func() {
			result, err := archive.Unpack(t.Context(), f, info.Size(), discard{}, archive.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if n := result.Tree.Size(); n < 60_000_000 {
				t.Fatalf("only %d bytes were unpacked", n)
			}
		})
		if got > most {
			t.Errorf("%s of %d bytes: %d bytes were allocated", format, info.Size(), got)
		}
		t.Logf("%s of %d bytes: %d bytes allocated", format, info.Size(), got)
	}
}

// writeLarge writes an archive of 60 MB of random bytes: two large files, some
// that are just not large, many small.
func writeLarge(t *testing.T, path, format string) {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	random := rand.NewChaCha8([32]byte{})
	var put func(name string, size int64, r io.Reader) error
	var closers []io.Closer
	var w io.Writer = out
	if format == "zip" {
		z := zip.NewWriter(out)
		z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.HuffmanOnly) })
		put = func(name string, _ int64, r io.Reader) error {
			f, err := z.Create(name)
			if err == nil {
				_, err = io.Copy(f, r)
			}
			return err
		}
		closers = append(closers, z)
	} else {
		if format == "tar.gz" {
			gz, err := gzip.NewWriterLevel(out, gzip.HuffmanOnly)
			if err != nil {
				t.Fatal(err)
			}
			closers, w = append(closers, gz), gz
		}
		tw := tar.NewWriter(w)
		put = func(name string, size int64, r io.Reader) error {
			err := tw.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o644})
			if err == nil {
				_, err = io.Copy(tw, r)
			}
			return err
		}
		closers = append(closers, tw)
	}
	add := func(name string, size int64) {
		if err := put(name, size, io.LimitReader(random, size)); err != nil {
			t.Fatal(err)
		}
	}
	add("SKILL.md", 1000)
	add("large", 40_000_000)
	add("larger", 1<<20)
	for i := range 10 {
		add(fmt.Sprintf("medium%d", i), 1_000_000)
	}
	for i := range 500 {
		add(fmt.Sprintf("small%d", i), 20_000)
	}
	for _, c := range slices.Backward(closers) {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A bomb must cost no more than an ordinary archive of its size.
func TestBombsAreCheap(t *testing.T) {
	for _, c := range []struct{ name, recipe string }{
		{"overlap", "zip\nskill\nbomb 250 500000"},
		{"overlap below the limits", "zip\nskill\nbomb 50 100000"},
		{"lying size", "zip\nskill\nfile a size=10 zeros:5000000"},
		{"honest size", "zip\nskill\nfile a size=60000000"},
		{"honest sizes", "zip\nskill\nrepeat 30 file f%d size=50000000"},
		{"tar", "tar\nskill\nfile a size=1099511627776\ngzip"},
		{"zeros after the end", "tar\nskill\nend 100000\ngzip"},
		{"zeros instead of a tar", "raw zeros:3000000\ngzip"},
		{"gzip members", "tar\nskill\ngzip\nnest\nraw nested:\nrepeat 11000 raw hex:1f8b080000000000000303000000000000000000"},
	} {
		data := archivetest.Build(t, c.recipe)
		written := &total{}
		got := allocated(t, func() {
			result, err := archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), written, archive.Options{})
			if err == nil {
				t.Fatalf("%s was accepted: %d bytes", c.name, result.Tree.Size())
			}
		})
		if got > 32<<20 {
			t.Errorf("%s of %d bytes: %d bytes were allocated", c.name, len(data), got)
		}
		if written.n > 1000 {
			t.Errorf("%s: %d bytes were written", c.name, written.n)
		}
	}
}

// total counts what is written.
type total struct {
	discard
	n int
}

func (w *total) Create(string, os.FileMode) (io.WriteCloser, error) { return w, nil }

func (w *total) Write(p []byte) (int, error) {
	w.n += len(p)
	return len(p), nil
}
