package skill

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hidden is text in a file that people do not see and agents read: one character
// or several of a kind in a row.
type Hidden struct {
	Offset int64  `json:"offset"` // in bytes, of the first
	Rune   rune   `json:"rune"`   // the first
	Count  int    `json:"count"`  // how many
	Kind   string `json:"kind"`   // tag, bidi, variation, zero-width
	Text   string `json:"text,omitempty"`
	Block  bool   `json:"block"` // has no honest use; others are worth a warning
}

// String is safe to print.
func (h Hidden) String() string {
	s := fmt.Sprintf("%U at byte %d", h.Rune, h.Offset)
	if h.Count > 1 {
		s += fmt.Sprintf(" and %d more", h.Count-1)
	}
	s += ": "
	switch h.Kind {
	case "tag":
		s += "invisible tag characters"
	case "bidi":
		s += "text shown in another order than it is read in"
	case "variation":
		s += "stray variation selectors"
	default:
		s += "characters without width"
	}
	if h.Text != "" {
		s += " that spell " + quote(h.Text)
	}
	return s
}

const (
	maxHiddenText   = 256 // bytes of decoded text kept of one finding
	maxHiddenOfKind = 64  // findings kept of a kind: a hostile file is all findings
)

// A Scanner finds hidden text in the bytes of one file, which are written to it in
// pieces of any size. The zero value is ready to use, and takes no memory to
// speak of however large the file is.
//
// A file that holds a NUL byte or invalid UTF-8 is binary, where single
// characters come about by chance. Only what does not is found there: tag
// characters and their like in a row, or many of them. One broken byte must not
// hide a whole text.
type Scanner struct {
	offset int64
	prev   rune // the character before
	base   rune // the visible character before
	binary bool

	run  run
	text []byte // what run spells

	found []found
	kept  [4 * numClasses]int

	partial  [utf8.UTFMax]byte // a character whose end is in the next piece
	partials int
}

// A run is hidden characters of one class in a row. None is open if its class is
// visible.
type run struct {
	class  class
	offset int64
	first  rune
	before rune // the character before the first
	count  int
	same   bool // all are the first
	astral int  // how many are of the block E0000, to which nothing visible belongs
}

type found struct {
	Hidden
	astral int
}

// Write scans p. It never fails.
func (s *Scanner) Write(p []byte) (int, error) {
	n := len(p)
	if s.partials > 0 {
		if p = s.complete(p); s.partials > 0 {
			return n, nil
		}
	}
	for len(p) > 0 {
		if p[0] < utf8.RuneSelf || s.binary {
			if k := s.skip(p); k > 0 {
				p = p[k:]
				continue
			}
		}
		if len(p) < utf8.UTFMax && !utf8.FullRune(p) {
			s.partials = copy(s.partial[:], p)
			break
		}
		r, size := utf8.DecodeRune(p)
		s.step(r, size)
		p = p[size:]
	}
	return n, nil
}

// complete scans the character that the last piece left unfinished, and returns
// what of p follows it.
func (s *Scanner) complete(p []byte) []byte {
	var both [2 * utf8.UTFMax]byte
	had := copy(both[:], s.partial[:s.partials])
	all := both[:had+copy(both[had:], p[:min(len(p), utf8.UTFMax)])]
	i := 0
	for i < had {
		if !utf8.FullRune(all[i:]) { // then p was too short to finish it, and is all in here
			s.partials = copy(s.partial[:], all[i:])
			return nil
		}
		r, size := utf8.DecodeRune(all[i:])
		s.step(r, size)
		i += size
	}
	s.partials = 0
	return p[i-had:]
}

// skip passes over the bytes at the head of p that cannot be hidden text, as fast
// as memory is read, and returns their number.
func (s *Scanner) skip(p []byte) int {
	var n int
	if s.binary {
		// Whatever is found in a binary file begins with this byte.
		if n = bytes.IndexByte(p, 0xf3); n < 0 {
			n = len(p)
		}
	} else {
		n = plainASCII(p)
	}
	if n == 0 {
		return 0
	}
	s.endRun(rune(p[0]))
	s.prev = rune(p[n-1])
	if s.binary {
		s.prev = utf8.RuneError
	}
	s.base = s.prev
	s.offset += int64(n)
	return n
}

// plainASCII returns how many bytes at the head of p are ASCII other than NUL.
func plainASCII(p []byte) int {
	const high, ones = 0x8080808080808080, 0x0101010101010101
	n := 0
	for ; len(p)-n >= 32; n += 32 {
		q := p[n : n+32 : n+32]
		a := binary.LittleEndian.Uint64(q)
		b := binary.LittleEndian.Uint64(q[8:])
		c := binary.LittleEndian.Uint64(q[16:])
		d := binary.LittleEndian.Uint64(q[24:])
		// Subtracting sets the high bit of a zero byte, and of no other ASCII byte
		// unless there is a zero below it.
		if (a|b|c|d|(a-ones)|(b-ones)|(c-ones)|(d-ones))&high != 0 {
			break
		}
	}
	for n < len(p) && p[n]-1 < utf8.RuneSelf-1 {
		n++
	}
	return n
}

// step scans one character that took size bytes.
func (s *Scanner) step(r rune, size int) {
	c := classOf(r)
	if r == 0 || r == utf8.RuneError && size == 1 {
		s.binary = true
	}
	if r == 0xfeff && s.offset == 0 {
		c = visible // a byte order mark
	}
	if s.binary && r < 0xe0000 {
		// As skip does, which passes over these unless a piece ended among them.
		r, c = utf8.RuneError, visible
	}
	if c != s.run.class {
		s.endRun(r)
	}
	if c == visible {
		s.base = r
	} else {
		if s.run.class == visible {
			s.run = run{class: c, offset: s.offset, first: r, before: s.prev, same: true}
			s.text = s.text[:0]
		}
		s.run.count++
		s.run.same = s.run.same && r == s.run.first
		if r >= 0xe0000 {
			s.run.astral++
		}
		if b, ok := spelled(r); ok && len(s.text) < maxHiddenText {
			s.text = append(s.text, b)
		}
	}
	s.prev = r
	s.offset += int64(size)
}

// endRun judges the open run, if there is one, of which next is what follows it,
// or 0 at the end.
func (s *Scanner) endRun(next rune) {
	if s.run.class == visible {
		return
	}
	if h, ok := s.judge(next); ok {
		// Counted apart, so that many of the harmless crowd out none of the others.
		kind := 4 * int(s.run.class)
		if h.Block {
			kind++
		}
		if s.run.astral > 0 {
			kind += 2
		}
		if s.kept[kind]++; s.kept[kind] <= maxHiddenOfKind {
			s.found = append(s.found, found{h, s.run.astral})
		}
	}
	s.run = run{}
}

// judge turns the open run into a finding, unless it is of honest use there.
func (s *Scanner) judge(next rune) (Hidden, bool) {
	u := s.run
	h := Hidden{Offset: u.offset, Rune: u.first, Count: u.count, Kind: u.class.String(), Block: true}
	switch u.class {
	case visible, bidi: // bidi is blocked wherever it stands
	case tag:
		h.Text = string(s.text)
		flag := s.prev == cancelTag && u.count == len(s.text)+1
		if flag && (u.before == blackFlag || s.binary) {
			switch {
			case h.Text == "gbeng" || h.Text == "gbsct" || h.Text == "gbwls":
				return h, false // England, Scotland, Wales: the flags that there are
			case u.before == blackFlag && subdivision(h.Text):
				h.Block = false // a flag that is shown as a black one, but is no text
			}
		}
	case variation:
		shown := u.before != 0 && classOf(u.before) == visible
		emoji := u.first == 0xfe0e || u.first == 0xfe0f
		switch {
		case u.count == 1 && shown && variesWith(u.before, u.first):
			return h, false
		case u.count == 1 && (emoji || shown && u.first < 0xe0000), u.count == 2 && emoji && u.same:
			h.Block = false // a slip of an editor, and too little to hide anything in
		default:
			if h.Text = string(s.text); !utf8.ValidString(h.Text) || strings.ContainsFunc(h.Text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				h.Text = "" // bytes, and no text
			}
		}
	case zeroWidth:
		if joins(u, s.base, next) {
			return h, false
		}
		h.Block = false
	}
	return h, true
}

// Findings returns what was found so far, in the order of the file: the first 64
// of each sort. It assumes that the file ends here, and may be called again.
func (s *Scanner) Findings() []Hidden {
	end := *s
	end.found = slices.Clip(end.found) // what is appended here must not reach s
	if end.partials > 0 {
		end.step(utf8.RuneError, 1)
	}
	end.endRun(0)

	var all, certain, rows []Hidden
	for _, f := range end.found {
		all = append(all, f.Hidden)
		if f.astral > 0 {
			certain = append(certain, f.Hidden)
		}
		if f.astral > 1 {
			rows = append(rows, f.Hidden)
		}
	}
	switch {
	case !end.binary:
		return all
	case end.astral() > 8+end.offset>>18: // chance brings one in 1 MiB
		return certain
	}
	return rows
}

// astral counts the findings with characters of the block U+E0000, kept or not.
func (s *Scanner) astral() int64 {
	n := 0
	for kind, found := range s.kept {
		if kind&2 != 0 {
			n += found
		}
	}
	return int64(n)
}

// Reset makes the Scanner ready for another file.
func (s *Scanner) Reset() { *s = Scanner{text: s.text[:0]} }
