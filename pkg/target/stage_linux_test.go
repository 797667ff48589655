package target

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/openskills-go/skills/pkg/internal/unprivileged"
)

// child runs one test of this binary in another process, with a folder.
func child(t *testing.T, test, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), "TARGET_TEST_DIR="+dir)
	return cmd
}

// Staged inside the root is only what cannot be staged beside it.
func TestStagedWithinWhereOneMayNotWriteBeside(t *testing.T) {
	dir := real(t)
	r := rootAt(t, mkdir(t, dir, "home", "skills"))
	home := filepath.Dir(r.Real)
	for mode, within := range map[fs.FileMode]bool{0o500: true, 0o100: true, 0o300: false, 0o700: false} {
		if err := os.Chmod(home, mode); err != nil {
			t.Fatal(err)
		}
		err := unprivileged.Run(func() {
			s := openStage(t, r)
			if got := filepath.Dir(s.Dir()) == r.Real; got != within {
				t.Errorf("mode %03o: staged in %s", mode, filepath.Dir(s.Dir()))
			}
			put(t, filepath.Join(r.Path("pdf"), "f"), "old")
			err := Swap(stage(t, s, "0", "new"), r.Path("pdf"))
			if _, lerr := Leftovers(r, owner); err != nil || lerr != nil {
				t.Errorf("mode %03o: Swap = %v, Leftovers = %v", mode, err, lerr)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(map[string]string{"pdf": "/", "pdf/SKILL.md": "new"}, list(t, r.Real)); diff != "" {
				t.Errorf("mode %03o (-want +got):\n%s", mode, diff)
			}
		})
		if err := errors.Join(err, os.Chmod(home, 0o700), os.RemoveAll(r.Path("pdf"))); err != nil {
			t.Fatal(err)
		}
	}
}

// Neither beside nor within: the error is about the root, and nothing is left.
func TestStagedNowhere(t *testing.T) {
	dir := real(t)
	r := rootAt(t, mkdir(t, dir, "home", "skills"))
	for _, path := range []string{r.Real, filepath.Dir(r.Real)} {
		if err := os.Chmod(path, 0o500); err != nil {
			t.Fatal(err)
		}
	}
	err := unprivileged.Run(func() {
		if _, err := Open(r, owner); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), r.Dir) {
			t.Errorf("Open = %v, want ErrPermission for %s", err, r.Dir)
		}
	})
	if err := errors.Join(err, os.Chmod(filepath.Dir(r.Real), 0o700), os.Chmod(r.Real, 0o700)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"home": "/", "home/skills": "/"}, list(t, dir)); diff != "" {
		t.Errorf("something is left:\n%s", diff)
	}
}

func TestSameMount(t *testing.T) {
	dir := real(t)
	if !sameMount(dir, mkdir(t, dir, "a", "b")) {
		t.Error("two folders on one mount are apart")
	}
	if sameMount("/", "/proc") || sameMount("/proc", dir) {
		t.Error("two file systems are one")
	}
	if !sameMount(dir, filepath.Join(dir, "missing")) {
		t.Error("what is not there cannot be told, and the folder beside is to be tried")
	}
}

// A root that a container mounts from the file system of its parent has the same
// device number, and no rename leads into it.
func TestStagedWithinAMountPoint(t *testing.T) {
	if dir := os.Getenv("TARGET_TEST_DIR"); dir != "" { // in a mount namespace of its own
		placeInMountPoint(t, dir)
		return
	}
	dir := real(t)
	mkdir(t, dir, "home", "skills")
	mkdir(t, dir, "elsewhere")
	cmd := child(t, "TestStagedWithinAMountPoint", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWNS | unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EINVAL) {
		t.Logf("namespaces are not to be had here: %v", err)
		return
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func placeInMountPoint(t *testing.T, dir string) {
	root := filepath.Join(dir, "home", "skills")
	if err := unix.Mount(filepath.Join(dir, "elsewhere"), root, "", unix.MS_BIND, ""); err != nil {
		t.Logf("mounts are not to be had here: %v", err)
		return
	}
	r := rootAt(t, root)
	s := openStage(t, r)
	if filepath.Dir(s.Dir()) != r.Real {
		t.Errorf("staged in %s", filepath.Dir(s.Dir()))
	}
	if err := Swap(stage(t, s, "0", "new"), r.Path("pdf")); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]string{"pdf": "/", "pdf/SKILL.md": "new"}, list(t, r.Real)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a killed process left is found by its owner alone, and what it had not
// put in place yet can be.
func TestLeftoversOfTheDead(t *testing.T) {
	if dir := os.Getenv("TARGET_TEST_DIR"); dir != "" {
		s := openStage(t, rootAt(t, dir))
		stage(t, s, "0", "new")
		_, _ = os.Stdout.WriteString("x")
		_, _ = os.Stdin.Read(make([]byte, 1))
		return
	}
	r := rootAt(t, filepath.Join(real(t), "home", "skills"))
	cmd := child(t, "TestLeftoversOfTheDead", r.Real)
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
	if got, err := Leftovers(r, owner); len(got) > 0 || err != nil {
		t.Errorf("while it lives: %q, %v", got, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if got, err := Leftovers(r, owner+"x"); len(got) > 0 || err != nil {
		t.Errorf("for another owner: %q, %v", got, err)
	}
	got, err := Leftovers(r, owner)
	if len(got) != 1 || err != nil || filepath.Dir(got[0]) != filepath.Dir(r.Real) {
		t.Fatalf("when it is killed: %q, %v", got, err)
	}
	if err := Swap(filepath.Join(got[0], "new", "0"), r.Path("pdf")); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := Sweep(got[0], owner); err != nil {
			t.Error(err)
		}
	}
	want := map[string]string{"skills": "/", "skills/pdf": "/", "skills/pdf/SKILL.md": "new"}
	if diff := cmp.Diff(want, list(t, filepath.Dir(r.Real))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Reading a fifo would wait for a writer. A folder that cannot be saved whole
// has no backup, and so is not overwritten.
func TestBackupOfWhatCannotBeCopied(t *testing.T) {
	dir := real(t)
	mkdir(t, dir, "skill")
	put(t, filepath.Join(dir, "skill", "a"), "x")
	if err := errors.Join(unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644), unix.Mkfifo(filepath.Join(dir, "skill", "b"), 0o644)); err != nil {
		t.Fatal(err)
	}
	backups := filepath.Join(dir, "backups")
	for _, name := range []string{"fifo", "skill"} {
		path := filepath.Join(dir, name)
		if to, err := Backup(path, backups); to != "" || !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %q, %v; want ErrInvalid", name, to, err)
		}
	}
	put(t, filepath.Join(dir, "secret", "f"), "x")
	if err := os.Chmod(filepath.Join(dir, "secret", "f"), 0); err != nil {
		t.Fatal(err)
	}
	err := unprivileged.Run(func() {
		if to, err := Backup(filepath.Join(dir, "secret"), backups); to != "" || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("what cannot be read: %q, %v; want ErrPermission", to, err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := list(t, backups); len(got) > 0 {
		t.Errorf("there is %v", got)
	}
}
