package install

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/target"
)

// A FrozenError says that what a frozen restore was to follow does not agree: there
// is no lock, manifest and lock do not want the same, or a folder holds something
// else that no flag gave up.
type FrozenError struct {
	Name string   // the skill, if it is about one folder
	Path string   // the lock, the manifest or the folder
	Why  []string // each reason, in order
	Err  error    // what is in the way in the folder, if that is it

	NoLock   bool // that is all there is to say
	Unwanted int  // how many of the reasons are skills of the lock that the manifest does not want
}

func (e *FrozenError) Error() string {
	const most = 5
	why := strings.Join(e.Why[:min(most, len(e.Why))], "; ")
	if n := len(e.Why) - most; n > 0 {
		why += fmt.Sprintf("; and %d more", n)
	}
	return why
}

func (e *FrozenError) Unwrap() error { return e.Err }

// PlanFrozen plans to have exactly what the lock says, and is a *FrozenError where
// the manifest does not want exactly that. Nothing is resolved. When it is applied
// neither lock nor manifest is written, so their folder need not be writable.
func (e *Engine) PlanFrozen(ctx context.Context, o Options) (*Plan, error) {
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.agree(st); err != nil {
		return nil, err
	}
	o.Agents, o.Link, o.frozen = nil, false, true // as the lock says
	if o.OnEdit == KeepOnEdit {
		o.OnEdit = FailOnEdit // what is kept is not what the lock says
	}
	names := st.lock.Names()
	p := &Plan{options: o, state: st, steps: make([]*step, len(names))}
	err = e.each(ctx, len(names), func(ctx context.Context, i int) {
		entry := st.lock.Skills[names[i]]
		p.steps[i] = frozen(e.planRestore(ctx, &entry, o))
	})
	return e.finished(p, err)
}

// frozen makes what is in a step's way a disagreement of disk and lock.
func frozen(s *step) *step {
	_, edited := errors.AsType[*EditedError](s.out.Err)
	_, foreign := errors.AsType[*NotOursError](s.out.Err)
	if edited || foreign {
		s.out.Err = &FrozenError{Name: s.out.Name, Why: []string{s.out.Err.Error()}, Err: s.out.Err}
	}
	return s
}

// agree compares the manifest with the lock.
func (e *Engine) agree(st *state) error {
	if !st.locked {
		return &FrozenError{Path: e.Scope.Lock, NoLock: true, Why: []string{"there is no " + lockfile.Name + " in " + e.Scope.Root}}
	}
	if st.manifest == nil {
		return nil
	}
	var why []string
	for _, s := range st.manifest.Skills {
		entry, ok := st.lock.Skills[s.Name]
		switch {
		case !ok:
			why = append(why, s.Name+" is in the manifest and not in the lock")
		case e.moved(st, s.Name, s.Ref):
			why = append(why, fmt.Sprintf("the manifest wants %s, the lock has %s %s", quote(s.Ref), s.Name, entry.Version))
		case e.strays(&entry, s.Ref):
			why = append(why, fmt.Sprintf("the manifest wants %s of %s, the lock has it of %s", quote(s.Ref), e.Registry, entry.Registry))
		}
	}
	unwanted := 0
	for _, name := range st.lock.Names() {
		if _, wanted := st.manifest.Ref(name); !wanted {
			unwanted++
			why = append(why, name+" is in the lock and not in the manifest")
		}
	}
	if len(why) == 0 {
		return nil
	}
	slices.Sort(why)
	return &FrozenError{Path: e.Scope.Lock, Why: why, Unwanted: unwanted}
}

// strays reports whether an entry comes from another registry than a bare slug in
// the manifest leads to for everyone who reads it.
func (e *Engine) strays(entry *lockfile.Skill, typed string) bool {
	r, err := ref.Parse(typed)
	return err == nil && r.Kind == ref.Registry && r.Registry == "" && e.Registry != "" && e.absolute(entry.Registry) != e.Registry
}

// commitFrozen moves what is staged to its place. The lock says already what is
// to stand there, so that whoever comes after a kill needs no journal to finish.
func (a *apply) commitFrozen(ctx context.Context, st *state) error {
	if err := a.engine.agree(st); err != nil {
		return err
	}
	if !sameEntries(st.lock, a.plan.state.lock) {
		return ErrMoved
	}
	for _, stage := range a.stages {
		if err := stage.Remake(); err != nil {
			return err
		}
	}
	for _, s := range a.plan.steps {
		if err := a.admit(ctx, st, s); err != nil {
			frozen(s.fail(err))
		}
	}
	// What enters a folder is on disk before it does.
	if err := target.Flush(a.staging(), nil); err != nil {
		return err
	}
	a.committed = true
	for _, s := range a.plan.steps {
		if s.out.Err == nil && s.verb != nothing {
			if err := a.move(ctx, s); err != nil {
				s.fail(err)
			}
		}
		if s.verb != nothing || s.out.Err != nil {
			a.done(s)
		}
	}
	return nil
}

func sameEntries(a, b *lockfile.Lock) bool {
	return maps.EqualFunc(a.Skills, b.Skills, func(x, y lockfile.Skill) bool { return x.Equal(y) })
}
