package gitmerge

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A repo is a real git repository in a folder of the test.
type repo struct {
	t    *testing.T
	dir  string
	home string
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	r := &repo{t: t, dir: filepath.Join(t.TempDir(), "a [b] c"), home: t.TempDir()}
	if err := os.Mkdir(r.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	r.git("init", "-q", "-b", "main")
	return r
}

func (r *repo) run(args ...string) ([]byte, error) {
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir = r.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.home, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x@example.com", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x@example.com",
	}
	return cmd.Output()
}

func (r *repo) git(args ...string) []byte {
	r.t.Helper()
	out, err := r.run(args...)
	if err != nil {
		r.t.Fatalf("git %s: %v", strings.Join(args, " "), err)
	}
	return out
}

func (r *repo) commit(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
		r.t.Fatal(err)
	}
	r.git("add", ".")
	r.git("commit", "-q", "-m", "x")
}

// text is large enough that a pack keeps the difference, and its lines are no
// others'.
func text(change string) string {
	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, "%d %d\n", i, i*i*7919%10007)
		if i == 1000 {
			b.WriteString(change + "\n")
		}
	}
	return b.String()
}

// conflict makes two branches that change one line of sub/f.
func (r *repo) conflict() {
	r.t.Helper()
	r.commit("sub/f", text("base"))
	r.commit("sub/e", "before it")
	r.commit("sub/g", "behind it")
	r.git("checkout", "-q", "-b", "feature")
	r.commit("sub/f", text("theirs"))
	r.git("checkout", "-q", "main")
	r.commit("sub/f", text("ours"))
}

// check compares what is read with what git says.
func (r *repo) check(name string) {
	r.t.Helper()
	got, err := Read(filepath.Join(r.dir, name))
	if err != nil {
		r.t.Fatal(err)
	}
	for i, side := range [][]byte{got.Base, got.Ours, got.Theirs} {
		want, err := r.run("show", fmt.Sprintf(":%d:%s", i+1, name))
		if err != nil && i > 0 {
			r.t.Fatal(err)
		}
		if !bytes.Equal(side, want) {
			r.t.Errorf("stage %d is %.40q, want %.40q", i+1, side, want)
		}
	}
}

func TestRead(t *testing.T) {
	for _, version := range []string{"2", "3", "4"} {
		t.Run("index version "+version, func(t *testing.T) {
			r := newRepo(t)
			r.conflict()
			if _, err := r.run("merge", "-q", "feature"); err == nil {
				t.Fatal("there is no conflict")
			}
			if version == "3" {
				r.write("later")
				r.git("add", "--intent-to-add", "later") // needs the flags of version 3
			} else {
				r.git("update-index", "--index-version", version)
			}
			r.check("sub/f")
			r.git("repack", "-q", "-a", "-d")
			packs, err := filepath.Glob(filepath.Join(escape(r.dir), ".git/objects/pack/*.idx"))
			if err != nil || len(packs) != 1 {
				t.Fatalf("packs are %v, %v", packs, err)
			}
			if !bytes.Contains(r.git("verify-pack", "-v", packs[0]), []byte("chain length = 1: ")) {
				t.Fatal("the pack has no differences: this test proves less")
			}
			r.check("sub/f")
		})
	}
}

func (r *repo) write(name string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte("x"), 0o666); err != nil {
		r.t.Fatal(err)
	}
}

func TestReadRebase(t *testing.T) {
	r := newRepo(t)
	r.conflict()
	if _, err := r.run("rebase", "-q", "feature"); err == nil {
		t.Fatal("there is no conflict")
	}
	r.check("sub/f")
}

func TestReadBothAdded(t *testing.T) {
	r := newRepo(t)
	r.commit("x", "x")
	r.git("checkout", "-q", "-b", "feature")
	r.commit("f", "theirs")
	r.git("checkout", "-q", "main")
	r.commit("f", "ours")
	if _, err := r.run("merge", "-q", "feature"); err == nil {
		t.Fatal("there is no conflict")
	}
	r.check("f")
	got, err := Read(filepath.Join(r.dir, "f"))
	if err != nil || got.Base != nil {
		t.Errorf("there is a base: %q, %v", got.Base, err)
	}
}

// A worktree has its index elsewhere, and a clone may have its objects elsewhere.
func TestReadElsewhere(t *testing.T) {
	r := newRepo(t)
	r.conflict()
	r.git("worktree", "add", "-q", "-b", "third", filepath.Join(r.home, "tree"), "main")
	tree := &repo{t: t, dir: filepath.Join(r.home, "tree"), home: r.home}
	if _, err := tree.run("merge", "-q", "feature"); err == nil {
		t.Fatal("there is no conflict")
	}
	tree.check("sub/f")

	r.git("clone", "-q", "--shared", "-b", "main", r.dir, filepath.Join(r.home, "clone"))
	clone := &repo{t: t, dir: filepath.Join(r.home, "clone"), home: r.home}
	if _, err := clone.run("merge", "-q", "origin/feature"); err == nil {
		t.Fatal("there is no conflict")
	}
	clone.check("sub/f")
}

func TestReadNone(t *testing.T) {
	r := newRepo(t)
	r.conflict()
	for name, path := range map[string]string{
		"merged":            filepath.Join(r.dir, "sub/f"),
		"not there":         filepath.Join(r.dir, "nosuch"),
		"no such folder":    filepath.Join(r.dir, "nosuch/f"),
		"in no repository":  filepath.Join(r.home, "f"),
		"in the repository": filepath.Join(r.dir, ".git/index"),
	} {
		if _, err := Read(path); !errors.Is(err, ErrNone) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Whatever is damaged: the sides are right, or there are none.
func TestDamaged(t *testing.T) {
	r := newRepo(t)
	r.conflict()
	r.git("repack", "-q", "-a", "-d")
	if _, err := r.run("merge", "-q", "feature"); err == nil {
		t.Fatal("there is no conflict")
	}
	path := filepath.Join(r.dir, "sub/f")
	want, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	packs, err := filepath.Glob(filepath.Join(escape(r.dir), ".git/objects/pack/*"))
	if err != nil || len(packs) < 2 {
		t.Fatalf("there is no pack: %v", err)
	}
	for _, file := range append(packs, filepath.Join(r.dir, ".git/index")) {
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, 0o666); err != nil {
			t.Fatal(err)
		}
		step := max(1, len(whole)/40)
		for i := 0; i < len(whole); i += step {
			damaged := bytes.Clone(whole)
			damaged[i] ^= 0x55
			if i%2 == 0 {
				damaged = whole[:i]
			}
			if err := os.WriteFile(file, damaged, 0o666); err != nil {
				t.Fatal(err)
			}
			got, err := Read(path)
			if err != nil {
				if !errors.Is(err, ErrNone) {
					t.Fatalf("%s, byte %d: %v", file, i, err)
				}
				continue
			}
			if !bytes.Equal(got.Ours, want.Ours) || !bytes.Equal(got.Theirs, want.Theirs) || got.Base != nil && !bytes.Equal(got.Base, want.Base) {
				t.Fatalf("%s, byte %d: other sides", file, i)
			}
		}
		if err := os.WriteFile(file, whole, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzStages(f *testing.F) {
	f.Add([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x01" + strings.Repeat("x", 60) + "\x30\x01f\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("DIRC\x00\x00\x00\x04\x00\x00\x00\x01" + strings.Repeat("x", 60) + "\x20\x01\x00f\x00"))
	f.Add([]byte("DIRC\x00\x00\x00\x03\xff\xff\xff\xff" + strings.Repeat("x", 60) + "\x60\x01"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = stagesOf(data, "f") })
}

func FuzzApply(f *testing.F) {
	f.Add([]byte("base"), []byte("\x04\x06\x02zz\x90\x04"))
	f.Add([]byte(""), []byte("\x00\x01\x01z"))
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		if out, err := apply(base, delta); err == nil && len(out) > maxBlob {
			t.Fatal("larger than allowed")
		}
		_, _, _ = header(delta)
		_, _ = offset(delta)
	})
}
