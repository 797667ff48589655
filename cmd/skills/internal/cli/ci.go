package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/pkg/install"
)

func (a *app) ciCommand() *cobra.Command {
	var o install.Options
	cmd := &cobra.Command{
		Use:     "ci",
		Short:   "Install exactly what skills.lock says, or fail",
		GroupID: groupTeam,
		Long: `Put exactly the skills into their folders that skills.lock names, for CI jobs and
teammates. It resolves nothing and writes neither skills.lock nor skills.yaml. The
exit code is 7 if there is no lock, if skills.yaml wants something else, or if a
folder was changed; 6 if what is fetched has another digest.

It is the same as skills install --frozen.`,
		Example: `  skills ci
  skills ci --offline
  skills ci --bundle skills.bundle
  skills ci --on-edit=overwrite --json`,
		Args: args(0, 0, ""),
		RunE: a.run(func(ctx context.Context, _ []string) (*answer, error) {
			return a.restoreFrozen(ctx, o)
		}),
	}
	cmd.Flags().BoolVar(&o.AllowHiddenText, "allow-hidden-text", false, "install files that hold invisible text")
	a.editFlags(cmd, editRestore, true)
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	a.bundleFlag(cmd)
	a.netFlags(cmd)
	a.limitFlags(cmd)
	return cmd
}

// restoreFrozen does what ci is for.
func (a *app) restoreFrozen(ctx context.Context, o install.Options) (*answer, error) {
	a.ui.NoInput = true // at a terminal it is what it is in a job
	out, err := a.change(ctx, request{verb: "installing"}, func(ctx context.Context, e *engine) (*install.Plan, error) {
		return e.PlanFrozen(ctx, e.options(o))
	})
	if out != nil && len(out.faults) > 0 {
		out.done = 0 // it is all or nothing: the exit code is that of what failed
	}
	return out, err
}
