package catalog

import (
	"fmt"
	"strings"

	"github.com/openskills-go/skills/registry/internal/meta"
)

// A NotFoundError says that what was asked for is not there.
type NotFoundError struct {
	What string // skill, version, file, owner, user, token
	Name string // as it was asked for; untrusted
}

func (e *NotFoundError) Error() string { return e.What + " is not found" }

// An AmbiguousError says that several owners have a slug.
type AmbiguousError struct {
	Slug    string
	Matches []meta.Skill // at least two, by owner
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("several owners have a skill %s", e.Slug)
}

// A GoneError says that something was there: its owner deleted it, or a moderator
// removed it.
type GoneError struct {
	What    string // skill, version
	Name    string // alice/pdf, alice/pdf@1.0.0
	Removed bool   // by a moderator
	Reason  string // of the moderator; "" if the owner deleted it
}

func (e *GoneError) Error() string {
	if e.Removed {
		return fmt.Sprintf("%s %s was removed: %s", e.What, e.Name, e.Reason)
	}
	return fmt.Sprintf("%s %s was deleted by its owner", e.What, e.Name)
}

// A ConflictError says that a name is taken, or that a version is there with other
// files.
type ConflictError struct {
	What string // version, owner, user, tag, slug
	Name string
	Why  string // "" if it only is there
}

func (e *ConflictError) Error() string {
	if e.Why != "" {
		return fmt.Sprintf("%s %s %s", e.What, e.Name, e.Why)
	}
	return fmt.Sprintf("%s %s exists already", e.What, e.Name)
}

// A DeniedError says that someone may not do what they asked for.
type DeniedError struct {
	Why       string // safe to say
	Anonymous bool   // a token would change it
}

func (e *DeniedError) Error() string { return e.Why }

// An InvalidError says what is wrong with what was given: one line a fault.
type InvalidError struct {
	What   string // slug, version, SKILL.md, payload, …
	Faults []string
	Err    error // of pkg/archive, if that is where it comes from
}

func (e *InvalidError) Error() string { return e.What + ": " + strings.Join(e.Faults, "; ") }
func (e *InvalidError) Unwrap() error { return e.Err }
