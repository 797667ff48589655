package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/pkg/install"
)

func (a *app) updateCommand() *cobra.Command {
	var o install.Options
	cmd := &cobra.Command{
		Use:     "update [NAME]...",
		Aliases: []string{"upgrade", "up"},
		Short:   "Update installed skills within what was asked for",
		GroupID: groupUse,
		Long: `Update the skills that are named, or all. A skill stays within the version or
constraint it was installed with. Which files change is printed, and what of it
to look at first: scripts that are new or changed, and tools that are newly
allowed.

A skill that its registry renamed is updated only with --accept-rename, one that
is another owner's now only with --accept-owner-change, and a version that its
registry flags only with --accept-risk. One that is gone stays as it is, and a
version that is yanked is passed over.`,
		Example: `  skills update
  skills update backend-architect
  skills update --dry-run`,
		ValidArgsFunction: a.completeInstalled,
		RunE: a.run(func(ctx context.Context, names []string) (*answer, error) {
			return a.change(ctx, request{verb: "updating", deed: "Replace", all: len(names) > 0}, func(ctx context.Context, e *engine) (*install.Plan, error) {
				return e.PlanUpdate(ctx, orAll(names), e.options(o))
			})
		}),
	}
	cmd.Flags().BoolVar(&o.AllowHiddenText, "allow-hidden-text", false, "install files that hold invisible text")
	a.editFlags(cmd, editMerge, false)
	a.renameFlag(cmd)
	a.ownerFlag(cmd)
	a.riskFlag(cmd)
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	a.netFlags(cmd)
	a.limitFlags(cmd)
	return cmd
}
