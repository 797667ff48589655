package source

import (
	"fmt"
	"slices"
	"strings"
)

// An AmbiguousError says that several owners have a skill by one slug. It matches
// ErrAmbiguous.
type AmbiguousError struct {
	Slug    string
	Matches []Hit // untrusted texts; Owner and Slug are names that a reference can hold
}

func (e *AmbiguousError) Error() string {
	owners := make([]string, 0, len(e.Matches))
	for _, m := range e.Matches {
		owners = append(owners, m.Owner)
	}
	return fmt.Sprintf("%.80q is a skill of several owners: %s", e.Slug, strings.Join(owners[:min(len(owners), 10)], ", "))
}

// Is reports whether target is ErrAmbiguous.
func (*AmbiguousError) Is(target error) bool { return target == ErrAmbiguous }

// Owners returns the owners of the matches, each once, sorted.
func (e *AmbiguousError) Owners() []string {
	var owners []string
	for _, m := range e.Matches {
		owners = append(owners, m.Owner)
	}
	slices.Sort(owners)
	return slices.Compact(owners)
}

// An OwnerError says that a skill is another owner's than the one that was asked
// for, or that the lock has.
type OwnerError struct {
	Slug      string
	Have, Now string // owners
}

func (e *OwnerError) Error() string {
	return fmt.Sprintf("%.80q was a skill of %.80q and is one of %.80q now", e.Slug, e.Have, e.Now)
}

// A BlockedError says that a registry holds a skill for harmful and does not want
// it installed by anyone.
type BlockedError struct {
	Slug   string
	Reason string // see FlagReason
}

func (e *BlockedError) Error() string {
	return fmt.Sprintf("%.80q is blocked by its registry: %s", e.Slug, e.Reason)
}

// FlagReason returns the reason that a registry gives for its doubts, made one
// short line without control characters, or NoReason.
func FlagReason(text string) string { return YankReason(text) }

// A MissingError says that a source has no tag or version of that name for a skill,
// or no such owner. It is ErrNotFound.
type MissingError struct{ What string } // tag, version or owner

func (e *MissingError) Error() string { return e.What + " is not found" }

// Is says that it is ErrNotFound.
func (e *MissingError) Is(target error) bool { return target == ErrNotFound }
