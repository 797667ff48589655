package install

import (
	"context"
	"fmt"
	"strings"

	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// What comes from no registry is known by its place, and in places that have
// revisions a reference names one or leaves it open.

// placeOf returns the place that a reference to no registry leads to, whichever
// revision of it is wanted.
func placeOf(r ref.Ref) string {
	switch r.Kind {
	case ref.URL:
		return r.URL
	case ref.Git, ref.OCI:
		r.Rev, r.Query, r.Locale = "", version.Query{}, ""
		return r.String()
	case ref.Registry, ref.Dir, ref.File:
	}
	return r.Path
}

// revised reports whether places of a kind have revisions.
func revised(k ref.Kind) bool { return k == ref.Git || k == ref.OCI }

// sameRevision reports whether a reference to a place with revisions is content
// with what an entry has: it asks for what the entry was asked for as, or leaves
// it open. What a branch or a tag means by now is a question for update.
func sameRevision(r ref.Ref, entryRef string) bool {
	if r.Rev == "" && r.Query.Kind() == version.Any {
		return true
	}
	was, err := ref.Parse(entryRef)
	return err == nil && was.Rev == r.Rev && was.Query == r.Query
}

// sameSkill reports whether two references are to one skill, whichever version of
// it they want.
func sameSkill(a, b ref.Ref) bool {
	if a.Kind != b.Kind {
		return false
	}
	return a.Kind == ref.Registry && a.Slug == b.Slug || revised(a.Kind) && placeOf(a) == placeOf(b)
}

// ofPlace returns the entry that a reference into an OCI registry is about, as far
// as that can be told before it is asked: nil if it cannot. What is named by its
// digest may be one of several in a collection.
func (e *Engine) ofPlace(st *state, s *step) *lockfile.Skill {
	r := s.route.Ref
	var found []lockfile.Skill
	for _, name := range st.lock.Names() {
		entry := st.lock.Skills[name]
		was, err := ref.Parse(entry.Ref)
		if err != nil || entry.Registry != "" || entry.Path != s.path || s.want.As != "" && name != s.want.As || !sameSkill(was, r) {
			continue
		}
		if was == r {
			return &entry
		}
		if !isDigest(r.Rev) && !isDigest(was.Rev) {
			found = append(found, entry)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return &found[0]
}

func isDigest(rev string) bool { return strings.Contains(rev, ":") }

// peekRevision finds out whether the revision of the pin of s is what the lock
// has. Another revision may hold the same files; a version that is promised may
// not hold others.
func (e *Engine) peekRevision(ctx context.Context, s *step, o Options) (unchanged bool, err error) {
	if s.pin.Revision == s.entry.Revision {
		return true, nil
	}
	promised := s.pin.Version != ""
	if promised && s.pin.Version != s.entry.Version {
		return false, nil
	}
	s.out.Name = s.entry.Name
	if err := e.look(ctx, s, o); err != nil {
		return false, err
	}
	s.out.Warnings = nil
	if promised && s.pin.Tree != s.entry.Tree {
		return false, &VersionBytesError{Name: s.entry.Name, Version: s.entry.Version, Have: s.entry.Tree, Got: s.pin.Tree}
	}
	return false, nil
}

// direct returns where an entry that comes from no registry came from, for a
// reference to it.
func (e *Engine) direct(r ref.Ref, url string) (source.Route, error) {
	if r.Kind == ref.Dir || r.Kind == ref.File {
		r.Path = e.absolute(url)
	}
	src := e.Source.For(r.Kind)
	if src == nil {
		return source.Route{}, fmt.Errorf("install from %s: %w", r.Kind, source.ErrUnsupported)
	}
	return source.Route{Source: src, Ref: r}, nil
}
