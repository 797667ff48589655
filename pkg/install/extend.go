package install

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/openskills-go/skills/pkg/target"
	"github.com/openskills-go/skills/pkg/tree"
)

// extend adds the folders to s in which another process placed the skill since
// the plan was made, so that it is the same everywhere.
func (a *apply) extend(s *step) error {
	if s.verb != place || s.entry == nil || s.hidden() || s.partial {
		return nil
	}
	agents, dirs := union(s.agents, s.entry.Agents), union(s.dirs, s.entry.Dirs)
	roots, err := a.engine.rootsOf(agents, dirs)
	if err != nil {
		return err
	}
	for _, r := range roots {
		if slices.ContainsFunc(s.spots, func(p *spot) bool { return p.root.Real == r.Real }) {
			continue
		}
		if s.link {
			return ErrMoved // which folder has the files may be another now
		}
		if err := a.copyTo(r, s); err != nil {
			return err
		}
	}
	s.agents, s.dirs = agents, dirs
	return nil
}

// copyTo stages for one more root what is staged for another, as it came.
func (a *apply) copyTo(root target.Root, s *step) error {
	i := slices.IndexFunc(s.spots, func(p *spot) bool { return p.merged == "" && p.link == "" })
	if i < 0 || s.stageFor(i) == nil {
		return ErrMoved
	}
	stage, err := a.open(root)
	if err != nil {
		return err
	}
	w, err := stage.Writer(s.staged.key)
	if err != nil {
		return err
	}
	err = copyTree(s.staged.stages[i].Staged(s.staged.key), w)
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	s.spots = append(s.spots, &spot{root: root})
	s.staged.stages = append(s.staged.stages, stage)
	s.staged.stamps = append(s.staged.stamps, tree.Stamp{})
	return nil
}

func copyTree(from string, to tree.Writer) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == from {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return to.Mkdir(filepath.ToSlash(rel))
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		src, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = src.Close() }()
		dst, err := to.Create(filepath.ToSlash(rel), mode)
		if err != nil {
			return err
		}
		_, err = io.Copy(dst, src)
		return errors.Join(err, dst.Close())
	})
}
