package target

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/openskills-go/skills/pkg/internal/room"
	"github.com/openskills-go/skills/pkg/tree"
)

// A Stage is a private folder beside a skills root. It has two halves: "new" for
// trees that are being written, each under a key of the caller's, and "old" for
// what a swap took out.
type Stage struct {
	Root  Root
	room  *room.Room
	trees *tree.Dir
	made  []string // folders that Open had to make, outermost first
}

const (
	stagingPrefix = ".skills-staging-"
	newHalf       = "new"
	oldHalf       = "old"
)

// Open makes a staging folder for root, and root itself if it is not there. The
// owner is a text by which Leftovers knows whose it was.
func Open(root Root, owner string) (*Stage, error) {
	s := &Stage{Root: root}
	err := s.makeRoot()
	if err == nil {
		err = s.place(owner)
	}
	if err == nil {
		err = s.furnish()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("stage for %s: %w", root.Dir, err), s.Close())
	}
	return s, nil
}

// makeRoot makes the folders that lead to the root, and remembers them so that
// an install that came to nothing leaves none of them.
func (s *Stage) makeRoot() error {
	var missing []string
	for dir := s.Root.Real; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return err
		}
		missing = append(missing, dir)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		err := os.Mkdir(missing[i], 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		s.made = append(s.made, missing[i])
	}
	return nil
}

// unmake removes the folders that makeRoot made, as far as they are empty.
func (s *Stage) unmake() {
	for i := len(s.made) - 1; i >= 0; i-- {
		if os.Remove(s.made[i]) != nil {
			break
		}
	}
	s.made = nil
}

// place makes the staging folder beside the root; within it if the root is a
// mount point, or stands in a folder that we cannot write to.
func (s *Stage) place(owner string) error {
	parent := filepath.Dir(s.Root.Real)
	if sameDevice(parent, s.Root.Real) {
		var err error
		if s.room, err = room.Open(parent, stagingPrefix, owner); err == nil {
			return nil
		}
	}
	var err error
	s.room, err = room.Open(s.Root.Real, stagingPrefix, owner)
	return err
}

func (s *Stage) furnish() error {
	for _, half := range []string{newHalf, oldHalf} {
		if err := os.Mkdir(filepath.Join(s.room.Dir, half), 0o700); err != nil {
			return err
		}
	}
	var err error
	s.trees, err = tree.OpenDir(filepath.Join(s.room.Dir, newHalf))
	return err
}

// Dir returns the staging folder.
func (s *Stage) Dir() string { return s.room.Dir }

// Writer returns a Writer of a new tree under key.
func (s *Stage) Writer(key string) (tree.Writer, error) { return s.trees.Writer(key) }

// Staged returns where the tree under key is.
func (s *Stage) Staged(key string) string { return filepath.Join(s.room.Dir, newHalf, key) }

// Drop removes the tree under key.
func (s *Stage) Drop(key string) error { return os.RemoveAll(s.Staged(key)) }

// Close removes the staging folder with all that is in it, and the root if Open
// made it and nothing came to stand in it.
func (s *Stage) Close() error {
	var errs []error
	if s.trees != nil {
		errs = append(errs, s.trees.Close())
	}
	if s.room != nil {
		errs = append(errs, s.room.Close())
	}
	s.unmake()
	return errors.Join(errs...)
}

// Swap makes the tree staged under dir (a path that Staged returned, of this or
// of a dead process) the skill at path. What stood there stays in the staging
// folder. Where the kernel can exchange two folders there is no moment without
// the skill.
func Swap(staged, path string) error {
	err := renameNew(staged, path)
	if err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	err = exchange(staged, path)
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	old := oldPath(staged)
	if err := os.Rename(path, old); err != nil {
		return err
	}
	if err := os.Rename(staged, path); err != nil {
		return errors.Join(err, os.Rename(old, path))
	}
	return nil
}

// TakeOut moves the skill at path into the staging folder, whose slot staged is.
func TakeOut(staged, path string) error { return os.Rename(path, oldPath(staged)) }

func oldPath(staged string) string {
	return filepath.Join(filepath.Dir(filepath.Dir(staged)), oldHalf, filepath.Base(staged))
}

// Leftovers returns the staging folders of dead processes with this owner that
// stand beside or in the root.
func Leftovers(root Root, owner string) ([]string, error) {
	beside, err := room.Dead(filepath.Dir(root.Real), stagingPrefix, owner)
	if err != nil {
		return nil, err
	}
	within, err := room.Dead(root.Real, stagingPrefix, owner)
	return append(beside, within...), err
}

// Unswap undoes a Swap of the same arguments. What was swapped in goes back to
// the staging folder; had says whether something stood there before.
func Unswap(staged, path string, had bool) error {
	if !had {
		return os.Rename(path, staged)
	}
	err := exchange(staged, path)
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := os.Rename(path, staged); err != nil {
		return err
	}
	return os.Rename(oldPath(staged), path)
}

// PutBack undoes a TakeOut of the same arguments.
func PutBack(staged, path string) error { return os.Rename(oldPath(staged), path) }
