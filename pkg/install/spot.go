package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/history"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/merge"
	"github.com/openskills-go/skills/pkg/target"
	"github.com/openskills-go/skills/pkg/tree"
)

// spot finds the folders that s is about, and what stands in them if the name is
// known, and decides whether s may go on.
func (e *Engine) spot(ctx context.Context, s *step, o Options) *step {
	var err error
	if s.hidden() {
		s.report()
		return s
	}
	if s.spots, err = e.spots(s.agents, s.dirs); err != nil {
		return s.fail(err)
	}
	if s.out.Name == "" {
		s.report()
		return s
	}
	if err := e.inspect(ctx, s); err != nil {
		return s.fail(err)
	}
	if err := allow(s, o); err != nil {
		if e.overtaken(ctx, s, o) {
			err = ErrMoved
		}
		return s.fail(err)
	}
	if o.DryRun && s.verb == place && !s.exact && o.OnEdit != OverwriteOnEdit {
		if err := e.foresee(ctx, s); err != nil {
			return s.fail(err)
		}
	}
	s.report()
	return s
}

// overtaken reports whether another process changed what the lock says of a skill
// since the plan read it. Plans are made without the scope's lock: between a look
// at skills.lock and one at the folders somebody may have put something else there
// in good order, which must not pass for an edit.
func (e *Engine) overtaken(ctx context.Context, s *step, o Options) bool {
	if _, err := os.Stat(e.Scope.Root); err != nil {
		return false
	}
	hold, err := e.hold(ctx)
	if err != nil {
		return false
	}
	defer func() { _ = hold.Close() }()
	lock, err := lockfile.Load(e.Scope.Lock)
	if errors.Is(err, fs.ErrNotExist) {
		return s.entry != nil
	}
	if err != nil {
		return false
	}
	now, locked := lock.Skills[s.out.Name]
	if s.entry != nil {
		now.Disabled = s.entry.Disabled // which enable plans to be another
	}
	if locked != (s.entry != nil) || locked && !now.Equal(*s.entry) {
		return true
	}
	// Taken out and placed again, it has the same entry: only a look while nobody
	// moves anything tells.
	return e.inspect(ctx, s) == nil && allow(s, o) == nil
}

// spots returns a spot for each folder that agents and dirs stand for.
func (e *Engine) spots(agents, dirs []string) ([]*spot, error) {
	roots, err := e.rootsOf(agents, dirs)
	if err != nil {
		return nil, err
	}
	spots := make([]*spot, len(roots))
	for i, r := range roots {
		spots[i] = &spot{root: r}
	}
	return spots, nil
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
	ours, err := e.claimed(s.entry)
	if err != nil {
		return err
	}
	if err := e.linkSpots(s); err != nil {
		return err
	}
	for _, p := range s.spots {
		if err := e.inspectSpot(ctx, s, p, ours); err != nil {
			return err
		}
	}
	return nil
}

// A claim is where the lock says that a skill stands.
type claim struct {
	folders []string      // real ones
	link    digest.Digest // of the links in all but the first of them; "" if there are none
}

// linkSpots says where the spots of a linked skill link to. Which spot has the
// files follows from all folders of the skill, of which s may be about some.
func (e *Engine) linkSpots(s *step) error {
	if !s.link || s.out.Name == "" {
		return nil
	}
	agents, dirs := s.agents, s.dirs
	if s.verb == remove {
		agents, dirs = s.entry.Agents, s.entry.Dirs
	}
	roots, err := e.rootsOf(agents, dirs)
	if err != nil {
		return err
	}
	for _, p := range s.spots {
		p.link = ""
		if p.root.Real != roots[0].Real && !p.copied {
			p.link = roots[0].Path(s.out.Name)
		}
	}
	return nil
}

func (e *Engine) claimed(entry *lockfile.Skill) (claim, error) {
	var c claim
	if entry == nil {
		return c, nil
	}
	roots, err := e.rootsOf(entry.Agents, entry.Dirs)
	if err != nil {
		return c, err
	}
	for _, r := range roots {
		c.folders = append(c.folders, r.Real)
	}
	if entry.Placement == lockfile.Link && len(roots) > 0 {
		c.link = digestOfLink(roots[0].Path(entry.Name))
	}
	return c, nil
}

func (e *Engine) inspectSpot(ctx context.Context, s *step, p *spot, ours claim) error {
	p.clear()
	there, err := tree.Scan(ctx, p.root.Path(s.out.Name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrInvalid):
		p.tree, p.state = linkDigest(p.root.Path(s.out.Name)), foreign
		switch {
		case p.link != "" && p.tree == digestOfLink(p.link):
			p.state = clean
		case p.tree != "" && p.tree == ours.link:
			p.state = other
		case p.link != "" && ours.link != "" && slices.Contains(ours.folders, p.root.Real) && dangles(p.root.Path(s.out.Name)):
			p.state = other // made where the place that it leads to was another; there is nothing in it to lose
		}
		return nil
	case err != nil:
		return err
	}
	p.tree = there.Digest()
	switch {
	case p.link != "" && s.entry != nil && p.tree == s.entry.Tree:
		p.state = other
	case s.entry != nil && p.tree == s.entry.Tree:
		// The very files of the lock, whoever put them there.
		p.state = clean
	case s.staged != nil && p.link == "" && p.tree == s.out.Tree:
		p.state = clean
	case slices.Contains(ours.folders, p.root.Real) && e.earlier(s.out.Name, p.tree):
		// The lock moved elsewhere, as by a pull, and the files have not followed yet.
		p.state = other
	case slices.Contains(ours.folders, p.root.Real):
		p.state = edited
		err := e.edits(ctx, p, s.entry, p.root.Path(s.out.Name), there)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, merge.ErrChanged) {
			return ErrMoved // it changes while it is read
		}
		if err != nil {
			return err
		}
		if p.edits != nil && p.edits.None() {
			// Other line ends are no edit: what git does to a text on its way.
			p.state = clean
			if s.frozen {
				p.state = other
			}
		}
	default:
		p.state = foreign
	}
	return nil
}

// earlier reports whether a tree is what another version of a skill was installed
// as: nobody changed it, and the store can give it back.
func (e *Engine) earlier(name string, sum digest.Digest) bool {
	if d, ok := e.remembered().Artifact(sum); ok && e.Store.Has(d) {
		return true
	}
	return slices.ContainsFunc(e.past(), func(g history.Generation) bool {
		for _, lock := range []*lockfile.Lock{g.Before, g.After} {
			if was := entryIn(lock, name); was != nil && was.Tree == sum && e.Store.Has(was.Artifact) {
				return true
			}
		}
		return false
	})
}

// allow decides what may be done to the spots of s. It returns an error where
// nothing may, and makes a step that is to be left alone a skipped one.
func allow(s *step, o Options) error {
	for _, p := range s.spots {
		var err error
		switch p.state {
		case foreign:
			err = s.allowForeign(p, o)
		case edited:
			err = s.allowEdited(p, o)
		case absent, clean, other:
		}
		if err != nil || s.out.Action == Skipped {
			return err
		}
	}
	return nil
}

func (s *step) allowForeign(p *spot, o Options) error {
	if s.verb == remove {
		s.warn(p.root.Shown(s.out.Name) + " is not ours any more and stays")
		return nil
	}
	if !o.Replace {
		return &NotOursError{Name: s.out.Name, Path: p.root.Shown(s.out.Name)}
	}
	return nil
}

func (s *step) allowEdited(p *spot, o Options) error {
	path := p.root.Shown(s.out.Name)
	refused := &EditedError{Name: s.out.Name, Path: path, Changes: p.changes(), Removing: s.verb == remove}
	merges := p.edits != nil && (o.OnEdit == MergeOnEdit || p.onlyAdded())
	switch {
	case o.OnEdit == OverwriteOnEdit:
		return nil
	case s.exact && o.idle:
		p.state = clean
		return nil
	case o.OnEdit == KeepOnEdit:
		s.verb, s.out.Action = nothing, Skipped
		s.warn(path + " was changed and is kept")
		return nil
	case !merges || s.frozen || s.hide:
		return refused
	case s.verb == remove && !p.onlyAdded():
		return refused
	case s.verb == remove:
		s.warn(path + " stays with what you added: " + some(p.edits.Added))
	case s.exact:
		// There is no new version: the edits are all that there is to keep.
		p.state = clean
		if !p.onlyAdded() {
			s.warn(path + " keeps your changes: " + p.changes().String())
		}
	case s.staged != nil && p.merged == "":
		return ErrMoved // it was edited after it was looked at
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
		case s.exact && status != Skipped:
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
		original := s.verb == remove && p.state != absent && e.isSource(s.entry, p.root) // there is no other
		if p.state != edited && (p.state != foreign || s.verb == remove) && !original {
			continue
		}
		if p.state == edited && p.onlyAdded() && (p.merged != "" || p.rest != "") {
			continue // nothing of it is overwritten
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

// dangles reports whether path is a link to nowhere.
func dangles(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// want is the digest of what is to stand in the spot.
func (p *spot) want(s *step) digest.Digest {
	switch {
	case s.verb == adopt:
		return p.tree // nothing moves
	case p.link != "":
		return digestOfLink(p.link)
	case p.merged != "":
		return p.merged
	}
	return s.out.Tree
}

// digestOfLink stands for a link to path where digests of trees are compared.
func digestOfLink(path string) digest.Digest { return digest.Digest("link:" + path) }

// linkDigest is digestOfLink of the link at path. What is neither a folder nor a
// link has the digest of nothing that we place.
func linkDigest(path string) digest.Digest {
	to, err := os.Readlink(path)
	if err != nil {
		return "something else"
	}
	return digestOfLink(to)
}
