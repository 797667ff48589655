//go:build !linux

package tree

// stampAt finds no file: elsewhere files are read back.
func stampAt(string) Stamp { return Stamp{} }
