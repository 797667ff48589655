package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/openskills-go/skills/pkg/internal/room"
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
	if s.room != nil {
		return s.room.Dir, nil
	}
	if s.o.Dir != "" {
		s.room, _ = makeRoom(s.o.Dir)
	}
	if s.room == nil { // a home that cannot be written is no obstacle
		var err error
		if s.room, err = openRoom(os.TempDir()); err != nil {
			return "", fmt.Errorf("make folder of repositories: %w", err)
		}
	}
	return s.room.Dir, nil
}

const (
	rootPrefix = "skills-git-"
	rootOwner  = "repositories"
)

// makeRoom makes a folder for the repositories of this run below one that is ours.
func makeRoom(parent string) (*room.Room, error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, err
	}
	sweep(parent)
	return openRoom(parent)
}

func openRoom(parent string) (*room.Room, error) {
	parent, err := filepath.Abs(parent) // since git works elsewhere
	if err != nil {
		return nil, err
	}
	return room.Open(parent, rootPrefix, rootOwner)
}

// sweep deletes what runs that were killed left in a folder. What cannot be
// deleted just now, since a git that outlived its run is at it, is left for the
// next.
func sweep(parent string) {
	dead, _ := room.Dead(parent, rootPrefix, rootOwner)
	for _, dir := range dead {
		_ = room.Remove(dir, rootOwner)
	}
}
