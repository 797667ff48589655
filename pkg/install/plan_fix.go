package install

import (
	"context"
	"os"
	"slices"

	"github.com/openskills-go/skills/pkg/lockfile"
)

// PlanFix plans to put back exactly what the lock says of the named skills, or of
// all if there are no names. Of a skill that is missing in one folder and may not
// be touched in another, the missing is put back and the other stays, with a
// warning. What the manifest wants besides is not its business.
func (e *Engine) PlanFix(ctx context.Context, names []string, o Options) (*Plan, error) {
	o.Agents = nil
	if o.OnEdit == KeepOnEdit || o.OnEdit == MergeOnEdit {
		o.OnEdit = FailOnEdit // the same here, and not a reason to keep all of the skill as it is
	}
	return e.planNamed(ctx, names, true, func(ctx context.Context, _ *state, entry *lockfile.Skill) *step {
		return e.planFix(ctx, entry, o)
	}, o)
}

func (e *Engine) planFix(ctx context.Context, entry *lockfile.Skill, o Options) *step {
	s := e.planRestore(ctx, entry, o)
	if !isConflict(s.out.Err) {
		return s
	}
	stays := func(p *spot) bool {
		return p.state == edited && o.OnEdit != OverwriteOnEdit || p.state == foreign && !o.Replace
	}
	rest := slices.DeleteFunc(slices.Clone(s.spots), stays)
	if !slices.ContainsFunc(rest, func(p *spot) bool { return p.state != clean }) {
		return s
	}
	for _, p := range s.spots {
		if stays(p) {
			s.warn(p.root.Shown(s.out.Name) + " is not as it was installed and stays")
		}
	}
	s.verb, s.out.Action, s.out.Err = place, Installed, nil
	s.spots, s.partial, s.pin = rest, true, e.pinOf(entry)
	s.report()
	return s
}

// Interrupted reports whether a killed process left something to finish, which
// the next look at the scope does.
func (e *Engine) Interrupted() bool {
	_, err := os.Lstat(e.journalPath())
	return err == nil
}
