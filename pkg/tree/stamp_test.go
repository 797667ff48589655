package tree

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// stampedFile writes a file below the folder 0 of d.
func stampedFile(t *testing.T, d *Dir, text string) Stamp {
	t.Helper()
	f, err := writer1(t, d, "0").Create("f", 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	stamp := StampOf(f)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if StampOf(f) != (Stamp{}) {
		t.Error("a closed file has a stamp")
	}
	return stamp
}

func TestStamp(t *testing.T) {
	onBothPaths(t, func(t *testing.T, dir string, d *Dir) {
		path := filepath.Join(dir, "0", "f")
		stamp := stampedFile(t, d, "text")
		known := runtime.GOOS == "linux" && d.raw != rawDir{}
		if stamp.At(path) != known {
			t.Fatalf("At = %v, want %v", !known, known)
		}
		moved := filepath.Join(filepath.Dir(dir), "moved")
		if err := os.Rename(filepath.Join(dir, "0"), moved); err != nil {
			t.Fatal(err)
		}
		if stamp.At(path) || stamp.At(filepath.Join(moved, "f")) != known {
			t.Error("it did not move with its folder")
		}
	})
}

// Whatever is not that file as it was, At must not take for it.
func TestStampOfWhatChanged(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"bytes": func(path string) error { return os.WriteFile(path, []byte("TEXT"), 0o644) },
		"bytes, with the old time": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte("TEXT"), 0o644); err != nil {
				return err
			}
			return os.Chtimes(path, info.ModTime(), info.ModTime())
		},
		"longer": func(path string) error { return os.WriteFile(path, []byte("longer"), 0o644) },
		"a copy": func(path string) error {
			if err := os.WriteFile(path+"2", []byte("text"), 0o644); err != nil {
				return err
			}
			return os.Rename(path+"2", path)
		},
		"a link to it": func(path string) error {
			if err := os.Rename(path, path+"2"); err != nil {
				return err
			}
			return os.Symlink("f2", path)
		},
		"a folder": func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o755)
		},
		"nothing": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			onBothPaths(t, func(t *testing.T, dir string, d *Dir) {
				stamp := stampedFile(t, d, "text")
				path := filepath.Join(dir, "0", "f")
				// The kernel's clock may stand still for some milliseconds.
				for began := time.Now(); stampAt(touch(t, dir)).changed == stamp.changed; {
					if time.Since(began) > time.Minute {
						t.Fatal("the clock of the file system stands still")
					}
				}
				if err := change(path); err != nil {
					t.Fatal(err)
				}
				if stamp.At(path) {
					t.Error("it is taken for the file that was written")
				}
			})
		})
	}
	if (Stamp{}).At(filepath.Join(t.TempDir(), "missing")) {
		t.Error("no file is at a path")
	}
}

// touch changes a file of its own in dir.
func touch(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "clock")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	return path
}
