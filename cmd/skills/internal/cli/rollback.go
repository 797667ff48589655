package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/history"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/lockfile"
)

func (a *app) rollbackCommand() *cobra.Command {
	var to, generation int
	cmd := &cobra.Command{
		Use:     "rollback [NAME]...",
		Short:   "Go back to what skills were before",
		GroupID: groupUndo,
		Long: `Make skills what they were before the last change of each, or after the generation
that --to names. With --generation, all skills of the scope are made what they were
then: what came later is removed, what was removed comes back. Everything is taken
from the store, without the network.

To roll back again undoes the rollback. The next skills update moves on: skills pin
keeps a skill where it is.`,
		Example: `  skills history
  skills rollback pdf
  skills rollback pdf --to 3
  skills rollback --generation 7 --dry-run`,
		ValidArgsFunction: a.completeInstalled,
		RunE: a.run(func(ctx context.Context, names []string) (*answer, error) {
			switch {
			case generation > 0 && (to > 0 || len(names) > 0):
				return nil, &usageError{message: "--generation is for all skills, and NAME and --to are for some", hint: "skills rollback NAME --to " + strconv.Itoa(generation)}
			case generation == 0 && len(names) == 0:
				return nil, &usageError{message: "rollback needs the name of a skill, or --generation for all", hint: "what there is to go back to: skills history"}
			}
			return a.change(ctx, request{verb: "rolling back", deed: "Replace", all: true}, func(ctx context.Context, e *engine) (*install.Plan, error) {
				return e.PlanRollback(ctx, names, max(to, generation), e.options(install.Options{}))
			})
		}),
	}
	generations := func(to *int, name, usage string) {
		cmd.Flags().Var(&value[int]{to: to, parse: parseCount, kind: "n"}, name, usage)
	}
	generations(&to, "to", "go back to what NAME was after this generation")
	generations(&generation, "generation", "go back to what all skills were after this generation")
	a.editFlags(cmd, editMerge, true)
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	return cmd
}

type historyResult struct {
	Scope       scopeResult        `json:"scope"`
	Generations []generationResult `json:"generations"` // newest first
}

// generationResult is one change of the lock.
type generationResult struct {
	Generation int            `json:"generation"`
	Time       time.Time      `json:"time"`
	Command    string         `json:"command"`
	Changes    []changedSkill `json:"changes"`
}

// changedSkill is what one skill was and became; "" says that it was not there.
type changedSkill struct {
	Name     string `json:"name"`
	From     string `json:"from,omitempty"` // versions
	To       string `json:"to,omitempty"`
	FromTree string `json:"fromTree,omitempty"`
	ToTree   string `json:"toTree,omitempty"`
	What     string `json:"what"` // installed, removed, updated, pinned, unpinned, disabled, enabled, restated (asked for by another reference), moved (to or from agents), or changed
}

func (a *app) historyCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:     "history [NAME]...",
		Short:   "List what changed, and when",
		GroupID: groupUndo,
		Long: fmt.Sprintf(`List the generations of this scope, the newest first: every install, update or
removal that changed the lock is one. The last %d are remembered, and skills cache
prune keeps the artifacts of the last %d.`, history.Kept, keptArtifacts),
		Example:           "  skills history\n  skills history pdf\n  skills history --all --json",
		ValidArgsFunction: a.completeInstalled,
		RunE: a.run(func(ctx context.Context, names []string) (*answer, error) {
			e, err := a.reader()
			if err != nil {
				return nil, err
			}
			generations, err := e.Generations(ctx)
			if err != nil {
				return nil, err
			}
			r := historyResult{Scope: e.scope.result(), Generations: []generationResult{}}
			for i := range generations {
				g := newGenerationResult(&generations[len(generations)-1-i], names)
				if len(g.Changes) > 0 {
					r.Generations = append(r.Generations, g)
				}
			}
			return &answer{result: r, done: 1, text: func(p *ui.Printer) { printHistory(p, r.Generations, all) }}, nil
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "list every skill of every generation")
	a.scopeFlags(cmd)
	return cmd
}

// newGenerationResult tells what changed of the named skills, or of all.
func newGenerationResult(g *history.Generation, names []string) generationResult {
	r := generationResult{Generation: g.Number, Time: g.Time, Command: g.Command, Changes: []changedSkill{}}
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	for _, name := range g.Names() {
		if len(names) > 0 && !wanted[name] {
			continue
		}
		was, had := g.Before.Skills[name]
		is, has := g.After.Skills[name]
		r.Changes = append(r.Changes, changedSkill{
			Name: name, From: was.Version, To: is.Version, FromTree: string(was.Tree), ToTree: string(is.Tree),
			What: whatChanged(was, is, had, has),
		})
	}
	return r
}

func whatChanged(was, is lockfile.Skill, had, has bool) string {
	switch {
	case !had:
		return "installed"
	case !has:
		return "removed"
	case was.Tree != is.Tree || was.Version != is.Version:
		return "updated"
	case was.Disabled != is.Disabled && is.Disabled:
		return "disabled"
	case was.Disabled != is.Disabled:
		return "enabled"
	case was.Pin == nil && is.Pin != nil:
		return "pinned"
	case was.Pin != nil && is.Pin == nil:
		return "unpinned"
	case was.Ref != is.Ref:
		return "restated"
	case !slices.Equal(was.Agents, is.Agents) || !slices.Equal(was.Dirs, is.Dirs):
		return "moved"
	}
	return "changed"
}

const fewChanges = 5 // of a generation are listed

func printHistory(p *ui.Printer, generations []generationResult, all bool) {
	if len(generations) == 0 {
		p.Notef("nothing is remembered here")
		return
	}
	for _, g := range generations {
		p.Printf("%s  %s  %s", p.Strong(fmt.Sprintf("%4d", g.Generation)), g.Time.Local().Format("2006-01-02 15:04"), ui.Line(g.Command))
		for i, c := range g.Changes {
			if i == fewChanges && !all {
				p.Printf("      and %s more (--all lists them)", counted(len(g.Changes)-i, "skill"))
				break
			}
			versions := strings.TrimPrefix(c.From+" -> "+c.To, " -> ")
			if c.From == c.To {
				versions = c.To
			}
			p.Printf("      %s %s %s", c.What, ui.Line(c.Name), ui.Line(strings.TrimSuffix(versions, " -> ")))
		}
	}
}
