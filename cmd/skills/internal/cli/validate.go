package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	pathpkg "path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/skill"
)

type validateResult struct {
	Skills []validated `json:"skills"`
}

type validated struct {
	Dir      string          `json:"dir"`
	Valid    bool            `json:"valid"`
	Findings []skill.Finding `json:"findings"`
}

func (a *app) validateCommand() *cobra.Command {
	var strict bool
	cmd := &cobra.Command{
		Use:     "validate DIR...",
		Aliases: []string{"lint"},
		Short:   "Check skills against the specification",
		GroupID: groupMake,
		Long: `Check folders with a SKILL.md against the specification of agentskills.io, and all
of their files as an archive that others will install. The exit code is 1 if there is an error,
or a warning with --strict.`,
		Example: `  skills validate ./my-skill
  skills validate skills/* --strict --json`,
		Args: args(1, -1, "the folder of a skill"),
		RunE: a.run(func(ctx context.Context, dirs []string) (*answer, error) {
			result := validateResult{Skills: []validated{}}
			out := &answer{}
			for _, dir := range dirs {
				findings, err := a.validate(ctx, dir)
				if err != nil {
					out.faults = append(out.faults, fault{ref: dir, err: err})
					continue
				}
				bad := 0
				for _, f := range findings {
					if f.Severity == skill.Error || strict {
						bad++
					}
				}
				if bad > 0 {
					out.faults = append(out.faults, fault{ref: dir, err: &findingError{codeInvalid, counted(bad, "error"), ""}})
				}
				result.Skills = append(result.Skills, validated{Dir: dir, Valid: bad == 0, Findings: findings})
			}
			out.result = result
			out.text = func(p *ui.Printer) { printFindings(p, result.Skills) }
			return out, nil
		}),
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings count as errors")
	return cmd
}

// validate returns what is wrong with the skill in dir.
func (a *app) validate(ctx context.Context, dir string) ([]skill.Finding, error) {
	path, err := a.abs(dir)
	if err != nil {
		return nil, err
	}
	root, err := openSkill(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	data, err := readSkillFile(root)
	if err != nil {
		return nil, err
	}
	findings := skill.Validate(filepath.Base(path), data)
	if findings == nil {
		findings = []skill.Finding{}
	}
	packed, err := archive.Pack(ctx, io.Discard, root.FS())
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	for _, f := range packed.Tree.Files {
		if f.Path == skill.FileName {
			continue
		}
		data, err := fs.ReadFile(root.FS(), pathpkg.Join(packed.Root, f.Path))
		if err != nil {
			return nil, err
		}
		findings = append(findings, skill.ValidateFile(f.Path, data)...)
	}
	return findings, nil
}

// openSkill opens a folder with a SKILL.md.
func openSkill(path string) (*os.Root, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &usageError{message: "it is a file", hint: "name the folder that holds the SKILL.md"}
	}
	return os.OpenRoot(path)
}

func readSkillFile(root *os.Root) ([]byte, error) {
	f, err := root.Open(skill.FileName)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, skill.MaxSize+1))
}

func printFindings(p *ui.Printer, skills []validated) {
	for _, v := range skills {
		for _, f := range v.Findings {
			mark := p.Bad
			if f.Severity == skill.Warning {
				mark = p.Unsure
			}
			p.Printf("%s:%d:%d: %s: %s", ui.Line(filepath.Join(v.Dir, f.File)), f.Line, f.Column, mark(f.Severity.String()), ui.Line(f.Message))
			if f.Fix != "" {
				p.Printf("  fix: %s", ui.Line(f.Fix))
			}
		}
		if len(v.Findings) == 0 {
			p.Printf("%s  %s", p.Good("ok"), ui.Line(v.Dir))
		}
	}
}
