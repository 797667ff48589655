package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/agent"
	"github.com/openskills-go/skills/pkg/install"
)

type agentsResult struct {
	Scope  scopeResult   `json:"scope"`
	Agents []agentResult `json:"agents"`
}

type agentResult struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Detected bool     `json:"detected"`
	Chosen   bool     `json:"chosen"` // skills are installed for it when --agent is not given
	Path     string   `json:"path,omitempty"`
	AlsoRead []string `json:"alsoReads,omitempty"`
	Problem  string   `json:"problem,omitempty"` // why there is no path
}

func (a *app) agentsCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:     "agents [AGENT]...",
		Short:   "Show where each agent reads skills",
		GroupID: groupSetup,
		Long: `Show the agents that are on this machine, or those that are named, and the
folder in which each reads skills. A folder that is wrong for you can be changed:
skills config set agent-dirs.ID.user PATH.`,
		Example: `  skills agents
  skills agents --all
  skills agents claude codex --project`,
		ValidArgsFunction: a.completeAgents,
		RunE: a.run(func(_ context.Context, names []string) (*answer, error) {
			scope, err := a.scope()
			if err != nil {
				return nil, err
			}
			agents, err := a.describeAgents(scope, names)
			if err != nil {
				return nil, err
			}
			if !all && len(names) == 0 {
				agents = slices.DeleteFunc(agents, func(r agentResult) bool { return !r.Detected && !r.Chosen })
			}
			return &answer{
				result: agentsResult{Scope: scope.result(), Agents: agents}, done: 1,
				text: func(p *ui.Printer) { printAgents(p, agents, all || len(names) > 0) },
			}, nil
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "show every agent that skills knows")
	f := cmd.Flags()
	f.BoolVar(&a.flags.user, "user", false, "the folders of this user")
	f.BoolVar(&a.flags.project, "project", false, "the folders of the project this folder is in")
	return cmd
}

// describeAgents tells about the agents called names, or all.
func (a *app) describeAgents(s scope, names []string) ([]agentResult, error) {
	table, err := a.agents()
	if err != nil {
		return nil, err
	}
	env := a.agentEnv()
	list := table.All()
	if len(names) > 0 {
		list = nil
		for _, name := range names {
			found, err := table.Find(name)
			if err != nil {
				return nil, err
			}
			list = append(list, found)
		}
	}
	detected := map[string]bool{}
	for _, found := range table.Detect(env) {
		detected[found.ID] = true
	}
	chosen, err := a.defaultAgents(s)
	if err != nil {
		return nil, err
	}
	results := make([]agentResult, 0, len(list))
	for _, found := range list {
		r := agentResult{ID: found.ID, Name: found.Name, Detected: detected[found.ID], Chosen: slices.Contains(chosen, found.ID)}
		root := ""
		if s.Kind == install.Project {
			root = s.Root
		}
		path, err := agentDir(found, env, s.Scope)
		r.Path = path
		if err != nil {
			r.Problem = message(err)
		}
		for _, dir := range found.Reads(env, root) {
			if dir != path && !slices.Contains(r.AlsoRead, dir) {
				r.AlsoRead = append(r.AlsoRead, dir)
			}
		}
		results = append(results, r)
	}
	return results, nil
}

// agentDir returns where an agent reads the skills of a scope.
func agentDir(found agent.Agent, env agent.Env, s install.Scope) (string, error) {
	if s.Kind == install.Project {
		return found.ProjectDir(s.Root), nil
	}
	return found.UserDir(env)
}

func printAgents(p *ui.Printer, agents []agentResult, all bool) {
	t := ui.Table{Head: []string{"AGENT", "", "FOLDER"}}
	for _, r := range agents {
		state := ui.Cell{}
		switch {
		case r.Chosen:
			state = ui.Cell{Text: "chosen", Mark: p.Good}
		case r.Detected:
			state = ui.Cell{Text: "detected"}
		}
		folder := ui.Cell{Text: r.Path}
		if r.Problem != "" {
			folder = ui.Cell{Text: r.Problem, Mark: p.Unsure}
		}
		t.Rows = append(t.Rows, []ui.Cell{{Text: r.ID}, state, folder})
	}
	p.Table(t)
	if !all {
		p.Notef("skills are installed for the chosen ones; --agent names others, skills agents --all lists them")
	}
}
