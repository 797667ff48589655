package install

import (
	"context"
	"errors"
	"slices"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/spelling"
	"github.com/openskills-go/skills/pkg/tree"
	"github.com/openskills-go/skills/pkg/version"
)

// A State is how things stand with an installed skill.
type State string

const (
	OK         State = "ok"
	Missing    State = "missing"
	Modified   State = "modified"
	Foreign    State = "foreign" // something stands there that is no folder of ours, such as a link
	Unreadable State = "unreadable"
	Hidden     State = "disabled" // in none of its folders, as it should be

	Current  State = "current"
	Outdated State = "outdated"
	Pinned   State = "pinned"
	Gone     State = "gone"    // the source has no such skill any more
	Renamed  State = "renamed" // the source has it by another slug
	Moved    State = "moved"   // the source has it of another owner
	Flagged  State = "flagged" // the source has doubts about the newer version, or blocks the skill
	Yanked   State = "yanked"  // the version is withdrawn, and there is no other that would do
	Unknown  State = "unknown" // it could not be found out
)

// Fine reports whether a skill stands where the lock says that it does.
func (s State) Fine() bool { return s == OK || s == Hidden }

// An Entry is one skill of the lock.
type Entry struct {
	Name     string        `json:"name"`
	Ref      string        `json:"ref"`
	Registry string        `json:"registry,omitempty"`
	Slug     string        `json:"slug,omitempty"`
	Owner    string        `json:"owner,omitempty"`
	Version  string        `json:"version"`
	Locale   string        `json:"locale,omitempty"`
	Artifact digest.Digest `json:"artifact"`
	Tree     digest.Digest `json:"tree"`
	Trust    source.Level  `json:"trust"`
	Agents   []string      `json:"agents"`
	Paths    []string      `json:"paths"`
	Pinned   string        `json:"pinned,omitempty"` // why, or "yes"
	State    State         `json:"state"`            // ok, missing, disabled, or unreadable if its folders cannot be found out
}

// List returns what the lock has, by name, and whether it is still there.
func (e *Engine) List(ctx context.Context) ([]Entry, error) {
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, err
	}
	present := map[string]map[string]bool{}
	entries := make([]Entry, 0, len(st.lock.Skills))
	for _, name := range st.lock.Names() {
		l := st.lock.Skills[name]
		entry := Entry{
			Name: name, Ref: l.Ref, Registry: e.absolute(l.Registry), Slug: l.Slug, Owner: l.Owner, Version: l.Version,
			Locale: l.Locale, Artifact: l.Artifact, Tree: l.Tree, Trust: source.Level(l.Trust), Agents: nonNil(l.Agents),
			Paths: []string{}, State: OK,
		}
		if l.Pin != nil {
			entry.Pinned = l.Pin.Reason
			if entry.Pinned == "" {
				entry.Pinned = "yes"
			}
		}
		roots, err := e.rootsOf(l.Agents, l.Dirs)
		if err != nil {
			entry.State = Unreadable
		}
		for _, r := range roots {
			names, ok := present[r.Real]
			if !ok {
				if names, err = r.Names(); err != nil {
					return nil, err
				}
				present[r.Real] = names
			}
			entry.Paths = append(entry.Paths, r.Shown(name))
			if !names[name] && !l.Disabled {
				entry.State = Missing
			}
		}
		if l.Disabled && entry.State == OK {
			entry.State = Hidden
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

func (e *Engine) inquire(ctx context.Context) (*state, error) {
	if err := e.Recover(ctx); err != nil {
		return nil, err
	}
	return e.load()
}

func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// A Check is one skill of the lock, compared with the disk.
type Check struct {
	Name    string        `json:"name"`
	Version string        `json:"version"`
	Tree    digest.Digest `json:"tree"`
	State   State         `json:"state"` // the worst of its targets
	Targets []TargetCheck `json:"targets"`
}

// A TargetCheck is one folder in which a skill is to stand.
type TargetCheck struct {
	Agents  []string `json:"agents"`
	Path    string   `json:"path"`
	State   State    `json:"state"`
	Changes *Changes `json:"changes,omitempty"` // if it is modified and the pristine files are at hand
	Err     error    `json:"-"`
}

// Verify hashes what stands in the folders of the named skills, or of all if
// there are no names, and compares it with the lock. It changes nothing, but finishes what a killed
// process began. Where nothing is locked the error is ErrNoLock.
func (e *Engine) Verify(ctx context.Context, names []string) ([]Check, error) {
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 && !st.locked {
		return nil, ErrNoLock
	}
	if len(names) == 0 {
		names = st.lock.Names()
	}
	for _, n := range names {
		if _, ok := st.lock.Skills[n]; !ok {
			return nil, &UnknownError{Name: n, Near: near(st.lock, n)}
		}
	}
	checks := make([]Check, len(names))
	err = e.each(ctx, len(names), func(ctx context.Context, i int) {
		entry := st.lock.Skills[names[i]]
		checks[i] = e.verify(ctx, &entry)
	})
	if err != nil || !slices.ContainsFunc(checks, func(c Check) bool { return !c.State.Fine() }) {
		return checks, err
	}
	return e.verifyAgain(ctx, checks)
}

// verifyAgain looks once more at what is not as it should be, while nobody moves
// anything: lock and folders were read one after the other, and what another
// process did in between must not pass for an edit.
func (e *Engine) verifyAgain(ctx context.Context, checks []Check) ([]Check, error) {
	hold, err := e.hold(ctx)
	if err != nil {
		return checks, ctx.Err() // as where the folder is read-only: then nobody moves anything
	}
	defer func() { _ = hold.Close() }()
	if err := e.recover(ctx); err != nil {
		return nil, err
	}
	st, err := e.load()
	if err != nil {
		return nil, err
	}
	var now []Check
	for _, c := range checks {
		entry, ok := st.lock.Skills[c.Name]
		switch {
		case c.State.Fine():
			now = append(now, c)
		case ok: // else it was removed meanwhile
			now = append(now, e.verify(ctx, &entry))
		}
	}
	return now, nil
}

func (e *Engine) verify(ctx context.Context, entry *lockfile.Skill) Check {
	c := Check{Name: entry.Name, Version: entry.Version, Tree: entry.Tree, State: OK, Targets: []TargetCheck{}}
	s := &step{entry: entry, agents: entry.Agents, dirs: entry.Dirs, out: Outcome{Name: entry.Name, Tree: entry.Tree}}
	s.link = entry.Placement == lockfile.Link
	var err error
	var ours claim
	if s.spots, err = e.spots(s.agents, s.dirs); err == nil {
		err = e.linkSpots(s)
	}
	if err == nil {
		ours, err = e.claimed(entry)
	}
	if err != nil {
		c.State = Unreadable
		c.Targets = append(c.Targets, TargetCheck{Agents: nonNil(entry.Agents), State: Unreadable, Err: err})
		return c
	}
	for _, p := range s.spots {
		t := TargetCheck{Agents: nonNil(p.root.Agents), Path: p.root.Shown(entry.Name), State: OK}
		err := e.inspectSpot(ctx, s, p, ours)
		switch {
		case err != nil:
			t.State, t.Err = Unreadable, err
		case entry.Disabled && p.state == absent:
			t.State = Hidden
		case entry.Disabled:
			t.State = Foreign
		case p.state == absent:
			t.State = Missing
		case p.state == foreign:
			t.State = Foreign
		case p.state != clean:
			t.State, t.Changes = Modified, p.changes()
		}
		c.State = worse(c.State, t.State)
		c.Targets = append(c.Targets, t)
	}
	return c
}

// worse returns the state that is harder to put right.
func worse(a, b State) State {
	rank := []State{OK, Hidden, Missing, Modified, Foreign, Unreadable}
	return rank[max(slices.Index(rank, a), slices.Index(rank, b))]
}

// A Status is one skill of the lock, compared with its source.
type Status struct {
	Name     string `json:"name"`
	Ref      string `json:"ref"`
	Registry string `json:"registry,omitempty"`
	Slug     string `json:"slug,omitempty"`
	Current  string `json:"current"`
	Latest   string `json:"latest,omitempty"`
	State    State  `json:"state"`
	Yanked   string `json:"yanked,omitempty"`  // why the version that is installed is yanked
	NewSlug  string `json:"newSlug,omitempty"` // if it was renamed
	Owner    string `json:"owner,omitempty"`
	NewOwner string `json:"newOwner,omitempty"` // if it moved
	Flagged  string `json:"flagged,omitempty"`  // why the source has doubts about Latest
	// Deprecated is why another skill should be used.
	Deprecated string `json:"deprecated,omitempty"`
	Err        error  `json:"-"` // why the state is unknown, gone, renamed, moved or flagged
}

// Outdated asks the sources of the named skills, or of all if there are no names, for
// what update would bring. It changes nothing, but finishes what a killed process
// began.
func (e *Engine) Outdated(ctx context.Context, names []string) ([]Status, error) {
	p, err := e.PlanUpdate(ctx, names, Options{OnEdit: KeepOnEdit})
	if err != nil {
		return nil, err
	}
	statuses := make([]Status, len(p.steps))
	for i, s := range p.steps {
		statuses[i] = e.status(s)
	}
	return statuses, errors.Join(p.Close(), e.Store.Close())
}

func (e *Engine) status(s *step) Status {
	st := Status{Name: s.out.Name, Ref: s.out.Ref, Current: s.out.From, State: Current}
	if s.entry == nil {
		st.State, st.Err = Unknown, s.out.Err
		return st
	}
	st.Registry, st.Slug, st.Owner, st.Latest = e.absolute(s.entry.Registry), s.entry.Slug, s.entry.Owner, s.entry.Version
	st.Yanked, st.Deprecated = s.yanked, s.better
	renamed, byName := errors.AsType[*RenamedError](s.out.Err)
	moved, byOwner := errors.AsType[*source.OwnerError](s.out.Err)
	flagged, doubted := errors.AsType[*FlaggedError](s.out.Err)
	_, blocked := errors.AsType[*source.BlockedError](s.out.Err)
	switch {
	case s.entry.Pin != nil:
		st.State = Pinned
	case byOwner:
		st.State, st.Latest, st.NewOwner, st.Err = Moved, "", moved.Now, s.out.Err
	case doubted:
		st.State, st.Latest, st.Flagged, st.Err = Flagged, flagged.Version, flagged.Reason, s.out.Err
	case blocked:
		st.State, st.Latest, st.Err = Flagged, "", s.out.Err
	case byName:
		st.State, st.Latest, st.NewSlug, st.Err = Renamed, "", renamed.To, s.out.Err
	case errors.Is(s.out.Err, source.ErrNotFound):
		st.State, st.Latest, st.Err = Gone, "", s.out.Err
	case s.out.Err != nil:
		st.State, st.Latest, st.Err = Unknown, "", s.out.Err
	case s.pin.Tree != "" && s.pin.Tree != s.entry.Tree, s.pin.Version != "" && s.pin.Version != s.entry.Version:
		st.State, st.Latest = Outdated, s.pin.Version
	case s.yanked != "":
		st.State = Yanked
	}
	return st
}

// Info is what is known of a skill without installing it.
type Info struct {
	Outcome
	Description   string
	License       string
	Compatibility string
	AllowedTools  []string
	Files         []tree.File
	Versions      []version.Info // nil if the source has none
	Deprecated    string         // why another skill should be used
	Installed     string         // the version in the lock, "" if there is none
	Findings      []skill.Finding
}

// Info fetches a skill into the store and says what is in it.
func (e *Engine) Info(ctx context.Context, w Want, o Options) (*Info, error) {
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, err
	}
	s := &step{want: w, path: o.Path, out: Outcome{Ref: w.Typed, Targets: []Placement{}}}
	if s.route, err = e.Source.Route(w.Ref); err != nil {
		return nil, err
	}
	if o.Locale != "" && s.route.Ref.Locale == "" {
		s.route.Ref.Locale = o.Locale
	}
	if locked, err := e.find(st, s); err == nil && locked != nil {
		s.route.Ref.Owner = locked.Owner
	}
	if err := e.resolve(ctx, st, s, Options{AcceptRename: true, looking: true}); err != nil {
		return nil, err
	}
	s.entry = nil // it is looked at as if it were not installed
	art, err := e.obtain(ctx, s)
	if err != nil {
		return nil, errors.Join(err, e.Store.Close())
	}
	defer func() { _ = errors.Join(art.Close(), e.Store.Close()) }()
	c, err := e.unpack(ctx, s, art, nil, o)
	if err != nil {
		return nil, err
	}
	e.keep(art, s)
	info := &Info{
		Outcome: s.outcome(), Description: c.skill.Description, License: c.skill.License, Compatibility: c.skill.Compatibility,
		AllowedTools: c.skill.AllowedTools, Files: c.Tree.Files, Findings: c.findings, Deprecated: s.pin.Deprecated,
	}
	info.Versions, err = s.route.Source.Versions(ctx, s.route.Ref)
	if err != nil && !errors.Is(err, source.ErrUnsupported) {
		return nil, err
	}
	if entry := e.byIdentity(st, identityOfPin(s.pin), ""); entry != nil {
		info.Installed = entry.Version
	}
	return info, nil
}

func near(lock *lockfile.Lock, name string) []string {
	return spelling.Nearest(name, lock.Names(), 3)
}
