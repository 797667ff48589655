package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/config"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/skill"
)

type doctorResult struct {
	Scope    scopeResult     `json:"scope"`
	Facts    []factResult    `json:"facts"`
	Skills   []sightResult   `json:"skills"`
	Problems []problemResult `json:"problems"`
	Fixed    []fixedResult   `json:"fixed,omitzero"` // with --fix; the rest is as it is after that
}

// factResult is something about the surroundings.
type factResult struct {
	What  string `json:"what"`
	Value string `json:"value"`
	There *bool  `json:"there,omitempty"` // of a path: there is something at it
}

// sightResult is one skill as one agent sees it.
type sightResult struct {
	Skill    string `json:"skill"`
	Agent    string `json:"agent,omitempty"`
	Path     string `json:"path"`
	OK       bool   `json:"ok"`       // an agent that looks there sees the skill
	Detected *bool  `json:"detected"` // the agent is on this machine; null with --dir, and for projects
	Problem  string `json:"problem,omitempty"`
	Note     string `json:"note,omitempty"` // what may keep some agents from seeing it
}

// problemResult is what is wrong, and what to do about it.
type problemResult struct {
	About   string `json:"about"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

func (a *app) doctorCommand() *cobra.Command {
	var fix bool
	cmd := &cobra.Command{
		Use:     "doctor",
		Short:   "Find out why an agent does not see a skill",
		GroupID: groupCare,
		Long: `Look at every installed skill as its agents do: is the folder there and readable,
is its SKILL.md a file that can be read, is the agent on this machine. The exit
code is 7 if something is wrong. Nothing is changed. --verbose lists what is right
as well.

With --fix, what needs no decision is put right first: missing skills and links are
put back as the lock says, and what interrupted runs left is finished or removed.
The rest is listed with what would do it.`,
		Example: `  skills doctor
  skills doctor --fix
  skills doctor --agent claude-code
  skills doctor --project --json`,
		Args: args(0, 0, ""),
		RunE: a.run(func(ctx context.Context, _ []string) (*answer, error) {
			if err := a.needsFix(fix); err != nil {
				return nil, err
			}
			e, err := a.engine()
			if err != nil {
				return nil, err
			}
			d := &doctor{app: a, engine: e, result: doctorResult{
				Scope: e.scope.result(), Facts: []factResult{}, Skills: []sightResult{}, Problems: []problemResult{},
			}}
			if fix {
				if err := d.fix(ctx); err != nil {
					return nil, err
				}
			}
			if err := d.examine(ctx); err != nil {
				return nil, err
			}
			out := &answer{result: d.result, text: func(p *ui.Printer) { d.print(p) }}
			if n := len(d.result.Problems); n > 0 {
				out.faults = []fault{{err: &findingError{codeUnhealthy, counted(n, "problem") + " found", ""}}}
			}
			return out, nil
		}),
	}
	cmd.Flags().BoolVar(&fix, "fix", false, "put right what needs no decision of yours")
	a.agentFlag(cmd, "look at these agents only")
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	a.netFlags(cmd)
	a.limitFlags(cmd)
	return cmd
}

type doctor struct {
	app    *app
	engine *engine
	result doctorResult
}

func (d *doctor) problem(about, message, fix string) {
	d.result.Problems = append(d.result.Problems, problemResult{about, message, fix})
}

func (d *doctor) fact(what, value string) {
	d.result.Facts = append(d.result.Facts, factResult{What: what, Value: value})
}

func (d *doctor) path(what, path string) {
	if path == "" {
		return
	}
	there := exists(path)
	d.result.Facts = append(d.result.Facts, factResult{what, path, &there})
}

func (d *doctor) examine(ctx context.Context) error {
	if err := d.surroundings(ctx); err != nil {
		return err
	}
	entries, err := d.engine.List(ctx)
	if err != nil {
		return err
	}
	detected, err := d.detected()
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.State == install.Hidden {
			d.fact("disabled", entry.Name)
			continue
		}
		for _, id := range entry.Agents {
			if len(d.engine.asked) > 0 && !slices.Contains(d.engine.asked, id) {
				continue
			}
			dir, err := d.engine.AgentDir(id)
			s := sightResult{Skill: entry.Name, Agent: id}
			if detected != nil {
				s.Detected = new(slices.Contains(detected, id))
			}
			if err != nil {
				d.sight(s, err, "")
				continue
			}
			s.Path = filepath.Join(dir, entry.Name)
			d.see(s, entry)
		}
		if len(entry.Agents) == 0 {
			for _, path := range entry.Paths {
				d.see(sightResult{Skill: entry.Name, Path: path}, entry)
			}
		}
	}
	return nil
}

// detected returns the agents on this machine, or nil if that does not matter.
func (d *doctor) detected() ([]string, error) {
	if d.engine.scope.Kind != install.User {
		return nil, nil // a project is for other machines as well
	}
	table, err := d.app.agents()
	if err != nil {
		return nil, err
	}
	chosen, err := d.app.defaultAgents(d.engine.scope)
	if err != nil {
		return nil, err
	}
	return append(d.app.detected(table, d.engine.scope), chosen...), nil
}

func (d *doctor) sight(s sightResult, fault error, fix string) {
	s.OK = fault == nil
	if fault != nil {
		s.Problem = message(fault)
		about := s.Skill
		if s.Agent != "" {
			about += " for " + s.Agent
		}
		d.problem(about, s.Problem, fix)
	}
	d.result.Skills = append(d.result.Skills, s)
}

// see notes what keeps an agent from seeing the skill in the folder at s.Path.
func (d *doctor) see(s sightResult, entry install.Entry) {
	found, fix, fault := look(s.Path, entry.Paths)
	if fault == nil && found.Name != "" && found.Name != entry.Name {
		s.Note = fmt.Sprintf("it calls itself %.80q, and some agents want that to be the name of its folder", found.Name)
	}
	d.sight(s, fault, fix)
}

// look reads the skill in the folder at path, which may be a link to another of
// its places, or says what is wrong with it, and what to do about that.
func look(path string, places []string) (found *skill.Skill, fix string, fault error) {
	const (
		again     = "skills doctor --fix puts it back"
		overwrite = "skills verify --fix --on-edit=overwrite puts it back, after a backup"
		replace   = "skills verify --fix --replace puts the skill back, after a backup"
	)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, again, errors.New(path + " is not there")
	case err != nil:
		return nil, "", err
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(path)
		if err != nil || !slices.Contains(places, to) {
			return nil, replace, errors.New(path + " is a link that skills did not make")
		}
	case !info.IsDir():
		return nil, replace, errors.New(path + " is no folder")
	}
	file := filepath.Join(path, skill.FileName)
	info, err = os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, overwrite, errors.New(file + " is not there")
	case err != nil:
		return nil, "", err
	case !info.Mode().IsRegular():
		return nil, overwrite, errors.New(file + " is no regular file")
	}
	data, err := skill.ReadFile(file)
	if err != nil {
		return nil, "this user must be able to read it", err
	}
	found, _, err = skill.Parse(data)
	if err != nil {
		return nil, overwrite, fmt.Errorf("%s: %w", path, err)
	}
	return found, "", nil
}

// surroundings notes what everything depends on, and what is wrong with it.
func (d *doctor) surroundings(ctx context.Context) error {
	a, s := d.app, d.engine.scope
	d.fact("version", a.env.version())
	d.fact("scope", string(s.Kind)+", "+s.Root)
	d.fact("registry", cmp.Or(d.engine.Source.Default, config.None))
	d.path("manifest", s.Manifest)
	d.path("lock", s.Lock)
	paths, err := a.paths()
	if err != nil {
		return err
	}
	d.path("settings", paths.Settings())
	d.path("store", paths.Store())
	if len(d.engine.Agents) > 0 {
		d.fact("agents", strings.Join(d.engine.Agents, ", "))
	}
	home, err := config.Home(a.env.Getenv)
	if err != nil {
		d.problem("home", message(err), "set HOME to your home folder")
	} else {
		d.fact("home", home)
	}
	for _, dir := range []string{paths.Config, paths.Data, paths.State, paths.Cache} {
		if dir == "" {
			continue
		}
		if info, err := os.Stat(dir); err == nil && !info.IsDir() {
			d.problem(dir, "it is no folder", "move it away")
		}
	}
	return d.leftovers(ctx)
}

// leftovers looks for what a killed run left beside the folders of the agents.
func (d *doctor) leftovers(ctx context.Context) error {
	found, err := d.engine.Leftovers(ctx)
	for _, path := range found {
		d.problem(path, "an interrupted run left it", "skills doctor --fix removes it")
	}
	return err
}

func (d *doctor) print(p *ui.Printer) {
	for _, f := range d.result.Facts {
		line := p.Faint(fmt.Sprintf("%-9s", f.What)) + " " + ui.Line(f.Value)
		if f.There != nil && !*f.There {
			line += p.Faint("  (not there yet)")
		}
		p.Printf("%s", line)
	}
	d.printSights(p)
	p.Printf("")
	d.app.printFixed(p, d.result.Fixed)
	for _, problem := range d.result.Problems {
		p.Printf("%s %s: %s", p.Bad("problem:"), ui.Line(problem.About), ui.Line(problem.Message))
		if problem.Fix != "" {
			p.Printf("  fix: %s", ui.Line(problem.Fix))
		}
	}
	if len(d.result.Problems) == 0 {
		p.Printf("%s", p.Good("no problem found"))
	}
}

// printSights prints the skills of which there is something to say, and counts the
// others unless every detail is wanted. What is wrong is told with the problems.
func (d *doctor) printSights(p *ui.Printer) {
	seen, all := 0, d.app.flags.verbose
	var lines []string
	for _, s := range d.result.Skills {
		if !s.OK {
			continue
		}
		seen++
		missing := s.Detected != nil && !*s.Detected
		if !all && !missing && s.Note == "" {
			continue
		}
		line := fmt.Sprintf("%s  %s  %s", p.Good("ok"), p.Strong(ui.Line(s.Skill)), ui.Line(s.Path))
		switch {
		case missing:
			line += "  (" + s.Agent + ", which is not on this machine)"
		case s.Agent != "":
			line += p.Faint("  (" + s.Agent + ")")
		}
		lines = append(lines, line)
		if s.Note != "" {
			lines = append(lines, "    "+p.Unsure("note:")+" "+ui.Line(s.Note))
		}
	}
	if n := len(d.result.Skills); n > 0 {
		p.Printf("%s %d of %s", p.Faint(fmt.Sprintf("%-9s", "seen")), seen, counted(n, "folder"))
	}
	if len(lines) > 0 {
		p.Printf("\n%s", strings.Join(lines, "\n"))
	}
}
