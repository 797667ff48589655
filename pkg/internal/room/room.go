// Package room makes private folders that live as long as the process that works
// in them. The kernel holds a lock for each, so that what a killed process left
// is told from what a living one uses without clocks or process numbers.
package room

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gofrs/flock"
)

// A lock and the owner are files of their own: where locks are mandatory, no one
// could read what is locked. Who makes a room locks it before it has an owner;
// who removes one removes the owner after all else. So a room with an owner that
// nobody locks is a dead one, whole or in part.
const (
	lockFile  = "lock"
	ownerFile = "owner"
)

// A Room is a private folder of this process.
type Room struct {
	Dir  string
	lock *flock.Flock
}

// Open makes a room in the folder parent, under a new name with the prefix. The
// owner is a text by which Dead tells whose it was.
func Open(parent, prefix, owner string) (*Room, error) {
	for {
		r := &Room{Dir: filepath.Join(parent, prefix+rand.Text())}
		if err := os.Mkdir(r.Dir, 0o700); err != nil {
			return nil, err
		}
		err := r.hold(owner)
		if err == nil {
			return r, nil
		}
		err = errors.Join(err, r.Close())
		if !errors.Is(err, errSwept) {
			return nil, err
		}
	}
}

// errSwept says that another process took the folder for a dead one's, in the
// moment before it was locked.
var errSwept = errors.New("room was swept")

func (r *Room) hold(owner string) error {
	path := filepath.Join(r.Dir, lockFile)
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if errors.Is(err, fs.ErrNotExist) || err == nil && !ok {
		return errSwept
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", r.Dir, err)
	}
	r.lock = lock
	err = os.WriteFile(filepath.Join(r.Dir, ownerFile), []byte(owner), 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return errSwept
	}
	return err
}

// Close removes the room with all that is in it. What it cannot remove stays for
// who comes upon it as a dead one's. It may be called again.
func (r *Room) Close() error {
	if r.lock == nil {
		return nil
	}
	err := empty(r.Dir)
	err = errors.Join(err, r.lock.Close())
	r.lock = nil
	if err == nil {
		err = finish(r.Dir)
	}
	return err
}

// Remove removes a room that Dead returned for this owner. It is no error that it
// went away, and one that is no dead room of this owner stays.
func Remove(dir, owner string) error {
	if !abandoned(dir, owner) {
		return nil
	}
	if err := empty(dir); err != nil {
		return err
	}
	return finish(dir)
}

// empty removes all but the lock from a room, the owner last.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var errs []error
	for _, e := range entries {
		if name := e.Name(); name != lockFile && name != ownerFile {
			errs = append(errs, removeAll(filepath.Join(dir, name)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(dir, ownerFile))
}

// removeAll is os.RemoveAll also of folders that their user made read-only: what was
// moved here is as it stood elsewhere, and all of it is ours to remove.
func removeAll(path string) error {
	err := os.RemoveAll(path)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(path, func(sub string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(sub, 0o700)
		}
		return nil
	})
	return os.RemoveAll(path)
}

// finish removes an empty room. os.RemoveAll would have to list the folder that it
// is in.
func finish(dir string) error {
	for _, path := range []string{filepath.Join(dir, lockFile), dir} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Dead returns the rooms of dead processes in parent that have the prefix and
// the owner. A parent that is not there, is no folder or may not be listed has
// none.
func Dead(parent, prefix, owner string) ([]string, error) {
	entries, err := os.ReadDir(parent)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var dead []string
	for _, e := range entries {
		dir := filepath.Join(parent, e.Name())
		if e.IsDir() && strings.HasPrefix(e.Name(), prefix) && abandoned(dir, owner) {
			dead = append(dead, dir)
		}
	}
	return dead, nil
}

// abandoned reports whether the room is owner's and no process holds its lock.
// One whose owner was not written to the end has nothing in it, and is anyone's.
func abandoned(dir, owner string) bool {
	info, err := os.Lstat(filepath.Join(dir, ownerFile))
	if errors.Is(err, fs.ErrNotExist) {
		removeEmpty(dir)
		return false
	}
	// The folder may have come with a project, and be made to trap who reads it.
	if err != nil || !info.Mode().IsRegular() || info.Size() != 0 && info.Size() != int64(len(owner)) {
		return false
	}
	have, err := os.ReadFile(filepath.Join(dir, ownerFile))
	if err != nil || len(have) > 0 && string(have) != owner {
		return false
	}
	lock := tryLock(dir)
	if lock == nil {
		return false
	}
	_ = lock.Close()
	return true
}

// removeEmpty removes a room without an owner: it is being made, or its process
// died while it was made or removed. Whoever is making it notices that it went
// away, and makes another.
func removeEmpty(dir string) {
	if os.Remove(dir) == nil {
		return
	}
	lock := tryLock(dir)
	if lock == nil {
		return
	}
	// Removed while it is locked: who gets the lock after us finds no folder. Where
	// a file that is open cannot be removed, it is removed after that.
	_ = os.RemoveAll(dir)
	_ = lock.Close()
	_ = os.RemoveAll(dir)
}

// tryLock returns the lock of a room, or nil if it cannot be had.
func tryLock(dir string) *flock.Flock {
	path := filepath.Join(dir, lockFile)
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDWR))
	if ok, err := lock.TryLock(); err != nil || !ok {
		return nil
	}
	return lock
}
