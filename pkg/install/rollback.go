package install

import (
	"context"
	"fmt"
	"slices"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/history"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/ref"
)

// LastChange is the generation to go back to that undoes the last change of each
// skill that is named.
const LastChange = 0

// A NoHistoryError says that the history does not know a skill, or not as far
// back as was asked for.
type NoHistoryError struct {
	Name       string // "" for all
	Generation int    // LastChange, or what was asked for
	Oldest     int    // the oldest generation that can be gone back to
	Newest     int    // and the newest; 0 if none is remembered
	First      bool   // the last change is that it was installed
}

func (e *NoHistoryError) Error() string {
	switch {
	case e.First:
		return fmt.Sprintf("%s has nothing to go back to: it was not there before it was installed", quote(e.Name))
	case e.Generation == LastChange:
		return fmt.Sprintf("no change of %s is remembered", quote(e.Name))
	case e.Newest == 0:
		return "no change is remembered"
	}
	return fmt.Sprintf("generation %d is not remembered: there are %d to %d", e.Generation, e.Oldest, e.Newest)
}

// A NotStoredError says that an artifact that is needed is not in the store, and
// that no one may be asked for it.
type NotStoredError struct {
	Name, Version string
	Artifact      digest.Digest
}

func (e *NotStoredError) Error() string {
	return fmt.Sprintf("%s %s is not in the store any more (%s)", e.Name, e.Version, e.Artifact)
}

// A PinnedError says that a skill is pinned to what it is.
type PinnedError struct{ Name, Version, Reason string }

func (e *PinnedError) Error() string {
	text := fmt.Sprintf("%s is pinned at %s", e.Name, e.Version)
	if e.Reason != "" {
		text += ": " + quote(e.Reason)
	}
	return text
}

func pinned(entry *lockfile.Skill) error {
	if entry == nil || entry.Pin == nil {
		return nil
	}
	return &PinnedError{Name: entry.Name, Version: entry.Version, Reason: entry.Pin.Reason}
}

// PlanRollback plans to make the named skills what they were after a generation,
// or before the last change of each with LastChange. Without names it is all
// skills that changed since, and there must be a generation. Artifacts come from
// the store alone.
func (e *Engine) PlanRollback(ctx context.Context, names []string, generation int, o Options) (*Plan, error) {
	o.idle = o.OnEdit != OverwriteOnEdit
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, err
	}
	var all []history.Generation
	if e.History != nil {
		if all, err = e.History.Generations(); err != nil {
			return nil, err
		}
	}
	if generation != LastChange {
		if err := reaches(all, generation); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		for _, g := range all {
			if g.Number > generation {
				names = append(names, g.Names()...)
			}
		}
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	p := &Plan{options: o, state: st, steps: make([]*step, len(names))}
	err = e.each(ctx, len(names), func(ctx context.Context, i int) {
		p.steps[i] = e.planBack(ctx, st, names[i], past{all, generation}, o)
	})
	return e.finished(p, err)
}

// reaches says whether what is remembered leads back to a generation.
func reaches(all []history.Generation, generation int) error {
	switch {
	case len(all) == 0:
		return &NoHistoryError{Generation: generation}
	case generation < all[0].Number-1 || generation > all[len(all)-1].Number:
		return &NoHistoryError{Generation: generation, Oldest: max(1, all[0].Number-1), Newest: all[len(all)-1].Number}
	}
	return nil
}

// A past is what is remembered, oldest first, and the generation to go back to.
type past struct {
	all        []history.Generation
	generation int
}

// planBack plans to make one skill what it was.
func (e *Engine) planBack(ctx context.Context, st *state, name string, to past, o Options) *step {
	now := entryIn(st.lock, name)
	s := &step{entry: now, out: Outcome{Name: name, Ref: name, Action: Updated}}
	if now != nil {
		s.out.Ref = now.Ref
	}
	if to.generation == LastChange {
		i := lastChange(to.all, name)
		if i < 0 && now == nil {
			return unknown(st.lock, name)
		}
		if i < 0 {
			return s.fail(&NoHistoryError{Name: name})
		}
		to.generation = to.all[i].Number - 1
		if _, was := to.all[i].Before.Skills[name]; !was {
			return s.fail(&NoHistoryError{Name: name, First: true})
		}
	}
	then, was := history.StateAfter(to.all, to.generation, name, now)
	if err := pinned(now); err != nil && (!was || now.Tree != then.Tree) {
		return s.fail(err)
	}
	switch {
	case !was && now == nil:
		s.out.Action, s.out.Targets = Unchanged, []Placement{}
		return s
	case !was:
		return e.planRemove(ctx, now, Options{OnEdit: o.OnEdit, Replace: o.Replace})
	case now != nil && sameArtifact(now, &then):
		return e.planRestore(ctx, now, o)
	}
	return e.planTo(ctx, st, s, &then, o)
}

// lastChange returns the index of the last generation that changed which files a
// skill has, -1 if none did.
func lastChange(all []history.Generation, name string) int {
	for i, g := range slices.Backward(all) {
		was, is := entryIn(g.Before, name), entryIn(g.After, name)
		if (was == nil) != (is == nil) || was != nil && !sameArtifact(was, is) {
			return i
		}
	}
	return -1
}

func sameArtifact(a, b *lockfile.Skill) bool {
	return a.Tree == b.Tree && a.Version == b.Version && a.Slug == b.Slug && a.Registry == b.Registry
}

// planTo plans to have an entry that the lock had before.
func (e *Engine) planTo(ctx context.Context, st *state, s *step, to *lockfile.Skill, o Options) *step {
	r, err := ref.Parse(to.Ref)
	if err != nil {
		return s.fail(fmt.Errorf("reference in the history: %w", err))
	}
	s.verb, s.back, s.pin, s.path = place, to, e.pinOf(to), to.Path
	s.want = Want{Typed: to.Ref, Ref: r, As: to.Name}
	s.out.Action = Installed
	if s.entry == nil || !e.listsAlready(st, to) {
		s.listed = to.Ref
	}
	if s.entry != nil {
		s.out.Action = Updated
	}
	art, err := e.obtain(ctx, s)
	if err != nil {
		return s.fail(err)
	}
	if err := art.Close(); err != nil {
		return s.fail(err)
	}
	e.describe(s)
	s.agents, s.dirs = e.chosen(o, to)
	if s.entry != nil {
		s.agents, s.dirs = s.entry.Agents, s.entry.Dirs
	}
	s.link = e.links(o, to)
	return e.spot(ctx, s, o)
}

// listsAlready reports whether the manifest asks for something that an entry is.
func (e *Engine) listsAlready(st *state, entry *lockfile.Skill) bool {
	if st.manifest == nil {
		return false
	}
	listed, ok := st.manifest.Ref(entry.Name)
	return ok && !e.differs(entry, listed)
}

// Generations returns what is remembered of the scope, oldest first.
func (e *Engine) Generations(ctx context.Context) ([]history.Generation, error) {
	if err := e.Recover(ctx); err != nil {
		return nil, err
	}
	if e.History == nil {
		return nil, nil
	}
	return e.History.Generations()
}
