package install

import (
	"errors"
	"fmt"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/skill"
)

// ErrNoLock says that there is nothing to restore: the scope has no lock, and no
// manifest that wants a skill.
var ErrNoLock = errors.New("nothing is locked here")

// ErrNoBackup says that a folder was to be overwritten or deleted and that there
// is no place for a backup of it.
var ErrNoBackup = errors.New("no folder for backups")

// ErrMoved says that another process changed what the lock says of a skill, after
// the plan was made. Planned again it can be done.
var ErrMoved = errors.New("another process changed it meanwhile")

// A PanicError is a fault of this program, met while it worked on a skill.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("internal error: %v", e.Value) }

// A NotOursError says that something stands where a skill would go, which the
// lock does not know.
type NotOursError struct{ Name, Path string }

func (e *NotOursError) Error() string {
	return fmt.Sprintf("%s is not installed by this lock", e.Path)
}

// An EditedError says that an installed skill was changed on disk.
type EditedError struct {
	Name, Path string
	Changes    *Changes // nil if the pristine files are not at hand
	Removing   bool     // it was to be taken out
}

func (e *EditedError) Error() string {
	if e.Changes == nil {
		return fmt.Sprintf("%s was changed since it was installed", e.Path)
	}
	return fmt.Sprintf("%s was changed since it was installed: %s", e.Path, e.Changes)
}

func (c *Changes) String() string {
	var parts []string
	for _, p := range []struct {
		verb  string
		paths []string
	}{{"changed", c.Changed}, {"added", c.Added}, {"removed", c.Removed}} {
		if len(p.paths) == 0 {
			continue
		}
		parts = append(parts, p.verb+" "+some(p.paths))
	}
	return strings.Join(parts, "; ")
}

// some returns the first few paths, and how many more there are.
func some(paths []string) string {
	const most = 3
	var shown []string
	for _, path := range paths[:min(most, len(paths))] {
		shown = append(shown, quote(path))
	}
	text := strings.Join(shown, ", ")
	if n := len(paths) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// isConflict reports whether err is about a folder that only a flag may overwrite.
func isConflict(err error) bool {
	_, changed := errors.AsType[*EditedError](err)
	_, foreign := errors.AsType[*NotOursError](err)
	return changed || foreign
}

// An IdentityError says that two different skills want one name.
type IdentityError struct{ Name, Have, Want string }

func (e *IdentityError) Error() string {
	return fmt.Sprintf("name %s is taken by %s, wanted by %s", e.Name, e.Have, e.Want)
}

// A LinkedError says that the folder which others link to cannot go before them.
type LinkedError struct{ Name, Path string }

func (e *LinkedError) Error() string {
	return fmt.Sprintf("the other agents' folders of %s link to %s", e.Name, e.Path)
}

// A NameError says that a skill has no name that a folder could have.
type NameError struct{ Slug, Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("neither the skill's name %s nor %s can be the name of a folder", quote(e.Name), quote(e.Slug))
}

// An UnknownError says that no skill of that name is in the lock.
type UnknownError struct {
	Name string
	Near []string // names that are spelled alike
}

func (e *UnknownError) Error() string { return fmt.Sprintf("%s is not installed", quote(e.Name)) }

// A HiddenTextError says that a file holds text that people do not see and
// agents read.
type HiddenTextError struct {
	Name, File string
	Findings   []skill.Hidden
}

func (e *HiddenTextError) Error() string {
	f := e.Findings[0]
	more := ""
	if n := len(e.Findings) - 1; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("hidden text in %s: %s U+%04X at byte %d%s", quote(e.File), f.Kind, f.Rune, f.Offset, more)
}

// A VersionBytesError says that a version that was seen before is served with
// other files.
type VersionBytesError struct {
	Name, Version string
	Have, Got     digest.Digest
}

func (e *VersionBytesError) Error() string {
	return fmt.Sprintf("version %s of %s was %s and is served as %s", e.Version, e.Name, e.Have, e.Got)
}

// A ReadBackError says that a skill that was placed could not be read as it was
// written.
type ReadBackError struct {
	Name, Path string
	Err        error
}

func (e *ReadBackError) Error() string { return fmt.Sprintf("read back %s: %v", e.Path, e.Err) }
func (e *ReadBackError) Unwrap() error { return e.Err }

func quote(s string) string {
	if len(s) > 80 {
		s = s[:80]
	}
	return fmt.Sprintf("%+q", s)
}
