//go:build !linux

package target

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Flush makes durable all that is below the folders trees, and the files and
// folders of paths themselves: here file by file.
func Flush(trees, paths []string) error {
	for _, dir := range trees {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.IsDir() && !e.Type().IsRegular() {
				return err
			}
			return flush(path)
		})
		if err != nil {
			return fmt.Errorf("flush %s: %w", dir, err)
		}
	}
	for _, path := range paths {
		if err := flush(path); err != nil {
			return fmt.Errorf("flush %s: %w", path, err)
		}
	}
	return nil
}

// flush does nothing on Windows, where only who writes a file can flush it.
func flush(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// sameMount reports whether a rename can lead from one folder to another, which
// cannot be told here: the folder beside the root is tried.
func sameMount(string, string) bool { return true }
