package skill

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ReadFile returns the bytes of the SKILL.md at path, of one that is too large as
// many as Parse takes to refuse it. It follows links. What is no regular file is an
// error that matches fs.ErrInvalid, and is not opened: a pipe would be waited for.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file: %w", FileName, fs.ErrInvalid)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, MaxSize+1))
}
