package install

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/openskills-go/skills/pkg/target"
)

// Apply carries out a plan. A skill that fails leaves its folders as they were
// and does not keep the others from being done; its outcome has the error. An
// error of Apply itself without a Result says that nothing was done; with one, that
// something is left to do for the next Apply, or to clean up.
func (e *Engine) Apply(ctx context.Context, p *Plan) (*Result, error) {
	a := &apply{engine: e, plan: p, stages: map[string]*target.Stage{}, listed: map[string]map[string]bool{}}
	err := a.run(ctx)
	err = errors.Join(err, a.close())
	if err != nil && !a.committed {
		return nil, err
	}
	return &Result{Outcomes: p.Outcomes()}, err
}

// An apply is one Apply.
type apply struct {
	engine *Engine
	plan   *Plan

	committed bool // the lock says what was done

	mu     sync.Mutex
	stages map[string]*target.Stage   // by real root
	listed map[string]map[string]bool // what stands in each root, while the scope is held
}

func (a *apply) run(ctx context.Context) error {
	e := a.engine
	todo := 0
	for i, s := range a.plan.steps {
		s.slot = i
		if s.verb != nothing {
			todo++
		}
	}
	e.tell(Event{Kind: Planned, Count: todo})
	if err := a.stageAll(ctx); err != nil {
		return err
	}
	a.keepAdopted()
	if err := e.sweep(ctx, a.plan); err != nil {
		return err
	}
	if !a.changes() {
		return nil
	}
	e.tell(Event{Kind: Flushing})
	return e.exclusively(ctx, func(st *state) error {
		if a.plan.options.frozen {
			return a.commitFrozen(ctx, st)
		}
		return a.commit(ctx, st)
	})
}

// changes reports whether there is anything to do to folders, lock or manifest.
func (a *apply) changes() bool {
	if a.plan.options.frozen {
		return slices.ContainsFunc(a.plan.steps, func(s *step) bool { return s.verb != nothing })
	}
	return slices.ContainsFunc(a.plan.steps, func(s *step) bool {
		return s.verb != nothing || a.recordable(s)
	})
}

// recordable reports whether a step that leaves the folders alone may still have
// something to say in the lock or the manifest.
func (a *apply) recordable(s *step) bool {
	if s.out.Err != nil || s.entry == nil || s.out.Action != Unchanged {
		return false
	}
	if !slices.Equal(s.agents, s.entry.Agents) || !slices.Equal(s.dirs, s.entry.Dirs) || s.placement() != s.entry.Placement {
		return true
	}
	if s.restates() || s.show && s.entry.Disabled {
		return true
	}
	if s.listed == "" || a.engine.Scope.Manifest == "" {
		return false
	}
	if a.plan.state.manifest == nil {
		return true
	}
	_, listed := a.plan.state.manifest.Ref(s.out.Name)
	return !listed
}

// restates reports whether a skill that is in place already was asked for with
// another query than before, which the lock and the manifest then keep.
func (s *step) restates() bool {
	return s.entry != nil && s.want.Typed != "" && s.want.Typed != s.entry.Ref && s.want.Ref.Query.String() != ""
}

func (a *apply) close() error {
	var errs []error
	release := a.keepRoots()
	defer release()
	errs = append(errs, a.closeStages(), a.plan.Close(), a.engine.Store.Close())
	return errors.Join(errs...)
}

func (a *apply) closeStages() error {
	var errs []error
	for _, stage := range a.stages {
		if a.committed {
			stage.Keep()
		}
		errs = append(errs, stage.Close())
	}
	clear(a.stages)
	return errors.Join(errs...)
}

// keepRoots keeps close from removing folders that others count on while another
// process has the scope. The scope is held until release is called.
func (a *apply) keepRoots() (release func()) {
	made := slices.DeleteFunc(slices.Collect(maps.Values(a.stages)), func(s *target.Stage) bool { return !s.Made() })
	if len(made) == 0 {
		return func() {}
	}
	l := scopeLock(a.engine.Scope.Root)
	ok, err := l.TryLock()
	if !ok && !errors.Is(err, fs.ErrNotExist) {
		for _, s := range made {
			s.Keep()
		}
	}
	return func() { _ = l.Close() }
}

func (a *apply) done(s *step) {
	a.engine.tell(Event{Kind: Done, Name: s.label(), Err: s.out.Err})
}
