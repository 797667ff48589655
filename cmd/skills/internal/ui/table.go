package ui

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// A Table is printed with its columns aligned. On a terminal the widest columns
// are cut to what fits, off it nothing is.
type Table struct {
	Head []string
	Rows [][]Cell
}

// A Cell is a text and how to mark it. The text is escaped when it is printed.
type Cell struct {
	Text string
	Mark func(string) string // may be nil
}

// Text returns cells without marks.
func Text(texts ...string) []Cell {
	cells := make([]Cell, len(texts))
	for i, t := range texts {
		cells[i].Text = t
	}
	return cells
}

const gap = "  "

// Table writes t to standard output. Columns that are empty in every row are
// left out.
func (p *Printer) Table(t Table) {
	used := make([]bool, len(t.Head))
	widths := make([]int, len(t.Head))
	for i, h := range t.Head {
		widths[i] = Columns(h)
	}
	last := 0
	for _, row := range t.Rows {
		for i := range row {
			row[i].Text = Line(row[i].Text)
			if row[i].Text != "" {
				used[i], last = true, max(last, i)
				widths[i] = max(widths[i], Columns(row[i].Text))
			}
		}
	}
	if p.screen.OutTTY {
		fit(widths, used, p.screen.Width())
	}
	head := make([]Cell, len(t.Head))
	for i, h := range t.Head {
		head[i] = Cell{h, p.Strong}
	}
	p.row(head, widths, used, last)
	for _, row := range t.Rows {
		p.row(row, widths, used, last)
	}
}

// fit narrows the widest of the used columns until all fit a terminal. The first
// says what the row is about: it goes last, and like the others not below what
// still tells something.
func fit(widths []int, used []bool, terminal int) {
	const least = 8
	over := -terminal - len(gap)
	for i, w := range widths {
		if used[i] {
			over += w + len(gap)
		}
	}
	for ; terminal > 0 && over > 0; over-- {
		widest := -1
		for i, w := range widths {
			if i > 0 && used[i] && w > least && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 && used[0] && widths[0] > least {
			widest = 0
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

func (p *Printer) row(cells []Cell, widths []int, used []bool, last int) {
	var b strings.Builder
	for i, c := range cells {
		if !used[i] {
			continue
		}
		text := Cut(c.Text, widths[i])
		pad := widths[i] - Columns(text)
		if c.Mark != nil {
			text = c.Mark(text)
		}
		b.WriteString(text)
		if i == last {
			break
		}
		b.WriteString(strings.Repeat(" ", pad) + gap)
	}
	p.Printf("%s", strings.TrimRight(b.String(), " "))
}

// Columns returns how many columns of a terminal text takes: two for a wide
// East Asian character, none for a mark that sits on another.
func Columns(text string) int {
	n := 0
	for _, r := range text {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
