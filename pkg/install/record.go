package install

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/manifest"
	"github.com/openskills-go/skills/pkg/ref"
)

// record says in the lock and the manifest what was done.
func (e *Engine) record(st *state, s *step) error {
	switch {
	case s.failed() || s.out.Action == Skipped:
		return nil
	case s.verb == remove:
		return e.unrecord(st, s)
	case s.verb == nothing && s.out.Action != Unchanged:
		return nil
	}
	entry, ok := st.lock.Skills[s.out.Name]
	agents, dirs := union(entry.Agents, s.agents), union(entry.Dirs, s.dirs)
	switch {
	case s.verb == nothing && !ok:
		return nil // planned as unchanged, and removed by someone else meanwhile
	case s.verb == place && s.back != nil:
		pin, disabled := entry.Pin, entry.Disabled
		entry = *s.back
		entry.Pin, entry.Disabled = pin, disabled
	case s.verb != nothing && !s.exact, !ok:
		entry = e.entryOf(s, entry)
	}
	if s.show {
		entry.Disabled = false
	}
	if s.restates() {
		entry.Ref = s.want.Typed
	}
	entry.Agents, entry.Dirs, entry.Placement = agents, dirs, s.placement()
	if err := st.lock.Put(entry); err != nil {
		return err
	}
	return e.list(st, s)
}

// lists reports whether the manifest is to say what s was asked for as.
func (e *Engine) lists(st *state, s *step) bool {
	if e.Scope.Manifest == "" || s.listed == "" {
		return false
	}
	if s.verb != nothing || s.restates() || st.manifest == nil {
		return true
	}
	_, listed := st.manifest.Ref(s.out.Name)
	return !listed
}

func (e *Engine) entryOf(s *step, old lockfile.Skill) lockfile.Skill {
	entry := lockfile.Skill{
		Name: s.out.Name, Ref: s.want.Typed, Registry: e.relative(s.pin.Registry), Slug: s.pin.Slug, Owner: s.pin.Owner,
		Version: s.pin.Version, Artifact: s.pin.Artifact, Size: s.pin.Size, Tree: s.pin.Tree, Trust: string(s.pin.Trust),
		Locale: s.pin.Locale, Revision: s.pin.Revision, Path: s.path, Pin: old.Pin, Disabled: old.Disabled,
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
// removed from, or says that it is disabled.
func (e *Engine) unrecord(st *state, s *step) error {
	entry, ok := st.lock.Skills[s.out.Name]
	if !ok {
		return nil
	}
	if s.hide {
		entry.Disabled = true
		return st.lock.Put(entry)
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

// list writes a skill that was asked for into the manifest. A project without a
// manifest is none; the user's is made when it is first needed.
func (e *Engine) list(st *state, s *step) error {
	if !e.lists(st, s) {
		return nil
	}
	if st.manifest == nil {
		st.manifest = &manifest.Manifest{}
	}
	listed, err := e.qualify(st.manifest, s)
	if err != nil {
		return err
	}
	if have, ok := st.manifest.Ref(s.out.Name); !ok || have != listed {
		st.listing = append(st.listing, manifest.Skill{Name: s.out.Name, Ref: listed})
	}
	return nil
}

// qualify returns the reference by which the manifest names a skill. A bare slug
// that was looked up elsewhere than where a bare slug leads gets a prefix, so
// that nobody who reads the manifest gets it from another registry.
func (e *Engine) qualify(m *manifest.Manifest, s *step) (string, error) {
	r, from := s.want.Ref, s.out.Registry
	if r.Kind != ref.Registry || from == "" || r.Registry == "" && from == e.Registry || s.listed != s.want.Typed {
		return s.listed, nil
	}
	if r.Registry == "" {
		r.Registry = e.nameOf(from, m)
	}
	if _, ok := m.Registries[r.Registry]; ok {
		return r.String(), nil
	}
	// The name may be known only to this user's settings.
	return r.String(), m.AddRegistry(r.Registry, e.relative(from))
}

// nameOf returns the name of the registry at an address: one that it has, else a
// new one.
func (e *Engine) nameOf(address string, m *manifest.Manifest) string {
	for _, name := range slices.Sorted(maps.Keys(m.Registries)) {
		if e.absolute(m.Registries[name]) == address {
			return name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Source.Named)) {
		if _, taken := m.Registries[name]; !taken && e.Source.Named[name] == address {
			return name
		}
	}
	return registryName(address, m.Registries)
}

// registryName makes a name for a registry out of the last word of its folder or
// the host of its URL.
func registryName(url string, taken map[string]string) string {
	_, place, isURL := strings.Cut(url, "://")
	if isURL {
		place, _, _ = strings.Cut(place, "/")
	} else {
		place = filepath.Base(url)
	}
	base := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') {
			return r
		}
		return '-'
	}, place)
	name := base
	if !ref.ValidRegistry(name) {
		base = "registry-" + strings.Trim(base, "-")
		name = base
	}
	for i := 2; taken[name] != ""; i++ {
		name = base + "-" + strconv.Itoa(i)
	}
	return name
}
