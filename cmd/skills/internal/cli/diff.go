package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
)

type diffResult struct {
	Scope       scopeResult          `json:"scope"`
	Name        string               `json:"name"`
	Differences []install.Difference `json:"differences"`
}

func (a *app) diffCommand() *cobra.Command {
	var names bool
	var o install.Options
	cmd := &cobra.Command{
		Use:     "diff NAME [VERSION]",
		Short:   "Show your changes, or what a version brings",
		GroupID: groupUndo,
		Long: `Without VERSION, compare the files of an installed skill with those that it was
installed with: what you changed. With VERSION, compare what it was installed with
to that version: what an update would bring. VERSION can be a version, a constraint
such as ^2, or latest. The output is a unified diff, as git diff prints it.`,
		Example: `  skills diff pdf
  skills diff pdf latest
  skills diff pdf 2.0.0 --name-only
  skills diff pdf | patch -R -p1 -d ~/.claude/skills/pdf`,
		Args:              args(1, 2, "the name of an installed skill, and perhaps a version"),
		ValidArgsFunction: a.completeInstalled,
		RunE: a.run(func(ctx context.Context, args []string) (*answer, error) {
			e, err := a.engine()
			if err != nil {
				return nil, err
			}
			r := diffResult{Scope: e.scope.result(), Name: args[0], Differences: []install.Difference{}}
			if len(args) == 1 {
				all, err := e.Diff(ctx, args[0])
				if err != nil {
					return nil, err
				}
				r.Differences = append(r.Differences, all...)
			} else {
				d, err := e.DiffVersion(ctx, args[0], args[1], e.options(o))
				if err != nil {
					return nil, err
				}
				r.Differences = append(r.Differences, *d)
			}
			return &answer{result: r, done: 1, text: func(p *ui.Printer) { printDiff(p, r, names) }}, nil
		}),
	}
	cmd.Flags().BoolVar(&names, "name-only", false, "print only which files differ, and how")
	cmd.Flags().BoolVar(&o.AllowHiddenText, "allow-hidden-text", false, "compare with a version that holds invisible text")
	a.scopeFlags(cmd)
	a.netFlags(cmd)
	a.limitFlags(cmd)
	return cmd
}

func printDiff(p *ui.Printer, r diffResult, names bool) {
	same := 0
	for _, d := range r.Differences {
		_ = p.Flush() // each note stands before what it is about; the last Flush tells what broke
		switch {
		case d.Missing:
			p.Notef("%s is not there: skills install puts it back", ui.Line(d.Path))
			continue
		case len(d.Files) == 0:
			same++
			continue
		case d.Path != "":
			p.Notef("%s, against %s as it was installed", ui.Line(d.Path), ui.Line(d.From))
		default:
			p.Notef("%s %s, against %s", ui.Line(r.Name), ui.Line(d.To), ui.Line(d.From))
		}
		for _, f := range d.Files {
			if names || f.Diff == "" {
				p.Printf("%s  %s", f.Change, ui.Line(f.Path))
				continue
			}
			for line := range strings.Lines(f.Diff) {
				printDiffLine(p, strings.TrimSuffix(line, "\n"))
			}
		}
	}
	switch {
	case len(r.Differences) == 0:
		p.Notef("%s is disabled, and stands nowhere", ui.Line(r.Name))
	case same == len(r.Differences):
		p.Notef("no difference")
	}
}

// printDiffLine prints a line of a diff. Off a terminal it is as it is: patch has
// to find the very bytes.
func printDiffLine(p *ui.Printer, line string) {
	if !p.Terminal() {
		_, _ = io.WriteString(p.Writer(), line+"\n") // Flush tells what broke
		return
	}
	shown := ui.Line(line)
	switch {
	case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"):
		shown = p.Strong(shown)
	case strings.HasPrefix(line, "+"):
		shown = p.Good(shown)
	case strings.HasPrefix(line, "-"):
		shown = p.Bad(shown)
	case strings.HasPrefix(line, "@@"):
		shown = p.Faint(shown)
	}
	_, _ = io.WriteString(p.Writer(), shown+"\n") // not wrapped: its first column has a meaning
}
