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
// and returns false for a conflict. Two things make one.
//
// Changes that overlap or touch, unless they come to the same, as in git.
//
// Doubt. Which lines were changed is a guess where lines repeat, and another
// guess can place the changes elsewhere. So the differences are taken in three
// ways, and all nine merges must come to one text; and a base that consists of
// few lines over and over is not merged at all.
func mergeLines(base, local, next string) (string, bool) {
	switch {
	case local == next, base == next:
		return local, true
	case base == local:
		return next, true
	}
	b := splitLines(base)
	if repetitive(b) {
		return "", false
	}
	mine, theirs := differences(b, splitLines(local)), differences(b, splitLines(next))
	merged := ""
	for i, m := range mine {
		for j, t := range theirs {
			text, ok := join(b, m, t)
			if !ok || i+j > 0 && text != merged {
				return "", false
			}
			merged = text
		}
	}
	return merged, len(mine) > 0 && len(theirs) > 0
}

// splitLines cuts a text behind each line break.
func splitLines(text string) []string { return slices.Collect(strings.Lines(text)) }

// repetitive reports whether fewer than a third of the lines are there only
// once. A prose text has far more, with its empty lines counted.
func repetitive(lines []string) bool {
	times := make(map[string]int, len(lines))
	for _, line := range lines {
		times[strings.TrimSuffix(line, "\n")]++
	}
	once := 0
	for _, n := range times {
		if n == 1 {
			once++
		}
	}
	return 3*once < len(lines)
}

// differences returns lists of edits that each make side of base: as the library
// finds them forwards, backwards, and from side to base. They are the same where
// no line repeats. If the library should err, there are none.
func differences(base, side []string) [][]edit {
	var forth, back, swapped []edit
	for _, d := range lcs.DiffLines(base, side) {
		forth = append(forth, edit{d.Start, d.End, side[d.ReplStart:d.ReplEnd]})
	}
	for _, d := range slices.Backward(lcs.DiffLines(reversed(base), reversed(side))) {
		back = append(back, edit{len(base) - d.End, len(base) - d.Start, side[len(side)-d.ReplEnd : len(side)-d.ReplStart]})
	}
	for _, d := range lcs.DiffLines(side, base) {
		swapped = append(swapped, edit{d.ReplStart, d.ReplEnd, side[d.Start:d.End]})
	}
	all := [][]edit{forth, back, swapped}
	for i, edits := range all {
		if !slices.Equal(apply(base, 0, len(base), edits), side) {
			return nil
		}
		all[i] = settle(base, side, edits)
	}
	return all
}

func reversed(lines []string) []string {
	lines = slices.Clone(lines)
	slices.Reverse(lines)
	return lines
}

// join applies two lists of edits to base, and returns false if edits that
// overlap or touch do not come to the same.
func join(base []string, mine, theirs []edit) (string, bool) {
	var out []string
	at := 0
	for len(mine) > 0 || len(theirs) > 0 {
		lo, hi, i, j := region(mine, theirs)
		m, t := apply(base, lo, hi, mine[:i]), apply(base, lo, hi, theirs[:j])
		if i == 0 {
			m = t
		} else if j > 0 && !slices.Equal(m, t) {
			return "", false
		}
		out = append(append(out, base[at:lo]...), m...)
		at, mine, theirs = hi, mine[i:], theirs[j:]
	}
	return strings.Join(append(out, base[at:]...), ""), true
}

// region returns the lines of the base from the first edit on to where no edit
// of either list touches the one before, and how many edits of each that takes.
func region(mine, theirs []edit) (lo, hi, i, j int) {
	if len(theirs) == 0 || len(mine) > 0 && mine[0].lo < theirs[0].lo {
		lo = mine[0].lo
	} else {
		lo = theirs[0].lo
	}
	hi = lo
	for {
		switch {
		case i < len(mine) && mine[i].lo <= hi:
			hi = max(hi, mine[i].hi)
			i++
		case j < len(theirs) && theirs[j].lo <= hi:
			hi = max(hi, theirs[j].hi)
			j++
		default:
			return lo, hi, i, j
		}
	}
}

// apply returns the lines [lo, hi) of base after edits that are within.
func apply(base []string, lo, hi int, edits []edit) []string {
	var out []string
	for _, e := range edits {
		out = append(append(out, base[lo:e.lo]...), e.lines...)
		lo = e.hi
	}
	return append(out, base[lo:hi]...)
}
