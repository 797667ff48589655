// Package archivetest builds archives for tests out of text: sound ones, and ones
// that no tool would write. A recipe is a list of lines:
//
//	zip                                  begin a zip (or: tar, raw)
//	skill                                a SKILL.md; skill PATH puts it elsewhere
//	file bin/run mode=0755 "#!/bin/sh\n" a file and its content
//	dir empty                            a folder
//	link a /etc/passwd                   a symbolic link
//	repeat 3 file "n%d" "x"              a line several times, with a number
//	gzip                                 compress what was built so far
//
// Words are separated by spaces; a Go string literal may stand for a word or for
// the value of an option. Content is any number of words: a literal, or one of
// hex:00ff, zeros:1000 (that many zero bytes), fill:1000:ab (ab repeated up to
// that many bytes), random:1000 (bytes that do not compress, always the same),
// nested: (what the line nest put aside).
//
// In a zip, an option of a file sets a field of both its headers, and
// local.NAME or central.NAME that of one: name, method (store, deflate or a
// number), flags, crc, size, csize, extra, comment, host (unix, dos or a number), attrs,
// mode, offset, disk. descriptor=12|16|20|24 writes a data descriptor of that
// many bytes, and zip64=yes the sizes into zip64 fields. Further lines: gap
// CONTENT, hidden FILE…, again NAME, order INDEX…, bomb COUNT SIZE, end FIELD=VALUE…, end64
// FIELD=VALUE….
//
// In a tar, the options are mode, type, size, linkname, magic (ustar, gnu, v7),
// prefix, checksum. Further lines: hardlink, device, pipe, pax KEY=VALUE…,
// global KEY=VALUE…, longname NAME, longlink NAME, end BLOCKS.
//
// After either, lines work on the bytes that were built: append CONTENT, prefix
// CONTENT, cut N (the last N bytes), keep N (the first N), flip OFFSET (a
// negative one counts from the end), nest, gzip [name=N] [split=N]. A second zip
// or tar line begins another archive behind the first.
package archivetest

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// Skill is the SKILL.md that the line skill stands for.
const Skill = "---\nname: sample\ndescription: A sample skill for tests.\n---\n\n# Sample\n"

// Build returns the archive that a recipe describes. A recipe that cannot be
// followed fails the test.
func Build(t testing.TB, recipe string) []byte {
	t.Helper()
	b, err := build(strings.Split(recipe, "\n"))
	if err != nil {
		t.Fatalf("build archive: %v", err)
	}
	return b
}

// A container is an archive that is being built.
type container interface {
	line(verb string, w words) error
	bytes() ([]byte, error)
}

type builder struct {
	done   []byte    // archives that are complete
	open   container // nil after a line that works on bytes
	last   []byte    // what open became
	nested []byte
}

func build(lines []string) ([]byte, error) {
	var b builder
	for i, line := range lines {
		if err := b.text(line); err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", i+1, line, err)
		}
	}
	if err := b.close(); err != nil {
		return nil, err
	}
	return append(b.done, b.last...), nil
}

func (b *builder) text(line string) error {
	if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	if rest, ok := strings.CutPrefix(line, "repeat "); ok {
		count, pattern, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(count)
		if err != nil {
			return err
		}
		for i := range n {
			if err := b.text(strings.ReplaceAll(pattern, "%d", strconv.Itoa(i))); err != nil {
				return err
			}
		}
		return nil
	}
	w, err := split(line)
	if err != nil {
		return err
	}
	w.nested = b.nested
	verb := w.list[0].text
	w.list = w.list[1:]
	return b.verb(verb, w)
}

func (b *builder) verb(verb string, w words) error {
	switch verb {
	case "zip", "tar", "raw":
		if err := b.close(); err != nil {
			return err
		}
		b.done = append(b.done, b.last...)
		b.last, b.open = nil, newContainer(verb)
		if verb == "raw" {
			return b.open.line("raw", w)
		}
		return nil
	case "append", "prefix", "cut", "keep", "flip", "nest", "gzip":
		if err := b.close(); err != nil {
			return err
		}
		return b.edit(verb, w)
	}
	if b.open == nil {
		return fmt.Errorf("no archive is open")
	}
	return b.open.line(verb, w)
}

func newContainer(verb string) container {
	switch verb {
	case "zip":
		return &zipBuilder{}
	case "tar":
		return &tarBuilder{end: 2}
	}
	return &rawBuilder{}
}

func (b *builder) close() error {
	if b.open == nil {
		return nil
	}
	var err error
	b.last, err = b.open.bytes()
	b.open = nil
	return err
}

// edit changes the bytes of the archive that was built last.
func (b *builder) edit(verb string, w words) error {
	o, err := w.options()
	if err != nil {
		return err
	}
	number := func() (int, error) {
		if len(w.list) != 1 {
			return 0, fmt.Errorf("%s wants a number", verb)
		}
		n, err := strconv.Atoi(w.list[0].text)
		if n < 0 {
			n += len(b.last)
		}
		if err == nil && n > len(b.last) {
			err = fmt.Errorf("%d is beyond the %d bytes there are", n, len(b.last))
		}
		return n, err
	}
	var n int
	switch verb {
	case "append":
		c, err := w.content()
		b.last = append(b.last, c...)
		return err
	case "prefix":
		c, err := w.content()
		b.last = append(c, b.last...)
		return err
	case "nest":
		b.nested, b.last = b.last, nil
		return nil
	case "gzip":
		b.last, err = compress(b.last, o)
		return err
	case "cut":
		if n, err = number(); err == nil {
			b.last = b.last[:len(b.last)-n]
		}
	case "keep":
		if n, err = number(); err == nil {
			b.last = b.last[:n]
		}
	case "flip":
		if n, err = number(); err == nil {
			b.last[n] ^= 0xff
		}
	}
	return err
}

func compress(b []byte, o options) ([]byte, error) {
	parts := [][]byte{b}
	if n, ok, err := o.number("split"); err != nil {
		return nil, err
	} else if ok {
		parts = [][]byte{b[:n], b[n:]}
	}
	var out bytes.Buffer
	for _, part := range parts {
		z := gzip.NewWriter(&out)
		z.Name = o["name"]
		if _, err := z.Write(part); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

type rawBuilder struct{ b []byte }

func (r *rawBuilder) line(_ string, w words) error {
	c, err := w.content()
	r.b = append(r.b, c...)
	return err
}

func (r *rawBuilder) bytes() ([]byte, error) { return r.b, nil }

// A word is one of a line; a literal one is content as it stands.
type word struct {
	text    string
	literal bool
}

type words struct {
	list   []word
	nested []byte
}

// split cuts a line into words. A literal may begin inside a word, after "=".
func split(line string) (words, error) {
	var w words
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		i := strings.IndexAny(line, ` "`)
		switch {
		case i < 0:
			w.list = append(w.list, word{text: line})
			return w, nil
		case line[i] == ' ':
			w.list = append(w.list, word{text: line[:i]})
			line = line[i:]
		default:
			quoted, err := strconv.QuotedPrefix(line[i:])
			if err != nil {
				return w, fmt.Errorf("bad literal in %q", line)
			}
			text, err := strconv.Unquote(quoted)
			if err != nil {
				return w, err
			}
			w.list = append(w.list, word{text: line[:i] + text, literal: i == 0})
			if line = line[i+len(quoted):]; line != "" && line[0] != ' ' {
				return w, fmt.Errorf("a blank is missing before %s", line)
			}
		}
	}
	return w, nil
}

// name takes the first word.
func (w *words) name() (string, error) {
	if len(w.list) == 0 {
		return "", fmt.Errorf("a name is missing")
	}
	name := w.list[0].text
	w.list = w.list[1:]
	return name, nil
}

type options map[string]string

// options takes the words that have the form key=value.
func (w *words) options() (options, error) {
	o := options{}
	var rest []word
	for _, word := range w.list {
		key, value, ok := strings.Cut(word.text, "=")
		if !ok || word.literal {
			rest = append(rest, word)
			continue
		}
		if _, twice := o[key]; twice {
			return nil, fmt.Errorf("%s is set twice", key)
		}
		o[key] = value
	}
	w.list = rest
	return o, nil
}

func (o options) number(key string) (uint64, bool, error) {
	value, ok := o[key]
	if !ok {
		return 0, false, nil
	}
	n, err := strconv.ParseUint(value, 0, 64)
	if err != nil {
		return 0, false, fmt.Errorf("option %s: %w", key, err)
	}
	return n, true, nil
}

// content joins the words that are left.
func (w *words) content() ([]byte, error) {
	var out []byte
	for _, word := range w.list {
		if word.literal {
			out = append(out, word.text...)
			continue
		}
		kind, arg, _ := strings.Cut(word.text, ":")
		size, pattern, _ := strings.Cut(arg, ":")
		switch kind {
		case "hex":
			b, err := hex.DecodeString(arg)
			if err != nil {
				return nil, err
			}
			out = append(out, b...)
			continue
		case "nested":
			out = append(out, w.nested...)
			continue
		}
		n, err := strconv.Atoi(size)
		if err != nil {
			return nil, fmt.Errorf("unknown content %s", word.text)
		}
		switch kind {
		case "zeros":
			out = append(out, make([]byte, n)...)
		case "fill":
			out = append(out, bytes.Repeat([]byte(pattern), n/len(pattern)+1)[:n]...)
		case "random":
			var seed [32]byte
			b := make([]byte, n)
			_, _ = rand.NewChaCha8(seed).Read(b)
			out = append(out, b...)
		default:
			return nil, fmt.Errorf("unknown content %s", word.text)
		}
	}
	return out, nil
}
