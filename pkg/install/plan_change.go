package install

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/target"
)

// PlanUpdate plans to bring the named skills, or all if there are no names, to the
// newest version that their references accept.
func (e *Engine) PlanUpdate(ctx context.Context, names []string, o Options) (*Plan, error) {
	o.idle = o.OnEdit != OverwriteOnEdit
	return e.planNamed(ctx, names, true, func(ctx context.Context, st *state, entry *lockfile.Skill) *step {
		return e.planUpdate(ctx, st, entry, o)
	}, o)
}

func (e *Engine) planUpdate(ctx context.Context, st *state, entry *lockfile.Skill, o Options) *step {
	if entry.Pin != nil {
		s := e.planRestore(ctx, entry, o)
		why := "pinned at " + entry.Version
		if entry.Pin.Reason != "" {
			why += ": " + entry.Pin.Reason
		}
		s.out.Warnings = append(s.out.Warnings, why)
		return s
	}
	s := &step{entry: entry, path: entry.Path, out: Outcome{Name: entry.Name, Ref: entry.Ref, From: entry.Version, Action: Updated}}
	if err := e.resolveAgain(ctx, st, s, o); err != nil {
		return e.withdrawn(ctx, s, o, err)
	}
	unchanged, err := e.peek(ctx, s, o)
	if err != nil {
		return e.withdrawn(ctx, s, o, err)
	}
	if unchanged && !s.moves() {
		return e.planPresent(ctx, s, o)
	}
	if s.moves() {
		s.adopt(st, unchanged)
	}
	e.askYanked(ctx, s)
	if o.DryRun && s.body == nil {
		if err := e.look(ctx, s, o); err != nil {
			return s.fail(err)
		}
	}
	s.verb = place
	e.describe(s)
	s.agents, s.dirs = e.chosen(o, entry)
	s.link = e.links(o, entry)
	return e.spot(ctx, s, o)
}

// resolveAgain asks the registry that the lock names, and no other, what the
// reference means by now: that of the manifest, which may have been edited, else
// that of the lock.
func (e *Engine) resolveAgain(ctx context.Context, st *state, s *step, o Options) error {
	typed := s.entry.Ref
	r, err := ref.Parse(typed)
	if err != nil {
		return fmt.Errorf("reference in the lock: %w", err)
	}
	if st.manifest != nil {
		listed, _ := st.manifest.Ref(s.entry.Name)
		if l, err := ref.Parse(listed); err == nil && sameSkill(l, r) && sameOwner(l.Owner, s.entry.Owner) && (l.Query != r.Query || l.Rev != r.Rev) {
			typed, r = listed, l
		}
	}
	s.want = Want{Typed: typed, Ref: r, As: s.entry.Name}
	if s.route, err = e.routeOf(s.entry, r, o); err != nil {
		return err
	}
	return e.resolve(ctx, st, s, o)
}

// routeOf returns where an entry came from, for a reference to it.
func (e *Engine) routeOf(entry *lockfile.Skill, r ref.Ref, o Options) (source.Route, error) {
	if entry.Registry == "" {
		return e.direct(r, entry.URL)
	}
	route := source.Route{Registry: e.absolute(entry.Registry)}
	src, err := e.Source.At(route.Registry)
	if err != nil {
		return source.Route{}, err
	}
	route.Source = src
	route.Ref = ref.Ref{Slug: entry.Slug, Owner: entry.Owner, Query: r.Query, Locale: cmp.Or(o.Locale, entry.Locale)}
	return route, nil
}

// PlanRemove plans to remove the named skills: from the agents that o names, or
// altogether.
func (e *Engine) PlanRemove(ctx context.Context, names []string, o Options) (*Plan, error) {
	return e.planNamed(ctx, names, false, func(ctx context.Context, _ *state, entry *lockfile.Skill) *step {
		return e.planRemove(ctx, entry, o)
	}, o)
}

func (e *Engine) planRemove(ctx context.Context, entry *lockfile.Skill, o Options) *step {
	s := &step{entry: entry, verb: remove}
	s.out = Outcome{
		Name: entry.Name, Ref: entry.Ref, Registry: e.absolute(entry.Registry), Slug: entry.Slug, Owner: entry.Owner,
		Version: entry.Version, From: entry.Version, Artifact: entry.Artifact, Tree: entry.Tree, Action: Removed,
	}
	s.agents, s.dirs, s.link = entry.Agents, entry.Dirs, entry.Placement == lockfile.Link
	if len(o.Agents) == 0 {
		return e.spot(ctx, s, o)
	}
	s.agents = slices.DeleteFunc(slices.Clone(entry.Agents), func(a string) bool { return !slices.Contains(o.Agents, a) })
	s.dirs = nil
	if len(s.agents) == 0 {
		s.verb, s.out.Action, s.agents, s.dirs = nothing, Unchanged, entry.Agents, entry.Dirs
		s.out.Targets, s.out.Warnings = []Placement{}, []string{"it is not installed for " + strings.Join(o.Agents, ", ")}
		return s
	}
	return e.removeSome(ctx, s, o)
}

// removeSome plans a removal from some agents: of the folders that no other
// agent of the entry reads, too.
func (e *Engine) removeSome(ctx context.Context, s *step, o Options) *step {
	stay := without(s.entry.Agents, s.agents)
	kept, err := e.rootsOf(stay, s.entry.Dirs)
	if err != nil {
		return s.fail(err)
	}
	all, err := e.rootsOf(s.entry.Agents, s.entry.Dirs)
	if err != nil {
		return s.fail(err)
	}
	if s.link && len(kept) > 0 && kept[0].Real != all[0].Real {
		return s.fail(&LinkedError{Name: s.entry.Name, Path: all[0].Shown(s.entry.Name)})
	}
	if s = e.spot(ctx, s, o); s.out.Err != nil {
		return s
	}
	s.spots = slices.DeleteFunc(s.spots, func(p *spot) bool {
		i := slices.IndexFunc(kept, func(r target.Root) bool { return r.Real == p.root.Real })
		if i >= 0 {
			s.warn(p.root.Shown(s.out.Name) + " stays: " + strings.Join(kept[i].Agents, ", ") + " reads the same folder")
		}
		return i >= 0
	})
	s.report()
	return s
}

func union(a, b []string) []string {
	both := slices.Concat(a, b)
	slices.Sort(both)
	return slices.Compact(both)
}

func without(have, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(have), func(a string) bool { return slices.Contains(gone, a) })
}

// planNamed plans a step for each name, once, or for each locked skill if there
// are no names and that means all.
func (e *Engine) planNamed(ctx context.Context, names []string, all bool, plan func(context.Context, *state, *lockfile.Skill) *step, o Options) (*Plan, error) {
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 && all {
		if !st.locked {
			return nil, ErrNoLock
		}
		names = st.lock.Names()
	}
	seen := make(map[string]bool, len(names))
	unique := make([]string, 0, len(names))
	for _, n := range names {
		if !seen[n] {
			seen[n] = true
			unique = append(unique, n)
		}
	}
	p := &Plan{options: o, state: st, steps: make([]*step, len(unique))}
	err = e.each(ctx, len(unique), func(ctx context.Context, i int) {
		entry, ok := st.lock.Skills[unique[i]]
		if !ok {
			p.steps[i] = unknown(st.lock, unique[i])
			return
		}
		p.steps[i] = plan(ctx, st, &entry)
	})
	return e.finished(p, err)
}

func unknown(lock *lockfile.Lock, name string) *step {
	s := &step{out: Outcome{Name: name, Ref: name}}
	return s.fail(&UnknownError{Name: name, Near: near(lock, name)})
}
