package install

import (
	"context"
	"errors"

	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/store"
	"github.com/openskills-go/skills/pkg/target"
)

// What Fetch does with an artifact.
const (
	Fetched Action = "fetched" // it is in the store now
	Present Action = "present" // it was there
)

// Fetch brings into the store what wants name, or all that the lock names if there
// are no wants: it places nothing and writes no lock. What is there already is not
// fetched again. An artifact that fails, also because it cannot be kept, has the
// error in its outcome; it is checked like one that is to be installed. Where
// nothing is locked and nothing wanted the error is ErrNoLock.
func (e *Engine) Fetch(ctx context.Context, wants []Want, o Options) ([]Outcome, error) {
	steps, _, err := e.fetchAll(ctx, wants, o)
	if err != nil {
		return nil, err
	}
	return (&Plan{steps: steps}).Outcomes(), nil
}

func (e *Engine) fetchAll(ctx context.Context, wants []Want, o Options) ([]*step, *state, error) {
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, nil, err
	}
	wants = distinct(wants)
	if len(wants) == 0 && !st.locked {
		return nil, nil, ErrNoLock
	}
	names := st.lock.Names()
	n := len(names)
	if len(wants) > 0 {
		n = len(wants)
	}
	_ = e.Store.Sweep() // what is left there is in nobody's way
	steps := make([]*step, n)
	e.tell(Event{Kind: Planned, Count: n})
	err = e.each(ctx, n, func(ctx context.Context, i int) {
		if len(wants) > 0 {
			steps[i] = e.planFetch(ctx, st, wants[i], o)
		} else {
			entry := st.lock.Skills[names[i]]
			steps[i] = e.planStored(&entry)
		}
		if s := steps[i]; !s.failed() {
			if err := e.acquire(ctx, s, o); err != nil {
				s.fail(err)
			}
		}
		e.tell(Event{Kind: Done, Name: steps[i].label(), Err: steps[i].out.Err})
	})
	if err == nil && e.Store.Used() {
		e.tell(Event{Kind: Flushing})
		if err = target.Flush(nil, []string{e.Store.Dir()}); err == nil {
			// A convenience: whatever goes wrong with it costs a fetch at most.
			_ = e.Store.Remember(recordsOf(steps))
		}
	}
	return steps, st, errors.Join(err, e.Store.Close())
}

// planStored plans to have the artifact that the lock names.
func (e *Engine) planStored(entry *lockfile.Skill) *step {
	s := &step{entry: entry, exact: true, path: entry.Path, pin: e.pinOf(entry), out: Outcome{Ref: entry.Ref, Targets: []Placement{}}}
	e.describe(s)
	return s
}

// planFetch resolves what is wanted as an install does.
func (e *Engine) planFetch(ctx context.Context, st *state, w Want, o Options) *step {
	s := &step{want: w, path: o.Path, out: Outcome{Ref: w.Typed, Targets: []Placement{}}}
	var err error
	if s.route, err = e.Source.Route(w.Ref); err != nil {
		return s.fail(err)
	}
	if o.Locale != "" && s.route.Ref.Locale == "" {
		s.route.Ref.Locale = o.Locale
	}
	locked := func() *step {
		l := e.planStored(s.entry)
		l.body, l.out.Ref = s.body, w.Typed
		return l
	}
	if s.entry, err = e.find(st, s); err != nil {
		return s.fail(err)
	}
	if s.entry != nil && s.satisfied() {
		return locked()
	}
	if err := e.resolve(ctx, st, s, o); err != nil {
		return s.fail(err)
	}
	if s.entry == nil && s.route.Registry == "" {
		s.entry = e.byIdentity(st, s.identity(), "")
	}
	if s.entry != nil {
		unchanged, err := e.peek(ctx, s, o)
		if err != nil {
			return s.fail(err)
		}
		if unchanged {
			return locked()
		}
	}
	e.describe(s)
	return s
}

// acquire sees to it that the artifact of s is in the store, and good.
func (e *Engine) acquire(ctx context.Context, s *step, o Options) (err error) {
	defer func() { err = errors.Join(err, s.drop()) }()
	if s.body == nil && (s.exact || o.DryRun) {
		if a, ok := e.stored(s); ok {
			s.out.Action, s.pin.Artifact = Present, a.digest
			return a.Close()
		}
	}
	s.out.Action = Fetched
	if o.DryRun && s.body == nil && s.pin.Version != "" {
		return nil
	}
	a, err := e.obtain(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if _, err := e.unpack(ctx, s, a, nil, o); err != nil {
		return err
	}
	if s.exact {
		s.out.Artifact, s.out.Trust = s.entry.Artifact, source.Level(s.entry.Trust)
	}
	s.out.From, s.out.Action = "", Fetched
	if a.fresh == nil {
		s.out.Action = Present
		return nil
	}
	if there, err := e.Store.Open(a.digest); err == nil {
		s.out.Action = Present
		return there.Close()
	}
	if o.DryRun {
		return nil
	}
	return a.fresh.Commit()
}

// recordsOf returns what the store is to remember of the artifacts of steps.
func recordsOf(steps []*step) []store.Record {
	var records []store.Record
	for _, s := range steps {
		if s.out.Err != nil || s.out.Action != Fetched || s.pin.Tree == "" {
			continue
		}
		r := recordOf(s)
		if r.Registry == "" {
			// No registry answers by this name. It is there for the tree alone, by which
			// an artifact is found that was packed anew.
			r.Slug = s.pin.URL
		}
		records = append(records, r)
	}
	return records
}
