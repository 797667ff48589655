package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
)

// A choice is what the command line says about places that have several skills.
type choice struct {
	install.Choice
	list bool // tell what there is, and install nothing
}

// choiceFlags choose skills of a place that has several.
func (a *app) choiceFlags(cmd *cobra.Command, c *choice) {
	f := cmd.Flags()
	f.Var(&value[[]string]{to: &c.Names, parse: parseList, kind: "names"}, "skill", "of a repository or website with several skills: those to install")
	f.BoolVar(&c.All, "all", false, "of a repository or website: every skill that it has")
	f.BoolVar(&c.list, "list", false, "tell which skills a repository or website has, and install nothing")
}

// check finds what is wrong with a choice for references.
func (c *choice) check(refs []string, as string) error {
	var chosen string
	switch {
	case c.All && len(c.Names) > 0:
		return &usageError{message: "--skill and --all exclude each other"}
	case c.list && (c.All || len(c.Names) > 0):
		return &usageError{message: "--list installs nothing, and --skill or --all chooses what to install"}
	case c.list:
		chosen = "--list"
	case c.All:
		chosen = "--all"
	case len(c.Names) > 0:
		chosen = "--skill"
	default:
		return nil
	}
	switch {
	case len(refs) == 0:
		return &usageError{message: chosen + " needs a REF: a repository or website to take skills from"}
	case len(refs) > 1:
		return &usageError{message: fmt.Sprintf("%s is about one repository or website, and there are %d", chosen, len(refs))}
	case as != "" && c.All:
		return &usageError{message: "--as names one skill, and --all may be several"}
	case as != "" && len(c.Names) > 1:
		return &usageError{message: fmt.Sprintf("--as names one skill, and --skill %d", len(c.Names))}
	}
	return nil
}

// expand replaces the wants that stand for several skills by those that were
// chosen, or that the person at the terminal chooses.
func (a *app) expand(ctx context.Context, e *engine, wants []install.Want, c choice) ([]install.Want, error) {
	c.Look = e.asks
	got, err := e.Expand(ctx, wants, c.Choice)
	many, ok := errors.AsType[*install.ManyError](err)
	if !ok || !e.asks {
		return got, err
	}
	items := make([]string, len(many.Skills))
	for i, s := range many.Skills {
		items[i] = ui.Line(s.Name)
		if s.Description != "" {
			items[i] += "  " + a.ui.Dim(ui.Cut(ui.Line(s.Description), 100))
		}
	}
	picked := a.ui.Choose(fmt.Sprintf("%s has %d skills. Which ones?", ui.Line(many.Place), len(items)), items)
	if len(picked) == 0 {
		return nil, err
	}
	var all []install.Want
	for _, w := range wants {
		if w.Typed != many.Place {
			all = append(all, w)
			continue
		}
		for _, i := range picked {
			r := many.Skills[i].Ref
			all = append(all, install.Want{Typed: r.String(), Ref: r, As: w.As})
		}
	}
	return a.expand(ctx, e, all, choice{}) // another place may be one to choose from, too
}

// placeResult is the result of install --list.
type placeResult struct {
	Place  string          `json:"place"`
	Skills []listingResult `json:"skills"`
}

type listingResult struct {
	Name        string `json:"name"`
	Ref         string `json:"ref"` // that installs it
	Description string `json:"description,omitempty"`
}

// listPlace tells which skills a place has.
func (a *app) listPlace(ctx context.Context, w install.Want) (*answer, error) {
	e, err := a.engine()
	if err != nil {
		return nil, err
	}
	list, err := e.Listings(ctx, w.Ref)
	a.warnOfSources(e)
	if errors.Is(err, install.ErrOneSkill) && (w.Ref.Kind == ref.Dir || w.Ref.Kind == ref.File) {
		return nil, &usageError{message: fmt.Sprintf("--list %s: it tells of repositories, websites and collections", ui.Cut(ui.Line(w.Typed), 60)), hint: "of a folder or archive with several skills --path chooses one; skills info tells what is in it"}
	}
	if errors.Is(err, install.ErrOneSkill) {
		return nil, &usageError{message: fmt.Sprintf("--list %s: that is one skill", ui.Cut(ui.Line(w.Typed), 60)), hint: "skills info tells about one skill, skills search WORD lists those of a registry"}
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", ui.Cut(ui.Line(w.Typed), 60), err)
	}
	result := placeResult{Place: w.Typed, Skills: []listingResult{}}
	for _, l := range list {
		result.Skills = append(result.Skills, listingResult{l.Name, l.Ref.String(), l.Description})
	}
	return &answer{result: result, done: len(list), text: func(p *ui.Printer) { printListings(p, list) }}, nil
}

func printListings(p *ui.Printer, list []source.Listing) {
	t := ui.Table{Head: []string{"NAME", "DESCRIPTION", "REFERENCE"}}
	for _, l := range list {
		t.Rows = append(t.Rows, ui.Text(l.Name, l.Description, l.Ref.String()))
	}
	p.Table(t)
}

// warnOfSources tells what the places that were asked have wrong with them, and was
// no obstacle.
func (a *app) warnOfSources(e *engine) {
	warnings := e.Source.Warnings()
	shown := warnings
	if len(shown) > fewWarnings && !a.flags.verbose {
		shown = shown[:fewWarnings]
	}
	for _, w := range shown {
		a.ui.Warnf("%s", message(errors.New(w)))
	}
	if more := len(warnings) - len(shown); more > 0 {
		a.ui.Warnf("and %d more; --verbose prints them all", more)
	}
}
