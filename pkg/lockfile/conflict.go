package lockfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A MarkerError says that conflict markers do not stand as version control sets
// them, so that it cannot be told which line is whose.
type MarkerError struct {
	Line int
	Why  string
}

func (e *MarkerError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Why) }

// A SideError says that one side of a merge conflict is no lock by itself. Lines
// in Err are those of the file with both.
type SideError struct {
	Side Side
	Err  error // one of those of Parse
}

func (e *SideError) Error() string { return e.Side.name() + " side of the conflict: " + e.Err.Error() }
func (e *SideError) Unwrap() error { return e.Err }

// markers are the bytes of which git makes its markers, in the order in which
// they come. What "|" begins is there only with the styles diff3 and zdiff3.
const (
	inOurs   = '<'
	inBase   = '|'
	inTheirs = '='
	inNone   = '>'
)

const markerSize = 7

// marker returns which marker a line is, or 0. Strings of JSON hold no raw line
// break, so that no line of a lock begins like this. Longer ones, which git sets
// inside the base of a merge of merges, are none.
func marker(line []byte) byte {
	line = bytes.TrimRight(line, "\r\n")
	if len(line) < markerSize || len(line) > markerSize && line[markerSize] != ' ' {
		return 0
	}
	switch c := line[0]; c {
	case inOurs, inBase, inTheirs, inNone:
		if bytes.Count(line[:markerSize], line[:1]) == markerSize {
			return c
		}
	}
	return 0
}

// markerLine returns the number of the first line that is a marker, or 0.
func markerLine(data []byte) int {
	number := 0
	for line := range bytes.Lines(data) {
		if number++; marker(line) != 0 {
			return number
		}
	}
	return 0
}

// sections calls f for each line that is no marker, with its number and with the
// marker that it follows: inNone for what all sides have in common. It reports
// whether every conflict says what there was before.
func sections(data []byte, f func(number int, in byte, line []byte)) (threeWay bool, err error) {
	in, begun, number := byte(inNone), 0, 0
	threeWay = true
	for line := range bytes.Lines(data) {
		number++
		m := marker(line)
		ok := true
		switch m {
		case 0:
			f(number, in, line)
			continue
		case inOurs:
			if in != inNone {
				return false, &MarkerError{number, fmt.Sprintf("a conflict begins inside the one of line %d", begun)}
			}
			begun = number
		case inBase:
			ok = in == inOurs
		case inTheirs:
			ok = in == inOurs || in == inBase
			threeWay = threeWay && in == inBase
		case inNone:
			ok = in == inTheirs
		}
		if !ok {
			return false, &MarkerError{number, "the conflict marker " + string(bytes.Repeat([]byte{m}, markerSize)) + " is out of place"}
		}
		in = m
	}
	if in != inNone {
		return false, &MarkerError{begun, "the conflict that begins here does not end"}
	}
	return threeWay, nil
}

// A half is one side of a file with conflict markers.
type half struct {
	text  []byte
	lines []line
	lock  *Lock
}

type line struct {
	number int    // in the file
	at     int    // where it begins in the text of the half
	skill  string // the one that it is part of; "" for none
	common bool   // both sides have it
}

// maxLines bounds how many lines a file with conflict markers has: as a lock of 16
// MiB has, and more.
const maxLines = 1 << 20

// split reads the two sides of a lock with conflict markers, and what they have
// both come from, nil where that cannot be told.
func split(data []byte) (ours, base, theirs *Lock, err error) {
	if bytes.Count(data, []byte("\n")) > maxLines {
		return nil, nil, nil, ErrTooLarge
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	halves := map[byte]*half{inOurs: {}, inBase: {}, inTheirs: {}}
	threeWay, err := sections(data, func(number int, in byte, text []byte) {
		for side, h := range halves {
			if in == inNone || in == side {
				h.lines = append(h.lines, line{number: number, at: len(h.text), common: in == inNone})
				h.text = append(h.text, text...)
			}
		}
	})
	if err != nil {
		return nil, nil, nil, err
	}
	for _, s := range []struct {
		in byte
		Side
	}{{inOurs, Ours}, {inTheirs, Theirs}} {
		if err := halves[s.in].parse(); err != nil {
			return nil, nil, nil, &SideError{s.Side, err}
		}
	}
	if names := mixed(halves[inOurs], halves[inTheirs]); len(names) > 0 {
		return nil, nil, nil, &MixedError{names}
	}
	if threeWay && halves[inBase].parse() == nil {
		// It may be no lock: zdiff3 takes lines out of it, and a merge of merges puts
		// conflicts into it. It is a help, and without it things are merged as well.
		base = halves[inBase].lock
	}
	return halves[inOurs].lock, base, halves[inTheirs].lock, nil
}

// parse reads the half as a lock. Lines in the error are those of the file.
func (h *half) parse() error {
	if len(bytes.TrimSpace(h.text)) == 0 {
		return ErrEmpty
	}
	next := 0
	d := &decoder{data: h.text, keys: map[string]string{}}
	d.ends = func(name string, from, to int) {
		for ; next < len(h.lines) && h.lines[next].at < to; next++ {
			if next+1 == len(h.lines) || h.lines[next+1].at > from {
				h.lines[next].skill = name
			}
		}
	}
	var err error
	h.lock, err = d.parse()
	if syntax, ok := errors.AsType[*SyntaxError](err); ok && len(h.lines) > 0 {
		syntax.Line = h.lines[min(syntax.Line, len(h.lines))-1].number
	}
	return err
}

// A MixedError says that a line is part of one skill on our side and of another on
// theirs. Version control took it over from one of them then, and which it is
// cannot be told.
type MixedError struct{ Names []string }

func (e *MixedError) Error() string {
	quoted := make([]string, 0, len(e.Names))
	for _, name := range e.Names {
		quoted = append(quoted, quote(name))
	}
	return "the conflict mixes lines of " + strings.Join(quoted, " and ")
}

// mixed returns the first skills of which lines are mixed, if there are any.
func mixed(ours, theirs *half) []string {
	common := func(h *half) []line {
		return slices.DeleteFunc(slices.Clone(h.lines), func(l line) bool { return !l.common })
	}
	theirLines := common(theirs)
	for i, l := range common(ours) {
		other := theirLines[i].skill
		if l.skill == other {
			continue
		}
		text, _, _ := bytes.Cut(ours.text[l.at:], []byte("\n"))
		if len(bytes.Trim(text, "{}[], \t\r")) == 0 || bytes.HasSuffix(bytes.TrimRight(text, " \t\r"), []byte("[")) {
			continue // brackets say nothing
		}
		return slices.DeleteFunc([]string{l.skill, other}, func(name string) bool { return name == "" })
	}
	return nil
}
