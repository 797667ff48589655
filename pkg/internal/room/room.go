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

	"github.com/gofrs/flock"
)

const ownerFile = "owner"

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
		if !errors.Is(err, errSwept) {
			return nil, errors.Join(err, r.Close())
		}
	}
}

// errSwept says that another process took the folder for a dead one's, in the
// moment before it was locked.
var errSwept = errors.New("room was swept")

func (r *Room) hold(owner string) error {
	path := filepath.Join(r.Dir, ownerFile)
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if errors.Is(err, fs.ErrNotExist) || err == nil && !ok {
		return errSwept
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", r.Dir, err)
	}
	r.lock = lock
	return os.WriteFile(path, []byte(owner), 0o600)
}

// Close removes the room with all that is in it.
func (r *Room) Close() error {
	err := os.RemoveAll(r.Dir)
	if r.lock != nil {
		err = errors.Join(err, r.lock.Close())
		r.lock = nil
	}
	return err
}

// Dead returns the rooms of dead processes in parent that have the prefix and
// the owner. A parent that is not there has none.
func Dead(parent, prefix, owner string) ([]string, error) {
	entries, err := os.ReadDir(parent)
	if errors.Is(err, fs.ErrNotExist) {
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
// One without an owner file is empty: whoever makes it right now notices that it
// went away, and makes another.
func abandoned(dir, owner string) bool {
	path := filepath.Join(dir, ownerFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		_ = os.Remove(dir)
		return false
	}
	if err != nil || string(data) != owner && len(data) > 0 {
		return false
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDWR))
	ok, err := lock.TryLock()
	if err != nil || !ok {
		return false
	}
	_ = lock.Close()
	return true
}
