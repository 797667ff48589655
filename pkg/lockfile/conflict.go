package lockfile

import (
	"bytes"
	"errors"
	"fmt"
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

// split reads the two sides of a lock with conflict markers, and what they have
// both come from, nil where that cannot be told.
func split(data []byte) (ours, base, theirs *Lock, err error) {
	text := map[byte]*bytes.Buffer{inOurs: {}, inBase: {}, inTheirs: {}}
	threeWay, err := sections(data, func(_ int, in byte, line []byte) {
		for side, b := range text {
			if in == inNone || in == side {
				b.Write(line)
			}
		}
	})
	if err != nil {
		return nil, nil, nil, err
	}
	side := func(which byte) (*Lock, error) {
		l, err := Parse(text[which].Bytes())
		if syntax, ok := errors.AsType[*SyntaxError](err); ok {
			syntax.Line = lineOf(data, which, syntax.Line)
		}
		return l, err
	}
	if ours, err = side(inOurs); err != nil {
		return nil, nil, nil, &SideError{Ours, err}
	}
	if theirs, err = side(inTheirs); err != nil {
		return nil, nil, nil, &SideError{Theirs, err}
	}
	if threeWay {
		// It may be no lock: zdiff3 takes lines out of it, and a merge of merges puts
		// conflicts into it. It is a help, and without it things are merged as well.
		if base, err = side(inBase); err != nil {
			base = nil
		}
	}
	return ours, base, theirs, nil
}

// lineOf returns where in data the line of a side stands.
func lineOf(data []byte, side byte, line int) int {
	at := 1
	_, _ = sections(data, func(number int, in byte, _ []byte) {
		if in != inNone && in != side {
			return
		}
		if line--; line >= 0 {
			at = number
		}
	})
	return at
}
