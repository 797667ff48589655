package install

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/target"
	"github.com/openskills-go/skills/pkg/tree"
)

// move swaps the trees of s in, or takes them out, and reads back what is there.
// If one target fails, those before it get back what they had.
func (a *apply) move(ctx context.Context, s *step) error {
	if s.verb == adopt {
		return nil // its files stay where they are
	}
	was := make([]Action, len(s.spots))
	s.moved = was
	for i, p := range s.spots {
		status, err := a.moveSpot(ctx, s, i, p)
		if err != nil {
			return errors.Join(err, a.unmove(s))
		}
		was[i] = status
		if i < len(s.out.Targets) {
			s.out.Targets[i].Path = p.root.Shown(s.out.Name)
		}
	}
	s.report()
	for i, status := range was {
		s.out.Targets[i].Status = status
	}
	if s.verb == place && len(was) > 0 && !slices.ContainsFunc(was, func(w Action) bool { return w != Unchanged }) {
		s.out.Action = Unchanged
	}
	return nil
}

func (a *apply) moveSpot(ctx context.Context, s *step, i int, p *spot) (Action, error) {
	stage := s.stageFor(i)
	path := p.root.Path(s.out.Name)
	switch {
	case s.verb == remove && stage == nil:
		return Skipped, nil
	case s.verb == remove && p.rest != "":
		if err := target.Swap(stage.Staged(s.staged.key), path); err != nil {
			return Failed, err
		}
		return Removed, a.undisturbed(ctx, s, i, p)
	case s.verb == remove:
		if err := target.TakeOut(stage.Staged(s.staged.key), path); err != nil {
			return Failed, err
		}
		return Removed, a.undisturbed(ctx, s, i, p)
	case stage == nil && p.tree != p.want(s):
		return Unchanged, nil // it keeps edits, or its line ends
	case stage == nil, p.tree == p.want(s):
		return Unchanged, a.readBack(s, p, tree.Stamp{})
	}
	if p.state == absent {
		err := target.Place(stage.Staged(s.staged.key), path)
		if errors.Is(err, fs.ErrExist) {
			// Made meanwhile, or there under a name that this file system takes for the same.
			return Failed, &NotOursError{Name: s.out.Name, Path: p.root.Shown(s.out.Name)}
		}
		if err != nil {
			return Failed, err
		}
	} else if err := target.Swap(stage.Staged(s.staged.key), path); err != nil {
		return Failed, err
	} else if err := a.undisturbed(ctx, s, i, p); err != nil {
		return Failed, err
	}
	if err := a.readBack(s, p, s.staged.stamps[i]); err != nil {
		return Failed, errors.Join(err, putBack(s, i, p))
	}
	if p.state == absent {
		return Installed, nil
	}
	return Updated, nil
}

// undisturbed puts a spot back, and fails, if what was moved out of it is not what
// was looked at: an edit that came in between is in no backup. Only now can nobody
// add another.
func (a *apply) undisturbed(ctx context.Context, s *step, i int, p *spot) error {
	now, err := digestOf(context.WithoutCancel(ctx), target.Taken(s.staged.stages[i].Staged(s.staged.key)))
	if err == nil && (now == p.tree || now == "") {
		return nil // or it went away by itself
	}
	if err == nil {
		err = ErrMoved
	}
	return errors.Join(err, putBack(s, i, p))
}

// readBack proves that an agent finds what was placed: SKILL.md is there, is a
// regular file, and has the very bytes that were parsed. That the path leads to the
// file that those bytes were written to, and that nobody changed it since, says as
// much as reading it would, which likewise comes out of the kernel's memory. Where
// the file cannot be told so surely it is read.
func (a *apply) readBack(s *step, p *spot, written tree.Stamp) error {
	path := filepath.Join(p.root.Path(s.out.Name), skill.FileName)
	if written.At(path) {
		return nil
	}
	want := s.staged.skill
	if p.merged != "" {
		want = *p.skill
	}
	sum, err := tree.SumFile(path, want.Size)
	if err == nil && sum != want.Sum {
		err = &digest.MismatchError{What: "SKILL.md", Want: digest.FromSum(want.Sum), Got: digest.FromSum(sum)}
	}
	if err != nil {
		return &ReadBackError{Name: s.out.Name, Path: p.root.Shown(s.out.Name), Err: err}
	}
	return nil
}

// unmove puts back what move moved, if it did.
func (a *apply) unmove(s *step) error {
	var errs []error
	for i, was := range s.moved {
		switch was {
		case Installed, Updated, Removed:
			errs = append(errs, putBack(s, i, s.spots[i]))
		}
	}
	s.moved = nil
	return errors.Join(errs...)
}

// putBack undoes the swap of one spot.
func putBack(s *step, i int, p *spot) error {
	staged, path := s.staged.stages[i].Staged(s.staged.key), p.root.Path(s.out.Name)
	if s.verb == remove && p.rest == "" {
		return target.PutBack(staged, path)
	}
	return target.Unswap(staged, path, p.state != absent)
}
