package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/config"
	"github.com/openskills-go/skills/pkg/foreign"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
)

// An importer is one run of import.
type importer struct {
	*app
	local bool

	engine     *engine
	roots      []string // folders that agents read in the scope
	ours       map[string]bool
	registries []namedRegistry

	result    importResult
	out       answer
	errs      []error // of each skill of the result
	adoptions []install.Adoption
	asked     map[string]int // of adoptions, by folder
	wants     [][]int        // which of them each skill is about
}

func (i *importer) run(ctx context.Context, files []string) (*answer, error) {
	if err := i.prepare(ctx); err != nil {
		return nil, err
	}
	i.result = importResult{Scope: i.engine.scope.result(), DryRun: i.flags.dryRun, Files: []importFile{}, Skills: []importSkill{}}
	paths, err := i.files(files)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		entries, err := foreign.Read(path)
		if err != nil {
			i.out.faults = append(i.out.faults, fault{err: err})
		}
		i.result.Files = append(i.result.Files, importFile{Path: path, Skills: len(entries)})
		for _, e := range entries {
			i.look(e)
		}
	}
	// With nothing to adopt it still clears away what a killed run left.
	if err := i.adopt(ctx); err != nil {
		return nil, err
	}
	for n, s := range i.result.Skills {
		if i.errs[n] == nil {
			i.out.done++
			continue
		}
		i.result.Skills[n].Reason = message(i.errs[n])
		i.out.faults = append(i.out.faults, fault{ref: s.Name, err: i.errs[n]})
	}
	i.out.result = i.result
	i.out.text = func(p *ui.Printer) {
		i.result.show(p)
		_ = p.Flush() // what follows is talk about it
		for _, s := range i.result.Skills {
			for _, w := range s.Warnings {
				p.Warnf("%s: %s", ui.Line(s.Name), message(errors.New(w)))
			}
		}
	}
	if len(i.result.Skills) == 0 && len(i.out.faults) == 0 {
		return nil, &noFilesError{message: "no skill is named in " + strings.Join(paths, ", ")}
	}
	return &i.out, nil
}

// prepare finds out where skills may stand, and which of them the lock has.
func (i *importer) prepare(ctx context.Context) error {
	var err error
	if i.engine, err = i.app.engine(); err != nil {
		return err
	}
	if err := i.knowAll(i.engine); err != nil {
		return err
	}
	if i.registries, err = i.app.registries(); err != nil {
		return err
	}
	entries, err := i.engine.List(ctx)
	if err != nil {
		return err
	}
	i.ours, i.asked = map[string]bool{}, map[string]int{}
	for _, e := range entries {
		for _, path := range e.Paths {
			i.ours[realPath(path)] = true
		}
	}
	if i.engine.scope.Kind == install.Dir {
		i.roots = []string{i.engine.scope.Root}
		return nil
	}
	ids := i.engine.asked
	if len(ids) == 0 {
		ids = slices.Concat(i.engine.Agents, i.engine.Known)
	}
	seen := map[string]bool{}
	for _, id := range ids {
		dir, err := i.engine.AgentDir(id)
		if err != nil {
			continue // it reads nothing in this scope
		}
		real, err := filepath.EvalSymlinks(dir)
		if err == nil && !seen[real] {
			seen[real] = true
			i.roots = append(i.roots, dir)
		}
	}
	return nil
}

// files returns the files to read: those that were named, else those that are there.
func (i *importer) files(named []string) ([]string, error) {
	var paths []string
	for _, name := range named {
		path, err := i.abs(name)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	if len(named) > 0 {
		return paths, nil
	}
	s := i.engine.scope
	cwd, err := i.cwd()
	if err != nil {
		cwd = ""
	}
	here := foreign.Find(foreign.Places{Project: cwd})
	if s.Kind != install.User {
		paths = foreign.Find(foreign.Places{Project: s.Root})
		for _, path := range here {
			if s.Kind == install.Project && !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	} else if home, err := config.Home(i.env.Getenv); err == nil {
		paths = foreign.Find(foreign.Places{Home: home, State: i.env.Getenv("XDG_STATE_HOME")})
		here = slices.DeleteFunc(here, func(path string) bool { return slices.Contains(paths, path) })
	}
	if len(paths) > 0 {
		return paths, nil
	}
	none := &noFilesError{
		message: fmt.Sprintf("no file of another tool was found for the %s scope", s.Kind),
		hint:    "looked for " + strings.Join(foreign.Names(), ", ") + "; skills adopt DIR takes over one folder",
	}
	if len(here) > 0 && s.Kind == install.User {
		none.hint = "here is " + ui.Line(here[0]) + ": skills import --project"
	}
	return nil, none
}

// look finds out where an entry stands and where it came from, and asks for its
// adoption if both are known.
func (i *importer) look(e foreign.Entry) {
	s := importSkill{
		Name: e.Name, Tool: e.Tool, File: e.File, Source: e.Source, Status: notImported, Version: e.Version,
		Paths: []string{}, Agents: []string{},
	}
	dirs, why := i.dirs(e)
	var err error
	var wants []int
	want, whyNot := i.reference(e)
	switch {
	case len(dirs) == 0:
		s.Status, err = notThere, &notThereError{why}
	case !slices.ContainsFunc(dirs, func(dir string) bool { return !i.ours[realPath(dir)] }):
		s.Status = alreadyOurs
	case want.Typed == "" && !i.local:
		s.Status, err = noRegistry, &noRegistryError{whyNot}
	default:
		wants = i.request(install.Adoption{From: want, Version: e.Version, Local: want.Typed == ""}, dirs)
	}
	s.Paths = append(s.Paths, dirs...)
	i.result.Skills, i.errs, i.wants = append(i.result.Skills, s), append(i.errs, err), append(i.wants, wants)
}

// request asks for the adoption of dirs, once for each.
func (i *importer) request(ad install.Adoption, dirs []string) []int {
	var wants []int
	for _, dir := range dirs {
		n, ok := i.asked[realPath(dir)]
		if !ok {
			n = len(i.adoptions)
			ad.Dir = dir
			i.adoptions = append(i.adoptions, ad)
			i.asked[realPath(dir)] = n
		}
		wants = append(wants, n)
	}
	return wants
}

// dirs returns the folders of agents in which an entry stands, or why there is none.
func (i *importer) dirs(e foreign.Entry) (dirs []string, why string) {
	why = "is in no folder of an agent"
	if e.Folder == "" {
		return nil, "has a name that no folder has"
	}
	for _, root := range i.roots {
		path := filepath.Join(root, e.Folder)
		info, err := os.Lstat(path)
		switch {
		case err != nil:
		case info.IsDir():
			dirs = append(dirs, path)
		case info.Mode()&fs.ModeSymlink != 0:
			why = ui.Line(path) + " is a link, not a folder"
		}
	}
	for _, dir := range e.Dirs {
		path := filepath.Join(e.Root, filepath.FromSlash(dir))
		if info, err := os.Lstat(path); len(dirs) == 0 && err == nil && info.IsDir() {
			why = fmt.Sprintf("stands in %s, where no agent of the %s scope reads", ui.Line(path), i.engine.scope.Kind)
		}
	}
	return dirs, why
}

// reference returns the reference that means what an entry names, or why there is
// none that can be asked about.
func (i *importer) reference(e foreign.Entry) (want install.Want, why string) {
	want.Typed, why = e.Ref, e.Why
	if e.Registry != "" {
		why += "; " + ui.Line(e.Registry) + " is none of your registries"
		for _, r := range i.registries {
			if strings.TrimRight(r.URL, "/") == strings.TrimRight(e.Registry, "/") {
				want.Typed = ref.Ref{Kind: ref.Registry, Registry: r.Name, Owner: e.Owner, Slug: e.Slug}.String()
			}
		}
	}
	var err error
	if want.Ref, err = ref.Parse(want.Typed); err != nil {
		return install.Want{}, why
	}
	if _, err := i.engine.Source.Route(want.Ref); errors.Is(err, source.ErrUnsupported) {
		return install.Want{}, "it came from " + want.Typed + ", which cannot be asked"
	}
	return want, why
}

// adopt carries out the adoptions, and tells each skill what became of its own.
func (i *importer) adopt(ctx context.Context) error {
	outcomes, err := i.carryOutAdoptions(ctx, i.adoptions)
	if outcomes == nil {
		return err
	}
	if err != nil {
		i.out.faults = append(i.out.faults, fault{err: err})
	}
	if i.local && err == nil {
		if err := i.adoptLost(ctx, outcomes); err != nil {
			return err
		}
	}
	for n := range i.result.Skills {
		for _, w := range i.wants[n] {
			i.tell(n, outcomes[w])
		}
	}
	return nil
}

// adoptLost takes over as skills of their own those that are no longer where they
// came from, and puts what became of that into outcomes.
func (i *importer) adoptLost(ctx context.Context, outcomes []install.Outcome) error {
	var lost []install.Adoption
	var which []int
	for n, o := range outcomes {
		if o.Err != nil && statusOf(o.Err) == noRegistry {
			lost, which = append(lost, install.Adoption{Dir: i.adoptions[n].Dir, Local: true}), append(which, n)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	again, err := i.carryOutAdoptions(ctx, lost)
	if again == nil {
		return err
	}
	for k, n := range which {
		outcomes[n] = again[k]
	}
	return err
}

func (i *importer) carryOutAdoptions(ctx context.Context, adoptions []install.Adoption) ([]install.Outcome, error) {
	return i.carryOut(ctx, i.engine, "importing", func(ctx context.Context, e *engine) (*install.Plan, error) {
		return e.PlanAdopt(ctx, adoptions, e.options(install.Options{}))
	})
}

// tell gives the skill n one of its outcomes.
func (i *importer) tell(n int, o install.Outcome) {
	s := &i.result.Skills[n]
	if o.Err != nil {
		if i.errs[n] == nil {
			s.Status, i.errs[n] = statusOf(o.Err), o.Err
		}
		return
	}
	s.Ref, s.Registry, s.Version = o.Ref, o.Registry, o.Version
	s.Warnings = append(s.Warnings, o.Warnings...)
	for _, t := range o.Targets {
		s.Agents = append(s.Agents, t.Agents...)
	}
	switch {
	case i.errs[n] != nil:
	case o.Action == install.Adopted:
		s.Status = takenOver
	case s.Status != takenOver:
		s.Status = alreadyOurs
	}
}

// statusOf says what an error of an adoption means for an import.
func statusOf(err error) importStatus {
	if _, ok := errors.AsType[*install.ChangedError](err); ok {
		return changedDisk
	}
	if errors.Is(err, source.ErrUnsupported) || errors.Is(err, source.ErrNotFound) {
		return noRegistry
	}
	if explain(fault{err: err}).exit == exitUnreachable {
		return notReached
	}
	return notImported
}
