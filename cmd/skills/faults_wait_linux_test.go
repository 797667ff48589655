package main_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
)

// testWaiting has this process hold a scope that the program wants.
func testWaiting(t *testing.T, program string) {
	for name, released := range map[string]bool{"released": true, "interrupted": false} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, program)
			s.publish("pdf", "1.0.0")
			root := filepath.Join(s.cwd, "try")
			s.check(os.Mkdir(root, 0o755))
			l := flock.New(root, flock.SetFlag(os.O_RDONLY))
			if ok, err := l.TryLock(); !ok {
				t.Fatalf("lock: %v", err)
			}
			t.Cleanup(func() { _ = l.Close() })

			cmd := s.command("install", "pdf", "--registry", s.registry, "--dir", "try")
			talk, err := cmd.StderrPipe()
			s.check(err)
			s.check(cmd.Start())
			waiting := fmt.Sprintf("waiting for another skills (process %d: %s) to finish in %s", os.Getpid(), filepath.Base(os.Args[0]), root)
			var said strings.Builder
			times := 0
			var sent time.Time
			for lines := bufio.NewScanner(talk); lines.Scan(); {
				said.WriteString(lines.Text() + "\n")
				if !strings.Contains(lines.Text(), waiting) {
					continue
				}
				times++
				sent = time.Now()
				if released {
					s.check(l.Close())
				} else {
					s.check(cmd.Process.Signal(unix.SIGINT))
				}
			}
			_ = cmd.Wait()
			if times != 1 {
				t.Errorf("it is told %d times that %q:\n%s", times, waiting, said.String())
			}
			want := 0
			if !released {
				want = 130
			}
			if code := cmd.ProcessState.ExitCode(); code != want {
				t.Errorf("exit code %d, want %d\n%s", code, want, said.String())
			}
			if took := time.Since(sent); !released && took > 2*time.Second {
				t.Errorf("it took %s to stop", took)
			}
			s.clean(s.home, s.cwd)
			if released {
				s.verified(1, "--dir", "try")
			} else if left := s.contents(root); strings.Count(left, "\n") != 1 {
				t.Errorf("something was written:\n%s", left)
			}
		})
	}
}
