//go:build linux && amd64

package main_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// faultCases are all commands that put skills into their places, or take them out.
func faultCases() []*faultCase {
	back := []string{"rollback", "pdf", "--user"}
	return []*faultCase{
		{
			name: "install", setup: published,
			args: []string{"install", "pdf", "notes", "--registry", "../registry", "--agent", "claude,codex", "--user"},
		},
		{name: "update", setup: outdated, args: []string{"update", "--user"}, after: back},
		{name: "remove", setup: installed, args: []string{"remove", "pdf", "--user"}, after: back},
		{name: "restore", setup: gone, args: []string{"install", "--user"}, missing: true},
		{
			name: "update merges", setup: editedAndOutdated, args: []string{"update", "--user", "--on-edit=merge"}, after: back,
			edited: true, kept: mergedOrNot, skip: []string{"backups"},
		},
		{name: "remove keeps", setup: withAddition, args: []string{"remove", "pdf", "--user"}, edited: true, kept: additionThere},
		{name: "rollback", setup: updated, args: []string{"rollback", "pdf", "--user"}},
		{name: "disable", setup: installed, args: []string{"disable", "pdf", "--user"}},
		{name: "enable", setup: disabled, args: []string{"enable", "pdf", "--user"}, after: []string{"verify", "--user"}},
		{name: "ci", setup: gone, args: []string{"ci", "--user"}, frozen: true, missing: true},
		{name: "other query", setup: installed, args: []string{"install", "pdf@^1.0", "--registry", "../registry", "--user"}},
		{name: "pin", setup: installed, args: []string{"pin", "pdf", "--reason", "mine", "--user"}},
		{name: "import", setup: foreign, args: []string{"import", "--registry", "../registry", "--user"}},
	}
}

// foreign has two skills that another tool installed, which keeps a lock of its own.
func foreign(s *scene) {
	s.t.Helper()
	installed(s)
	s.removeAll(filepath.Join(s.home, ".local"))
	s.removeAll(filepath.Join(s.home, ".config"))
	s.write(filepath.Join(s.home, ".agents", ".skill-lock.json"), fmt.Sprintf(
		`{"version":3,"skills":{"pdf":{"sourceType":"well-known","sourceUrl":%q},"notes":{"sourceType":"well-known","sourceUrl":%[1]q}}}`, s.registry))
}

// published has two skills in the registry, one of them with two files.
func published(s *scene) {
	s.t.Helper()
	s.publish("pdf", "1.0.0")
	s.publishSmall("notes", "1.0.0")
}

func installed(s *scene) {
	s.t.Helper()
	published(s)
	s.run("install", "pdf", "notes", "--registry", s.registry, "--agent", "claude,codex", "--user").is(0)
}

func outdated(s *scene) {
	s.t.Helper()
	installed(s)
	s.publish("pdf", "2.0.0")
}

func updated(s *scene) {
	s.t.Helper()
	outdated(s)
	s.run("update", "--user").is(0)
}

func disabled(s *scene) {
	s.t.Helper()
	installed(s)
	s.run("disable", "pdf", "--user").is(0)
}

// gone has a lock, and neither a store nor the folders of one skill.
func gone(s *scene) {
	s.t.Helper()
	installed(s)
	s.removeAll(filepath.Join(s.home, ".local/share"))
	for _, target := range targets {
		s.removeAll(filepath.Join(s.home, target, "pdf"))
	}
}

const (
	fewLines = "one\ntwo\nthree\nfour\nfive\n"
	addition = ".claude/skills/pdf/mine.md"
	myLine   = ".claude/skills/pdf/lines.md"
)

func withAddition(s *scene) {
	s.t.Helper()
	installed(s)
	s.write(filepath.Join(s.home, addition), "mine")
}

// editedAndOutdated has a skill with a changed line and a new file in the folder of
// one agent, whose next version changes another line.
func editedAndOutdated(s *scene) {
	s.t.Helper()
	s.publishSmall("pdf", "1.0.0")
	s.write(filepath.Join(s.registry, "pdf", "1.0.0", "lines.md"), fewLines)
	s.run("install", "pdf", "--registry", s.registry, "--agent", "claude,codex", "--user").is(0)
	s.publishSmall("pdf", "2.0.0")
	s.write(filepath.Join(s.registry, "pdf", "2.0.0", "lines.md"), strings.Replace(fewLines, "five", "FIVE", 1))
	s.write(filepath.Join(s.home, addition), "mine")
	s.write(filepath.Join(s.home, myLine), strings.Replace(fewLines, "one", "ONE", 1))
}

func (s *scene) has(dir, below, text string) bool {
	data, err := os.ReadFile(filepath.Join(dir, below))
	return err == nil && strings.Contains(string(data), text)
}

// additionThere checks that a file of the user's is where it was.
func additionThere(s *scene) {
	s.t.Helper()
	if !s.has(s.home, addition, "mine") {
		s.t.Error("the file that was added is gone")
	}
}

// mergedOrNot checks that edits are where they were, whatever stands around them.
func mergedOrNot(s *scene) {
	s.t.Helper()
	additionThere(s)
	if !s.has(s.home, myLine, "ONE\n") {
		s.t.Error("the line that was changed is gone")
	}
}

var historyTime = regexp.MustCompile(`"time":"[^"]*"`)

// state is contents of a home, in which the history does not tell the time. The
// index of the store may hold a line twice, or miss one.
func (c *faultCase) state(home string, skip ...string) string {
	c.t.Helper()
	skip = append(append(skip, "index.tsv"), c.skip...)
	return c.walk(home, skip, func(path string, info fs.FileInfo) string {
		if info.IsDir() {
			return info.Mode().String()
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			to, err := os.Readlink(path)
			c.check(err)
			return "-> " + to
		}
		data, err := os.ReadFile(path)
		c.check(err)
		if strings.Contains(path, "/history/") {
			return info.Mode().String() + " " + historyTime.ReplaceAllString(string(data), "")
		}
		return fmt.Sprintf("%s %d %x", info.Mode(), len(data), sha256.Sum256(data))
	})
}

// then runs what comes after the command on what a kill and another run left, and
// on what an undisturbed run left: it must do the same.
func (c *faultCase) then(i int) {
	c.t.Helper()
	if c.after == nil || i%4 != 0 || c.t.Failed() {
		return
	}
	got := c.run(c.after...)
	after := c.state(c.home)
	c.load(c.done)
	want := c.run(c.after...)
	if got.code != want.code || after != c.state(c.home) {
		c.t.Errorf("then skills %s does something else: %d %s\nwant %d %s", c.after, got.code, got.stderr, want.code, want.stderr)
	}
}

// testReallyKilled kills the process itself, in the part of an update in which it
// holds the scope, and others wait for it or come after it.
func testReallyKilled(t *testing.T, program string) {
	c := &faultCase{name: "update", setup: outdated, args: []string{"update", "--user"}}
	c.begin(t, program)
	for n := range c.calls {
		if c.calls[n].name == "close" || strings.Contains(c.calls[n].path, "/new/") || c.passedOver(n) {
			continue
		}
		c.load(c.before)
		tr := &tracer{at: func(i int, _ call) fate { return fate{kill: i == n+1} }}
		if got := c.traced(tr, c.args...); got.code != killed {
			got.is(0) // it made fewer calls this time
			continue
		}
		c.whole()
		c.again()
		c.finished()
		if t.Failed() {
			t.Fatalf("killed at call %d: %s", n+1, tr.calls[n])
		}
	}
}

// editedMeanwhile has somebody edit a skill just before each call of a command that
// replaces it, or takes it out. The edit must be there afterwards.
func (c *faultCase) editedMeanwhile() {
	c.t.Helper()
	dir := filepath.Join(c.home, ".claude/skills/pdf")
	for n := 1; n <= len(c.calls); n++ {
		if c.calls[n-1].name == "close" || c.passedOver(n) {
			continue // as before the next call
		}
		c.load(c.before)
		edited := false
		tr := &tracer{at: func(i int, _ call) fate {
			if i == n {
				edited = os.WriteFile(filepath.Join(dir, "late.md"), []byte("late"), 0o644) == nil
			}
			return fate{}
		}}
		got := c.traced(tr, c.args...)
		got.fit()
		kept := !edited || c.has(dir, "late.md", "late")
		for _, backup := range c.glob(".local/s*/skills/backups/*") {
			kept = kept || c.has(backup, "late.md", "late")
		}
		c.clean(c.home)
		if !kept || c.t.Failed() {
			c.t.Fatalf("edited before %s: it is lost: %t\n%d %s%s", c.calls[n-1], !kept, got.code, got.stdout, got.stderr)
		}
	}
}

func editCases() []*faultCase {
	return []*faultCase{
		{name: "update", setup: outdated, args: []string{"update", "--user"}},
		{name: "merge", setup: editedAndOutdated, args: []string{"update", "--user", "--on-edit=merge"}, edited: true},
		{name: "overwrite", setup: editedAndOutdated, args: []string{"update", "--user", "--on-edit=overwrite"}, edited: true},
		{name: "remove", setup: installed, args: []string{"remove", "pdf", "--user"}},
		{name: "remove and keep", setup: withAddition, args: []string{"remove", "pdf", "--user"}, edited: true},
	}
}
