package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
)

// fixedResult is one thing that --fix did, or would do in a dry run.
type fixedResult struct {
	What    string   `json:"what"`            // "put back", "removed" or "finished"
	Skill   string   `json:"skill,omitempty"` // that was put back
	Path    string   `json:"path,omitempty"`
	Agents  []string `json:"agents,omitempty"`
	Backups []string `json:"backups,omitempty"` // of the skill, from before
}

const (
	putBack  = "put back"
	removed  = "removed"
	finished = "finished"
)

// mend puts back what the lock says of the named skills, or of all if there are
// no names, as far as the flags allow. It returns what it did, and why it could
// not do the rest, by name.
func (a *app) mend(ctx context.Context, e *engine, names []string) ([]fixedResult, map[string]error, error) {
	outcomes, err := a.carryOut(ctx, e, "putting back", func(ctx context.Context, e *engine) (*install.Plan, error) {
		return e.PlanFix(ctx, names, e.options(install.Options{}))
	})
	var fixed []fixedResult
	failed := map[string]error{}
	for _, o := range outcomes {
		if o.Err != nil {
			failed[o.Name] = o.Err
			continue
		}
		for _, t := range o.Targets {
			if t.Status != install.Unchanged && t.Status != install.Skipped {
				fixed = append(fixed, fixedResult{What: putBack, Skill: o.Name, Path: t.Path, Agents: t.Agents, Backups: o.Backups})
			}
		}
	}
	return fixed, failed, err
}

// printFixed prints a line for each thing that was done, and says where backups are.
func (a *app) printFixed(p *ui.Printer, fixed []fixedResult) {
	for _, f := range fixed {
		would := ""
		if a.flags.dryRun && f.What != finished { // whoever looks at a scope finishes that
			would = "would be "
		}
		line := p.Good(would + f.What)
		if f.Skill != "" {
			line += "  " + p.Strong(ui.Line(f.Skill))
		}
		p.Printf("%s  %s", line, ui.Line(f.Path))
	}
	for i, f := range fixed {
		if i > 0 && fixed[i-1].Skill == f.Skill {
			continue
		}
		for _, path := range f.Backups {
			a.ui.Notef("%s as it was is in %s", ui.Line(f.Skill), ui.Line(path))
		}
	}
}

// verifyFix is verify with --fix: what can be put right is, and then it looks
// again.
func (a *app) verifyFix(ctx context.Context, names []string) (*answer, error) {
	e, err := a.engine()
	if err != nil {
		return nil, err
	}
	checks, err := e.Verify(ctx, orAll(names))
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, c := range checks {
		if !c.State.Fine() {
			wrong = append(wrong, c.Name)
		}
	}
	result := verifyResult{Scope: e.scope.result(), Fixed: []fixedResult{}}
	var failed map[string]error
	if len(wrong) > 0 {
		var fixed []fixedResult
		if fixed, failed, err = a.mend(ctx, e, wrong); err != nil {
			return nil, err
		}
		result.Fixed = append(result.Fixed, fixed...)
		if checks, err = e.Verify(ctx, orAll(names)); err != nil {
			return nil, err
		}
	}
	result.Skills = nonNil(checks)
	out := &answer{result: result}
	for _, c := range checks {
		if c.State.Fine() {
			continue
		}
		out.faults = append(out.faults, fault{ref: c.Name, err: unmended(c, failed[c.Name])})
	}
	out.text = func(p *ui.Printer) {
		a.printFixed(p, result.Fixed)
		printChecks(p, checks, a.listsAll(names))
	}
	return out, nil
}

// unmended says what is still wrong with a skill, and why.
func unmended(c install.Check, why error) error {
	if why == nil || isConflict(why) {
		return disagreement(c)
	}
	e := &disagreeError{message: fmt.Sprintf("%s is %s and could not be put back: %v", c.Name, c.State, why)}
	e.hint = explain(fault{err: why}).Hint
	return e
}

// fix does what the doctor can do without a decision of the person.
func (d *doctor) fix(ctx context.Context) error {
	d.result.Fixed = []fixedResult{}
	if d.engine.Interrupted() {
		d.result.Fixed = append(d.result.Fixed, fixedResult{What: finished, Path: d.engine.scope.Root})
	}
	// Before anything is put back: that would remove them as well, and not say so.
	left := d.engine.Sweep
	if d.app.flags.dryRun {
		left = d.engine.Leftovers
	}
	gone, err := left(ctx)
	for _, path := range gone {
		d.result.Fixed = append(d.result.Fixed, fixedResult{What: removed, Path: path})
	}
	if err != nil {
		return err
	}
	entries, err := d.engine.List(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, entry := range entries {
		if len(d.engine.asked) == 0 || slices.ContainsFunc(d.engine.asked, func(id string) bool { return slices.Contains(entry.Agents, id) }) {
			names = append(names, entry.Name)
		}
	}
	if len(names) > 0 {
		fixed, failed, err := d.app.mend(ctx, d.engine, names)
		if err != nil {
			return err
		}
		d.result.Fixed = append(d.result.Fixed, fixed...)
		for _, name := range names {
			if why := failed[name]; why != nil && !isConflict(why) {
				d.problem(name, "it could not be put back: "+message(why), explain(fault{err: why}).Hint)
			}
		}
	}
	return nil
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// needsFix refuses flags that mean something with --fix only.
func (a *app) needsFix(fix bool) error {
	var name string
	switch {
	case fix:
		return nil
	case a.flags.onEdit != "":
		name = "--on-edit"
	case a.flags.replace:
		name = "--replace"
	case a.flags.dryRun:
		name = "--dry-run"
	default:
		return nil
	}
	return &usageError{message: name + " is for --fix", hint: "without --fix nothing is changed"}
}
