package ui

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape returns text as it can be shown to a person: whatever could move the
// cursor, recolour, reorder or hide other text is spelled out as \x1b, \u202e
// and so on. Emoji keep the joiners that they are made with.
func Escape(text string) string {
	if clean(text) {
		return text
	}
	var b strings.Builder
	prev := rune(0)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(text[i])|0x100, 16)[1:])
			r = 0
		case shown(r) || r == zwj && joins(prev):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			r = 0
		}
		prev = r
		i += size
	}
	return b.String()
}

const zwj = '\u200d'

func clean(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}

// shown says whether r is a character that a terminal puts somewhere and
// nothing else.
func shown(r rune) bool { return unicode.IsGraphic(r) && !variation(r) || r == 0xfe0f }

// variation says whether r is a variation selector, which is a mark and yet
// invisible: text can be hidden in runs of them.
func variation(r rune) bool {
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef
}

func joins(prev rune) bool {
	return prev == 0xfe0f || unicode.In(prev, unicode.So, unicode.Sk)
}

// Safe says whether a terminal can be given r as it is. JSON output spells out
// all others.
func Safe(r rune) bool { return shown(r) }

// Line is Escape for text of several lines that goes into one.
func Line(text string) string { return Escape(strings.Join(strings.Fields(text), " ")) }

// Cut shortens text to at most columns, with an ellipsis where it ends.
func Cut(text string, columns int) string {
	if Columns(text) <= columns {
		return text
	}
	used := 0
	for i, r := range text {
		w := runeColumns(r)
		if used+w > columns-1 {
			return text[:i] + "…"
		}
		used += w
	}
	return text
}
