package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
)

// placeInHelp is the annotation of a command that says where help lists it.
const placeInHelp = "place"

// Help is written by functions and not by templates: a template can call any
// method by its name, so that the linker has to keep all of them, which doubled
// the program.

// writeHelp answers --help: with what the command is for, or with an envelope,
// or with an error if it is about a command that does not exist.
func (a *app) writeHelp(cmd *cobra.Command, _ []string) {
	if err := a.noSuchCommand(cmd, cmd.Flags().Args()); err != nil && cmd.HasSubCommands() {
		a.answer = &answer{faults: []fault{{err: err}}}
		return
	}
	if a.flags.json {
		name := commandName(cmd)
		a.answer = &answer{result: topicResult{Topic: name, Text: helpText(cmd)}, done: 1}
		return
	}
	_, _ = io.WriteString(cmd.OutOrStdout(), a.shownHelp(cmd)) // Flush tells what broke
}

// shownHelp is the text of help as it fits the terminal, if there is one.
func (a *app) shownHelp(cmd *cobra.Command) string {
	about, rest := helpParts(cmd)
	if a.ui.Terminal() {
		columns := a.env.screen().Width()
		about, rest = ui.Flow(about, columns), ui.Wrap(rest, columns)
	}
	return about + rest
}

func helpText(cmd *cobra.Command) string {
	about, rest := helpParts(cmd)
	return about + rest
}

// helpParts says what a command is for, and how it is used.
func helpParts(cmd *cobra.Command) (about, rest string) {
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	if text != "" {
		text = strings.TrimRight(text, " \n") + "\n\n"
	}
	return text, usage(cmd)
}

func writeUsage(cmd *cobra.Command) error {
	_, err := io.WriteString(cmd.OutOrStderr(), usage(cmd))
	return err
}

func usage(cmd *cobra.Command) string {
	var b strings.Builder
	line := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		line = cmd.CommandPath() + " COMMAND [flags]"
	}
	fmt.Fprintf(&b, "Usage:\n  %s\n", line)
	if len(cmd.Aliases) > 0 {
		fmt.Fprintf(&b, "\nAlso: %s\n", strings.Join(cmd.Aliases, ", "))
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	if len(cmd.Groups()) == 0 && cmd.HasAvailableSubCommands() {
		writeCommands(&b, "Commands:", cmd.Commands())
	}
	for _, g := range cmd.Groups() {
		var members []*cobra.Command
		for _, c := range cmd.Commands() {
			if c.GroupID == g.ID {
				members = append(members, c)
			}
		}
		slices.SortStableFunc(members, func(a, b *cobra.Command) int {
			return strings.Compare(a.Annotations[placeInHelp], b.Annotations[placeInHelp])
		})
		writeCommands(&b, g.Title, members)
	}
	own, scope, transfer := sortFlags(cmd.LocalFlags())
	writeFlags(&b, "Flags:", own)
	writeFlags(&b, "Which skills:", scope)
	writeFlags(&b, "Transfers and limits:", transfer)
	writeFlags(&b, "Flags of every command:", cmd.InheritedFlags())
	if !cmd.HasParent() {
		b.WriteString("\nMore: skills COMMAND --help; skills help references|environment|exit-codes\n")
	}
	return b.String()
}

func writeCommands(b *strings.Builder, title string, cmds []*cobra.Command) {
	fmt.Fprintf(b, "\n%s\n", title)
	for _, c := range cmds {
		if c.IsAvailableCommand() {
			fmt.Fprintf(b, "  %-*s %s\n", c.NamePadding(), c.Name(), c.Short)
		}
	}
}

// sortFlags tells the flags of a command itself from the many that it has in common
// with others, and that few people ever need.
func sortFlags(flags *pflag.FlagSet) (own, scope, transfer *pflag.FlagSet) {
	set := func() *pflag.FlagSet { return pflag.NewFlagSet("", pflag.ContinueOnError) }
	own, scope, transfer = set(), set(), set()
	flags.VisitAll(func(f *pflag.Flag) {
		switch f.Name {
		case "user", "project", "dir":
			scope.AddFlag(f)
		case "jobs", "locale", "timeout", "max-wait", "max-download", "max-entries", "max-file", "max-unpacked":
			transfer.AddFlag(f)
		default:
			own.AddFlag(f)
		}
	})
	return own, scope, transfer
}

func writeFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if flags.HasAvailableFlags() {
		fmt.Fprintf(b, "\n%s\n%s\n", title, strings.TrimRight(flags.FlagUsages(), " \n"))
	}
}
