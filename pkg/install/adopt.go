package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/openskills-go/skills/pkg/agent"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/target"
)

// Adopted is what happens to a skill that is taken over where it stands: the lock
// has it from then on, and none of its files is touched.
const Adopted Action = "adopted"

// An Adoption is one folder that a person wants to have in the lock.
type Adoption struct {
	Dir string // absolute
	// From is where it came from. If its Typed is "", the skill's own name and that
	// of its folder are looked up in the default registry.
	From Want
	// Version is probably the one that is there, and is tried early; "" if nobody
	// knows.
	Version string
	Local   bool // no registry is asked; From does not count
}

// A NotAdoptableError says that a folder cannot be taken over where it stands.
type NotAdoptableError struct {
	Path, Why string
	Outside   bool // it is in no folder that an agent reads in the scope
}

func (e *NotAdoptableError) Error() string { return e.Path + " " + e.Why }

// A LockedError says that the lock has another skill of a folder's name.
type LockedError struct{ Name, Path, Have string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s cannot be taken over: the lock has %s already, %s", e.Path, e.Name, e.Have)
}

// A ChangedError says that a folder holds other files than where it came from.
type ChangedError struct {
	Path     string
	Registry string // or another place that it came from; "" if that is the folder itself
	Version  string // the nearest that there is
	Changes  *Changes
}

func (e *ChangedError) Error() string {
	if e.Registry == "" {
		return fmt.Sprintf("%s holds files that are no part of a skill: %s", e.Path, e.Changes)
	}
	return fmt.Sprintf("%s differs from version %s of %s: %s", e.Path, e.Version, e.Registry, e.Changes)
}

// PlanAdopt plans to take over folders that stand where an agent of the scope
// reads: to record in the lock which version of which skill they are. A registry
// that has the very files gives the entry its version. One that knows the skill and
// has no version of these files makes it a ChangedError, unless o.OnEdit is
// KeepOnEdit: then the local files count as edits of the nearest version. So do the
// notes of another tool, if there is nothing else. What no
// registry knows is recorded as a skill that comes from its own folder. Where the
// registry cannot be asked nothing is recorded.
//
// The agents recorded are those of o, else the engine's, else any of Known, whose
// folder it is.
func (e *Engine) PlanAdopt(ctx context.Context, adoptions []Adoption, o Options) (*Plan, error) {
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, err
	}
	readers, err := e.readers(o)
	if err != nil {
		return nil, err
	}
	p := &Plan{options: o, state: st, steps: make([]*step, len(adoptions))}
	err = e.each(ctx, len(adoptions), func(ctx context.Context, i int) {
		p.steps[i] = e.planAdoption(ctx, st, readers, adoptions[i], o)
	})
	if err == nil {
		agree(p.steps)
	}
	return e.finished(p, err)
}

// readers returns the folders in which skills can be taken over.
func (e *Engine) readers(o Options) ([]target.Root, error) {
	if e.Scope.Kind == Dir {
		return target.Resolve([]target.Root{{Dir: e.Scope.Root}})
	}
	if len(o.Agents) > 0 {
		return e.readBy(o.Agents, nil), nil
	}
	chosen := e.readBy(e.Agents, nil)
	others := e.readBy(e.Known, chosen)
	for i := range others {
		if slices.Contains(others[i].Agents, agent.Universal) {
			others[i].Agents = []string{agent.Universal} // which stands for all of them
		}
	}
	return append(chosen, others...), nil
}

// readBy returns the folders that agents read in this scope, but those of besides.
func (e *Engine) readBy(ids []string, besides []target.Root) []target.Root {
	var roots []target.Root
	for _, id := range ids {
		dir, err := e.AgentDir(id)
		if err != nil {
			continue // it reads nothing in this scope
		}
		found, err := target.Resolve([]target.Root{{Agents: []string{id}, Dir: dir}})
		if err != nil {
			continue // a link to nowhere holds no skill
		}
		same := func(r target.Root) bool { return r.Real == found[0].Real }
		if slices.ContainsFunc(besides, same) {
			continue
		}
		if i := slices.IndexFunc(roots, same); i >= 0 {
			roots[i].Agents = append(roots[i].Agents, id)
			continue
		}
		roots = append(roots, found[0])
	}
	return roots
}

// planAdoption plans for one folder.
func (e *Engine) planAdoption(ctx context.Context, st *state, readers []target.Root, ad Adoption, o Options) *step {
	s := &step{out: Outcome{Name: filepath.Base(ad.Dir), Ref: ad.From.Typed, Action: Adopted, Targets: []Placement{}}}
	if s.out.Ref == "" {
		s.out.Ref = ad.Dir
	}
	root, err := standing(ad.Dir, readers)
	if err == nil && !skill.ValidName(s.out.Name) {
		err = &NotAdoptableError{Path: ad.Dir, Why: "has a name that no skill can be installed under"}
	}
	if outside, ok := errors.AsType[*NotAdoptableError](err); ok && outside.Outside {
		outside.Why += " in the " + string(e.Scope.Kind) + " scope"
	}
	if err != nil {
		return s.fail(err)
	}
	s.agents = slices.Sorted(slices.Values(root.Agents))
	if e.Scope.Kind == Dir {
		s.dirs = []string{"."}
	}
	s.spots = []*spot{{root: root}}
	if entry, ok := st.lock.Skills[s.out.Name]; ok {
		return e.planLocked(ctx, s, &entry, ad, o)
	}
	return e.identify(ctx, s, ad, o)
}

// standing returns the root of which dir is a child, as a folder and not by a link.
func standing(dir string, readers []target.Root) (target.Root, error) {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return target.Root{}, err
	case info.Mode()&fs.ModeSymlink != 0:
		return target.Root{}, &NotAdoptableError{Path: dir, Why: "is a link, not a folder"}
	case !info.IsDir():
		return target.Root{}, &NotAdoptableError{Path: dir, Why: "is no folder"}
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(dir))
	if err != nil {
		return target.Root{}, err
	}
	i := slices.IndexFunc(readers, func(r target.Root) bool { return r.Real == parent })
	if i < 0 {
		return target.Root{}, &NotAdoptableError{Path: dir, Why: "is in no folder that an agent reads", Outside: true}
	}
	return readers[i], nil
}

// planLocked plans for a folder whose name the lock has.
func (e *Engine) planLocked(ctx context.Context, s *step, entry *lockfile.Skill, ad Adoption, o Options) *step {
	roots, err := e.rootsOf(entry.Agents, entry.Dirs)
	if err != nil {
		return s.fail(err)
	}
	now, err := digestOf(ctx, s.spots[0].root.Path(s.out.Name))
	if err != nil {
		return s.fail(err)
	}
	s.spots[0].tree, s.spots[0].state = now, clean
	ours := slices.ContainsFunc(roots, func(r target.Root) bool { return r.Real == s.spots[0].root.Real })
	switch {
	case entry.Disabled || e.elsewhere(entry, ad), !ours && (now != entry.Tree || entry.Placement == lockfile.Link):
		return s.fail(&LockedError{Name: entry.Name, Path: ad.Dir, Have: e.identityOf(entry).String()})
	case ours && now != entry.Tree && e.isSource(entry, s.spots[0].root):
		// It is the skill's only source: what was edited there is the new version.
		s.entry, s.agents, s.dirs = entry, slices.Clone(entry.Agents), slices.Clone(entry.Dirs)
		ad.Local = true
		s = e.identify(ctx, s, ad, o)
		for _, r := range roots {
			if r.Real != s.spots[0].root.Real && !s.failed() {
				s.warn(r.Shown(entry.Name) + " has other files now; skills install --on-edit=overwrite makes them the same, after a backup")
			}
		}
		return s
	}
	restored := &step{entry: entry, exact: true, path: entry.Path, agents: s.agents, dirs: s.dirs, spots: s.spots, pin: e.pinOf(entry)}
	restored.out = Outcome{Name: entry.Name, Ref: entry.Ref, From: entry.Version}
	e.describe(restored)
	restored.verb, restored.out.Action = adopt, Adopted
	if ours {
		restored.verb, restored.out.Action = nothing, Unchanged
		restored.agents, restored.dirs, restored.link = entry.Agents, entry.Dirs, entry.Placement == lockfile.Link
	}
	restored.out.Targets = []Placement{{Agents: s.spots[0].root.Agents, Path: s.spots[0].root.Shown(entry.Name), Status: restored.out.Action}}
	return restored
}

// elsewhere reports whether an adoption says outright that a folder came from
// somewhere else than the lock says.
func (e *Engine) elsewhere(entry *lockfile.Skill, ad Adoption) bool {
	if ad.From.Typed == "" || ad.Local {
		return false
	}
	route, err := e.Source.Route(ad.From.Ref)
	if err != nil || route.Registry == "" && entry.Registry == "" {
		return false
	}
	want, have := e.identityFor(route, ad.From.Ref), e.identityOf(entry)
	if route.Registry == "" {
		have.slug = ""
	}
	if want.owner == "" {
		have.owner = ""
	}
	return want != have
}

// isSource reports whether the folder of a skill below root is also where the skill
// comes from.
func (e *Engine) isSource(entry *lockfile.Skill, root target.Root) bool {
	if entry == nil || entry.Registry != "" {
		return false
	}
	from := e.absolute(entry.URL)
	return from == root.Path(entry.Name) || from == root.Shown(entry.Name)
}

// agree makes one skill of folders that hold the same one. Other folders of one
// name fail, but the first.
func agree(steps []*step) {
	for i, s := range steps {
		if s.verb != adopt {
			continue
		}
		j := slices.IndexFunc(steps[:i], func(other *step) bool { return other.verb == adopt && other.out.Name == s.out.Name })
		if j < 0 {
			continue
		}
		first := steps[j]
		same := identityOfPin(first.pin) == identityOfPin(s.pin) || first.pin.Registry == "" && s.pin.Registry == ""
		switch {
		case !same || first.out.Tree != s.out.Tree:
			s.fail(&LockedError{Name: s.out.Name, Path: s.spots[0].root.Shown(s.out.Name), Have: "from " + first.spots[0].root.Shown(s.out.Name)})
		case first.spots[0].root.Real == s.spots[0].root.Real:
			s.verb, s.out.Action = nothing, Unchanged // named twice
		}
	}
}

// keepAdopted puts the artifacts of what is taken over into the store, where they are
// the pristine files that edits are told by.
func (a *apply) keepAdopted() {
	for _, s := range a.plan.steps {
		if s.verb != adopt || s.body == nil {
			continue
		}
		if err := s.body.Commit(); err != nil {
			s.warn("not kept for later: " + err.Error())
		}
	}
}

// admitAdopted is admit for what is taken over: the lock must be as it was when the
// plan was made, and so must the folder.
func (a *apply) admitAdopted(ctx context.Context, st *state, s *step) error {
	entry, there := st.lock.Skills[s.out.Name]
	if there != (s.entry != nil) || there && !entry.Equal(*s.entry) {
		return ErrMoved
	}
	now, err := digestOf(ctx, s.spots[0].root.Path(s.out.Name))
	if err != nil {
		return err
	}
	if now != s.spots[0].tree {
		return ErrMoved
	}
	if slices.ContainsFunc(a.plan.steps[:s.slot], func(other *step) bool { return other.verb == adopt && other.out.Name == s.out.Name }) {
		s.exact, s.listed = true, "" // the skill is recorded by then, and only its place is to be added
	}
	return nil
}

// take makes what was found out about a folder the content of its step.
func (e *Engine) take(s *step, c *candidate, q *inquiry) *step {
	s.want, s.route, s.pin, s.ours = c.want, c.route, c.pin, c.ours
	s.body, c.body = c.body, nil
	s.listed = c.want.Typed
	s.out.Ref, s.out.Warnings = c.want.Typed, c.out.Warnings
	name := s.out.Name
	e.describe(s)
	s.out.Name = name
	if s.entry == nil {
		s.out.Action = Adopted
	}
	s.spots[0].tree, s.spots[0].state = q.now.Digest(), clean
	if !c.is(q.now) {
		changes, notes := c.differs(q.now)
		s.out.Files = changes
		switch {
		case notes:
			s.warn("holds what another tool noted down, which verify will tell of until it is deleted: " + some(changes.Added))
		case q.OnEdit != KeepOnEdit:
			err := &ChangedError{Path: s.spots[0].root.Shown(name), Registry: s.pin.Registry, Version: s.pin.Version, Changes: changes}
			if k := s.route.Ref.Kind; s.pin.Registry == "" && k != ref.Dir {
				err.Registry = quote(placeOf(s.route.Ref))
			}
			return s.fail(errors.Join(err, s.drop()))
		default:
			s.warn("its files count as edits: " + changes.String())
		}
	}
	s.verb = adopt
	s.report()
	return s
}
