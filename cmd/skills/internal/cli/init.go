package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/manifest"
)

type initResult struct {
	Path   string `json:"path"`
	DryRun bool   `json:"dryRun,omitempty"`
}

func (a *app) initCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "init [DIR]",
		Short:   "Make this folder a project, with a skills.yaml",
		GroupID: groupTeam,
		Long: `Write a skills.yaml into this folder, or into DIR. What is then installed in it
or below it goes into the project's folders, and into a skills.lock that you
commit: skills install gives everyone the same skills.`,
		Example: `  skills init
  skills init && skills install sickn33-skills-backend-architect --agent claude-code,codex`,
		Args: args(0, 1, "one folder"),
		RunE: a.run(func(_ context.Context, args []string) (*answer, error) {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			dir, err := a.abs(dir)
			if err != nil {
				return nil, err
			}
			path := filepath.Join(dir, manifest.Name)
			if err := writeManifest(path, a.flags.dryRun); err != nil {
				return nil, err
			}
			return &answer{result: initResult{path, a.flags.dryRun}, done: 1, text: func(p *ui.Printer) {
				verb := "wrote"
				if a.flags.dryRun {
					verb = "would write"
				}
				p.Printf("%s  %s", p.Good(verb), ui.Line(path))
			}}, nil
		}),
	}
	a.dryRunFlag(cmd)
	return cmd
}

const newManifest = `# The skills that this project wants. skills install restores them as skills.lock
# says; skills install REF adds one.
skills:
`

func writeManifest(path string, dryRun bool) error {
	if exists(path) {
		return &usageError{message: path + " is there already", hint: "skills install REF adds to it"}
	}
	if dryRun {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		return &usageError{message: filepath.Dir(path) + " is no folder"}
	}
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	_, err = f.WriteString(newManifest)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write manifest: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}
