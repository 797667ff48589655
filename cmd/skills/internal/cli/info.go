package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/tree"
	"github.com/openskills-go/skills/pkg/version"
)

type infoResult struct {
	Name          string          `json:"name"`
	Ref           string          `json:"ref"`
	Registry      string          `json:"registry,omitempty"`
	Slug          string          `json:"slug,omitempty"`
	Owner         string          `json:"owner,omitempty"`
	Version       string          `json:"version"`
	Locale        string          `json:"locale,omitempty"`
	Description   string          `json:"description"`
	License       string          `json:"license,omitempty"`
	Compatibility string          `json:"compatibility,omitempty"`
	AllowedTools  []string        `json:"allowedTools,omitempty"`
	Artifact      string          `json:"artifact"`
	Size          int64           `json:"size"`
	Tree          string          `json:"tree"`
	Trust         source.Level    `json:"trust"`
	Deprecated    string          `json:"deprecated,omitempty"` // why another skill should be used
	Installed     string          `json:"installed,omitempty"`  // the version in this scope
	Files         []fileResult    `json:"files"`
	Scripts       []string        `json:"scripts"` // files that can be executed
	Versions      []versionInfo   `json:"versions,omitempty"`
	Findings      []skill.Finding `json:"findings,omitempty"`
}

type fileResult struct {
	Path       string `json:"path"`
	Size       int64  `json:"size"`
	Executable bool   `json:"executable,omitempty"`
}

type versionInfo struct {
	Version string   `json:"version"`
	Tags    []string `json:"tags,omitempty"`
	Yanked  bool     `json:"yanked,omitempty"`
	Reason  string   `json:"reason,omitempty"`
}

func (a *app) infoCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "info REF",
		Aliases: []string{"show", "view"},
		Short:   "Say what is in a skill, before you install it",
		GroupID: groupUse,
		Long: `Fetch a skill, check it as an install would, and say what it is: its versions,
digests, files, and which of them can be executed. Nothing is installed.`,
		Example: `  skills info sickn33-skills-backend-architect
  skills info ./my-skill.zip
  skills info acme:release-notes@1.2.0 --json`,
		Args: args(1, 1, "one REF"),
		RunE: a.run(func(ctx context.Context, args []string) (*answer, error) {
			wants, err := parseWants(args, "")
			if err != nil {
				return nil, err
			}
			e, err := a.engine()
			if err != nil {
				return nil, err
			}
			if err := a.asInstalled(ctx, e, &wants[0]); err != nil {
				return nil, err
			}
			info, err := e.Info(ctx, wants[0], e.options(install.Options{Path: path, AllowHiddenText: true}))
			if err != nil {
				return nil, a.mistaken(ctx, args[0], err)
			}
			r := newInfoResult(info)
			return &answer{result: r, done: 1, text: func(p *ui.Printer) { printInfo(p, r) }}, nil
		}),
	}
	cmd.Flags().StringVar(&path, "path", "", "the `folder` to take from an archive of several skills")
	a.scopeFlags(cmd)
	a.registryFlag(cmd)
	a.netFlags(cmd)
	a.limitFlags(cmd)
	return cmd
}

// asInstalled makes the name of an installed skill a reference to that skill in
// the place that it came from, unless the person says which registry.
func (a *app) asInstalled(ctx context.Context, e *engine, w *install.Want) error {
	r := w.Ref
	if r.Kind != ref.Registry || r.Registry != "" || r.Owner != "" || a.flags.registry != "" {
		return nil
	}
	entries, err := e.List(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(entries, func(entry install.Entry) bool { return entry.Name == r.Slug })
	if i < 0 {
		return nil
	}
	from := entries[i]
	if from.Registry == "" {
		was, err := ref.Parse(from.Ref)
		if err != nil || was.Kind == ref.Registry || was.Kind == ref.Dir || was.Kind == ref.File || r.Query.Kind() != version.Any {
			return nil //nolint:nilerr // it is no place to ask: a path is relative to something else
		}
		a.ui.Notef("%s is installed: this is %s", ui.Line(r.Slug), ui.Line(from.Ref))
		*w = install.Want{Typed: from.Ref, Ref: was}
		return nil
	}
	if from.Slug != r.Slug || from.Registry != e.Source.Default {
		a.ui.Notef("%s is installed: this is %s in %s", ui.Line(r.Slug), ui.Line(from.Slug), ui.Line(from.Registry))
	}
	e.Source.Default = from.Registry
	w.Ref = ref.Ref{Owner: from.Owner, Slug: from.Slug, Query: r.Query, Locale: from.Locale}
	return nil
}

func newInfoResult(i *install.Info) infoResult {
	r := infoResult{
		Name: i.Name, Ref: i.Ref, Registry: i.Registry, Slug: i.Slug, Owner: i.Owner, Version: i.Version, Locale: i.Locale,
		Description: i.Description, License: i.License, Compatibility: i.Compatibility, AllowedTools: i.AllowedTools,
		Artifact: string(i.Artifact), Size: i.Size, Tree: string(i.Tree), Trust: i.Trust, Installed: i.Installed,
		Deprecated: i.Deprecated, Files: []fileResult{}, Scripts: []string{}, Findings: i.Findings,
	}
	for _, f := range i.Files {
		r.Files = append(r.Files, fileResult{f.Path, f.Size, executable(f)})
		if executable(f) {
			r.Scripts = append(r.Scripts, f.Path)
		}
	}
	for _, v := range i.Versions {
		r.Versions = append(r.Versions, versionInfo{v.Version, v.Tags, v.Yanked, v.Reason})
	}
	slices.SortStableFunc(r.Versions, func(a, b versionInfo) int { return version.Compare(b.Version, a.Version) })
	return r
}

func executable(f tree.File) bool { return f.Mode&0o111 != 0 }

func printInfo(p *ui.Printer, r infoResult) {
	p.Printf("%s %s", p.Strong(ui.Line(r.Name)), ui.Line(r.Version))
	p.Printf("  %s", ui.Line(r.Description))
	p.Printf("")
	field := func(name, value string) {
		if value != "" {
			p.Printf("%s %s", p.Faint(fmt.Sprintf("%-14s", name+":")), ui.Line(value))
		}
	}
	from := r.Slug
	if r.Owner != "" {
		from = r.Owner + "/" + r.Slug
	}
	if r.Registry != "" {
		from += " in " + r.Registry
	} else {
		from = r.Ref
	}
	field("from", from)
	field("deprecated", r.Deprecated)
	field("licence", r.License)
	field("locale", r.Locale)
	field("compatible", r.Compatibility)
	field("allowed tools", strings.Join(r.AllowedTools, " "))
	field("artifact", fmt.Sprintf("%s, %s", r.Artifact, ui.Size(r.Size)))
	field("tree", r.Tree)
	field("trust", trustText(r.Trust))
	field("installed", installedText(r))
	field("versions", versionsText(r.Versions))
	p.Printf("")
	for _, f := range r.Files {
		mark := ""
		if f.Executable {
			mark = "  " + p.Unsure("script")
		}
		p.Printf("%9s  %s%s", ui.Size(f.Size), ui.Line(f.Path), mark)
	}
	for _, f := range r.Findings {
		p.Warnf("%s", ui.Line(f.String()))
	}
}

func trustText(l source.Level) string {
	switch l {
	case source.FirstUse:
		return string(l) + " (the registry publishes no digest; ours is recorded)"
	case source.FromRegistry:
		return string(l) + " (the digest that the registry publishes matches)"
	}
	return string(l)
}

func installedText(r infoResult) string {
	switch r.Installed {
	case "":
		return "no"
	case r.Version:
		return "yes"
	}
	return r.Installed
}

const fewVersions = 10

func versionsText(versions []versionInfo) string {
	var parts []string
	for i, v := range versions {
		if i == fewVersions {
			parts = append(parts, fmt.Sprintf("and %d more", len(versions)-i))
			break
		}
		text := v.Version
		if len(v.Tags) > 0 {
			text += " (" + strings.Join(v.Tags, ", ") + ")"
		}
		if v.Yanked {
			text += " (yanked)"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}
