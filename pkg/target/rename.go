package target

import (
	"io/fs"
	"os"
)

// renameChecked looks before it renames, for where the kernel cannot do both at
// once. The lock of the scope keeps other processes of ours out in between.
func renameChecked(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
	}
	return os.Rename(from, to)
}
