package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/skill"
)

type packResult struct {
	Path   string        `json:"path"`
	Size   int64         `json:"size"`
	SHA256 digest.Digest `json:"artifact"`
	Tree   digest.Digest `json:"tree"`
	Files  int           `json:"files"`
	DryRun bool          `json:"dryRun,omitempty"`

	Findings []skill.Finding `json:"findings,omitempty"` // of validate
}

func (a *app) packCommand() *cobra.Command {
	var output string
	var replace bool
	cmd := &cobra.Command{
		Use:     "pack DIR",
		Short:   "Pack a skill into a zip",
		GroupID: groupMake,
		Long: `Pack a folder with a SKILL.md into a zip that any registry or agent can take.
The same files make the same bytes on every machine, so that the digest tells
whether two archives are the same skill.`,
		Example: `  skills pack ./my-skill
  skills pack ./my-skill --output dist/my-skill.zip`,
		Args: args(1, 1, "the folder of a skill"),
		RunE: a.run(func(ctx context.Context, args []string) (*answer, error) {
			r, err := a.pack(ctx, args[0], output, replace)
			if err != nil {
				return nil, err
			}
			return &answer{result: r, done: 1, text: func(p *ui.Printer) {
				p.Printf("%s  %s, %s", ui.Line(r.Path), counted(r.Files, "file"), ui.Size(r.Size))
				p.Printf("  %s", r.SHA256)
				p.Printf("  %s", r.Tree)
				_ = p.Flush() // what follows is talk about it; the last Flush tells what broke
				for _, f := range r.Findings {
					p.Warnf("%s:%d:%d: %s", ui.Line(filepath.Join(args[0], f.File)), f.Line, f.Column, ui.Line(f.Message))
				}
			}}, nil
		}),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "the zip `file` to write (default NAME.zip here)")
	cmd.Flags().BoolVar(&replace, "replace", false, "replace the zip if it is there")
	a.dryRunFlag(cmd)
	return cmd
}

func (a *app) pack(ctx context.Context, dir, output string, replace bool) (*packResult, error) {
	path, err := a.abs(dir)
	if err != nil {
		return nil, err
	}
	root, err := openSkill(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	if output == "" {
		output = filepath.Base(path) + ".zip"
	}
	if output, err = a.abs(output); err != nil {
		return nil, err
	}
	if within(output, path) {
		return nil, &usageError{message: output + " lies in the folder that is packed", hint: "name a file elsewhere: --output"}
	}
	if exists(output) && !replace && !a.flags.dryRun {
		return nil, &usageError{message: output + " is there already", hint: "--replace replaces it, --output names another"}
	}
	r := &packResult{Path: output, DryRun: a.flags.dryRun}
	if data, err := readSkillFile(root); err == nil { // that there is none Pack tells
		r.Findings = skill.Validate(filepath.Base(path), data)
	}
	write := func(w io.Writer) error {
		h := digest.NewHasher()
		n := &counter{}
		packed, err := archive.Pack(ctx, io.MultiWriter(w, h, n), root.FS())
		if err != nil {
			return err
		}
		if _, _, err := skill.Parse(packed.Skill); err != nil {
			return err
		}
		r.Size, r.SHA256, r.Tree, r.Files = n.n, h.Digest(), packed.Tree.Digest(), len(packed.Tree.Files)
		return nil
	}
	if a.flags.dryRun {
		return r, write(io.Discard)
	}
	return r, writeFile(output, write)
}

// within says whether a file at path would lie in dir, whatever links lead there.
func within(path, dir string) bool {
	root, err := os.Stat(dir)
	if err != nil {
		return false
	}
	at, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return false // then there is no folder to write to, either
	}
	for {
		if info, err := os.Stat(at); err == nil && os.SameFile(info, root) {
			return true
		}
		parent := filepath.Dir(at)
		if parent == at {
			return false
		}
		at = parent
	}
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// writeFile writes the file at path in one step: as long as write has not
// succeeded, what is there stays.
func writeFile(path string, write func(io.Writer) error) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), ".skills-pack-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	buffered := bufio.NewWriter(temp)
	err = write(buffered)
	if err == nil {
		err = errors.Join(buffered.Flush(), temp.Chmod(0o644))
	}
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
