package archive

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// normalise turns the name of an entry into a slash-separated path, "" for the
// top itself, and reports whether it is spelled like a folder. It removes only
// what says nothing: a "./" in front, a slash at the end. In zips a backslash
// is a slash, for some old Windows tools write it so. Whatever else is odd stays
// for checkPath to refuse.
func normalise(name string, backslash bool) (path string, folder bool) {
	if backslash && strings.IndexByte(name, '\\') >= 0 {
		name = strings.ReplaceAll(name, `\`, "/")
	}
	if name == "." || name == "./" {
		return "", true
	}
	name = strings.TrimPrefix(name, "./")
	if trimmed, ok := strings.CutSuffix(name, "/"); ok && trimmed != "" {
		return trimmed, true
	}
	return name, false
}

// checkPath refuses a path that is not the same harmless thing on every file
// system. The rules are those of all platforms on all platforms, so that a skill
// that installs here installs anywhere.
func checkPath(path string, l *Limits) error {
	if path == "" {
		return &UnsafeError{Why: "an entry has no name"}
	}
	if len(path) > l.Path {
		return &LimitError{What: "bytes in its path", Entry: path, Got: int64(len(path)), Limit: int64(l.Path)}
	}
	if why := badStart(path); why != "" {
		return &UnsafeError{Entry: path, Why: why}
	}
	depth := 0
	for rest, more := path, true; more; {
		var component string
		component, rest, more = strings.Cut(rest, "/")
		if why := badComponent(component); why != "" {
			return &UnsafeError{Entry: path, Why: why}
		}
		if len(component) > l.Component {
			return &LimitError{What: "bytes in one part of its path", Entry: path, Got: int64(len(component)), Limit: int64(l.Component)}
		}
		depth++
	}
	if depth > l.Depth {
		return &LimitError{What: "levels in its path", Entry: path, Got: int64(depth), Limit: int64(l.Depth)}
	}
	return nil
}

func badStart(path string) string {
	switch {
	case path[0] == '/':
		return "is an absolute path"
	case len(path) >= 2 && path[1] == ':' && isLetter(path[0]):
		return "is a path on a drive"
	}
	return ""
}

// badComponent returns why one part of a path is refused, or "".
func badComponent(c string) string {
	switch c {
	case "":
		return "has an empty part in its path"
	case ".":
		return `has a "." in its path`
	case "..":
		return `has a ".." in its path`
	}
	ascii := true
	for i := range len(c) {
		switch b := c[i]; {
		case b >= utf8.RuneSelf:
			ascii = false
		case b < ' ' || b == 0x7f:
			return "has a control character in its name"
		case b == '\\':
			return "has a backslash in its name"
		case b == ':':
			return "has a colon in its name"
		case b == '<' || b == '>' || b == '"' || b == '|' || b == '?' || b == '*':
			return "has a character in its name that Windows does not allow"
		}
	}
	if !ascii {
		if why := badRunes(c); why != "" {
			return why
		}
	}
	switch last := c[len(c)-1]; {
	case last == '.':
		return "has a name that ends with a dot"
	case last == ' ':
		return "has a name that ends with a space"
	case len(c) == 4 && strings.EqualFold(c, ".git"), len(c) == 5 && strings.EqualFold(c, "git~1"):
		return "is part of a git repository"
	case reserved(c):
		return "has a name that Windows reserves"
	}
	return ""
}

// badRunes checks a component that is not all ASCII.
func badRunes(c string) string {
	if !utf8.ValidString(c) {
		return "has a name that is not UTF-8"
	}
	for _, r := range c {
		switch {
		case r < utf8.RuneSelf:
		case unicode.Is(unicode.Cc, r), r == '\u2028', r == '\u2029':
			return "has a control character in its name"
		case unicode.Is(unicode.Cf, r), invisible(r):
			return "has an invisible character in its name"
		}
	}
	return ""
}

// invisible reports whether r shows nothing, outside the format characters (Cf).
// The two selectors of text and emoji style are let through: keyboards add them.
func invisible(r rune) bool {
	switch {
	case r == '\ufe0e', r == '\ufe0f':
		return false
	case unicode.Is(unicode.Variation_Selector, r):
		return true
	}
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u2065', '\u3164', '\uffa0', '\ufff9', '\ufffa', '\ufffb':
		return true
	}
	return r >= 0xe0000 && r <= 0xe0fff
}

// reserved reports whether Windows takes c for a device, with any suffix.
func reserved(c string) bool {
	stem, _, _ := strings.Cut(c, ".")
	stem = strings.TrimRight(stem, " ")
	switch len(stem) {
	case 3:
		return strings.EqualFold(stem, "con") || strings.EqualFold(stem, "prn") ||
			strings.EqualFold(stem, "aux") || strings.EqualFold(stem, "nul")
	case 4, 5: // a superscript digit has two bytes
		if !strings.EqualFold(stem[:3], "com") && !strings.EqualFold(stem[:3], "lpt") {
			return false
		}
		switch digit := stem[3:]; digit {
		case "¹", "²", "³":
			return true
		default:
			return len(digit) == 1 && digit[0] >= '0' && digit[0] <= '9'
		}
	case 6, 7:
		return strings.EqualFold(stem, "conin$") || strings.EqualFold(stem, "conout$")
	}
	return false
}

// junk reports whether an operating system put path into the archive on its own.
func junk(path string) bool {
	for rest, more := path, true; more; {
		var c string
		c, rest, more = strings.Cut(rest, "/")
		if c == "__MACOSX" || c == ".DS_Store" || strings.HasPrefix(c, "._") {
			return true
		}
	}
	return false
}

// A nameTable finds paths that some file system would take for one another. Its
// keys are paths as the most forgetful file system compares them.
type nameTable struct {
	places map[string]place
	key    []byte // scratch
	parent string // the folder that the last path was in: most share it with the next
}

type place struct {
	path   string
	folder bool
}

func (t *nameTable) reset() {
	if t.places == nil {
		t.places = make(map[string]place, 64)
	}
	clear(t.places)
	t.parent = ""
}

// add enters path and the folders above it. Folders may come again, in the same
// spelling; anything else that is there already is refused.
func (t *nameTable) add(path string, folder bool) error {
	parent := path[:max(0, strings.LastIndexByte(path, '/'))]
	t.key = t.key[:0]
	known := parent == t.parent
	for end := 0; end < len(path); {
		start := end
		if i := strings.IndexByte(path[start+1:], '/'); i >= 0 {
			end = start + 1 + i
		} else {
			end = len(path)
		}
		t.key = appendFolded(t.key, path[start:end]) // a slash in front stays one
		last := end == len(path)
		if known && !last {
			continue
		}
		if err := t.enter(path, place{path[:end], folder || !last}); err != nil {
			return err
		}
	}
	t.parent = parent
	return nil
}

func (t *nameTable) enter(path string, p place) error {
	old, ok := t.places[string(t.key)]
	switch {
	case !ok:
		t.places[string(t.key)] = p
		return nil
	case old.path != p.path:
		return &UnsafeError{Entry: path, Why: "collides with " + quote(old.path) + " where names ignore case or form"}
	case old.folder && p.folder:
		return nil
	case old.folder != p.folder:
		return &UnsafeError{Entry: path, Why: "needs " + quote(p.path) + " to be a file and a folder"}
	}
	return &UnsafeError{Entry: path, Why: "is there twice"}
}

// appendFolded appends a part of a path to key as a file system would compare it
// that ignores case and canonical form.
func appendFolded(key []byte, part string) []byte {
	start := len(key)
	for i := range len(part) {
		b := part[i]
		if b >= utf8.RuneSelf {
			return appendCaseless(key[:start], part)
		}
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		key = append(key, b)
	}
	return key
}

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }
