package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/openskills-go/skills/pkg/install"
)

const (
	redraw  = 100 * time.Millisecond // at most one picture in this time on a terminal
	between = 3 * time.Second        // and one line in this time off it
)

// Progress shows the events of an install: one line that is redrawn on a
// terminal, a plain line every few seconds off it, nothing if quiet.
type Progress struct {
	p     *Printer
	verb  string // what is being done, "installing"
	start time.Time
	shown time.Time

	total, staged, done, failed int
	bytes, expected             int64
	flushing                    bool
}

// NewProgress returns a Progress. Its Event method is called by one goroutine
// at a time, and End after the last.
func (p *Printer) NewProgress(verb string) *Progress {
	now := time.Now()
	return &Progress{p: p, verb: verb, start: now, shown: now}
}

// Event takes one event into account.
func (g *Progress) Event(e install.Event) {
	switch e.Kind {
	case install.Planned:
		g.total, g.expected = e.Count, e.Bytes
	case install.Fetching:
		g.bytes += e.Bytes
	case install.Staged:
		g.staged++
	case install.Flushing:
		g.flushing = true
	case install.Done:
		g.done++
		if e.Err != nil {
			g.failed++
		}
	case install.Waiting:
		g.p.waiting(e.Holder)
		return
	}
	if g.p.Quiet || g.total == 0 {
		return
	}
	now := time.Now()
	wait := between
	if g.p.screen.ErrTTY {
		wait = redraw
	}
	if now.Sub(g.shown) < wait {
		return
	}
	g.shown = now
	line := g.line(now.Sub(g.start))
	if !g.p.screen.ErrTTY {
		g.p.say(line)
		return
	}
	if w := g.p.screen.Width(); w > 1 {
		line = Cut(line, w-1)
	}
	g.p.setStatus(line)
}

// End takes the line away.
func (g *Progress) End() { g.p.clearStatus() }

func (g *Progress) line(elapsed time.Duration) string {
	// All skills are swapped in at the end: what is staged is as good as done.
	ready := min(g.total, max(g.done, g.staged+g.failed))
	parts := []string{fmt.Sprintf("%s %d/%d", g.verb, ready, g.total)}
	if g.failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", g.failed))
	}
	rate := float64(g.bytes) / max(elapsed.Seconds(), 0.001)
	switch {
	case g.bytes == 0:
	case g.expected > g.bytes:
		left := time.Duration(float64(g.expected-g.bytes) / rate * float64(time.Second))
		parts = append(parts, Size(g.bytes)+" of "+Size(g.expected), Size(int64(rate))+"/s", Span(left)+" left")
	default:
		parts = append(parts, Size(g.bytes), Size(int64(rate))+"/s")
		if ready > 0 && ready < g.total {
			left := time.Duration(float64(elapsed) / float64(ready) * float64(g.total-ready))
			parts = append(parts, "about "+Span(left)+" left")
		}
	}
	if g.flushing {
		parts = append(parts, "writing to disk")
	}
	return strings.Join(parts, ", ")
}

// Size spells a number of bytes for people.
func Size(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, u := float64(n)/1024, 0
	for v >= 1023.95 && u < len(units)-1 {
		v, u = v/1024, u+1
	}
	if v < 10 {
		return fmt.Sprintf("%.1f %ciB", v, units[u])
	}
	return fmt.Sprintf("%.0f %ciB", v, units[u])
}

// Span spells a duration for people.
func Span(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
}
