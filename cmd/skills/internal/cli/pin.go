package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/pkg/install"
)

// What pin and unpin do to a skill.
const (
	pinned   install.Action = "pinned"
	unpinned install.Action = "unpinned"
)

func (a *app) pinCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     "pin NAME...",
		Aliases: []string{"hold"},
		Short:   "Keep skills at the version they have",
		GroupID: groupUndo,
		Long: `Keep skills at the version they have: no update, install or rollback moves them,
whatever its flags, until skills unpin. The reason is shown wherever that matters.`,
		Example: `  skills pin pdf --reason "2.0 breaks our forms"
  skills pin pdf backend-architect`,
		Args:              args(1, -1, "the name of an installed skill"),
		ValidArgsFunction: a.completeInstalled,
		RunE: a.run(func(ctx context.Context, names []string) (*answer, error) {
			return a.editPins(ctx, pinned, func(ctx context.Context, e *engine) ([]install.Outcome, error) {
				return e.Pin(ctx, names, reason, e.options(install.Options{}))
			})
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for whoever asks later")
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	return cmd
}

func (a *app) unpinCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "unpin NAME...",
		Short:             "Let pinned skills be updated again",
		GroupID:           groupUndo,
		Example:           "  skills unpin pdf",
		Args:              args(1, -1, "the name of an installed skill"),
		ValidArgsFunction: a.completeInstalled,
		RunE: a.run(func(ctx context.Context, names []string) (*answer, error) {
			return a.editPins(ctx, unpinned, func(ctx context.Context, e *engine) ([]install.Outcome, error) {
				return e.Unpin(ctx, names, e.options(install.Options{}))
			})
		}),
	}
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	return cmd
}

// editPins carries out what changes pins, and says so with the word.
func (a *app) editPins(ctx context.Context, word install.Action, edit func(context.Context, *engine) ([]install.Outcome, error)) (*answer, error) {
	e, err := a.reader()
	if err != nil {
		return nil, err
	}
	outcomes, err := edit(ctx, e)
	if err != nil {
		return nil, err
	}
	for i := range outcomes {
		if outcomes[i].Action == install.Updated {
			outcomes[i].Action = word
		}
	}
	return a.changes(ctx, e.scope, request{all: true}, outcomes), nil
}
