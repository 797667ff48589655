package source_test

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
)

// Reading a fifo would wait for a writer, who never comes.
func TestDirectOfAFifo(t *testing.T) {
	dir, _ := place(t)
	if err := errors.Join(unix.Mkfifo(filepath.Join(dir, "fifo.zip"), 0o644), unix.Mkfifo(filepath.Join(dir, "pdf", "fifo"), 0o644)); err != nil {
		t.Fatal(err)
	}
	d := &source.Direct{Cwd: dir}
	r := ref.Ref{Kind: ref.File, Path: "fifo.zip"}
	if _, err := d.Resolve(t.Context(), r, ""); !errors.Is(err, source.ErrUnsupported) {
		t.Errorf("Resolve = %v, want ErrUnsupported", err)
	}
	if _, err := d.Fetch(t.Context(), source.Pin{Ref: r, URL: filepath.Join(dir, "fifo.zip")}, new(sourcetest.Sink)); !errors.Is(err, source.ErrUnsupported) {
		t.Errorf("Fetch = %v, want ErrUnsupported", err)
	}
	r = ref.Ref{Kind: ref.Dir, Path: "pdf"}
	if _, err := d.Fetch(t.Context(), source.Pin{Ref: r, URL: filepath.Join(dir, "pdf")}, new(sourcetest.Sink)); !errors.Is(err, archive.ErrUnsafe) {
		t.Errorf("Fetch of a folder with one = %v, want ErrUnsafe", err)
	}
}
