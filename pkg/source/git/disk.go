package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// init makes the bare repository on disk, if there is none.
func (p *repo) init(ctx context.Context, digits int) error {
	if p.dir != "" {
		return nil
	}
	root, err := p.s.root()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(root, "")
	if err != nil {
		return fmt.Errorf("make repository: %w", err)
	}
	format := "sha1"
	if digits == 64 {
		format = "sha256"
	}
	err = p.s.run(ctx, command{args: []string{"init", "--quiet", "--bare", "--template=", "--object-format=" + format}, dir: dir, url: p.url})
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	p.dir = dir
	return nil
}

// root returns the folder that the repositories are made in.
func (s *Source) root() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != "" {
		return s.dir, nil
	}
	if s.o.Dir != "" {
		if err := os.MkdirAll(s.o.Dir, 0o700); err != nil {
			return "", fmt.Errorf("make folder of repositories: %w", err)
		}
		sweepOld(s.o.Dir)
	}
	dir, err := os.MkdirTemp(s.o.Dir, rootPrefix)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", fmt.Errorf("make folder of repositories: %w", err)
	}
	s.dir = dir
	return dir, nil
}

const rootPrefix = "skills-git-"

// sweepOld deletes what runs that were killed left in a folder, once it is so old
// that no run can be at it.
func sweepOld(dir string) {
	const old = 24 * time.Hour
	left, _ := filepath.Glob(filepath.Join(dir, rootPrefix+"*"))
	for _, folder := range left {
		if info, err := os.Lstat(folder); err == nil && info.IsDir() && time.Since(info.ModTime()) > old {
			_ = os.RemoveAll(folder)
		}
	}
}
