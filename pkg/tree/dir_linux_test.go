package tree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/openskills-go/skills/pkg/internal/unprivileged"
)

// The umask belongs to the process: no test of this package runs in parallel.
func TestWriterLeavesTheUmaskIn(t *testing.T) {
	for umask, want := range map[int][3]fs.FileMode{
		0o000: {0o644, 0o755, 0o755},
		0o022: {0o644, 0o755, 0o755},
		0o027: {0o640, 0o750, 0o750},
		0o077: {0o600, 0o700, 0o700},
	} {
		onBothPaths(t, func(t *testing.T, dir string, d *Dir) {
			old := unix.Umask(umask)
			defer unix.Umask(old)
			w := writer1(t, d, "0")
			for path, mode := range map[string]fs.FileMode{"plain": 0o644, "program": 0o755, "setuid": 0o755 | fs.ModeSetuid | fs.ModeSticky} {
				f, err := w.Create(path, mode)
				if err != nil {
					t.Fatal(err)
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Mkdir("folder"); err != nil {
				t.Fatal(err)
			}
			for path, want := range map[string]fs.FileMode{
				"0/plain": want[0], "0/program": want[1], "0/setuid": want[1], "0": want[2] | fs.ModeDir, "0/folder": want[2] | fs.ModeDir,
			} {
				info, err := os.Lstat(filepath.Join(dir, path))
				if err != nil || info.Mode() != want {
					t.Errorf("umask %03o: %s has mode %v, want %v (%v)", umask, path, info.Mode(), want, err)
				}
			}
		})
	}
}

func TestWriterInAFolderOfOthers(t *testing.T) {
	onBothPaths(t, func(t *testing.T, dir string, d *Dir) {
		w := writer1(t, d, "0")
		path := filepath.Join(dir, "0")
		if err := os.Chmod(path, 0o500); err != nil {
			t.Fatal(err)
		}
		err := unprivileged.Run(func() {
			for op, err := range map[string]error{"Mkdir": w.Mkdir("x"), "Create": create(w, "x", "x")} {
				if !errors.Is(err, fs.ErrPermission) {
					t.Errorf("%s = %v, want ErrPermission", op, err)
				}
			}
		})
		if err := errors.Join(err, os.Chmod(path, 0o700)); err != nil {
			t.Fatal(err)
		}
	})
}

// A full disk is an error of the write, and names the file.
func TestWriteToAFullDevice(t *testing.T) {
	fd, err := unix.Open("/dev/full", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := &rawFile{fd: fd, path: "0/SKILL.md"}
	_, err = f.Write([]byte("x"))
	var at *fs.PathError
	if !errors.Is(err, unix.ENOSPC) || !errors.As(err, &at) || at.Path != "0/SKILL.md" {
		t.Errorf("Write = %v, want ENOSPC and the path", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
