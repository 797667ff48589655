package yamldoc

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Set gives the member at path the text, and makes what of the path is not
// there at the end of its mapping. The error matches ErrEdit, or is a
// *SyntaxError where something else than a mapping is in the way.
func (d *Document) Set(text string, path ...string) error {
	return d.set(Value{Kind: Text, Text: text}, path)
}

// A KeyText is a key and what is to be its value.
type KeyText struct{ Key, Text string }

// SetAll is Set for many members of the mapping at key, in one edit as far as they
// are new there: each edit reads the whole document again.
func (d *Document) SetAll(key string, members []KeyText) error {
	var added []KeyText
	for _, m := range members {
		if at := d.root.index(key); at < 0 || d.root.Members[at].Value.index(m.Key) < 0 {
			added = append(added, m)
			if len(added) > 1 {
				continue // after the first there is a mapping to add to
			}
		}
		if err := d.Set(m.Text, key, m.Key); err != nil {
			return err
		}
	}
	if len(added) < 2 {
		return nil
	}
	at := d.root.index(key)
	in := &d.root.Members[at].Value
	if in.flow {
		for _, m := range added[1:] {
			if err := d.Set(m.Text, key, m.Key); err != nil {
				return err
			}
		}
		return nil
	}
	whole := Value{Kind: Map, Members: slices.Clone(in.Members)}
	var lines strings.Builder
	pos := d.memberEnd(&in.Members[len(in.Members)-1], d.memberLimit(&d.root, at, d.end()))
	nl, indent := d.newline(pos), strings.Repeat(" ", in.Members[0].Column-1)
	for i, m := range added[1:] {
		v := Value{Kind: Text, Text: m.Text}
		whole.Members = append(whole.Members, Member{Key: m.Key, Value: v})
		if i > 0 {
			lines.WriteString(nl)
		}
		lines.WriteString(indent + render(v, []string{m.Key}, false))
	}
	text := lines.String() + nl
	if d.thisLine(pos) != pos { // the last line of the file ends without a newline
		text = nl + lines.String()
	}
	return d.replaceText(pos, pos, text, with(d.root, &whole, []string{key}))
}

// SetWord is Set for a number or a boolean, which stands without quotes.
func (d *Document) SetWord(word string, path ...string) error {
	return d.set(Value{Kind: Text, Text: word, word: true}, path)
}

// SetList is Set for a list of texts, which it writes on one line.
func (d *Document) SetList(texts []string, path ...string) error {
	list := Value{Kind: List}
	for _, text := range texts {
		list.Items = append(list.Items, Value{Kind: Text, Text: text})
	}
	return d.set(list, path)
}

// Delete takes the member at path away, if it is there. A comment right above
// it goes too, unless other members follow under the same comment.
func (d *Document) Delete(path ...string) error {
	in, limit := &d.root, d.end()
	for i, key := range path {
		at := in.index(key)
		if at < 0 {
			return nil
		}
		if i == len(path)-1 {
			return d.delete(in, at, limit, path)
		}
		limit = d.memberLimit(in, at, limit)
		in = &in.Members[at].Value
	}
	return nil
}

func (d *Document) set(v Value, path []string) error {
	in, limit := &d.root, d.end()
	for i, key := range path {
		at := in.index(key)
		if at < 0 {
			return d.insert(in, limit, v, path, i)
		}
		m := &in.Members[at]
		limit = d.memberLimit(in, at, limit)
		last := i == len(path)-1
		switch {
		case last && equal(m.Value, v):
			return nil
		case last:
			return d.replace(in, m, limit, v, path)
		case m.Value.Kind == Null:
			return d.fill(in, m, v, path, i+1)
		case m.Value.Kind != Map:
			return m.Value.Errorf("%s must be a mapping, not %s", quote(key), m.Value.Kind)
		}
		in = &m.Value
	}
	return nil
}

// memberLimit returns where the lines of a member of in end at the latest.
func (d *Document) memberLimit(in *Value, at, limit int) int {
	if !in.flow && at+1 < len(in.Members) {
		return d.thisLine(in.Members[at+1].start)
	}
	return limit
}

// memberEnd returns where the last line of m ends, of those before limit.
func (d *Document) memberEnd(m *Member, limit int) int {
	end := d.contentEnd(limit)
	if !m.Value.block {
		return end
	}
	for pos := end; pos < limit; pos = d.nextLine(pos) { // in such a text a comment is text
		line := d.text[pos:d.nextLine(pos)]
		indent := len(line) - len(bytes.TrimLeft(line, " "))
		if len(bytes.TrimSpace(line)) > 0 && indent < m.Column {
			break
		} else if len(bytes.TrimSpace(line)) > 0 {
			end = pos + len(line)
		}
	}
	return end
}

// insert adds path[i:] as a member at the end of the mapping in.
func (d *Document) insert(in *Value, limit int, v Value, path []string, i int) error {
	if in.flow {
		if in.end < 0 {
			return ErrEdit
		}
		pos, before := in.start+1, ""
		if n := len(in.Members); n > 0 {
			pos, before = in.Members[n-1].flowEnd(), ", "
		}
		if pos < 0 {
			return ErrEdit
		}
		return d.splice(pos, pos, before+render(v, path[i:], true), &v, path)
	}
	indent := 0
	if len(in.Members) > 0 {
		indent = in.Members[0].Column - 1
	}
	pos := limit
	if in.Kind == Map {
		pos = d.memberEnd(&in.Members[len(in.Members)-1], limit)
	}
	return d.insertLines(pos, indent, v, path, i)
}

func (d *Document) insertLines(pos, indent int, v Value, path []string, i int) error {
	nl := d.newline(pos)
	var lines strings.Builder
	for ; i < len(path)-1; i++ {
		lines.WriteString(strings.Repeat(" ", indent) + scalar(path[i], false) + ":" + nl)
		indent += 2
	}
	lines.WriteString(strings.Repeat(" ", indent) + render(v, path[i:], false))
	text := lines.String()
	if d.thisLine(pos) == pos || pos == len("\ufeff") && d.text[0] == 0xef {
		text += nl
	} else { // the last line of the file ends without a newline, and so it stays
		text = nl + text
	}
	return d.splice(pos, pos, text, &v, path)
}

// fill puts path[i:] below a key that has no value yet.
func (d *Document) fill(in *Value, m *Member, v Value, path []string, i int) error {
	colon := d.colon(m)
	if colon < 0 {
		return ErrEdit
	}
	if in.flow {
		end := max(colon, m.Value.end)
		return d.splice(colon, end, " "+"{"+render(v, path[i:], true)+"}", &v, path)
	}
	if m.Value.Text != "" { // a written null would stand beside the members
		if m.Value.end < 0 {
			return ErrEdit
		}
		shorter, err := Parse(slices.Concat(d.text[:colon], d.text[m.Value.end:]))
		if err != nil {
			return ErrEdit
		}
		if err := shorter.set(v, path); err != nil {
			return err
		}
		*d = *shorter
		return nil
	}
	return d.insertLines(d.nextLine(colon), m.Column-1+2, v, path, i)
}

func (d *Document) replace(in *Value, m *Member, limit int, v Value, path []string) error {
	old, flow := &m.Value, in.flow
	if old.end >= 0 && old.end > old.start {
		return d.splice(old.start, old.end, renderValue(v, flow), &v, path)
	}
	colon := d.colon(m)
	if colon < 0 {
		return ErrEdit
	}
	end := colon
	if old.Kind != Null {
		end = colon + len(bytes.TrimRight(d.text[colon:max(colon, d.memberEnd(m, limit))], "\r\n"))
	}
	return d.splice(colon, end, " "+renderValue(v, flow), &v, path)
}

// colon returns where the colon after the key of m ends.
func (d *Document) colon(m *Member) int {
	if m.end < 0 {
		return -1
	}
	rest := bytes.TrimLeft(d.text[m.end:], " \t")
	if len(rest) == 0 || rest[0] != ':' {
		return -1
	}
	return len(d.text) - len(rest) + 1
}

// flowEnd returns where a member of a flow mapping ends, or -1.
func (m *Member) flowEnd() int {
	if m.Value.Kind == Null && m.Value.Text == "" {
		return max(m.end, m.Value.end)
	}
	return m.Value.end
}

func (d *Document) delete(in *Value, at, limit int, path []string) error {
	m := &in.Members[at]
	if in.flow {
		start, end := m.start, m.flowEnd()
		switch {
		case at > 0:
			start = in.Members[at-1].flowEnd()
		case len(in.Members) > 1:
			end = in.Members[1].start
		}
		if start < 0 || end < start {
			return ErrEdit
		}
		return d.splice(start, end, "", nil, path)
	}
	start := d.thisLine(m.start)
	if len(bytes.TrimLeft(d.text[start:m.start], " \ufeff")) > 0 {
		return ErrEdit
	}
	end := d.memberEnd(m, d.memberLimit(in, at, limit))
	if d.ownsComment(in, at, end) {
		start = d.commentStart(start, m.Column)
	}
	if start == 0 && bytes.HasPrefix(d.text, []byte("\ufeff")) {
		start = len("\ufeff")
	}
	if d.thisLine(end) != end { // the file ends without a newline, and so it stays
		start = len(bytes.TrimSuffix(bytes.TrimSuffix(d.text[:start], []byte("\n")), []byte("\r")))
	}
	return d.splice(start, end, "", nil, path)
}

// ownsComment reports whether a comment above a member, whose lines end at end,
// is about nothing else: the line that follows is not the next member.
func (d *Document) ownsComment(in *Value, at, end int) bool {
	return at+1 == len(in.Members) || d.thisLine(in.Members[at+1].start) != end
}

// commentStart returns where the comment lines start that stand right above the
// line at start, with the same indent.
func (d *Document) commentStart(start, column int) int {
	for start > 0 {
		above := d.thisLine(start - 1)
		line := bytes.TrimLeft(d.text[above:start], " ")
		if len(line) == 0 || line[0] != '#' || start-above-len(line) != column-1 {
			break
		}
		start = above
	}
	return start
}

// splice replaces text[start:end] and checks that this did to the document what
// it should, and nothing else: the member at path is v, or is gone if v is nil.
func (d *Document) splice(start, end int, text string, v *Value, path []string) error {
	return d.replaceText(start, end, text, with(d.root, v, path))
}

func (d *Document) replaceText(start, end int, text string, want Value) error {
	if start < 0 || end < start || end > len(d.text) {
		return ErrEdit
	}
	edited, err := Parse(slices.Concat(d.text[:start], []byte(text), d.text[end:]))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEdit, err)
	}
	if !equal(edited.root, want) {
		return ErrEdit
	}
	*d = *edited
	return nil
}

// with returns in with the member at path set to v, or without it.
func with(in Value, v *Value, path []string) Value {
	at := in.index(path[0])
	out := Value{Kind: Map, Members: slices.Clone(in.Members)}
	switch {
	case v == nil && len(path) == 1:
		out.Members = slices.Delete(out.Members, at, at+1)
		return out
	case at < 0:
		at = len(out.Members)
		out.Members = append(out.Members, Member{Key: path[0]})
	}
	if len(path) == 1 {
		out.Members[at].Value = *v
	} else {
		out.Members[at].Value = with(out.Members[at].Value, v, path[1:])
	}
	return out
}

// equal reports whether a and b mean the same.
func equal(a, b Value) bool {
	empty := func(v Value) bool { return v.Kind == Null || v.Kind == Map && len(v.Members) == 0 }
	if empty(a) || empty(b) {
		return empty(a) && empty(b)
	}
	return a.Kind == b.Kind && a.Text == b.Text && slices.EqualFunc(a.Items, b.Items, equal) &&
		slices.EqualFunc(a.Members, b.Members, func(a, b Member) bool { return a.Key == b.Key && equal(a.Value, b.Value) })
}

// render writes path: v on one line.
func render(v Value, path []string, flow bool) string {
	text := scalar(path[0], flow) + ": "
	if len(path) > 1 {
		return text + "{" + render(v, path[1:], true) + "}"
	}
	return text + renderValue(v, flow)
}

func renderValue(v Value, flow bool) string {
	switch {
	case v.word:
		return v.Text
	case v.Kind != List:
		return scalar(v.Text, flow)
	}
	var items []string
	for _, item := range v.Items {
		items = append(items, scalar(item.Text, true))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// scalar writes s plainly if every reader of YAML takes that for the text s,
// else in double quotes, whose escapes are those of Go.
func scalar(s string, flow bool) string {
	harmless := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r >= utf8.RuneSelf && strconv.IsPrint(r) ||
			strings.ContainsRune("-_./:@^~<>=*+?&%$();", r) || r == ' ' && !flow
	}
	if s == "" || strings.Trim(s, " ") != s || !utf8.ValidString(s) ||
		strings.ContainsAny(s[:1], "-:@<>=*?&%") || strings.Contains(s, ": ") || strings.HasSuffix(s, ":") ||
		strings.ContainsFunc(s, func(r rune) bool { return !harmless(r) }) {
		return strconv.Quote(s)
	}
	var n yaml.Node
	if err := yaml.Load([]byte(s), &n); err != nil || len(n.Content) != 1 || n.Content[0].Kind != yaml.ScalarNode ||
		n.Content[0].Tag != "!!str" || n.Content[0].Value != s || slices.Contains([]string{"y", "n", "yes", "no", "on", "off"}, strings.ToLower(s)) {
		return strconv.Quote(s)
	}
	return s
}
