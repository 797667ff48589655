// Package target places trees into the folders that agents read. A tree is
// written into a staging folder beside the skills folder, on the same file
// system and outside of what the agent scans, and enters by one rename. What a
// killed process left there is recognised by a lock that the kernel released.
package target

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Root is a skills folder and the agents that read it.
type Root struct {
	Agents []string
	Dir    string // absolute, as it is shown
	Real   string // Dir with links resolved; what is not there yet is taken as it is
}

// Resolve finds the real folder of each root and merges those that are one. The
// first of them names it. A root that is a link is followed once, here. A link
// to nowhere, in the root or on the way to it, is an error that matches
// fs.ErrNotExist; a root that is not there yet is none.
func Resolve(roots []Root) ([]Root, error) {
	var out []Root
	for _, r := range roots {
		real, err := realPath(r.Dir)
		if err != nil {
			return nil, fmt.Errorf("resolve %s: %w", r.Dir, err)
		}
		r.Real = real
		i := slices.IndexFunc(out, func(o Root) bool { return o.Real == real })
		if i < 0 {
			r.Agents = slices.Clone(r.Agents)
			out = append(out, r)
			continue
		}
		for _, a := range r.Agents {
			if !slices.Contains(out[i].Agents, a) {
				out[i].Agents = append(out[i].Agents, a)
			}
		}
	}
	return out, nil
}

// realPath resolves links in the part of path that exists.
func realPath(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	if info, lerr := os.Lstat(path); lerr == nil && info.Mode()&fs.ModeSymlink != 0 {
		return "", fmt.Errorf("link to nowhere: %w", err)
	}
	parent := filepath.Dir(path)
	if parent == path {
		return path, nil
	}
	real, err = realPath(parent)
	if err != nil {
		return "", err
	}
	return filepath.Join(real, filepath.Base(path)), nil
}

// Path returns where the skill name is, or would be, with links resolved.
func (r Root) Path(name string) string { return filepath.Join(r.Real, name) }

// Shown returns the same path as people know it.
func (r Root) Shown(name string) string { return filepath.Join(r.Dir, name) }

// Names returns what is in the folder, in one reading: the name of every entry
// and whether it is a folder, or a link to one. A root that is not there is empty.
func (r Root) Names() (map[string]bool, error) {
	entries, err := os.ReadDir(r.Real)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool, len(entries))
	for _, e := range entries {
		names[e.Name()] = e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := os.Stat(filepath.Join(r.Real, e.Name()))
			names[e.Name()] = err == nil && info.IsDir()
		}
	}
	return names, nil
}

// A KindError says that something is neither file, folder nor link, and cannot be
// copied. It matches fs.ErrInvalid.
type KindError struct {
	Path string
	Mode fs.FileMode
}

func (e *KindError) Error() string {
	kind := "no file"
	switch {
	case e.Mode&fs.ModeNamedPipe != 0:
		kind = "a pipe"
	case e.Mode&fs.ModeSocket != 0:
		kind = "a socket"
	case e.Mode&fs.ModeDevice != 0:
		kind = "a device"
	}
	return e.Path + " is " + kind + ", of which there can be no copy"
}

func (e *KindError) Unwrap() error { return fs.ErrInvalid }

// Backup copies what stands at path into a new private folder below dir, which
// is made if need be, flushes it and returns where it is: the new folder holds
// what a folder held, links as they are, or the one link or file. With an error
// there is no copy; it is a *KindError for what is neither file, folder nor link.
func Backup(path, dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("back up %s: %w", path, err)
	}
	to, err := os.MkdirTemp(dir, filepath.Base(path)+"-")
	if err != nil {
		return "", fmt.Errorf("back up %s: %w", path, err)
	}
	if err := backup(path, to); err != nil {
		return "", errors.Join(fmt.Errorf("back up %s: %w", path, err), os.RemoveAll(to))
	}
	return to, nil
}

func backup(path, to string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	switch {
	case info.IsDir():
		if err := copyFolder(path, to); err != nil {
			return err
		}
	case info.Mode()&fs.ModeSymlink != 0:
		if err := copyLink(path, filepath.Join(to, filepath.Base(path))); err != nil {
			return err
		}
	case info.Mode().IsRegular():
		if err := copyFile(path, filepath.Join(to, filepath.Base(path)), info.Mode()); err != nil {
			return err
		}
	default:
		return &KindError{Path: path, Mode: info.Mode()}
	}
	return Flush([]string{to}, nil)
}

// copyFolder copies what is in a folder, with modes no wider than ours.
func copyFolder(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == from {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch copied := filepath.Join(to, rel); {
		case d.IsDir():
			return os.Mkdir(copied, 0o755)
		case info.Mode()&fs.ModeSymlink != 0:
			return copyLink(path, copied)
		case info.Mode().IsRegular():
			return copyFile(path, copied, info.Mode())
		}
		return &KindError{Path: path, Mode: info.Mode()}
	})
}

func copyLink(from, to string) error {
	link, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return os.Symlink(link, to)
}

func copyFile(from, to string, mode fs.FileMode) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm()&0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}

// IsStaging reports whether a folder of this name is one that a Stage made.
func IsStaging(name string) bool { return strings.HasPrefix(name, stagingPrefix) }
