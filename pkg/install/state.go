package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"

	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/manifest"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/target"
)

// state is what the scope's files say. The manifest is nil where there is none.
type state struct {
	lock     *lockfile.Lock
	locked   bool // there is a lock file
	manifest *manifest.Manifest
	listing  []manifest.Skill    // what the manifest is to want besides
	known    map[identity]string // name by identity; the first where there are several
}

func (e *Engine) load() (*state, error) {
	s := &state{}
	lock, err := lockfile.Load(e.Scope.Lock)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		lock = lockfile.New()
	case err != nil:
		return nil, err
	default:
		s.locked = true
	}
	s.lock = lock
	s.known = make(map[identity]string, len(lock.Skills))
	for _, name := range lock.Names() {
		entry := lock.Skills[name]
		id := e.identityOf(&entry)
		if _, ok := s.known[id]; !ok {
			s.known[id] = name
		}
	}
	if e.Scope.Manifest == "" {
		return s, nil
	}
	m, err := manifest.Load(e.Scope.Manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	s.manifest = m
	return s, err
}

// hold waits until this process alone may change the scope. The lock is on the
// folder of skills.lock where folders can be locked, so that nothing is written
// to it; the kernel releases it with the process.
func (e *Engine) hold(ctx context.Context) (*flock.Flock, error) {
	for {
		if err := os.MkdirAll(e.Scope.Root, 0o755); err != nil {
			return nil, fmt.Errorf("lock %s: %w", e.Scope.Root, err)
		}
		l := scopeLock(e.Scope.Root)
		ok, err := e.await(ctx, l)
		switch {
		case ok && inPlace(l):
			return l, nil
		case ok:
			// Who made the folder had no use for it and removed it.
			_ = l.Close()
		case ctx.Err() != nil || !errors.Is(err, fs.ErrNotExist):
			_ = l.Close()
			return nil, fmt.Errorf("lock %s: %w", e.Scope.Root, errors.Join(err, ctx.Err()))
		}
	}
}

// exclusively does something with the files of the scope while this process alone
// may change it, and after what a killed one left undone.
func (e *Engine) exclusively(ctx context.Context, do func(*state) error) error {
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
	return do(st)
}

// inPlace reports whether what is locked still has its name.
func inPlace(l *flock.Flock) bool {
	locked, err := l.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(l.Path())
	return err == nil && os.SameFile(locked, named)
}

// roots returns the folders that agents and dirs stand for in this scope.
func (e *Engine) roots(agents, dirs []string) ([]target.Root, error) {
	var roots []target.Root
	for _, d := range dirs {
		roots = append(roots, target.Root{Dir: filepath.Join(e.Scope.Root, filepath.FromSlash(d))})
	}
	for _, a := range agents {
		dir, err := e.AgentDir(a)
		if err != nil {
			return nil, err
		}
		roots = append(roots, target.Root{Agents: []string{a}, Dir: dir})
	}
	return target.Resolve(roots)
}

// chosen returns the agents and dirs that a skill is to stand in: those asked
// for beside those it stands in already, else the engine's own.
func (e *Engine) chosen(o Options, entry *lockfile.Skill) (agents, dirs []string) {
	if e.Scope.Kind == Dir {
		return nil, []string{"."}
	}
	if entry != nil {
		agents, dirs = slices.Clone(entry.Agents), slices.Clone(entry.Dirs)
	}
	for _, a := range o.Agents {
		if !slices.Contains(agents, a) {
			agents = append(agents, a)
		}
	}
	if len(agents)+len(dirs) == 0 {
		agents = slices.Clone(e.Agents)
	}
	slices.Sort(agents)
	return agents, dirs
}

// links reports whether a skill is to stand in one folder with links to it from
// the others: if it was asked for, or is so already.
func (e *Engine) links(o Options, entry *lockfile.Skill) bool {
	return e.Scope.Kind == User && (o.Link || entry != nil && entry.Placement == lockfile.Link)
}

// An identity is what makes two references the same skill, whatever they are
// called and whichever version they want.
type identity struct{ registry, owner, slug, url, path string }

func (i identity) String() string {
	switch {
	case i.registry == "" && i.path != "":
		return i.path + " in " + i.url
	case i.registry == "":
		return i.url
	case i.owner == "":
		return i.slug + " of " + i.registry
	}
	return i.owner + "/" + i.slug + " of " + i.registry
}

func (e *Engine) identityOf(s *lockfile.Skill) identity {
	if s.Registry == "" {
		id := placed(e.absolute(s.URL), s.Slug)
		id.path = s.Path
		return id
	}
	return identity{registry: e.absolute(s.Registry), owner: s.Owner, slug: s.Slug, path: s.Path}
}

func (s *step) identity() identity {
	id := identityOfPin(s.pin)
	id.path = s.path
	return id
}

func identityOfPin(p source.Pin) identity {
	if p.Registry == "" {
		return placed(p.URL, p.Slug)
	}
	return identity{registry: p.Registry, owner: p.Owner, slug: p.Slug}
}

// placed returns the identity of what comes from no registry. A repository of an
// OCI registry may be a collection, whose skills are told apart by their names.
func placed(url, slug string) identity {
	if !strings.HasPrefix(url, "oci") {
		slug = ""
	}
	return identity{url: url, slug: slug}
}

// relative turns a folder or file of this machine into a slash path relative to
// the lock, which means the same in another checkout. Outside of a project only
// what is below the lock moves with it: of anything else the whole path is kept,
// lest a copy elsewhere finds something else there. URLs stay as they are.
func (e *Engine) relative(place string) string {
	if !filepath.IsAbs(place) {
		return place
	}
	rel, err := filepath.Rel(e.Scope.Root, place)
	if err != nil {
		return place
	}
	if filepath.IsLocal(rel) {
		return "./" + filepath.ToSlash(rel)
	}
	if e.Scope.Kind != Project {
		return place
	}
	return filepath.ToSlash(rel)
}

// absolute is the inverse of relative.
func (e *Engine) absolute(place string) string {
	if place != ".." && !strings.HasPrefix(place, "./") && !strings.HasPrefix(place, "../") {
		return place
	}
	return filepath.Join(e.Scope.Root, filepath.FromSlash(place))
}
