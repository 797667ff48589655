package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/lockfile"
)

// lockResult is the result of lock --resolve.
type lockResult struct {
	Scope    scopeResult      `json:"scope"`
	DryRun   bool             `json:"dryRun,omitempty"`
	Conflict bool             `json:"conflict"` // false: there was nothing to resolve
	FromGit  bool             `json:"fromGit"`  // the sides are those of the repository; else what the markers leave of them
	Written  bool             `json:"written"`
	Skills   []decisionResult `json:"skills"` // those about which the sides differ
}

// decisionResult is how one difference was decided.
type decisionResult struct {
	Name   string        `json:"name"` // "" for what the lock says besides skills
	Took   lockfile.Side `json:"took"` // ours, theirs, both or neither
	Ours   string        `json:"ours,omitempty"`
	Theirs string        `json:"theirs,omitempty"` // the versions
	Why    string        `json:"why,omitempty"`
}

func (a *app) lockCommand() *cobra.Command {
	var resolve bool
	cmd := &cobra.Command{
		Use:     "lock --resolve",
		Short:   "Resolve a merge conflict in skills.lock",
		GroupID: groupTeam,
		Long: `Merge both sides of a skills.lock in which a merge or a rebase left conflict
markers, skill by skill, and say how each was decided. Of two versions the one
stays that skills.yaml accepts, then the one that is pinned, then the higher one;
agents are united. One version with two digests is never decided. Nothing is
fetched or placed: skills install does that afterwards.`,
		Example: `  skills lock --resolve
  skills lock --resolve --dry-run
  git merge feature || skills lock --resolve && git add skills.lock`,
		Args: args(0, 0, ""),
		RunE: a.run(func(ctx context.Context, _ []string) (*answer, error) {
			if !resolve {
				return nil, &usageError{
					message: "lock needs --resolve",
					hint:    "skills lock --resolve merges both sides of a conflict in skills.lock; skills install brings it in line with skills.yaml",
				}
			}
			e, err := a.engine()
			if err != nil {
				return nil, err
			}
			r, err := e.ResolveLock(ctx, a.flags.dryRun)
			if r == nil || err != nil && len(r.Decisions) == 0 {
				return nil, err
			}
			return a.resolved(e.scope, r, err)
		}),
	}
	cmd.Flags().BoolVar(&resolve, "resolve", false, "merge both sides of a conflict")
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	return cmd
}

// resolved makes an answer of a resolution, with which there may be an error.
func (a *app) resolved(s scope, r *install.Resolution, err error) (*answer, error) {
	result := lockResult{
		Scope: s.result(), DryRun: a.flags.dryRun, Conflict: r.Conflict,
		FromGit: r.FromGit, Written: r.Conflict && err == nil && !a.flags.dryRun, Skills: []decisionResult{},
	}
	out := &answer{}
	for _, d := range r.Decisions {
		result.Skills = append(result.Skills, decisionResult{Name: d.Name, Took: d.Took, Ours: versionOf(d.Ours), Theirs: versionOf(d.Theirs), Why: d.Why})
		if d.Err != nil {
			out.faults = append(out.faults, fault{ref: d.Name, err: d.Err})
		}
	}
	out.result = result
	if len(out.faults) > 0 {
		return out, nil // they are what the error says
	}
	out.text = func(p *ui.Printer) {
		if !r.Conflict {
			p.Notef("there is nothing to resolve: %s has no conflict markers", ui.Line(s.Lock))
			return
		}
		t := ui.Table{Head: []string{"NAME", "TAKEN", "OURS", "THEIRS", "WHY"}}
		for _, d := range result.Skills {
			t.Rows = append(t.Rows, ui.Text(d.Name, string(d.Took), d.Ours, d.Theirs, d.Why))
		}
		if len(t.Rows) > 0 {
			p.Table(t)
		}
		_ = p.Flush() // what follows is talk about it; the last Flush tells what broke
		if result.Written {
			p.Notef("wrote %s; skills install puts in place what it says", ui.Line(s.Lock))
		}
	}
	return out, err
}

func versionOf(s *lockfile.Skill) string {
	if s == nil {
		return ""
	}
	return s.Version
}
