package install

import (
	"context"
	"errors"
	"slices"

	"github.com/openskills-go/skills/pkg/lockfile"
)

// ErrNoManifest says that nothing tells what is wanted: the scope has no
// manifest, which is not the same as one that wants nothing.
var ErrNoManifest = errors.New("there is no skills.yaml that says what is wanted")

// PlanPrune plans to remove the skills that the lock has and the manifest does
// not want any more. The error is ErrNoManifest where there is none.
func (e *Engine) PlanPrune(ctx context.Context, o Options) (*Plan, error) {
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, err
	}
	if st.manifest == nil {
		return nil, ErrNoManifest
	}
	o.Agents = nil
	return e.planNamed(ctx, slices.DeleteFunc(st.lock.Names(), st.wants), false, func(ctx context.Context, _ *state, entry *lockfile.Skill) *step {
		s := e.planRemove(ctx, entry, o)
		s.unwanted = true
		return s
	}, o)
}

// wants reports whether the manifest, if there is one, wants a skill.
func (s *state) wants(name string) bool {
	if s.manifest == nil {
		return false
	}
	_, wanted := s.manifest.Ref(name)
	return wanted
}
