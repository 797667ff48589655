package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/source"
)

// fetchResult is the result of fetch.
type fetchResult struct {
	Scope  scopeResult     `json:"scope"`
	DryRun bool            `json:"dryRun,omitempty"`
	Skills []fetchedResult `json:"skills"`
}

// fetchedResult is one artifact.
type fetchedResult struct {
	Name     string         `json:"name"` // "" if only the artifact could tell
	Ref      string         `json:"ref"`
	Action   install.Action `json:"action"` // fetched, present or failed
	Registry string         `json:"registry,omitempty"`
	Slug     string         `json:"slug,omitempty"`
	Owner    string         `json:"owner,omitempty"`
	Version  string         `json:"version,omitempty"`
	Locale   string         `json:"locale,omitempty"`
	Artifact string         `json:"artifact,omitempty"`
	Size     int64          `json:"size,omitempty"`
	Tree     string         `json:"tree,omitempty"`
	Trust    source.Level   `json:"trust,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
}

func (a *app) fetchCommand() *cobra.Command {
	var o install.Options
	cmd := &cobra.Command{
		Use:     "fetch [REF]...",
		Short:   "Fetch what the lock names, and place nothing",
		GroupID: groupTeam,
		Long: `Bring the artifacts that skills.lock names, or those of the REFs, into the store of
this user, verified as for an install. What is there is not fetched again.
Afterwards skills install --offline needs no network. No skill is placed, and no
lock is written.`,
		Example: `  skills fetch
  skills fetch pdf@^1.2 acme:release-notes
  skills fetch && skills install --offline`,
		RunE: a.run(func(ctx context.Context, args []string) (*answer, error) {
			wants, err := parseWants(args, "")
			if err != nil {
				return nil, err
			}
			if len(args) == 0 && o.Path != "" {
				return nil, &usageError{message: "--path needs a REF to take the folder from"}
			}
			e, err := a.keeper()
			if err != nil {
				return nil, err
			}
			outcomes, err := a.fetch(e, func() ([]install.Outcome, error) { return e.Fetch(ctx, wants, e.options(o)) })
			if err != nil {
				return nil, err
			}
			out := a.fetched(ctx, outcomes, len(args) > 0)
			out.result = fetchResult{Scope: e.scope.result(), DryRun: a.flags.dryRun, Skills: newFetchedResults(outcomes)}
			return out, nil
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.Path, "path", "", "the `folder` to take from an archive of several skills")
	f.BoolVar(&o.AllowHiddenText, "allow-hidden-text", false, "keep files that hold invisible text")
	a.riskFlag(cmd)
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	a.registryFlag(cmd)
	a.netFlags(cmd)
	a.limitFlags(cmd)
	return cmd
}

// keeper returns an engine that has a place to keep things in.
func (a *app) keeper() (*engine, error) {
	e, err := a.engine()
	if err == nil && e.Store.Dir() == "" {
		err = &usageError{message: "there is no home folder to keep in what is fetched", hint: "set HOME, or SKILLS_HOME"}
	}
	return e, err
}

// fetch shows the progress of what fetches.
func (a *app) fetch(e *engine, fetch func() ([]install.Outcome, error)) ([]install.Outcome, error) {
	progress := a.ui.NewProgress("fetching")
	defer progress.End()
	e.OnEvent = progress.Event
	return fetch()
}

// fetched makes an answer of outcomes; all says to tell of what was there, too.
func (a *app) fetched(ctx context.Context, outcomes []install.Outcome, all bool) *answer {
	out := &answer{}
	for _, o := range outcomes {
		switch {
		case o.Err == nil:
			out.done++
		case all: // named by reference
			out.faults = append(out.faults, fault{ref: o.Ref, err: a.mistaken(ctx, o.Ref, o.Err)})
		default:
			out.faults = append(out.faults, fault{ref: o.Name, err: o.Err})
		}
	}
	out.text = func(p *ui.Printer) {
		present := 0
		for _, o := range outcomes {
			if o.Err != nil {
				continue
			}
			verb := p.Good(string(o.Action))
			switch {
			case o.Action == install.Present && !all:
				present++
				continue
			case o.Action == install.Present:
				verb = p.Faint(string(o.Action))
			case a.flags.dryRun:
				verb = p.Good("would fetch")
			}
			line := verb + "  " + p.Strong(ui.Line(named(o))) + " " + ui.Line(o.Version)
			if o.Size > 0 {
				line += "  " + ui.Size(o.Size)
			}
			p.Printf("%s", line)
		}
		_ = p.Flush() // what follows is talk about it; the last Flush tells what broke
		if present > 0 || len(outcomes) == 0 {
			p.Notef("%s present", counted(present, "artifact"))
		}
		a.printWarnings(outcomes)
	}
	return out
}

func newFetchedResults(outcomes []install.Outcome) []fetchedResult {
	results := make([]fetchedResult, len(outcomes))
	for i, o := range outcomes {
		results[i] = fetchedResult{
			Name: o.Name, Ref: o.Ref, Action: o.Action, Registry: o.Registry, Slug: o.Slug, Owner: o.Owner, Version: o.Version,
			Locale: o.Locale, Artifact: string(o.Artifact), Size: o.Size, Tree: string(o.Tree), Trust: o.Trust, Warnings: o.Warnings,
		}
	}
	return results
}
