package skill

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v4"
)

// textKeys are the keys whose value is one text, so that nothing else can have
// been meant by a value that YAML takes for a map.
const textKeys = " name description license compatibility "

// splitText says whether YAML found a map where a text belongs: the text stands
// on lines of its own, unquoted, and has a colon in it.
func splitText(root *yaml.Node) bool {
	if root == nil || root.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		value := root.Content[i+1]
		if value.Kind == yaml.MappingNode && value.Style&yaml.FlowStyle == 0 && isTextKey(root.Content[i].Value) {
			return true
		}
	}
	return false
}

func isTextKey(key string) bool {
	return key != "" && strings.Contains(textKeys, " "+key+" ")
}

// repair puts the unquoted text of top-level keys into single quotes where YAML
// would find a map in it, or would not take its first character. Lines and
// columns of nodes stay as they were. The findings say what was repaired; the
// result is only as good as its YAML.
func repair(front []byte) (fixed []byte, findings []Finding) {
	lines := bytes.SplitAfter(front, []byte("\n"))
	for i := 1; i < len(lines); {
		end := i + 1 // the lines of one key: its own, and those that are indented or blank
		for end < len(lines) && (len(bytes.TrimSpace(lines[end])) == 0 || lines[end][0] == ' ') {
			end++
		}
		if f, ok := repairValue(lines[i:end], i+1); ok {
			findings = append(findings, f)
		}
		i = end
	}
	if len(findings) == 0 {
		return nil, nil
	}
	return bytes.Join(lines, nil), findings
}

// repairValue quotes the value of the key on the first of lines, if that is
// needed. The first line has the given number.
func repairValue(lines [][]byte, number int) (Finding, bool) {
	key, value, ok := bytes.Cut(lines[0], []byte(":"))
	if !ok || !plainKey(key) || len(value) > 0 && !isSpace(value[0]) {
		return Finding{}, false
	}
	first, start := 0, len(lines[0])-len(bytes.TrimLeft(value, " \t\r\n")) // where the text begins
	if start == len(lines[0]) {
		// The value begins below. Only for keys of text: others may hold a map.
		for first++; first < len(lines) && len(bytes.TrimSpace(lines[first])) == 0; first++ {
		}
		if first == len(lines) || !isTextKey(string(key)) {
			return Finding{}, false
		}
		start = len(lines[first]) - len(bytes.TrimLeft(lines[first], " "))
	}
	last := len(lines) - 1
	for len(bytes.TrimSpace(lines[last])) == 0 {
		last--
	}

	at, offset := faultInText(lines[first:last+1], start)
	if at < 0 {
		return Finding{}, false
	}
	at += first
	_, column := position(lines[at], offset)
	f := Finding{"unquoted-text", Error, FileName, number + at, column,
		"colon inside unquoted text", "put the value of " + string(key) + " in quotes"}
	if lines[at][offset] != ':' {
		f.Message = "value begins with a character that YAML reserves"
	}

	for i := first; i <= last; i++ {
		text := lines[i][start:]
		quoted := append([]byte(nil), lines[i][:start]...)
		if i == first {
			quoted = append(quoted, '\'')
		}
		trimmed := bytes.TrimRight(text, " \t\r\n")
		quoted = append(quoted, bytes.ReplaceAll(trimmed, []byte("'"), []byte("''"))...)
		if i == last {
			quoted = append(quoted, '\'')
		}
		lines[i] = append(quoted, text[len(trimmed):]...)
		start = 0
	}
	return f, true
}

// faultInText returns the line and the offset in it of what makes YAML misread
// plain text that begins at start of the first line, or -1 if nothing does or the
// text is no plain text.
func faultInText(lines [][]byte, start int) (line, offset int) {
	text := lines[0][start:]
	switch text[0] {
	case '"', '\'', '|', '>', '[', '{', '&', '*', '!', '#':
		return -1, 0
	case '@', '`', '%':
		return 0, start
	case '-', '?', ':':
		if len(text) == 1 || isSpace(text[1]) {
			return -1, 0
		}
	}
	for i, l := range lines {
		for j := start; j < len(l); j++ {
			if l[j] == ':' && (j+1 == len(l) || isSpace(l[j+1])) {
				return i, j
			}
		}
		start = 0
	}
	return -1, 0
}

func plainKey(key []byte) bool {
	for _, c := range key {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(key) > 0
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
