package tree

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// WriteNew writes a file that is not there yet: open, write, close, where an
// os.File takes five calls more to find out that a file cannot be polled.
func WriteNew(path string, data []byte, mode fs.FileMode) error {
	for {
		fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, uint32(mode.Perm()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return &fs.PathError{Op: "create", Path: path, Err: err}
		}
		f := &rawFile{fd: fd, path: path}
		_, err = f.Write(data)
		return errors.Join(err, f.Close())
	}
}

// Rename renames a file, without the look at the new name by which os.Rename
// finds out whether it is a folder.
func Rename(from, to string) error {
	if err := unix.Rename(from, to); err != nil {
		return &fs.PathError{Op: "rename", Path: to, Err: err}
	}
	return nil
}
