package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// A curateResult is what a publisher said of something published.
type curateResult struct {
	Ref      string `json:"ref"`
	Registry string `json:"registry"`
	Action   string `json:"action"` // yanked, unyanked, deprecated, undeprecated, tagged, untagged
	Tag      string `json:"tag,omitempty"`
	Reason   string `json:"reason,omitempty"`
	DryRun   bool   `json:"dryRun,omitempty"`
}

// A curation is one such thing: what it is about, and how to do it.
type curation struct {
	ref    ref.Ref
	result curateResult
	do     func(context.Context, source.Curator, source.Release) error
}

// curate does c, or on a dry run finds out whether what it is about is there.
func (a *app) curate(ctx context.Context, c curation) (*answer, error) {
	registry, curator, err := ability[source.Curator](a, c.ref)
	if err != nil {
		return nil, err
	}
	rel := source.Release{Owner: c.ref.Owner, Slug: c.ref.Slug, Version: c.ref.Query.String()}
	if a.flags.dryRun {
		err = a.lookFor(ctx, c.ref)
	} else {
		err = c.do(ctx, curator, rel)
	}
	if err != nil {
		return nil, a.mistaken(ctx, c.ref.String(), err)
	}
	r := c.result
	r.Ref, r.Registry, r.DryRun = c.ref.String(), registry, a.flags.dryRun
	return &answer{result: r, done: 1, text: func(p *ui.Printer) {
		what := r.Action
		if r.DryRun {
			what = "would be " + what
		}
		for _, more := range []string{r.Tag, r.Reason} {
			if more != "" {
				what += ": " + more
			}
		}
		p.Printf("%s  %s", ui.Line(r.Ref), ui.Line(what))
	}}, nil
}

// lookFor is an error if a skill, or the version of it that is named, is not there.
func (a *app) lookFor(ctx context.Context, r ref.Ref) error {
	set, err := a.sources()
	if err != nil {
		return err
	}
	route, err := set.Route(r)
	if err != nil {
		return err
	}
	infos, err := route.Source.Versions(ctx, route.Ref)
	if err != nil || r.Query.Kind() != version.Exact {
		return err
	}
	if v := r.Query.String(); !slices.ContainsFunc(infos, func(i version.Info) bool { return i.Version == v }) {
		_, err = version.Select(r.Query, infos, "")
	}
	return err
}

// published reads a reference to something in a registry: to a version of it if exact
// is set, to the skill as a whole if not.
func published(text string, exact bool) (ref.Ref, error) {
	r, err := ref.Parse(text)
	if err != nil {
		return ref.Ref{}, err
	}
	shown := ui.Cut(text, 60)
	switch kind := r.Query.Kind(); {
	case r.Kind != ref.Registry:
		return ref.Ref{}, &usageError{message: fmt.Sprintf("%q is in no registry that keeps versions", shown), hint: "a reference is as acme:alice/pdf@1.2.0"}
	case exact && kind != version.Exact:
		return ref.Ref{}, &usageError{message: fmt.Sprintf("%q names no version", shown), hint: "say which one, as " + ref.Ref{Registry: r.Registry, Owner: r.Owner, Slug: r.Slug}.String() + "@1.2.0"}
	case !exact && kind != version.Any:
		return ref.Ref{}, &usageError{message: fmt.Sprintf("%q names a version, and this is about the whole skill", shown), hint: "leave @" + r.Query.String() + " away"}
	}
	return r, nil
}

// A reasoned command says something for a reason, or takes it back.
type reasoned struct {
	reason string
	undo   bool
}

func (w *reasoned) check() error {
	switch w.reason = strings.TrimSpace(w.reason); {
	case w.undo && w.reason != "":
		return &usageError{message: "--undo and --reason exclude each other"}
	case !w.undo && w.reason == "":
		return &usageError{message: "people will ask why", hint: "say it: --reason TEXT; --undo takes it back"}
	}
	return nil
}

// done is what was done, in a word.
func (w *reasoned) done(what string) string {
	if w.undo {
		return "un" + what
	}
	return what
}

// saying completes a command by which something is said for a reason, of a version if
// exact is set, of a skill as a whole if not.
func (a *app) saying(cmd *cobra.Command, done string, exact bool, say func(source.Curator, context.Context, source.Release, string) error) *cobra.Command {
	var w reasoned
	cmd.GroupID = groupMake
	cmd.RunE = a.run(func(ctx context.Context, args []string) (*answer, error) {
		r, err := published(args[0], exact)
		if err == nil {
			err = w.check()
		}
		if err != nil {
			return nil, err
		}
		return a.curate(ctx, curation{r, curateResult{Action: w.done(done), Reason: w.reason}, func(ctx context.Context, c source.Curator, rel source.Release) error {
			return say(c, ctx, rel, w.reason)
		}})
	})
	cmd.Flags().StringVar(&w.reason, "reason", "", "why, in a `text` that everyone who has it will read")
	cmd.Flags().BoolVar(&w.undo, "undo", false, "take that back")
	a.curateFlags(cmd)
	return cmd
}

func (a *app) yankCommand() *cobra.Command {
	return a.saying(&cobra.Command{
		Use:   "yank REF@VERSION",
		Short: "Hide a published version from selection",
		Long: `Hide a version that you published from selection: nobody gets it anew, and those who
have it in their lock still do, with a warning that says why.`,
		Example: `  skills yank acme:alice/pdf@1.2.0 --reason "it loses the last page"
  skills yank acme:alice/pdf@1.2.0 --undo`,
		Args: args(1, 1, "a version, as acme:alice/pdf@1.2.0"),
	}, "yanked", true, source.Curator.Yank)
}

func (a *app) deprecateCommand() *cobra.Command {
	return a.saying(&cobra.Command{
		Use:   "deprecate REF",
		Short: "Say that another skill should be used",
		Long: `Say of a skill that you published that another should be used. It can still be
installed; whoever does, or looks for newer versions, reads why not.`,
		Example: `  skills deprecate acme:alice/pdf --reason "use alice/documents"
  skills deprecate acme:alice/pdf --undo`,
		Args: args(1, 1, "a skill, as acme:alice/pdf"),
	}, "deprecated", false, source.Curator.Deprecate)
}

func (a *app) tagCommand() *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use:     "tag REF@VERSION TAG",
		Short:   "Make a tag stand for a published version",
		GroupID: groupMake,
		Long: `Make a tag, such as stable or next, stand for a version that you published. Whoever
asks for it, as alice/pdf@stable, gets that version. It is moved if it stands for
another.

The tag latest is there by itself, and is the greatest version that is no prerelease
and is not yanked. It can be moved back; the next greater version takes it along.`,
		Example: `  skills tag acme:alice/pdf@1.2.0 stable
  skills tag acme:alice/pdf stable --remove`,
		Args: args(2, 2, "a version, as acme:alice/pdf@1.2.0, and a tag"),
		RunE: a.run(func(ctx context.Context, args []string) (*answer, error) {
			r, err := published(args[0], !remove)
			if err != nil {
				return nil, err
			}
			tag, done := args[1], "tagged"
			if err := checkTag(tag); err != nil {
				return nil, err
			}
			if remove {
				done = "untagged"
			}
			return a.curate(ctx, curation{r, curateResult{Action: done, Tag: tag}, func(ctx context.Context, c source.Curator, rel source.Release) error {
				return c.Tag(ctx, rel, tag)
			}})
		}),
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "take the tag away")
	a.curateFlags(cmd)
	return cmd
}

func checkTag(tag string) error {
	if q, err := version.ParseQuery(tag); err != nil || q.Kind() != version.Tag {
		return &usageError{message: fmt.Sprintf("%q is no tag", ui.Cut(tag, 60)), hint: "a tag is a word, such as stable, that is no version"}
	}
	return nil
}

func (a *app) curateFlags(cmd *cobra.Command) {
	a.dryRunFlag(cmd)
	a.registryFlag(cmd)
	a.netFlags(cmd)
}
