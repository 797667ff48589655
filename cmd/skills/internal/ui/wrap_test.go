package ui

import (
	"bytes"
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
		columns          int
	}{
		{"no terminal", "error: a b c d e f", "error: a b c d e f", 0},
		{"it fits", "error: a b", "error: a b", 10},
		{"under a label", "error: one two three", "error: one two\n       three", 15},
		{"under a padded label", "hint:  one two three", "hint:  one two\n       three", 15},
		{"under a column", "  adopt    Take over what is there", "  adopt    Take over\n           what is\n           there", 22},
		{"a column that is too wide", "  --some-long-flag  what it is for", "  --some-long-flag\n    what it is for", 20},
		{"a word that is too wide", "error: /a/very/long/path is there", "error: /a/very/long/path\n       is there", 15},
		{"colours are not counted", "\x1b[31merror:\x1b[0m one two three", "\x1b[31merror:\x1b[0m one two\n       three", 15},
		{"wide characters", "note: 日本語 日本語 日本語", "note: 日本語 日本語\n      日本語", 20},
		{"no label", "one two three four", "one two\n  three\n  four", 9},
		{"spaces before a break go", "ok  one   two", "ok  one\n    two", 9},
		{"each line by itself", "note: one two\nok  one two six", "note: one\n      two\nok  one two\n    six", 12},
	} {
		got := Wrap(test.text, test.columns)
		if got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

func TestFlow(t *testing.T) {
	const text = "one two three\nfour.\n\n  a    list of\n  b    words"
	for columns, want := range map[int]string{
		0:  text,
		20: text,
		12: "one two\nthree four.\n\n  a    list\n    of\n  b    words",
	} {
		if got := Flow(text, columns); got != want {
			t.Errorf("%d columns: got\n%s\nwant\n%s", columns, got, want)
		}
	}
}

func TestWrapsOnATerminalOnly(t *testing.T) {
	const text = "one two three four five six seven"
	for _, tty := range []bool{true, false} {
		var out, talk bytes.Buffer
		p := New(Screen{Out: &out, Err: &talk, OutTTY: tty, ErrTTY: tty, Width: func() int { return 20 }, Getenv: func(string) string { return "" }})
		p.Printf("%s", text)
		p.Notef("%s", text)
		if err := p.Flush(); err != nil {
			t.Fatal(err)
		}
		for _, got := range []string{out.String(), talk.String()} {
			if broken := strings.Count(got, "\n") > 1; broken != tty {
				t.Errorf("terminal %v: %q", tty, got)
			}
		}
	}
}

// TestNarrowTable holds that no row of a table is wider than the terminal, and that
// what a row is about is cut last.
func TestNarrowTable(t *testing.T) {
	for _, columns := range []int{40, 60, 100} {
		var out bytes.Buffer
		p := New(Screen{Out: &out, OutTTY: true, Width: func() int { return columns }, Getenv: func(string) string { return "1" }})
		p.Table(Table{
			Head: []string{"NAME", "VERSION", "AGENTS", "FROM"},
			Rows: [][]Cell{Text("conventional", "0.0.0-t51ab98a74326", "claude-code,codex", "conventional-commits@^1")},
		})
		if err := p.Flush(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if Columns(strings.TrimSuffix(line, "\n")) > columns {
				t.Errorf("%d columns: %q", columns, line)
			}
		}
		if columns > 40 && !strings.Contains(out.String(), "\nconventional ") {
			t.Errorf("%d columns: the name is cut:\n%s", columns, &out)
		}
	}
}
