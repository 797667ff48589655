package source

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// NoReason stands where a version is yanked and nobody wrote why.
const NoReason = "no reason was given"

const maxReason = 200 // bytes

// YankReason makes one short line of what a publisher wrote about a yank: its
// first line, without what cannot be seen. It is never empty, so that it can be
// the Yanked of a Pin or a Receipt.
func YankReason(text string) string {
	if i := strings.IndexAny(text, "\r\n"); i >= 0 {
		text = text[:i]
	}
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text[:min(len(text), 4*maxReason)]))
	if len(text) > maxReason {
		end := maxReason
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	if text == "" {
		return NoReason
	}
	return text
}
