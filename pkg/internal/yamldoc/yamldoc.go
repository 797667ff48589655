// Package yamldoc reads the small YAML files that people and this program both
// edit, and changes them in place. It knows the part of YAML that such files
// need: one document whose root is a mapping, without anchors, aliases, tags
// and merge keys. An edit replaces the bytes of one member and leaves every
// other byte alone: comments, order, quotes, CRLF, and a missing last newline.
package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const (
	maxSize  = 1 << 20
	maxDepth = 16
)

var (
	// ErrTooLarge says that a file is larger than 1 MiB.
	ErrTooLarge = errors.New("file is larger than 1 MiB")
	// ErrEdit says that a file is written in a way that cannot be changed
	// without touching what should stay as it is.
	ErrEdit = errors.New("file cannot be edited in place")
)

// A SyntaxError says where a file is not what it must be. Line and Column count
// from 1, columns in characters.
type SyntaxError struct {
	Line, Column int
	Why          string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Why)
}

// A Kind is the kind of a Value.
type Kind int

// The kinds of values. Null is also what an empty file, and a key without a
// value, hold.
const (
	Null Kind = iota
	Text
	List
	Map
)

func (k Kind) String() string { return [...]string{"nothing", "a text", "a list", "a mapping"}[k] }

// A Value is one value of a document. Numbers and booleans are texts, as they
// are written: a version 1.10 stays that.
type Value struct {
	Kind         Kind
	Text         string
	Items        []Value
	Members      []Member
	Line, Column int

	start, end int // bytes of the document; end is -1 where only its lines tell
	flow       bool
	block      bool // a literal or folded text
	word       bool // to be written as it is
}

// A Member is one key of a Map with its value.
type Member struct {
	Key          string
	Value        Value
	Line, Column int // of the key

	start, end int // bytes of the key
}

// Member returns the value of key, and Null if there is none.
func (v *Value) Member(key string) Value {
	if i := v.index(key); i >= 0 {
		return v.Members[i].Value
	}
	return Value{Line: v.Line, Column: v.Column}
}

func (v *Value) index(key string) int {
	for i := range v.Members {
		if v.Members[i].Key == key {
			return i
		}
	}
	return -1
}

// Errorf returns a *SyntaxError at v.
func (v *Value) Errorf(format string, args ...any) error {
	return &SyntaxError{v.Line, v.Column, fmt.Sprintf(format, args...)}
}

// A Document is a YAML file. The zero value is an empty one.
type Document struct {
	text  []byte
	lines []int // where each line starts
	root  Value
}

// Parse reads a document. The error is a *SyntaxError or ErrTooLarge. The
// document keeps text.
func Parse(text []byte) (*Document, error) {
	if len(text) > maxSize {
		return nil, ErrTooLarge
	}
	d := &Document{text: text}
	if err := d.scan(); err != nil {
		return nil, err
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read yaml: %w", err)
	}
	var node, second yaml.Node
	switch err := loader.Load(&node); {
	case errors.Is(err, io.EOF):
		d.root = Value{Line: 1, Column: 1}
		return d, nil
	case err != nil:
		return nil, syntaxError(err)
	}
	if err := loader.Load(&second); err == nil {
		return nil, &SyntaxError{max(second.Line, 1), max(second.Column, 1), "a second document"}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(err)
	}
	if len(node.Content) != 1 {
		return nil, &SyntaxError{1, 1, "no document"}
	}
	if d.root, err = d.value(node.Content[0], 0); err != nil {
		return nil, err
	}
	if d.root.Kind != Map && d.root.Kind != Null {
		return nil, d.root.Errorf("must be a mapping, not %s", d.root.Kind)
	}
	return d, nil
}

// Root returns the value of the document: a Map, or Null.
func (d *Document) Root() *Value { return &d.root }

// Bytes returns the text of the document. The caller must not change it.
func (d *Document) Bytes() []byte { return d.text }

// scan finds where the lines start, by the rule of YAML 1.1 that the parser
// follows, and refuses what no text file holds.
func (d *Document) scan() error {
	d.lines = []int{0}
	for pos := 0; pos < len(d.text); {
		r, size := utf8.DecodeRune(d.text[pos:])
		why := ""
		switch {
		case r == utf8.RuneError && size <= 1:
			why = "not UTF-8"
		case r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85:
			why = fmt.Sprintf("control character U+%04X", r)
		}
		if why != "" {
			start := d.lines[len(d.lines)-1]
			return &SyntaxError{len(d.lines), utf8.RuneCount(d.text[start:pos]) + 1, why}
		}
		pos += size
		if r == '\r' && pos < len(d.text) && d.text[pos] == '\n' {
			continue
		}
		if r == '\n' || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029 {
			d.lines = append(d.lines, pos)
		}
	}
	return nil
}

// offset returns the byte at a line and column of the parser.
func (d *Document) offset(line, column int) int {
	if line < 1 || line > len(d.lines) {
		return len(d.text)
	}
	pos := d.lines[line-1]
	if line == 1 && bytes.HasPrefix(d.text, []byte("\ufeff")) {
		pos += len("\ufeff")
	}
	for ; column > 1 && pos < len(d.text); column-- {
		_, size := utf8.DecodeRune(d.text[pos:])
		pos += size
	}
	return pos
}

func (d *Document) value(n *yaml.Node, depth int) (Value, error) {
	v := Value{Line: n.Line, Column: n.Column, start: d.offset(n.Line, n.Column), end: -1}
	switch {
	case depth > maxDepth:
		return v, v.Errorf("nested more than %d deep", maxDepth)
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return v, v.Errorf("anchors and aliases are not supported")
	case n.Style&yaml.TaggedStyle != 0:
		return v, v.Errorf("tags are not supported")
	}
	v.flow = n.Style&yaml.FlowStyle != 0
	switch n.Kind {
	case yaml.ScalarNode:
		v.Kind, v.Text = Text, n.Value
		if n.Tag == "!!null" && n.Style == 0 {
			v.Kind = Null
		}
		v.block = n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
		v.end = d.scalarEnd(v.start, n)
		return v, nil
	case yaml.SequenceNode:
		v.Kind = List
		for _, item := range n.Content {
			value, err := d.value(item, depth+1)
			if err != nil {
				return v, err
			}
			v.Items = append(v.Items, value)
		}
	case yaml.MappingNode:
		v.Kind = Map
		if err := d.members(&v, n.Content, depth); err != nil {
			return v, err
		}
	default:
		return v, v.Errorf("not understood")
	}
	if v.flow {
		v.end = d.flowEnd(v.start)
	}
	return v, nil
}

func (d *Document) members(v *Value, content []*yaml.Node, depth int) error {
	seen := make(map[string]bool, len(content)/2)
	for i := 0; i+1 < len(content); i += 2 {
		key, err := d.value(content[i], depth+1)
		switch {
		case err != nil:
			return err
		case key.Kind == List || key.Kind == Map:
			return key.Errorf("a key must be a text")
		case content[i].Tag == "!!merge":
			return key.Errorf("merge keys are not supported")
		case seen[key.Text]:
			return key.Errorf("key %s is there twice", quote(key.Text))
		}
		seen[key.Text] = true
		value, err := d.value(content[i+1], depth+1)
		if err != nil {
			return err
		}
		v.Members = append(v.Members, Member{key.Text, value, key.Line, key.Column, key.start, key.end})
	}
	return nil
}

func syntaxError(err error) error {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		return &SyntaxError{1, 1, plain(err.Error())}
	}
	mark := e.Mark
	return &SyntaxError{max(mark.Line, 1), max(mark.Column, 1), plain(e.Message)}
}

// plain makes the parser's words, which may quote the file, safe to print.
func plain(s string) string {
	q := strconv.QuoteToASCII(s[:min(len(s), 200)])
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// quote returns text of the file in a form that is safe to print.
func quote(s string) string {
	q := strconv.QuoteToASCII(s[:min(len(s), 80)])
	return q[:min(len(q), 80)]
}
