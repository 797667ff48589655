package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// A bench is one run of the benchmark.
type bench struct {
	dir      string // scratch: everything that is measured happens in it
	runs     int
	only     []string  // parts; nil is all of them
	out      io.Writer // the table
	progress io.Writer // what is going on
	buildEnv []string  // for go build
	path     string    // PATH, for the measured programs

	fresh  int     // how many fresh folders were handed out
	copied samples // cp -r of the corpus, which the machine's noise moves as well
}

// The corpus that is measured when there is no other. The figures are those of
// published skills.
const (
	corpusSkills = 550
	corpusFiles  = 2470
)

// Commands that take milliseconds run more often than those that write
// thousands of files: their noise is the scheduler's.
const (
	startRuns = 15
	shortRuns = 3
)

func (b *bench) run(ctx context.Context, corpusDir string) error {
	began := time.Now()
	b.say("building")
	if err := b.build(ctx); err != nil {
		return err
	}
	b.say("writing the corpus")
	trees, err := b.corpora(corpusDir)
	if err != nil {
		return err
	}
	t := &table{}
	for _, part := range []struct {
		name    string
		measure func(context.Context, corpora, *table) error
	}{
		{"start", b.start}, {"install", b.install}, {"locked", b.locked}, {"memory", b.memory}, {"again", b.again},
		{"hub", b.hub}, {"repository", b.repository}, {"site", b.site}, {"hosted", b.hosted}, {"search", b.search},
	} {
		if len(b.only) > 0 && !slices.Contains(b.only, part.name) {
			continue
		}
		if err := part.measure(ctx, trees, t); err != nil {
			return err
		}
	}
	fmt.Fprintf(b.out, "%d skills, %d files, %.1f MB; median of %d; %d CPUs, %s, %s/%s, on %s; took %.0f s\n\n",
		len(trees.one.slugs), trees.one.files, float64(trees.one.bytes)/1e6, b.runs,
		runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, fileSystem(b.dir), time.Since(began).Seconds())
	return t.write(b.out)
}

// corpora are the trees that are installed.
type corpora struct {
	one corpus // the corpus
	two corpus // twice as many skills
	big corpus // a single skill of 60 MB
}

func (b *bench) corpora(zips string) (c corpora, err error) {
	skills := generate(corpusSkills, corpusFiles)
	if zips != "" {
		skills = readZips(zips)
	}
	if c.one, err = writeTrees(filepath.Join(b.dir, "corpus"), skills); err != nil {
		return c, err
	}
	if c.one.left > 0 {
		b.say(fmt.Sprintf("left out %d skills: their names are taken, or their SKILL.md is refused", c.one.left))
	}
	if c.two, err = writeTrees(filepath.Join(b.dir, "twice"), twice(c.one)); err != nil {
		return c, err
	}
	c.big, err = writeBig(filepath.Join(b.dir, "big"))
	return c, err
}

func (b *bench) say(what string) { fmt.Fprintln(b.progress, "bench:", what) }

// freshDir returns a path at which there is nothing yet.
func (b *bench) freshDir() string {
	b.fresh++
	return filepath.Join(b.dir, "fresh", fmt.Sprint(b.fresh))
}

// workDir makes the folder to work in: under parent or, if it is "", under the
// first usual place that is on a disk. Memory has no flush to measure.
func workDir(parent string) (string, error) {
	if parent == "" {
		for _, parent = range []string{os.TempDir(), "/var/tmp", "."} {
			if name := fileSystem(parent); name != "tmpfs" && name != "ramfs" {
				break
			}
		}
	} else if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("make BENCH_DIR: %w", err)
	}
	dir, err := os.MkdirTemp(parent, "skills-bench-")
	if err != nil {
		return "", fmt.Errorf("make work folder: %w", err)
	}
	return filepath.Abs(dir)
}
