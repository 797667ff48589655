package tree_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/internal/unprivileged"
	"github.com/openskills-go/skills/pkg/tree"
)

// Reading a fifo would wait for a writer, who never comes.
func TestSpecialFilesAreNoFiles(t *testing.T) {
	dir := write(t, map[string]string{"SKILL.md": "x"})
	seen := map[digest.Digest]string{scan(t, dir).Digest(): "nothing"}
	place := filepath.Join(dir, "s")
	for name, make := range map[string]func() error{
		"fifo":   func() error { return unix.Mkfifo(place, 0o644) },
		"socket": func() error { return listen(t, place) },
	} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
		got := scan(t, dir)
		if !slices.Equal(paths(got), []string{"SKILL.md", "s"}) {
			t.Errorf("%s: files %q", name, paths(got))
		}
		if other, ok := seen[got.Digest()]; ok {
			t.Errorf("%s: the tree equals that with %s", name, other)
		}
		seen[got.Digest()] = name
		if _, err := tree.SumFile(place, 0); err == nil {
			t.Errorf("%s: SumFile takes it for an empty file", name)
		}
		if _, err := tree.Scan(t.Context(), place); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s as the folder: %v", name, err)
		}
		if err := os.Remove(place); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tree.SumFile("/dev/zero", 0); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("SumFile of a device: %v", err)
	}
	devices := scan(t, filepath.Dir(aDevice(t)))
	f, ok := devices.Lookup("null")
	if !ok || f.Mode&fs.ModeDevice == 0 || f.Size != 0 {
		t.Errorf("a device is %+v, %v", f, ok)
	}
}

// aDevice returns the path of a device in a folder that can be scanned: one made
// for the test or, where that is not allowed, that of the system.
func aDevice(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "null")
	if err := unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))); err != nil {
		return "/dev/null"
	}
	return path
}

func listen(t *testing.T, path string) error {
	t.Helper()
	t.Chdir(filepath.Dir(path)) // names of sockets are short
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Base(path))
	if err == nil {
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		t.Cleanup(func() { _ = l.Close() })
	}
	return err
}

// What cannot be read is an error and not a smaller tree.
func TestScanOfWhatCannotBeRead(t *testing.T) {
	for name, mode := range map[string]struct {
		path string
		mode fs.FileMode
	}{
		"file":             {"a/f", 0o000},
		"folder":           {"a", 0o000},
		"listing only":     {"a", 0o400},
		"no listing":       {"a", 0o100},
		"the folder":       {".", 0o000},
		"execute, no read": {"a/f", 0o111},
	} {
		dir := write(t, map[string]string{"SKILL.md": "x", "a/f": "y"})
		path := filepath.Join(dir, mode.path)
		if err := os.Chmod(path, mode.mode); err != nil {
			t.Fatal(err)
		}
		err := unprivileged.Run(func() {
			_, err := tree.Scan(t.Context(), dir)
			if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %v, want ErrPermission for %s", name, err, path)
			}
		})
		if err := errors.Join(err, os.Chmod(path, 0o700)); err != nil {
			t.Fatal(err)
		}
	}
}
