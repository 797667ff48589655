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

func (*rawDir) close() {}

// folder is nothing here.
type folder struct{}

func (*folder) close() error { return nil }

func (*rawDir) mkdir(string, *folder) error { return errNoRaw }

func (*rawDir) create(string, fs.FileMode) (io.WriteCloser, error) { return nil, errNoRaw }

// openFolder opens a folder to be listed.
func openFolder(path string) (*os.File, error) { return os.Open(path) }

// openRead opens a regular file to be read, and returns its size. It fails if
// the file is a link or anything else.
func openRead(path string) (io.ReadCloser, int64, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, &fs.PathError{Op: "open", Path: path, Err: errNotFile}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	return f, info.Size(), nil
}
