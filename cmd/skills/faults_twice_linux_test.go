//go:build linux && amd64

package main_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

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
