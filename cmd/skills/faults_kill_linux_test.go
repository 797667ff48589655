//go:build linux && amd64

package main_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestFaultsTraced kills the program at every system call that could change a
// file, and lets every one of them fail.
func TestFaultsTraced(t *testing.T) {
	program := build(t)
	for _, c := range faultCases(t, program) {
		t.Run("kill/"+c.name, func(t *testing.T) {
			t.Parallel()
			c.killEverywhere(t)
		})
		t.Run("fail/"+c.name, func(t *testing.T) {
			t.Parallel()
			c.failEverywhere(t)
		})
	}
	t.Run("twice", func(t *testing.T) {
		t.Parallel()
		testTwice(t, program)
	})
	t.Run("killed without exchange", func(t *testing.T) {
		t.Parallel()
		testNoExchange(t, program)
	})
}

// A faultCase is a command between two states of a home.
type faultCase struct {
	name   string
	scene  *scene
	args   []string
	before string // a home as it was; "" is an empty one
	after  string // a home as the command leaves it undisturbed
	calls  []call // what there is to disturb, about in this order
}

// targets are where the skills of a fault case stand below its home.
var targets = []string{".claude/skills", ".agents/skills"}

func faultCases(t *testing.T, program string) []*faultCase {
	t.Helper()
	s := newScene(t, program)
	root := filepath.Dir(s.home)
	s.publish("pdf", "1.0.0")
	s.publishSmall("notes", "1.0.0")
	locked := s.at(filepath.Join(root, "locked"), "")
	locked.run("install", "pdf", "notes", "--registry", s.registry, "--agent", "claude,codex", "--user").is(0)
	missing := s.at(filepath.Join(root, "missing"), locked.home)
	missing.removeAll(filepath.Join(missing.home, ".local"))
	for _, target := range targets {
		missing.removeAll(filepath.Join(missing.home, target, "pdf"))
	}
	foreign := s.at(filepath.Join(root, "foreign"), locked.home)
	foreign.removeAll(filepath.Join(foreign.home, ".local"))
	foreign.removeAll(filepath.Join(foreign.home, ".config"))
	foreign.write(filepath.Join(foreign.home, ".agents", ".skill-lock.json"), fmt.Sprintf(
		`{"version":3,"skills":{"pdf":{"sourceType":"well-known","sourceUrl":%q},"notes":{"sourceType":"well-known","sourceUrl":%[1]q}}}`, s.registry))
	s.publish("pdf", "2.0.0")
	s.publishSmall("notes", "2.0.0")
	cases := []*faultCase{
		{name: "install", args: []string{"install", "pdf", "notes", "--registry", s.registry, "--agent", "claude,codex", "--user"}},
		{name: "update", args: []string{"update", "--user"}, before: locked.home},
		{name: "remove", args: []string{"remove", "pdf", "--user"}, before: locked.home},
		{name: "restore", args: []string{"install", "--user"}, before: missing.home},
		{name: "import", args: []string{"import", "--registry", s.registry, "--user"}, before: foreign.home},
	}
	for _, c := range cases {
		c.scene = s
		c.undisturbed(t)
	}
	return cases
}

// undisturbed finds out what the command does if nothing goes wrong.
func (c *faultCase) undisturbed(t *testing.T) {
	t.Helper()
	s := c.scene.at(filepath.Join(filepath.Dir(c.scene.home), c.name), c.before)
	tr := &tracer{}
	s.traced(tr, c.args...).is(0)
	s.run("verify", "--user").is(0)
	c.after, c.calls = s.home, tr.calls
	if len(c.calls) < 10 {
		t.Fatalf("%s makes %d calls only: this test would prove nothing", c.name, len(c.calls))
	}
}

// killEverywhere kills the command at its first call, at its second, and so on
// until it finishes.
func (c *faultCase) killEverywhere(t *testing.T) {
	for n := 1; ; n++ {
		if n > 3*len(c.calls) {
			t.Fatalf("the command was killed %d times and still has not finished", n)
		}
		// A close changes nothing: the next call finds the same.
		if c.likeOthers(n) || n <= len(c.calls) && c.calls[n-1].name == "close" {
			continue
		}
		s := c.fresh(t, n)
		tr := &tracer{at: func(i int, _ call) fate { return fate{kill: i == n} }}
		got := s.traced(tr, c.args...)
		if len(tr.calls) < n {
			got.is(0)
			c.finished(s)
			return
		}
		c.whole(s)
		c.again(s)
		c.finished(s)
		if t.Failed() {
			t.Fatalf("killed at call %d: %s", n, tr.calls[n-1])
		}
		s.removeAll(filepath.Dir(s.home))
	}
}

// likeOthers reports whether call n may be passed over. Of the calls that write
// the files of a staged skill one in three is disturbed: they are many, and alike.
func (c *faultCase) likeOthers(n int) bool {
	if n > len(c.calls) || n%3 == 0 {
		return false
	}
	call := c.calls[n-1]
	return strings.Contains(call.path, "/new/") && (call.name == "openat2" || call.name == "write" || call.name == "close")
}

// failEverywhere lets each call fail in turn, as a full, a forbidden and a
// broken disk do.
func (c *faultCase) failEverywhere(t *testing.T) {
	errnos := []unix.Errno{unix.ENOSPC, unix.EACCES, unix.EIO}
	for n := 1; ; n++ {
		if n > 3*len(c.calls) {
			t.Fatalf("call %d failed and the command still has not finished", n)
		}
		if c.likeOthers(n) {
			continue
		}
		errno := errnos[n%len(errnos)]
		s := c.fresh(t, n)
		tr := &tracer{once: true, at: func(i int, _ call) fate {
			if i == n {
				return fate{errno: errno}
			}
			return fate{}
		}}
		got := s.traced(tr, c.args...)
		if len(tr.calls) < n {
			got.is(0)
			return
		}
		at := tr.calls[n-1]
		got.fit()
		c.whole(s)
		switch {
		case got.code == 0 && !harmless(at):
			t.Errorf("exit code 0 although a call failed")
		case got.code == 0:
			c.finished(s, ".local") // it is the truth
		case got.code != 1 && got.code != 3:
			t.Errorf("exit code %d, want 1 or 3", got.code)
		case !strings.Contains(strings.ToLower(got.stderr), strings.ToLower(errno.Error())):
			t.Errorf("the cause is not told")
		}
		c.again(s)
		// What could not be kept may not be wanted any more, and what was done in part
		// is listed in another order.
		c.finished(s, ".local", "skills.yaml")
		s.run("verify", "--user").is(0)
		if t.Failed() {
			t.Fatalf("call %d failed with %v: %s\n%d %s%s", n, errno, at, got.code, got.stdout, got.stderr)
		}
		s.removeAll(filepath.Dir(s.home))
	}
}

// harmless reports whether all can be well if a call fails: if it keeps an
// artifact for the next time, or if it can be made again or elsewhere. What was
// not flushed, or not written to its end, is never well.
func harmless(c call) bool {
	switch {
	case strings.Contains(c.path, "/home/.local"), strings.HasSuffix(c.path, "/lock"), strings.HasSuffix(c.path, "/owner"):
		return true
	}
	return c.name == "mkdirat" || c.name == "unlinkat" || c.name == "openat"
}

// fresh returns the scene as it was before the command, in a folder of its own.
func (c *faultCase) fresh(t *testing.T, n int) *scene {
	t.Helper()
	s := *c.scene
	s.t = t
	return s.at(filepath.Join(filepath.Dir(s.home), fmt.Sprintf("%s-%s-%d", c.name, filepath.Base(filepath.Dir(t.Name())), n)), c.before)
}

// again runs the command as before. What was removed before the end cannot be
// removed again.
func (c *faultCase) again(s *scene) {
	s.t.Helper()
	got := s.run(c.args...)
	if c.name == "remove" && got.code == 5 {
		got.says(`"pdf" is not installed`)
		return
	}
	got.is(0)
}

// whole checks that each skill is as it was before, or as it comes after.
func (c *faultCase) whole(s *scene) {
	s.t.Helper()
	for _, target := range targets {
		for _, name := range []string{"pdf", "notes"} {
			now := s.contents(filepath.Join(s.home, target, name))
			var allowed []string
			for _, home := range []string{c.before, c.after} {
				allowed = append(allowed, s.contents(filepath.Join(home, target, name)))
			}
			if c.before == "" {
				allowed[0] = ""
			}
			if !slices.Contains(allowed, now) {
				s.t.Errorf("%s/%s is neither the old nor the new tree:\n%s", target, name, now)
			}
		}
	}
}

// finished checks that the home is what it is if nothing goes wrong, byte for
// byte. The index of the store may hold a line twice, or miss one.
func (c *faultCase) finished(s *scene, skip ...string) {
	s.t.Helper()
	s.clean(s.home)
	skip = append(skip, "index.tsv")
	want, got := s.contents(c.after, skip...), s.contents(s.home, skip...)
	if got != want {
		s.t.Errorf("the home is another than after an undisturbed run (-want +got):\n%s", cmp.Diff(want, got))
	}
}

// testTwice runs every writing command a second time, which writes nothing: no
// call that could change a file is made, and none is changed.
func testTwice(t *testing.T, program string) {
	s := newScene(t, program)
	s.publish("pdf", "1.0.0")
	s.publish("notes", "1.0.0")
	large := filepath.Join(s.registry, "large")
	s.write(filepath.Join(large, "SKILL.md"), "---\nname: large\ndescription: Is large.\n---\n")
	s.write(filepath.Join(large, "data.bin"), noise(1<<20))
	own := filepath.Join(s.home, ".claude", "skills", "own")
	s.write(filepath.Join(own, "SKILL.md"), "---\nname: own\ndescription: Is ours.\n---\n")
	for _, args := range [][]string{
		{"install", "pdf", "notes", "large", "--registry", s.registry, "--user", "--agent", "claude,codex"},
		{"install", "pdf@1.0.0", "--registry", s.registry, "--user"},
		{"install", "pdf", "--registry", s.registry, "--user"},
		{"install", "--user"},
		{"update", "--user"},
		{"update", "pdf", "--user"},
		{"install", "pdf", "large", "--registry", s.registry, "--dir", "try"},
		{"install", filepath.Join(s.registry, "notes", "1.0.0"), "--dir", "try"},
		{"update", "--dir", "try"},
		{"remove", "notes", "--user", "--agent", "codex"},
		{"install", "--user"},
		{"adopt", own, "--registry", s.registry, "--user"},
	} {
		s.run(args...).is(0)
		s.quiet(args...)
	}
	for _, args := range [][]string{
		{"verify", "--user"}, {"list", "--user"}, {"outdated", "--user"}, {"outdated", "--dir", "try"}, {"update", "--user", "--dry-run"},
		{"install", "pdf@1.0.0", "--registry", s.registry, "--dir", "other", "--dry-run"},
	} {
		s.quiet(args...)
	}
}

// quiet runs a command that has nothing to do.
func (s *scene) quiet(args ...string) {
	s.t.Helper()
	before := s.marks(filepath.Dir(s.home))
	tr := &tracer{}
	s.traced(tr, args...).is(0)
	if len(tr.calls) > 0 {
		s.t.Errorf("skills %s writes although nothing changed: %q", strings.Join(args, " "), tr.calls)
	}
	if after := s.marks(filepath.Dir(s.home)); after != before {
		s.t.Errorf("skills %s changes something (-before +after):\n%s", strings.Join(args, " "), cmp.Diff(before, after))
	}
}

// noise is text that cannot be compressed, always the same.
func noise(n int) string {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return string(b)
}

// testNoExchange kills an update where the file system cannot exchange two
// folders, between the two renames that do it instead.
func testNoExchange(t *testing.T, program string) {
	s := newScene(t, program)
	s.publish("pdf", "1.0.0")
	locked := s.at(filepath.Join(filepath.Dir(s.home), "locked"), "")
	locked.run("install", "pdf", "--registry", s.registry, "--user", "--agent", "claude,codex").is(0)
	s.publish("pdf", "2.0.0")
	update := []string{"update", "--user"}
	for n := 1; ; n++ {
		s := s.at(filepath.Join(filepath.Dir(s.home), fmt.Sprintf("exchange-%d", n)), locked.home)
		renames := 0
		tr := &tracer{at: func(_ int, c call) fate {
			switch c.name {
			case "renameat2":
				return fate{errno: unix.EINVAL}
			case "renameat":
				renames++
			}
			return fate{kill: renames == n}
		}}
		got := s.traced(tr, update...)
		if renames < n {
			got.is(0)
			s.verified(1, "--user")
			return
		}
		s.run(update...).is(0)
		s.verified(1, "--user")
		for _, target := range targets {
			if !strings.Contains(s.contents(filepath.Join(s.home, target, "pdf")), "only-in-2.0.0.sh") {
				t.Errorf("%s is not the new tree", target)
			}
		}
	}
}
