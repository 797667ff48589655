package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
)

// pruneResult is a changeResult of the skills that nobody wants any more, and the
// folders that interrupted runs left.
type pruneResult struct {
	changeResult
	Leftovers []string `json:"leftovers"` // removed, or to be removed
}

func (a *app) pruneCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "prune",
		Short:   "Remove what skills.yaml does not list",
		GroupID: groupCare,
		Long: `Remove the installed skills that skills.yaml does not list any more, from their
folders and from the lock, and what interrupted runs left beside them. Without
--yes it only says what would be removed. A skill that you changed is only removed
with --on-edit=overwrite, after a backup. What skills did not place is not touched.`,
		Example: `  skills prune
  skills prune --yes
  skills prune --project --yes --json`,
		Args: args(0, 0, ""),
		RunE: a.run(func(ctx context.Context, _ []string) (*answer, error) {
			if a.flags.dir != "" {
				return nil, &usageError{message: "a --dir folder has no skills.yaml that says what is wanted", hint: "skills remove NAME --dir PATH removes a skill from it"}
			}
			a.flags.dryRun = a.flags.dryRun || !a.flags.yes
			return a.prune(ctx)
		}),
	}
	a.editFlags(cmd, editRemove, false)
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	return cmd
}

func (a *app) prune(ctx context.Context) (*answer, error) {
	e, err := a.engine()
	if err != nil {
		return nil, err
	}
	// Before anything is removed: that sweeps as well, and does not say what.
	left, err := e.Leftovers(ctx)
	if err != nil {
		return nil, err
	}
	out, err := a.change(ctx, request{verb: "removing", deed: "Delete", all: true}, func(ctx context.Context, e *engine) (*install.Plan, error) {
		return e.PlanPrune(ctx, e.options(install.Options{}))
	})
	if out == nil {
		return nil, err
	}
	if err == nil && !a.flags.dryRun {
		_, err = e.Sweep(ctx)
		left = slices.DeleteFunc(left, exists)
	}
	result := pruneResult{Leftovers: nonNil(left)}
	result.changeResult, _ = out.result.(changeResult)
	out.result = result
	printSkills := out.text
	out.text = func(p *ui.Printer) {
		printSkills(p)
		for _, path := range left {
			p.Printf("%s  %s", deed(p, install.Removed, a.flags.dryRun), ui.Line(path))
		}
		_ = p.Flush()
		switch {
		case len(left)+len(result.Skills) == 0:
			p.Notef("there is nothing to prune")
		case a.flags.dryRun:
			p.Notef("nothing is removed yet; skills prune --yes does it")
		}
	}
	return out, err
}
