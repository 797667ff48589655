package ui_test

import (
	"testing"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
)

func TestWaiting(t *testing.T) {
	known := install.Event{Kind: install.Waiting, Holder: install.Holder{Path: "/a\x1b[2J", PID: 7, Command: "skills\x07 update"}}
	unknown := install.Event{Kind: install.Waiting, Holder: install.Holder{Path: "/a"}}

	s := newScreen(false, "", nil)
	g := ui.New(s.Screen).NewProgress("installing")
	for range 2 {
		g.Event(known)
	}
	g.Event(unknown)
	g.End()
	const want = `note: waiting for another skills (process 7: skills\a update) to finish in /a\x1b[2J` +
		"\nnote: waiting for another process to finish in /a\n"
	if got := s.err.String(); got != want {
		t.Errorf("off a terminal:\n%q\nwant\n%q", got, want)
	}

	s = newScreen(true, "", map[string]string{"NO_COLOR": "1"})
	g = ui.New(s.Screen).NewProgress("installing")
	g.Event(unknown)
	g.End()
	if got, want := s.err.String(), "\r\x1b[Kwaiting for another process to finish …\r\x1b[K"; got != want {
		t.Errorf("on a terminal: %q, want %q", got, want)
	}

	s = newScreen(true, "", nil)
	p := ui.New(s.Screen)
	p.Quiet = true
	p.NewProgress("installing").Event(known)
	if s.err.Len() > 0 {
		t.Errorf("quiet, and yet %q", s.err.String())
	}
}
