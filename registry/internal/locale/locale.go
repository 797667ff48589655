// Package locale checks the language tags that registries put into requests and
// into the names of folders.
package locale

import "strings"

// longest is a tag that every implementation of RFC 5646 accepts (section 4.4.1).
const longest = 35

// Valid reports whether s is shaped like a language tag: two or three letters,
// such as en, perhaps followed by more, as in zh-Hant-TW. Whether there is such a
// language is not asked.
func Valid(s string) bool {
	language, rest, more := strings.Cut(s, "-")
	if len(s) > longest || len(language) < 2 || len(language) > 3 || !alphanumeric(language, false) {
		return false
	}
	for more {
		var part string
		part, rest, more = strings.Cut(rest, "-")
		if part == "" || len(part) > 8 || !alphanumeric(part, true) {
			return false
		}
	}
	return true
}

func alphanumeric(s string, digits bool) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (!digits || c < '0' || c > '9') {
			return false
		}
	}
	return true
}
