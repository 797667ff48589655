package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/manifest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/target"
	"github.com/openskills-go/skills/pkg/tree"
)

// A journal says what is about to be done, before it is. It is durable, and so
// is every tree that it names, before the first of them moves: whoever finds it
// can finish. It stands beside the lock, where every process that could touch
// the scope looks, whatever its environment.
type journal struct {
	Steps []journalStep `json:"steps"`
	// Lock is skills.lock with the entries of the steps, and no others, as they
	// are to be.
	Lock json.RawMessage `json:"lock"`
	next *lockfile.Lock
	// Was is the same as it is. With Command and Generation it is for the history.
	Was        json.RawMessage `json:"was,omitempty"`
	was        *lockfile.Lock
	Command    string `json:"command,omitempty"`
	Generation int    `json:"generation,omitempty"`
	// manifest is as it will be, as far as registries go.
	manifest manifest.Manifest
}

type journalStep struct {
	Agents []string `json:"agents,omitempty"`
	Dirs   []string `json:"dirs,omitempty"`
	Name   string   `json:"name"`
	Remove bool     `json:"remove,omitempty"`
	Listed string   `json:"listed,omitempty"` // for the manifest
	// Registry is the address of the registry that Listed names, for a manifest
	// that has no registry of that name.
	Registry string        `json:"registry,omitempty"`
	Spots    []journalSpot `json:"spots"`
}

type journalSpot struct {
	Path   string        `json:"path"`
	Staged string        `json:"staged,omitempty"` // "" where the tree was there already
	Before digest.Digest `json:"before,omitempty"`
	After  digest.Digest `json:"after,omitempty"`
	// Rest is the staged tree that takes the place of one that is removed.
	Rest digest.Digest `json:"rest,omitempty"`
}

const journalName = ".skills-journal.json"

func (e *Engine) journalPath() string { return filepath.Join(e.Scope.Root, journalName) }

// add adds a step. One that leaves the folders alone has no spots.
func (j *journal) add(e *Engine, st *state, s *step) error {
	entry := entryIn(st.lock, s.out.Name)
	if s.verb == nothing && entry == nil {
		return nil // it was removed meanwhile
	}
	js := journalStep{Name: s.out.Name, Agents: s.agents, Dirs: s.dirs, Remove: s.verb == remove}
	if e.lists(st, s) {
		var err error
		if js.Listed, err = e.qualify(&j.manifest, s); err != nil {
			return err
		}
		js.Registry = j.manifest.Registries[registryOf(js.Listed)]
	}
	for i, p := range s.spots {
		if s.verb == nothing {
			break
		}
		spot := journalSpot{Path: p.root.Path(s.out.Name), Before: p.tree, After: p.want(s), Rest: p.rest}
		if stage := s.stageFor(i); stage != nil {
			spot.Staged = stage.Staged(s.staged.key)
		}
		js.Spots = append(js.Spots, spot)
	}
	if j.next == nil {
		j.next, j.was = lockfile.New(), lockfile.New()
	}
	if entry != nil {
		if err := j.next.Put(*entry); err != nil {
			return err
		}
		j.was.Skills[entry.Name] = *entry
	}
	// The entry is made the way record will make it.
	if err := e.record(&state{lock: j.next}, s); err != nil {
		return err
	}
	j.Steps = append(j.Steps, js)
	return nil
}

// writeJournal makes the journal durable together with all that was staged.
func (e *Engine) writeJournal(j *journal, staging []string) error {
	j.Lock, j.Was = j.next.Bytes(), j.was.Bytes()
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	if err := writeFile(e.journalPath(), data); err != nil {
		return err
	}
	if err := target.Flush(staging, []string{e.journalPath(), e.Scope.Root}); err != nil {
		return errors.Join(err, os.Remove(e.journalPath()))
	}
	return nil
}

// Recover finishes what a killed process had begun to put in place. Where there
// is nothing to finish it looks for one file and is done.
func (e *Engine) Recover(ctx context.Context) error {
	if _, err := os.Lstat(e.journalPath()); err != nil {
		return nil
	}
	hold, err := e.hold(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = hold.Close() }()
	return e.recover(ctx)
}

// recover is Recover for who holds the scope.
func (e *Engine) recover(ctx context.Context) error {
	data, err := readJournal(e.journalPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	var j journal
	if err := json.Unmarshal(data, &j); err != nil {
		// It was being written when the power went: nothing had moved yet.
		return os.Remove(e.journalPath())
	}
	next, err := lockfile.Parse(j.Lock)
	if _, newer := errors.AsType[*lockfile.NewerError](err); newer {
		return fmt.Errorf("read journal: %w", err) // for the program that wrote it
	}
	if err != nil {
		return os.Remove(e.journalPath())
	}
	st, err := e.load()
	if err != nil {
		return err
	}
	was, err := lockfile.Parse(j.Was)
	if err != nil {
		was = lockfile.New() // it is for the history, and no more
	}
	changed := newChronicle()
	dirs := []string{e.Scope.Root}
	j.Steps = slices.DeleteFunc(j.Steps, func(js journalStep) bool {
		ours, err := e.couldBeOurs(js)
		return err != nil || !ours
	})
	for _, js := range j.Steps {
		done, err := redo(ctx, js)
		if err != nil {
			return fmt.Errorf("finish an interrupted run: %w", err)
		}
		if !done {
			continue
		}
		for _, p := range js.Spots {
			dirs = append(dirs, filepath.Dir(p.Path))
		}
		if err := e.redoLock(st, next, js); err != nil {
			return err
		}
		changed.note(js.Name, entryIn(was, js.Name), entryIn(next, js.Name))
	}
	if _, err := e.save(st, existing(dirs)); err != nil {
		return err
	}
	_ = e.rememberOnce(changed, j.Generation, j.Command) // as in commit
	e.sweepJournal(&j)
	return e.endJournal()
}

// maxJournal bounds what is read of a journal: three locks.
const maxJournal = 48 << 20

// readJournal reads a journal, which may have come with a project and be anything.
func readJournal(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxJournal {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("no file of ours: %w", fs.ErrInvalid)}
	}
	return os.ReadFile(path)
}

// sweepJournal removes the staging folders of a journal that is done with, as far
// as it can. They may stand where no later command comes by.
func (e *Engine) sweepJournal(j *journal) {
	for _, js := range j.Steps {
		for _, p := range js.Spots {
			if room, ok := target.RoomOf(p.Staged); ok {
				_ = target.Sweep(room, e.Scope.Lock)
			}
		}
	}
}

// couldBeOurs reports whether a step of a journal moves what an Apply of this
// scope moves: a skill between its place and a staging folder beside it. The
// journal stands in a folder that may have come from anywhere.
func (e *Engine) couldBeOurs(js journalStep) (bool, error) {
	if !skill.ValidName(js.Name) || slices.ContainsFunc(js.Dirs, func(d string) bool { return !filepath.IsLocal(d) }) {
		return false, nil
	}
	roots, err := e.rootsOf(js.Agents, js.Dirs)
	if err != nil {
		return false, err
	}
	for _, p := range js.Spots {
		if !slices.ContainsFunc(roots, func(r target.Root) bool {
			return p.Path == r.Path(js.Name) && (p.Staged == "" || target.IsStagedFor(r, p.Staged))
		}) {
			return false, nil
		}
	}
	return true, nil
}

func (e *Engine) redoLock(st *state, next *lockfile.Lock, js journalStep) error {
	entry, ok := next.Skills[js.Name]
	if !ok {
		st.lock.Delete(js.Name)
		if st.manifest == nil {
			return nil
		}
		return st.manifest.Remove(js.Name)
	}
	if err := st.lock.Put(entry); err != nil {
		return err
	}
	return e.redoList(st, js)
}

// redoList lists a skill as list did, or was about to. There may be no sources
// to ask by now what a bare slug leads to.
func (e *Engine) redoList(st *state, js journalStep) error {
	if js.Listed == "" || e.Scope.Manifest == "" {
		return nil
	}
	if st.manifest == nil {
		st.manifest = &manifest.Manifest{}
	}
	name := registryOf(js.Listed)
	if _, known := st.manifest.Registries[name]; js.Registry != "" && !known {
		if err := st.manifest.AddRegistry(name, js.Registry); err != nil {
			return err
		}
	}
	if have, ok := st.manifest.Ref(js.Name); !ok || have != js.Listed {
		st.listing = append(st.listing, manifest.Skill{Name: js.Name, Ref: js.Listed})
	}
	return nil
}

// registryOf returns the name of the registry that a reference names, or "".
func registryOf(reference string) string {
	r, err := ref.Parse(reference)
	if err != nil || r.Kind != ref.Registry {
		return ""
	}
	return r.Registry
}

// redo brings every spot of a step to what it was to be. It touches nothing that
// is neither what was there nor what was to come, and reports whether all of the
// step is done.
func redo(ctx context.Context, js journalStep) (bool, error) {
	done, begun := true, false
	var left []func() (bool, error)
	for _, p := range js.Spots {
		now, err := digestOf(ctx, p.Path)
		if err != nil {
			return false, err
		}
		switch {
		case js.Remove && (now == "" || p.Staged == "" || now == p.Rest), !js.Remove && now == p.After:
			begun = begun || p.Staged != ""
			continue
		case now != p.Before && (js.Remove || now != "") || p.Staged == "":
			done = false
			continue
		}
		left = append(left, func() (bool, error) { return p.redo(ctx, js.Remove, now) })
	}
	if !done && !begun {
		return false, nil // somebody was there since: all of it stays as the lock says
	}
	for _, move := range left {
		moved, err := move()
		if err != nil {
			return false, err
		}
		done = done && moved
	}
	return done, nil
}

// redo moves what is to be moved, if it is still there.
func (p *journalSpot) redo(ctx context.Context, remove bool, now digest.Digest) (bool, error) {
	want := p.After
	if remove && p.Rest != "" {
		remove, want = false, p.Rest
	}
	if remove {
		err := target.TakeOut(p.Staged, p.Path)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil // someone removed the staging folder
		}
		if err != nil {
			return false, err
		}
		return p.undisturbed(ctx, now, func() error { return target.PutBack(p.Staged, p.Path) })
	}
	staged, err := digestOf(ctx, p.Staged)
	if err != nil || staged != want {
		return false, err
	}
	if now == "" {
		// Nothing was there, or it was moved away just before the end.
		err = target.Place(p.Staged, p.Path)
		return err == nil, err
	}
	if err := target.Swap(p.Staged, p.Path); err != nil {
		return false, err
	}
	return p.undisturbed(ctx, now, func() error { return target.Unswap(p.Staged, p.Path, true) })
}

// undisturbed is that of an apply: what was moved away must be what was looked at.
func (p *journalSpot) undisturbed(ctx context.Context, was digest.Digest, putBack func() error) (bool, error) {
	now, err := digestOf(ctx, target.Taken(p.Staged))
	if err == nil && (now == was || now == "") {
		return true, nil
	}
	return false, errors.Join(err, putBack())
}

// digestOf returns the digest of the tree at path, "" if nothing is there.
func digestOf(ctx context.Context, path string) (digest.Digest, error) {
	t, err := tree.Scan(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case errors.Is(err, fs.ErrInvalid):
		return linkDigest(path), nil
	case err != nil:
		return "", err
	}
	return t.Digest(), nil
}

func existing(dirs []string) []string {
	var there []string
	for _, d := range dirs {
		if _, err := os.Stat(d); err == nil {
			there = append(there, d)
		}
	}
	return there
}

// sweep removes what killed processes left beside the targets of a plan and in
// the store. It waits for the scope only if there is something to remove.
func (e *Engine) sweep(ctx context.Context, p *Plan) error {
	seen := map[string]bool{}
	var dead []string
	for _, s := range p.steps {
		for _, spot := range s.spots {
			if seen[spot.root.Real] {
				continue
			}
			seen[spot.root.Real] = true
			found, err := target.Leftovers(spot.root, e.Scope.Lock)
			if err != nil {
				return err
			}
			dead = append(dead, found...)
		}
	}
	_ = e.Store.Sweep() // what is left there is in nobody's way
	if len(dead) == 0 && len(e.unfinished()) == 0 {
		return nil
	}
	return e.clear(ctx, dead)
}
