package install

import (
	"context"
	"errors"
	"slices"

	"github.com/openskills-go/skills/pkg/store"
	"github.com/openskills-go/skills/pkg/target"
)

// commit moves what is staged to its place, and the lock after it.
func (a *apply) commit(ctx context.Context, st *state) error {
	e := a.engine
	for _, stage := range a.stages {
		if err := stage.Remake(); err != nil {
			return err
		}
	}
	j := &journal{}
	if st.manifest != nil {
		j.manifest = *st.manifest
	}
	for _, s := range a.plan.steps {
		err := a.admit(ctx, st, s)
		if err == nil && !s.failed() && (s.verb != nothing || a.recordable(s)) {
			err = j.add(e, st, s)
		}
		if err != nil {
			s.fail(err)
		}
	}
	changed := newChronicle()
	number := e.generation()
	if len(j.Steps) > 0 {
		j.Command, j.Generation = e.Command, number
		if err := e.writeJournal(j, a.staging()); err != nil {
			return err
		}
	}
	var records []store.Record
	for _, s := range a.plan.steps {
		if s.out.Err == nil && s.verb != nothing {
			if err := a.move(ctx, s); err != nil {
				s.fail(err)
			}
		}
		was := entryIn(st.lock, s.out.Name)
		if err := e.record(st, s); err != nil {
			s.fail(errors.Join(err, a.unmove(s)))
		}
		changed.note(s.out.Name, was, entryIn(st.lock, s.out.Name))
		if s.out.Err == nil && s.staged != nil && s.pin.Registry != "" {
			records = append(records, recordOf(s))
		}
		if s.verb != nothing || s.out.Err != nil {
			a.done(s)
		}
	}
	var err error
	if a.committed, err = e.save(st, a.places()); !a.committed {
		return errors.Join(err, a.rollBack())
	}
	if err != nil {
		return err
	}
	// The index is a convenience, and the skills are in place: whatever goes
	// wrong here costs a fetch at most.
	_ = e.Store.Remember(records)
	if err := e.remember(changed, number, e.Command); err != nil {
		a.plan.steps[0].warn("rollback will not know of this: " + err.Error())
	}
	// Until then the journal leads to folders that no later command may come by.
	if err := a.closeStages(); err != nil {
		return err
	}
	return e.endJournal()
}

// rollBack undoes every move, after which nobody needs the journal.
func (a *apply) rollBack() error {
	var errs []error
	for _, s := range a.plan.steps {
		errs = append(errs, a.unmove(s))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return a.engine.endJournal()
}

func recordOf(s *step) store.Record {
	return store.Record{
		Registry: s.pin.Registry, Owner: s.pin.Owner, Slug: s.pin.Slug, Locale: s.pin.Locale, Version: s.pin.Version,
		Artifact: s.pin.Artifact, Tree: s.pin.Tree, ETag: s.pin.Known.ETag, LastModified: s.pin.Known.LastModified,
	}
}

// staging returns the folders below which everything must be on disk before the
// journal counts.
func (a *apply) staging() []string {
	var dirs []string
	for _, stage := range a.stages {
		dirs = append(dirs, stage.Dir())
	}
	return dirs
}

// places returns the folders in which names were changed, and the store's, which
// must be on disk before the lock says so.
func (a *apply) places() []string {
	dirs := []string{a.engine.Scope.Root}
	for _, stage := range a.stages {
		dirs = append(dirs, stage.Root.Real)
	}
	if a.engine.Store.Used() {
		dirs = append(dirs, a.engine.Store.Dir())
	}
	return dirs
}

// admit decides, now that nobody else can change the scope, whether s may still
// be done.
func (a *apply) admit(ctx context.Context, st *state, s *step) error {
	if s.verb == nothing || s.failed() {
		return nil
	}
	if s.verb == adopt {
		return a.admitAdopted(ctx, st, s)
	}
	e := a.engine
	if s.unwanted && st.wants(s.out.Name) {
		return ErrMoved // it was asked for meanwhile
	}
	entry, there := st.lock.Skills[s.out.Name]
	if there {
		if s.verb == place && !s.exact && entry.Tree != s.out.Tree {
			// Nobody may have known the name, or of the pin, when the plan was made.
			if err := pinned(&entry); err != nil {
				return err
			}
		}
		if s.verb == place && e.identityOf(&entry) != s.identity() && !s.replaces(e.identityOf(&entry)) && !a.plan.options.Replace {
			return &IdentityError{Name: s.out.Name, Have: e.identityOf(&entry).String(), Want: s.identity().String()}
		}
		if s.exact && entry.Tree != s.out.Tree {
			return ErrMoved
		}
		if s.verb == place && entry.Disabled && !s.show && len(s.spots) > 0 {
			return ErrMoved // it is to be out of sight now
		}
		s.entry = &entry
	} else {
		if s.verb == remove || s.listed == "" {
			return ErrMoved // it was removed, and nobody asked for it by name
		}
		s.entry = nil
	}
	if err := a.extend(s); err != nil {
		return err
	}
	for _, other := range a.plan.steps[:s.slot] {
		if other.verb == place && other.out.Err == nil && other.out.Name == s.out.Name {
			if other.identity() != s.identity() {
				return &IdentityError{Name: s.out.Name, Have: other.identity().String(), Want: s.identity().String()}
			}
			if other.out.Tree != s.out.Tree {
				return &IdentityError{Name: s.out.Name, Have: "version " + other.out.Version, Want: "version " + s.out.Version}
			}
			s.verb, s.out.Action = nothing, Unchanged // asked for twice
			return nil
		}
	}
	if err := a.inspect(ctx, s); err != nil {
		return err
	}
	if slices.ContainsFunc(s.spots, func(p *spot) bool { return p.merged != "" && p.from != p.tree }) {
		return ErrMoved // what was merged is not what stands there now
	}
	if err := allow(s, a.plan.options); err != nil || s.verb == nothing {
		return err
	}
	if s.verb == remove {
		if err := a.stageRemoval(ctx, s); err != nil {
			return err
		}
	}
	return e.backup(s)
}

// stageRemoval opens a staging folder for what is to be taken out of each spot.
// Where files were added to the skill, those are staged to take its place.
func (a *apply) stageRemoval(ctx context.Context, s *step) error {
	for i, p := range s.spots {
		if p.state == absent || p.state == foreign {
			continue
		}
		if s.stageFor(i) == nil {
			stage, err := a.open(p.root)
			if err != nil {
				return err
			}
			s.setStage(i, stage)
		}
		if p.state == edited && p.onlyAdded() && a.merges(p) {
			if err := stageRest(ctx, s, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// inspect reads what stands in the spots of s, unless the listing of their
// folders shows that nothing does.
func (a *apply) inspect(ctx context.Context, s *step) error {
	for _, p := range s.spots {
		names, ok := a.listed[p.root.Real]
		if !ok {
			var err error
			if names, err = p.root.Names(); err != nil {
				return err
			}
			a.listed[p.root.Real] = names
		}
		if _, ok := names[s.out.Name]; ok {
			return a.engine.inspect(ctx, s)
		}
		p.clear()
	}
	return nil
}

func (s *step) stageFor(i int) *target.Stage {
	if s.staged == nil {
		return nil
	}
	return s.staged.stages[i]
}

func (s *step) setStage(i int, stage *target.Stage) {
	if s.staged == nil {
		s.staged = newStaged(s)
	}
	s.staged.stages[i] = stage
}
