package cli

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// What publish did.
const (
	statusPublished = "published"
	statusPending   = "pending"  // the registry looks at it before others see it
	statusReplaced  = "replaced" // the tag stood for something else
	statusUnchanged = "unchanged"
)

type publishResult struct {
	Ref      string        `json:"ref"` // by which it can be installed
	Registry string        `json:"registry,omitempty"`
	Owner    string        `json:"owner,omitempty"`
	Name     string        `json:"name"`
	Version  string        `json:"version,omitempty"`
	URL      string        `json:"url,omitempty"`      // of the page about it
	Status   string        `json:"status"`             // published, pending, replaced, unchanged
	Manifest digest.Digest `json:"manifest,omitempty"` // by which an OCI registry has it
	Replaced digest.Digest `json:"replaced,omitempty"` // what the tag stood for before
	SHA256   digest.Digest `json:"artifact"`
	Size     int64         `json:"size"`
	Tree     digest.Digest `json:"tree"`
	Files    int           `json:"files"`
	DryRun   bool          `json:"dryRun,omitempty"`

	Findings []skill.Finding `json:"findings,omitempty"` // of validate
}

type publishFlags struct {
	changelog string
	tags      []string

	replaceTag       bool
	source, revision string
}

func (a *app) publishCommand() *cobra.Command {
	var f publishFlags
	cmd := &cobra.Command{
		Use:     "publish DIR [REF | oci://HOST/REPOSITORY[:TAG]]",
		Aliases: []string{"push"},
		Short:   "Publish a skill to a registry",
		GroupID: groupMake,
		Long: `Check a folder with a SKILL.md, and publish it: to the default registry, to that of
--registry or of a reference such as acme:alice/pdf@1.2.0, or to an OCI registry
(GitHub Packages, Harbor, Docker Hub, and whatever else keeps container images).

Slug and version are the name and the version in the SKILL.md, and the owner is whose
token it is, unless the reference says others. A version stays what it is: the same
files again change nothing, other files are refused. Log in first: skills login.

In an OCI registry the tag is the version, with _ for its +. A tag that stands for
something else already stays as it is without --replace-tag. The same files make the
same artifact; the time that it is marked with is 1970, or SOURCE_DATE_EPOCH. Who you
are to the registry is what docker login noted, in the config.json of DOCKER_CONFIG
or of ~/.docker.`,
		Example: `  skills publish ./pdf --dry-run
  skills publish ./pdf --registry acme --changelog "Reads forms, too"
  skills publish ./pdf acme:tools/pdf@1.3.0-rc.1 --tag next
  skills publish ./pdf oci://ghcr.io/acme/skills/pdf`,
		Args: args(1, 2, "the folder of a skill, and where to publish it to"),
	}
	cmd.RunE = a.run(func(ctx context.Context, args []string) (*answer, error) {
		to := ref.Ref{}
		if len(args) > 1 {
			var err error
			if to, err = ref.Parse(args[1]); err != nil {
				return nil, err
			}
		}
		if err := f.check(cmd, to, args); err != nil {
			return nil, err
		}
		r, err := a.publish(ctx, args[0], to, f)
		if err != nil {
			return nil, err
		}
		return &answer{result: r, done: 1, text: func(p *ui.Printer) { printPublished(p, args[0], r) }}, nil
	})
	cmd.Flags().StringVar(&f.changelog, "changelog", "", "say in `text` what is new")
	cmd.Flags().StringArrayVar(&f.tags, "tag", nil, "make this `tag` stand for the version, too; may be repeated")
	cmd.Flags().BoolVar(&f.replaceTag, "replace-tag", false, "OCI: move the tag if it stands for something else")
	cmd.Flags().StringVar(&f.source, "source", "", "OCI: note the `address` that the files come from")
	cmd.Flags().StringVar(&f.revision, "revision", "", "OCI: note the `commit` that the files come from")
	a.dryRunFlag(cmd)
	a.registryFlag(cmd)
	a.netFlags(cmd)
	return cmd
}

// check refuses flags of the other kind of registry, and references that nothing can
// be published as.
func (f *publishFlags) check(cmd *cobra.Command, to ref.Ref, args []string) error {
	switch to.Kind {
	case ref.OCI:
		if flags := given(cmd, "registry", "changelog", "tag"); len(flags) > 0 {
			return &usageError{message: strings.Join(flags, " and ") + " means nothing to an OCI registry", hint: "a tag follows the repository: " + to.URL + ":TAG"}
		}
		return nil
	case ref.Registry:
		if flags := given(cmd, "replace-tag", "source", "revision"); len(flags) > 0 {
			return &usageError{message: strings.Join(flags, " and ") + " is for OCI registries only", hint: "publish DIR oci://HOST/REPOSITORY"}
		}
		if q := to.Query; q.Kind() != version.Exact && q.Kind() != version.Any {
			return &usageError{message: fmt.Sprintf("%q is no version that could be published", q), hint: "a version is exact, as 1.2.0; --tag makes a tag stand for it"}
		}
		for _, tag := range f.tags {
			if err := checkTag(tag); err != nil {
				return err
			}
		}
		return nil
	case ref.Dir, ref.File, ref.URL, ref.Git:
	}
	return &usageError{message: fmt.Sprintf("%q is no place to publish to", ui.Cut(args[1], 60)), hint: "a place is a reference, as acme:alice/pdf@1.2.0, or oci://host/repository[:tag]"}
}

func (a *app) publish(ctx context.Context, dir string, to ref.Ref, f publishFlags) (*publishResult, error) {
	findings, err := a.validate(ctx, dir)
	if err != nil {
		return nil, err
	}
	bad := 0
	for _, found := range findings {
		if found.Severity == skill.Error {
			bad++
		}
	}
	if bad > 0 {
		return nil, &findingError{codeInvalid, "the skill has " + counted(bad, "error"), "skills validate " + dir + " lists them"}
	}
	path, err := a.abs(dir)
	if err != nil {
		return nil, err
	}
	root, err := openSkill(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	var r *publishResult
	if to.Kind == ref.OCI {
		r, err = a.publishOCI(ctx, root.FS(), to, f)
	} else {
		data, failed := readSkillFile(root)
		if failed != nil {
			return nil, failed
		}
		r, err = a.publishTo(ctx, root.FS(), data, to, f)
	}
	if r != nil {
		r.Findings = findings
	}
	return r, err
}

// publishTo publishes a skill to a registry with slugs.
func (a *app) publishTo(ctx context.Context, files fs.FS, skillFile []byte, to ref.Ref, f publishFlags) (*publishResult, error) {
	parsed, _, err := skill.Parse(skillFile)
	if err != nil {
		return nil, err
	}
	d := source.Draft{
		Owner: to.Owner, Slug: to.Slug, Version: to.Query.String(), Name: parsed.Name,
		Changelog: f.changelog, Tags: f.tags, Files: files, DryRun: a.flags.dryRun,
	}
	if d.Slug == "" {
		d.Slug = parsed.Name
	}
	said := strings.TrimPrefix(parsed.Version, "v")
	switch {
	case d.Version == "" && version.Valid(said):
		d.Version = said
	case d.Version == "":
		return nil, &usageError{message: "the SKILL.md has no version", hint: "write one under metadata, or say it: skills publish DIR " + ref.Ref{Registry: to.Registry, Owner: to.Owner, Slug: d.Slug}.String() + "@1.0.0"}
	case version.Valid(said) && version.Compare(said, d.Version) != 0:
		return nil, &usageError{message: fmt.Sprintf("the SKILL.md says that it is version %q, and the reference %q", said, d.Version), hint: "they are to be the same"}
	}
	to.Slug = d.Slug
	registry, publisher, err := ability[source.Publisher](a, to)
	if err != nil {
		return nil, err
	}
	p, err := publisher.Publish(ctx, d)
	if err != nil {
		return nil, err
	}
	to.Owner, to.Slug = p.Release.Owner, p.Release.Slug
	if to.Query, err = version.ParseQuery(p.Release.Version); err != nil {
		return nil, err
	}
	r := &publishResult{
		Ref: to.String(), Registry: registry, Owner: p.Release.Owner, Name: p.Release.Slug, Version: p.Release.Version, URL: p.URL,
		Status: statusPublished, SHA256: p.Artifact, Size: p.Size, Tree: p.Tree, Files: p.Files, DryRun: d.DryRun,
	}
	switch {
	case p.Unchanged:
		// What publishing would have tagged is tagged all the same.
		r.Status = statusUnchanged
		err = a.tagPublished(ctx, to, p.Release, f.tags)
	case p.Pending:
		r.Status = statusPending
	}
	return r, err
}

func (a *app) tagPublished(ctx context.Context, to ref.Ref, rel source.Release, tags []string) error {
	if len(tags) == 0 || a.flags.dryRun {
		return nil
	}
	_, curator, err := ability[source.Curator](a, to)
	for _, tag := range tags {
		if err == nil {
			err = curator.Tag(ctx, rel, tag)
		}
	}
	return err
}

// ability returns the registry that a reference leads to, with its address, as one
// whose publishers can do what T says.
func ability[T any](a *app, r ref.Ref) (address string, able T, err error) {
	set, err := a.sources()
	if err != nil {
		return "", able, err
	}
	route, err := set.Route(r)
	if err != nil {
		return "", able, err
	}
	able, ok := source.As[T](route.Source)
	if !ok {
		return "", able, &usageError{message: ui.Line(route.Registry) + " is no registry that can be published to", hint: "say which one: --registry, or acme:slug; skills registry list lists those that are known"}
	}
	return route.Registry, able, nil
}

func printPublished(p *ui.Printer, dir string, r *publishResult) {
	what := r.Status
	if r.DryRun && r.Status != statusUnchanged {
		what = "would be " + r.Status
	}
	p.Printf("%s  %s  %s, %s", ui.Line(r.Ref), what, counted(r.Files, "file"), ui.Size(r.Size))
	if r.Manifest != "" {
		p.Printf("  %s  manifest", r.Manifest)
	}
	if r.Replaced != "" {
		p.Printf("  %s  before", r.Replaced)
	}
	p.Printf("  %s", r.SHA256)
	p.Printf("  %s", r.Tree)
	if r.URL != "" && !r.DryRun {
		p.Printf("  %s", ui.Line(r.URL))
	}
	_ = p.Flush() // what follows is talk about it; the last Flush tells what broke
	if r.Status == statusPending {
		p.Notef("the registry looks at it before others see it")
	}
	for _, f := range r.Findings {
		p.Warnf("%s:%d:%d: %s", ui.Line(filepath.Join(dir, f.File)), f.Line, f.Column, ui.Line(f.Message))
	}
}
