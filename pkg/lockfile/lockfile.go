// Package lockfile reads and writes skills.lock, the record of what was
// installed: which artifact each reference meant, by digest, and where it went.
// It is JSON with sorted keys, two-space indent, LF and a final newline, without
// times and with paths relative to its folder, so that equal locks are equal
// bytes on every machine. A lock that cannot be read in full is an error and
// never an empty lock; fields that this program does not know survive.
package lockfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/openskills-go/skills/pkg/digest"
)

const (
	// Name is the file's name.
	Name = "skills.lock"
	// Version is the lockVersion that this package writes, and the newest that
	// it reads.
	Version = 1

	// maxSize bounds what is read: about 20,000 skills.
	maxSize = 16 << 20
	// maxDepth bounds the nesting, since indenting a value costs the square of it.
	maxDepth = 64
	// maxFields bounds the members of an object, each of which is compared to
	// the others.
	maxFields = 256
)

var (
	// ErrEmpty says that the file holds nothing, which a lock never does.
	ErrEmpty = errors.New("lock is empty")
	// ErrTooLarge says that the file is larger than 16 MiB.
	ErrTooLarge = errors.New("lock is larger than 16 MiB")
)

// A Lock is the content of skills.lock. The zero value is an empty lock. A Lock
// may be read by several goroutines at once, and changed by one.
type Lock struct {
	// Skills are the locked skills by installed name. Put and Delete keep it in
	// order; the Name of an entry is ignored where it differs from its key.
	Skills map[string]Skill

	extra []field // what this program does not know, by key
}

// A Skill is one locked skill. Artifact and Tree are always there.
type Skill struct {
	Name     string // installed name, the key in the lock
	Ref      string // as asked for
	Registry string // base URL or folder; "" for what comes from none
	Slug     string
	Owner    string
	Version  string
	Artifact digest.Digest // sha256 of the artifact
	Size     int64         // of the artifact in bytes; 0 if unknown
	Tree     digest.Digest // h1 of the files
	Trust    string        // a source.Level
	Locale   string
	URL      string   // where the artifact came from, for direct sources
	Path     string   // the folder inside the artifact; "" if it holds one skill
	Revision string   // commit, for git
	Agents   []string // ids of the agents it is placed for
	Dirs     []string // other folders it is placed in: slash paths at or below the lock's folder, "." for itself
	// Placement is Link if the first of its folders holds the files and the others
	// link to it, and "" if each has its own.
	Placement string
	// Disabled says that it is in none of its folders, out of the agents' sight.
	Disabled bool
	Pin      *Pin // nil unless updates must leave it alone

	extra []field
}

// Link is the Placement of a skill that stands in one folder, with links to it.
const Link = "link"

// A Pin holds a skill at its version.
type Pin struct {
	Reason string // may be ""

	extra []field
}

// A SyntaxError says where a lock is not what it must be. Line and Column count
// from 1, columns in bytes.
type SyntaxError struct {
	Line, Column int
	Why          string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Why)
}

// A ConflictError says that version control left a merge conflict in a lock.
type ConflictError struct{ Line int }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("line %d: merge conflict marker", e.Line)
}

// A NewerError says that a newer program wrote the lock.
type NewerError struct {
	Have int64 // lockVersion of the file
	Know int64 // newest lockVersion that this program reads
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("lockVersion is %d, the newest known is %d", e.Have, e.Know)
}

// A FieldError says that a Skill cannot be locked as it is.
type FieldError struct{ Name, Field, Why string }

func (e *FieldError) Error() string {
	return fmt.Sprintf("skill %s: %s %s", quote(e.Name), e.Field, e.Why)
}

// New returns an empty lock.
func New() *Lock { return &Lock{Skills: map[string]Skill{}} }

// Load reads the lock at path. The error matches fs.ErrNotExist if there is
// none, and is otherwise one of those of Parse.
func Load(path string) (*Lock, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	l, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read lock %s: %w", path, err)
	}
	return l, nil
}

// ResolveFile is Resolve for the lock at path, which it does not write. The error
// matches fs.ErrNotExist if there is none.
func ResolveFile(path string, judge func(*Skill) Verdict) (*Lock, []Decision, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, nil, err
	}
	l, decisions, err := Resolve(data, judge)
	if err != nil {
		err = fmt.Errorf("resolve lock %s: %w", path, err)
	}
	return l, decisions, err
}

func readFile(path string) ([]byte, error) {
	// To open a fifo would wait for whoever writes to it.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read lock %s: not a regular file: %w", path, fs.ErrInvalid)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read lock: %w", err)
	}
	defer func() { _ = f.Close() }()
	var data bytes.Buffer
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		data.Grow(int(min(info.Size(), maxSize)) + bytes.MinRead)
	}
	if _, err := data.ReadFrom(io.LimitReader(f, maxSize+1)); err != nil {
		return nil, fmt.Errorf("read lock: %w", err)
	}
	return data.Bytes(), nil
}

// Put locks s under its name, in place of what has that name. It refuses, with
// a *FieldError, what Parse would refuse to read back. Fields of the former
// entry that this program does not know stay if the artifact stays: of another
// artifact they may not be true.
func (l *Lock) Put(s Skill) error {
	if bad, why := s.check(); bad != "" {
		return &FieldError{Name: s.Name, Field: bad, Why: why}
	}
	if old, ok := l.Skills[s.Name]; ok && s.extra == nil && old.Artifact == s.Artifact {
		s.extra = old.extra
	}
	if l.Skills == nil {
		l.Skills = map[string]Skill{}
	}
	l.Skills[s.Name] = s.clone()
	return nil
}

// Delete takes the skill called name out of the lock, if it is there.
func (l *Lock) Delete(name string) { delete(l.Skills, name) }

// Names returns the names of the locked skills, sorted.
func (l *Lock) Names() []string { return slices.Sorted(maps.Keys(l.Skills)) }

// Clone returns a copy that shares nothing that can change with l.
func (l *Lock) Clone() *Lock {
	c := &Lock{Skills: make(map[string]Skill, len(l.Skills)), extra: slices.Clone(l.extra)}
	for name, s := range l.Skills {
		c.Skills[name] = s.clone()
	}
	return c
}

func (s Skill) clone() Skill {
	s.Agents = slices.Clone(s.Agents)
	s.Dirs = slices.Clone(s.Dirs)
	s.extra = slices.Clone(s.extra)
	if s.Pin != nil {
		pin := *s.Pin
		pin.extra = slices.Clone(pin.extra)
		s.Pin = &pin
	}
	return s
}

// Equal reports whether s and t are locked alike, the name aside.
func (s Skill) Equal(t Skill) bool { return bytes.Equal(s.append(nil), t.append(nil)) }
