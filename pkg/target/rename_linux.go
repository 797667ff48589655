package target

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// renameNew renames a folder to a name that must be free.
func renameNew(from, to string) error {
	return rename(from, to, unix.RENAME_NOREPLACE)
}

// exchange swaps two folders in one step.
func exchange(a, b string) error { return rename(a, b, unix.RENAME_EXCHANGE) }

func rename(from, to string, flags uint) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, flags)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) {
		// The kernel, the file system or a sandbox does not know the flag; if it is
		// something else, a rename without flags says so.
		if flags == unix.RENAME_NOREPLACE {
			return renameChecked(from, to)
		}
		return errors.ErrUnsupported
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}
