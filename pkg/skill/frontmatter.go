package skill

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

var (
	bom   = []byte("\xef\xbb\xbf")
	fence = []byte("---")
)

// A frontMatter is a SKILL.md taken apart, and not yet read.
type frontMatter struct {
	// yaml begins with the opening --- and ends before the closing one. The fence
	// is a document marker in YAML, and leaving it in makes the parser count lines
	// as the file does.
	yaml []byte
	body []byte
	bom  bool // the file begins with a byte order mark
}

const addFrontMatter = "begin the file with a line ---, lines name: and description:, and a line ---"

// split finds the front matter of a SKILL.md, and names what is there instead.
func split(data []byte) (frontMatter, *SyntaxError) {
	var front frontMatter
	if len(data) > MaxSize {
		return front, &SyntaxError{"size", 1, 1,
			fmt.Sprintf("file is %d bytes, over the limit of %d", len(data), MaxSize),
			"move details into files of their own, under references/"}
	}
	if fault := checkEncoding(data); fault != nil {
		return front, fault
	}
	data, front.bom = bytes.CutPrefix(data, bom)

	first, rest, _ := cutLine(data)
	if !isFence(first) {
		return front, missingFrontMatter(data, first)
	}
	for ok := true; ok; {
		var line []byte
		start := len(data) - len(rest)
		line, rest, ok = cutLine(rest)
		if !isFence(line) {
			continue
		}
		if start > MaxFrontMatter {
			return front, &SyntaxError{"front-matter-size", 1, 1,
				fmt.Sprintf("front matter is %d bytes, over the limit of %d", start, MaxFrontMatter),
				"move text into the body"}
		}
		front.yaml, front.body = data[:start], rest
		return front, checkCharacters(front.yaml)
	}
	return front, &SyntaxError{"front-matter-unterminated", 1, 1,
		"front matter is not terminated: no line --- after the first", "add a line --- after the last key"}
}

// cutLine returns the first line of data without its line break, and what follows.
func cutLine(data []byte) (line, rest []byte, found bool) {
	line, rest, found = bytes.Cut(data, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest, found
}

// isFence says whether a line opens or closes front matter.
func isFence(line []byte) bool {
	return bytes.HasPrefix(line, fence) && len(bytes.TrimRight(line[len(fence):], " \t")) == 0
}

func missingFrontMatter(data, first []byte) *SyntaxError {
	fault := &SyntaxError{"front-matter-missing", 1, 1, "front matter is missing", addFrontMatter}
	text := bytes.TrimLeft(data, " \t\r\n")
	switch {
	case len(text) == 0:
		fault.Message = "file is empty"
	case bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') >= 0:
		fault.Rule, fault.Message, fault.Fix = "line-break", "lines end in CR alone", "end lines in LF or CRLF"
	case isTOMLFence(first):
		fault.Rule, fault.Message = "front-matter-toml", "front matter is TOML, not YAML"
		fault.Fix = "write it between lines of ---, as name: and description:"
	case bytes.HasPrefix(text, fence) && len(text) < len(data):
		fault.Line, fault.Column = position(data, len(data)-len(text))
		fault.Message = "front matter does not begin the file"
		fault.Fix = "delete what stands before the first ---"
	case bytes.HasPrefix(first, fence):
		fault.Message, fault.Fix = "first line is not --- alone", "write --- alone on the first line"
	case bytes.HasPrefix(first, []byte("```")):
		fault.Message, fault.Fix = "front matter is inside a code fence", "delete the line of ``` and the one that closes it"
	}
	return fault
}

func isTOMLFence(line []byte) bool {
	return bytes.Equal(bytes.TrimRight(line, " \t"), []byte("+++"))
}

// checkEncoding refuses what is not UTF-8, by its name where it has one.
func checkEncoding(data []byte) *SyntaxError {
	const fix = "save the file as UTF-8"
	for _, e := range [...]struct{ mark, name string }{
		{"\xff\xfe\x00\x00", "UTF-32"}, {"\x00\x00\xfe\xff", "UTF-32"}, // before UTF-16: the marks share bytes
		{"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"},
		{"-\x00", "UTF-16"}, {"\x00-", "UTF-16"}, // no mark, but a fence
	} {
		if bytes.HasPrefix(data, []byte(e.mark)) {
			return &SyntaxError{"encoding", 1, 1, "file is " + e.name + ", not UTF-8", fix}
		}
	}
	if !utf8.Valid(data) {
		i := 0
		for {
			r, size := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			i += size
		}
		line, column := position(data, i)
		return &SyntaxError{"encoding", line, column, fmt.Sprintf("byte 0x%02x is not valid UTF-8", data[i]), fix}
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		line, column := position(data, i)
		return &SyntaxError{"encoding", line, column, "file holds a NUL byte", "delete it"}
	}
	return nil
}

// checkCharacters refuses in front matter what YAML forbids, and what one
// version of YAML takes for a line break and another for text: a key behind such
// a character would exist for some readers only.
func checkCharacters(front []byte) *SyntaxError {
	for i := 0; i < len(front); {
		c := front[i]
		if c < utf8.RuneSelf {
			lone := c == '\r' && (i+1 == len(front) || front[i+1] != '\n')
			if c == 0x7f || c < ' ' && c != '\t' && c != '\n' && c != '\r' || lone {
				return characterFault(front, i, rune(c))
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(front[i:])
		if r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r&0xfffe == 0xfffe {
			return characterFault(front, i, r)
		}
		i += size
	}
	return nil
}

func characterFault(front []byte, at int, r rune) *SyntaxError {
	line, column := position(front, at)
	switch r {
	case '\r', 0x85, 0x2028, 0x2029:
		return &SyntaxError{"line-break", line, column,
			fmt.Sprintf("front matter holds %U, a line break to some readers only", r), "end lines in LF or CRLF"}
	}
	return &SyntaxError{"control-character", line, column,
		fmt.Sprintf("front matter holds the control character %U", r), "delete it"}
}

// position returns the line and column of the byte at offset, both from 1, the
// column in characters. A byte order mark takes no column.
func position(data []byte, offset int) (line, column int) {
	before := data[:offset]
	line = bytes.Count(before, []byte("\n")) + 1
	before = bytes.TrimPrefix(before[bytes.LastIndexByte(before, '\n')+1:], bom)
	return line, utf8.RuneCount(before) + 1
}
