package credential

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	commandTime = time.Minute // a person may have to touch a key
	commandEnd  = time.Second // for what it started and left behind
	maxTold     = 200         // bytes of what it says about its failure
)

// A CommandError says that the command did not answer. It holds nothing of what
// may be a secret.
type CommandError struct {
	Program string
	Said    string // the end of its standard error: untrusted, escaped
	Err     error
}

func (e *CommandError) Error() string {
	text := fmt.Sprintf("run credential command %s: %v", strconv.QuoteToASCII(e.Program), e.Err)
	if e.Said != "" {
		text += ": " + e.Said
	}
	return text
}

func (e *CommandError) Unwrap() error { return e.Err }

// runCommand asks the command for the token of an origin: "" if it has none. No
// shell is involved. The command reads one line, "origin=https://host", from its
// standard input, and prints the token.
func runCommand(ctx context.Context, argv []string, origin string) (string, error) {
	fail := func(err error, said string) (string, error) {
		return "", &CommandError{Program: argv[0], Said: said, Err: err}
	}
	if !filepath.IsAbs(argv[0]) && filepath.Base(argv[0]) != argv[0] {
		return fail(errors.New("it must be an absolute path, or the name of a program"), "")
	}
	program, err := exec.LookPath(argv[0]) // what the current folder holds is an error
	if err != nil {
		return fail(err, "")
	}
	timed, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	stdout, stderr := &bounded{most: MaxToken + 2, full: cancel}, &bounded{most: MaxToken, tail: true}
	cmd := exec.CommandContext(timed, program, argv[1:]...) //nolint:gosec // the user configured it, and nobody else can
	cmd.Stdin = strings.NewReader("origin=" + origin + "\n")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = commandEnd
	err = cmd.Run()
	token := strings.TrimRight(stdout.String(), "\r\n")
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("run credential command: %w", ctx.Err())
	case stdout.over:
		return fail(fmt.Errorf("what it prints is longer than %d bytes", MaxToken), "")
	case timed.Err() != nil:
		return fail(fmt.Errorf("it took more than %v", commandTime), "")
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return fail(err, told(stderr.String(), strings.TrimSpace(token)))
	case token == "":
		return "", nil
	}
	if err := Check(token); err != nil {
		return fail(fmt.Errorf("what it prints is no token: %w", err), "")
	}
	return token, nil
}

// told is the last line of what a command says about its failure.
func told(stderr, secret string) string {
	text := strings.TrimSpace(stderr)
	if secret != "" {
		text = strings.ReplaceAll(text, secret, "REDACTED")
	}
	text = text[strings.LastIndexByte(text, '\n')+1:]
	if text == "" {
		return ""
	}
	return strconv.QuoteToASCII(text[:min(len(text), maxTold)])
}

// bounded keeps the first bytes that are written to it, or the last. It embeds no
// buffer: that could be read into past the bound.
type bounded struct {
	kept []byte
	most int
	tail bool
	full func() // called when there is more than that; nil if the last are kept
	over bool
}

func (b *bounded) String() string { return string(b.kept) }

func (b *bounded) Write(p []byte) (int, error) {
	n := len(p)
	if b.tail {
		b.kept = append(b.kept, p[max(0, len(p)-b.most):]...)
		b.kept = b.kept[max(0, len(b.kept)-b.most):]
		return n, nil
	}
	if room := b.most - len(b.kept); len(p) > room {
		p, b.over = p[:room], true
		b.full()
	}
	b.kept = append(b.kept, p...)
	return n, nil
}
