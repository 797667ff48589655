package ref

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openskills-go/skills/pkg/version"
)

const (
	maxSlug     = 200 // bytes
	maxRegistry = 64  // bytes
)

// ValidSlug reports whether s can be a slug, or an owner: letters and digits of
// any script, "-", "_" and ".", at most 200 bytes, neither beginning with "-" or
// "." nor ending with ".", and without "..".
func ValidSlug(s string) bool { return checkName("slug", s) == "" }

// ValidRegistry reports whether s can be the name of a configured registry: an
// ASCII letter, then letters, digits, "-" and "_", at most 64 bytes, and nothing
// that addresses begin with, such as https.
func ValidRegistry(s string) bool { return isRegistry(s) && !isReserved(s) }

// isRegistry reports whether s is spelled like the name of a registry.
func isRegistry(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '-' || c == '_'):
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxRegistry
}

func isReserved(s string) bool {
	switch strings.ToLower(s) {
	case "gh", "git", "http", "https", "ssh", "file", "oci":
		return true
	}
	return false
}

// checkName says why s is no name of the kind what.
func checkName(what, s string) string {
	switch {
	case s == "":
		return "the " + what + " is empty"
	case len(s) > maxSlug:
		return fmt.Sprintf("the %s is longer than %d bytes", what, maxSlug)
	case s[0] == '-' || s[0] == '.':
		return fmt.Sprintf("the %s begins with %q; write ./ before the name of a folder", what, s[:1])
	case s[len(s)-1] == '.':
		return "the " + what + " ends with \".\""
	case strings.Contains(s, ".."):
		return "the " + what + " holds \"..\""
	case !utf8.ValidString(s):
		return "the " + what + " is not valid UTF-8"
	}
	for _, c := range s {
		if !nameRune(c) {
			return "the " + what + " " + badRune(c)
		}
	}
	return ""
}

// nameRune accepts letters, digits and the marks that many scripts write vowels
// with, but none of those that are not to be seen.
func nameRune(c rune) bool {
	if c < utf8.RuneSelf {
		return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '_' || c == '.'
	}
	return !isInvisible(c) && (unicode.IsLetter(c) || unicode.IsMark(c) || unicode.IsDigit(c))
}

func isInvisible(c rune) bool {
	return unicode.In(c, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// badRune says what is wrong with c, and what was probably meant.
func badRune(c rune) string {
	switch {
	case c == ' ':
		return "has a space; give each reference as an argument of its own, and quote paths (\"./my skill\")"
	case strings.ContainsRune("=<>~^#!", c):
		return fmt.Sprintf("has %q; a version goes after an @ (pdf@1.2.3, 'pdf@>=1 <3')", c)
	case c == '?' || c == '&' || c == '%' || c == ':':
		return fmt.Sprintf("has %q; a web address begins with https://", c)
	case strings.ContainsRune("\"'`<>()[]{}\u2018\u2019\u201c\u201d", c):
		return "has " + character(c) + ", which belongs to the text around it"
	case isInvisible(c):
		return fmt.Sprintf("has the invisible character %U", c)
	}
	return "has " + character(c) + "; letters, digits, \"-\", \"_\" and \".\" are accepted"
}

func character(c rune) string {
	if c < utf8.RuneSelf {
		return strconv.QuoteRune(c)
	}
	return fmt.Sprintf("the character %U", c)
}

func queryWhy(err error) string {
	if q, ok := errors.AsType[*version.QueryError](err); ok {
		return q.Input + " after the @: " + q.Why
	}
	return err.Error()
}
