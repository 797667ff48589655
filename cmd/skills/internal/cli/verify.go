package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
)

type verifyResult struct {
	Scope  scopeResult     `json:"scope"`
	Skills []install.Check `json:"skills"`
	Fixed  []fixedResult   `json:"fixed,omitzero"` // with --fix; the skills are as they are after that
}

func (a *app) verifyCommand() *cobra.Command {
	var fix bool
	cmd := &cobra.Command{
		Use:     "verify [NAME]...",
		Short:   "Compare every installed file with the lock",
		GroupID: groupCare,
		Long: `Hash every file of the installed skills and compare with skills.lock. The exit
code is 7 if a skill is missing or was changed. Nothing is changed or fetched. What
is as the lock says is only counted, unless it is named or with --verbose.

With --fix, what is missing is put back exactly as the lock says, from the store if
it is there. What you changed needs --on-edit=overwrite, and what skills did not
place --replace; a backup is made first. The exit code is 7 if something is still
not as the lock says.`,
		Example: `  skills verify
  skills verify backend-architect
  skills verify --fix
  skills verify --fix --on-edit=overwrite
  skills verify --dir ./skills --json`,
		ValidArgsFunction: a.completeInstalled,
		RunE: a.run(func(ctx context.Context, names []string) (*answer, error) {
			if err := a.needsFix(fix); err != nil {
				return nil, err
			}
			if fix {
				return a.verifyFix(ctx, names)
			}
			e, err := a.reader()
			if err != nil {
				return nil, err
			}
			checks, err := e.Verify(ctx, orAll(names))
			if err != nil {
				return nil, err
			}
			if checks == nil {
				checks = []install.Check{}
			}
			out := &answer{result: verifyResult{Scope: e.scope.result(), Skills: checks}}
			for _, c := range checks {
				if !c.State.Fine() {
					out.faults = append(out.faults, fault{ref: c.Name, err: disagreement(c)})
				}
			}
			out.text = func(p *ui.Printer) { printChecks(p, checks, a.listsAll(names)) }
			return out, nil
		}),
	}
	cmd.Flags().BoolVar(&fix, "fix", false, "put back what is missing, and what the flags below allow")
	a.editFlags(cmd, editRestore, true)
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	a.netFlags(cmd)
	a.limitFlags(cmd)
	return cmd
}

// listsAll says whether what is as it should be is listed as well: the person named
// it, or wants every detail.
func (a *app) listsAll(names []string) bool { return len(names) > 0 || a.flags.verbose }

// disagreement says what is wrong with a skill that is not as the lock says.
func disagreement(c install.Check) error {
	var paths []string
	for _, t := range c.Targets {
		if !t.State.Fine() {
			paths = append(paths, t.Path)
		}
	}
	e := &disagreeError{message: fmt.Sprintf("%s is %s: %s", c.Name, c.State, strings.Join(paths, ", "))}
	switch c.State {
	case install.Missing:
		e.hint = "skills verify --fix puts it back"
	case install.Foreign:
		e.hint = "something else stands there; skills verify --fix --replace puts the skill back, after a backup"
	case install.Modified:
		e.hint = "skills verify --fix --on-edit=overwrite puts it back, after a backup"
	}
	return e
}

// printChecks prints a line for each folder that is not as the lock says, and with
// all one for each other, too. What changed stands below.
func printChecks(p *ui.Printer, checks []install.Check, all bool) {
	fine, folders := 0, 0
	for _, c := range checks {
		if c.State.Fine() {
			fine, folders = fine+1, folders+len(c.Targets)
		}
		for _, t := range c.Targets {
			state := p.Good(string(t.State))
			if !t.State.Fine() {
				state = p.Bad(string(t.State))
			} else if !all {
				continue
			}
			p.Printf("%s  %s %s  %s", state, p.Strong(ui.Line(c.Name)), ui.Line(c.Version), ui.Line(t.Path))
			if t.Changes == nil {
				continue
			}
			for _, path := range t.Changes.Added {
				p.Printf("  + %s", ui.Line(path))
			}
			for _, path := range t.Changes.Changed {
				p.Printf("  ~ %s", ui.Line(path))
			}
			for _, path := range t.Changes.Removed {
				p.Printf("  - %s", ui.Line(path))
			}
		}
	}
	_ = p.Flush() // what follows is talk about it; the last Flush tells what broke
	switch {
	case len(checks) == 0:
		p.Notef("nothing is installed here")
	case fine > 0 && !all:
		p.Notef("as the lock says: %s in %s", counted(fine, "skill"), counted(folders, "folder"))
	}
}
