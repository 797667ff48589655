package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// locked measures what a lock is for: to have exactly that again, and to be asked
// whether there is something newer.
func (b *bench) locked(ctx context.Context, c corpora, t *table) error {
	b.say("ci and outdated")
	reg, err := b.serve(ctx, c.one)
	if err != nil {
		return err
	}
	defer reg.stop()
	install := b.installTask(reg.url, c.one.slugs)
	if _, err := b.command(ctx, install); err != nil {
		return err
	}
	lock, err := os.ReadFile(filepath.Join(install.dir, "skills.lock"))
	if err != nil {
		return err
	}
	skills := func(dir string, args ...string) task {
		return task{args: append(append([]string{b.program("skills")}, args...), "--dir", dir), home: install.home}
	}
	var failed error
	warm := func() task {
		dir := b.freshDir()
		if err := os.MkdirAll(dir, 0o755); err != nil {
			failed = err
		} else if err := os.WriteFile(filepath.Join(dir, "skills.lock"), lock, 0o644); err != nil {
			failed = err
		}
		t := skills(dir, "ci")
		t.dir = dir
		return t
	}
	cp := func() task {
		dir := b.freshDir()
		return task{args: []string{"sh", "-c", `cp -r "$1" "$0"`, dir, c.one.dir}, dir: dir}
	}
	cold, err := b.interleave(ctx, b.runs, cp, warm)
	if err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	idle, err := b.interleave(ctx, shortRuns*b.runs,
		func() task { return skills(install.dir, "ci") },
		func() task { return skills(install.dir, "outdated") })
	if err != nil {
		return err
	}
	n := len(c.one.slugs)
	t.time(fmt.Sprintf("ci of %d, store warm", n), cold[1], cold[0], "cp -r").atMostTimes(1.2)
	t.time(fmt.Sprintf("ci of %d, all in place", n), idle[0], b.copied, "cp -r").atMost(60, "ms")
	t.time(fmt.Sprintf("outdated of %d, HTTP, 304", n), idle[1], b.copied, "cp -r").atMost(250, "ms")
	return nil
}
