package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/store"
	"github.com/openskills-go/skills/pkg/target"
	"github.com/openskills-go/skills/pkg/tree"
)

// staged is a skill that is unpacked and verified beside each of its targets.
type staged struct {
	stages []*target.Stage // one for each spot, nil where nothing is to be placed
	key    string
	skill  tree.File // SKILL.md
}

// Apply carries out a plan. A skill that fails leaves its folders as they were
// and does not keep the others from being done; its outcome has the error. An
// error of Apply itself without a Result says that nothing was done; with one, that
// something is left to do for the next Apply, or to clean up.
func (e *Engine) Apply(ctx context.Context, p *Plan) (*Result, error) {
	a := &apply{engine: e, plan: p, stages: map[string]*target.Stage{}, listed: map[string]map[string]bool{}}
	err := a.run(ctx)
	err = errors.Join(err, a.close())
	if err != nil && !a.committed {
		return nil, err
	}
	return &Result{Outcomes: p.Outcomes()}, err
}

// An apply is one Apply.
type apply struct {
	engine *Engine
	plan   *Plan

	committed bool // the lock says what was done

	mu     sync.Mutex
	stages map[string]*target.Stage   // by real root
	listed map[string]map[string]bool // what stands in each root, while the scope is held
}

func (a *apply) run(ctx context.Context) error {
	e := a.engine
	todo := 0
	for i, s := range a.plan.steps {
		s.slot = i
		if s.verb != nothing {
			todo++
		}
	}
	e.tell(Event{Kind: Planned, Count: todo})
	if err := a.stageAll(ctx); err != nil {
		return err
	}
	if err := e.sweep(ctx, a.plan); err != nil {
		return err
	}
	if !a.changes() {
		return nil
	}
	e.tell(Event{Kind: Flushing})
	return a.commit(ctx)
}

// changes reports whether there is anything to do to folders, lock or manifest.
func (a *apply) changes() bool {
	return slices.ContainsFunc(a.plan.steps, func(s *step) bool {
		return s.verb != nothing || a.recordable(s)
	})
}

// recordable reports whether a step that leaves the folders alone may still have
// something to say in the lock or the manifest.
func (a *apply) recordable(s *step) bool {
	if s.out.Err != nil || s.entry == nil || s.out.Action != Unchanged {
		return false
	}
	if !slices.Equal(s.agents, s.entry.Agents) || !slices.Equal(s.dirs, s.entry.Dirs) || s.placement() != s.entry.Placement {
		return true
	}
	if s.narrows() {
		return true
	}
	if s.listed == "" || a.engine.Scope.Manifest == "" {
		return false
	}
	if a.plan.state.manifest == nil {
		return true
	}
	_, listed := a.plan.state.manifest.Ref(s.out.Name)
	return !listed
}

// narrows reports whether a skill that is in place already was asked for with
// another query than before, which the lock and the manifest then keep.
func (s *step) narrows() bool {
	return s.entry != nil && s.want.Typed != "" && s.want.Typed != s.entry.Ref && s.want.Ref.Query.String() != ""
}

// stageAll fetches and unpacks whatever is to be placed. Transfers run ahead of
// the unpackers, of which there are as many as keep the cores and the file
// system busy.
func (a *apply) stageAll(ctx context.Context) error {
	type fetched struct {
		step *step
		*artifact
	}
	ready := make(chan fetched, a.engine.jobs())
	var g errgroup.Group
	g.Go(func() error {
		defer close(ready)
		return a.engine.each(ctx, len(a.plan.steps), func(ctx context.Context, i int) {
			s := a.plan.steps[i]
			if s.verb != place {
				return
			}
			body, err := a.engine.obtain(ctx, s)
			if err != nil {
				a.done(s.fail(err))
				return
			}
			select {
			case ready <- fetched{s, body}:
			case <-ctx.Done():
				_ = body.Close()
			}
		})
	})
	for range max(2, min(4, runtime.GOMAXPROCS(0))) {
		g.Go(func() error {
			for f := range ready {
				var err error
				if crash := guard(func() { err = a.stage(ctx, f.step, f.artifact) }); crash != nil {
					err = crash
				}
				if err := errors.Join(err, f.Close()); err != nil {
					a.done(f.step.fail(err))
				}
			}
			return nil
		})
	}
	return errors.Join(g.Wait(), ctx.Err())
}

// stage unpacks an artifact beside every spot that is to get it.
func (a *apply) stage(ctx context.Context, s *step, art *artifact) error {
	st := &staged{stages: make([]*target.Stage, len(s.spots)), key: strconv.Itoa(s.slot)}
	writers, err := a.writers(s, st)
	if err != nil {
		return err
	}
	c, err := a.engine.unpack(ctx, s, art, fanOut(writers), a.plan.options)
	if err != nil {
		return errors.Join(err, st.drop())
	}
	// Only now is the name known, and with it where links lead.
	if err := a.engine.linkSpots(s); err != nil {
		return err
	}
	for i, p := range s.spots {
		if st.stages[i] != nil && p.link != "" {
			if err := a.stageLink(s, st, i); err != nil {
				return err
			}
		}
	}
	st.skill, _ = c.Tree.Lookup(skill.FileName)
	if s.entry != nil && !s.exact {
		s.out.Files = a.engine.difference(ctx, s.entry, &c.Tree)
	}
	s.staged = st
	a.engine.tell(Event{Kind: Staged, Name: s.out.Name})
	return nil
}

// writers opens the staging folders of s, and in each that is to get files a
// place for them.
func (a *apply) writers(s *step, st *staged) ([]tree.Writer, error) {
	var writers []tree.Writer
	for i, p := range s.spots {
		if s.exact && p.state == clean {
			continue
		}
		stage, err := a.open(p.root)
		if err != nil {
			return nil, err
		}
		st.stages[i] = stage
		w, err := stage.Writer(st.key)
		if err != nil {
			return nil, err
		}
		writers = append(writers, w)
	}
	return writers, nil
}

// stageLink puts a link in the place of staged files. Where the system does not
// let us make one, the files it is.
func (a *apply) stageLink(s *step, st *staged, i int) error {
	p := s.spots[i]
	err := st.stages[i].Link(st.key, p.link)
	if errors.Is(err, target.ErrNoLinks) {
		s.out.Warnings = append(s.out.Warnings, p.root.Shown(s.out.Name)+" is a copy: links cannot be made there")
		p.link, p.copied = "", true
		return nil
	}
	return err
}

func (st *staged) drop() error {
	var errs []error
	for _, stage := range st.stages {
		if stage != nil {
			errs = append(errs, stage.Drop(st.key))
		}
	}
	return errors.Join(errs...)
}

func (a *apply) open(root target.Root) (*target.Stage, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if stage, ok := a.stages[root.Real]; ok {
		return stage, nil
	}
	stage, err := target.Open(root, a.engine.Scope.Lock)
	if err != nil {
		return nil, err
	}
	a.stages[root.Real] = stage
	return stage, nil
}

func (a *apply) close() error {
	var errs []error
	release := a.keepRoots()
	defer release()
	errs = append(errs, a.closeStages(), a.plan.Close(), a.engine.Store.Close())
	return errors.Join(errs...)
}

func (a *apply) closeStages() error {
	var errs []error
	for _, stage := range a.stages {
		if a.committed {
			stage.Keep()
		}
		errs = append(errs, stage.Close())
	}
	clear(a.stages)
	return errors.Join(errs...)
}

// keepRoots keeps close from removing folders that others count on while another
// process has the scope. The scope is held until release is called.
func (a *apply) keepRoots() (release func()) {
	made := slices.DeleteFunc(slices.Collect(maps.Values(a.stages)), func(s *target.Stage) bool { return !s.Made() })
	if len(made) == 0 {
		return func() {}
	}
	l := scopeLock(a.engine.Scope.Root)
	ok, err := l.TryLock()
	if !ok && !errors.Is(err, fs.ErrNotExist) {
		for _, s := range made {
			s.Keep()
		}
	}
	return func() { _ = l.Close() }
}

func (a *apply) done(s *step) {
	a.engine.tell(Event{Kind: Done, Name: s.label(), Err: s.out.Err})
}

// commit moves what is staged to its place, and the lock after it.
func (a *apply) commit(ctx context.Context) error {
	e := a.engine
	hold, err := e.hold(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = hold.Close() }()
	if err := e.recover(ctx); err != nil {
		return err
	}
	st, err := e.load()
	if err != nil {
		return err
	}
	for _, stage := range a.stages {
		if err := stage.Remake(); err != nil {
			return err
		}
	}
	j := &journal{}
	if st.manifest != nil {
		j.manifest = *st.manifest
	}
	for _, s := range a.plan.steps {
		if err := a.admit(ctx, st, s, j); err != nil {
			s.fail(err)
		}
	}
	if len(j.Steps) > 0 {
		if err := e.writeJournal(j, a.flushed()); err != nil {
			return err
		}
	}
	var records []store.Record
	for _, s := range a.plan.steps {
		if s.out.Err == nil && s.verb != nothing {
			if err := a.move(s); err != nil {
				s.fail(err)
			}
		}
		if err := e.record(st, s); err != nil {
			s.fail(errors.Join(err, a.unmove(s)))
		}
		if s.out.Err == nil && s.staged != nil && s.pin.Registry != "" {
			records = append(records, recordOf(s))
		}
		if s.verb != nothing || s.out.Err != nil {
			a.done(s)
		}
	}
	if a.committed, err = e.save(st, a.flushed()); !a.committed {
		return errors.Join(err, a.rollBack())
	}
	if err != nil {
		return err
	}
	// The index is a convenience, and the skills are in place: whatever goes
	// wrong here costs a fetch at most.
	_ = e.Store.Remember(records)
	// Until then the journal leads to folders that no later command may come by.
	if err := a.closeStages(); err != nil {
		return err
	}
	return e.endJournal()
}

// rollBack undoes every move, after which nobody needs the journal.
func (a *apply) rollBack() error {
	var errs []error
	for _, s := range a.plan.steps {
		errs = append(errs, a.unmove(s))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return a.engine.endJournal()
}

func recordOf(s *step) store.Record {
	return store.Record{
		Registry: s.pin.Registry, Owner: s.pin.Owner, Slug: s.pin.Slug, Locale: s.pin.Locale, Version: s.pin.Version,
		Artifact: s.pin.Artifact, Tree: s.pin.Tree, ETag: s.pin.Known.ETag, LastModified: s.pin.Known.LastModified,
	}
}

// flushed returns the folders whose file systems must be on disk before anything
// names what is on them.
func (a *apply) flushed() []string {
	dirs := []string{a.engine.Scope.Root}
	for _, stage := range a.stages {
		dirs = append(dirs, stage.Dir())
	}
	if a.engine.Store.Used() {
		dirs = append(dirs, a.engine.Store.Dir())
	}
	return dirs
}

// admit decides, now that nobody else can change the scope, whether s may still
// be done, and writes it into the journal.
func (a *apply) admit(ctx context.Context, st *state, s *step, j *journal) error {
	if s.verb == nothing || s.out.Err != nil {
		return nil
	}
	e := a.engine
	entry, there := st.lock.Skills[s.out.Name]
	if there {
		if s.verb == place && e.identityOf(&entry) != identityOfPin(s.pin) && !a.plan.options.Replace {
			return &IdentityError{Name: s.out.Name, Have: e.identityOf(&entry).String(), Want: identityOfPin(s.pin).String()}
		}
		if s.exact && entry.Tree != s.out.Tree {
			return ErrMoved
		}
		s.entry = &entry
	} else {
		if s.verb == place && s.listed == "" {
			return ErrMoved // it was removed, and nobody asked for it by name
		}
		s.entry = nil
	}
	if err := a.extend(s); err != nil {
		return err
	}
	for _, other := range a.plan.steps[:s.slot] {
		if other.verb == place && other.out.Err == nil && other.out.Name == s.out.Name {
			if identityOfPin(other.pin) != identityOfPin(s.pin) {
				return &IdentityError{Name: s.out.Name, Have: identityOfPin(other.pin).String(), Want: identityOfPin(s.pin).String()}
			}
			if other.out.Tree != s.out.Tree {
				return &IdentityError{Name: s.out.Name, Have: "version " + other.out.Version, Want: "version " + s.out.Version}
			}
			s.verb, s.out.Action = nothing, Unchanged // asked for twice
			return nil
		}
	}
	if err := a.inspect(ctx, s); err != nil {
		return err
	}
	if err := allow(s, a.plan.options); err != nil || s.verb == nothing {
		return err
	}
	if err := e.backup(s); err != nil {
		return err
	}
	for i, p := range s.spots {
		if s.verb == remove && s.stageFor(i) == nil && p.state != absent && p.state != foreign {
			stage, err := a.open(p.root)
			if err != nil {
				return err
			}
			s.setStage(i, stage)
		}
	}
	return j.add(e, s)
}

// inspect reads what stands in the spots of s, unless the listing of their
// folders shows that nothing does.
func (a *apply) inspect(ctx context.Context, s *step) error {
	for _, p := range s.spots {
		names, ok := a.listed[p.root.Real]
		if !ok {
			var err error
			if names, err = p.root.Names(); err != nil {
				return err
			}
			a.listed[p.root.Real] = names
		}
		if _, ok := names[s.out.Name]; ok {
			return a.engine.inspect(ctx, s)
		}
		p.state, p.tree, p.edited = absent, "", nil
	}
	return nil
}

func (s *step) stageFor(i int) *target.Stage {
	if s.staged == nil {
		return nil
	}
	return s.staged.stages[i]
}

func (s *step) setStage(i int, stage *target.Stage) {
	if s.staged == nil {
		s.staged = &staged{stages: make([]*target.Stage, len(s.spots)), key: strconv.Itoa(s.slot)}
	}
	s.staged.stages[i] = stage
}

// move swaps the trees of s in, or takes them out, and reads back what is there.
// If one target fails, those before it get back what they had.
func (a *apply) move(s *step) error {
	was := make([]Action, len(s.spots))
	s.moved = was
	for i, p := range s.spots {
		status, err := a.moveSpot(s, i, p)
		if err != nil {
			return errors.Join(err, a.unmove(s))
		}
		was[i] = status
		if i < len(s.out.Targets) {
			s.out.Targets[i].Path = p.root.Shown(s.out.Name)
		}
	}
	s.report()
	for i, status := range was {
		s.out.Targets[i].Status = status
	}
	if s.verb == place && !slices.ContainsFunc(was, func(w Action) bool { return w != Unchanged }) {
		s.out.Action = Unchanged
	}
	return nil
}

func (a *apply) moveSpot(s *step, i int, p *spot) (Action, error) {
	stage := s.stageFor(i)
	path := p.root.Path(s.out.Name)
	switch {
	case s.verb == remove && stage == nil:
		return Skipped, nil
	case s.verb == remove:
		return Removed, target.TakeOut(stage.Staged(s.staged.key), path)
	case stage == nil, p.tree == p.want(s):
		return Unchanged, a.readBack(s, p)
	}
	if p.state == absent {
		err := target.Place(stage.Staged(s.staged.key), path)
		if errors.Is(err, fs.ErrExist) {
			// Made meanwhile, or there under a name that this file system takes for the same.
			return Failed, &NotOursError{Name: s.out.Name, Path: p.root.Shown(s.out.Name)}
		}
		if err != nil {
			return Failed, err
		}
	} else if err := target.Swap(stage.Staged(s.staged.key), path); err != nil {
		return Failed, err
	}
	if err := a.readBack(s, p); err != nil {
		return Failed, errors.Join(err, putBack(s, i, p))
	}
	if p.state == absent {
		return Installed, nil
	}
	return Updated, nil
}

// readBack proves that an agent finds what was placed: SKILL.md is there, is a
// regular file, and has the very bytes that were parsed.
func (a *apply) readBack(s *step, p *spot) error {
	path := filepath.Join(p.root.Path(s.out.Name), skill.FileName)
	sum, err := tree.SumFile(path, s.staged.skill.Size)
	if err == nil && sum != s.staged.skill.Sum {
		err = &digest.MismatchError{What: "SKILL.md", Want: digest.FromSum(s.staged.skill.Sum), Got: digest.FromSum(sum)}
	}
	if err != nil {
		return &ReadBackError{Name: s.out.Name, Path: p.root.Shown(s.out.Name), Err: err}
	}
	return nil
}

// unmove puts back what move moved, if it did.
func (a *apply) unmove(s *step) error {
	var errs []error
	for i, was := range s.moved {
		switch was {
		case Installed, Updated, Removed:
			errs = append(errs, putBack(s, i, s.spots[i]))
		}
	}
	s.moved = nil
	return errors.Join(errs...)
}

// putBack undoes the swap of one spot.
func putBack(s *step, i int, p *spot) error {
	staged, path := s.staged.stages[i].Staged(s.staged.key), p.root.Path(s.out.Name)
	if s.verb == remove {
		return target.PutBack(staged, path)
	}
	return target.Unswap(staged, path, p.state != absent)
}

// record says in the lock and the manifest what was done.
func (e *Engine) record(st *state, s *step) error {
	switch {
	case s.out.Err != nil || s.out.Action == Skipped:
		return nil
	case s.verb == remove:
		return e.unrecord(st, s)
	case s.verb == nothing && s.out.Action != Unchanged:
		return nil
	}
	entry, ok := st.lock.Skills[s.out.Name]
	if s.verb == place && !s.exact || !ok {
		if s.verb == nothing {
			return nil // planned as unchanged, and removed by someone else meanwhile
		}
		entry = e.entryOf(s, entry)
	}
	if s.narrows() {
		entry.Ref = s.want.Typed
	}
	entry.Agents, entry.Dirs, entry.Placement = union(entry.Agents, s.agents), union(entry.Dirs, s.dirs), s.placement()
	if err := st.lock.Put(entry); err != nil {
		return err
	}
	if s.verb == nothing && !s.narrows() && st.manifest != nil {
		if _, ok := st.manifest.Ref(s.out.Name); ok {
			return nil
		}
	}
	return e.list(st, s)
}

func (e *Engine) entryOf(s *step, old lockfile.Skill) lockfile.Skill {
	entry := lockfile.Skill{
		Name: s.out.Name, Ref: s.want.Typed, Registry: e.relative(s.pin.Registry), Slug: s.pin.Slug, Owner: s.pin.Owner,
		Version: s.pin.Version, Artifact: s.pin.Artifact, Size: s.pin.Size, Tree: s.pin.Tree, Trust: string(s.pin.Trust),
		Locale: s.pin.Locale, Revision: s.pin.Revision, Pin: old.Pin,
	}
	if s.pin.Registry == "" {
		entry.URL = e.relative(s.pin.URL)
	}
	return entry
}

func (s *step) placement() string {
	if s.link {
		return lockfile.Link
	}
	return ""
}

// unrecord takes a removed skill out of the lock, or only the agents it was
// removed from.
func (e *Engine) unrecord(st *state, s *step) error {
	entry, ok := st.lock.Skills[s.out.Name]
	if !ok {
		return nil
	}
	entry.Agents, entry.Dirs = without(entry.Agents, s.agents), without(entry.Dirs, s.dirs)
	if len(entry.Agents)+len(entry.Dirs) > 0 {
		return st.lock.Put(entry)
	}
	st.lock.Delete(s.out.Name)
	if st.manifest == nil {
		return nil
	}
	return st.manifest.Remove(s.out.Name)
}

// fanOut returns a Writer that writes to all of several.
func fanOut(writers []tree.Writer) tree.Writer {
	if len(writers) == 1 {
		return writers[0]
	}
	return many(writers)
}

type many []tree.Writer

func (m many) Mkdir(path string) error {
	for _, w := range m {
		if err := w.Mkdir(path); err != nil {
			return err
		}
	}
	return nil
}

func (m many) Create(path string, mode fs.FileMode) (io.WriteCloser, error) {
	files := make(manyFiles, 0, len(m))
	for _, w := range m {
		f, err := w.Create(path, mode)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("create %s: %w", path, err), files.Close())
		}
		files = append(files, f)
	}
	return files, nil
}

type manyFiles []io.WriteCloser

func (m manyFiles) Write(p []byte) (int, error) {
	for _, f := range m {
		if n, err := f.Write(p); err != nil {
			return n, err
		}
	}
	return len(p), nil
}

func (m manyFiles) Close() error {
	var errs []error
	for _, f := range m {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
