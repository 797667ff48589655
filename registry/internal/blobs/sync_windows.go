package blobs

import (
	"errors"
	"os"
)

// syncPath flushes a file to the disk. The names in a folder are flushed with the
// file system's own log, and folders cannot be opened for that.
func syncPath(path string) error {
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
