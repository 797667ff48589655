package ui

import "strings"

// Wrap breaks the lines of text that are wider than a terminal at spaces, so that
// it need not break them inside a word. What follows a break is indented to where
// the text after a label or a first column begins. Sequences that colour text take
// no columns.
func Wrap(text string, columns int) string {
	if columns <= 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if len(line) > columns {
			indent := hanging(line)
			if indent > columns/2 {
				indent = leading(line) + 2
			}
			lines[i] = wrapLine(line, columns, indent)
		}
	}
	return strings.Join(lines, "\n")
}

// Flow is Wrap for text that is broken into lines already: lines that begin with a
// word are one paragraph, and are broken anew if one of them is too wide.
func Flow(text string, columns int) string {
	var parts []string
	for part := range strings.SplitSeq(text, "\n\n") {
		tooWide := false
		for line := range strings.SplitSeq(part, "\n") {
			tooWide = tooWide || leading(line) > 0 || Columns(line) > columns
		}
		switch {
		case columns <= 0 || !tooWide:
		case strings.HasPrefix(part, " ") || strings.Contains(part, "\n "):
			part = Wrap(part, columns)
		default:
			part = wrapLine(strings.ReplaceAll(part, "\n", " "), columns, 0)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "\n\n")
}

func wrapLine(line string, columns, indent int) string {
	var b strings.Builder
	used := 0 // columns of the current line
	for rest := line; rest != ""; {
		spaces := leading(rest)
		end := strings.IndexByte(rest[spaces:], ' ')
		if end < 0 {
			end = len(rest) - spaces
		}
		word := rest[spaces : spaces+end]
		rest = rest[spaces+end:]
		wide := Columns(unpainted(word))
		if used+spaces > indent && used+spaces+wide > columns { // at the indent a break gains nothing
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used, spaces = indent, 0
		}
		b.WriteString(strings.Repeat(" ", spaces) + word)
		used += spaces + wide
	}
	return b.String()
}

// leading counts the spaces that text begins with.
func leading(text string) int { return len(text) - len(strings.TrimLeft(text, " ")) }

// hanging returns the column at which what follows a label ("error: ") or a first
// column begins, or two more than the line begins at if there is neither.
func hanging(line string) int {
	line = unpainted(line)
	from := leading(line)
	text := line[from:]
	at := strings.Index(text, "  ")
	if label := strings.Index(text, ": "); label > 0 && !strings.Contains(text[:label], " ") && (at < 0 || label < at) {
		at = label + 1
	}
	if at < 0 {
		return from + 2
	}
	return from + at + leading(text[at:])
}

// unpainted returns text without the sequences that colour it.
func unpainted(text string) string {
	for {
		before, after, found := strings.Cut(text, "\x1b[")
		if !found {
			return text
		}
		_, rest, _ := strings.Cut(after, "m")
		text = before + rest
	}
}
