package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// build builds the measured programs as they are released.
func (b *bench) build(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.program("")+string(filepath.Separator),
		"./cmd/skills", "./cmd/skills-registry", "./cmd/internal/bench/bare", "./cmd/internal/bench/asked", "./registry/internal/meta/fill")
	cmd.Env = append(b.buildEnv, "CGO_ENABLED=0")
	if err := os.MkdirAll(b.program(""), 0o755); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

func (b *bench) program(name string) string { return filepath.Join(b.dir, "bin", name) }

// A task is a command that is measured.
type task struct {
	args []string
	home string // SKILLS_HOME, if it is a command of skills
	dir  string // the fresh folder that it fills, if it does
	env  []string
}

// command runs a command to its end, and says what it took. Its output goes nowhere
// unless it fails.
func (b *bench) command(ctx context.Context, t task) (sample, error) {
	cmd := exec.CommandContext(ctx, t.args[0], t.args[1:]...)
	cmd.Dir = b.dir
	cmd.Env = append(b.env(t.home), t.env...)
	errs := &tail{}
	cmd.Stderr = errs
	began := time.Now()
	err := cmd.Run()
	s := sample{wall: time.Since(began)}
	if err != nil {
		return s, fmt.Errorf("run %s: %w\n%s", shorten(t.args), err, errs)
	}
	s.peak = peak(cmd.ProcessState)
	return s, nil
}

// env is what a measured program finds: a home of its own and little else.
func (b *bench) env(skillsHome string) []string {
	env := []string{"PATH=" + b.path, "HOME=" + filepath.Join(b.dir, "home"), "TMPDIR=" + b.dir, "LC_ALL=C", "NO_COLOR=1"}
	if skillsHome != "" {
		env = append(env, "SKILLS_HOME="+skillsHome)
	}
	return env
}

// interleave runs the tasks that next returns, each rounds times and in turn, so
// that what disturbs the machine disturbs all of them alike. What was written
// before a run is flushed before it.
//
// Nothing is deleted in between: ext4 does not hand out an inode again for
// minutes after it was freed, and looks past each such one when it creates a
// file, which makes creating many files ten times as slow.
func (b *bench) interleave(ctx context.Context, rounds int, next ...func() task) ([]samples, error) {
	all := make([]samples, len(next))
	for range rounds {
		for i, f := range next {
			t := f()
			if t.dir != "" {
				if err := b.flush(ctx); err != nil {
					return nil, err
				}
			}
			s, err := b.command(ctx, t)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], s)
		}
	}
	return all, nil
}

func (b *bench) flush(ctx context.Context) error {
	if err := exec.CommandContext(ctx, "sync").Run(); err != nil {
		return fmt.Errorf("run sync: %w", err)
	}
	return nil
}

// shorten is a command line that fits into an error.
func shorten(args []string) string {
	if len(args) > 8 {
		args = append(append([]string{}, args[:4]...), append([]string{fmt.Sprintf("(%d more)", len(args)-8)}, args[len(args)-4:]...)...)
	}
	return strings.Join(args, " ")
}

// A tail keeps the end of what is written to it.
type tail struct{ b bytes.Buffer }

var _ io.Writer = (*tail)(nil)

func (t *tail) Write(p []byte) (int, error) {
	const most = 4 << 10
	t.b.Write(p)
	if extra := t.b.Len() - most; extra > 0 {
		t.b.Next(extra)
	}
	return len(p), nil
}

func (t *tail) String() string { return t.b.String() }
