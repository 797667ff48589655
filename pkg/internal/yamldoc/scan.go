package yamldoc

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// scalarEnd returns where a scalar on one line ends, or where a quoted one
// does; for what folds several lines into one value it returns -1.
func (d *Document) scalarEnd(start int, n *yaml.Node) int {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0 || n.Style&yaml.SingleQuotedStyle != 0:
		return d.quotedEnd(start)
	case n.Style == 0 && !strings.Contains(n.Value, "\n") && bytes.HasPrefix(d.text[start:], []byte(n.Value)):
		return start + len(n.Value)
	}
	return -1
}

// quotedEnd returns where the quoted scalar at start ends.
func (d *Document) quotedEnd(start int) int {
	quote := d.text[start]
	for pos := start + 1; pos < len(d.text); pos++ {
		switch c := d.text[pos]; {
		case quote == '"' && c == '\\':
			pos++
		case quote == '\'' && c == '\'' && pos+1 < len(d.text) && d.text[pos+1] == '\'':
			pos++
		case c == quote:
			return pos + 1
		}
	}
	return -1
}

// flowEnd returns where the flow collection at start ends.
func (d *Document) flowEnd(start int) int {
	depth, fresh := 0, true // fresh: a scalar could begin here
	for pos := start; pos < len(d.text); pos++ {
		switch c := d.text[pos]; c {
		case '{', '[', ',', ':':
			if c == '{' || c == '[' {
				depth++
			}
			fresh = true
		case '}', ']':
			if depth--; depth == 0 {
				return pos + 1
			}
			fresh = false
		case '"', '\'':
			if fresh {
				end := d.quotedEnd(pos)
				if end < 0 {
					return -1
				}
				pos = end - 1
			}
			fresh = false
		case '#':
			if blank(d.text[pos-1]) {
				pos = d.nextLine(pos) - 1
			}
		default:
			fresh = fresh && blank(c)
		}
	}
	return -1
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// thisLine returns where the line with the byte at pos starts.
func (d *Document) thisLine(pos int) int {
	i, found := slices.BinarySearch(d.lines, pos)
	switch {
	case found:
		return pos
	case i == 0:
		return 0
	}
	return d.lines[i-1]
}

// nextLine returns where the line after the one with the byte at pos starts.
func (d *Document) nextLine(pos int) int {
	if i, _ := slices.BinarySearch(d.lines, pos+1); i < len(d.lines) {
		return d.lines[i]
	}
	return len(d.text)
}

// end returns where the content of the document ends: before a line of three
// dots, or at the end of the file.
func (d *Document) end() int {
	pos := d.contentEnd(len(d.text))
	if pos == 0 {
		return len(d.text)
	}
	start := d.thisLine(pos - 1)
	if line := d.text[start:pos]; bytes.HasPrefix(line, []byte("...")) && (len(line) == 3 || blank(line[3])) {
		return start
	}
	return len(d.text)
}

// contentEnd returns where the last line before limit ends that is neither
// blank nor a comment.
func (d *Document) contentEnd(limit int) int {
	for limit > 0 {
		start := d.thisLine(limit - 1)
		if line := bytes.TrimLeft(d.text[start:limit], " \t\r\n"); len(line) > 0 && line[0] != '#' {
			return limit
		}
		limit = start
	}
	return 0
}

// newline returns the line break that the file uses before pos, or at all.
func (d *Document) newline(pos int) string {
	i := bytes.LastIndexByte(d.text[:pos], '\n')
	if i < 0 {
		i = bytes.IndexByte(d.text, '\n')
	}
	if i > 0 && d.text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}
