package tree

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// onBothPaths runs a test with what the platform has, and with os.Root alone.
func onBothPaths(t *testing.T, test func(t *testing.T, dir string, d *Dir)) {
	t.Helper()
	for _, name := range []string{"guarded calls", "os.Root"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			d, err := OpenDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = d.Close() }()
			if name == "os.Root" {
				d.raw.close()
			}
			test(t, dir, d)
		})
	}
}

func writer1(t *testing.T, d *Dir, name string) Writer {
	t.Helper()
	w, err := d.Writer(name)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func create(w Writer, path, text string) error {
	f, err := w.Create(path, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(text))
	return errors.Join(err, f.Close())
}

// list returns the path of everything below dir, folders with a slash.
func list(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && path != dir {
			path, _ = filepath.Rel(dir, path)
			path = filepath.ToSlash(path)
			if e.IsDir() {
				path += "/"
			}
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWriterStaysBelowItsFolder(t *testing.T) {
	onBothPaths(t, func(t *testing.T, dir string, d *Dir) {
		w, _ := writer1(t, d, "0"), writer1(t, d, "1")
		if err := w.Mkdir("a"); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{
			"", ".", "..", "/", "../x", "../1/x", "../0/x", "../../x", "a/../x", "a/../../1/x", "a/..", "a/.", "./x", "a//x", "a/", "/x",
			filepath.ToSlash(dir) + "/x", "..\x00", "x\x00y", "a/\x00", "\xff", strings.Repeat("../", 100) + "x",
		} {
			for op, err := range map[string]error{"Mkdir": w.Mkdir(path), "Create": create(w, path, "x")} {
				if err == nil {
					t.Errorf("%s(%q) succeeds", op, path)
				} else if !strings.Contains(path, "\x00") && !errors.Is(err, fs.ErrInvalid) {
					t.Errorf("%s(%q) = %v, want ErrInvalid", op, path, err)
				}
			}
		}
		for _, name := range []string{"", ".", "..", "../x", "/x", "0/x", "x/", "a\x00b"} {
			if _, err := d.Writer(name); err == nil {
				t.Errorf("Writer(%q) succeeds", name)
			}
		}
		if got, want := list(t, filepath.Dir(dir)), []string{"new/", "new/0/", "new/0/a/", "new/1/"}; !slices.Equal(got, want) {
			t.Errorf("there is now %q, want %q", got, want)
		}
	})
}

func TestWriterOverwritesNothing(t *testing.T) {
	onBothPaths(t, func(t *testing.T, dir string, d *Dir) {
		w := writer1(t, d, "0")
		if _, err := d.Writer("0"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a tree of the same name: %v", err)
		}
		outside := filepath.Join(filepath.Dir(dir), "outside")
		if err := errors.Join(create(w, "file", "first"), w.Mkdir("folder"), os.WriteFile(outside, []byte("kept"), 0o644)); err != nil {
			t.Fatal(err)
		}
		for name, to := range map[string]string{"link": outside, "dangling": outside + "2", "inner": "file", "loop": "loop"} {
			if err := os.Symlink(to, filepath.Join(dir, "0", name)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Link(outside, filepath.Join(dir, "0", "hard")); err != nil {
			t.Fatal(err)
		}
		before := list(t, filepath.Dir(dir))
		for _, path := range []string{"file", "folder", "link", "dangling", "inner", "loop", "hard"} {
			for op, err := range map[string]error{"Mkdir": w.Mkdir(path), "Create": create(w, path, "second")} {
				if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "0/"+path) {
					t.Errorf("%s(%q) = %v, want ErrExist with the path", op, path, err)
				}
			}
		}
		if after := list(t, filepath.Dir(dir)); !slices.Equal(before, after) {
			t.Errorf("there is now %q, was %q", after, before)
		}
		for path, want := range map[string]string{outside: "kept", filepath.Join(dir, "0", "file"): "first"} {
			if got, err := os.ReadFile(path); err != nil || string(got) != want {
				t.Errorf("%s holds %q, %v", path, got, err)
			}
		}
	})
}

// A link that someone plants where a folder was made must not be followed, even
// if it leads to another tree.
func TestWriterFollowsNoPlantedLink(t *testing.T) {
	onBothPaths(t, func(t *testing.T, dir string, d *Dir) {
		w, _ := writer1(t, d, "0"), writer1(t, d, "1")
		outside := t.TempDir()
		for _, to := range []string{outside, "../1", ".", "..", "../../new/1", "b"} {
			for _, path := range []string{"a", "a/deep"} {
				if err := errors.Join(w.Mkdir("a"), w.Mkdir("b"), w.Mkdir("a/deep")); err != nil {
					t.Fatal(err)
				}
				planted := filepath.Join(dir, "0", filepath.FromSlash(path))
				if err := errors.Join(os.RemoveAll(planted), os.Symlink(to, planted)); err != nil {
					t.Fatal(err)
				}
				before := list(t, dir)
				for op, err := range map[string]error{
					"Create": create(w, path+"/x", "x"), "Mkdir": w.Mkdir(path + "/y"),
					"Create below": create(w, path+"/deep/x", "x"), "Mkdir below": w.Mkdir(path + "/deep/y"),
				} {
					if err == nil || !strings.Contains(err.Error(), "0/"+path) {
						t.Errorf("%s through %s -> %s: %v, want an error that names it", op, path, to, err)
					}
				}
				if after := append(list(t, dir), list(t, outside)...); !slices.Equal(before, after) {
					t.Errorf("%s -> %s: there is now %q, was %q", path, to, after, before)
				}
				if err := errors.Join(os.RemoveAll(filepath.Join(dir, "0", "a")), os.RemoveAll(filepath.Join(dir, "0", "b"))); err != nil {
					t.Fatal(err)
				}
			}
		}
		// The folder of the tree itself.
		if err := errors.Join(os.Remove(filepath.Join(dir, "0")), os.Symlink("1", filepath.Join(dir, "0"))); err != nil {
			t.Fatal(err)
		}
		if create(w, "x", "x") == nil || w.Mkdir("y") == nil {
			t.Error("a link in the place of the tree is followed")
		}
		if got := list(t, filepath.Join(dir, "1")); len(got) > 0 {
			t.Errorf("another tree holds %q", got)
		}
	})
}

// The folder is the one that was opened, wherever its name leads by then.
func TestDirIsNoName(t *testing.T) {
	onBothPaths(t, func(t *testing.T, dir string, d *Dir) {
		moved := dir + "-moved"
		if err := errors.Join(os.Rename(dir, moved), os.Symlink(t.TempDir(), dir)); err != nil {
			t.Fatal(err)
		}
		if err := create(writer1(t, d, "0"), "x", "x"); err != nil {
			t.Fatal(err)
		}
		if got := list(t, moved); !slices.Equal(got, []string{"0/", "0/x"}) {
			t.Errorf("the folder holds %q", got)
		}
	})
}

func TestWriterWrites(t *testing.T) {
	onBothPaths(t, func(t *testing.T, dir string, d *Dir) {
		w := writer1(t, d, "0")
		long := strings.Repeat("é", 120)
		if err := errors.Join(w.Mkdir("a"), w.Mkdir("a/b c"), w.Mkdir("a/b c/"+long)); err != nil {
			t.Fatal(err)
		}
		big := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB in one write
		want := map[string][]byte{"SKILL.md": []byte("x"), "empty": nil, "a/b c/" + long + "/ü.txt": []byte("y"), "a/big": big, "a/pieces": big[:3<<16]}
		for path, data := range want {
			f, err := w.Create(path, 0o644)
			if err != nil {
				t.Fatal(err)
			}
			for chunk := range slices.Chunk(data, max(1, len(data)/2)) {
				if n, err := f.Write(chunk); err != nil || n != len(chunk) {
					t.Fatalf("write %s: %d, %v", path, n, err)
				}
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("closed twice: %v, want ErrClosed", err)
			}
			if _, err := f.Write([]byte("x")); err == nil {
				t.Error("a write after Close succeeds")
			}
		}
		for path, data := range want {
			if got, err := os.ReadFile(filepath.Join(dir, "0", filepath.FromSlash(path))); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s holds %d bytes, %v", path, len(got), err)
			}
		}
		for path, err := range map[string]error{"nowhere/x": create(w, "nowhere/x", "x"), "nowhere/y": w.Mkdir("nowhere/y")} {
			if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "0/nowhere") {
				t.Errorf("%s = %v, want ErrNotExist with the path", path, err)
			}
		}
		if err := create(w, "SKILL.md/x", "x"); err == nil {
			t.Error("a file is taken for a folder")
		}
	})
}

func TestSeveralTreesAtOnce(t *testing.T) {
	onBothPaths(t, func(t *testing.T, dir string, d *Dir) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				name := string(rune('a' + i))
				w, err := d.Writer(name)
				if err != nil {
					t.Error(err)
					return
				}
				for _, sub := range []string{"x", "y", "z"} {
					if err := errors.Join(w.Mkdir(sub), create(w, sub+"/f", name+sub)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for i := range 8 {
			for _, sub := range []string{"x", "y", "z"} {
				name := string(rune('a' + i))
				if got, err := os.ReadFile(filepath.Join(dir, name, sub, "f")); err != nil || string(got) != name+sub {
					t.Errorf("%s/%s/f holds %q, %v", name, sub, got, err)
				}
			}
		}
	})
}

func TestDirAfterClose(t *testing.T) {
	onBothPaths(t, func(t *testing.T, dir string, d *Dir) {
		w := writer1(t, d, "0")
		if err := errors.Join(d.Close(), d.Close()); err != nil {
			t.Errorf("closed twice: %v", err)
		}
		// A file that gets the number of the descriptor must not be taken for the folder.
		other, err := os.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = other.Close() }()
		if w.Mkdir("x") == nil || create(w, "x", "x") == nil {
			t.Error("a closed Dir can be written to")
		}
		if _, err := d.Writer("1"); err == nil {
			t.Error("a closed Dir has a Writer")
		}
		if got := append(list(t, dir), list(t, other.Name())...); !slices.Equal(got, []string{"0/"}) {
			t.Errorf("there is now %q", got)
		}
	})
}

func TestOpenDirOfNone(t *testing.T) {
	if _, err := OpenDir(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenDir = %v, want ErrNotExist", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDir(file); err == nil {
		t.Error("OpenDir of a file succeeds")
	}
}

func BenchmarkCreate(b *testing.B) {
	for _, name := range []string{"guarded calls", "os.Root"} {
		b.Run(name, func(b *testing.B) {
			d, err := OpenDir(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = d.Close() }()
			if name == "os.Root" {
				d.raw.close()
			}
			w, err := d.Writer("0")
			if err == nil {
				err = w.Mkdir("a")
			}
			if err != nil {
				b.Fatal(err)
			}
			data := bytes.Repeat([]byte("x"), 4000)
			b.ReportAllocs()
			for b.Loop() {
				f, err := w.Create("a/f", 0o644)
				if err != nil {
					b.Fatal(err)
				}
				_, err = f.Write(data)
				if err := errors.Join(err, f.Close(), d.root.Remove("0/a/f")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
