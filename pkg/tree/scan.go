package tree

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/openskills-go/skills/pkg/digest"
)

// bufferSize holds most files of published skills whole, so that one read and
// one write move them.
const bufferSize = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}

// Scan lists and hashes the files below dir, in the order that a Tree promises;
// their modes are not read. What Unpack drops from an archive (.DS_Store,
// __MACOSX, ._*) is passed over here too, and empty folders do not count.
// Anything that is no regular file, such as a link, or has a line break in its
// name, counts as a file whose digest no content has, so that a tree with one
// never equals a published tree.
//
// Scan does not follow links. The error matches fs.ErrNotExist if and only if
// dir is not there, and fs.ErrInvalid if it is a link or a file. What goes away
// below dir while it is read is not part of the tree.
func Scan(ctx context.Context, dir string) (*Tree, error) {
	if dir != "" {
		dir = filepath.Clean(dir) // with a slash behind it a link is followed
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "scan", Path: dir, Err: errNotDir}
	}
	buf, _ := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	s := scanner{buf: *buf}
	if err := s.folder(ctx, dir, ""); err != nil {
		return nil, err
	}
	t := &Tree{Files: s.files}
	t.Sort()
	return t, nil
}

var (
	errNotDir  = fmt.Errorf("not a folder: %w", fs.ErrInvalid)
	errNotFile = fmt.Errorf("not a regular file: %w", fs.ErrInvalid)
)

type scanner struct {
	buf   []byte
	files []File
}

// folder adds what is below the folder dir, whose path in the tree is prefix,
// either empty or ending in a slash.
func (s *scanner) folder(ctx context.Context, dir, prefix string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := openFolder(dir)
	if err != nil {
		return err
	}
	entries, err := f.ReadDir(-1)
	_ = f.Close()
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if isLitter(name) {
			continue
		}
		path := dir + string(filepath.Separator) + name
		switch {
		case strings.Contains(name, "\n"):
			// In the digest of a tree, what follows would pass for another file.
			// The quoted name leads nowhere: it must not pass for a file to read.
			s.irregular(prefix+strconv.Quote(name), e.Type()|fs.ModeIrregular, "")
		case e.IsDir():
			err = s.folder(ctx, path, prefix+name+"/")
		case e.Type().IsRegular():
			err = s.file(ctx, path, prefix+name)
		case e.Type()&fs.ModeSymlink != 0:
			err = s.link(path, prefix+name)
		default:
			s.irregular(prefix+name, e.Type(), "")
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (s *scanner) file(ctx context.Context, path, name string) error {
	f, size, err := openRead(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	file := File{Path: name, Mode: 0o644}
	n, err := f.Read(s.buf)
	if n < len(s.buf) && int64(n) == size && (err == nil || errors.Is(err, io.EOF)) {
		// It came whole, as nearly all do: hash it without a hash object.
		file.Size, file.Sum = size, sha256.Sum256(s.buf[:n])
		s.files = append(s.files, file)
		return nil
	}
	h := sha256.New()
	for {
		_, _ = h.Write(s.buf[:n])
		file.Size += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		n, err = f.Read(s.buf)
	}
	h.Sum(file.Sum[:0])
	s.files = append(s.files, file)
	return nil
}

func (s *scanner) link(path, name string) error {
	to, err := os.Readlink(path)
	if err != nil {
		return err
	}
	s.irregular(name, fs.ModeSymlink, to)
	return nil
}

// irregular adds what no published tree can hold. Its sum is that of another
// function than the one for contents, so that no content can be made to have it.
func (s *scanner) irregular(name string, mode fs.FileMode, text string) {
	sum := sha512.Sum512_256([]byte(mode.String() + "\x00" + text))
	s.files = append(s.files, File{Path: name, Mode: mode.Type(), Sum: sum})
}

// isLitter reports whether a file or folder of this name is dropped from
// archives. The two lists must be one: what only one of them has would make a
// skill look changed, or hide that it was.
func isLitter(name string) bool {
	switch name {
	case ".DS_Store", "__MACOSX":
		return true
	}
	return strings.HasPrefix(name, "._")
}

// SumFile returns the sha256 of the file at path, and fails unless that is a
// regular file, no link, and size bytes long.
func SumFile(path string, size int64) ([32]byte, error) {
	f, have, err := openRead(path)
	if err != nil {
		return [32]byte{}, err
	}
	defer func() { _ = f.Close() }()
	if have != size {
		return [32]byte{}, fmt.Errorf("read %s: %d bytes, expected %d: %w", path, have, size, digest.ErrSize)
	}
	buf, _ := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	if size <= bufferSize {
		if _, err := io.ReadFull(f, (*buf)[:size]); err != nil {
			return [32]byte{}, fmt.Errorf("read %s: %w", path, err)
		}
		return sha256.Sum256((*buf)[:size]), nil
	}
	h := sha256.New()
	if _, err := io.CopyBuffer(h, f, *buf); err != nil {
		return [32]byte{}, err
	}
	return [32]byte(h.Sum(nil)), nil
}

// Diff returns the paths that only after has, that both have with different
// bytes, and that only before has, each list sorted and nil if it is empty. Modes
// do not count. Both trees must be sorted, as Scan and Unpack return them.
func Diff(before, after *Tree) (added, changed, removed []string) {
	i, j := 0, 0
	for i < len(before.Files) || j < len(after.Files) {
		switch {
		case j == len(after.Files) || i < len(before.Files) && before.Files[i].Path < after.Files[j].Path:
			removed = append(removed, before.Files[i].Path)
			i++
		case i == len(before.Files) || before.Files[i].Path > after.Files[j].Path:
			added = append(added, after.Files[j].Path)
			j++
		default:
			if before.Files[i].Sum != after.Files[j].Sum {
				changed = append(changed, after.Files[j].Path)
			}
			i++
			j++
		}
	}
	return added, changed, removed
}
