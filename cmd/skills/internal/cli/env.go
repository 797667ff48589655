// Package cli is the command line of skills: it reads arguments, calls the
// packages below pkg and registry, and prints what they answer. It decides
// nothing that an embedding program would have to decide as well.
//
// Each command is one file: its flags, a short run function that returns an
// answer, and how the answer looks to people. The answer is printed, and its
// exit code chosen, in one place (see Main).
package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
)

// Env is all that the program takes from its process.
type Env struct {
	Version string   // of a release; "" if this is none
	Args    []string // without the program's name
	Getenv  func(string) string
	Environ func() []string // of which git gets what it needs; nil: nothing
	Getwd   func() (string, error)
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
}

// Main runs the command that env names and returns its exit code. When ctx ends
// it was interrupted.
func Main(ctx context.Context, env Env) int {
	a := newApp(env)
	first := ""
	if len(env.Args) > 0 {
		first = env.Args[0]
	}
	root := a.root(first)
	cmd, err := execute(ctx, root, env.Args)
	if a.git != nil {
		_ = a.git.Close() // temporary files are at stake, and no more
	}
	a.flags.json = a.flags.json || wantsJSON(env.Args)
	return a.finish(ctx, commandName(cmd), err)
}

// New returns the tree of commands, for those who describe it: the man pages
// are made from it.
func New(env Env) *cobra.Command { return newApp(env).root("") }

// execute runs root and turns a panic into an error, so that whatever happens
// is told in the same way.
func execute(ctx context.Context, root *cobra.Command, args []string) (cmd *cobra.Command, err error) {
	defer func() {
		if v := recover(); v != nil {
			cmd, err = root, &install.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	root.SetArgs(slices.Clone(args)) // nil would mean those of the process
	if args == nil {
		root.SetArgs([]string{})
	}
	return root.ExecuteContextC(ctx)
}

// wantsJSON says whether --json is among args, for when they could not be
// parsed.
func wantsJSON(args []string) bool {
	for _, arg := range args {
		switch arg {
		case "--":
			return false
		case "--json", "--json=true":
			return true
		}
	}
	return false
}

// commandName returns the command without the program's name: "registry add".
func commandName(cmd *cobra.Command) string {
	if cmd == nil || !cmd.HasParent() {
		return ""
	}
	if parent := commandName(cmd.Parent()); parent != "" {
		return parent + " " + cmd.Name()
	}
	return cmd.Name()
}

// screen says what the streams are connected to.
func (e Env) screen() ui.Screen {
	s := ui.Screen{
		In: e.Stdin, Out: e.Stdout, Err: e.Stderr,
		InTTY: ui.IsTerminal(e.Stdin), OutTTY: ui.IsTerminal(e.Stdout), ErrTTY: ui.IsTerminal(e.Stderr),
		Getenv: e.Getenv,
	}
	s.Width = func() int {
		if w := ui.Width(e.Stdout); w > 0 {
			return w
		}
		return ui.Width(e.Stderr)
	}
	return s
}

// An answer is what a command found or did.
type answer struct {
	result any               // "result" of --json
	text   func(*ui.Printer) // the same for people; nil if there is nothing to say
	faults []fault           // what did not work, in the order of the request
	done   int               // how much of the request did work
}

// deed says what a command changed, for when that is all that can be said.
func (out *answer) deed(command string) string {
	r, ok := out.result.(changeResult)
	if !ok || r.DryRun || out.done == 0 {
		return ""
	}
	return map[string]string{"install": "installed", "update": "updated", "remove": "removed", "adopt": "adopted"}[command]
}

// A fault is one part of a request that did not work.
type fault struct {
	ref string // which part, as the person named it
	err error
}

// run makes a cobra function of one that returns an answer.
func (a *app) run(f func(ctx context.Context, args []string) (*answer, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := a.checkFlags(cmd); err != nil {
			return err
		}
		a.command = commandName(cmd)
		answer, err := f(cmd.Context(), args)
		a.answer = answer
		return err
	}
}

// finish prints the answer, or why there is none, and returns the exit code.
func (a *app) finish(ctx context.Context, command string, err error) int {
	out := a.answer
	if out == nil {
		out = &answer{}
	}
	if err != nil {
		out.faults = append(out.faults, fault{err: err})
	}
	if ctx.Err() != nil && len(out.faults) > 0 {
		out.faults, out.done = []fault{{err: errInterrupted}}, 0 // 130, whatever was done
	}
	code, told := a.judge(out)
	if a.flags.json {
		a.printEnvelope(command, code, out, told)
	} else if out.text != nil {
		out.text(a.ui)
	}
	flushErr := a.ui.Flush()
	a.printFaults(told)
	a.printStacks(out.faults)
	if flushErr != nil && code == exitDone {
		e := explain(fault{err: &outputError{done: out.deed(command), err: flushErr}})
		a.ui.Error(e.Message, e.Hint)
		return e.exit
	}
	return code
}

// printStacks says where the program broke, to those who asked for every detail.
func (a *app) printStacks(faults []fault) {
	for _, f := range faults {
		crash, ok := errors.AsType[*install.PanicError](f.err)
		if !ok || !a.flags.verbose {
			continue
		}
		for line := range bytes.Lines(crash.Stack) {
			a.ui.Talkf("%s", bytes.TrimRight(line, "\n"))
		}
	}
}

// judge explains the faults of an answer and chooses the exit code: that of the
// faults if they agree and nothing was done, exitPartly if something was.
func (a *app) judge(out *answer) (int, []explained) {
	told := make([]explained, len(out.faults))
	code := exitDone
	for i, f := range out.faults {
		told[i] = explain(f)
		switch {
		case i == 0:
			code = told[i].exit
		case code != told[i].exit:
			code = exitError
		}
	}
	if len(told) > 0 && out.done > 0 {
		code = exitPartly
	}
	return code, told
}

const fewFaults = 20 // are printed; more only if verbose

// printFaults tells what did not work. A hint follows after the last of those that
// it is for.
func (a *app) printFaults(told []explained) {
	shown := 0
	for len(told) > 0 {
		n := 1
		for n < len(told) && told[n].Hint == told[0].Hint {
			n++
		}
		all := lines(told[:n])
		for i, line := range all {
			if shown++; shown > fewFaults && !a.flags.verbose {
				a.ui.Error(fmt.Sprintf("and %d more; --verbose prints them all", len(told)-i), "")
				return
			}
			hint := ""
			if i == len(all)-1 {
				hint = told[0].Hint
			}
			a.ui.Error(line, hint)
		}
		told = told[n:]
	}
}
