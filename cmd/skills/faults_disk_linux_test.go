package main_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// testDiskFull puts a full file system where the skills, the store or the lock
// go. Who may not mount has testFileSizeLimit and the calls that are made to fail.
func testDiskFull(t *testing.T, program string) {
	if unix.Geteuid() != 0 {
		t.Log("not root: no file system can be mounted, and none was")
		return
	}
	for name, place := range map[string]struct {
		dir      string // below home
		harmless bool   // the skill can be installed all the same
	}{
		"target": {".claude", false},
		"config": {".config", false},
		"store":  {".local", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, program)
			s.publish("pdf", "1.0.0")
			s.write(filepath.Join(s.registry, "pdf", "1.0.0", "large.txt"), strings.Repeat("All work and no play.\n", 4000))
			disk := s.mount(filepath.Join(s.home, place.dir))
			install := []string{"install", "pdf", "--registry", s.registry, "--user", "--agent", "claude"}
			for _, limit := range []string{"nr_inodes", "nr_blocks"} {
				done := false
				for n := 1; !done && n < 100; n++ {
					disk(limit + "=" + strconv.Itoa(n))
					got := s.run(install...)
					done = got.code == 0
					switch {
					case done && place.harmless && strings.Contains(got.stderr, "not kept for later"):
						done = false
					case done:
						s.verified(1, "--user")
						continue
					case place.harmless:
						t.Errorf("%s=%d: a store that is full kept a skill from being installed", limit, n)
					default:
						got.is(1).says("no space left on device")
						if now := s.contents(filepath.Join(s.home, ".claude", "skills", "pdf")); now != "" {
							t.Errorf("%s=%d: something was installed:\n%s", limit, n, now)
						}
					}
					s.clean(s.home)
					// The same file system with room again heals by itself.
					disk("")
					s.run(install...).is(0)
					s.verified(1, "--user")
				}
				if !done {
					t.Errorf("%s: the disk was never large enough: this test proved nothing", limit)
				}
			}
		})
	}
}

// mount returns a function that makes dir a fresh file system with options; "" gives
// the one that is there more room.
func (s *scene) mount(dir string) func(options string) {
	s.t.Helper()
	s.check(os.MkdirAll(dir, 0o755))
	mounted := false
	unmount := func() {
		if mounted {
			s.check(unix.Unmount(dir, unix.MNT_DETACH))
		}
		mounted = false
	}
	s.t.Cleanup(unmount)
	return func(options string) {
		s.t.Helper()
		if options == "" {
			s.check(unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "nr_inodes=10000,size=64m"))
			return
		}
		unmount()
		for _, rest := range []string{".claude", ".config", ".local"} {
			if filepath.Base(dir) != rest {
				s.removeAll(filepath.Join(s.home, rest))
			}
		}
		s.check(unix.Mount("tmpfs", dir, "tmpfs", 0, options+",mode=755"))
		mounted = true
	}
}

// testFileSizeLimit lets no file grow past a limit, which fails like a full disk
// does in the middle of a file.
func testFileSizeLimit(t *testing.T, program string) {
	prlimit, err := exec.LookPath("prlimit")
	if err != nil {
		t.Fatalf("the test needs prlimit: %v", err)
	}
	s := newScene(t, program)
	s.publish("pdf", "1.0.0")
	s.write(filepath.Join(s.registry, "pdf", "1.0.0", "large.txt"), strings.Repeat("All work and no play.\n", 4000))
	install := []string{"install", "pdf", "--registry", s.registry, "--user", "--agent", "claude,codex"}
	for _, limit := range []int{0, 1, 100, 1000, 10000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			l := s.at(filepath.Join(t.TempDir(), "limited"), "")
			l.t = t
			l.wrap = []string{prlimit, "--fsize=" + strconv.Itoa(limit), "--"}
			// Streams are pipes, which have no size.
			l.run(install...).is(1).says("file too large")
			l.clean(l.home)
			for _, target := range []string{".claude/skills/pdf", ".agents/skills/pdf", ".config/skills/skills.lock"} {
				if _, err := os.Lstat(filepath.Join(l.home, target)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: %v, want nothing there", target, err)
				}
			}
			l.wrap = nil
			l.run(install...).is(0)
			l.verified(1, "--user")
		})
	}
}
