package cli

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/source"
)

// changeResult is the result of install, update and remove.
type changeResult struct {
	Scope  scopeResult   `json:"scope"`
	DryRun bool          `json:"dryRun,omitempty"`
	Skills []skillResult `json:"skills"`
}

// skillResult is what happened, or would happen, to one skill.
type skillResult struct {
	Name     string           `json:"name"`
	Ref      string           `json:"ref,omitempty"`
	Action   install.Action   `json:"action"`
	Registry string           `json:"registry,omitempty"`
	Slug     string           `json:"slug,omitempty"`
	Owner    string           `json:"owner,omitempty"`
	Version  string           `json:"version,omitempty"`
	From     string           `json:"from,omitempty"`
	Locale   string           `json:"locale,omitempty"`
	Artifact string           `json:"artifact,omitempty"`
	Size     int64            `json:"size,omitempty"`
	Tree     string           `json:"tree,omitempty"`
	Trust    source.Level     `json:"trust,omitempty"`
	Targets  []targetResult   `json:"targets"`
	Files    *install.Changes `json:"files,omitempty"`
	Edits    *install.Edits   `json:"edits,omitempty"`
	Conflict *conflictResult  `json:"conflict,omitempty"`
	Scripts  []string         `json:"scripts,omitempty"` // of an update: files that can be run and are new or changed
	Tools    []string         `json:"tools,omitempty"`   // of an update: allowed-tools that were not allowed before
	Backups  []string         `json:"backups,omitempty"`
	Warnings []string         `json:"warnings,omitempty"`
}

// conflictResult is what has to be decided about a skill that was left as it was.
type conflictResult struct {
	Files  []install.Conflict `json:"files"`
	Folder string             `json:"folder,omitempty"` // holds the new files and the differences
}

// targetResult is one agent that a skill was placed for.
type targetResult struct {
	Agent  string         `json:"agent,omitempty"` // "" with --dir
	Path   string         `json:"path"`
	Status install.Action `json:"status"`
}

func newSkillResult(o install.Outcome) skillResult {
	r := skillResult{
		Name: o.Name, Ref: o.Ref, Action: o.Action,
		Registry: o.Registry, Slug: o.Slug, Owner: o.Owner, Version: o.Version, From: o.From, Locale: o.Locale,
		Artifact: string(o.Artifact), Size: o.Size, Tree: string(o.Tree), Trust: o.Trust,
		Targets: []targetResult{}, Files: o.Files, Edits: o.Edits, Scripts: o.Scripts, Tools: o.Tools, Backups: o.Backups, Warnings: o.Warnings,
	}
	if c, ok := errors.AsType[*install.ConflictError](o.Err); ok {
		r.Conflict = &conflictResult{Files: c.Files, Folder: c.Folder}
	}
	if o.Err != nil {
		return r // it was placed nowhere
	}
	for _, t := range o.Targets {
		if len(t.Agents) == 0 {
			r.Targets = append(r.Targets, targetResult{Path: t.Path, Status: t.Status})
		}
		for _, agent := range t.Agents {
			r.Targets = append(r.Targets, targetResult{Agent: agent, Path: t.Path, Status: t.Status})
		}
	}
	return r
}

// changes makes an answer of outcomes.
func (a *app) changes(ctx context.Context, s scope, r request, outcomes []install.Outcome) *answer {
	result := changeResult{Scope: s.result(), DryRun: a.flags.dryRun, Skills: []skillResult{}}
	out := &answer{}
	for _, o := range outcomes {
		result.Skills = append(result.Skills, newSkillResult(o))
		if o.Err == nil {
			out.done++
			continue
		}
		name := o.Name
		if r.byRef {
			name = o.Ref
		}
		err := o.Err
		if r.byRef {
			err = a.mistaken(ctx, o.Ref, err)
		}
		out.faults = append(out.faults, fault{ref: name, err: err})
	}
	out.result = result
	out.text = func(p *ui.Printer) {
		shown, same := outcomes, 0
		if !r.all {
			shown = slices.DeleteFunc(slices.Clone(outcomes), func(o install.Outcome) bool {
				return o.Err == nil && o.Action == install.Unchanged
			})
			same = len(outcomes) - len(shown)
		}
		printChanges(p, shown, a.flags.dryRun)
		_ = p.Flush() // what follows is talk about it; the last Flush tells what broke
		if same > 0 {
			p.Notef("%s unchanged", counted(same, "skill"))
		}
		a.printWarnings(outcomes)
	}
	return out
}

const fewWarnings = 5 // are printed; more only if verbose

// printWarnings tells what people should know of what was done all the same.
func (a *app) printWarnings(outcomes []install.Outcome) {
	n := 0
	for _, o := range outcomes {
		for _, path := range o.Backups {
			a.ui.Notef("%s as it was is in %s", ui.Line(named(o)), ui.Line(path))
		}
		for _, w := range o.Warnings {
			if n++; n <= fewWarnings || a.flags.verbose {
				a.ui.Warnf("%s: %s", ui.Line(named(o)), message(errors.New(w)))
			}
		}
	}
	if n > fewWarnings && !a.flags.verbose {
		a.ui.Warnf("and %d more; --verbose prints them all", n-fewWarnings)
	}
}

// named is what a person calls the skill of an outcome.
func named(o install.Outcome) string {
	if o.Name != "" {
		return o.Name
	}
	return o.Ref
}

// manyLines are more than a person reads: with as many folders, a terminal shows a
// line for each skill, and the folders once.
const manyLines = 12

// printChanges prints a line for each folder of each skill that did not fail.
func printChanges(p *ui.Printer, outcomes []install.Outcome, dryRun bool) {
	folders := 0
	for _, o := range outcomes {
		folders += len(o.Targets)
	}
	brief := folders > manyLines && p.Terminal() && !p.Verbose
	var roots []string
	for _, o := range outcomes {
		if o.Err != nil {
			continue
		}
		head := p.Strong(ui.Line(named(o)))
		switch {
		case o.From != "" && o.From != o.Version && o.Version != "":
			head += " " + ui.Line(o.From) + " -> " + ui.Line(o.Version)
		case o.Version != "":
			head += " " + ui.Line(o.Version)
		}
		if brief && alike(o) {
			var agents []string
			for _, t := range o.Targets {
				agents = append(agents, t.Agents...)
				roots = append(roots, filepath.Dir(t.Path))
			}
			p.Printf("%s  %s%s", deed(p, placed(o, o.Targets[0]), dryRun), head, inBrackets(p, agents))
		} else {
			printTargets(p, o, head, dryRun)
		}
		printFiles(p, o)
		printEdits(p, o.Edits)
		printRisks(p, o)
	}
	if slices.Sort(roots); len(roots) > 0 {
		_ = p.Flush() // what follows is talk about it; the last Flush tells what broke
		p.Notef("in %s; --verbose lists each folder", ui.Line(strings.Join(slices.Compact(roots), ", ")))
	}
}

func printTargets(p *ui.Printer, o install.Outcome, head string, dryRun bool) {
	if len(o.Targets) == 0 {
		p.Printf("%s  %s", deed(p, o.Action, dryRun), head)
	}
	for _, t := range o.Targets {
		p.Printf("%s  %s  %s%s", deed(p, placed(o, t), dryRun), head, ui.Line(t.Path), inBrackets(p, t.Agents))
	}
}

// alike says whether the same happened to every folder of a skill.
func alike(o install.Outcome) bool {
	for _, t := range o.Targets {
		if t.Status != o.Targets[0].Status {
			return false
		}
	}
	return len(o.Targets) > 0
}

// placed is what happened to one folder of a skill: "removed" would frighten
// whoever disables it.
func placed(o install.Outcome, t install.Placement) install.Action {
	if t.Status == install.Removed && o.Action == install.Disabled || t.Status == install.Installed && o.Action == install.Enabled {
		return o.Action
	}
	return t.Status
}

func inBrackets(p *ui.Printer, agents []string) string {
	if len(agents) == 0 {
		return ""
	}
	return p.Faint("  (" + ui.Line(strings.Join(agents, ", ")) + ")")
}

// deed is the word for an action that was done, or would be.
func deed(p *ui.Printer, action install.Action, dryRun bool) string {
	would := ""
	switch action {
	case install.Installed:
		would = "would install"
	case install.Updated:
		would = "would update"
	case install.Removed:
		would = "would remove"
	case pinned:
		would = "would pin"
	case unpinned:
		would = "would unpin"
	case install.Disabled:
		would = "would disable"
	case install.Enabled:
		would = "would enable"
	case install.Adopted:
		would = "would adopt"
	case install.Unchanged, install.Skipped, install.Failed:
		return p.Faint(string(action))
	}
	if dryRun {
		return p.Good(would)
	}
	return p.Good(string(action))
}

const fewFiles = 10

// printFiles prints which files an update changed.
func printFiles(p *ui.Printer, o install.Outcome) {
	if o.Files == nil {
		return
	}
	n := 0
	list := func(mark string, paths []string) {
		for _, path := range paths {
			if n++; n <= fewFiles {
				p.Printf("  %s %s", mark, ui.Line(path))
			}
		}
	}
	list("+", o.Files.Added)
	list("~", o.Files.Changed)
	list("-", o.Files.Removed)
	if n > fewFiles {
		p.Printf("  and %d more files", n-fewFiles)
	}
}

// printEdits prints what became of the changes that the person had made.
func printEdits(p *ui.Printer, e *install.Edits) {
	if e == nil {
		return
	}
	for _, list := range []struct {
		what  string
		paths []string
	}{{"kept yours:", e.Kept}, {"merged:", e.Merged}, {"still deleted:", e.Deleted}} {
		for i, path := range list.paths {
			if i == fewFiles {
				p.Printf("  %s and %d more files", list.what, len(list.paths)-i)
				break
			}
			p.Printf("  %s %s", p.Unsure(list.what), ui.Line(path))
		}
	}
}

// printRisks prints what of an update to look at before an agent acts on it: what
// can be run, and what the skill may do unasked.
func printRisks(p *ui.Printer, o install.Outcome) {
	list := func(of []string, words func(string) string) {
		for _, text := range of[:min(len(of), fewFiles)] {
			p.Printf("  %s %s: %s", p.Unsure("!"), words(text), p.Strong(ui.Cut(ui.Line(text), maxMessage)))
		}
		if n := len(of) - fewFiles; n > 0 {
			p.Printf("  %s and %d more; --json lists them all", p.Unsure("!"), n)
		}
	}
	list(o.Scripts, func(path string) string {
		if o.Files != nil && slices.Contains(o.Files.Changed, path) {
			return "changed script"
		}
		return "new script"
	})
	list(o.Tools, func(string) string { return "newly allowed tool" })
}
