package install

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/merge"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/store"
	"github.com/openskills-go/skills/pkg/target"
	"github.com/openskills-go/skills/pkg/tree"
	"github.com/openskills-go/skills/pkg/version"
)

// A Plan is what is to be done to the skills of a scope, a step each. It was
// made without the scope's lock: Apply looks again at whatever may have changed.
// Close it if it is not applied.
type Plan struct {
	steps   []*step
	state   *state
	options Options
}

// A step is one skill of a plan.
type step struct {
	out    Outcome
	verb   verb
	want   Want
	route  source.Route
	pin    source.Pin
	entry  *lockfile.Skill // what the lock says now; nil if nothing
	agents []string        // to be recorded
	dirs   []string
	spots  []*spot
	link   bool            // the first spot gets the files, the others link to it
	exact  bool            // only the files that the lock names will do
	frozen bool            // and not even other line ends, or files besides
	back   *lockfile.Skill // the entry is to be this again, from the store alone
	hide   bool            // remove it from its folders, and keep the entry as disabled
	show   bool            // the opposite
	listed string          // the reference for the manifest; "" leaves it alone

	partial  bool // some folders stay as they are, whatever is in them
	unwanted bool // it goes because the manifest does not want it

	path   string        // the folder inside the artifact; "" if it holds one skill
	ours   bool          // the version is what the skill says of itself, and no registry's promise
	body   *store.Writer // the artifact, if planning had to fetch it
	staged *staged       // set by Apply
	moved  []Action      // what Apply did to each spot, so that it can be undone
	slot   int           // position in the plan, the key of its staged tree

	upstream
}

type verb int

const (
	nothing verb = iota // it is as it should be, or has failed already
	place
	remove
	adopt // record what stands there
)

// A spot is one folder that a step is about.
type spot struct {
	root   target.Root
	link   string // the folder that a link here leads to; "" for files
	copied bool   // a link was to be here, and could not be made
	state  spotState
	tree   digest.Digest // of what stands there, where it was read
	edits  *merge.Edits  // how that differs from the pristine files; nil if they are not at hand
	odd    bool          // a link, or what else no tree can have, was added
	merged digest.Digest // of the staged tree that keeps the edits; "" if there is none
	skill  *tree.File    // SKILL.md of that tree
	from   digest.Digest // of the tree that was merged
	rest   digest.Digest // of what stays when the skill is removed: files that were added
}

type spotState int

const (
	absent  spotState = iota
	clean             // the files that the lock names, or the link
	other             // ours and unchanged, but files where a link is to be, or the reverse
	edited            // ours, and changed
	foreign           // there, and not in the lock
)

// Outcomes returns what would happen, in the order in which it was asked for.
func (p *Plan) Outcomes() []Outcome {
	outs := make([]Outcome, len(p.steps))
	for i, s := range p.steps {
		outs[i] = s.outcome()
	}
	return outs
}

// Close lets go of artifacts that planning fetched.
func (p *Plan) Close() error {
	var errs []error
	for _, s := range p.steps {
		errs = append(errs, s.drop())
	}
	return errors.Join(errs...)
}

func (s *step) drop() error {
	if s.body == nil {
		return nil
	}
	err := s.body.Close()
	s.body = nil
	return err
}

// warn adds a warning, once.
func (s *step) warn(text string) {
	if !slices.Contains(s.out.Warnings, text) {
		s.out.Warnings = append(s.out.Warnings, text)
	}
}

func (s *step) failed() bool { return s.out.Err != nil }

func (s *step) fail(err error) *step {
	if s.want.unlisted {
		err = neither(s.want.Typed, err)
	}
	s.verb, s.out.Action, s.out.Err = nothing, Failed, err
	return s
}

// PlanInstall plans to install what wants name. A skill that the lock has in a
// version that satisfies its want stays as it is, and no one is asked.
func (e *Engine) PlanInstall(ctx context.Context, wants []Want, o Options) (*Plan, error) {
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, err
	}
	wants = distinct(wants)
	p := &Plan{options: o, state: st, steps: make([]*step, len(wants))}
	err = e.each(ctx, len(wants), func(ctx context.Context, i int) {
		p.steps[i] = e.planWant(ctx, st, wants[i], o)
	})
	return e.finished(p, err)
}

// distinct returns wants without those that say the same as an earlier one.
func distinct(wants []Want) []Want {
	seen := make(map[Want]bool, len(wants))
	return slices.DeleteFunc(slices.Clone(wants), func(w Want) bool {
		again := seen[w]
		seen[w] = true
		return again
	})
}

// PlanRestore plans to bring back what the lock says. What the manifest wants
// and the lock lacks, or has in a version that no longer satisfies it, is
// installed as if it had been named; nothing else in the lock moves.
func (e *Engine) PlanRestore(ctx context.Context, o Options) (*Plan, error) {
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, err
	}
	var wants []Want
	if st.manifest != nil {
		for _, s := range st.manifest.Skills {
			if _, ok := st.lock.Skills[s.Name]; ok && !e.moved(st, s.Name, s.Ref) {
				continue
			}
			r, err := ref.Parse(s.Ref)
			if err != nil {
				return nil, fmt.Errorf("%s: skill %s: %w", e.Scope.Manifest, s.Name, err)
			}
			wants = append(wants, Want{Typed: s.Ref, Ref: r, As: s.Name})
		}
	}
	names := st.lock.Names()
	if len(wants)+len(names) == 0 && !st.locked && (st.manifest == nil || len(st.manifest.Skills) == 0) {
		return nil, ErrNoLock
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		return slices.ContainsFunc(wants, func(w Want) bool { return w.As == n })
	})
	for _, w := range wants {
		names = append(names, w.As)
	}
	slices.Sort(names) // one order, which is the same when what failed is planned again
	p := &Plan{options: o, state: st, steps: make([]*step, len(names))}
	err = e.each(ctx, len(names), func(ctx context.Context, i int) {
		if w := slices.IndexFunc(wants, func(w Want) bool { return w.As == names[i] }); w >= 0 {
			p.steps[i] = e.planWant(ctx, st, wants[w], o)
			return
		}
		entry := st.lock.Skills[names[i]]
		p.steps[i] = e.planRestore(ctx, &entry, o)
		if st.manifest != nil {
			if _, wanted := st.manifest.Ref(entry.Name); !wanted {
				p.steps[i].warn("is in the lock and not in the manifest any more: skills remove " + entry.Name + " takes it out")
			}
		}
	})
	return e.finished(p, err)
}

// finished returns a plan that is whole; of another it keeps nothing.
func (e *Engine) finished(p *Plan, err error) (*Plan, error) {
	if err == nil {
		return p, nil
	}
	p.steps = slices.DeleteFunc(p.steps, func(s *step) bool { return s == nil }) // not begun
	return nil, errors.Join(err, p.Close(), e.Store.Close())
}

// moved reports whether the manifest asks for something else than the lock has.
func (e *Engine) moved(st *state, name, typed string) bool {
	entry := st.lock.Skills[name]
	return e.differs(&entry, typed)
}

// differs reports whether a reference asks for something else than an entry has.
func (e *Engine) differs(entry *lockfile.Skill, typed string) bool {
	if entry.Ref == typed {
		return false
	}
	r, err := ref.Parse(typed)
	if err != nil {
		return true
	}
	if r.Kind != ref.Registry {
		return true
	}
	if r.Registry == "" {
		// The lock knows the registry; a bare slug of another one is another ref.
		return r.Slug != entry.Slug || !sameOwner(r.Owner, entry.Owner) || !accepts(r, entry.Version)
	}
	address, err := e.Source.Address(r)
	if sameOwner(r.Owner, entry.Owner) {
		r.Owner = entry.Owner
	}
	return err != nil || identity{registry: address, owner: r.Owner, slug: r.Slug, path: entry.Path} != e.identityOf(entry) || !accepts(r, entry.Version)
}

// each runs f for 0 to n-1, some at a time. It stops early only with ctx. A panic
// in f is the error.
func (e *Engine) each(ctx context.Context, n int, f func(context.Context, int)) error {
	var g errgroup.Group
	g.SetLimit(e.jobs())
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			return guard(func() { f(ctx, i) })
		})
	}
	return errors.Join(g.Wait(), ctx.Err())
}

// guard runs f and turns a panic into an error: no goroutine of an embedded
// engine may end the program.
func guard(f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	f()
	return nil
}

func (e *Engine) jobs() int {
	if e.Jobs > 0 {
		return e.Jobs
	}
	return 8
}

func accepts(r ref.Ref, v string) bool {
	return r.Query.Match(v) || r.Query.String() == ""
}

func (e *Engine) identityFor(route source.Route, r ref.Ref) identity {
	if route.Registry == "" {
		return identity{url: placeOf(r)}
	}
	return identity{registry: route.Registry, owner: route.Ref.Owner, slug: route.Ref.Slug}
}

func (e *Engine) planWant(ctx context.Context, st *state, w Want, o Options) *step {
	s := &step{want: w, listed: w.Typed, path: o.Path}
	s.out = Outcome{Ref: w.Typed, Name: w.As, Action: Installed}
	route, err := e.Source.Route(w.Ref)
	if err != nil {
		return s.fail(err)
	}
	s.route = route
	if o.Locale != "" && s.route.Ref.Locale == "" {
		s.route.Ref.Locale = o.Locale
	}
	if w.As != "" && !skill.ValidName(w.As) {
		return s.fail(&NameError{Slug: w.As, Name: w.As})
	}
	if s.entry, err = e.find(st, s); err != nil {
		return s.fail(err)
	}
	if s.entry != nil && s.satisfied() {
		present := e.planPresent(ctx, s, o)
		if s.entry.Disabled {
			present.warn("is disabled: skills enable " + s.entry.Name + " puts it back")
		}
		if q := s.held(); q != "" {
			present.warn("stays within " + q + ", as asked for before; skills install " + s.entry.Slug + "@latest lifts that")
		}
		return present
	}
	if err := pinned(s.entry); err != nil {
		return s.fail(err)
	}
	if err := e.resolve(ctx, st, s, o); err != nil {
		return s.fail(err)
	}
	if s.entry == nil && route.Registry == "" {
		// The place of a folder or a file is known only now.
		s.entry = e.byIdentity(st, s.identity(), w.As)
	}
	if taken, ok := st.lock.Skills[w.As]; ok && s.entry == nil && taken.Pin != nil {
		return s.fail(pinned(&taken))
	} else if ok && s.entry == nil && !o.Replace {
		return s.fail(&IdentityError{Name: w.As, Have: e.identityOf(&taken).String(), Want: s.identity().String()})
	}
	if s.entry != nil {
		unchanged, err := e.peek(ctx, s, o)
		switch {
		case err != nil:
			return s.fail(err)
		case s.moves():
			s.adopt(st, unchanged)
		case unchanged:
			return e.planPresent(ctx, s, o)
		}
	}
	if o.DryRun && s.body == nil {
		if err := e.look(ctx, s, o); err != nil {
			return s.fail(err)
		}
	}
	s.verb = place
	e.describe(s)
	s.agents, s.dirs = e.chosen(o, s.entry)
	s.link = e.links(o, s.entry)
	return e.spot(ctx, s, o)
}

// find returns the entry of the lock that s is about, nil if there is none. A slug
// without an owner is that of the owner whom the lock has; of several it could be
// any.
func (e *Engine) find(st *state, s *step) (*lockfile.Skill, error) {
	id := e.identityFor(s.route, s.route.Ref)
	id.path = s.path
	if s.route.Registry == "" && s.route.Ref.Kind != ref.URL && !revised(s.route.Ref.Kind) {
		return nil, nil //nolint:nilnil // no entry is no error
	}
	if s.route.Ref.Kind == ref.OCI {
		return e.ofPlace(st, s), nil
	}
	if entry := e.byIdentity(st, id, s.want.As); entry != nil || id.owner != "" || id.registry == "" {
		return entry, nil
	}
	found := e.owners(st, id, s.want.As)
	switch len(found) {
	case 0:
		return nil, nil //nolint:nilnil // no entry is no error
	case 1:
		return found[0], nil
	}
	return nil, several(id.slug, found)
}

func (e *Engine) byIdentity(st *state, id identity, as string) *lockfile.Skill {
	name := as
	if as == "" {
		name = st.known[id]
	}
	entry, ok := st.lock.Skills[name]
	if !ok || e.identityOf(&entry) != id {
		return nil
	}
	return &entry
}

// satisfied reports whether what is locked will do for what is wanted.
func (s *step) satisfied() bool {
	if r := s.route.Ref; revised(r.Kind) && !sameRevision(r, s.entry.Ref) {
		return r.Query.Kind() != version.Any && r.Query.Match(s.entry.Version)
	}
	locale := s.route.Ref.Locale
	return accepts(s.route.Ref, s.entry.Version) && (locale == "" || locale == s.entry.Locale)
}

// held returns the query that an installed skill was asked for with, if it is now
// asked for without one: the earlier one stays in force.
func (s *step) held() string {
	was, err := ref.Parse(s.entry.Ref)
	if err != nil || s.want.Ref.Kind != ref.Registry || s.want.Ref.Query.String() != "" {
		return ""
	}
	return was.Query.String()
}

// planPresent plans for a skill that the lock has already: to leave it, or to
// place it where it is missing.
func (e *Engine) planPresent(ctx context.Context, s *step, o Options) *step {
	restored := e.planRestore(ctx, s.entry, o)
	if s.body != nil && restored.body == nil {
		restored.body, s.body = s.body, nil
	}
	restored.want, restored.listed, restored.upstream = s.want, s.listed, s.upstream
	restored.out.Ref = s.want.Typed
	return restored
}

// planRestore plans to have exactly what the lock says.
func (e *Engine) planRestore(ctx context.Context, entry *lockfile.Skill, o Options) *step {
	s := &step{entry: entry, exact: true, frozen: o.frozen, path: entry.Path, out: e.outcomeOf(entry)}
	s.agents, s.dirs = e.chosen(o, entry)
	s.link = e.links(o, entry)
	s = e.spot(ctx, s, o)
	if s.out.Err != nil || s.out.Action == Skipped {
		return s
	}
	if slices.ContainsFunc(s.spots, func(p *spot) bool { return p.state != clean }) {
		s.verb, s.out.Action = place, Installed
		s.pin = e.pinOf(entry)
		s.report() // as what is about to happen
	}
	return s
}

// outcomeOf returns the outcome of an entry that stays as it is.
func (e *Engine) outcomeOf(entry *lockfile.Skill) Outcome {
	return Outcome{
		Name: entry.Name, Ref: entry.Ref, Registry: e.absolute(entry.Registry), Slug: entry.Slug, Owner: entry.Owner,
		Version: entry.Version, From: entry.Version, Locale: entry.Locale, Artifact: entry.Artifact, Size: entry.Size,
		Tree: entry.Tree, Trust: source.Level(entry.Trust), Action: Unchanged, Targets: []Placement{},
	}
}

// pinOf returns the pin that the lock holds for a skill.
func (e *Engine) pinOf(entry *lockfile.Skill) source.Pin {
	return source.Pin{
		Registry: e.absolute(entry.Registry), Slug: entry.Slug, Owner: entry.Owner, Version: entry.Version,
		Locale: entry.Locale, Revision: entry.Revision, URL: e.absolute(entry.URL), Artifact: entry.Artifact,
		Size: entry.Size, Tree: entry.Tree, Trust: source.Level(entry.Trust),
	}
}

// describe fills in what the pin says.
func (e *Engine) describe(s *step) {
	s.out.Registry, s.out.Slug, s.out.Owner = s.pin.Registry, s.pin.Slug, s.pin.Owner
	s.out.Version, s.out.Locale = s.pin.Version, s.pin.Locale
	s.out.Artifact, s.out.Size, s.out.Tree, s.out.Trust = s.pin.Artifact, s.pin.Size, s.pin.Tree, s.pin.Trust
	if s.entry != nil {
		s.out.Name, s.out.From = s.entry.Name, s.entry.Version
		if !s.exact {
			s.out.Action = Updated
		}
	}
}
