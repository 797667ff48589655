package merge

// A difference between two texts is often the same one some lines up or down:
// after "a a" became "a a a", any of the three can be the new one. Whether two
// changes touch depends on it. settle puts edits where git has them: as far down
// as they go, unless they can be beside a change of the other text.
func settle(base, side []string, edits []edit) []edit {
	a, b := marked{base, make([]bool, len(base))}, marked{side, make([]bool, len(side))}
	shift := 0
	for _, e := range edits {
		for i := e.lo; i < e.hi; i++ {
			a.changed[i] = true
		}
		for i := range e.lines {
			b.changed[e.lo+shift+i] = true
		}
		shift += len(e.lines) - (e.hi - e.lo)
	}
	a.settle(b)
	b.settle(a)
	var out []edit
	for x, y := a.first(), b.first(); ; x, y = a.next(x), b.next(y) {
		if x.lo < x.hi || y.lo < y.hi {
			out = append(out, edit{x.lo, x.hi, side[y.lo:y.hi]})
		}
		if x.hi == len(base) {
			return out
		}
	}
}

// marked is a text with some lines marked as changed. Those that are not are the
// same, in number and order, in the text it is compared with.
type marked struct {
	lines   []string
	changed []bool
}

// A run is the changed lines, perhaps none, before the first unchanged line,
// between two, or behind the last. The runs of the two texts correspond.
type run struct{ lo, hi int }

func (m marked) first() run { return run{0, m.end(0)} }

func (m marked) next(r run) run { return run{r.hi + 1, m.end(r.hi + 1)} }

func (m marked) previous(r run) run { return run{m.start(r.lo - 1), r.lo - 1} }

func (m marked) end(i int) int {
	for i < len(m.lines) && m.changed[i] {
		i++
	}
	return i
}

func (m marked) start(i int) int {
	for i > 0 && m.changed[i-1] {
		i--
	}
	return i
}

// up moves a run over the unchanged line above, which must be like its last
// one; it takes in the run that it meets. Only an empty run cannot be moved.
func (m marked) up(r run) (run, bool) {
	if r.lo == r.hi || r.lo == 0 || m.lines[r.lo-1] != m.lines[r.hi-1] {
		return r, false
	}
	m.changed[r.lo-1], m.changed[r.hi-1] = true, false
	return run{m.start(r.lo - 1), r.hi - 1}, true
}

// down is up the other way.
func (m marked) down(r run) (run, bool) {
	if r.lo == r.hi || r.hi == len(m.lines) || m.lines[r.lo] != m.lines[r.hi] {
		return r, false
	}
	m.changed[r.lo], m.changed[r.hi] = false, true
	return run{r.lo + 1, m.end(r.hi + 1)}, true
}

// settle moves each run of m. With each line that one moves over, another run of
// the other text is beside it.
func (m marked) settle(other marked) {
	for r, beside := m.first(), other.first(); ; r, beside = m.next(r), other.next(beside) {
		meets := false
		for size := -1; size != r.hi-r.lo; {
			size = r.hi - r.lo // it grows where it meets another: then once more
			for ok := true; ok; {
				if r, ok = m.up(r); ok {
					beside = other.previous(beside)
				}
			}
			meets = beside.lo < beside.hi
			for ok := true; ok; {
				if r, ok = m.down(r); ok {
					beside = other.next(beside)
					meets = meets || beside.lo < beside.hi
				}
			}
		}
		for ok := meets; ok && beside.lo == beside.hi; {
			if r, ok = m.up(r); ok {
				beside = other.previous(beside)
			}
		}
		if r.hi == len(m.lines) {
			return
		}
	}
}
