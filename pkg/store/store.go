// Package store keeps artifacts by the sha256 of their bytes. Any number of
// projects and processes share one store: a file appears in it complete or not
// at all, and nothing is believed that is read from it before it was hashed.
//
// Beside the artifacts an index remembers, a line each, where an artifact was
// fetched from, which tree is in it, and what an HTTP server can be asked about
// it again with. The index is a convenience: without it things are fetched anew.
package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/internal/room"
)

// A Store is a folder of artifacts. It is made on the first write. Close it
// after use.
type Store struct {
	dir string

	mu      sync.Mutex
	partial *room.Room // what is being written
}

const partialPrefix = ".partial-"

// New returns the store in dir, an absolute path. Nothing is read or written.
// The store in "" keeps nothing: it is for where there is no folder to keep
// things in. Only a large artifact is in the folder for temporary files until
// its Writer is closed.
func New(dir string) *Store { return &Store{dir: dir} }

// Dir returns the store's folder.
func (s *Store) Dir() string { return s.dir }

// room returns the folder in which this process writes artifacts.
func (s *Store) room() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.partial != nil {
		return s.partial.Dir, nil
	}
	partial, err := s.open()
	if err != nil {
		return "", err
	}
	s.partial = partial
	return partial.Dir, nil
}

// open makes the room, in the folder for temporary files if the store cannot be
// written: a large artifact has to be somewhere while it is unpacked.
func (s *Store) open() (*room.Room, error) {
	if s.dir != "" {
		err := os.MkdirAll(s.artifacts(), 0o755)
		if err == nil {
			var partial *room.Room
			if partial, err = room.Open(s.dir, partialPrefix, ""); err == nil {
				return partial, nil
			}
		}
		if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
			return nil, err
		}
	}
	return room.Open(os.TempDir(), partialPrefix, "")
}

// Used reports whether anything was written to the store's folder through this
// Store since it was made or closed.
func (s *Store) Used() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dir != "" && s.partial != nil && filepath.Dir(s.partial.Dir) == s.dir
}

// Close removes what was being written and was not committed. The Store can be
// used again.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.partial == nil {
		return nil
	}
	err := s.partial.Close()
	s.partial = nil
	return err
}

// Sweep removes what killed processes were writing.
func (s *Store) Sweep() error {
	if s.dir == "" {
		return nil
	}
	dead, err := room.Dead(s.dir, partialPrefix, "")
	for _, dir := range dead {
		err = errors.Join(err, room.Remove(dir, ""))
	}
	return err
}

// errNowhere is what the store in "" answers.
var errNowhere = fmt.Errorf("store has no folder: %w", fs.ErrNotExist)

func (s *Store) artifacts() string { return filepath.Join(s.dir, "sha256") }

func (s *Store) path(d digest.Digest) (string, error) {
	if s.dir == "" {
		return "", errNowhere
	}
	if _, err := digest.Parse(string(d)); err != nil || d.Hex() == "" {
		// A Digest that nobody checked could lead out of the store.
		return "", fmt.Errorf("find %.80q in the store: %w", string(d), digest.ErrInvalid)
	}
	return filepath.Join(s.artifacts(), d.Hex()), nil
}

// An Artifact is open for reading and was verified when it was opened. What
// other processes delete from the store stays readable through it.
type Artifact struct {
	io.ReaderAt
	Size   int64
	Digest digest.Digest
	close  func() error
}

// Close releases the artifact.
func (a *Artifact) Close() error {
	if a.close == nil {
		return nil
	}
	return a.close()
}

// Open returns the artifact with digest d. An artifact whose bytes have another
// digest is deleted. The error matches fs.ErrNotExist if there is none, or none
// any more; digest.ErrInvalid if d is no sha256 digest; and fs.ErrInvalid if
// what stands there is no regular file.
func (s *Store) Open(d digest.Digest) (*Artifact, error) {
	path, err := s.path(d)
	if err != nil {
		return nil, err
	}
	a, err := open(path, d)
	if _, ok := errors.AsType[*digest.MismatchError](err); ok {
		_ = os.Remove(path)
		return nil, fmt.Errorf("open artifact: %w (%w)", fs.ErrNotExist, err)
	}
	return a, err
}

func open(path string, want digest.Digest) (*Artifact, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read artifact %s: not a regular file: %w", path, fs.ErrInvalid)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > inMemory {
		if _, err := io.Copy(io.Discard, digest.NewReader(f, want, info.Size())); err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("read artifact: %w", err)
		}
		return &Artifact{ReaderAt: f, Size: info.Size(), Digest: want, close: f.Close}, nil
	}
	data := make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read artifact: %w", err)
	}
	if got := digest.Of(data); got != want {
		return nil, &digest.MismatchError{What: "stored artifact", Want: want, Got: got}
	}
	return &Artifact{ReaderAt: bytes.NewReader(data), Size: info.Size(), Digest: want}, nil
}

// Has reports whether a file is there under d, without reading it.
func (s *Store) Has(d digest.Digest) bool {
	path, err := s.path(d)
	if err != nil {
		return false
	}
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}

// A Found is one artifact of a store, by its file.
type Found struct {
	Digest digest.Digest
	Size   int64
	// Err is set by Verify: a *digest.MismatchError if the file does not hold what
	// its name says, else why it could not be read.
	Err error
}

// List returns what is in the store by the names of the files, sorted; nil if
// there is nothing. Err is nil in each.
func (s *Store) List() ([]Found, error) {
	if s.dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(s.artifacts())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list store: %w", err)
	}
	var found []Found
	for _, e := range entries {
		d, err := digest.Parse("sha256:" + e.Name())
		if err != nil || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue
		}
		found = append(found, Found{Digest: d, Size: info.Size()})
	}
	return found, nil
}

// Verify hashes every artifact and returns all of them. A damaged one has its Err
// set, and is deleted if fix is set: what is missing is fetched again when it is
// wanted. One that goes away meanwhile is left out. The error says that the store
// could not be listed, or that ctx ended.
func (s *Store) Verify(ctx context.Context, fix bool) ([]Found, error) {
	found, err := s.List()
	if err != nil {
		return nil, err
	}
	there := found[:0]
	for _, f := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f.Err = s.verify(f.Digest, fix)
		if !errors.Is(f.Err, fs.ErrNotExist) {
			there = append(there, f)
		}
	}
	return there, nil
}

func (s *Store) verify(d digest.Digest, fix bool) error {
	path, err := s.path(d)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, digest.NewReader(f, d, -1))
	_ = f.Close()
	if _, ok := errors.AsType[*digest.MismatchError](err); ok && fix {
		return errors.Join(err, os.RemoveAll(path))
	}
	return err
}

// Prune deletes every artifact that keep does not hold, and what interrupted
// processes left behind. It returns what it deleted, or would if dryRun is set;
// with an error, what it deleted before that.
func (s *Store) Prune(keep []digest.Digest, dryRun bool) ([]Found, error) {
	all, err := s.List()
	if err != nil {
		return nil, err
	}
	gone := slices.DeleteFunc(all, func(f Found) bool { return slices.Contains(keep, f.Digest) })
	if dryRun {
		return gone, nil
	}
	for i := range gone {
		path, err := s.path(gone[i].Digest)
		if err != nil {
			return nil, err
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return gone[:i], fmt.Errorf("prune store: %w", err)
		}
	}
	return gone, s.Sweep()
}
