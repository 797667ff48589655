package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// installTask installs slugs from url into a fresh folder, with a fresh home.
func (b *bench) installTask(url string, slugs []string) task {
	dir, home := b.freshDir(), b.freshDir()
	args := append([]string{b.program("skills"), "install"}, slugs...)
	return task{args: append(args, "--registry", url, "--dir", dir), home: home, dir: dir}
}

// start measures what a command costs before it does anything, and the smallest
// thing that is worth doing.
func (b *bench) start(ctx context.Context, c corpora, t *table) error {
	b.say("start-up")
	bare := func() task { return task{args: []string{b.program("bare"), "version"}} }
	asked := func() task { return task{args: []string{b.program("asked"), "version"}} }
	version := func() task {
		return task{args: []string{b.program("skills"), "version"}, home: filepath.Join(b.dir, "none")}
	}
	starts, err := b.interleave(ctx, startRuns*b.runs, bare, asked, version)
	if err != nil {
		return err
	}
	t.time("bare cobra program", starts[0], nil, "")
	t.time("  the same, with the libraries that were asked for", starts[1], starts[0], "bare")
	t.time("skills version", starts[2], starts[0], "bare").atMostTimes(1.5)
	t.time("  the same, against those libraries", starts[2], starts[1], "asked").atMostTimes(1.1)

	reg, err := b.serve(ctx, c.one)
	if err != nil {
		return err
	}
	defer reg.stop()
	one, err := b.interleave(ctx, shortRuns*b.runs, version, func() task { return b.installTask(reg.url, []string{c.one.sample}) })
	if err != nil {
		return err
	}
	t.time("install of one skill, cold", one[1], one[0], "version")
	t.number("one skill, less skills version", one[1].median()-one[0].median(), "ms").atMost(6, "ms")
	return nil
}

// install measures the main job on the whole corpus, beside what the system does
// with the same files.
func (b *bench) install(ctx context.Context, c corpora, t *table) error {
	b.say("install")
	reg, err := b.serve(ctx, c.one)
	if err != nil {
		return err
	}
	defer reg.stop()
	tarball := filepath.Join(b.dir, "corpus.tar")
	if _, err := b.command(ctx, task{args: []string{"tar", "-cf", tarball, "-C", c.one.dir, "."}}); err != nil {
		return err
	}
	// The shell's own start is about a millisecond; cp's is alike.
	inFresh := func(args ...string) func() task {
		return func() task {
			dir := b.freshDir()
			return task{args: append([]string{"sh", "-c", args[0], dir}, args[1:]...), dir: dir}
		}
	}
	all, err := b.interleave(ctx, b.runs,
		inFresh(`cp -r "$1" "$0"`, c.one.dir),
		inFresh(`cp -r "$1" "$0" && sync -f "$0"`, c.one.dir),
		inFresh(`mkdir "$0" && tar -xf "$1" -C "$0"`, tarball),
		func() task { return b.installTask(reg.url, c.one.slugs) })
	if err != nil {
		return err
	}
	cp, synced, tar, installed := all[0], all[1], all[2], all[3]
	b.copied = cp
	what := fmt.Sprintf("install of %d, cold, HTTP, flushed", len(c.one.slugs))
	t.time("cp -r of the trees", cp, nil, "")
	t.time("cp -r of the trees, flushed", synced, cp, "cp -r")
	t.time("tar x of the trees", tar, cp, "cp -r")
	t.time(what, installed, cp, "cp -r").atMostTimes(1.8)
	t.time("  the same, against a flushed cp -r", installed, synced, "flushed")
	t.number(fmt.Sprintf("peak memory, %d skills", len(c.one.slugs)), installed.peak(), "MB").atMost(64, "MB")

	b.say("system calls")
	counts, err := b.traced(ctx, b.installTask(reg.url, c.one.slugs))
	if err != nil || counts == nil {
		return err
	}
	perFile := func(n int) float64 { return float64(n) / float64(c.one.files) }
	t.number("system calls per installed file", perFile(sum(counts)), "").atMost(5, "")
	t.number("  of those, waiting", perFile(sum(waiting(counts))), "")
	t.notes = append(t.notes, "system calls of that install: "+top(counts, 12))
	return nil
}

// memory shows that what an install holds does not grow with what it installs.
func (b *bench) memory(ctx context.Context, c corpora, t *table) error {
	b.say("memory")
	for _, big := range []struct {
		what string
		corpus
	}{
		{fmt.Sprintf("peak memory, %d skills", len(c.two.slugs)), c.two},
		{"peak memory, one archive of 60 MB", c.big},
	} {
		reg, err := b.serve(ctx, big.corpus)
		if err != nil {
			return err
		}
		all, err := b.interleave(ctx, min(b.runs, 3), func() task { return b.installTask(reg.url, big.slugs) })
		reg.stop()
		if err != nil {
			return err
		}
		t.number(big.what, all[0].peak(), "MB").atMost(64, "MB")
	}
	return nil
}

// again measures what is done when there is nothing to do, and checks that it is
// nothing: the registry is gone by then, and someone counts who asks for it.
func (b *bench) again(ctx context.Context, c corpora, t *table) error {
	b.say("the same again")
	reg, err := b.serve(ctx, c.one)
	if err != nil {
		return err
	}
	install := b.installTask(reg.url, c.one.slugs)
	_, err = b.command(ctx, install)
	reg.stop()
	if err != nil {
		return err
	}
	guard, err := newSentry(ctx, reg.addr)
	if err != nil {
		return err
	}
	defer guard.close()
	before, err := state(install.dir, install.home)
	if err != nil {
		return err
	}
	all, err := b.interleave(ctx, shortRuns*b.runs,
		func() task { return task{args: install.args, home: install.home} },
		func() task {
			return task{args: []string{b.program("skills"), "list", "--dir", install.dir}, home: install.home}
		})
	if err != nil {
		return err
	}
	after, err := state(install.dir, install.home)
	if err != nil {
		return err
	}
	again, list := all[0], all[1]
	n := len(c.one.slugs)
	t.time(fmt.Sprintf("install of %d, again", n), again, b.copied, "cp -r").atMost(60, "ms")
	t.time(fmt.Sprintf("list of %d", n), list, b.copied, "cp -r").atMost(25, "ms")
	wrote := changed(before, after)
	t.number("paths that those wrote", float64(len(wrote)), "").atMost(0, "")
	t.number("connections that those made", float64(guard.visits.Load()), "").atMost(0, "")
	if len(wrote) > 0 {
		t.notes = append(t.notes, "written by a command that had nothing to do: "+strings.Join(wrote[:min(len(wrote), 5)], " "))
	}
	return nil
}
