package target

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	for _, dir := range slices.Backward(missing) {
		err := os.Mkdir(dir, 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		s.made = append(s.made, dir)
	}
	return nil
}

// Remake makes the root again, if someone removed it since Open while it was empty.
func (s *Stage) Remake() error { return s.makeRoot() }

// Made reports whether Close would remove the root if it is empty.
func (s *Stage) Made() bool { return len(s.made) > 0 }

// Keep makes Close leave the root where it is, even empty.
func (s *Stage) Keep() { s.made = nil }

// unmake removes the folders that makeRoot made, as far as they are empty.
func (s *Stage) unmake() {
	for _, dir := range slices.Backward(s.made) {
		if os.Remove(dir) != nil {
			break
		}
	}
	s.made = nil
}

// place makes the staging folder beside the root; within it if the root is a
// mount point, or stands in a folder that we cannot write to.
func (s *Stage) place(owner string) error {
	parent := filepath.Dir(s.Root.Real)
	if sameMount(parent, s.Root.Real) {
		var err error
		s.room, err = room.Open(parent, stagingPrefix, owner)
		if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
			return err
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

// Writer returns a Writer of a new tree under key, which is one part of a path.
func (s *Stage) Writer(key string) (tree.WriteCloser, error) { return s.trees.Writer(key) }

// Staged returns where the tree under key is.
func (s *Stage) Staged(key string) string { return filepath.Join(s.room.Dir, newHalf, key) }

// Drop removes the tree under key.
func (s *Stage) Drop(key string) error { return os.RemoveAll(s.Staged(key)) }

// Close removes the staging folder with all that is in it, and the root if Open
// made it and nothing came to stand in it. It may be called again.
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

// Place makes the tree staged under dir (a path that Staged returned, of this or of
// a dead process) the skill at path, where nothing may be.
func Place(staged, path string) error {
	err := renameNew(staged, path)
	if errors.Is(err, fs.ErrNotExist) && remake(staged, path) == nil {
		err = renameNew(staged, path)
	}
	return err
}

// remake makes the root of path again, if that is what is missing: a process that
// had made it and then had nothing to place has removed it.
func remake(staged, path string) error {
	if _, err := os.Lstat(staged); err != nil {
		return err
	}
	return os.MkdirAll(filepath.Dir(path), 0o755)
}

// Swap makes the tree staged under dir (a path that Staged returned, of this or
// of a dead process) the skill at path. What stood there stays in the staging
// folder. Where the kernel can exchange two folders there is no moment without
// the skill.
func Swap(staged, path string) error { return swap(staged, path, exchange) }

func swap(staged, path string, exchange func(a, b string) error) error {
	err := Place(staged, path)
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

// Taken returns where a Swap or TakeOut of staged put what stood at its path.
func Taken(staged string) string {
	if old := oldPath(staged); exists(old) {
		return old
	}
	return staged
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Leftovers returns the staging folders of dead processes with this owner that
// stand beside or in the root, for Sweep to remove. A folder that is not there
// or may not be listed has none.
func Leftovers(root Root, owner string) ([]string, error) {
	beside, err := room.Dead(filepath.Dir(root.Real), stagingPrefix, owner)
	if err != nil {
		return nil, err
	}
	within, err := room.Dead(root.Real, stagingPrefix, owner)
	return append(beside, within...), err
}

// IsStagedFor reports whether path is where a Stage of the root keeps a tree.
func IsStagedFor(root Root, path string) bool {
	dir, ok := RoomOf(path)
	parent := filepath.Dir(dir)
	return ok && (parent == root.Real || parent == filepath.Dir(root.Real))
}

// RoomOf returns the staging folder that holds the tree at path, if path can be
// what Staged returned.
func RoomOf(path string) (string, bool) {
	half := filepath.Dir(path)
	dir := filepath.Dir(half)
	return dir, filepath.IsAbs(path) && filepath.Clean(path) == path && filepath.Base(half) == newHalf && IsStaging(filepath.Base(dir))
}

// Sweep removes a staging folder that Leftovers returned for this owner. It is no
// error that it went away.
func Sweep(dir, owner string) error { return room.Remove(dir, owner) }

// Unswap undoes a Swap of the same arguments. What was swapped in goes back to
// the staging folder; had says whether something stood there before.
func Unswap(staged, path string, had bool) error {
	if !had {
		return os.Rename(path, staged)
	}
	// What stood there tells how it was moved. To ask for an exchange would not: the
	// kernel looks for both folders before it asks the file system.
	old := oldPath(staged)
	if _, err := os.Lstat(old); err != nil {
		return exchange(staged, path)
	}
	if err := os.Rename(path, staged); err != nil {
		return err
	}
	return os.Rename(old, path)
}

// PutBack undoes a TakeOut of the same arguments.
func PutBack(staged, path string) error { return os.Rename(oldPath(staged), path) }

// ErrNoLinks says that the system does not let this user make links.
var ErrNoLinks = errors.New("links cannot be made")

// Link puts a link to the folder at path in the place of the tree under key. If
// that cannot be, the tree stays and the error matches ErrNoLinks.
func (s *Stage) Link(key, path string) error {
	link := s.Staged(key) + ".link"
	if err := os.Symlink(path, link); err != nil {
		return fmt.Errorf("%w: %w", ErrNoLinks, err)
	}
	if err := s.Drop(key); err != nil {
		return err
	}
	return os.Rename(link, s.Staged(key))
}
