package lockfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A field is an unknown member of an object; its value is compact JSON.
type field struct {
	key   string
	value json.RawMessage
}

// sortFields puts the members of one object in the order of the file.
func sortFields(fields []field) {
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.key, b.key) })
}

// Bytes returns the lock as it is written to disk. Equal locks give equal bytes.
func (l *Lock) Bytes() []byte {
	o := object{b: make([]byte, 0, 128+len(l.Skills)*768), extra: l.extra}
	o.open()
	o.member("lockVersion")
	o.b = strconv.AppendInt(o.b, Version, 10)
	o.member("skills")
	skills := object{b: o.b, depth: 1}
	skills.open()
	for _, name := range l.Names() {
		skills.member(name)
		skills.b = l.Skills[name].append(skills.b)
	}
	o.b = skills.close()
	return append(o.close(), '\n')
}

// append adds s to b, as a member of the second level. The members stand in
// the order of their keys, which object relies on.
func (s Skill) append(b []byte) []byte {
	o := object{b: b, depth: 2, extra: s.extra}
	o.open()
	o.list("agents", s.Agents)
	o.text("artifact", string(s.Artifact))
	o.list("dirs", s.Dirs)
	if s.Disabled {
		o.member("disabled")
		o.b = append(o.b, "true"...)
	}
	o.text("locale", s.Locale)
	o.text("owner", s.Owner)
	o.text("path", s.Path)
	if s.Pin != nil {
		o.member("pin")
		pin := object{b: o.b, depth: 3, extra: s.Pin.extra}
		pin.open()
		pin.text("reason", s.Pin.Reason)
		o.b = pin.close()
	}
	o.text("placement", s.Placement)
	o.text("ref", s.Ref)
	o.text("registry", s.Registry)
	o.text("revision", s.Revision)
	if s.Size != 0 {
		o.member("size")
		o.b = strconv.AppendInt(o.b, s.Size, 10)
	}
	o.text("slug", s.Slug)
	o.text("tree", string(s.Tree))
	o.text("trust", s.Trust)
	o.text("url", s.URL)
	o.text("version", s.Version)
	return o.close()
}

// An object appends one JSON object to b. Known members come in the order of
// their keys, and the unknown ones, sorted too, are merged in between.
type object struct {
	b     []byte
	depth int
	extra []field
	some  bool
}

func (o *object) open() { o.b = append(o.b, '{') }

func (o *object) member(key string) {
	for len(o.extra) > 0 && o.extra[0].key < key {
		o.unknown()
	}
	o.begin(key)
}

func (o *object) begin(key string) {
	if o.some {
		o.b = append(o.b, ',')
	}
	o.some = true
	o.b = appendLine(o.b, o.depth+1)
	o.b = appendText(o.b, key)
	o.b = append(o.b, ": "...)
}

func (o *object) unknown() {
	f := o.extra[0]
	o.extra = o.extra[1:]
	o.begin(f.key)
	var out bytes.Buffer
	if err := json.Indent(&out, f.value, strings.Repeat("  ", o.depth+1), "  "); err != nil {
		panic(fmt.Sprintf("lockfile: an unknown field that was parsed is not JSON: %v", err))
	}
	o.b = append(o.b, out.Bytes()...)
}

func (o *object) text(key, value string) {
	if value == "" {
		return
	}
	o.member(key)
	o.b = appendText(o.b, value)
}

func (o *object) list(key string, values []string) {
	if len(values) == 0 {
		return
	}
	o.member(key)
	for i, v := range values {
		if i == 0 {
			o.b = append(o.b, '[')
		} else {
			o.b = append(o.b, ',')
		}
		o.b = appendText(appendLine(o.b, o.depth+2), v)
	}
	o.b = append(appendLine(o.b, o.depth+1), ']')
}

func (o *object) close() []byte {
	for len(o.extra) > 0 {
		o.unknown()
	}
	if o.some {
		o.b = appendLine(o.b, o.depth)
	}
	return append(o.b, '}')
}

func appendLine(b []byte, depth int) []byte {
	b = append(b, '\n')
	for range depth {
		b = append(b, "  "...)
	}
	return b
}

// appendText appends s as a JSON string (RFC 8259, section 7), without the
// escapes for HTML that encoding/json adds. What a terminal or an editor could
// take for something else is escaped, so that a lock shows what it holds.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s { // invalid UTF-8 comes as U+FFFD, as encoding/json has it
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < utf8.RuneSelf && r >= ' ' && r != 0x7f:
			b = append(b, byte(r))
		case !strconv.IsPrint(r):
			for _, unit := range utf16.AppendRune(nil, r) {
				b = append(b, '\\', 'u', hex[unit>>12], hex[unit>>8&0xf], hex[unit>>4&0xf], hex[unit&0xf])
			}
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
