package merge

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"
)

const devNull = "/dev/null"

// Text reports whether b is text: UTF-8 without a NUL byte. That is narrower
// than what git takes for text. What is in another encoding, or is a PDF, is
// not merged by lines.
func Text(b []byte) bool { return bytes.IndexByte(b, 0) < 0 && utf8.Valid(b) }

// Unified returns the difference as a unified diff with three lines of context,
// which patch and git apply read; "" if there is none; and one line that says so
// if either is no text. Names are to come with their a/ and b/; /dev/null stands
// for a file that is not there. What would end a name early is quoted as git
// quotes it.
func Unified(oldName, newName string, old, new []byte) string {
	switch {
	case bytes.Equal(old, new):
		return ""
	case !Text(old) || !Text(new):
		return differ(oldName, newName)
	}
	before := string(old)
	hunks, err := udiff.ToUnified("a", "b", before, udiff.Lines(before, string(new)), udiff.DefaultContextLines)
	if err != nil {
		// It takes an edit list that does not fit its text.
		return differ(oldName, newName)
	}
	_, hunks, _ = strings.Cut(hunks, "\n+++ b\n")
	return "--- " + label(oldName) + "\n+++ " + label(newName) + "\n" + hunks
}

func differ(oldName, newName string) string {
	return "Binary files " + quote(oldName) + " and " + quote(newName) + " differ\n"
}

// label is a name in a header, behind which a tab says that a space is part of it.
func label(name string) string {
	if quoted := quote(name); quoted != name {
		return quoted
	}
	if strings.Contains(name, " ") {
		return name + "\t"
	}
	return name
}

// quote writes a name as C would if it holds, or ends in, what a line cannot.
func quote(name string) string {
	odd := func(r rune) bool { return r < ' ' || r == 0x7f || r == '"' || r == '\\' }
	if strings.IndexFunc(name, odd) < 0 && !strings.HasSuffix(name, " ") {
		return name
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// mergeTexts merges by lines. Where each text has one kind of line end, they are
// merged without regard to it, and the result has the kind of the local one,
// unless only next changed it.
func mergeTexts(base, local, next string) (string, bool) {
	ends := [3]string{lineEnd(base), lineEnd(local), lineEnd(next)}
	if ends[0] == mixed || ends[1] == mixed || ends[2] == mixed || ends == [3]string{} {
		return mergeLines(base, local, next)
	}
	text, ok := mergeLines(fold(base), fold(local), fold(next))
	end := ends[1]
	if end == "" || end == ends[0] && ends[2] != "" {
		end = ends[2]
	}
	if ok && end == "\r\n" {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text, ok
}

const mixed = "mixed"

// lineEnd returns what all lines of a text end in, "" if there are none.
func lineEnd(text string) string {
	all, crlf := strings.Count(text, "\n"), strings.Count(text, "\r\n")
	switch {
	case all == 0:
		return ""
	case crlf == 0:
		return "\n"
	case crlf == all:
		return "\r\n"
	}
	return mixed
}
