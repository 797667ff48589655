package install

import (
	"context"

	"github.com/openskills-go/skills/pkg/lockfile"
)

// PlanDisable plans to take the named skills out of their agents' sight: out of
// their folders, and not out of the lock. The artifact that the lock names brings
// them back, so that edits are treated as by PlanRemove.
func (e *Engine) PlanDisable(ctx context.Context, names []string, o Options) (*Plan, error) {
	o.Agents = nil
	return e.planNamed(ctx, names, false, func(ctx context.Context, _ *state, entry *lockfile.Skill) *step {
		if entry.Disabled {
			return e.planRestore(ctx, entry, o)
		}
		s := e.planRemove(ctx, entry, o)
		s.hide = true
		if s.verb == remove {
			s.out.Action = Disabled
		}
		return s
	}, o)
}

// PlanEnable plans to put the named skills back where they stood when they were
// disabled.
func (e *Engine) PlanEnable(ctx context.Context, names []string, o Options) (*Plan, error) {
	o.Agents = nil
	return e.planNamed(ctx, names, false, func(ctx context.Context, _ *state, entry *lockfile.Skill) *step {
		if !entry.Disabled {
			return e.planRestore(ctx, entry, o)
		}
		shown := *entry
		shown.Disabled = false
		s := e.planRestore(ctx, &shown, o)
		s.show = true
		s.entry = entry
		if s.verb == place {
			s.out.Action = Enabled
		}
		return s
	}, o)
}

// hidden reports whether a step is about a skill that stands in no folder, and is
// to stay like that.
func (s *step) hidden() bool { return s.entry != nil && s.entry.Disabled && !s.show }
