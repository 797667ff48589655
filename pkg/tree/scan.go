package tree

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// bufferSize holds most files of published skills whole, so that one read and
// one write move them.
const bufferSize = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}

// Scan lists and hashes the files below dir, in the order that a Tree promises.
// Litter of desktops (.DS_Store, Thumbs.db, desktop.ini, ._*) is passed over, and
// empty folders do not count. Anything that is no regular file, such as a link,
// counts as a file whose digest no content has, so that a tree with one never
// equals a published tree. Scan does not follow links, and if dir itself is one
// it fails.
func Scan(ctx context.Context, dir string) (*Tree, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "scan", Path: dir, Err: errNotDir}
	}
	buf, _ := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	s := scanner{ctx: ctx, buf: *buf}
	if err := s.folder(dir, ""); err != nil {
		return nil, err
	}
	t := &Tree{Files: s.files}
	t.Sort()
	return t, nil
}

var errNotDir = fmt.Errorf("not a folder: %w", fs.ErrInvalid)

type scanner struct {
	ctx   context.Context
	buf   []byte
	files []File
}

// folder adds what is below the folder dir, whose path in the tree is prefix,
// either empty or ending in a slash.
func (s *scanner) folder(dir, prefix string) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	f, err := os.Open(dir)
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
		case e.IsDir():
			err = s.folder(path, prefix+name+"/")
		case e.Type().IsRegular():
			err = s.file(path, prefix+name)
		default:
			err = s.irregular(path, prefix+name, e.Type())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) file(path, name string) error {
	f, err := openRead(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	file := File{Path: name, Mode: 0o644}
	n, err := f.Read(s.buf)
	if n < len(s.buf) && (err == nil || err == io.EOF) {
		// Short and at its end: hash it without a hash object.
		m := 0
		if err == nil {
			m, err = f.Read(s.buf[n:])
		}
		if m == 0 && err == io.EOF {
			file.Size, file.Sum = int64(n), sha256.Sum256(s.buf[:n])
			s.files = append(s.files, file)
			return nil
		}
		n += m
	}
	h := sha256.New()
	for {
		_, _ = h.Write(s.buf[:n])
		file.Size += int64(n)
		if err == io.EOF {
			break
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

func (s *scanner) irregular(path, name string, mode fs.FileMode) error {
	text := mode.String() + "\x00"
	if mode&fs.ModeSymlink != 0 {
		link, err := os.Readlink(path)
		if err != nil {
			return err
		}
		text += link
	}
	s.files = append(s.files, File{Path: name, Mode: mode.Type(), Sum: sha256.Sum256([]byte(text))})
	return nil
}

func isLitter(name string) bool {
	switch name {
	case ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX":
		return true
	}
	return strings.HasPrefix(name, "._")
}

// SumFile returns the sha256 of the file at path, which must be a regular file,
// no link, and size bytes long. It is the read-back of what was written: a file
// that fits the buffer takes one read, since one that was longer would show.
func SumFile(path string, size int64) ([32]byte, error) {
	buf, _ := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	f, err := openRead(path)
	if err != nil {
		return [32]byte{}, err
	}
	defer func() { _ = f.Close() }()
	if size < bufferSize {
		n, err := f.Read(*buf)
		if err == nil || err == io.EOF {
			return sha256.Sum256((*buf)[:n]), nil
		}
		return [32]byte{}, err
	}
	h := sha256.New()
	if _, err := io.CopyBuffer(h, f, *buf); err != nil {
		return [32]byte{}, err
	}
	return [32]byte(h.Sum(nil)), nil
}

// Diff returns the paths that new has and old has not, that both have with
// different bytes, and that only old has.
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
