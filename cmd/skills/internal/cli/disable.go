package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/pkg/install"
)

func (a *app) disableCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "disable NAME...",
		Short:   "Take skills out of the agents' sight",
		GroupID: groupUndo,
		Long: `Take skills out of the folders that agents read, and keep them in skills.lock:
they cost the agents nothing, are updated with the others, and skills enable puts
them back. A skill that you changed is only taken out with --on-edit=overwrite,
after a backup.`,
		Example:           "  skills disable pdf\n  skills list --budget",
		Args:              args(1, -1, "the name of an installed skill"),
		ValidArgsFunction: a.completeInstalled,
		RunE: a.run(func(ctx context.Context, names []string) (*answer, error) {
			return a.change(ctx, request{verb: "disabling", deed: "Take out", all: true}, func(ctx context.Context, e *engine) (*install.Plan, error) {
				return e.PlanDisable(ctx, names, e.options(install.Options{}))
			})
		}),
	}
	a.editFlags(cmd, editRemove, false)
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	return cmd
}

func (a *app) enableCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "enable NAME...",
		Short:   "Put disabled skills back",
		GroupID: groupUndo,
		Long: `Put skills that skills disable took out back into the folders that they stood in,
exactly as the lock says.`,
		Example:           "  skills enable pdf",
		Args:              args(1, -1, "the name of an installed skill"),
		ValidArgsFunction: a.completeInstalled,
		RunE: a.run(func(ctx context.Context, names []string) (*answer, error) {
			return a.change(ctx, request{verb: "enabling", deed: "Replace", all: true}, func(ctx context.Context, e *engine) (*install.Plan, error) {
				return e.PlanEnable(ctx, names, e.options(install.Options{}))
			})
		}),
	}
	a.editFlags(cmd, editRestore, true)
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	a.netFlags(cmd)
	return cmd
}
