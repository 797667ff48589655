package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/target"
	"github.com/openskills-go/skills/pkg/tree"
)

// staged is a skill that is unpacked and verified beside each of its targets.
type staged struct {
	stages []*target.Stage // one for each spot, nil where nothing is to be placed
	key    string
	skill  tree.File    // SKILL.md
	stamps []tree.Stamp // of the SKILL.md that was written for each spot
}

func newStaged(s *step) *staged {
	return &staged{stages: make([]*target.Stage, len(s.spots)), key: strconv.Itoa(s.slot), stamps: make([]tree.Stamp, len(s.spots))}
}

// stageAll fetches and unpacks whatever is to be placed. Transfers run ahead of
// the unpackers, of which there are as many as keep the cores and the file
// system busy.
func (a *apply) stageAll(ctx context.Context) error {
	type fetched struct {
		step *step
		*artifact
	}
	ready := make(chan fetched, a.engine.jobs())
	var g errgroup.Group
	g.Go(func() error {
		defer close(ready)
		return a.engine.each(ctx, len(a.plan.steps), func(ctx context.Context, i int) {
			s := a.plan.steps[i]
			if s.verb != place {
				return
			}
			body, err := a.engine.obtain(ctx, s)
			if err != nil {
				a.done(s.fail(err))
				return
			}
			select {
			case ready <- fetched{s, body}:
			case <-ctx.Done():
				_ = body.Close()
			}
		})
	})
	for range max(2, min(4, runtime.GOMAXPROCS(0))) {
		g.Go(func() error {
			for f := range ready {
				var err error
				if crash := guard(func() { err = a.stage(ctx, f.step, f.artifact) }); crash != nil {
					err = crash
				}
				if err := errors.Join(err, f.Close()); err != nil {
					a.done(f.step.fail(err))
				}
			}
			return nil
		})
	}
	return errors.Join(g.Wait(), ctx.Err())
}

// stage unpacks an artifact beside every spot that is to get it.
func (a *apply) stage(ctx context.Context, s *step, art *artifact) error {
	st := newStaged(s)
	writers, err := a.writers(s, st)
	if err != nil {
		return errors.Join(err, many(writers).Close())
	}
	c, err := a.engine.unpack(ctx, s, art, fanOut(writers), a.plan.options)
	if err := errors.Join(err, many(writers).Close()); err != nil {
		return errors.Join(err, st.drop())
	}
	a.engine.keep(art, s)
	// Only now is the name known, and with it where links lead.
	if err := a.engine.linkSpots(s); err != nil {
		return err
	}
	for i, p := range s.spots {
		if st.stages[i] != nil && p.link != "" {
			if err := a.stageLink(s, st, i); err != nil {
				return err
			}
		}
	}
	st.skill, _ = c.Tree.Lookup(skill.FileName)
	a.engine.survey(ctx, s, c)
	s.staged = st
	for i, p := range s.spots {
		if p.state == edited && st.stages[i] != nil && p.link == "" && a.merges(p) {
			if err := a.combine(ctx, s, i, &c.Tree); err != nil {
				return errors.Join(err, st.drop())
			}
		}
	}
	a.engine.tell(Event{Kind: Staged, Name: s.out.Name})
	return nil
}

// merges reports whether the edits of a spot go into the new version.
func (a *apply) merges(p *spot) bool {
	return p.edits != nil && a.plan.options.OnEdit != OverwriteOnEdit && a.plan.options.OnEdit != KeepOnEdit
}

// writers opens the staging folders of s, and in each that is to get files a
// place for them.
func (a *apply) writers(s *step, st *staged) ([]tree.WriteCloser, error) {
	var writers []tree.WriteCloser
	for i, p := range s.spots {
		if s.exact && p.state == clean {
			continue
		}
		stage, err := a.open(p.root)
		if err != nil {
			return writers, err
		}
		st.stages[i] = stage
		w, err := stage.Writer(st.key)
		if err != nil {
			return writers, err
		}
		writers = append(writers, &stamper{w, &st.stamps[i]})
	}
	return writers, nil
}

// stageLink puts a link in the place of staged files. Where the system does not
// let us make one, the files it is.
func (a *apply) stageLink(s *step, st *staged, i int) error {
	p := s.spots[i]
	err := st.stages[i].Link(st.key, p.link)
	if errors.Is(err, target.ErrNoLinks) {
		s.out.Warnings = append(s.out.Warnings, p.root.Shown(s.out.Name)+" is a copy: links cannot be made there")
		p.link, p.copied = "", true
		return nil
	}
	return err
}

func (st *staged) drop() error {
	var errs []error
	for _, stage := range st.stages {
		if stage != nil {
			errs = append(errs, stage.Drop(st.key))
		}
	}
	return errors.Join(errs...)
}

func (a *apply) open(root target.Root) (*target.Stage, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if stage, ok := a.stages[root.Real]; ok {
		return stage, nil
	}
	stage, err := target.Open(root, a.engine.Scope.Lock)
	if err != nil {
		return nil, err
	}
	a.stages[root.Real] = stage
	return stage, nil
}

// fanOut returns a Writer that writes to all of several.
func fanOut(writers []tree.WriteCloser) tree.Writer {
	if len(writers) == 1 {
		return writers[0]
	}
	return many(writers)
}

type many []tree.WriteCloser

func (m many) Close() error {
	var errs []error
	for _, w := range m {
		errs = append(errs, w.Close())
	}
	return errors.Join(errs...)
}

func (m many) Mkdir(path string) error {
	for _, w := range m {
		if err := w.Mkdir(path); err != nil {
			return err
		}
	}
	return nil
}

func (m many) Create(path string, mode fs.FileMode) (io.WriteCloser, error) {
	files := make(manyFiles, 0, len(m))
	for _, w := range m {
		f, err := w.Create(path, mode)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("create %s: %w", path, err), files.Close())
		}
		files = append(files, f)
	}
	return files, nil
}

type manyFiles []io.WriteCloser

func (m manyFiles) Write(p []byte) (int, error) {
	for _, f := range m {
		if n, err := f.Write(p); err != nil {
			return n, err
		}
	}
	return len(p), nil
}

func (m manyFiles) Close() error {
	var errs []error
	for _, f := range m {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// A stamper notes by what the SKILL.md can be known that is written through it.
type stamper struct {
	tree.WriteCloser
	stamp *tree.Stamp
}

func (w *stamper) Create(path string, mode fs.FileMode) (io.WriteCloser, error) {
	f, err := w.WriteCloser.Create(path, mode)
	if err != nil || path != skill.FileName {
		return f, err
	}
	return &stamped{f, w.stamp}, nil
}

type stamped struct {
	io.WriteCloser
	stamp *tree.Stamp
}

func (f *stamped) Close() error {
	*f.stamp = tree.StampOf(f.WriteCloser)
	return f.WriteCloser.Close()
}
