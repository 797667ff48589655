// Package gitmerge reads the sides of a file that git could not merge, out of the
// repository and without running git. What git leaves in the file itself is not
// enough: line by line it takes over what only one side changed, so that neither
// side can be had back from it.
//
// It reads the index (versions 2 to 4) and objects, loose and packed, as
// gitformat-index(5) and gitformat-pack(5) describe them. A repository may have
// come from anywhere: all that is read is bounded, and an object counts only under
// the hash that it is asked for by.
package gitmerge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrNone says that the file is in no repository, is not unmerged there, or that
// the repository is of a kind that cannot be read here.
var ErrNone = errors.New("no unmerged file of a git repository")

const (
	maxIndex = 256 << 20
	maxBlob  = 16 << 20
	maxSmall = 64 << 10 // files that hold a path or a few
)

// Sides are the three versions of an unmerged file.
type Sides struct {
	Base         []byte // nil if both sides added the file
	Ours, Theirs []byte
}

// Read returns the sides of the file at path. The error matches ErrNone where there
// are none to be had.
func Read(path string) (*Sides, error) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	r, name, err := find(dir, filepath.Base(path))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	stages, err := r.stages(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	s := &Sides{}
	for i, to := range []*[]byte{&s.Base, &s.Ours, &s.Theirs} {
		id, ok := stages[i+1]
		if !ok && i > 0 {
			return nil, ErrNone
		}
		if !ok {
			continue
		}
		if *to, err = r.blob(id); err != nil {
			return nil, fmt.Errorf("%w: read %s: %w", ErrNone, id, err)
		}
	}
	return s, nil
}

// A repository is where a worktree's index and its objects are.
type repository struct {
	dir     string
	objects []string // folders
}

// find returns the repository that dir is in, and the path in it of a file of dir.
func find(dir, file string) (*repository, string, error) {
	for root := dir; ; root = filepath.Dir(root) {
		git := filepath.Join(root, ".git")
		info, err := os.Stat(git)
		if err == nil {
			rel, err := filepath.Rel(root, filepath.Join(dir, file))
			if err != nil {
				return nil, "", err
			}
			if !info.IsDir() { // a worktree or a submodule
				if git, err = pointer(git, "gitdir: "); err != nil {
					return nil, "", err
				}
			}
			r, err := open(git)
			return r, filepath.ToSlash(rel), err
		}
		if root == filepath.Dir(root) {
			return nil, "", fs.ErrNotExist
		}
	}
}

func open(git string) (*repository, error) {
	common, err := pointer(filepath.Join(git, "commondir"), "")
	if errors.Is(err, fs.ErrNotExist) {
		common, err = git, nil
	}
	if err != nil {
		return nil, err
	}
	r := &repository{dir: git, objects: []string{filepath.Join(common, "objects")}}
	return r, r.alternates()
}

// alternates adds the folders from which a repository borrows objects, those of
// clones with --shared or --reference.
func (r *repository) alternates() error {
	const most = 16
	for i := 0; i < len(r.objects) && len(r.objects) < most; i++ {
		data, err := readFile(filepath.Join(r.objects[i], "info", "alternates"), maxSmall)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, `"`) {
				r.objects = append(r.objects, relativeTo(r.objects[i], line))
			}
		}
	}
	return nil
}

// pointer reads a file that holds a path, after a prefix.
func pointer(path, prefix string) (string, error) {
	data, err := readFile(path, maxSmall)
	if err != nil {
		return "", err
	}
	to, ok := strings.CutPrefix(strings.TrimRight(string(data), "\r\n"), prefix)
	if !ok || to == "" {
		return "", fmt.Errorf("read %s: it leads nowhere", path)
	}
	return relativeTo(filepath.Dir(path), to), nil
}

func relativeTo(dir, path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func readFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var data bytes.Buffer
	if _, err := data.ReadFrom(io.LimitReader(f, most+1)); err != nil {
		return nil, err
	}
	if int64(data.Len()) > most {
		return nil, fmt.Errorf("read %s: it is larger than %d bytes", path, most)
	}
	return data.Bytes(), nil
}
