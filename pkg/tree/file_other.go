//go:build !linux

package tree

import (
	"errors"
	"io/fs"
	"os"
)

// WriteNew writes a file that is not there yet, and flushes it: there is no way
// here to flush many at once later.
func WriteNew(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm())
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Rename renames a file.
func Rename(from, to string) error { return os.Rename(from, to) }
