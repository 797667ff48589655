package main_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFaults runs the program, built as for a release, while everything around
// it goes wrong: it is killed, calls fail, disks are full, many run at once.
func TestFaults(t *testing.T) {
	program := build(t)
	for name, test := range map[string]func(*testing.T, string){
		"several at once":      testMany,
		"disk full":            testDiskFull,
		"file size limit":      testFileSizeLimit,
		"home":                 testHome,
		"read-only home":       testReadOnlyHome,
		"permissions":          testPermissions,
		"process":              testProcess,
		"not ours":             testNotOurs,
		"edited":               testEdited,
		"removal stays inside": testRemoveInside,
		"broken lock":          testBrokenLock,
		"planted files":        testPlanted,
		"interrupt":            testInterrupt,
		"waiting":              testWaiting,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, program)
		})
	}
}

// build builds the program into a folder that other users may look into.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(openTemp(t), "skills")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

// openTemp is t.TempDir for programs of other users as well.
func openTemp(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A scene is a home, a folder of skills, and the program between them.
type scene struct {
	t        *testing.T
	program  string
	home     string
	cwd      string
	registry string
	scratch  string // of the test itself
	env      []string
	wrap     []string // a command that runs the program
	user     *syscall.Credential
}

func newScene(t *testing.T, program string) *scene {
	t.Helper()
	root := openTemp(t)
	s := &scene{
		t: t, program: program, scratch: t.TempDir(),
		home: filepath.Join(root, "home"), cwd: filepath.Join(root, "cwd"), registry: filepath.Join(root, "registry"),
	}
	for _, dir := range []string{s.home, s.cwd, s.registry} {
		s.check(os.Mkdir(dir, 0o755))
	}
	s.env = []string{"HOME=" + s.home, "PATH=" + os.Getenv("PATH"), "CI=true"}
	return s
}

// at is s with another home that has the files of a template, which may be "".
func (s *scene) at(root, template string) *scene {
	s.t.Helper()
	c := *s
	c.home = filepath.Join(root, "home")
	c.env = append([]string{"HOME=" + c.home}, s.env[1:]...)
	s.check(os.MkdirAll(root, 0o755))
	if template == "" {
		s.check(os.Mkdir(c.home, 0o755))
	} else {
		s.check(os.CopyFS(c.home, os.DirFS(template)))
	}
	return &c
}

func (s *scene) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) write(path, text string) {
	s.t.Helper()
	s.check(os.MkdirAll(filepath.Dir(path), 0o755))
	s.check(os.WriteFile(path, []byte(text), 0o644))
}

// publish puts a version of a skill into the registry.
func (s *scene) publish(slug, version string) {
	s.t.Helper()
	dir := filepath.Join(s.registry, slug, version)
	s.write(filepath.Join(dir, "SKILL.md"), fmt.Sprintf("---\nname: %s\ndescription: Does one thing.\n---\nVersion %s.\n", slug, version))
	s.write(filepath.Join(dir, "scripts", "only-in-"+version+".sh"), "#!/bin/sh\necho "+version+"\n")
}

// publishSmall puts a version into the registry that is a SKILL.md only.
func (s *scene) publishSmall(slug, version string) {
	s.t.Helper()
	text := fmt.Sprintf("---\nname: %s\ndescription: Does one thing.\n---\nVersion %s.\n", slug, version)
	s.write(filepath.Join(s.registry, slug, version, "SKILL.md"), text)
}

func (s *scene) command(args ...string) *exec.Cmd {
	s.t.Helper()
	argv := append(append([]string{}, s.wrap...), s.program)
	argv = append(argv, args...)
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	s.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = s.cwd, s.env
	if s.user != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user}
	}
	return cmd
}

// An outcome is what a run of the program came to.
type outcome struct {
	t      *testing.T
	args   []string
	code   int
	stdout string
	stderr string
}

const killed = -1 // the exit code of a process that was

func (s *scene) run(args ...string) outcome {
	s.t.Helper()
	return s.finish(s.command(args...), args)
}

func (s *scene) finish(cmd *exec.Cmd, args []string) outcome {
	s.t.Helper()
	var out, errs bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &errs
	}
	err := cmd.Run()
	o := outcome{s.t, args, 0, out.String(), errs.String()}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		o.code = exit.ExitCode()
	case err != nil:
		s.t.Fatalf("run skills %s: %v", args, err)
	}
	return o
}

// is checks the exit code, and that what was said is fit for people.
func (o outcome) is(code int) outcome {
	o.t.Helper()
	if o.code != code {
		o.t.Fatalf("skills %s: exit code %d, want %d\n%s%s", strings.Join(o.args, " "), o.code, code, o.stdout, o.stderr)
	}
	o.fit()
	return o
}

func (o outcome) fit() {
	o.t.Helper()
	if strings.Contains(o.stderr, "goroutine ") || strings.Contains(o.stderr, "internal error") {
		o.t.Errorf("skills %s: a stack trace or an internal error:\n%s", strings.Join(o.args, " "), o.stderr)
	}
	if o.code > 0 && !strings.Contains(o.stderr, "error: ") && !strings.Contains(o.stdout, `"errors"`) {
		o.t.Errorf("skills %s: exit code %d and no error is told:\n%s", strings.Join(o.args, " "), o.code, o.stderr)
	}
}

// says checks that standard error holds a text.
func (o outcome) says(text string) outcome {
	o.t.Helper()
	if !strings.Contains(o.stderr, text) {
		o.t.Errorf("skills %s does not say %q:\n%s", strings.Join(o.args, " "), text, o.stderr)
	}
	return o
}

// contents lists what is below dir, except what skip names, with modes and digests: equal
// texts are equal folders. What is not there is "".
func (s *scene) contents(dir string, skip ...string) string {
	s.t.Helper()
	return s.walk(dir, skip, func(path string, info fs.FileInfo) string {
		if info.IsDir() {
			return info.Mode().String()
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			to, err := os.Readlink(path)
			s.check(err)
			return "-> " + to
		}
		data, err := os.ReadFile(path)
		s.check(err)
		return fmt.Sprintf("%s %d %x", info.Mode(), len(data), sha256.Sum256(data))
	})
}

// marks is contents for files that must not even be written anew: times and
// inodes instead of digests.
func (s *scene) marks(dir string) string {
	s.t.Helper()
	return s.walk(dir, nil, func(_ string, info fs.FileInfo) string {
		inode := uint64(0)
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			inode = st.Ino
		}
		return fmt.Sprintf("%s %d %d %d", info.Mode(), info.Size(), info.ModTime().UnixNano(), inode)
	})
}

func (s *scene) walk(dir string, skip []string, describe func(string, fs.FileInfo) string) string {
	s.t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		for _, name := range skip {
			if d.Name() == name && d.IsDir() {
				return fs.SkipDir
			}
			if d.Name() == name {
				return nil
			}
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		fmt.Fprintf(&b, "%s %s\n", rel, describe(path, info))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) && b.Len() == 0 {
		return ""
	}
	s.check(err)
	return b.String()
}

// clean checks that nothing is left of what the program makes for itself while
// it works.
func (s *scene) clean(dirs ...string) {
	s.t.Helper()
	for _, dir := range dirs {
		for line := range strings.Lines(s.contents(dir)) {
			path, _, _ := strings.Cut(line, " ")
			name := filepath.Base(path)
			if strings.HasPrefix(name, ".skills-") || strings.HasPrefix(name, ".partial-") || strings.HasSuffix(name, ".tmp") {
				s.t.Errorf("left behind: %s", filepath.Join(dir, path))
			}
		}
	}
}

func (s *scene) removeAll(path string) {
	s.t.Helper()
	s.check(os.RemoveAll(path))
}

// copyTree copies a folder with the modes that it has.
func (s *scene) copyTree(from, to string) {
	s.t.Helper()
	s.check(filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		copied := to + strings.TrimPrefix(path, from)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			return os.Mkdir(copied, info.Mode().Perm())
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			return errors.Join(err, os.Symlink(link, copied))
		}
		data, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(copied, data, info.Mode().Perm()))
	}))
}

// noise is text that cannot be compressed, always the same.
func noise(n int) string {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return string(b)
}

func (s *scene) glob(below string) []string {
	s.t.Helper()
	found, err := filepath.Glob(filepath.Join(s.home, below))
	s.check(err)
	return found
}
