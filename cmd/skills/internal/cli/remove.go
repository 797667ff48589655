package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/pkg/install"
)

func (a *app) removeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "remove NAME...",
		Aliases: []string{"rm", "uninstall"},
		Short:   "Remove installed skills",
		GroupID: groupUse,
		Long: `Remove skills from the folders they were installed into, and from the lock.
With --agent, only from those agents. A skill that you changed is only removed
with --on-edit=overwrite, after a backup.`,
		Example: `  skills remove backend-architect
  skills remove pdf --agent codex
  skills remove pdf --on-edit=overwrite`,
		Args:              args(1, -1, "the name of an installed skill"),
		ValidArgsFunction: a.completeInstalled,
		RunE: a.run(func(ctx context.Context, names []string) (*answer, error) {
			return a.change(ctx, request{verb: "removing", deed: "Delete", all: true}, func(ctx context.Context, e *engine) (*install.Plan, error) {
				return e.PlanRemove(ctx, names, e.options(install.Options{}))
			})
		}),
	}
	a.editFlags(cmd, editRemove, false)
	a.agentFlag(cmd, "remove from these agents only")
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	return cmd
}
