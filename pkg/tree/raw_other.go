//go:build !linux

package tree

import (
	"io"
	"io/fs"
	"os"
)

// rawDir leaves everything to os.Root.
type rawDir struct{}

func openRaw(string) rawDir { return rawDir{} }

func (rawDir) close() {}

func (rawDir) mkdir(string) error { return errNoRaw }

func (rawDir) create(string, fs.FileMode) (io.WriteCloser, error) { return nil, errNoRaw }

// openRead opens a file to be read, and fails if it is a link.
func openRead(path string) (io.ReadCloser, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrInvalid}
	}
	return os.Open(path)
}
