package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/openskills-go/skills/pkg/internal/yamldoc"
)

// parseJSON reads a JSON object into the values that YAML files are read into, so
// that there is one way to look at both. Numbers and truth values are texts. The
// error is a *yamldoc.SyntaxError. Unlike encoding/json it refuses a key that is
// there twice: two programs could read two files in it.
func parseJSON(data []byte) (*yamldoc.Value, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	p := &jsonParser{data: data, lines: []int{0}, dec: json.NewDecoder(bytes.NewReader(data))}
	for i, c := range data {
		if c == '\n' {
			p.lines = append(p.lines, i+1)
		}
	}
	if !utf8.Valid(data) {
		return nil, p.errorf(p.invalid(), "not UTF-8")
	}
	p.dec.UseNumber()
	root, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if root.Kind != yamldoc.Map {
		return nil, root.Errorf("must be an object")
	}
	if end := int(p.dec.InputOffset()); len(bytes.TrimSpace(data[end:])) > 0 {
		return nil, p.errorf(end, "something follows the object")
	}
	return root, nil
}

type jsonParser struct {
	data   []byte
	lines  []int // where each line starts
	dec    *json.Decoder
	values int
}

// invalid returns where the first byte is that is not UTF-8.
func (p *jsonParser) invalid() int {
	for i := 0; i < len(p.data); {
		r, size := utf8.DecodeRune(p.data[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
	return len(p.data)
}

// place returns the line and the column of a byte. Columns are bytes: to count the
// characters of a long line for each value would cost the square of it.
func (p *jsonParser) place(pos int) (line, column int) {
	i, found := slices.BinarySearch(p.lines, pos)
	if !found {
		i--
	}
	return i + 1, pos - p.lines[i] + 1
}

func (p *jsonParser) errorf(pos int, why string) error {
	line, column := p.place(pos)
	return &yamldoc.SyntaxError{Line: line, Column: column, Why: why}
}

// next returns where the next token begins.
func (p *jsonParser) next() int {
	pos := int(p.dec.InputOffset())
	for pos < len(p.data) && bytes.IndexByte([]byte(" \t\r\n,:"), p.data[pos]) >= 0 {
		pos++
	}
	return pos
}

func (p *jsonParser) token() (json.Token, int, error) {
	start := p.next()
	token, err := p.dec.Token()
	if err == nil {
		return token, start, nil
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return nil, start, p.errorf(min(start, len(p.data)), syntax.Error())
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, start, p.errorf(len(p.data), "it ends too early")
	}
	return nil, start, p.errorf(start, "not JSON")
}

func (p *jsonParser) value(depth int) (*yamldoc.Value, error) {
	token, start, err := p.token()
	if err != nil {
		return nil, err
	}
	v := &yamldoc.Value{Kind: yamldoc.Text}
	v.Line, v.Column = p.place(start)
	if p.values++; p.values > maxValues {
		return nil, v.Errorf("more than %d values", maxValues)
	}
	switch t := token.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return nil, v.Errorf("nested more than %d deep", maxDepth)
		}
		if t == '[' {
			return v, p.list(v, depth)
		}
		return v, p.object(v, depth)
	case string:
		v.Text = t
	case json.Number:
		v.Text = t.String()
	case bool:
		v.Text = "false"
		if t {
			v.Text = "true"
		}
	case nil:
		v.Kind = yamldoc.Null
	}
	return v, nil
}

func (p *jsonParser) list(v *yamldoc.Value, depth int) error {
	v.Kind = yamldoc.List
	for p.dec.More() {
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		v.Items = append(v.Items, *item)
	}
	_, _, err := p.token()
	return err
}

func (p *jsonParser) object(v *yamldoc.Value, depth int) error {
	v.Kind = yamldoc.Map
	seen := map[string]bool{}
	for p.dec.More() {
		token, start, err := p.token()
		if err != nil {
			return err
		}
		key, ok := token.(string)
		if !ok {
			return p.errorf(start, "a key must be a text")
		}
		if seen[key] {
			return p.errorf(start, "key "+quote(key)+" is there twice")
		}
		seen[key] = true
		value, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		m := yamldoc.Member{Key: key, Value: *value}
		m.Line, m.Column = p.place(start)
		v.Members = append(v.Members, m)
	}
	_, _, err := p.token()
	return err
}
