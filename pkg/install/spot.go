package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/target"
	"github.com/openskills-go/skills/pkg/tree"
)

// spot finds the folders that s is about, and what stands in them if the name is
// known, and decides whether s may go on.
func (e *Engine) spot(ctx context.Context, s *step, o Options) *step {
	roots, err := e.rootsOf(s.agents, s.dirs)
	if err != nil {
		return s.fail(err)
	}
	s.spots = make([]*spot, len(roots))
	for i, r := range roots {
		s.spots[i] = &spot{root: r}
	}
	if s.out.Name == "" {
		s.report()
		return s
	}
	if err := e.inspect(ctx, s); err != nil {
		return s.fail(err)
	}
	if err := allow(s, o); err != nil {
		return s.fail(err)
	}
	s.report()
	return s
}

// rootsOf is roots, asked once for each combination: most skills share one.
func (e *Engine) rootsOf(agents, dirs []string) ([]target.Root, error) {
	key := strings.Join(agents, "\x00") + "\x01" + strings.Join(dirs, "\x00")
	e.mu.Lock()
	defer e.mu.Unlock()
	if known, ok := e.rootCache[key]; ok {
		return known, nil
	}
	roots, err := e.roots(agents, dirs)
	if err != nil {
		return nil, err
	}
	if e.rootCache == nil {
		e.rootCache = map[string][]target.Root{}
	}
	e.rootCache[key] = roots
	return roots, nil
}

// inspect reads what stands in the spots of s.
func (e *Engine) inspect(ctx context.Context, s *step) error {
	claimed, err := e.claimed(s.entry)
	if err != nil {
		return err
	}
	for _, p := range s.spots {
		if err := e.inspectSpot(ctx, s, p, slices.Contains(claimed, p.root.Real)); err != nil {
			return err
		}
	}
	return nil
}

// claimed returns the real folders in which the lock says that a skill stands.
func (e *Engine) claimed(entry *lockfile.Skill) ([]string, error) {
	if entry == nil {
		return nil, nil
	}
	roots, err := e.rootsOf(entry.Agents, entry.Dirs)
	if err != nil {
		return nil, err
	}
	real := make([]string, len(roots))
	for i, r := range roots {
		real[i] = r.Real
	}
	return real, nil
}

func (e *Engine) inspectSpot(ctx context.Context, s *step, p *spot, ours bool) error {
	p.state, p.tree, p.edited = absent, "", nil
	there, err := tree.Scan(ctx, p.root.Path(s.out.Name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrInvalid):
		// A link or a file: whoever put it there, it was not us.
		p.state = foreign
		return nil
	case err != nil:
		return err
	}
	p.tree = there.Digest()
	switch {
	case s.entry != nil && p.tree == s.entry.Tree:
		// The very files of the lock, whoever put them there.
		p.state = clean
	case s.staged != nil && p.tree == s.out.Tree:
		p.state = clean
	case ours:
		p.state = edited
		p.edited = e.changes(ctx, s.entry, there)
	default:
		p.state = foreign
	}
	return nil
}

// changes compares what stands there with the stored artifact; nil if that is
// not at hand.
func (e *Engine) changes(ctx context.Context, entry *lockfile.Skill, there *tree.Tree) *Changes {
	a, err := e.Store.Open(entry.Artifact)
	if err != nil {
		return nil
	}
	defer func() { _ = a.Close() }()
	pristine, err := archive.Unpack(ctx, a, a.Size, nil, archive.Options{Limits: e.Limits, Slug: entry.Slug})
	if err != nil || pristine.Tree.Digest() != entry.Tree {
		return nil
	}
	c := &Changes{}
	c.Added, c.Changed, c.Removed = tree.Diff(&pristine.Tree, there)
	return c
}

// allow decides what may be done to the spots of s. It returns an error where
// nothing may, and makes a step that is to be left alone a skipped one.
func allow(s *step, o Options) error {
	for _, p := range s.spots {
		switch p.state {
		case foreign:
			if s.verb == remove {
				s.out.Warnings = append(s.out.Warnings, p.root.Shown(s.out.Name)+" is not ours any more and stays")
				continue
			}
			if !o.Replace {
				return &NotOursError{Name: s.out.Name, Path: p.root.Shown(s.out.Name)}
			}
		case edited:
			switch o.OnEdit {
			case OverwriteOnEdit:
			case KeepOnEdit:
				s.verb, s.out.Action = nothing, Skipped
				s.out.Warnings = append(s.out.Warnings, p.root.Shown(s.out.Name)+" was changed and is kept")
				return nil
			default:
				return &EditedError{Name: s.out.Name, Path: p.root.Shown(s.out.Name), Changes: p.edited}
			}
		case absent, clean:
		}
	}
	return nil
}

// report lists the spots in the outcome, as what is about to happen to them.
func (s *step) report() {
	s.out.Targets = make([]Placement, len(s.spots))
	for i, p := range s.spots {
		status := s.out.Action
		switch {
		case s.exact && p.state == clean, s.verb == nothing && status != Skipped:
			status = Unchanged
		case s.exact:
			status = Installed
		}
		path := p.root.Dir
		if s.out.Name != "" {
			path = p.root.Shown(s.out.Name)
		}
		s.out.Targets[i] = Placement{Agents: p.root.Agents, Path: path, Status: status}
	}
}

// backup saves what an allowed overwrite or removal would destroy.
func (e *Engine) backup(s *step) error {
	for _, p := range s.spots {
		if p.state != edited && (p.state != foreign || s.verb == remove) {
			continue
		}
		if e.Backups == "" {
			return fmt.Errorf("replace %s: %w", p.root.Shown(s.out.Name), ErrNoBackup)
		}
		saved, err := target.Backup(p.root.Path(s.out.Name), e.Backups)
		if err != nil {
			return err
		}
		s.out.Backups = append(s.out.Backups, saved)
	}
	return nil
}
