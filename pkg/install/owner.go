package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
)

// resolve asks the source of s what its reference means: that of the owner whom
// the lock has, if it names none.
func (e *Engine) resolve(ctx context.Context, st *state, s *step, o Options) error {
	r := &s.route.Ref
	if s.entry != nil && s.route.Registry != "" && r.Kind == ref.Registry && (r.Owner == "" || sameOwner(r.Owner, s.entry.Owner)) {
		r.Owner = s.entry.Owner
	}
	pin, err := s.route.Source.Resolve(ctx, *r, "")
	if moved, ok := errors.AsType[*source.OwnerError](err); ok && s.takes(moved, o) {
		r.Owner = moved.Now
		pin, err = s.route.Source.Resolve(ctx, *r, "")
	}
	if err != nil {
		return err
	}
	s.pin = pin
	s.pin.Registry = s.route.Registry
	return e.resolved(st, s, o)
}

// takes makes s one of the skill's new owner, if it may be.
func (s *step) takes(moved *source.OwnerError, o Options) bool {
	if !o.AcceptOwner && !o.looking || s.route.Registry == "" || !validOwner(moved.Now) || moved.Now == moved.Have {
		return false
	}
	s.owner = moved.Have
	return true
}

func validOwner(name string) bool {
	r, err := ref.Parse(name + "/x")
	return err == nil && r.Kind == ref.Registry && r.Owner == name
}

// sameOwner reports whether an owner as typed is the one that is recorded. None is
// anyone; how a name is capitalised is for the registry to say.
func sameOwner(typed, have string) bool { return typed == "" || strings.EqualFold(typed, have) }

// owned compares the owner in the pin of s with the one who was asked for. A slug
// that silently becomes another person's is how a skill is taken over.
func (s *step) owned(o Options) error {
	asked, now := s.route.Ref.Owner, s.pin.Owner
	if s.entry != nil && s.entry.Owner != "" && s.owner == "" {
		if s.entry.Owner == now {
			return nil
		}
		asked = s.entry.Owner
	} else if now == "" || sameOwner(asked, now) {
		return nil
	}
	moved := &source.OwnerError{Slug: s.pin.Slug, Have: asked, Now: now}
	if s.owner != "" || !s.takes(moved, o) { // once is enough
		return moved
	}
	s.route.Ref.Owner = now
	return nil
}

// owners returns the entries of the lock that are a skill by a slug, whoever owns
// it, one for each owner, by name.
func (e *Engine) owners(st *state, id identity, as string) []*lockfile.Skill {
	var found []*lockfile.Skill
	for _, name := range st.lock.Names() {
		entry := st.lock.Skills[name]
		have := e.identityOf(&entry)
		if have.owner == "" || as != "" && as != name {
			continue
		}
		have.owner = ""
		again := func(f *lockfile.Skill) bool { return f.Owner == entry.Owner }
		if have == id && !slices.ContainsFunc(found, again) {
			found = append(found, &entry)
		}
	}
	return found
}

// several is the error for a slug that stands for skills of several owners here.
func several(slug string, found []*lockfile.Skill) error {
	e := &source.AmbiguousError{Slug: slug}
	for _, f := range found {
		e.Matches = append(e.Matches, source.Hit{Slug: f.Slug, Owner: f.Owner, Version: f.Version})
	}
	return e
}

// restate writes down the reference anew, by the slug and the owner that the skill
// has now. An owner whom nobody named stays unnamed.
func (s *step) restate() {
	r := s.route.Ref
	r.Slug = s.pin.Slug
	if s.want.Ref.Kind == ref.Registry {
		r.Registry = s.want.Ref.Registry
		if s.want.Ref.Owner == "" {
			r.Owner = ""
		}
	}
	if r == s.want.Ref {
		return
	}
	s.want.Ref, s.want.Typed = r, r.String()
	if s.listed != "" {
		s.listed = s.want.Typed
	}
}

// replaces reports whether s takes the place of the skill id, which is its own by
// an earlier name or of an earlier owner, or from before the registry named owners.
func (s *step) replaces(id identity) bool {
	old := s.identity()
	if s.was != "" {
		old.slug = s.was
	}
	unowned := s.entry != nil && s.entry.Owner == "" && id.owner == ""
	if s.owner != "" || unowned {
		old.owner = s.owner
	}
	return (s.moves() || unowned) && id == old
}

// moves reports whether the lock is to have the skill by another slug or of
// another owner than before.
func (s *step) moves() bool { return s.was != "" || s.owner != "" }

// ownerNews is what there is to say of an owner who was accepted.
func (s *step) ownerNews() string {
	return fmt.Sprintf("%s was of %s and is of %s in %s now, which was accepted", quote(s.pin.Slug), quote(s.owner), quote(s.pin.Owner), s.pin.Registry)
}
