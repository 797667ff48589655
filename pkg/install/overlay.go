package install

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/openskills-go/skills/pkg/merge"
)

// overlay turns a staged tree into the merged one. What it takes from the local
// folder is checked by whoever scans the result.
func overlay(m *merge.Merged, from, staged string) error {
	root, err := os.OpenRoot(staged)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for _, path := range m.Removed {
		if err := removeFile(root, filepath.FromSlash(path)); err != nil {
			return err
		}
	}
	for _, f := range m.Files {
		file := filepath.FromSlash(f.Path)
		content, mode := f.Content, permissions(from, f)
		switch f.From {
		case merge.FromLocal:
			content, err = readBelow(from, f.Path)
		case merge.FromNext:
			content, err = root.ReadFile(file)
		case merge.FromBoth:
		}
		if err != nil {
			return err
		}
		if err := root.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := writeNew(root, file, content, mode); err != nil {
			return err
		}
	}
	return overlayFolders(root, from)
}

// permissions returns those of a file of the merged tree: what is private stays so.
func permissions(from string, f merge.File) fs.FileMode {
	info, err := os.Lstat(filepath.Join(from, filepath.FromSlash(f.Path)))
	if err != nil || !info.Mode().IsRegular() || (info.Mode()^f.Mode)&0o100 != 0 {
		return f.Mode
	}
	return info.Mode().Perm()
}

// overlayFolders makes what no tree of files says of the local folders true of the
// staged ones: empty ones, without which a repository is none, and permissions.
func overlayFolders(root *os.Root, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		dir, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if entries, err := os.ReadDir(path); err == nil && len(entries) == 0 {
			_ = root.MkdirAll(dir, 0o755) // where the new version has a file, that is it
		}
		if there, err := root.Lstat(dir); err == nil && there.IsDir() {
			return root.Chmod(dir, info.Mode().Perm()|0o700)
		}
		return nil // all that was in it is gone
	})
}

// removeFile removes a file, and the folders that are empty then.
func removeFile(root *os.Root, file string) error {
	if err := root.Remove(file); err != nil {
		return err
	}
	dir := filepath.Dir(file)
	for dir != "." && root.Remove(dir) == nil { // until something else is in it
		dir = filepath.Dir(dir)
	}
	return nil
}

// writeNew writes a file that is not there yet, and the folders that lead to it.
func writeNew(root *os.Root, file string, content []byte, mode fs.FileMode) error {
	if err := root.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
