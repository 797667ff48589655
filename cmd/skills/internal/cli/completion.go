package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/lockfile"
)

type completionResult struct {
	Shell  string `json:"shell"`
	Script string `json:"script"`
}

func (a *app) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	var cmd *cobra.Command
	cmd = &cobra.Command{
		Use:     "completion SHELL",
		Short:   "Print a completion script for your shell",
		GroupID: groupSetup,
		Long: `Print a script for a shell. It completes commands, flags, installed skills,
agents and registries, and never asks the network. In bash it needs the package
bash-completion.`,
		Example: `  source <(skills completion bash)                                       # in ~/.bashrc
  skills completion zsh > "${fpath[1]}/_skills"
  skills completion fish > ~/.config/fish/completions/skills.fish
  skills completion powershell | Out-String | Invoke-Expression          # in $PROFILE`,
		Args:              args(1, 1, "a shell: "+strings.Join(shells, ", ")),
		ValidArgsFunction: fixed(shells...),
		RunE: a.run(func(_ context.Context, args []string) (*answer, error) {
			var script strings.Builder
			if err := writeCompletion(cmd.Root(), args[0], &script); err != nil {
				return nil, err
			}
			return &answer{
				result: completionResult{Shell: args[0], Script: script.String()}, done: 1,
				text: func(p *ui.Printer) { _, _ = io.WriteString(p.Writer(), script.String()) },
			}, nil
		}),
	}
	return cmd
}

func writeCompletion(root *cobra.Command, shell string, w io.Writer) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(w, true)
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	case "powershell", "pwsh":
		return root.GenPowerShellCompletionWithDesc(w)
	}
	return &usageError{message: fmt.Sprintf("unknown shell %q", shell), hint: "one of bash, zsh, fish, powershell"}
}

type completer = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective)

// fixed completes the words given, and nothing else.
func fixed(words ...string) completer {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeInstalled completes the names in the lock of the scope.
func (a *app) completeInstalled(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	s, err := a.scope()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	lock, err := lockfile.Load(s.Lock)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return without(lock.Names(), args), cobra.ShellCompDirectiveNoFileComp
}

// completeAgents completes agents; after a comma, another one.
func (a *app) completeAgents(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	table, err := a.agents()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	var words []string
	for _, found := range table.All() {
		words = append(words, before+found.ID+"\t"+found.Name)
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// completeRegistries completes the names of registries, and folders.
func (a *app) completeRegistries(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	registries, err := a.registries()
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var words []string
	for _, r := range registries {
		words = append(words, r.Name+"\t"+r.URL)
	}
	return words, cobra.ShellCompDirectiveDefault
}

// without returns words without those that are in used.
func without(words, used []string) []string {
	var rest []string
	for _, word := range words {
		seen := false
		for _, u := range used {
			seen = seen || u == word
		}
		if !seen {
			rest = append(rest, word)
		}
	}
	return rest
}

// orAll returns names, or nil, which means all of them, if there are none.
func orAll(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return names
}
