package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/agent"
	"github.com/openskills-go/skills/pkg/config"
)

type configResult struct {
	File     string          `json:"file"`
	Settings []settingResult `json:"settings"`
}

type settingResult struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin,omitempty"` // file or variable that says it; "" is built in
	Doc    string `json:"doc,omitempty"`
}

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Read and change your settings",
		GroupID: groupSetup,
		Example: `  skills config list
  skills config set registry https://skills.example.com
  skills config set agents claude-code,codex
  skills config get registry`,
		Args: a.noSuchCommand,
		RunE: a.group,
	}
	cmd.AddCommand(a.configListCommand(), a.configGetCommand(), a.configSetCommand(), a.configUnsetCommand())
	return cmd
}

func (a *app) configListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List all settings, what they are, and where that is said",
		Example: "  skills config list\n  skills config list --json",
		Args:    args(0, 0, ""),
		RunE: a.run(func(context.Context, []string) (*answer, error) {
			settings, file, err := a.ownSettings()
			if err != nil {
				return nil, err
			}
			result := configResult{File: file, Settings: []settingResult{}}
			names := settings.Names()
			for _, k := range config.Keys() {
				for _, name := range names {
					if isInstance(name, k.Name) {
						value, err := settings.Get(name)
						if err != nil {
							return nil, err
						}
						result.Settings = append(result.Settings, settingResult{name, value, settings.Origin(name), k.Doc})
					}
				}
			}
			return &answer{result: result, done: 1, text: func(p *ui.Printer) { printSettings(p, result) }}, nil
		}),
	}
}

// ownSettings returns the settings of the user with those of the environment,
// and the file that they are in. The manifest of a project is left out: it is
// not what config changes.
func (a *app) ownSettings() (config.Settings, string, error) {
	paths, err := a.paths()
	if err != nil {
		return config.Settings{}, "", err
	}
	settings, err := config.Load(paths.Settings())
	if err != nil {
		return config.Settings{}, "", err
	}
	settings, err = settings.WithEnv(a.env.Getenv)
	return settings, paths.Settings(), err
}

// isInstance says whether name is the key, or one of those that a key with a
// placeholder stands for.
func isInstance(name, key string) bool {
	before, rest, ok := strings.Cut(key, "<")
	if !ok {
		return name == key
	}
	_, after, _ := strings.Cut(rest, ">")
	return strings.HasPrefix(name, before) && strings.HasSuffix(name, after) && len(name) > len(before)+len(after)
}

func printSettings(p *ui.Printer, r configResult) {
	t := ui.Table{Head: []string{"SETTING", "VALUE", "FROM", "MEANING"}}
	for _, s := range r.Settings {
		row := ui.Text(s.Key, s.Value, s.Origin, s.Doc)
		row[3].Mark = p.Faint
		t.Rows = append(t.Rows, row)
	}
	p.Table(t)
	p.Notef("your settings are in %s", ui.Line(r.File))
}

func (a *app) configGetCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "get KEY",
		Short:             "Print one setting",
		Example:           "  skills config get registry",
		Args:              args(1, 1, "one setting"),
		ValidArgsFunction: a.completeKeys,
		RunE: a.run(func(_ context.Context, args []string) (*answer, error) {
			settings, _, err := a.ownSettings()
			if err != nil {
				return nil, err
			}
			value, err := settings.Get(args[0])
			if err != nil {
				return nil, err
			}
			result := settingResult{Key: args[0], Value: value, Origin: settings.Origin(args[0])}
			return &answer{result: result, done: 1, text: func(p *ui.Printer) { p.Printf("%s", ui.Line(value)) }}, nil
		}),
	}
}

func (a *app) configSetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set KEY VALUE",
		Short: "Change one setting",
		Example: `  skills config set registry https://skills.example.com
  skills config set agents claude-code,codex
  skills config set agent-dirs.claude-code.user ~/work/claude/skills`,
		Args:              args(2, 2, "a setting and its value"),
		ValidArgsFunction: a.completeKeys,
		RunE: a.run(func(_ context.Context, args []string) (*answer, error) {
			key, value := args[0], args[1]
			if key == "agents" {
				if err := a.checkAgentNames(value); err != nil {
					return nil, err
				}
			}
			if isRelative(value) && !strings.HasPrefix(key, "mirrors.") { // in the file it would be relative to the file
				var err error
				if value, err = a.abs(value); err != nil {
					return nil, err
				}
			}
			value, err := a.checkSetting(key, value)
			if err != nil {
				return nil, err
			}
			return a.setting(key, value, func(file string) error { return config.Set(file, key, value) })
		}),
	}
	a.dryRunFlag(cmd)
	return cmd
}

func (a *app) configUnsetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "unset KEY",
		Short:             "Forget one setting, so that the built-in value is used",
		Example:           "  skills config unset registry",
		Args:              args(1, 1, "one setting"),
		ValidArgsFunction: a.completeKeys,
		RunE: a.run(func(_ context.Context, args []string) (*answer, error) {
			return a.setting(args[0], "", func(file string) error { return config.Unset(file, args[0]) })
		}),
	}
	a.dryRunFlag(cmd)
	return cmd
}

// checkSetting refuses a value that could never be used, and returns the one that
// means the same in any folder. What is wrong with its form pkg/config tells.
func (a *app) checkSetting(key, value string) (string, error) {
	switch key {
	case "registry":
		settings, err := a.userSettings()
		if err != nil {
			return "", err
		}
		address, err := a.resolveRegistry(settings, value)
		if _, named := settings.Registries[value]; err != nil || named || value == config.None || strings.Contains(value, "://") {
			return value, err
		}
		return address, nil
	case "ca-file":
		return value, a.checkCAFile(value)
	}
	if strings.HasPrefix(key, "mirrors.") {
		return a.absAll(value)
	}
	rest, ok := strings.CutPrefix(key, "agent-dirs.")
	if id, user := strings.CutSuffix(rest, ".user"); ok && user {
		_, err := agent.With(map[string]agent.Override{id: {User: value}})
		return value, err
	}
	if id, project := strings.CutSuffix(rest, ".project"); ok && project {
		_, err := agent.With(map[string]agent.Override{id: {Project: value}})
		return value, err
	}
	return value, nil
}

// absAll makes the relative folders in a list absolute.
func (a *app) absAll(list string) (string, error) {
	items := strings.Split(list, ",")
	for i, item := range items {
		items[i] = strings.TrimSpace(item)
		if !isRelative(items[i]) {
			continue
		}
		path, err := a.abs(items[i])
		if err != nil {
			return "", err
		}
		items[i] = path
	}
	return strings.Join(items, ","), nil
}

func (a *app) checkCAFile(typed string) error {
	path := typed
	if tail, ok := strings.CutPrefix(typed, "~/"); ok {
		home, err := config.Home(a.env.Getenv)
		if err != nil {
			return err
		}
		path = filepath.Join(home, tail)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return &usageError{message: fmt.Sprintf("ca-file: %v", err)}
	}
	if !x509.NewCertPool().AppendCertsFromPEM(data) {
		return &usageError{message: fmt.Sprintf("ca-file %s holds no certificate", path), hint: "it must be a PEM file"}
	}
	return nil
}

// checkAgentNames checks a list of agents before it becomes a setting.
func (a *app) checkAgentNames(list string) error {
	settings, err := a.userSettings()
	if err != nil {
		return err
	}
	table, err := agent.With(settings.AgentDirs)
	if err != nil {
		return err
	}
	names, err := parseList(list)
	if err != nil {
		return &usageError{message: err.Error()}
	}
	for _, name := range names {
		if _, err := table.Find(name); err != nil {
			return err
		}
	}
	return nil
}

// setting changes the user's settings with change, unless it is a dry run.
func (a *app) setting(key, value string, change func(file string) error) (*answer, error) {
	paths, err := a.paths()
	if err != nil {
		return nil, err
	}
	file := paths.Settings()
	if !a.flags.dryRun {
		if err := change(file); err != nil {
			return nil, err
		}
	}
	result := settingResult{Key: key, Value: value, Origin: file}
	return &answer{result: result, done: 1, text: func(p *ui.Printer) {
		verb := "set"
		switch {
		case a.flags.dryRun && value == "":
			verb = "would unset"
		case a.flags.dryRun:
			verb = "would set"
		case value == "":
			verb = "unset"
		}
		p.Printf("%s  %s  %s", p.Good(verb), p.Strong(ui.Line(key)), ui.Line(file))
	}}, nil
}

// completeKeys completes the names of settings.
func (a *app) completeKeys(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var words []string
	for _, k := range config.Keys() {
		if !strings.Contains(k.Name, "<") {
			words = append(words, k.Name+"\t"+k.Doc)
		}
	}
	if settings, _, err := a.ownSettings(); err == nil {
		for _, name := range settings.Names() {
			if !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, name+"\t") }) {
				words = append(words, name)
			}
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
