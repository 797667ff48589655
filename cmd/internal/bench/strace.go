package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A count says how often a system call was made.
type count struct {
	name  string
	calls int
}

// traced runs a command under strace and returns its system calls, most first.
// It returns none where there is no strace.
func (b *bench) traced(ctx context.Context, t task) ([]count, error) {
	if _, err := exec.LookPath("strace"); err != nil {
		b.say("no strace here: system calls are not counted")
		return nil, nil //nolint:nilerr // a benchmark without it is still one
	}
	name := filepath.Join(b.dir, "strace.out")
	t.args = append([]string{"strace", "-f", "-c", "-o", name}, t.args...)
	if _, err := b.command(ctx, t); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read strace's summary: %w", err)
	}
	return parseSummary(string(data))
}

// parseSummary reads the table that strace -c writes: the number of calls is in
// the fourth column, the name in the last, and the column before it, errors, is
// often empty.
func parseSummary(text string) ([]count, error) {
	var counts []count
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 || fields[len(fields)-1] == "total" {
			continue
		}
		if calls, err := strconv.Atoi(fields[3]); err == nil {
			counts = append(counts, count{fields[len(fields)-1], calls})
		}
	}
	if len(counts) == 0 {
		return nil, fmt.Errorf("read strace's summary: no system calls in %.200q", text)
	}
	slices.SortFunc(counts, func(a, b count) int {
		return cmp.Or(cmp.Compare(b.calls, a.calls), cmp.Compare(a.name, b.name))
	})
	return counts, nil
}

// waiting returns the calls that a Go program waits with. Under strace, which
// slows it many times over, it waits more often than on its own.
func waiting(counts []count) (w []count) {
	for _, c := range counts {
		switch c.name {
		case "futex", "nanosleep", "clock_nanosleep", "epoll_pwait", "epoll_wait", "sched_yield":
			w = append(w, c)
		}
	}
	return w
}

// sum returns all calls.
func sum(counts []count) (n int) {
	for _, c := range counts {
		n += c.calls
	}
	return n
}

// top lists the most frequent calls on one line.
func top(counts []count, most int) string {
	var b strings.Builder
	for _, c := range counts[:min(most, len(counts))] {
		fmt.Fprintf(&b, " · %s %d", c.name, c.calls)
	}
	return strings.TrimPrefix(b.String(), " · ")
}
