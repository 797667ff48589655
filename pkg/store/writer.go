package store

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/tree"
)

// inMemory is how much of an artifact a Writer holds before it goes to a file.
// Nearly all published skills are smaller, and cost no file of their own until
// they are committed.
const inMemory = 256 << 10

var held = sync.Pool{New: func() any { b := make([]byte, 0, 32<<10); return &b }}

// A Writer takes the bytes of one artifact, hashing them as they come. It is a
// source.Sink. Commit puts the artifact into the store; Close lets go of it
// either way.
type Writer struct {
	store     *Store
	limit     int64 // 0: none
	hasher    *digest.Hasher
	small     *[]byte
	file      *os.File
	moved     bool // file is the one in the store
	n         int64
	validator string
	overflow  func(limit, got int64) error
	err       error // of a write, after which only Restart helps
}

// Create returns a Writer that takes at most limit bytes; overflow makes the
// error that more of them are. A limit of 0 is none, and then overflow may be
// nil. Nothing is written to disk yet.
func (s *Store) Create(limit int64, overflow func(limit, got int64) error) *Writer {
	return &Writer{store: s, limit: limit, overflow: overflow}
}

// Write takes all of p or none of it. After an error it takes nothing until
// Restart.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err == nil && w.limit > 0 && w.n+int64(len(p)) > w.limit {
		w.err = w.overflow(w.limit, w.n+int64(len(p)))
	}
	if w.err == nil {
		w.err = w.keep(p)
	}
	if w.err != nil {
		return 0, w.err
	}
	if w.hasher == nil {
		w.hasher = digest.NewHasher()
	}
	_, _ = w.hasher.Write(p)
	w.n += int64(len(p))
	return len(p), nil
}

func (w *Writer) keep(p []byte) error {
	if w.file == nil && w.n+int64(len(p)) <= inMemory {
		if w.small == nil {
			w.small, _ = held.Get().(*[]byte)
		}
		*w.small = append(*w.small, p...)
		return nil
	}
	if w.file == nil {
		if err := w.spill(); err != nil {
			return err
		}
	}
	_, err := w.file.Write(p)
	return err
}

func (w *Writer) spill() error {
	f, err := w.store.temporaryFile()
	if err != nil {
		return err
	}
	w.file = f
	if w.small != nil {
		_, err = f.Write(*w.small)
		w.release()
	}
	return err
}

func (w *Writer) release() {
	if w.small != nil {
		*w.small = (*w.small)[:0]
		held.Put(w.small)
		w.small = nil
	}
}

// Offset returns how many bytes the Writer holds.
func (w *Writer) Offset() int64 { return w.n }

// Validator returns the strong ETag that the bytes came with, or "".
func (w *Writer) Validator() string { return w.validator }

// Restart drops the bytes; those that follow come with validator.
func (w *Writer) Restart(validator string) error {
	w.validator, w.n, w.err = validator, 0, nil
	if w.hasher != nil {
		w.hasher.Reset()
	}
	if w.small != nil {
		*w.small = (*w.small)[:0]
	}
	if w.file != nil {
		w.err = w.file.Truncate(0)
		if w.err == nil {
			_, w.err = w.file.Seek(0, io.SeekStart)
		}
	}
	return w.err
}

// Digest returns the sha256 of the bytes so far.
func (w *Writer) Digest() digest.Digest {
	if w.hasher == nil {
		return digest.Of(nil)
	}
	return w.hasher.Digest()
}

// ReadAt reads what was written.
func (w *Writer) ReadAt(p []byte, off int64) (int, error) {
	if w.file != nil {
		return w.file.ReadAt(p, off)
	}
	return w.bytes().ReadAt(p, off)
}

func (w *Writer) bytes() *bytes.Reader {
	if w.small == nil {
		return bytes.NewReader(nil)
	}
	return bytes.NewReader(*w.small)
}

// Commit puts the artifact into the store under its digest, once. Whether it
// succeeds or not, the bytes are readable through the Writer until Close. They
// are not flushed to disk: whoever names them in a lock does that first.
func (w *Writer) Commit() error {
	if w.err != nil {
		return fmt.Errorf("commit artifact: %w", w.err)
	}
	if w.store.dir == "" {
		return nil
	}
	path, err := w.store.path(w.Digest())
	if err != nil {
		return err
	}
	if w.file != nil {
		err = w.move(path)
	} else {
		var name string
		if name, err = w.write(); err == nil {
			err = tree.Rename(name, path)
		}
		if err != nil {
			err = errors.Join(err, remove(name))
		}
	}
	if err != nil {
		return fmt.Errorf("commit artifact: %w", err)
	}
	return nil
}

// move gives the file its name in the store. Elsewhere than on Linux it is flushed
// first, as by tree.WriteNew, and closed, since Windows renames no open file.
func (w *Writer) move(path string) error {
	name := w.file.Name()
	if runtime.GOOS == "linux" {
		return tree.Rename(name, path)
	}
	err := errors.Join(w.file.Sync(), w.file.Close())
	if err == nil {
		err = tree.Rename(name, path)
	}
	if w.moved = err == nil; w.moved {
		name = path
	}
	f, openErr := os.Open(name)
	if openErr == nil {
		w.file = f
	}
	return errors.Join(err, openErr)
}

// write puts what is held in memory into a file, and returns its name.
func (w *Writer) write() (string, error) {
	name, err := w.store.temporary()
	if err != nil {
		return "", err
	}
	var data []byte
	if w.small != nil {
		data = *w.small
	}
	return name, tree.WriteNew(name, data, 0o644)
}

func remove(name string) error {
	err := os.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Close lets go of the bytes. An artifact that was not committed is gone.
func (w *Writer) Close() error {
	w.release()
	if w.file == nil {
		return nil
	}
	name := w.file.Name()
	err := w.file.Close()
	w.file = nil
	if w.moved {
		return err
	}
	return errors.Join(err, remove(name)) // after a commit the name is free
}

// temporaryFile creates a file in this process's room.
func (s *Store) temporaryFile() (*os.File, error) {
	name, err := s.temporary()
	if err != nil {
		return nil, err
	}
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
}

// temporary returns a new name in this process's room, on the file system of the
// artifacts.
func (s *Store) temporary() (string, error) {
	dir, err := s.room()
	if err != nil {
		return "", fmt.Errorf("write to store: %w", err)
	}
	return filepath.Join(dir, rand.Text()), nil
}
