package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/bundle"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/install"
)

// bundleResult is the result of bundle.
type bundleResult struct {
	Scope  scopeResult     `json:"scope"`
	Path   string          `json:"path"`
	Action string          `json:"action"` // written, unchanged or failed
	DryRun bool            `json:"dryRun,omitempty"`
	Size   int64           `json:"size,omitempty"`   // of the file, in bytes
	Digest digest.Digest   `json:"digest,omitempty"` // of the file
	Skills []fetchedResult `json:"skills"`
}

func (a *app) bundleCommand() *cobra.Command {
	var o install.Options
	var output string
	var force bool
	cmd := &cobra.Command{
		Use:     "bundle",
		Short:   "Write all that the lock names into one file",
		GroupID: groupTeam,
		Long: `Write skills.lock, skills.yaml and every artifact that the lock names into one file,
from which skills install --bundle restores without a network. What was not
fetched before is fetched now. Equal contents make equal bytes.`,
		Example: `  skills bundle
  skills bundle -o dist/team.bundle
  skills install --bundle skills.bundle     # on the other machine`,
		Args: args(0, 0, ""),
		RunE: a.run(func(ctx context.Context, _ []string) (*answer, error) {
			path, err := a.bundlePath(output, force)
			if err != nil {
				return nil, err
			}
			e, err := a.keeper()
			if err != nil {
				return nil, err
			}
			return a.bundle(ctx, e, path, o)
		}),
	}
	f := cmd.Flags()
	f.StringVarP(&output, "output", "o", bundle.Name, "the `file` to write")
	f.BoolVar(&force, "force", false, "overwrite a file that is no bundle")
	f.BoolVar(&o.AllowHiddenText, "allow-hidden-text", false, "keep files that hold invisible text")
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	a.netFlags(cmd)
	a.limitFlags(cmd)
	return cmd
}

// bundlePath returns where the bundle goes. What stands there may be replaced if
// it is a bundle, which can be made again.
func (a *app) bundlePath(output string, force bool) (string, error) {
	path, err := a.abs(output)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && exists(path):
		return "", &usageError{message: ui.Line(path) + " is a link to something that is not there", hint: "--output names another file"}
	case errors.Is(err, fs.ErrNotExist):
		return path, nil
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", &usageError{message: ui.Line(path) + " is no file", hint: "--output names another one"}
	case force:
		return path, nil
	}
	if _, err := bundle.Open(path); err != nil {
		return "", &usageError{message: ui.Line(path) + " is there already, and is no bundle", hint: "--force overwrites it, --output names another file"}
	}
	return path, nil
}

// bundle writes a bundle, and makes an answer of that.
func (a *app) bundle(ctx context.Context, e *engine, path string, o install.Options) (*answer, error) {
	r := bundleResult{Scope: e.scope.result(), Path: path, Action: "written", DryRun: a.flags.dryRun}
	var outcomes []install.Outcome
	write := func(w io.Writer) error {
		h, n := digest.NewHasher(), &counter{}
		var err error
		outcomes, err = a.fetch(e, func() ([]install.Outcome, error) {
			return e.WriteBundle(ctx, io.MultiWriter(w, h, n), e.options(o))
		})
		r.Size, r.Digest = n.n, h.Digest()
		return err
	}
	var err error
	if a.flags.dryRun {
		err = write(io.Discard)
		r.Size, r.Digest = 0, ""
	} else {
		var same bool
		if same, err = bundle.WriteFile(path, write); same {
			r.Action = "unchanged"
		}
	}
	_, incomplete := errors.AsType[*install.IncompleteError](err)
	if err != nil && !incomplete {
		return nil, err
	}
	out := a.fetched(ctx, outcomes, false)
	if incomplete {
		out.done, r.Action, r.Size, r.Digest = 0, "failed", 0, "" // all of it or nothing
	}
	r.Skills = newFetchedResults(outcomes)
	out.result = r
	fetched := out.text
	out.text = func(p *ui.Printer) {
		fetched(p)
		verb := p.Good(r.Action)
		switch {
		case incomplete:
			return
		case r.DryRun:
			p.Printf("%s  %s", p.Good("would write"), ui.Line(path))
			return
		case r.Action == "unchanged":
			verb = p.Faint(r.Action)
		}
		p.Printf("%s  %s  %s, %s", verb, ui.Line(path), counted(len(r.Skills), "skill"), ui.Size(r.Size))
	}
	return out, nil
}

// bundleFlag makes a command take artifacts from a bundle, and never the network.
func (a *app) bundleFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.flags.bundle, "bundle", "", "restore from the bundle at `file`; never the network")
}

// openBundle gives e the bundle of --bundle, if there is one.
func (a *app) openBundle(e *engine) error {
	if a.flags.bundle == "" {
		return nil
	}
	path, err := a.abs(a.flags.bundle)
	if err != nil {
		return err
	}
	b, err := bundle.Open(path)
	if err != nil {
		return err
	}
	e.Bundle = b
	return nil
}

// checkBundle refuses what a bundle is not for. Its lock is not the scope's: that
// one says what is trusted, and comes with the project.
func (a *app) checkBundle(args []string) error {
	if a.flags.bundle == "" {
		return nil
	}
	if len(args) > 0 {
		return &usageError{message: "--bundle restores what skills.lock says, and takes no REF", hint: "without --bundle, skills install REF adds a skill"}
	}
	s, err := a.scope()
	if err != nil {
		return err
	}
	if !exists(s.Lock) {
		return &usageError{
			message: fmt.Sprintf("there is no skills.lock in %s to restore", ui.Line(s.Root)),
			hint:    "bring the project's; a bundle is a zip that holds it: unzip FILE skills.lock skills.yaml",
		}
	}
	return nil
}
