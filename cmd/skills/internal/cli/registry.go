package cli

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/config"
)

type registriesResult struct {
	Registries []namedRegistry `json:"registries"`
}

func (a *app) registryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "registry",
		Aliases: []string{"registries"},
		Short:   "Name registries, and test them",
		GroupID: groupSetup,
		Example: `  skills registry list
  skills registry add acme https://skills.example.com
  skills registry test acme
  skills install acme:release-notes`,
		Args: a.noSuchCommand,
		RunE: a.group,
	}
	cmd.AddCommand(a.registryListCommand(), a.registryAddCommand(), a.registryRemoveCommand(), a.registryTestCommand())
	return cmd
}

func (a *app) registryListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the registries, and which is the default",
		Example: "  skills registry list",
		Args:    args(0, 0, ""),
		RunE: a.run(func(context.Context, []string) (*answer, error) {
			list, err := a.registries()
			if err != nil {
				return nil, err
			}
			return &answer{result: registriesResult{list}, done: 1, text: func(p *ui.Printer) {
				t := ui.Table{Head: []string{"NAME", "ADDRESS", "", "FROM"}}
				for _, r := range list {
					said := r.From
					if r.DefaultFrom != "" {
						said += "; default: " + r.DefaultFrom
					}
					row := ui.Text(r.Name, r.URL, "", said)
					if r.Default {
						row[2] = ui.Cell{Text: "default", Mark: p.Good}
					}
					t.Rows = append(t.Rows, row)
					for _, m := range r.Mirrors {
						t.Rows = append(t.Rows, ui.Text("", m, "mirror", r.MirrorsFrom))
					}
				}
				p.Table(t)
			}}, nil
		}),
	}
}

// registryAddress checks the address of a registry, and makes a folder absolute.
func (a *app) registryAddress(address string) (string, error) {
	if address == "" {
		return "", &usageError{message: "the address is empty", hint: "an address begins with https://; a folder is a registry, too"}
	}
	u, err := url.Parse(address)
	if err == nil && (strings.HasSuffix(u.Scheme, "http") || strings.HasSuffix(u.Scheme, "https")) && u.Host != "" {
		return strings.TrimRight(address, "/"), nil // what else is wrong with it pkg/config tells
	}
	path, err := a.abs(address)
	if err != nil {
		return "", err
	}
	if !exists(path) {
		return "", &usageError{message: fmt.Sprintf("%q is neither an address nor a folder", address), hint: "an address begins with https://"}
	}
	return filepath.Clean(path), nil
}

func (a *app) registryRemoveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "remove NAME",
		Aliases:           []string{"rm"},
		Short:             "Forget the name of a registry",
		Example:           "  skills registry remove acme",
		Args:              args(1, 1, "the name of a registry"),
		ValidArgsFunction: a.completeRegistryArg,
		RunE: a.run(func(_ context.Context, args []string) (*answer, error) {
			settings, err := a.userSettings()
			if err != nil {
				return nil, err
			}
			if _, ok := settings.Registries[args[0]]; !ok {
				return nil, a.noSuchRegistry(settings, args[0])
			}
			if settings.Origin("registries."+args[0]) == "" {
				return nil, &usageError{message: fmt.Sprintf("registry %s is built in", args[0]), hint: "skills config set registries." + args[0] + " none switches it off"}
			}
			if settings.Registry == args[0] {
				// Else what is asked of it today would be asked of another one tomorrow.
				return nil, &usageError{message: fmt.Sprintf("registry %s is your default", args[0]), hint: "skills config set registry NAME makes another one it, or none; skills config unset registry gives that to " + config.Default().Registry}
			}
			if s, err := a.scope(); err == nil && s.manifest.Registries[args[0]] != "" {
				a.ui.Notef("%s still calls %s so, for the skills that are wanted from it", ui.Line(s.Manifest), ui.Line(s.manifest.Registries[args[0]]))
			}
			if len(settings.Mirrors[args[0]]) > 0 {
				a.ui.Notef("its mirrors are forgotten with it: %s", ui.Line(strings.Join(settings.Mirrors[args[0]], ", ")))
			}
			return a.setting("registries."+args[0], "", func(file string) error {
				if err := config.Unset(file, "mirrors."+args[0]); err != nil {
					return err
				}
				return config.Unset(file, "registries."+args[0])
			})
		}),
	}
	a.dryRunFlag(cmd)
	return cmd
}

func (a *app) completeRegistryArg(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	words, _ := a.completeRegistries(cmd, args, typed)
	return words, cobra.ShellCompDirectiveNoFileComp
}
