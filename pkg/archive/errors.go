package archive

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	// ErrRefused matches every error that says an artifact must not be used, as
	// against one that could not be read or written.
	ErrRefused = errors.New("archive is refused")
	// ErrUnsafe matches an UnsafeError.
	ErrUnsafe = errors.New("archive is unsafe")
	// ErrNoSkill matches a RootError without candidates.
	ErrNoSkill = errors.New("archive holds no skill")
)

// An UnsafeError says what in an archive could do harm, or could mean two things.
type UnsafeError struct {
	Entry string // its name as the archive has it; "" if no single entry is at fault
	Why   string
}

func (e *UnsafeError) Error() string {
	if e.Entry == "" {
		return "archive is unsafe: " + e.Why
	}
	return "archive is unsafe: entry " + quote(e.Entry) + " " + e.Why
}

// Is reports whether target is ErrUnsafe or ErrRefused.
func (e *UnsafeError) Is(target error) bool { return target == ErrUnsafe || target == ErrRefused }

// A LimitError says that an archive is larger than it may be.
type LimitError struct {
	What  string // what was counted: files, unpacked bytes
	Entry string // "" if the limit is not one on a single entry
	Limit int64
	Got   int64  // the real total where it is known, else the count at which reading stopped
	Flag  string // of the program, that raises the limit; "" if none does
}

func (e *LimitError) Error() string {
	var b strings.Builder
	b.WriteString("archive is too large: ")
	if e.Entry != "" {
		b.WriteString("entry " + quote(e.Entry) + " has ")
	}
	fmt.Fprintf(&b, "%d %s, the limit is %d", e.Got, e.What, e.Limit)
	if e.Flag != "" {
		b.WriteString(" (" + e.Flag + ")")
	}
	return b.String()
}

// Is reports whether target is ErrRefused.
func (e *LimitError) Is(target error) bool { return target == ErrRefused }

// A FormatError says that an artifact is no archive of a known format, or is
// broken, or uses a feature that is not supported.
type FormatError struct {
	Format Format // 0 if it is none
	Entry  string // "" if no single entry is at fault
	Why    string
}

func (e *FormatError) Error() string {
	switch {
	case e.Format == 0:
		return e.Why
	case e.Entry == "":
		return e.Format.String() + " archive " + e.Why
	}
	return e.Format.String() + " archive: entry " + quote(e.Entry) + " " + e.Why
}

// Is reports whether target is ErrRefused.
func (e *FormatError) Is(target error) bool { return target == ErrRefused }

// A RootError says that no folder of the archive, or more than one, is the skill
// that was asked for.
type RootError struct {
	Path       string   // as in Options
	Candidates []string // folders with a SKILL.md; "." is the top
}

func (e *RootError) Error() string {
	const show = 3
	where := ""
	if e.Path != "" {
		where = " at " + quote(e.Path)
	}
	if len(e.Candidates) == 0 {
		return "archive holds no SKILL.md" + where
	}
	names := make([]string, 0, show)
	for _, c := range e.Candidates[:min(show, len(e.Candidates))] {
		names = append(names, quote(c))
	}
	text := fmt.Sprintf("archive holds %d skills%s: %s", len(e.Candidates), where, strings.Join(names, ", "))
	if more := len(e.Candidates) - show; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Is reports whether target is ErrRefused, or ErrNoSkill and there is none.
func (e *RootError) Is(target error) bool {
	return target == ErrRefused || target == ErrNoSkill && len(e.Candidates) == 0
}

// quote makes text from an archive fit for one line of an error.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] // a rune cut in two is escaped below
	}
	q := strconv.QuoteToASCII(s)
	if len(q) <= most {
		return q
	}
	// Cut what escaping made longer, but not inside an escape.
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		e := strconv.QuoteRuneToASCII(r)
		e = e[1 : len(e)-1]
		if b.Len()+len(e) > most-4 {
			break
		}
		b.WriteString(e)
	}
	return b.String() + `..."`
}
