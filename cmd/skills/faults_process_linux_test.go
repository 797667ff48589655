package main_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// testHome runs the program with homes of every kind.
func testHome(t *testing.T, program string) {
	install := func(s *scene, scope ...string) outcome {
		s.t.Helper()
		return s.run(append([]string{"install", "pdf", "--registry", s.registry}, scope...)...)
	}
	for name, home := range map[string]string{"unset": "", "relative": "HOME=home", "empty": "HOME="} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, program)
			s.publish("pdf", "1.0.0")
			s.env = s.env[1:]
			if home != "" {
				s.env = append(s.env, home)
			}
			install(s, "--user").is(2).says("HOME")
			if left := s.contents(s.cwd) + s.contents(s.home); strings.Count(left, "\n") != 2 {
				t.Errorf("something was written:\n%s", left)
			}
			install(s, "--dir", "try").is(0)
			s.verified(1, "--dir", "try")
			if left := s.contents(s.home); strings.Count(left, "\n") != 1 {
				t.Errorf("something was written to a home that is none:\n%s", left)
			}
		})
	}
	for name, path := range map[string]string{"missing": "not/there/yet", "spaces and Unicode": "a b/ü 家/-x", "newline": "a\nb"} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, program)
			s.publish("pdf", "1.0.0")
			s.home = filepath.Join(s.home, path)
			s.env[0] = "HOME=" + s.home
			install(s, "--user", "--agent", "claude").is(0)
			s.verified(1, "--user")
			if s.contents(filepath.Join(s.home, ".claude", "skills", "pdf")) == "" {
				t.Error("nothing is installed")
			}
		})
	}
	t.Run("file", func(t *testing.T) {
		s := newScene(t, program)
		s.publish("pdf", "1.0.0")
		s.home = filepath.Join(s.home, "file")
		s.write(s.home, "mine")
		s.env[0] = "HOME=" + s.home
		install(s, "--user", "--agent", "claude").is(1).says("not a directory")
	})
	t.Run("read-only", func(t *testing.T) {
		s := newScene(t, program)
		s.publish("pdf", "1.0.0")
		s.unprivileged()
		s.check(os.Chmod(s.home, 0o555))
		before := s.marks(s.home)
		install(s, "--user", "--agent", "claude").is(1).says("permission denied")
		s.check(os.Chmod(s.cwd, 0o777))
		install(s, "--dir", "try").is(0)
		s.run("verify", "--dir", "try").is(0)
		if s.marks(s.home) != before {
			t.Error("a read-only home was changed")
		}
	})
	t.Run("parent not writable", func(t *testing.T) {
		s := newScene(t, program)
		s.publish("pdf", "1.0.0")
		s.unprivileged()
		parent := filepath.Join(s.cwd, "shared")
		s.check(os.MkdirAll(filepath.Join(parent, "try"), 0o777))
		s.check(os.Chmod(filepath.Join(parent, "try"), 0o777))
		s.check(os.Chmod(parent, 0o711)) // it may be passed, and neither listed nor written
		install(s, "--dir", "shared/try").is(0)
		s.run("verify", "--dir", "shared/try").is(0)
		s.clean(parent)
	})
}

// unprivileged makes s run as a user whom permissions mean something to.
func (s *scene) unprivileged() {
	s.t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	s.user = &syscall.Credential{Uid: nobody, Gid: nobody}
	s.check(os.Chown(s.home, nobody, nobody))
}

// testProcess runs the program with limits, streams and masks of every kind.
func testProcess(t *testing.T, program string) {
	prlimit, err := exec.LookPath("prlimit")
	if err != nil {
		t.Fatalf("the test needs prlimit: %v", err)
	}
	t.Run("few files", func(t *testing.T) {
		s := newScene(t, program)
		args := []string{"install", "--registry", s.registry, "--user", "--agent", "claude,codex,cursor,windsurf"}
		for i := range crowd {
			slug := "skill-" + strconv.Itoa(i)
			s.publish(slug, "1.0.0")
			args = append(args, slug)
		}
		s.wrap = []string{prlimit, "--nofile=64:64", "--"}
		s.run(args...).is(0)
		s.run("update", "--user").is(0)
		s.verified(crowd, "--user")
	})
	t.Run("stdin closed", func(t *testing.T) {
		s := newScene(t, program)
		s.publish("pdf", "1.0.0")
		s.wrap = []string{"/bin/sh", "-c", `exec "$0" "$@" <&-`}
		s.run("install", "pdf", "--registry", s.registry, "--dir", "try").is(0)
		s.wrap = nil
		s.verified(1, "--dir", "try")
	})
	t.Run("stdout full", func(t *testing.T) {
		s := newScene(t, program)
		s.publish("pdf", "1.0.0")
		for _, args := range [][]string{
			{"install", "pdf", "--registry", s.registry, "--dir", "try"}, {"list", "--dir", "try"}, {"list", "--dir", "try", "--json"},
			{"verify", "pdf", "--dir", "try"}, {"version"}, {"help"},
		} {
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			s.check(err)
			cmd := s.command(args...)
			cmd.Stdout = full
			s.finish(cmd, args).is(1).says("no space left on device")
			s.check(full.Close())
		}
		s.verified(1, "--dir", "try")
	})
	t.Run("stdout closed", func(t *testing.T) {
		// The first file that is opened would be the standard output of a program
		// that did not see to it.
		s := newScene(t, program)
		s.publish("pdf", "1.0.0")
		s.wrap = []string{"/bin/sh", "-c", `exec "$0" "$@" >&- 2>&-`}
		s.run("install", "pdf", "--registry", s.registry, "--dir", "try")
		s.wrap = nil
		s.run("install", "pdf", "--registry", s.registry, "--dir", "try").is(0)
		s.verified(1, "--dir", "try")
	})
	for _, mask := range []string{"000", "077"} {
		t.Run("umask "+mask, func(t *testing.T) {
			s := newScene(t, program)
			s.publish("pdf", "1.0.0")
			s.wrap = []string{"/bin/sh", "-c", `umask ` + mask + ` && exec "$0" "$@"`}
			s.run("install", "pdf", "--registry", s.registry, "--user", "--agent", "claude").is(0)
			s.write(filepath.Join(s.home, ".claude", "skills", "pdf", "SKILL.md"), "mine")
			s.run("update", "--user", "--on-edit=overwrite").is(0)
			s.verified(1, "--user")
			widest := map[bool]string{true: "drwxr-xr-x", false: "-rwxr-xr-x"}
			if mask == "077" {
				widest = map[bool]string{true: "drwx------", false: "-rwx------"}
			}
			for _, line := range strings.Split(strings.TrimSpace(s.contents(s.home)), "\n")[1:] {
				path, rest, _ := strings.Cut(line, " ")
				mode, _, _ := strings.Cut(rest, " ")
				for i, bit := range widest[mode[0] == 'd'] {
					if bit == '-' && mode[i] != '-' {
						t.Errorf("%s is %s, wider than %s", path, mode, widest[mode[0] == 'd'])
					}
				}
			}
		})
	}
}

// testInterrupt sends the signal of Ctrl-C during a download that stalls.
func testInterrupt(t *testing.T, program string) {
	for _, signal := range []syscall.Signal{unix.SIGINT, unix.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			s := newScene(t, program)
			begun, end := make(chan struct{}), make(chan struct{})
			stalling := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "1000000")
				_, _ = w.Write([]byte("PK\x03\x04" + strings.Repeat("x", 400_000)))
				_ = http.NewResponseController(w).Flush()
				select {
				case begun <- struct{}{}:
				case <-end:
				}
				select {
				case <-r.Context().Done():
				case <-end:
				}
			}))
			t.Cleanup(stalling.Close)
			t.Cleanup(func() { close(end) })
			cmd := s.command("install", "pdf", "--registry", stalling.URL, "--user", "--agent", "claude")
			var errs strings.Builder
			cmd.Stderr = &errs
			s.check(cmd.Start())
			<-begun
			sent := time.Now()
			s.check(cmd.Process.Signal(signal))
			_ = cmd.Wait()
			if took := time.Since(sent); took > 2*time.Second {
				t.Errorf("it took %s to stop", took)
			}
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("exit code %d, want 130\n%s", code, errs.String())
			}
			s.clean(s.home)
			for _, dir := range []string{".claude", ".config"} {
				if left := s.contents(filepath.Join(s.home, dir)); left != "" {
					t.Errorf("left behind in %s:\n%s", dir, left)
				}
			}
		})
	}
}
