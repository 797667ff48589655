package ui_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
)

// screen is a terminal, or none, whose streams are buffers.
type screen struct {
	out, err bytes.Buffer
	ui.Screen
}

func newScreen(tty bool, in string, env map[string]string) *screen {
	s := &screen{}
	s.Screen = ui.Screen{
		In: strings.NewReader(in), Out: &s.out, Err: &s.err,
		InTTY: tty, OutTTY: tty, ErrTTY: tty,
		Width:  func() int { return 40 },
		Getenv: func(name string) string { return env[name] },
	}
	return s
}

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain text, 100%", "plain text, 100%"},
		{"中文 é e\u0301 Ω", "中文 é e\u0301 Ω"},
		{"\x1b[2J\x1b]0;title\x07", `\x1b[2J\x1b]0;title\a`},
		{"a\rb\nc\td", `a\rb\nc\td`},
		{"\u009b31m", `\u009b31m`},
		{"\x9b\xff", `\x9b\xff`},
		{"exe\u202etxt", `exe\u202etxt`},
		{"\u2066x\u2069", `\u2066x\u2069`},
		{"a\u200bb\ufeffc", `a\u200bb\ufeffc`},
		{"p\u200ddf", `p\u200ddf`},
		{"👩\u200d💻 ok", "👩\u200d💻 ok"},
		{"❤\ufe0f", "❤\ufe0f"},
		{"x\ufe01y", `x\ufe01y`},
		{"\U000e0069", `\U000e0069`},
		{"line\u2028sep", `line\u2028sep`},
	} {
		if got := ui.Escape(c.in); got != c.want {
			t.Errorf("Escape(%+q) = %+q, want %+q", c.in, got, c.want)
		}
	}
}

// FuzzEscape holds that nothing a terminal acts on comes through.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "a\x1bb", "\u202e", "\xff\xfe", "👩\u200d💻", "\U000e0001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := ui.Escape(s)
		for i, r := range got {
			if r < ' ' || r >= 0x7f && r <= 0x9f || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
				t.Fatalf("Escape(%+q) lets U+%04X through at %d", s, r, i)
			}
		}
		if ui.Escape(got) != got {
			t.Fatalf("Escape(%+q) is not its own escape: %+q", s, got)
		}
	})
}

func TestColumns(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "中文": 4, "ｆｕｌｌ": 8, "e\u0301": 1, "日本 go": 7, "ﾊﾝ": 2} {
		if got := ui.Columns(text); got != want {
			t.Errorf("Columns(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in      string
		columns int
		want    string
	}{
		{"short", 5, "short"},
		{"longer", 5, "long…"},
		{"中文字符", 5, "中文…"},
		{"中文字符", 8, "中文字符"},
	} {
		if got := ui.Cut(c.in, c.columns); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.columns, got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	table := ui.Table{
		Head: []string{"NAME", "OWNER", "DESCRIPTION"},
		Rows: [][]ui.Cell{
			ui.Text("pdf", "", "Reads\nPDF \x1b[31mfiles."),
			ui.Text("数据", "", "A description that is longer than forty columns."),
		},
	}
	for _, c := range []struct {
		tty  bool
		want string
	}{
		{false, "NAME  DESCRIPTION\npdf   Reads PDF \\x1b[31mfiles.\n数据  A description that is longer than forty columns.\n"},
		{true, "NAME  DESCRIPTION\npdf   Reads PDF \\x1b[31mfiles.\n数据  A description that is longer than…\n"},
	} {
		s := newScreen(c.tty, "", map[string]string{"NO_COLOR": "1"})
		p := ui.New(s.Screen)
		p.Table(table)
		if err := p.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := s.out.String(); got != c.want {
			t.Errorf("on a terminal %v:\n%s\nwant\n%s", c.tty, got, c.want)
		}
	}
}

func TestColours(t *testing.T) {
	for _, c := range []struct {
		name string
		tty  bool
		env  map[string]string
		want bool
	}{
		{"terminal", true, nil, true},
		{"pipe", false, nil, false},
		{"NO_COLOR", true, map[string]string{"NO_COLOR": "1"}, false},
		{"dumb", true, map[string]string{"TERM": "dumb"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScreen(c.tty, "", c.env)
			p := ui.New(s.Screen)
			p.Error("it broke", "mend it")
			p.Printf("%s", p.Good("fine"))
			if err := p.Flush(); err != nil {
				t.Fatal(err)
			}
			for what, text := range map[string]string{"talk": s.err.String(), "data": s.out.String()} {
				if got := strings.Contains(text, "\x1b["); got != c.want {
					t.Errorf("%s has colours: %v, want %v: %q", what, got, c.want, text)
				}
			}
		})
	}
}

func TestChoose(t *testing.T) {
	items := []string{"alpha", "beta", "gamma"}
	for _, c := range []struct {
		in   string
		tty  bool
		want []int
	}{
		{"2\n", true, []int{1}},
		{" 3, 1 \n", true, []int{2, 0}},
		{"1-2 2\n", true, []int{0, 1}},
		{"ALL\n", true, []int{0, 1, 2}},
		{"\n", true, nil},
		{"", true, nil},
		{"0\n", true, nil},
		{"4\n", true, nil},
		{"2-1\n", true, nil},
		{"1-99999999999999999999\n", true, nil},
		{"alpha\n", true, nil},
		{"-\n", true, nil},
		{"1\n", false, nil},
	} {
		s := newScreen(c.tty, c.in, nil)
		p := ui.New(s.Screen)
		if got := p.Choose("which?", items); !slices.Equal(got, c.want) {
			t.Errorf("Choose on %q (terminal: %v) = %v, want %v", c.in, c.tty, got, c.want)
		}
		if asked := strings.Contains(s.err.String(), "gamma"); asked != c.tty || s.out.Len() > 0 {
			t.Errorf("Choose on %q: asked is %v, on standard output %q", c.in, asked, s.out.String())
		}
	}
}

func TestConfirm(t *testing.T) {
	for _, c := range []struct {
		name   string
		tty    bool
		in     string
		env    map[string]string
		adjust func(*ui.Printer)
		want   bool
		asked  bool
	}{
		{name: "yes", tty: true, in: "y\n", want: true, asked: true},
		{name: "Yes", tty: true, in: " YES \n", want: true, asked: true},
		{name: "no", tty: true, in: "n\n", asked: true},
		{name: "nothing", tty: true, in: "\n", asked: true},
		{name: "end of file", tty: true, in: "", asked: true},
		{name: "no terminal", in: "y\n"},
		{name: "CI", tty: true, in: "y\n", env: map[string]string{"CI": "true"}},
		{name: "--no-input", tty: true, in: "y\n", adjust: func(p *ui.Printer) { p.NoInput = true }},
		{name: "--yes", adjust: func(p *ui.Printer) { p.Yes = true }, want: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScreen(c.tty, c.in, c.env)
			p := ui.New(s.Screen)
			if c.adjust != nil {
				c.adjust(p)
			}
			if got := p.Confirm("really?"); got != c.want {
				t.Errorf("Confirm = %v, want %v", got, c.want)
			}
			if got := strings.Contains(s.err.String(), "really?"); got != c.asked {
				t.Errorf("asked: %v, want %v", got, c.asked)
			}
			if s.out.Len() > 0 {
				t.Errorf("a question on standard output: %q", s.out.String())
			}
		})
	}
}

func TestQuiet(t *testing.T) {
	s := newScreen(false, "", nil)
	p := ui.New(s.Screen)
	p.Quiet = true
	p.Notef("a note")
	p.Warnf("a warning")
	p.Error("an error", "")
	if got := s.err.String(); got != "error: an error\n" {
		t.Errorf("talk is %q", got)
	}
}

type brokenPipe struct{}

var errPipe = errors.New("pipe is broken")

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }

func TestFlushTellsWhatBroke(t *testing.T) {
	s := newScreen(false, "", nil)
	s.Out = brokenPipe{}
	p := ui.New(s.Screen)
	p.Printf("data")
	if err := p.Flush(); !errors.Is(err, errPipe) {
		t.Errorf("Flush = %v, want %v", err, errPipe)
	}
}
