// Command bench measures skills as its users meet it: whole processes, on a real
// file system, against a registry on loopback, beside cp and tar on the same
// files. It prints a table and judges it, but it is no test: a figure over its
// bar is a figure, and only a command that fails makes it fail.
//
//	go run ./cmd/internal/bench
//
// The environment changes how:
//
//	BENCH_RUNS  how often each case runs, 7 if unset; the table shows the median
//	BENCH_DIR   where to work: a new folder under it, 1.5 GB with 7 runs, deleted at the end
//	BENCH_ONLY  parts to measure, by name: "start install", of those in bench.go
//	CORPUS      a folder of skills, one zip each, in place of the generated 550
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	runs := 7
	if s := os.Getenv("BENCH_RUNS"); s != "" {
		if runs, err = strconv.Atoi(s); err != nil || runs < 1 {
			return fmt.Errorf("BENCH_RUNS is %q, not a number from 1", s)
		}
	}
	dir, err := workDir(os.Getenv("BENCH_DIR"))
	if err != nil {
		return err
	}
	defer func() {
		if e := os.RemoveAll(dir); err == nil {
			err = e
		}
	}()
	b := &bench{
		dir:      dir,
		runs:     runs,
		only:     strings.Fields(os.Getenv("BENCH_ONLY")),
		progress: os.Stderr,
		out:      os.Stdout,
		buildEnv: os.Environ(),
		path:     os.Getenv("PATH"),
	}
	return b.run(ctx, os.Getenv("CORPUS"))
}
