package ui

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/term"
)

// ErrNobody says that there is nobody at a terminal to ask.
var ErrNobody = errors.New("there is nobody to ask")

// Secret asks for a line that is not shown while it is typed. It is ErrNobody
// where nobody can be asked: see Interactive.
func (p *Printer) Secret(ctx context.Context, question string) (string, error) {
	in, ok := p.screen.In.(file)
	if !ok || !p.Interactive() {
		return "", ErrNobody
	}
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	p.clearStatus()
	_, _ = io.WriteString(p.screen.Err, p.wrapTalk(p.Bold("?")+" "+question)+" ")
	defer func() { _, _ = io.WriteString(p.screen.Err, "\n") }()

	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		read <- line{text, err}
	}()
	select {
	case l := <-read:
		if l.err != nil {
			return "", fmt.Errorf("read from the terminal: %w", l.err)
		}
		return string(l.text), nil
	case <-ctx.Done():
		// The read stays, and the terminal must not stay mute.
		_ = term.Restore(fd, before)
		return "", ctx.Err()
	}
}
