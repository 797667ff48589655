package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
)

const (
	groupUse   = "use"
	groupUndo  = "undo"
	groupTeam  = "team"
	groupCare  = "care"
	groupMake  = "make"
	groupSetup = "setup"
)

// A command is the names that it goes by, and what builds it.
type command struct {
	names string
	build func() *cobra.Command
}

// commands returns what builds the commands, in the order in which help lists them,
// which is that of a life with skills: only the one called first, if there
// is one, since all the others are built for nothing then. It is a quarter of
// what starting the program takes.
func (a *app) commands(first string) []func() *cobra.Command {
	var all []func() *cobra.Command
	for _, c := range [...]command{
		{"install add i", a.installCommand},
		{"update upgrade up", a.updateCommand},
		{"outdated", a.outdatedCommand},
		{"remove rm uninstall", a.removeCommand},
		{"list ls", a.listCommand},
		{"search find", a.searchCommand},
		{"info show view", a.infoCommand},

		{"diff", a.diffCommand},
		{"history", a.historyCommand},
		{"rollback", a.rollbackCommand},
		{"pin hold", a.pinCommand},
		{"unpin", a.unpinCommand},
		{"disable", a.disableCommand},
		{"enable", a.enableCommand},

		{"init", a.initCommand},
		{"ci", a.ciCommand},
		{"lock", a.lockCommand},
		{"fetch", a.fetchCommand},
		{"bundle", a.bundleCommand},

		{"verify", a.verifyCommand},
		{"audit", a.auditCommand},
		{"doctor", a.doctorCommand},
		{"prune", a.pruneCommand},
		{"adopt", a.adoptCommand},
		{"import", a.importCommand},

		{"validate lint", a.validateCommand},
		{"pack", a.packCommand},
		{"publish push", a.publishCommand},
		{"yank", a.yankCommand},
		{"deprecate", a.deprecateCommand},
		{"tag", a.tagCommand},

		{"agents", a.agentsCommand},
		{"registry registries", a.registryCommand},
		{"login", a.loginCommand},
		{"logout", a.logoutCommand},
		{"whoami", a.whoamiCommand},
		{"config", a.configCommand},
		{"cache", a.cacheCommand},
		{"completion", a.completionCommand},
		{"version", a.versionCommand},
	} {
		if first != "" && slices.Contains(strings.Fields(c.names), first) {
			return []func() *cobra.Command{c.build}
		}
		all = append(all, c.build)
	}
	return all
}

// root returns the tree of commands, or as much of it as a command line needs
// that begins with first; "" for all of it.
func (a *app) root(first string) *cobra.Command {
	root := &cobra.Command{
		Use:   "skills",
		Short: "The package manager for agent skills",
		Long: `skills installs agent skills (folders with a SKILL.md) where your coding agents
read them, and keeps track of their versions.`,
		Example: `  skills search backend
  skills install sickn33-skills-backend-architect
  skills list
  skills update`,
		Args:              a.noSuchCommand,
		RunE:              a.group,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetOut(a.ui.Writer())
	root.SetErr(a.env.Stderr)
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(writeUsage)
	root.SetHelpFunc(a.writeHelp)
	a.globalFlags(root)
	root.AddGroup(
		&cobra.Group{ID: groupUse, Title: "Install and keep up to date:"},
		&cobra.Group{ID: groupUndo, Title: "Your changes, and undo:"},
		&cobra.Group{ID: groupTeam, Title: "Teams, CI, and no network:"},
		&cobra.Group{ID: groupCare, Title: "Check, repair, take over:"},
		&cobra.Group{ID: groupMake, Title: "Make skills:"},
		&cobra.Group{ID: groupSetup, Title: "Set up:"},
	)
	for i, build := range a.commands(first) {
		c := build()
		c.Annotations = map[string]string{placeInHelp: fmt.Sprintf("%02d", i)} // cobra sorts by name
		root.AddCommand(c)
	}
	root.SetHelpCommand(a.helpCommand())
	return root
}

// group is the run function of a command that only holds others.
func (a *app) group(cmd *cobra.Command, _ []string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if a.flags.json {
		return &usageError{message: "no command is given", hint: "one of " + strings.Join(names, ", ")}
	}
	cmd.SetOut(a.env.Stderr)
	_ = cmd.Help()
	a.ui.Talkf("")
	return &usageError{message: "no command is given"}
}

// noSuchCommand is the argument check of a command that only holds others.
func (a *app) noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(append(names, c.Name()), c.Aliases...)
			names = append(names, c.SuggestFor...)
		}
	}
	hint := "see: " + cmd.CommandPath() + " --help"
	if near := nearest(args[0], names); near != "" {
		hint = "did you mean " + cmd.CommandPath() + " " + near + "?"
	}
	return &usageError{message: fmt.Sprintf("unknown command %q for %s", ui.Cut(args[0], 60), cmd.CommandPath()), hint: hint}
}

// args checks how many arguments there are; most below 0 means no limit.
func args(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		hint := "usage: " + cmd.UseLine()
		switch {
		case len(args) < least:
			return &usageError{message: cmd.Name() + " needs " + what, hint: hint}
		case most == 0 && len(args) > 0:
			return &usageError{message: fmt.Sprintf("%s takes no arguments, and got %q", cmd.Name(), args[0]), hint: hint}
		case most >= 0 && len(args) > most:
			return &usageError{message: fmt.Sprintf("%s takes %s, and got %q as well", cmd.Name(), what, args[most]), hint: hint}
		}
		return nil
	}
}
