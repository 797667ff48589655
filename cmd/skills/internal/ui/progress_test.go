package ui_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
)

// play is an install of 40 skills that takes 10 seconds.
func play(g *ui.Progress) {
	const n = 40
	g.Event(install.Event{Kind: install.Planned, Count: n, Bytes: n * 10 << 10})
	for i := range n {
		time.Sleep(250 * time.Millisecond)
		g.Event(install.Event{Kind: install.Fetching, Bytes: 10 << 10})
		var err error
		if i == 2 {
			err = errors.New("broken")
		}
		g.Event(install.Event{Kind: install.Done, Err: err})
	}
	g.Event(install.Event{Kind: install.Flushing})
	g.End()
}

func TestProgressOffTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(false, "", nil)
		play(ui.New(s.Screen).NewProgress("installing"))
		got := s.err.String()
		if strings.ContainsAny(got, "\r\x1b") {
			t.Errorf("something moves: %q", got)
		}
		if n := strings.Count(got, "\n"); n != 3 {
			t.Errorf("%d lines in ten seconds, want 3:\n%s", n, got)
		}
		const first = "installing 11/40, 1 failed, 120 KiB of 400 KiB, 40 KiB/s, 7 s left\n"
		if !strings.HasPrefix(got, first) {
			t.Errorf("got %q, want %q first", got, first)
		}
	})
}

func TestProgressOnTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(true, "", map[string]string{"NO_COLOR": "1"})
		p := ui.New(s.Screen)
		g := p.NewProgress("installing")
		g.Event(install.Event{Kind: install.Planned, Count: 2})
		time.Sleep(time.Second)
		g.Event(install.Event{Kind: install.Done})
		p.Notef("a note")
		g.End()
		const want = "\r\x1b[Kinstalling 1/2" + "\r\x1b[Knote: a note\ninstalling 1/2" + "\r\x1b[K"
		if got := s.err.String(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestProgressFitsTheTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(true, "", nil)
		play(ui.New(s.Screen).NewProgress("installing"))
		for line := range strings.SplitSeq(s.err.String(), "\r\x1b[K") {
			if w := ui.Columns(line); w > 39 {
				t.Errorf("%d columns on a terminal of 40: %q", w, line)
			}
		}
	})
}

func TestProgressQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(true, "", nil)
		p := ui.New(s.Screen)
		p.Quiet = true
		play(p.NewProgress("installing"))
		if s.err.Len() > 0 {
			t.Errorf("quiet, and yet %q", s.err.String())
		}
	})
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 10 << 10: "10 KiB",
		1<<20 - 1: "1.0 MiB", 64 << 20: "64 MiB", 3 << 30: "3.0 GiB", 1 << 62: "4.0 EiB",
	} {
		if got := ui.Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min 01 s", 25 * time.Hour: "25 h 00 min",
	} {
		if got := ui.Span(d); got != want {
			t.Errorf("Span(%v) = %q, want %q", d, got, want)
		}
	}
}
