package lockfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Parse reads a lock. It returns a *SyntaxError, a *ConflictError, a
// *NewerError, ErrEmpty or ErrTooLarge for what is not a lock that this program
// understands in full: unlike encoding/json it refuses a key that is there twice
// and tells keys apart by case.
func Parse(data []byte) (*Lock, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	switch {
	case len(data) > maxSize:
		return nil, ErrTooLarge
	case len(bytes.TrimSpace(data)) == 0:
		return nil, ErrEmpty
	}
	return (&decoder{data: data, keys: map[string]string{}}).parse()
}

func (d *decoder) parse() (*Lock, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	if err := d.version(); err != nil {
		return nil, err
	}
	return d.lock()
}

// A decoder walks over bytes that are known to be valid JSON.
type decoder struct {
	data []byte
	pos  int
	seen []place // members of the skill at hand
	keys map[string]string
	// ends is told where a skill begins and ends. May be nil.
	ends func(name string, from, to int)
}

type place struct {
	key string
	pos int
}

func (d *decoder) errorf(pos int, format string, args ...any) error {
	before := d.data[:pos]
	return &SyntaxError{
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: pos - bytes.LastIndexByte(before, '\n'),
		Why:    fmt.Sprintf(format, args...),
	}
}

func (d *decoder) validate() error {
	if !json.Valid(d.data) {
		if line := markerLine(d.data); line > 0 {
			return &ConflictError{Line: line}
		}
		var raw json.RawMessage
		if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(d.data, &raw)); ok {
			return d.errorf(int(max(syntax.Offset, 1)-1), "%s", syntax.Error())
		}
		return d.errorf(0, "not JSON")
	}
	if !utf8.Valid(d.data) {
		return d.errorf(0, "not UTF-8")
	}
	depth := 0
	for d.space(); d.pos < len(d.data); d.pos++ {
		switch d.data[d.pos] {
		case '"':
			d.pos = d.textEnd(d.pos) - 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return d.errorf(d.pos, "nested more than %d deep", maxDepth)
			}
		case '}', ']':
			depth--
		}
	}
	d.pos = 0
	return nil
}

// version checks the lockVersion before anything else is looked at, since a
// newer one may mean anything else.
func (d *decoder) version() error {
	found := false
	err := d.object(func(key string, pos int) error {
		start := d.pos
		value := d.skip()
		if key != "lockVersion" {
			return nil
		}
		found = true
		have, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || have < 1 {
			return d.errorf(start, "lockVersion must be a positive whole number")
		}
		if have > Version {
			return &NewerError{Have: have, Know: Version}
		}
		return nil
	})
	if err == nil && !found {
		err = d.errorf(0, "lockVersion is missing")
	}
	d.pos = 0
	return err
}

func (d *decoder) lock() (*Lock, error) {
	l := New()
	known := map[string]bool{}
	err := d.object(func(key string, pos int) error {
		switch key {
		case "lockVersion", "skills":
			if known[key] {
				return d.errorf(pos, "%s is there twice", key)
			}
			known[key] = true
			if key == "skills" {
				return d.object(func(name string, pos int) error { return d.skill(l, name, pos) })
			}
			d.skip()
			return nil
		}
		return d.unknown(&l.extra, key, pos)
	})
	if err != nil {
		return nil, err
	}
	if !known["skills"] {
		return nil, d.errorf(0, "skills is missing")
	}
	sortFields(l.extra)
	return l, nil
}

func (d *decoder) skill(l *Lock, name string, pos int) error {
	if _, ok := l.Skills[name]; ok {
		return d.errorf(pos, "skill %s is there twice", quote(name))
	}
	s := Skill{Name: name}
	d.seen = append(d.seen[:0], place{"name", pos})
	err := d.object(func(key string, pos int) error {
		for _, p := range d.seen[1:] {
			if p.key == key {
				return d.errorf(pos, "%s is there twice", quote(key))
			}
		}
		if len(d.seen) > maxFields {
			return d.errorf(pos, "more than %d fields", maxFields)
		}
		d.seen = append(d.seen, place{key, pos})
		switch key {
		case "agents":
			return d.list(&s.Agents)
		case "artifact":
			return d.text((*string)(&s.Artifact))
		case "dirs":
			return d.list(&s.Dirs)
		case "disabled":
			return d.yes(&s.Disabled)
		case "locale":
			return d.text(&s.Locale)
		case "owner":
			return d.text(&s.Owner)
		case "path":
			return d.text(&s.Path)
		case "pin":
			return d.pin(&s)
		case "placement":
			return d.text(&s.Placement)
		case "ref":
			return d.text(&s.Ref)
		case "registry":
			return d.text(&s.Registry)
		case "revision":
			return d.text(&s.Revision)
		case "size":
			return d.number(&s.Size)
		case "slug":
			return d.text(&s.Slug)
		case "tree":
			return d.text((*string)(&s.Tree))
		case "trust":
			return d.text(&s.Trust)
		case "url":
			return d.text(&s.URL)
		case "version":
			return d.text(&s.Version)
		}
		return d.unknown(&s.extra, key, pos)
	})
	if err != nil {
		return err
	}
	if d.ends != nil {
		d.ends(name, pos, d.pos)
	}
	if bad, why := s.check(); bad != "" {
		for _, p := range d.seen {
			if p.key == bad {
				pos = p.pos
			}
		}
		return d.errorf(pos, "skill %s: %s %s", quote(name), bad, why)
	}
	sortFields(s.extra)
	l.Skills[name] = s
	return nil
}

func (d *decoder) pin(s *Skill) error {
	s.Pin = &Pin{}
	seen := false
	err := d.object(func(key string, pos int) error {
		if key != "reason" {
			return d.unknown(&s.Pin.extra, key, pos)
		}
		if seen {
			return d.errorf(pos, "reason is there twice")
		}
		seen = true
		return d.text(&s.Pin.Reason)
	})
	sortFields(s.Pin.extra)
	return err
}

// object calls member for each member of the object that follows; member must
// step over the value.
func (d *decoder) object(member func(key string, pos int) error) error {
	if d.space() != '{' {
		return d.errorf(d.pos, "must be an object")
	}
	for d.pos++; d.space() != '}'; {
		if d.data[d.pos] == ',' {
			d.pos++
			d.space()
		}
		pos := d.pos
		key, err := d.key()
		if err != nil {
			return err
		}
		d.space()
		d.pos++ // the colon
		d.space()
		if err := member(key, pos); err != nil {
			return err
		}
	}
	d.pos++
	return nil
}

// key reads a key. Most are in every skill, so that one copy of each is kept.
func (d *decoder) key() (string, error) {
	start, end := d.pos, d.textEnd(d.pos)
	if key, ok := d.keys[string(d.data[start:end])]; ok {
		d.pos = end
		return key, nil
	}
	key, err := d.unquote()
	if err != nil {
		return "", err
	}
	d.keys[string(d.data[start:end])] = key
	return key, nil
}

func (d *decoder) list(out *[]string) error {
	if d.space() != '[' {
		return d.errorf(d.pos, "must be a list of texts")
	}
	for d.pos++; d.space() != ']'; {
		if d.data[d.pos] == ',' {
			d.pos++
			d.space()
		}
		value, err := d.unquote()
		if err != nil {
			return err
		}
		*out = append(*out, value)
	}
	d.pos++
	return nil
}

func (d *decoder) text(out *string) error {
	value, err := d.unquote()
	*out = value
	return err
}

// unquote steps over a text and returns what it means.
func (d *decoder) unquote() (string, error) {
	start := d.pos
	if d.data[start] != '"' {
		return "", d.errorf(start, "must be a text")
	}
	d.pos = d.textEnd(start)
	raw := d.data[start:d.pos]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	var value string
	if err := json.Unmarshal(raw, &value); err != nil {
		return "", d.errorf(start, "must be a text")
	}
	return value, nil
}

func (d *decoder) number(out *int64) error {
	start := d.pos
	n, err := strconv.ParseInt(string(d.skip()), 10, 64)
	if err != nil {
		return d.errorf(start, "must be a whole number")
	}
	*out = n
	return nil
}

// yes reads true or false.
func (d *decoder) yes(out *bool) error {
	start := d.pos
	value := string(d.skip())
	if value != "true" && value != "false" {
		return d.errorf(start, "must be true or false")
	}
	*out = value == "true"
	return nil
}

func (d *decoder) unknown(out *[]field, key string, pos int) error {
	for _, f := range *out {
		if f.key == key {
			return d.errorf(pos, "%s is there twice", quote(key))
		}
	}
	if len(*out) >= maxFields {
		return d.errorf(pos, "more than %d fields", maxFields)
	}
	var value bytes.Buffer
	if err := json.Compact(&value, d.skip()); err != nil {
		return d.errorf(pos, "not JSON")
	}
	*out = append(*out, field{key, value.Bytes()})
	return nil
}

// skip steps over a value and returns its bytes.
func (d *decoder) skip() []byte {
	start := d.pos
	for depth := 0; d.pos < len(d.data); {
		switch d.data[d.pos] {
		case '"':
			d.pos = d.textEnd(d.pos)
		case '{', '[':
			depth++
			d.pos++
			continue
		case '}', ']':
			depth--
			d.pos++
		case ',', ':', ' ', '\t', '\r', '\n':
			d.pos++
			continue
		default: // a number or a word
			for d.pos < len(d.data) && bytes.IndexByte([]byte(",]} \t\r\n"), d.data[d.pos]) < 0 {
				d.pos++
			}
		}
		if depth == 0 {
			break
		}
	}
	return d.data[start:d.pos]
}

// textEnd returns where the string that begins at pos ends.
func (d *decoder) textEnd(pos int) int {
	for pos++; d.data[pos] != '"'; pos++ {
		if d.data[pos] == '\\' {
			pos++
		}
	}
	return pos + 1
}

// space steps over white space and returns the byte there, 0 at the end.
func (d *decoder) space() byte {
	for ; d.pos < len(d.data); d.pos++ {
		switch c := d.data[d.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}
