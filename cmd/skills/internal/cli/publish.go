package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/config"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/registry/oci"
)

// What publish did.
const (
	statusPublished = "published"
	statusReplaced  = "replaced"
	statusUnchanged = "unchanged"
)

type publishResult struct {
	Ref      string        `json:"ref"` // with the tag
	Name     string        `json:"name"`
	Version  string        `json:"version,omitempty"`
	Status   string        `json:"status"`             // published, replaced, unchanged
	Manifest digest.Digest `json:"manifest"`           // by which the registry has it
	Replaced digest.Digest `json:"replaced,omitempty"` // what the tag stood for before
	SHA256   digest.Digest `json:"artifact"`
	Size     int64         `json:"size"`
	Tree     digest.Digest `json:"tree"`
	Files    int           `json:"files"`
	DryRun   bool          `json:"dryRun,omitempty"`

	Findings []skill.Finding `json:"findings,omitempty"` // of validate
}

type publishFlags struct {
	replaceTag       bool
	source, revision string
}

func (a *app) publishCommand() *cobra.Command {
	var f publishFlags
	cmd := &cobra.Command{
		Use:     "publish DIR oci://HOST/REPOSITORY[:TAG]",
		Aliases: []string{"push"},
		Short:   "Publish a skill to an OCI registry",
		GroupID: groupMake,
		Long: `Check a folder with a SKILL.md, pack it, and push it to an OCI registry: GitHub
Packages, Harbor, Docker Hub, and whatever else keeps container images.

The tag is the version in the SKILL.md, with _ for its +, unless one is given. A
tag that stands for something else already stays as it is without --replace-tag.
The same files make the same artifact, so that publishing them again changes
nothing; the time that it is marked with is 1970, or SOURCE_DATE_EPOCH.

Who you are to the registry is what docker login noted, in the config.json of
DOCKER_CONFIG or of ~/.docker.`,
		Example: `  skills publish ./pdf oci://ghcr.io/acme/skills/pdf
  skills publish ./pdf oci://localhost:5000/pdf:1.2.0 --dry-run`,
		Args: args(1, 2, "the folder of a skill, and where to publish it to"),
		RunE: a.run(func(ctx context.Context, args []string) (*answer, error) {
			r, err := a.publish(ctx, args, f)
			if err != nil {
				return nil, err
			}
			return &answer{result: r, done: 1, text: func(p *ui.Printer) { printPublished(p, args[0], r) }}, nil
		}),
	}
	cmd.Flags().BoolVar(&f.replaceTag, "replace-tag", false, "move the tag if it stands for something else")
	cmd.Flags().StringVar(&f.source, "source", "", "note the `address` that the files come from")
	cmd.Flags().StringVar(&f.revision, "revision", "", "note the `commit` that the files come from")
	a.dryRunFlag(cmd)
	return cmd
}

func (a *app) publish(ctx context.Context, args []string, f publishFlags) (*publishResult, error) {
	const form = "oci://host/repository[:tag]"
	if len(args) < 2 {
		return nil, &usageError{message: "publish needs to know where to", hint: "give an OCI registry, as " + form + "; other registries cannot be published to yet"}
	}
	to, err := ref.Parse(args[1])
	if err != nil {
		return nil, err
	}
	if to.Kind != ref.OCI {
		return nil, &usageError{message: fmt.Sprintf("%q is not in an OCI registry", ui.Cut(args[1], 60)), hint: "what can be published to is " + form + "; other registries cannot be yet"}
	}
	if strings.HasPrefix(to.URL, "oci+file:") {
		return nil, &usageError{message: fmt.Sprintf("%q is a layout in a folder, which is only read", ui.Cut(args[1], 60)), hint: "what can be published to is " + form}
	}
	findings, err := a.validate(ctx, args[0])
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
		return nil, &findingError{codeInvalid, "the skill has " + counted(bad, "error"), "skills validate " + args[0] + " lists them"}
	}
	created, err := sourceDate(a.env.Getenv)
	if err != nil {
		return nil, err
	}
	path, err := a.abs(args[0])
	if err != nil {
		return nil, err
	}
	root, err := openSkill(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	src, err := a.ociSource()
	if err != nil {
		return nil, err
	}
	pushed, err := src.Push(ctx, root.FS(), to, oci.PushOptions{
		Created: created, Source: f.source, Revision: f.revision, ReplaceTag: f.replaceTag, DryRun: a.flags.dryRun,
	})
	if err != nil {
		return nil, err
	}
	r := &publishResult{
		Ref: pushed.Ref.String(), Name: pushed.Name, Version: pushed.Version, Status: statusPublished,
		Manifest: pushed.Manifest, Replaced: pushed.Replaced, SHA256: pushed.Artifact, Size: pushed.Size,
		Tree: pushed.Tree, Files: pushed.Files, DryRun: a.flags.dryRun, Findings: findings,
	}
	switch {
	case pushed.Unchanged:
		r.Status = statusUnchanged
	case pushed.Replaced != "":
		r.Status = statusReplaced
	}
	return r, nil
}

// ociSource returns the source of what is in OCI registries.
func (a *app) ociSource() (*oci.Source, error) {
	client, err := a.client()
	if err != nil {
		return nil, err
	}
	limits, err := a.limits()
	if err != nil {
		return nil, err
	}
	dir := a.env.Getenv("DOCKER_CONFIG")
	if dir == "" {
		if home, err := config.Home(a.env.Getenv); err == nil {
			dir = filepath.Join(home, ".docker")
		}
	}
	o := oci.Options{Client: client, Limits: limits}
	if dir != "" {
		o.Credential = oci.DockerCredentials(filepath.Join(dir, "config.json"))
	}
	return oci.New(o), nil
}

// sourceDate returns the time that reproducible-builds.org has builds say that
// they were made at; the zero time if it is not set.
func sourceDate(getenv func(string) string) (time.Time, error) {
	const name = "SOURCE_DATE_EPOCH"
	text := getenv(name)
	if text == "" {
		return time.Time{}, nil
	}
	const most = 253402300799 // the end of the year 9999
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > most {
		return time.Time{}, &config.EnvError{Variable: name, Value: text, Why: "is not a number of seconds since 1970"}
	}
	return time.Unix(n, 0), nil
}

func printPublished(p *ui.Printer, dir string, r *publishResult) {
	what := r.Status
	if r.DryRun && r.Status != statusUnchanged {
		what = "would be " + r.Status
	}
	p.Printf("%s  %s  %s, %s", ui.Line(r.Ref), what, counted(r.Files, "file"), ui.Size(r.Size))
	p.Printf("  %s  manifest", r.Manifest)
	if r.Replaced != "" {
		p.Printf("  %s  before", r.Replaced)
	}
	p.Printf("  %s", r.SHA256)
	p.Printf("  %s", r.Tree)
	_ = p.Flush() // what follows is talk about it; the last Flush tells what broke
	for _, f := range r.Findings {
		p.Warnf("%s:%d:%d: %s", ui.Line(filepath.Join(dir, f.File)), f.Line, f.Column, ui.Line(f.Message))
	}
}
