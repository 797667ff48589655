package bundle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/internal/room"
)

// roomPrefix is that of the folder in which a bundle is written, beside its place.
const roomPrefix = ".skills-bundle-"

// WriteFile writes the file at path in one step, and not at all if it has these
// bytes already: then it reports true. What a killed process left of the same
// bundle is removed.
func WriteFile(path string, write func(io.Writer) error) (same bool, err error) {
	parent := filepath.Dir(path)
	dead, err := room.Dead(parent, roomPrefix, path)
	for _, dir := range dead {
		err = errors.Join(err, room.Remove(dir, path))
	}
	if err != nil {
		return false, fmt.Errorf("write %s: %w", path, err)
	}
	r, err := room.Open(parent, roomPrefix, path)
	if err != nil {
		return false, fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	temp, err := os.OpenFile(filepath.Join(r.Dir, Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return false, fmt.Errorf("write %s: %w", path, err)
	}
	h := digest.NewHasher()
	buffered := bufio.NewWriter(io.MultiWriter(temp, h))
	err = write(buffered)
	if err == nil {
		err = errors.Join(buffered.Flush(), temp.Chmod(0o644), temp.Sync())
	}
	if err := errors.Join(err, temp.Close()); err != nil {
		return false, err
	}
	if holds(path, h.Digest()) {
		return true, nil
	}
	return false, os.Rename(temp.Name(), path)
}

// holds says whether the file at path has this digest.
func holds(path string, want digest.Digest) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	_, err = io.Copy(io.Discard, digest.NewReader(f, want, -1))
	return err == nil
}
