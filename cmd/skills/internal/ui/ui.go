// Package ui talks to the person at the terminal. Its rules:
//
//   - Standard output is data: what was asked for, and nothing else. Standard
//     error is talk: notes, progress, questions, errors.
//   - Off a terminal nothing moves, nothing is coloured and nobody is asked.
//   - Text that came from outside is escaped before it is printed (see Escape).
//   - Lines of talk start with a lower-case word that says what they are
//     ("note:", "error:", "hint:") and end without a period.
//
// It is the only package that knows about terminals.
package ui

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// A Screen says what the three standard streams are connected to.
type Screen struct {
	In     io.Reader
	Out    io.Writer
	Err    io.Writer
	InTTY  bool
	OutTTY bool
	ErrTTY bool
	// Width returns the columns of the terminal, or 0 if there is none.
	Width func() int
	// Getenv is asked for NO_COLOR, TERM and CI.
	Getenv func(string) string
}

// A Printer writes data to Out and talk to Err. Talk may come from several
// goroutines at once.
type Printer struct {
	screen  Screen
	out     *bufio.Writer
	Quiet   bool // no talk but errors
	Verbose bool
	NoInput bool // never ask
	Yes     bool // the answer to whatever can be answered with yes

	mu     sync.Mutex // guards what follows
	status string     // the line that is redrawn, "" if there is none
	said   map[string]bool
}

// New returns a Printer for s.
func New(s Screen) *Printer {
	if s.Width == nil {
		s.Width = func() int { return 0 }
	}
	return &Printer{screen: s, out: bufio.NewWriterSize(s.Out, 32<<10)}
}

// Writer returns standard output, for what is data byte by byte. It is
// buffered until Flush.
func (p *Printer) Writer() io.Writer { return p.out }

// Terminal says whether standard output is a terminal.
func (p *Printer) Terminal() bool { return p.screen.OutTTY }

// Printf writes one line of data. On a terminal it is wrapped: see Wrap.
func (p *Printer) Printf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if p.screen.OutTTY {
		text = Wrap(text, p.screen.Width())
	}
	_, _ = p.out.WriteString(text + "\n") // Flush tells what broke
}

// Flush writes what is buffered, and returns the first error that there was in
// writing to standard output.
func (p *Printer) Flush() error {
	p.clearStatus()
	if err := p.out.Flush(); err != nil {
		return fmt.Errorf("write standard output: %w", err)
	}
	return nil
}

// Notef writes one line of talk, unless the person wants quiet.
func (p *Printer) Notef(format string, args ...any) {
	if !p.Quiet {
		p.say(p.Dim("note:") + " " + fmt.Sprintf(format, args...))
	}
}

// NoteOncef is Notef for what should be said once, however often it is found.
func (p *Printer) NoteOncef(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	p.mu.Lock()
	seen := p.said[text]
	if p.said == nil {
		p.said = map[string]bool{}
	}
	p.said[text] = true
	p.mu.Unlock()
	if !seen {
		p.Notef("%s", text)
	}
}

// Warnf writes one line of talk that a person should not miss.
func (p *Printer) Warnf(format string, args ...any) {
	if !p.Quiet {
		p.say(p.paint(yellow, "warning:") + " " + fmt.Sprintf(format, args...))
	}
}

// Error writes what went wrong, and what to do about it if that is known.
func (p *Printer) Error(message, hint string) {
	p.say(p.paint(red, "error:") + " " + message)
	if hint != "" {
		p.say(p.Dim("hint:") + "  " + hint)
	}
}

// Tracef writes one line for whoever asked to hear everything.
func (p *Printer) Tracef(format string, args ...any) {
	if p.Verbose {
		p.say(p.Dim("· " + Escape(fmt.Sprintf(format, args...))))
	}
}

// Talkf writes one line to standard error as it is.
func (p *Printer) Talkf(format string, args ...any) { p.say(fmt.Sprintf(format, args...)) }

func (p *Printer) say(line string) {
	line = p.wrapTalk(line)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status != "" {
		line = "\r\x1b[K" + line
	}
	_, _ = io.WriteString(p.screen.Err, line+"\n"+p.status)
}

func (p *Printer) wrapTalk(line string) string {
	if !p.screen.ErrTTY {
		return line
	}
	return Wrap(line, p.screen.Width())
}

// setStatus shows line where the last one was. Only for terminals.
func (p *Printer) setStatus(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = line
	_, _ = io.WriteString(p.screen.Err, "\r\x1b[K"+line)
}

func (p *Printer) clearStatus() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status != "" {
		p.status = ""
		_, _ = io.WriteString(p.screen.Err, "\r\x1b[K")
	}
}

// Interactive says whether a person can be asked something.
func (p *Printer) Interactive() bool {
	return p.screen.InTTY && p.screen.ErrTTY && !p.NoInput && p.screen.Getenv("CI") == ""
}

// Confirm asks whether to do something that loses nothing of the person's own.
// It does not ask where the person has said yes to all, and answers no where
// nobody can be asked: see Interactive.
func (p *Printer) Confirm(question string) bool { return p.Yes || p.Ask(question) }

// Ask asks a question that yes or no answers; the default is no. It answers no
// where nobody can be asked: see Interactive.
func (p *Printer) Ask(question string) bool {
	if !p.Interactive() {
		return false
	}
	p.clearStatus()
	_, _ = io.WriteString(p.screen.Err, p.wrapTalk(p.Bold("?")+" "+question+" [y/N]")+" ")
	answer, err := bufio.NewReader(p.screen.In).ReadString('\n')
	if err != nil {
		_, _ = io.WriteString(p.screen.Err, "\n")
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}

// Choose asks which of several items are wanted, and returns their indexes: none
// where nobody can be asked, or where the answer is empty or makes no sense.
func (p *Printer) Choose(question string, items []string) []int {
	if !p.Interactive() {
		return nil
	}
	p.clearStatus()
	for i, item := range items {
		p.say(fmt.Sprintf("%*d  %s", len(strconv.Itoa(len(items))), i+1, item))
	}
	_, _ = io.WriteString(p.screen.Err, p.wrapTalk(p.Bold("?")+" "+question+" [numbers such as 1,3-5, or all]")+" ")
	answer, err := bufio.NewReader(p.screen.In).ReadString('\n')
	if err != nil {
		_, _ = io.WriteString(p.screen.Err, "\n")
	}
	picked, ok := picks(answer, len(items))
	if !ok {
		p.Notef("%q is not understood; nothing was chosen", Cut(Line(answer), 40))
	}
	return picked
}

// picks reads the answer to a choice from n items: all, or numbers from 1 and
// ranges of them, in any order, each once.
func picks(answer string, n int) (picked []int, ok bool) {
	fields := strings.FieldsFunc(answer, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	for _, field := range fields {
		first, last, isRange := strings.Cut(field, "-")
		if strings.EqualFold(field, "all") {
			first, last, isRange = "1", strconv.Itoa(n), true
		}
		if !isRange {
			last = first
		}
		from, errFrom := strconv.Atoi(first)
		to, errTo := strconv.Atoi(last)
		if errFrom != nil || errTo != nil || from < 1 || to > n || from > to {
			return nil, false
		}
		for i := from - 1; i < to; i++ {
			if !slices.Contains(picked, i) {
				picked = append(picked, i)
			}
		}
	}
	return picked, true
}
