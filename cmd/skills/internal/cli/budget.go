package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/budget"
	"github.com/openskills-go/skills/pkg/install"
)

// budgetResult is the result of list --budget.
type budgetResult struct {
	Scope  scopeResult         `json:"scope"`
	Agents []agentBudgetResult `json:"agents"`
}

// agentBudgetResult is what one agent is told of skills when it starts.
type agentBudgetResult struct {
	Agent   string   `json:"agent,omitempty"` // "" with --dir
	Folders []string `json:"folders"`         // that it reads, and that are there
	budget.Cost
	Limit      *limitResult       `json:"budget"` // null if none is known
	Skills     []costResult       `json:"skills"` // the most expensive first
	Unreadable []unreadableResult `json:"unreadable"`
}

// limitResult is the budget of an agent, counted as the agent does.
type limitResult struct {
	Used   int         `json:"used"`
	Most   int         `json:"most"`
	Unit   budget.Unit `json:"unit"`
	Over   bool        `json:"over"`
	Window int         `json:"contextWindow,omitempty"` // tokens, for which the budget is so
	Source string      `json:"source"`                  // where that is documented, or the variable that says it
	cut    string
}

type costResult struct {
	Name string `json:"name"`
	Path string `json:"path"`
	Ours bool   `json:"ours"` // it is in the lock of this scope
	budget.Cost
}

type unreadableResult struct {
	Path    string `json:"path"`
	Problem string `json:"problem"`
}

// budget tells what the skills that stand in the agents' folders cost, whoever
// put them there.
func (a *app) budget(ctx context.Context, wanted []string) (*answer, error) {
	e, err := a.reader()
	if err != nil {
		return nil, err
	}
	entries, err := e.List(ctx)
	if err != nil {
		return nil, err
	}
	ours := map[string]bool{}
	for _, entry := range entries {
		for _, path := range entry.Paths {
			ours[realPath(path)] = true
		}
	}
	ids := wanted
	if len(ids) == 0 && e.scope.Kind != install.Dir {
		if ids, err = a.defaultAgents(e.scope); err != nil {
			return nil, err
		}
		for _, entry := range entries {
			ids = append(ids, entry.Agents...)
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
	}
	result := budgetResult{Scope: e.scope.result(), Agents: []agentBudgetResult{}}
	if e.scope.Kind == install.Dir {
		ids = []string{""}
	}
	for _, id := range ids {
		r, err := a.budgetOf(e, id, ours)
		if err != nil {
			return nil, err
		}
		result.Agents = append(result.Agents, r)
	}
	return &answer{result: result, done: 1, text: func(p *ui.Printer) { printBudget(p, result.Agents) }}, nil
}

// realPath is path with the folder that it is in found through links. The skill itself
// may be one.
func realPath(path string) string {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return path
	}
	return filepath.Join(dir, filepath.Base(path))
}

func (a *app) budgetOf(e *engine, id string, ours map[string]bool) (agentBudgetResult, error) {
	r := agentBudgetResult{Agent: id, Folders: []string{}, Skills: []costResult{}, Unreadable: []unreadableResult{}}
	dirs, err := a.foldersOf(e, id)
	if err != nil {
		return r, err
	}
	var all []budget.Skill
	seen := map[string]bool{}
	for _, dir := range dirs {
		at := realPath(filepath.Join(dir, "x"))
		if seen[at] {
			continue
		}
		seen[at] = true
		skills, faults, err := budget.Read(dir)
		if err != nil {
			faults = append(faults, budget.Fault{Path: dir, Err: err})
		}
		if len(skills)+len(faults) > 0 {
			r.Folders = append(r.Folders, dir)
		}
		for _, s := range skills {
			// In several folders for several agents, it is still one skill for one
			// that reads them all.
			if !slices.ContainsFunc(all, func(have budget.Skill) bool { return have.Name == s.Name && have.Description == s.Description }) {
				all = append(all, s)
			}
		}
		for _, f := range faults {
			r.Unreadable = append(r.Unreadable, unreadableResult{f.Path, message(f.Err)})
		}
	}
	for _, s := range all {
		r.Cost = r.Plus(s.Cost())
		r.Skills = append(r.Skills, costResult{Name: s.Name, Path: s.Path, Ours: ours[realPath(s.Path)], Cost: s.Cost()})
	}
	slices.SortStableFunc(r.Skills, func(a, b costResult) int { return cmp.Compare(b.Bytes, a.Bytes) })
	if l, ok := budget.LimitOf(id, a.env.Getenv); ok {
		used := l.Used(all)
		r.Limit = &limitResult{used, l.Most, l.Unit, used > l.Most, l.Window, l.Source, l.Over}
	}
	return r, nil
}

// foldersOf returns every folder that an agent reads: in a project that of the
// user as well.
func (a *app) foldersOf(e *engine, id string) ([]string, error) {
	if id == "" {
		return []string{e.scope.Root}, nil
	}
	table, err := a.agents()
	if err != nil {
		return nil, err
	}
	found, err := table.Find(id)
	if err != nil {
		return nil, err
	}
	root := ""
	if e.scope.Kind == install.Project {
		root = e.scope.Root
	}
	return found.Reads(a.agentEnv(), root), nil
}

const fewSkills = 10 // are printed, the most expensive ones

func printBudget(p *ui.Printer, agents []agentBudgetResult) {
	over := false
	for _, r := range agents {
		name := r.Agent
		if name == "" {
			name = strings.Join(r.Folders, ", ")
		}
		text := fmt.Sprintf("%s: %s, %s bytes, about %s tokens", p.Strong(ui.Line(name)), counted(len(r.Skills), "skill"), thousands(r.Bytes), thousands(r.Tokens))
		if l := r.Limit; l != nil {
			state := p.Good("within")
			if l.Over {
				over, state = true, p.Bad("over")
			}
			text += fmt.Sprintf(", %s its budget: %s of %s %s", state, thousands(l.Used), thousands(l.Most), l.Unit)
			if l.Unit == budget.EstimatedTokens {
				text += " as it counts them"
			}
			if l.Over {
				text += "; " + l.cut
			}
		}
		p.Printf("%s", text)
	}
	printCosts(p, agents)
	_ = p.Flush() // what follows is talk about it
	told := map[string]bool{}
	for _, r := range agents {
		for _, u := range r.Unreadable {
			if !told[u.Path] {
				told[u.Path] = true
				p.Notef("%s is not counted: %s", ui.Line(u.Path), u.Problem)
			}
		}
	}
	if over {
		p.Notef("skills disable NAME takes one out of sight, skills remove NAME altogether")
	}
}

// printCosts prints the most expensive skills, each once, whichever folders it
// stands in.
func printCosts(p *ui.Printer, agents []agentBudgetResult) {
	var all []costResult
	readers := map[costResult][]string{}
	same := func(s costResult) costResult {
		s.Path = ""
		return s
	}
	for _, r := range agents {
		for _, s := range r.Skills {
			if readers[same(s)] == nil {
				all = append(all, s)
			}
			if !slices.Contains(readers[same(s)], r.Agent) {
				readers[same(s)] = append(readers[same(s)], r.Agent)
			}
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b costResult) int { return cmp.Compare(b.Bytes, a.Bytes) })
	t := ui.Table{Head: []string{"SKILL", "BYTES", "TOKENS", "BY", "AGENTS"}}
	for _, s := range all[:min(len(all), fewSkills)] {
		by := "skills"
		if !s.Ours {
			by = "others"
		}
		t.Rows = append(t.Rows, ui.Text(s.Name, thousands(s.Bytes), thousands(s.Tokens), by, strings.Join(readers[same(s)], ",")))
	}
	p.Printf("")
	p.Table(t)
	if n := len(all) - fewSkills; n > 0 {
		p.Printf("and %s that cost less", counted(n, "skill"))
	}
}

// thousands spells a number with commas: 21,400.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
