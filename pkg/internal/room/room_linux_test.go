package room

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/openskills-go/skills/pkg/internal/unprivileged"
)

// What could not be removed is found again, by its owner and no other.
func TestCloseThatFails(t *testing.T) {
	parent := t.TempDir()
	r := open(t, parent, "me")
	locked := r.Dir
	if err := errors.Join(os.MkdirAll(filepath.Join(locked, "new"), 0o700), os.Chmod(locked, 0o500)); err != nil {
		t.Fatal(err)
	}
	err := unprivileged.Run(func() {
		if err := r.Close(); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Close = %v, want ErrPermission", err)
		}
	})
	if err := errors.Join(err, os.Chmod(locked, 0o700)); err != nil {
		t.Fatal(err)
	}
	if got := dead(t, parent, "someone"); got != nil {
		t.Errorf("dead for someone else: %q", got)
	}
	if got := dead(t, parent, "me"); !slices.Equal(got, []string{r.Dir}) {
		t.Errorf("dead are %q, want %q", got, r.Dir)
	}
}

// A person may make a skill read-only. It then cannot be in the way of what comes
// after it for ever.
func TestReadOnlyFoldersAreRemoved(t *testing.T) {
	for _, mode := range []fs.FileMode{0o500, 0o000} {
		parent := t.TempDir()
		r := open(t, parent, "me")
		locked := filepath.Join(r.Dir, "old", "0", "locked")
		err := errors.Join(os.MkdirAll(filepath.Join(locked, "a"), 0o700), os.Chmod(filepath.Join(locked, "a"), mode), os.Chmod(locked, mode))
		if err != nil {
			t.Fatal(err)
		}
		err = unprivileged.Run(func() {
			if err := r.Close(); err != nil {
				t.Errorf("%o: %v", mode, err)
			}
		})
		if _, there := os.Lstat(r.Dir); err != nil || there == nil {
			t.Errorf("%o: %v, and what is left: %v", mode, err, there)
		}
	}
}

func TestDeadWhereOneMayNotLook(t *testing.T) {
	parent := t.TempDir()
	open(t, parent, "me").die(t)
	if err := os.Chmod(parent, 0o300); err != nil {
		t.Fatal(err)
	}
	err := unprivileged.Run(func() {
		if got, err := Dead(parent, prefix, "me"); got != nil || err != nil {
			t.Errorf("Dead = %q, %v; want none", got, err)
		}
	})
	if err := errors.Join(err, os.Chmod(parent, 0o700)); err != nil {
		t.Fatal(err)
	}
}

// A process that is killed has no time to say so.
func TestTheKernelTellsTheDead(t *testing.T) {
	parent := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHoldsARoom$")
	cmd.Env = append(os.Environ(), "ROOM_TEST_PARENT="+parent)
	out, err := cmd.StdoutPipe()
	if err == nil {
		_, err = cmd.StdinPipe() // never written to
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if got := names(t, parent); len(got) != 1 {
		t.Errorf("there is %q, want one room", got)
	}
	if got := dead(t, parent, "me"); got != nil {
		t.Errorf("while it lives, dead are %q", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if got := dead(t, parent, "me"); len(got) != 1 {
		t.Errorf("when it is killed, dead are %q", got)
	}
}

// TestHoldsARoom is the process of TestTheKernelTellsTheDead.
func TestHoldsARoom(t *testing.T) {
	parent := os.Getenv("ROOM_TEST_PARENT")
	if parent == "" {
		return
	}
	open(t, parent, "me")
	_, _ = os.Stdout.WriteString("x")
	_, _ = os.Stdin.Read(make([]byte, 1))
}
