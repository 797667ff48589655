package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
)

// A Topic is a page of help that belongs to no command.
type Topic struct {
	Name  string
	Short string
	Text  func() string
}

// Topics returns the pages of help, for help itself and for the documentation.
func Topics() []Topic {
	return []Topic{
		{"references", "What can be installed, and how versions are chosen", func() string { return referencesHelp }},
		{"environment", "Environment variables that skills reads", func() string { return environmentHelp }},
		{"exit-codes", "Exit codes, and the codes of errors in --json", exitCodesHelp},
	}
}

type topicResult struct {
	Topic     string     `json:"topic"`
	Text      string     `json:"text"`
	ExitCodes []ExitCode `json:"exitCodes,omitempty"`
	Errors    []Code     `json:"errors,omitempty"`
}

func (a *app) helpCommand() *cobra.Command {
	var list strings.Builder
	for _, t := range Topics() {
		fmt.Fprintf(&list, "\n  %-12s %s", t.Name, t.Short)
	}
	var cmd *cobra.Command
	cmd = &cobra.Command{
		Use:     "help [COMMAND | TOPIC]",
		Short:   "Help about a command or a topic",
		GroupID: groupSetup,
		Long:    "Help about a command, or about one of these topics:\n" + list.String(),
		Example: "  skills help install\n  skills help references",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var words []string
			if at, _, err := cmd.Root().Find(args); err == nil {
				for _, c := range at.Commands() {
					if c.IsAvailableCommand() {
						words = append(words, c.Name()+"\t"+c.Short)
					}
				}
			}
			if len(args) == 0 {
				for _, t := range Topics() {
					words = append(words, t.Name+"\t"+t.Short)
				}
			}
			return words, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: a.run(func(_ context.Context, args []string) (*answer, error) {
			return a.helpAbout(cmd.Root(), args)
		}),
	}
	return cmd
}

func (a *app) helpAbout(root *cobra.Command, args []string) (*answer, error) {
	name := strings.Join(args, " ")
	for _, t := range Topics() {
		if t.Name != name {
			continue
		}
		result := topicResult{Topic: t.Name, Text: t.Text()}
		if t.Name == "exit-codes" {
			result.ExitCodes, result.Errors = ExitCodes(), Codes()
		}
		return &answer{result: result, done: 1, text: func(p *ui.Printer) { p.Printf("%s", result.Text) }}, nil
	}
	cmd, rest, err := root.Find(args)
	if err != nil || len(rest) > 0 {
		if cmd == nil {
			cmd = root
		}
		return nil, a.noSuchTopic(cmd, name, rest)
	}
	cmd.InitDefaultHelpFlag()
	return &answer{result: topicResult{Topic: name, Text: helpText(cmd)}, done: 1, text: func(p *ui.Printer) {
		_, _ = io.WriteString(p.Writer(), a.shownHelp(cmd)) // Flush tells what broke
	}}, nil
}

func (a *app) noSuchTopic(cmd *cobra.Command, name string, rest []string) error {
	var names []string
	for _, c := range cmd.Commands() {
		names = append(append(names, c.Name()), c.Aliases...)
	}
	for _, t := range Topics() {
		names = append(names, t.Name)
	}
	typed := name
	if len(rest) > 0 {
		typed = rest[0]
	}
	hint := "topics: references, environment, exit-codes; commands: skills --help"
	if near := nearest(typed, names); near != "" {
		hint = "did you mean skills help " + near + "?"
	}
	return &usageError{message: fmt.Sprintf("no help about %q", ui.Cut(name, 60)), hint: hint}
}

const referencesHelp = `What can be installed:

  backend-architect                 a slug of the default registry
  alice/backend-architect           of an owner, where the registry has owners
  acme:backend-architect            of the registry that is named acme
  https://openskills.cc/skills/S    the page of a skill, or its download address
  https://example.com/x.zip         an archive: zip, tar.gz or tar
  https://docs.example.com          a website that lists skills, or one of
  https://docs.example.com#pdf      them
  github.com/o/r//skills/pdf@v1     a folder of a git repository, at a branch, tag
  gh:o/r                            or commit; also git+https://, git+ssh:// and
  git+file:///srv/repo.git          git+file://
  oci://host/skills/pdf:1.2         an artifact of an OCI registry
  ./my-skill  /srv/skills/pdf       a folder with a SKILL.md
  ./x.zip  ../x.tar.gz              an archive on this machine

A slug is looked up in one registry only: the one before the colon, else the
default one (--registry, SKILLS_REGISTRY, registry: in skills.yaml, then in your
settings). It never falls through to another.

A version comes after an @, in quotes if the shell would read it:

  pdf@1.2.3        this version
  pdf@^1.2         1.2.0 or newer, below 2.0.0
  pdf@~1.2         1.2.x
  pdf@1.x          any 1
  pdf@'>=1 <3'     a range
  pdf@latest       a tag of the registry

After the @ of a repository stands a branch, a tag or a commit; ^1.2 and the like
choose among its version tags (v1.2.3, or pdf/v1.2.3 for the folder pdf). Of
several skills in one place --skill and --all choose, and --list tells.

Without one the newest version is taken. Prereleases are chosen only when they
are asked for, and versions that were withdrawn never.

A skill is installed under the name in its SKILL.md, else under its slug, or
under what --as says.`

const environmentHelp = `What skills reads from the environment. Flags win over it, and it wins over
skills.yaml and your settings.

  SKILLS_HOME       folder for all that skills keeps: config/, data/, state/, cache/
  SKILLS_REGISTRY   the default registry: a name, an address or a folder
  SKILLS_TOKEN      token of the default registry
  SKILLS_TOKEN_ACME that of the one called acme; CLAWHUB_TOKEN: that of clawhub.ai
  SKILLS_CREDENTIAL_COMMAND   program that prints tokens; SKILLS_KEYRING=off: no keyring
  SKILLS_LOCALE     language to ask registries for, such as en or zh
  SKILLS_JOBS       transfers at once
  SKILLS_OFFLINE    if set to 1, never use the network
  SKILLS_CA_FILE    PEM file of certificate authorities, added to the system's
  CI                if set, nothing asks and nothing moves
  NO_COLOR          if set, no colours
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY

Without SKILLS_HOME, skills follows XDG_CONFIG_HOME, XDG_DATA_HOME,
XDG_STATE_HOME and XDG_CACHE_HOME.

Agents' own variables are honoured when their folders are looked for:
CLAUDE_CONFIG_DIR, CODEX_HOME and others; skills agents shows the result.`

func exitCodesHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n\n")
	for _, e := range ExitCodes() {
		fmt.Fprintf(&b, "  %3d  %s\n", e.Exit, e.Meaning)
	}
	b.WriteString(`
If several skills were asked for and all failed alike, the code is theirs. If
some are done and some are not, it is 3.

Errors in --json ("code", exit code, meaning; * may work later):

`)
	for _, c := range Codes() {
		mark := " "
		if c.Retryable {
			mark = "*"
		}
		fmt.Fprintf(&b, "  %-17s %3d%s %s\n", c.Code, c.Exit, mark, c.Meaning)
	}
	return strings.TrimRight(b.String(), "\n")
}
