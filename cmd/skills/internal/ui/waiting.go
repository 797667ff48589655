package ui

import (
	"fmt"

	"github.com/openskills-go/skills/pkg/install"
)

// waiting says for whom everything waits: in the line that is redrawn on a
// terminal, once off it. There the line goes with whatever is told next.
func (p *Printer) waiting(h install.Holder) {
	who := "another process"
	if h.PID > 0 {
		who = fmt.Sprintf("another skills (process %d: %s)", h.PID, Line(h.Command))
	}
	line := fmt.Sprintf("waiting for %s to finish in %s", who, Line(h.Path))
	switch {
	case p.Quiet:
	case !p.screen.ErrTTY:
		p.NoteOncef("%s", line)
	default:
		if w := p.screen.Width(); w > 1 {
			line = Cut(line, w-1)
		}
		p.setStatus(line)
	}
}
