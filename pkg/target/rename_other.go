//go:build !linux

package target

import "errors"

// renameNew renames a folder to a name that must be free.
func renameNew(from, to string) error { return renameChecked(from, to) }

// exchange swaps two folders in one step, which this platform cannot.
func exchange(string, string) error { return errors.ErrUnsupported }
