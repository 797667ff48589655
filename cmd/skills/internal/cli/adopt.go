package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/pkg/install"
)

func (a *app) adoptCommand() *cobra.Command {
	var o install.Options
	var from string
	var local bool
	cmd := &cobra.Command{
		Use:     "adopt DIR...",
		Short:   "Take over folders that are there already",
		GroupID: groupCare,
		Long: `Record skills that already stand in a folder of an agent, so that they are listed,
verified and updated like those that skills installed. No file of them is touched.

The files are compared with the skill of that name in the registry, or with the
one that --from names: first its newest version, then up to 19 others. If one has
the very same files, that is the version recorded. If none has, the differences are
shown and nothing is recorded, unless --on-edit=keep says that they are your edits.
What the registry does not know is recorded as a skill of its own: its folder is
where it comes from, and after an edit skills adopt records the new files.

To bring along what other tools installed: skills import.`,
		Example: `  skills adopt ~/.claude/skills/pdf
  skills adopt .claude/skills/*
  skills adopt ~/.claude/skills/pdf --from acme:pdf@^1
  skills adopt .agents/skills/house-style --local`,
		Args: args(1, -1, "the folder of a skill"),
		RunE: a.run(func(ctx context.Context, dirs []string) (*answer, error) {
			adoptions, err := a.adoptions(dirs, from, local)
			if err != nil {
				return nil, err
			}
			return a.change(ctx, request{verb: "adopting", all: true}, func(ctx context.Context, e *engine) (*install.Plan, error) {
				if err := a.knowAll(e); err != nil {
					return nil, err
				}
				return e.PlanAdopt(ctx, adoptions, e.options(o))
			})
		}),
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "where one skill came from, a `reference` as for install")
	f.BoolVar(&local, "local", false, "ask no registry: each is a skill of its own")
	f.BoolVar(&o.AllowHiddenText, "allow-hidden-text", false, "take over files that hold invisible text")
	a.adoptFlags(cmd)
	return cmd
}

// adoptFlags are what adopt and import have in common.
func (a *app) adoptFlags(cmd *cobra.Command) {
	cmd.Flags().Var(&value[install.OnEdit]{to: &a.flags.onEdit, parse: parseOnAdopt, kind: "fail|keep"}, "on-edit",
		"for a skill whose files differ: fail, or keep them as edits of the nearest version (default fail)")
	_ = cmd.RegisterFlagCompletionFunc("on-edit", fixed("fail", "keep"))
	a.agentFlag(cmd, "record it for these agents, whose folder it must be in")
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	a.registryFlag(cmd)
	a.netFlags(cmd)
	a.limitFlags(cmd)
}

func parseOnAdopt(s string) (install.OnEdit, error) {
	switch e := install.OnEdit(s); e {
	case install.FailOnEdit, install.KeepOnEdit:
		return e, nil
	}
	return "", fmt.Errorf("want fail or keep; skills install REF --replace overwrites")
}

// adoptions makes requests of the command line.
func (a *app) adoptions(dirs []string, from string, local bool) ([]install.Adoption, error) {
	switch {
	case from != "" && local:
		return nil, &usageError{message: "--from and --local exclude each other", hint: "--local asks no registry where a skill came from"}
	case from != "" && len(dirs) != 1:
		return nil, &usageError{message: fmt.Sprintf("--from is about one folder, and there are %d", len(dirs))}
	}
	var want install.Want
	if from != "" {
		wants, err := parseWants([]string{from}, "")
		if err != nil {
			return nil, err
		}
		want = wants[0]
	}
	adoptions := make([]install.Adoption, len(dirs))
	for i, dir := range dirs {
		path, err := a.abs(dir)
		if err != nil {
			return nil, err
		}
		adoptions[i] = install.Adoption{Dir: path, From: want, Local: local}
	}
	return adoptions, nil
}

// knowAll tells an engine of every agent, whose folder something may stand in.
func (a *app) knowAll(e *engine) error {
	table, err := a.agents()
	if err != nil {
		return err
	}
	for _, known := range table.All() {
		e.Known = append(e.Known, known.ID)
	}
	return nil
}
