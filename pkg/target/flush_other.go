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

// flush makes one file or folder durable. Windows flushes a file through any
// handle that may write to it, and has no call that flushes a folder.
func flush(path string) error {
	flag := os.O_RDONLY
	if runtime.GOOS == "windows" {
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			return err
		}
		flag = os.O_RDWR
	}
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// sameMount reports whether a rename can lead from one folder to another, which
// cannot be told here: the folder beside the root is tried.
func sameMount(string, string) bool { return true }
