package cli

import (
	"context"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
)

type listResult struct {
	Scope  scopeResult     `json:"scope"`
	Skills []install.Entry `json:"skills"`
}

func (a *app) listCommand() *cobra.Command {
	var cost bool
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List installed skills, and what they cost",
		GroupID: groupUse,
		Long: `List the installed skills. With --budget, say instead what the names and
descriptions of all skills that an agent reads, ours or not, cost it when it starts:
in bytes, in tokens (an estimate), and against the budget of agents that have one.`,
		Example: `  skills list
  skills list --agent codex
  skills list --budget
  skills list --dir ./skills --json`,
		Args: args(0, 0, ""),
		RunE: a.run(func(ctx context.Context, _ []string) (*answer, error) {
			wanted, err := a.agentIDs()
			if err != nil {
				return nil, err
			}
			if cost {
				return a.budget(ctx, wanted)
			}
			e, err := a.reader()
			if err != nil {
				return nil, err
			}
			entries, err := e.List(ctx)
			if err != nil {
				return nil, err
			}
			if len(wanted) > 0 {
				entries = slices.DeleteFunc(entries, func(e install.Entry) bool {
					return !slices.ContainsFunc(wanted, func(id string) bool { return slices.Contains(e.Agents, id) })
				})
			}
			if entries == nil {
				entries = []install.Entry{}
			}
			result := listResult{Scope: e.scope.result(), Skills: entries}
			return &answer{result: result, done: 1, text: func(p *ui.Printer) { printList(p, entries) }}, nil
		}),
	}
	cmd.Flags().BoolVar(&cost, "budget", false, "say what the skills cost each agent when it starts")
	a.agentFlag(cmd, "only skills installed for these agents")
	a.scopeFlags(cmd)
	return cmd
}

func printList(p *ui.Printer, entries []install.Entry) {
	if len(entries) == 0 {
		p.Notef("nothing is installed here; skills install REF installs something")
		return
	}
	registries := map[string]bool{}
	for _, e := range entries {
		if e.Registry != "" {
			registries[e.Registry] = true
		}
	}
	t := ui.Table{Head: []string{"NAME", "VERSION", "STATE", "AGENTS", "FROM"}}
	for _, e := range entries {
		state := ui.Cell{}
		switch {
		case e.State == install.Hidden:
			state = ui.Cell{Text: string(e.State), Mark: p.Unsure}
		case e.State != install.OK:
			state = ui.Cell{Text: string(e.State), Mark: p.Bad}
		case e.Pinned != "":
			state = ui.Cell{Text: "pinned", Mark: p.Unsure}
		}
		row := ui.Text(e.Name, e.Version, "", strings.Join(e.Agents, ","), from(e, len(registries) > 1))
		row[2] = state
		t.Rows = append(t.Rows, row)
	}
	p.Table(t)
}

// from is where a skill came from: its reference, and which registry that is in
// if there are several.
func from(e install.Entry, several bool) string {
	if !several || e.Registry == "" {
		return e.Ref
	}
	short := filepath.Base(e.Registry)
	if u, err := url.Parse(e.Registry); err == nil && u.Host != "" {
		short = u.Host
	}
	if strings.HasPrefix(e.Ref, short+":") || strings.Contains(e.Ref, "://") {
		return e.Ref // it says so already
	}
	_, bare, named := strings.Cut(e.Ref, ":")
	if named {
		return short + ":" + bare
	}
	return short + ":" + e.Ref
}
