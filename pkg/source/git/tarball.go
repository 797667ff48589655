package git

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/source"
)

// A tarball is what a host made of a commit: one folder with the files in it. What
// lies outside of the skill is not held against it, as in a repository.
type tarball struct {
	repo, file, id string
	most           int64 // bytes when unpacked
	entries        []entry
}

// An ArchiveError says that the archive of a commit is not what the commit holds.
// It matches source.ErrUnsupported: git would tell.
type ArchiveError struct {
	Repo string
	Why  string
}

func (e *ArchiveError) Error() string {
	return fmt.Sprintf("the archive of %.200q %s", e.Repo, e.Why)
}

// Is makes an ArchiveError match source.ErrUnsupported.
func (*ArchiveError) Is(target error) bool { return target == source.ErrUnsupported }

// each calls visit for every entry.
func (t *tarball) each(ctx context.Context, visit func(*tar.Header, io.Reader) error) error {
	f, err := os.Open(t.file)
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	defer func() { _ = f.Close() }()
	unzipped, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		return &archive.FormatError{Format: archive.TarGz, Why: err.Error()}
	}
	limited := &io.LimitedReader{R: unzipped, N: t.most + 1}
	for r := tar.NewReader(limited); ; {
		h, err := r.Next()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case limited.N <= 0:
			return &archive.LimitError{What: "unpacked bytes", Limit: t.most, Got: t.most + 1}
		case err == io.EOF:
			return nil
		case err != nil:
			return &archive.FormatError{Format: archive.TarGz, Why: err.Error()}
		}
		if err := visit(h, r); err != nil {
			if limited.N <= 0 {
				err = &archive.LimitError{What: "unpacked bytes", Limit: t.most, Got: t.most + 1}
			}
			return err
		}
	}
}

// pathIn returns the path of an entry in the repository; "" is that of none.
func pathIn(h *tar.Header) string {
	_, path, _ := strings.Cut(h.Name, "/")
	return strings.TrimSuffix(path, "/")
}

// index reads what there is, and whether it is all that the commit has.
func (t *tarball) index(ctx context.Context) error {
	seen := make(map[string]bool)
	top := ""
	return t.each(ctx, func(h *tar.Header, data io.Reader) error {
		if h.Typeflag == tar.TypeXGlobalHeader {
			// Git names the commit in a comment.
			if id := h.PAXRecords["comment"]; isCommit(id) && id != t.id {
				return &ArchiveError{Repo: t.repo, Why: "is that of another commit"}
			}
			return nil
		}
		folder, _, ok := strings.Cut(h.Name, "/")
		if top == "" {
			top = folder
		}
		path := pathIn(h)
		switch {
		case !ok || folder != top || folder == "":
			return &archive.UnsafeError{Entry: h.Name, Why: "is not in the one folder of the archive"}
		case h.Typeflag == tar.TypeDir:
			return nil
		case path == "" || seen[path]:
			return &archive.UnsafeError{Entry: h.Name, Why: "is there twice"}
		case len(t.entries) >= maxListing:
			return &archive.LimitError{What: "entries", Limit: maxListing, Got: maxListing + 1}
		}
		seen[path] = true
		t.entries = append(t.entries, entry{mode: modeOf(h), path: path})
		if strings.HasSuffix("/"+path, "/.gitattributes") && h.Typeflag == tar.TypeReg {
			text, err := io.ReadAll(io.LimitReader(data, 1<<20))
			if err != nil {
				return &archive.FormatError{Format: archive.TarGz, Entry: path, Why: err.Error()}
			}
			if bytes.Contains(text, []byte("export-")) {
				return &ArchiveError{Repo: t.repo, Why: "leaves files out or changes them (.gitattributes), and git is not there to get them all"}
			}
		}
		return nil
	})
}

func modeOf(h *tar.Header) string {
	switch {
	case h.Typeflag == tar.TypeSymlink:
		return modeLink
	case h.Typeflag != tar.TypeReg:
		return ""
	case h.Mode&0o100 != 0:
		return modeExec
	}
	return modeFile
}

func (t *tarball) walk(_ context.Context, folder string, visit func(entry) error) error {
	return walkAll(t.entries, folder, visit)
}

func (t *tarball) read(ctx context.Context, entries []entry, take func(entry, int64, io.Reader) error) error {
	wanted := make(map[string]entry, len(entries))
	for _, e := range entries {
		wanted[e.under+e.path] = e
	}
	done := errors.New("all is read")
	err := t.each(ctx, func(h *tar.Header, data io.Reader) error {
		path := pathIn(h)
		e, ok := wanted[path]
		switch {
		case len(wanted) == 0:
			return done
		case !ok || h.Typeflag != tar.TypeReg:
			return nil
		}
		delete(wanted, path)
		return take(e, h.Size, data)
	})
	switch {
	case errors.Is(err, done):
	case err != nil:
		return err
	case len(wanted) > 0:
		return fmt.Errorf("read archive of %.200q: %w", t.repo, io.ErrUnexpectedEOF)
	}
	return nil
}

// A fileSink is a transport.Sink that is a file.
type fileSink struct {
	f   *os.File
	n   int64
	tag string
}

func newFileSink(dir string) (*fileSink, error) {
	f, err := os.CreateTemp(dir, "archive-")
	if err != nil {
		return nil, fmt.Errorf("make file: %w", err)
	}
	return &fileSink{f: f}, nil
}

func (s *fileSink) Write(p []byte) (int, error) {
	n, err := s.f.Write(p)
	s.n += int64(n)
	return n, err
}

func (s *fileSink) Offset() int64     { return s.n }
func (s *fileSink) Validator() string { return s.tag }

func (s *fileSink) Restart(validator string) error {
	s.n, s.tag = 0, validator
	if err := s.f.Truncate(0); err != nil {
		return err
	}
	_, err := s.f.Seek(0, io.SeekStart)
	return err
}
