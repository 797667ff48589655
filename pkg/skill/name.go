package skill

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const (
	maxName      = 64  // characters, by the specification
	maxComponent = 200 // bytes; a longer name fits no folder on some systems
)

// ValidName says whether s is a name by the specification, and no name that
// Windows keeps for a device: groups of a-z and 0-9 with single hyphens between
// them, at most 64 characters. Only such a name may become a folder.
func ValidName(s string) bool {
	if s == "" || len(s) > maxName || s[0] == '-' || s[len(s)-1] == '-' || reservedName(s) {
		return false
	}
	return strings.IndexFunc(s, notInName) < 0 && !strings.Contains(s, "--")
}

func notInName(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }

// nameFault says which rule a name that is not valid breaks.
func nameFault(s string) (rule, message, fix string) {
	fix = "use letters a-z, digits and single hyphens"
	if name := suggestName(s); name != "" {
		fix = "name: " + name
	}
	length := utf8.RuneCountInString(s)
	switch {
	case length > maxName:
		return "name-length", fmt.Sprintf("name is %d characters, over the limit of %d", length, maxName), "shorten it"
	case reservedName(s):
		return "name-reserved", "name " + quote(s) + " is a device on Windows", "choose another"
	case strings.ContainsFunc(s, func(r rune) bool { return notInName(r) && (r < 'A' || r > 'Z') }):
		return "name-characters", "name " + quote(s) + " has characters other than a-z, 0-9 and -", fix
	case strings.ContainsFunc(s, notInName):
		return "name-characters", "name " + quote(s) + " has upper-case letters", fix
	case strings.Contains(s, "--"):
		return "name-hyphens", "name " + quote(s) + " has two hyphens in a row", fix
	}
	return "name-hyphens", "name " + quote(s) + " begins or ends with a hyphen", fix
}

// suggestName returns the valid name nearest to s, or "".
func suggestName(s string) string {
	b := make([]byte, 0, maxName)
	for _, c := range []byte(strings.ToLower(s[:min(len(s), maxComponent)])) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			b = append(b, c)
		case len(b) > 0 && b[len(b)-1] != '-':
			b = append(b, '-')
		}
	}
	name := strings.Trim(string(b[:min(len(b), maxName)]), "-")
	if !ValidName(name) {
		return ""
	}
	return name
}

// reservedName says whether Windows takes s for a device, whatever follows a
// first dot.
func reservedName(s string) bool {
	s, _, _ = strings.Cut(strings.ToLower(s), ".")
	switch strings.TrimRight(s, " ") {
	case "con", "prn", "aux", "nul", "conin$", "conout$":
		return true
	}
	port, ok := strings.CutPrefix(s, "com")
	if !ok {
		port, ok = strings.CutPrefix(s, "lpt")
	}
	// Windows takes the superscripts of Latin-1 for digits here.
	return ok && (len(port) == 1 && port[0] >= '0' && port[0] <= '9' || port == "¹" || port == "²" || port == "³")
}

// checkNameSafe refuses a name that could be taken for a path, for another name,
// or for none. Other names that break the specification are only reported: the
// folder is then named after the slug.
func checkNameSafe(at, value *yaml.Node) *SyntaxError {
	fault := &SyntaxError{"name-unsafe", at.Line, at.Column, "", "use letters a-z, digits and single hyphens"}
	s := textOf(value)
	switch {
	case value.Kind != yaml.ScalarNode:
		fault.Rule, fault.Message = "name-type", "name is a "+typeOf(value)+", not text"
	case strings.TrimSpace(s) == "":
		fault.Rule, fault.Message = "name-missing", "name is empty"
	case len(s) > maxComponent:
		fault.Rule, fault.Message = "name-length", fmt.Sprintf("name is %d bytes, over the limit of %d", len(s), maxComponent)
	case strings.ContainsAny(s, `/\`) || strings.Contains(s, "..") || s == "." || len(s) > 1 && s[1] == ':':
		fault.Message = "name " + quote(s) + " reads as a path"
	case strings.ContainsFunc(s, invisible):
		fault.Message = "name " + quote(s) + " holds characters that are not visible"
	case reservedName(s):
		fault.Rule, fault.Message = "name-reserved", "name "+quote(s)+" is a device on Windows"
	case lookalike(s):
		fault.Message = "name " + quote(s) + " mixes letters that look alike"
	default:
		return nil
	}
	return fault
}

func invisible(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) || classOf(r) != visible ||
		unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp)
}

// lookalike says whether s is made to be read as a name that it is not: Latin
// letters among those of scripts that share their shapes, or the styled copies
// of letters that Unicode keeps for compatibility.
func lookalike(s string) bool {
	var latin, other bool
	for _, r := range s {
		switch {
		case r >= 0xff01 && r <= 0xff5e, r >= 0x1d400 && r <= 0x1d7ff, r >= 0x2100 && r <= 0x214f, r >= 0x2460 && r <= 0x24ff:
			return true
		case r < utf8.RuneSelf:
			latin = latin || unicode.IsLetter(r)
		case unicode.In(r, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic, unicode.Lisu):
			other = true
		}
	}
	return latin && other
}
