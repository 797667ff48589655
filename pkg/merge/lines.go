package merge

import (
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff/lcs"
)

// An edit replaces the lines [lo, hi) of a base by others. The edits of a list
// are sorted, and at least one line of the base is between one and the next.
type edit struct {
	lo, hi int
	lines  []string
}

// mergeLines merges what was changed from base to local and from base to next,
// as git merge-file does: changes that overlap or touch are a conflict unless
// they come to the same. It returns false for a conflict.
func mergeLines(base, local, next string) (string, bool) {
	b, l, n := splitLines(base), splitLines(local), splitLines(next)
	merged, ok := "", false
	for i, mine := range alignments(b, l) {
		for j, theirs := range alignments(b, n) {
			lines, clean := join(b, mine, theirs)
			if !clean {
				return "", false
			}
			text := strings.Join(lines, "")
			if i+j > 0 && text != merged {
				return "", false
			}
			merged, ok = text, true
		}
	}
	return merged, ok
}

// splitLines cuts a text behind each line break.
func splitLines(text string) []string {
	lines := strings.SplitAfter(text, "\n")
	return lines[:len(lines)-btoi(lines[len(lines)-1] == "")]
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

var variant = 3

func alignments(base, side []string) [][]edit {
	fwd := diff(base, side)
	switch variant {
	case 0:
		return [][]edit{fwd}
	case 1:
		return [][]edit{slideDown(base, fwd)}
	case 2:
		return [][]edit{slideDown(base, fwd), slideDown(base, diffReversed(base, side))}
	case 3:
		return [][]edit{slideDown(base, fwd), slideDown(base, diffReversed(base, side)), slideDown(base, diffSwapped(base, side))}
	default:
		return [][]edit{slideDown(base, fwd), slideDown(base, diffReversed(base, side)), slideDown(base, diffSwapped(base, side)), fwd, diffReversed(base, side)}
	}
}

func diff(base, side []string) []edit {
	var edits []edit
	for _, d := range lcs.DiffLines(base, side) {
		edits = appendEdit(edits, edit{d.Start, d.End, side[d.ReplStart:d.ReplEnd]})
	}
	return edits
}

func diffSwapped(base, side []string) []edit {
	var edits []edit
	for _, d := range lcs.DiffLines(side, base) {
		edits = appendEdit(edits, edit{d.ReplStart, d.ReplEnd, side[d.Start:d.End]})
	}
	return edits
}

func diffReversed(base, side []string) []edit {
	rb, rs := slices.Clone(base), slices.Clone(side)
	slices.Reverse(rb)
	slices.Reverse(rs)
	var edits []edit
	all := lcs.DiffLines(rb, rs)
	for i := len(all) - 1; i >= 0; i-- {
		d := all[i]
		edits = appendEdit(edits, edit{len(base) - d.End, len(base) - d.Start, side[len(side)-d.ReplEnd : len(side)-d.ReplStart]})
	}
	return edits
}

func appendEdit(edits []edit, e edit) []edit {
	if n := len(edits); n > 0 && edits[n-1].hi == e.lo {
		edits[n-1].hi = e.hi
		edits[n-1].lines = slices.Concat(edits[n-1].lines, e.lines)
		return edits
	}
	return append(edits, e)
}

// slideDown moves each pure insertion or deletion as far down as it stays the
// same change.
func slideDown(base []string, edits []edit) []edit {
	var out []edit
	for i := len(edits) - 1; i >= 0; i-- {
		e := edits[i]
		for {
			end := len(base)
			if len(out) > 0 {
				end = out[len(out)-1].lo
			}
			if e.hi == end && len(out) > 0 {
				// It touches the next one now: they are one.
				last := out[len(out)-1]
				out = out[:len(out)-1]
				e = edit{e.lo, last.hi, slices.Concat(e.lines, last.lines)}
				continue
			}
			if e.hi >= len(base) {
				break
			}
			if e.lo == e.hi && base[e.hi] == e.lines[0] {
				e.lines = slices.Concat(e.lines[1:], e.lines[:1])
			} else if len(e.lines) > 0 || base[e.hi] != base[e.lo] {
				break
			}
			e.lo++
			e.hi++
		}
		out = append(out, e)
	}
	slices.Reverse(out)
	return out
}

// join applies two lists of edits to base, and returns false if that is a
// conflict.
func join(base []string, mine, theirs []edit) ([]string, bool) {
	var out []string
	at := 0
	for len(mine) > 0 || len(theirs) > 0 {
		// The edits that overlap or touch, from either side, are one region.
		lo, hi := len(base), -1
		i, j := 0, 0
		if len(mine) > 0 {
			lo = mine[0].lo
		}
		if len(theirs) > 0 {
			lo = min(lo, theirs[0].lo)
		}
		hi = lo
		for {
			switch {
			case i < len(mine) && mine[i].lo <= hi:
				hi = max(hi, mine[i].hi)
				i++
				continue
			case j < len(theirs) && theirs[j].lo <= hi:
				hi = max(hi, theirs[j].hi)
				j++
				continue
			}
			break
		}
		out = append(out, base[at:lo]...)
		m, t := apply(base, lo, hi, mine[:i]), apply(base, lo, hi, theirs[:j])
		switch {
		case j == 0:
			out = append(out, m...)
		case i == 0:
			out = append(out, t...)
		case slices.Equal(m, t):
			out = append(out, m...)
		default:
			return nil, false
		}
		at, mine, theirs = hi, mine[i:], theirs[j:]
	}
	return append(out, base[at:]...), true
}

// apply returns the lines [lo, hi) of base after the edits, which are within.
func apply(base []string, lo, hi int, edits []edit) []string {
	var out []string
	for _, e := range edits {
		out = append(out, base[lo:e.lo]...)
		out = append(out, e.lines...)
		lo = e.hi
	}
	return append(out, base[lo:hi]...)
}
