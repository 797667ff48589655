// Package cli is the commands of skills-registry.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/registry/server"
)

// Exit codes; those of the skills program for the same kinds of fault.
const (
	exitOK       = 0
	exitError    = 1
	exitUsage    = 2
	exitPartly   = 3
	exitDenied   = 4
	exitNotFound = 5
	exitRefused  = 6
	exitDisagree = 7
)

// A Process is what a program is given.
type Process struct {
	Getenv         func(string) string
	Stdout, Stderr io.Writer
}

// An app is one run of the program.
type app struct {
	Process
	json bool
	o    storeOptions
}

// Run runs the command line args and returns the exit code. It ends when ctx
// does: a server is then drained first, which is no error.
func Run(ctx context.Context, args []string, p Process) int {
	a := &app{Process: p}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code, hint := explain(err)
	text, _, _ := strings.Cut(err.Error(), "\n") // one line
	_, _ = fmt.Fprintln(p.Stderr, "error: "+printable(text))
	if hint != "" {
		_, _ = fmt.Fprintln(p.Stderr, "hint: "+hint)
	}
	return code
}

// explain is the table of errors: what code they exit with, and what to do.
func explain(err error) (code int, hint string) {
	var (
		usage   *usageError
		partly  *partlyError
		faults  *faultsError
		missing *server.NotFoundError
		many    *server.AmbiguousError
		gone    *server.GoneError
		taken   *server.ConflictError
		denied  *server.DeniedError
		invalid *server.InvalidError
	)
	switch {
	case errors.As(err, &usage):
		return exitUsage, "see skills-registry help"
	case errors.As(err, &partly):
		return exitPartly, ""
	case errors.As(err, &faults):
		return exitDisagree, faults.hint
	case errors.As(err, &missing):
		return exitNotFound, ""
	case errors.As(err, &many):
		return exitNotFound, "say which: owner/slug"
	case errors.As(err, &gone):
		return exitRefused, ""
	case errors.As(err, &taken):
		return exitUsage, ""
	case errors.As(err, &denied):
		return exitDenied, ""
	case errors.As(err, &invalid):
		return exitUsage, ""
	case errors.As(err, new(*server.SchemaError)):
		return exitError, ""
	case errors.Is(err, fs.ErrPermission):
		return exitError, "check who owns the folder, or choose another with --data"
	}
	return exitError, ""
}

// printable makes text from outside safe for a terminal.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		quoted := strconv.Quote(s)
		return quoted[1 : len(quoted)-1]
	}
	return s
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "skills-registry",
		Short: "Run a registry of agent skills",
		Long: `skills-registry runs a registry of skills: people publish to it with skills, with
the clients of ClawHub or over HTTP, and install from it with these, with the
skills client of npm, with OCI clients or with a browser.

What it keeps is in one folder (--data: SQLite and files), or in PostgreSQL (--db)
and an object storage (--blobs).`,
		Example: `  skills-registry serve
  skills-registry user add alice && skills-registry token create alice
  skills-registry import ./skills/*.zip --owner alice`,
		Version:       buildVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{fmt.Errorf("unknown command %q", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(a.serveCommand(), a.importCommand(), a.buildCommand(), a.userCommand(), a.ownerCommand(), a.tokenCommand(),
		a.takedownCommand(), a.eventsCommand(), a.migrateCommand(), a.fsckCommand(), a.backupCommand(), a.restoreCommand())
	return root
}

// A usageError is a command line that means nothing.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// A partlyError says that some of what was asked for was done.
type partlyError struct{ text string }

func (e *partlyError) Error() string { return e.text }

// A faultsError says that what is kept is not what it should be.
type faultsError struct{ text, hint string }

func (e *faultsError) Error() string { return e.text }

// args checks how many arguments there are, and says what they are.
func args(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return &usageError{fmt.Errorf("%s needs %s", strings.TrimPrefix(cmd.CommandPath(), "skills-registry "), what)}
		}
		return nil
	}
}

// answer prints a result: as JSON, or as text prints it.
func (a *app) answer(result any, text func(w io.Writer)) error {
	if !a.json {
		text(a.Stdout)
		return nil
	}
	e := json.NewEncoder(a.Stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(result)
}

func (a *app) jsonFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
}

// note says on standard error what is going on.
func (a *app) note(format string, values ...any) {
	_, _ = fmt.Fprintf(a.Stderr, format+"\n", values...)
}

func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
