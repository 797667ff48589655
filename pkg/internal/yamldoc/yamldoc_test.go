package yamldoc

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func parse(t testing.TB, text string) *Document {
	t.Helper()
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	return d
}

func TestRefused(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"alias", "a: &x 1\nb: *x\n", "line 1, column 4: anchors and aliases are not supported"},
		{"alias bomb", "a: [&x [1], *x]\n", "line 1, column 5: anchors and aliases are not supported"},
		{"merge", "<<: {a: 1}\n", "line 1, column 1: merge keys are not supported"},
		{"tag", "a: !!binary aGk=\n", "line 1, column 4: tags are not supported"},
		{"duplicate", "a: 1\nb: 2\n'a': 3\n", `line 3, column 1: key "a" is there twice`},
		{"duplicate below", "m:\n  a: 1\n  a: 1\n", `line 3, column 3: key "a" is there twice`},
		{"list", "- a\n", "line 1, column 1: must be a mapping, not a list"},
		{"text", "hello\n", "line 1, column 1: must be a mapping, not a text"},
		{"complex key", "? [a]\n: b\n", "line 1, column 3: a key must be a text"},
		{"two documents", "a: 1\n---\nb: 2\n", "line 2, column 1: a second document"},
		{"unclosed", "a: [1, 2\n", "line 2, column 1: did not find expected ',' or ']'"},
		{"tab", "a:\n\tb: 1\n", "line 2, column 1: found character that cannot start any token"},
		{"NUL", "a: b\nc: \x00\n", "line 2, column 4: control character U+0000"},
		{"escape", "é: \x1b[2J\n", "line 1, column 4: control character U+001B"},
		{"latin-1", "a: \xe9\n", "line 1, column 4: not UTF-8"},
		{"deep", "a: " + strings.Repeat("[", 40) + strings.Repeat("]", 40), "line 1, column 20: nested more than 16 deep"},
		{"binary", "\x7fELF\x02", "line 1, column 1: control character U+007F"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
	if _, err := Parse(bytes.Repeat([]byte("#"), maxSize+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("large: got %v", err)
	}
}

func TestEmpty(t *testing.T) {
	for _, text := range []string{"", "\n", "# only\n# comments\n", "---\n", "\ufeff", "null\n", "{}", "---\n...\n"} {
		d := parse(t, text)
		if len(d.Root().Members) != 0 {
			t.Errorf("%q has members", text)
		}
	}
}

// Each case is a file and what it is after an edit; the edit is "path = text",
// "path = word!", "path = [a b]" or "- path".
func TestEdit(t *testing.T) {
	for _, test := range []struct{ name, edit, before, after string }{
		{"to nothing", "s.a = x", "", "s:\n  a: x\n"},
		{"to comments", "s.a = x", "# hello\n", "# hello\ns:\n  a: x\n"},
		{"to comments without newline", "s.a = x", "# hello", "# hello\ns:\n  a: x"},
		{"to comments with CRLF", "s.a = x", "# hello\r\n", "# hello\r\ns:\r\n  a: x\r\n"},
		{"to a BOM", "s.a = x", "\ufeff", "\ufeffs:\n  a: x\n"},
		{"to an open document", "s.a = x", "---\n", "---\ns:\n  a: x\n"},
		{"to a closed document", "s.a = x", "---\nb: 1\n...\n", "---\nb: 1\ns:\n  a: x\n...\n"},
		{"to an empty flow root", "s.a = x", "{}\n", "{s: {a: x}}\n"},
		{"to JSON", "s.a = x", `{"s": {"b": "y"}}`, `{"s": {"b": "y", a: x}}`},
		{"at the end", "s.c = z", "s:\n  a: x # one\n  b: y # two\n\n# next\nt: 1\n", "s:\n  a: x # one\n  b: y # two\n  c: z\n\n# next\nt: 1\n"},
		{"at the end of the file", "s.b = w", "s:\n  a: x", "s:\n  a: x\n  b: w"},
		{"with the indent of the others", "s.b = w", "s:\n      a: x\n", "s:\n      a: x\n      b: w\n"},
		{"below a bare key", "s.a = x", "s: # mine\nt: 1\n", "s: # mine\n  a: x\nt: 1\n"},
		{"below a bare key at the end", "s.a = x", "t: 1\ns:", "t: 1\ns:\n  a: x"},
		{"below null", "s.a = x", "s: ~\nt: 1\n", "s:\n  a: x\nt: 1\n"},
		{"below {}", "s.a = x", "s: {}\n", "s: {a: x}\n"},
		{"into a flow mapping", "s.b = p:q", "s: {a: x} # c\n", "s: {a: x, b: p:q} # c\n"},
		{"into a flow mapping with a trailing comma", "s.b = w", "s: {a: 'x}',}\n", "s: {a: 'x}', b: w,}\n"},
		{"into a flow mapping of lines", "s.b = w", "s: {\n  a: x # not }\n}\n", "s: {\n  a: x, b: w # not }\n}\n"},
		{"levels at once", "r.acme.url = u", "t: 1\n", "t: 1\nr:\n  acme:\n    url: u\n"},
		{"another text", "s.a = z", "s:\n  a: x # c\n", "s:\n  a: z # c\n"},
		{"the same text", "s.a = x", "s:\n  a: 'x' # c\n", "s:\n  a: 'x' # c\n"},
		{"another quoted text", "s.a = z", "s:\n  a: \"x\\\"#\" # c\n  b: y\n", "s:\n  a: z # c\n  b: y\n"},
		{"a text of two lines", "s.a = z", "s:\n  a: x\n    y\n  b: y\n", "s:\n  a: z\n  b: y\n"},
		{"a block text", "s.a = z", "s:\n  a: |\n    x\n    # y\n  b: y\n", "s:\n  a: z\n  b: y\n"},
		{"a value on a line of its own", "s.a = z", "s:\n  a:\n    x\n  b: y\n", "s:\n  a:\n    z\n  b: y\n"},
		{"a missing value", "a = z", "a: # c\nb: 1\n", "a: z # c\nb: 1\n"},
		{"after wide characters", "s.a = z", "s: {é中: '中', a: x} # c\n", "s: {é中: '中', a: z} # c\n"},
		{"after NEL in a comment", "a = z", "# x\u0085# y\u2028# w\na: x\n", "# x\u0085# y\u2028# w\na: z\n"},
		{"after a BOM", "a = z", "\ufeffa: x\n", "\ufeffa: z\n"},
		{"a list", "l = [p q]", "l: [p] # c\n", "l: [p, q] # c\n"},
		{"a list of lines", "l = [p q]", "l:\n  - p\n\nm: 1\n", "l: [p, q]\n\nm: 1\n"},
		{"a list at the key", "l = [p q]", "l:\n- p\n- r\nm: 1\n", "l: [p, q]\nm: 1\n"},
		{"a new list", "l = [p q]", "m: 1\n", "m: 1\nl: [p, q]\n"},
		{"CRLF", "s.b = w", "s:\r\n  a: x\r\nt: 1\r\n", "s:\r\n  a: x\r\n  b: w\r\nt: 1\r\n"},
		{"text that needs quotes", "a = @owner/x", "a: b\n", "a: \"@owner/x\"\n"},
		{"text that looks like a number", "a = 1.10", "a: b\n", "a: \"1.10\"\n"},
		{"text that looks like a boolean", "a = off", "a: b\n", "a: \"off\"\n"},
		{"text with a comment sign", "a = b #c", "a: b\n", "a: \"b #c\"\n"},
		{"text with a colon", "a = b: c", "a: b\n", "a: \"b: c\"\n"},
		{"text with a comma in flow", "a = b,c", "{a: b}\n", "{a: \"b,c\"}\n"},
		{"a number", "a = 10!", "a: x # c\n", "a: 10 # c\n"},
		{"a new boolean", "s.a = true!", "", "s:\n  a: true\n"},
		{"key that looks like a number", "s.1e5 = x", "s:\n", "s:\n  \"1e5\": x\n"},

		{"delete", "- s.b", "s:\n  a: x\n  b: y # c\n  c: z\n", "s:\n  a: x\n  c: z\n"},
		{"delete the last", "- s.a", "s: # mine\n  a: x\n\n# about t\nt: 1\n", "s: # mine\n\n# about t\nt: 1\n"},
		{"delete at the end of the file", "- s.b", "s:\n  a: x\n  b: y", "s:\n  a: x"},
		{"delete at the end of the file, CRLF", "- s.b", "s:\r\n  a: x\r\n  b: y", "s:\r\n  a: x"},
		{"delete the only member", "- a", "a: x\n", ""},
		{"delete the only member after a BOM", "- a", "\ufeffa: x\n", "\ufeff"},
		{"delete what is not there", "- s.z", "s:\n  a: x\n", "s:\n  a: x\n"},
		{"delete below what is not there", "- z.a", "s: 1\n", "s: 1\n"},
		{"delete with its comment", "- s.a", "s:\n  # about a\n  # still\n  a: x\n\n  # about b\n  b: y\n", "s:\n\n  # about b\n  b: y\n"},
		{"delete under a comment for several", "- s.a", "s:\n  # the two\n  a: x\n  b: y\n", "s:\n  # the two\n  b: y\n"},
		{"delete the last under a comment", "- s.b", "s:\n  a: x\n  # about b\n  b: y\n", "s:\n  a: x\n"},
		{"delete below another comment", "- s.a", "s:\n# about everything\n\n  a: x\nt: 1\n", "s:\n# about everything\n\nt: 1\n"},
		{"delete several lines", "- s.a", "s:\n  a: >\n    long\n\n    text\n  b: y\n", "s:\n  b: y\n"},
		{"delete a mapping", "- r.acme", "r:\n  acme:\n    url: u\n    # c\n  other: x\n", "r:\n    # c\n  other: x\n"},
		{"delete the first of a flow mapping", "- s.a", "s: {a: x, b: y}\n", "s: {b: y}\n"},
		{"delete in the middle of a flow mapping", "- s.b", "s: {a: x, b: [y, '}'], c: z}\n", "s: {a: x, c: z}\n"},
		{"delete all of a flow mapping", "- s.a", "s: { a: x }\n", "s: {  }\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := parse(t, test.before)
			if err := apply(d, test.edit); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.after, string(d.Bytes())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if again := parse(t, string(d.Bytes())); !equal(*d.Root(), *again.Root()) {
				t.Error("the document is not what its bytes say")
			}
		})
	}
}

func apply(d *Document, edit string) error {
	if path, ok := strings.CutPrefix(edit, "- "); ok {
		return d.Delete(strings.Split(path, ".")...)
	}
	path, text, _ := strings.Cut(edit, " = ")
	if list, ok := strings.CutPrefix(text, "["); ok {
		return d.SetList(strings.Fields(strings.TrimSuffix(list, "]")), strings.Split(path, ".")...)
	}
	if word, ok := strings.CutSuffix(text, "!"); ok {
		return d.SetWord(word, strings.Split(path, ".")...)
	}
	return d.Set(text, strings.Split(path, ".")...)
}

// What cannot be edited without touching the rest stays as it is.
func TestEditRefused(t *testing.T) {
	for _, test := range []struct {
		edit, text string
		want       error
	}{
		{"s.a.b = x", "s:\n  a: text\n", &SyntaxError{2, 6, `"a" must be a mapping, not a text`}},
		{"s.a = x", "s: [a]\n", &SyntaxError{1, 4, `"s" must be a mapping, not a list`}},
		{"- s.a", "s:\n  ? a\n  : x\n  ? b\n  : y\n", ErrEdit},
		{"s.c = x", "s:\n  ? a\n  : x\n", ErrEdit},
	} {
		d := parse(t, test.text)
		err := apply(d, test.edit)
		if want, ok := errors.AsType[*SyntaxError](test.want); ok {
			got, ok := errors.AsType[*SyntaxError](err)
			if !ok || *got != *want {
				t.Errorf("%s in %q: got %v, want %v", test.edit, test.text, err, test.want)
			}
		} else if !errors.Is(err, test.want) {
			t.Errorf("%s in %q: got %v, want %v", test.edit, test.text, err, test.want)
		}
		if string(d.Bytes()) != test.text {
			t.Errorf("%s in %q: the document changed to %q", test.edit, test.text, d.Bytes())
		}
	}
}

// document draws a file as people write them: block style, comments, blank
// lines, some quotes, one kind of line break.
func document(t *rapid.T) (text string, names []string) {
	word := rapid.StringMatching(`[a-z][a-z0-9-]{0,8}`)
	value := rapid.SampledFrom([]string{"x", "acme:pdf@^1.2", "'it''s # no comment'", `"a \" b"`, "./dir", "中文", "1.10", ">-\n      folded\n      text"})
	noise := rapid.SampledFrom([]string{"", "", "", "\n", "  # indented\n", "# at the margin\n", "    # deep\n\n"})
	tail := rapid.SampledFrom([]string{"", "", " # why"})
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "\ufeff", "---\n", "# header\n\n"}).Draw(t, "start"))
	b.WriteString(rapid.SampledFrom([]string{"", "registry: https://a.example # c\n", "agents:\n  - codex\n\n"}).Draw(t, "before"))
	b.WriteString("s:" + tail.Draw(t, "tail") + "\n")
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		name := word.Draw(t, "name")
		if slices.Contains(names, name) || name == "s" {
			continue
		}
		names = append(names, name)
		v := value.Draw(t, "value")
		b.WriteString(noise.Draw(t, "noise") + "  \"" + name + "\": " + v)
		if !strings.Contains(v, "\n") {
			b.WriteString(tail.Draw(t, "tail"))
		}
		b.WriteString("\n")
	}
	b.WriteString(noise.Draw(t, "noise") + rapid.SampledFrom([]string{"", "zz: 1\n", "zz: {a: [1, 2]}\n# end\n"}).Draw(t, "after"))
	text = b.String()
	if rapid.Bool().Draw(t, "no last newline") {
		text = strings.TrimRight(text, "\n")
	}
	if rapid.Bool().Draw(t, "CRLF") {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text, names
}

// An edit and its inverse give the bytes from before, and in between every
// other line is as it was.
func TestInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, names := document(t)
		d, err := Parse([]byte(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		value := rapid.SampledFrom([]string{"new", "@a/b", "a b", "it's", "#", "null"}).Draw(t, "new value")

		if err := d.Set(value, "s", "new-one"); err != nil {
			t.Fatalf("add to %q: %v", text, err)
		}
		onlyMore(t, text, string(d.Bytes()), 1)
		if err := d.Delete("s", "new-one"); err != nil {
			t.Fatalf("delete from %q: %v", d.Bytes(), err)
		}
		if string(d.Bytes()) != text {
			t.Fatalf("added and deleted:\n%q\n%q", text, d.Bytes())
		}
		if len(names) == 0 {
			return
		}
		name := rapid.SampledFrom(names).Draw(t, "member")
		section := d.Root().Member("s")
		old := section.Member(name)
		if err := d.Set(value, "s", name); err != nil {
			t.Fatalf("change %s in %q: %v", name, text, err)
		}
		if old.end >= 0 {
			if got, want := strings.Count(string(d.Bytes()), "\n"), strings.Count(text, "\n"); got != want {
				t.Fatalf("changing %s in %q made %d lines of %d", name, text, got, want)
			}
		}
		if err := d.Set(old.Text, "s", name); err != nil {
			t.Fatal(err)
		}
		if err := d.Delete("s", name); err != nil {
			t.Fatalf("delete %s from %q: %v", name, d.Bytes(), err)
		}
		onlyMore(t, string(d.Bytes()), text, 9)
	})
}

// onlyMore checks that the lines of long are those of short and at most n more,
// in one place.
func onlyMore(t *rapid.T, short, long string, n int) {
	t.Helper()
	lines := func(s string) []string { return strings.Split(strings.TrimRight(s, "\r\n"), "\n") }
	a, b := lines(short), lines(long)
	same := func(x, y string) bool { return strings.TrimRight(x, "\r") == strings.TrimRight(y, "\r") }
	head := 0
	for head < len(a) && head < len(b) && same(a[head], b[head]) {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && same(a[len(a)-1-tail], b[len(b)-1-tail]) {
		tail++
	}
	if head+tail < len(a) && short != "" || len(b)-len(a) > n {
		t.Fatalf("other lines changed:\n%q\n%q", short, long)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "# c\n", "a: 1\ns:\n  b: x # c\n  c: 'y'\nl: [1, 2]\n", "s: {b: x, c: {}}\r\n", "\ufeffs:\r\n", "---\ns: ~\n...\n",
		"s:\n  b: |\n    # x\n\n  c: >-\n   y\n", "s:\n- a\n", "{\"s\":{\"b\":\"\\\"}\"},}", "? s\n: b\n", "s:\n  b:\n\n    - x\n    -\n", "a: &b c\n", "s:\r0:",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Line < 1 || syntax.Column < 1 {
				t.Fatalf("%v", err)
			}
			return
		}
		// Every edit does what it says, or nothing.
		for _, edit := range []string{"s.new = x y", "s.b = x", "new = x", "l = [a b]", "- s.b", "- s", "- l"} {
			before := *d
			if err := apply(d, edit); err != nil && !bytes.Equal(before.Bytes(), d.Bytes()) {
				t.Fatalf("%s: %v, but it changed %q to %q", edit, err, before.Bytes(), d.Bytes())
			}
			if again := parse(t, string(d.Bytes())); !equal(*d.Root(), *again.Root()) {
				t.Fatalf("%s: the document is not what its bytes say: %q", edit, d.Bytes())
			}
		}
	})
}
