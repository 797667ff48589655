//go:build !linux

package tree

import (
	"errors"
	"io/fs"
	"os"
)

// WriteNew writes a file that is not there yet.
func WriteNew(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm())
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// Rename renames a file.
func Rename(from, to string) error { return os.Rename(from, to) }
