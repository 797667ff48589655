package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/config"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/registry"
	"github.com/openskills-go/skills/registry/clawhub"
	"github.com/openskills-go/skills/registry/openskills"
	"github.com/openskills-go/skills/registry/static"
	"github.com/openskills-go/skills/registry/wellknown"
)

type registryAddResult struct {
	Name     string            `json:"name"`
	URL      string            `json:"url"` // as it is recorded, with the protocol before it
	Protocol registry.Protocol `json:"protocol"`
	Assumed  bool              `json:"assumed,omitempty"` // nothing said so
	Skills   int               `json:"skills,omitempty"`  // that a website lists
	Default  bool              `json:"default"`
	DryRun   bool              `json:"dryRun,omitempty"`
	File     string            `json:"file"` // that says so now
}

func (a *app) registryAddCommand() *cobra.Command {
	var replace, asDefault bool
	var protocol registry.Protocol
	cmd := &cobra.Command{
		Use:   "add NAME ADDRESS",
		Short: "Name a registry, so that NAME:SLUG means a skill in it",
		Long: `Name a registry, so that NAME:SLUG means a skill in it. Its host is asked what
it speaks, and what it answers is recorded with the address: clawhub+https://…
has the API of ClawHub, static+https://… is the files that skills-registry build
writes, wellknown+https://… is a website that lists skills, and plain https:// is
the protocol of openskills.cc.`,
		Example: `  skills registry add acme https://skills.example.com --default
  skills registry add docs https://docs.example.com
  skills registry add acme https://skills.example.com --protocol clawhub
  skills registry add team /srv/skills`,
		Args: args(2, 2, "a name, and an address or a folder"),
		RunE: a.run(func(ctx context.Context, args []string) (*answer, error) {
			name := args[0]
			if !ref.ValidRegistry(name) {
				return nil, &usageError{message: fmt.Sprintf("%q cannot be the name of a registry", name), hint: "a name is lower-case letters and digits in words joined by hyphens"}
			}
			address, err := a.registryAddress(args[1])
			if err != nil {
				return nil, err
			}
			settings, err := a.userSettings()
			if err != nil {
				return nil, err
			}
			have, named := settings.Registries[name]
			if !named || replace || originOf(have) == originOf(address) {
				// The token of the name is for this address. Else it is for the one that has
				// the name, and may keep it.
				a.naming = loginRegistry{name: name, address: address}
			}
			found, err := a.detect(ctx, name, address, protocol)
			if err != nil {
				return nil, err
			}
			if named && have != found.URL && !replace && settings.Origin("registries."+name) != "" {
				return nil, &usageError{message: fmt.Sprintf("registry %s is %s", name, have), hint: "--replace changes it"}
			}
			return a.addRegistry(name, address, found, asDefault)
		}),
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "change the address of a registry that has the name")
	cmd.Flags().BoolVar(&asDefault, "default", false, "make it the registry of references that name none")
	cmd.Flags().Var(&value[registry.Protocol]{to: &protocol, parse: parseProtocol, kind: "protocol"}, "protocol", "what it speaks, which is then not asked: openskills, clawhub, static or wellknown")
	_ = cmd.RegisterFlagCompletionFunc("protocol", fixed("openskills", "clawhub", "static", "wellknown"))
	a.dryRunFlag(cmd)
	a.netFlags(cmd)
	return cmd
}

func parseProtocol(s string) (registry.Protocol, error) {
	p := registry.Protocol(s)
	if !slices.Contains([]registry.Protocol{registry.Openskills, registry.ClawHub, registry.Static, registry.WellKnown}, p) {
		return "", fmt.Errorf("want openskills, clawhub, static or wellknown")
	}
	return p, nil
}

// detect finds out what the registry at an address or folder speaks, unless that
// is said.
func (a *app) detect(ctx context.Context, name, address string, protocol registry.Protocol) (registry.Found, error) {
	plain := strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
	switch {
	case protocol != "" && !plain:
		return registry.Found{}, &usageError{message: fmt.Sprintf("--protocol %s: %q has one of its own", protocol, ui.Cut(address, 60))}
	case protocol == registry.Openskills:
		return registry.Found{URL: address, Protocol: protocol}, nil
	case protocol != "":
		return registry.Found{URL: string(protocol) + "+" + address, Protocol: protocol}, nil
	}
	client, err := a.client()
	if err != nil {
		return registry.Found{}, err
	}
	found, err := registry.Detect(ctx, client, address)
	if errors.Is(err, openskills.ErrURL) || errors.Is(err, clawhub.ErrURL) || errors.Is(err, static.ErrURL) || errors.Is(err, wellknown.ErrURL) {
		return found, err // which does not repeat what may be a password
	}
	if err != nil {
		return found, &undetectedError{name, address, err}
	}
	return found, nil
}

// An undetectedError says that it could not be found out what a registry speaks.
type undetectedError struct {
	name    string // that the registry should have
	address string
	err     error
}

func (e *undetectedError) Error() string {
	return "ask what " + e.address + " speaks: " + e.err.Error()
}
func (e *undetectedError) Unwrap() error { return e.err }

// addRegistry records the registry that was found at an address.
func (a *app) addRegistry(name, asked string, found registry.Found, asDefault bool) (*answer, error) {
	paths, err := a.paths()
	if err != nil {
		return nil, err
	}
	file := paths.Settings()
	if !a.flags.dryRun {
		if err := config.Set(file, "registries."+name, found.URL); err != nil {
			return nil, err
		}
		if asDefault {
			if err := config.Set(file, "registry", name); err != nil {
				return nil, err
			}
		}
	}
	result := registryAddResult{
		Name: name, URL: found.URL, Protocol: found.Protocol, Assumed: found.Assumed, Skills: found.Skills,
		Default: asDefault, DryRun: a.flags.dryRun, File: file,
	}
	return &answer{result: result, done: 1, text: func(p *ui.Printer) {
		verb, as := "added", ""
		if a.flags.dryRun {
			verb = "would add"
		}
		if asDefault {
			as = "  (default)"
		}
		p.Printf("%s  %s  %s%s", p.Good(verb), p.Strong(name), ui.Line(found.URL), as)
		if at := originOf(found.URL); at != "" && at != originOf(asked) {
			p.Notef("%s says that its registry is at %s: tokens for %s go there", ui.Line(originOf(asked)), ui.Line(at), name)
		}
		switch {
		case found.Assumed:
			p.Notef("nothing there says what it speaks, so it is taken for the protocol of openskills.cc (--protocol says another)")
		case found.Skills > 0:
			p.Notef("a website that lists %s", counted(found.Skills, "skill"))
		}
	}}, nil
}
