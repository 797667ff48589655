package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/version"
)

type outdatedResult struct {
	Scope  scopeResult      `json:"scope"`
	Skills []install.Status `json:"skills"`
}

func (a *app) outdatedCommand() *cobra.Command {
	var exitCode, all bool
	cmd := &cobra.Command{
		Use:     "outdated [NAME]...",
		Short:   "Say which skills have a newer version",
		GroupID: groupUse,
		Long: `Ask the registries whether there are newer versions of the installed skills.
Nothing is changed. What could not be checked is said to be unknown, and the
exit code says so. A skill whose version is yanked is named, and so is one that
is gone from its registry or has another name there.`,
		Example: `  skills outdated
  skills outdated --exit-code   # 7 if something is outdated, for CI
  skills outdated --json`,
		ValidArgsFunction: a.completeInstalled,
		RunE: a.run(func(ctx context.Context, names []string) (*answer, error) {
			e, err := a.engine()
			if err != nil {
				return nil, err
			}
			statuses, err := e.Outdated(ctx, orAll(names))
			if err != nil {
				return nil, err
			}
			out, old := &answer{}, 0
			result := outdatedResult{Scope: e.scope.result(), Skills: []install.Status{}}
			for _, s := range statuses {
				result.Skills = append(result.Skills, s)
				if s.Err != nil {
					out.faults = append(out.faults, fault{ref: s.Name, err: s.Err})
					continue
				}
				out.done++
				if s.State == install.Outdated {
					old++
				}
			}
			if exitCode && old > 0 {
				if len(out.faults) == 0 {
					out.done = 0 // what was found is all there is to say
				}
				out.faults = append(out.faults, fault{err: &findingError{codeOutdated, counted(old, "skill") + " outdated", "skills update brings the newer versions"}})
			}
			out.result = result
			out.text = func(p *ui.Printer) {
				printOutdated(p, statuses, all)
				_ = p.Flush() // what follows is talk about it; the last Flush tells what broke
				for _, s := range statuses {
					if s.Yanked != "" {
						yanked := &version.YankedError{Version: s.Current, Reason: s.Yanked}
						p.Warnf("%s: %s", ui.Line(s.Name), message(yanked))
					}
					if s.Deprecated != "" {
						p.Warnf("%s: deprecated: %s", ui.Line(s.Name), ui.Line(s.Deprecated))
					}
				}
			}
			return out, nil
		}),
	}
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 7 if a skill is outdated")
	cmd.Flags().BoolVar(&all, "all", false, "list the skills that are current as well")
	a.scopeFlags(cmd)
	a.netFlags(cmd)
	a.limitFlags(cmd)
	return cmd
}

func printOutdated(p *ui.Printer, statuses []install.Status, all bool) {
	t := ui.Table{Head: []string{"NAME", "CURRENT", "LATEST", "STATE", "FROM"}}
	for _, s := range statuses {
		if s.State == install.Current && !all {
			continue
		}
		row := ui.Text(s.Name, s.Current, s.Latest, string(s.State), s.Ref)
		switch s.State {
		case install.Current:
			row[3].Mark = p.Faint
		case install.Outdated:
			row[2].Mark = p.Good
		default:
			row[3].Mark = p.Unsure
		}
		t.Rows = append(t.Rows, row)
	}
	switch {
	case len(t.Rows) > 0:
		p.Table(t)
	case len(statuses) == 0:
		p.Notef("nothing is installed here")
	default:
		p.Notef("%s checked, nothing is outdated", counted(len(statuses), "skill"))
	}
}
