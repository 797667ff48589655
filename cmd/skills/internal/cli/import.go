package cli

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
)

// importResult is the result of import.
type importResult struct {
	Scope  scopeResult   `json:"scope"`
	DryRun bool          `json:"dryRun,omitempty"`
	Files  []importFile  `json:"files"`
	Skills []importSkill `json:"skills"`
}

// importFile is one file of another tool.
type importFile struct {
	Path   string `json:"path"`
	Skills int    `json:"skills"` // 0 if it could not be read, too
}

// importStatus is what became of a skill of another tool.
type importStatus string

const (
	takenOver   importStatus = "taken-over" // the lock has it now
	alreadyOurs importStatus = "already-ours"
	changedDisk importStatus = "changed"     // no version that can be had has its files
	noRegistry  importStatus = "no-registry" // it came from where skills cannot look
	notThere    importStatus = "not-there"   // it is in no folder of an agent of the scope
	notReached  importStatus = "unreachable" // where it came from cannot be asked just now
	notImported importStatus = "failed"
)

// importSkill is one skill that another tool says it installed.
type importSkill struct {
	Name     string       `json:"name"` // as that tool calls it
	Tool     string       `json:"tool"`
	File     string       `json:"file"`
	Source   string       `json:"source,omitempty"` // as that tool wrote it
	Status   importStatus `json:"status"`
	Reason   string       `json:"reason,omitempty"` // why it is not taken over
	Ref      string       `json:"ref,omitempty"`    // as the lock has it now
	Registry string       `json:"registry,omitempty"`
	Version  string       `json:"version,omitempty"`
	Paths    []string     `json:"paths"` // where it stands
	Agents   []string     `json:"agents"`
	Warnings []string     `json:"warnings,omitempty"`
}

func (a *app) importCommand() *cobra.Command {
	var local bool
	cmd := &cobra.Command{
		Use:     "import [FILE]...",
		Short:   "Take over what other tools installed",
		GroupID: groupCare,
		Long: `Read the files in which other tools keep note of what they installed, and take
over those skills where they stand, as skills adopt does. Without a FILE those that
are known are looked for in the project, or in your home folder. They are never
written, and no file of a skill is touched.

  skills-lock.json, .skill-lock.json   skills by Vercel
  .clawhub/lock.json                   clawhub
  apm.lock.yaml                        apm by Microsoft
  skillfish.json                       skillfish

For each skill the output says whether it is taken over, was changed on disk, came
from where skills cannot look or from where nobody answered, or is not there.`,
		Example: `  skills import --dry-run
  skills import
  skills import --project skills-lock.json --local
  skills import --user --on-edit=keep --json`,
		RunE: a.run(func(ctx context.Context, files []string) (*answer, error) {
			i := &importer{app: a, local: local}
			return i.run(ctx, files)
		}),
	}
	cmd.Flags().BoolVar(&local, "local", false, "take over what came from where skills cannot look as skills of their own")
	a.adoptFlags(cmd)
	return cmd
}

// show tells what became of each skill.
func (r *importResult) show(p *ui.Printer) {
	words := map[importStatus]string{
		takenOver: p.Good("taken over"), alreadyOurs: p.Faint("already ours"), changedDisk: p.Bad("changed on disk"),
		noRegistry: p.Bad("no registry"), notThere: p.Bad("not there"), notReached: p.Bad("not reached"), notImported: p.Bad("failed"),
	}
	if r.DryRun {
		words[takenOver] = p.Good("would take over")
	}
	for _, s := range r.Skills {
		line := words[s.Status] + "  " + p.Strong(ui.Line(s.Name))
		if s.Version != "" {
			line += " " + ui.Line(s.Version)
		}
		if len(s.Paths) > 0 {
			line += "  " + ui.Line(strings.Join(s.Paths, ", "))
		}
		if len(s.Agents) > 0 {
			line += p.Faint("  (" + ui.Line(strings.Join(s.Agents, ", ")) + ")")
		}
		p.Printf("%s%s", line, p.Faint("  from "+ui.Line(filepath.Base(s.File))))
	}
}

// A noFilesError says that there is nothing to import.
type noFilesError struct{ message, hint string }

func (e *noFilesError) Error() string { return e.message }

// A noRegistryError says that nobody can be asked about a skill.
type noRegistryError struct{ why string }

func (e *noRegistryError) Error() string { return e.why }

// A notThereError says that a skill is not where it should be.
type notThereError struct{ why string }

func (e *notThereError) Error() string { return e.why }
