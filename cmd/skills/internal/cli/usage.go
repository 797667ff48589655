package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

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
	text := helpText(cmd)
	if a.ui.Terminal() {
		text = ui.Wrap(text, a.env.screen().Width())
	}
	_, _ = io.WriteString(cmd.OutOrStdout(), text) // Flush tells what broke
}

// helpText says first what a command is for.
func helpText(cmd *cobra.Command) string {
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	if text != "" {
		text = strings.TrimRight(text, " \n") + "\n\n"
	}
	return text + usage(cmd)
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
		writeCommands(&b, g.Title, members)
	}
	writeFlags(&b, "Flags:", cmd.LocalFlags())
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

func writeFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if flags.HasAvailableFlags() {
		fmt.Fprintf(b, "\n%s\n%s\n", title, strings.TrimRight(flags.FlagUsages(), " \n"))
	}
}
