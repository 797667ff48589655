package git_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/git"
)

// hostile makes a repository on this machine of some files, and returns the
// reference to it.
func hostile(t *testing.T, files map[string]node) (*repository, string) {
	t.Helper()
	r := newRepository(t, filepath.Join(t.TempDir(), "r.git"))
	r.commit("main", files)
	return r, "git+file://" + r.path
}

// What a repository says is to be done to its files is not done: they come as
// they were committed.
func TestFilesComeAsTheyAre(t *testing.T) {
	t.Parallel()
	files := skillFiles("pdf", map[string]node{
		".gitattributes":   file("*.txt export-subst text eol=crlf filter=evil ident\nsecret export-ignore\n*.bin filter=lfs diff=lfs\n"),
		"subst.txt":        file("$Format:%H%n$ $Id$\nline\n"),
		"secret":           file("not ignored"),
		"a.bin":            file("no pointer"),
		"-x":               file("a name like an option"),
		"--help/-rf":       file("and a folder"),
		"crlf.txt":         file("a\r\nb\r\n"),
		"empty":            file(""),
		"a b/ü.txt":        file("names"),
		":(top)x/SKILL.md": file("a pathspec"),
		"run":              {"100755", "echo no first line\n"},
	})
	delete(files, ":(top)x/SKILL.md") // has a colon, which archives may not have
	r, at := hostile(t, under("skills/pdf", files, map[string]node{
		".gitmodules": file("[submodule \"a\"]\n\tpath = a\n\turl = file:///etc\n\tupdate = checkout\n"),
		"a":           {"160000", strings.Repeat("1", 40)},
		"link":        {"120000", "/etc/passwd"},
		"out":         {"120000", "../../.."},
	}))
	marker := filepath.Join(t.TempDir(), "ran")
	for _, hook := range []string{"post-checkout", "pre-receive", "reference-transaction", "post-update", "update"} {
		if err := errors.Join(os.MkdirAll(r.path+"/hooks", 0o755), os.WriteFile(r.path+"/hooks/"+hook, []byte("#!/bin/sh\ntouch "+marker+"\n"), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	r.git(nil, "config", "uploadpack.packObjectsHook", "touch "+marker)
	r.git(nil, "config", "filter.evil.smudge", "touch "+marker)
	r.git(nil, "config", "core.fsmonitor", "touch "+marker)
	s := newSource(t, git.Options{})
	_, got, err := get(t, s, at+"//skills/pdf")
	if err != nil {
		t.Fatal(err)
	}
	if got.Tree.Digest() != treeOf(t, files) {
		t.Errorf("the tree is %v", got.Tree.Files)
	}
	if f, ok := got.Tree.Lookup("run"); !ok || f.Mode != 0o755 {
		t.Errorf("the x bit of run is lost: %v", f)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("something of the repository was run")
	}
}

// A hostile .gitmodules ends the fetch or is ignored; no submodule is fetched.
func TestSubmodulesAreNotFetched(t *testing.T) {
	t.Parallel()
	marker := filepath.Join(t.TempDir(), "ran")
	for name, modules := range map[string]string{
		"ext":    "[submodule \"a\"]\n\tpath = a\n\turl = ext::sh -c touch% " + marker + "\n",
		"option": "[submodule \"a\"]\n\tpath = a\n\turl = -u./evil\n",
		"climbs": "[submodule \"../../x\"]\n\tpath = a\n\turl = https://example.com/x\n",
	} {
		_, at := hostile(t, under("pdf", pdf(), map[string]node{".gitmodules": file(modules), "a": {"160000", strings.Repeat("1", 40)}}))
		_, _, err := get(t, newSource(t, git.Options{}), at+"//pdf")
		if err != nil && !errors.Is(err, archive.ErrRefused) {
			t.Errorf("%s: %v, want a refusal or nothing", name, err)
		}
		if _, err := os.Stat(marker); err == nil {
			t.Errorf("%s: something was run", name)
		}
	}
}

// What archives may not hold, repositories may not either.
func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0", 1<<20+1)
	limits := archive.Limits{File: 1 << 20, Unpacked: 2 << 20}
	many := make(map[string]node)
	for i := range 10_000 {
		many[fmt.Sprintf("n/%d", i)] = file("x")
	}
	for name, c := range map[string]struct {
		files map[string]node
		words string
		is    error
	}{
		"absolute link": {map[string]node{"etc": {"120000", "/etc"}}, `"etc" is a symbolic link`, archive.ErrUnsafe},
		"relative link": {map[string]node{"a/b": {"120000", "../SKILL.md"}}, `"a/b" is a symbolic link`, archive.ErrUnsafe},
		"submodule":     {map[string]node{"sub": {"160000", strings.Repeat("1", 40)}}, "submodule", archive.ErrUnsafe},
		"newline":       {map[string]node{"a\nb": file("x")}, `"a\nb"`, archive.ErrUnsafe},
		"escape":        {map[string]node{"a\x1b[31m": file("x")}, `"a\x1b[31m"`, archive.ErrUnsafe},
		"backslash":     {map[string]node{`a\b`: file("x")}, "backslash", archive.ErrUnsafe},
		"not UTF-8":     {map[string]node{"a\xff": file("x")}, "UTF-8", archive.ErrUnsafe},
		"device":        {map[string]node{"con.txt": file("x")}, "Windows reserves", archive.ErrUnsafe},
		"case":          {map[string]node{"README": file("x"), "readme": file("y")}, "", archive.ErrUnsafe},
		"case of SKILL": {map[string]node{"skill.md": file("x")}, "", archive.ErrRefused},
		"LFS":           {map[string]node{"model": file("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")}, `"model"`, source.ErrUnsupported},
		"large file":    {map[string]node{"big": file(big)}, `"big"`, archive.ErrRefused},
		"many large":    {map[string]node{"1": file(big[1:]), "2": file("1" + big[2:]), "3": file("2" + big[2:])}, "unpacked bytes", archive.ErrRefused},
		"many files":    {many, "5000", archive.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, at := hostile(t, under("pdf", skillFiles("pdf", c.files)))
			s := newSource(t, git.Options{Limits: limits})
			_, _, err := get(t, s, at+"//pdf")
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("Fetch = %v, want one with %q that matches %v", err, c.words, c.is)
			}
		})
	}
}

// Names that git itself would not make, built object by object.
func TestTreesThatClimb(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"..", ".", ".git", ".GIT", "a/b", "git~1"} {
		r := newRepository(t, filepath.Join(t.TempDir(), "r.git"))
		blob := r.git([]byte(skillText("pdf")), "hash-object", "-w", "--stdin")
		raw := func(entries ...string) string {
			var b strings.Builder
			for i := 0; i < len(entries); i += 3 {
				b.WriteString(entries[i] + " " + entries[i+1] + "\x00")
				for j := 0; j < 40; j += 2 {
					var c byte
					if _, err := fmt.Sscanf(entries[i+2][j:j+2], "%02x", &c); err != nil {
						t.Fatal(err)
					}
					b.WriteByte(c)
				}
			}
			return r.git([]byte(b.String()), "hash-object", "-w", "-t", "tree", "--literally", "--stdin")
		}
		inner := raw("100644", "SKILL.md", blob)
		for what, tree := range map[string]string{
			"file":   raw("100644", name, blob, "100644", "SKILL.md", blob),
			"folder": raw("40000", name, inner, "100644", "SKILL.md", blob),
		} {
			commit := r.git(nil, "commit-tree", "-m", "x", tree)
			r.git(nil, "update-ref", "refs/heads/main", commit)
			_, _, err := get(t, newSource(t, git.Options{}), "git+file://"+r.path)
			if !errors.Is(err, archive.ErrRefused) {
				t.Errorf("a %s %q: %v, want a refusal", what, name, err)
			}
		}
	}
}

// The configuration and the environment of the user could send git elsewhere, or
// run what they name.
func TestConfigurationOfTheUserIsNotUsed(t *testing.T) {
	t.Parallel()
	r, at := hostile(t, under("pdf", pdf()))
	home, marker := t.TempDir(), filepath.Join(t.TempDir(), "ran")
	script := filepath.Join(home, "script")
	hooks := filepath.Join(home, "hooks")
	config := fmt.Sprintf(`[url "file:///nowhere"]
	insteadOf = file://%s
[url "ext::%s"]
	insteadOf = file:///
[credential]
	helper = !%s
[core]
	hooksPath = %s
	fsmonitor = %s
	sshCommand = %s
	gitProxy = %s
	askPass = %s
[protocol]
	allow = always
[protocol "ext"]
	allow = always
[uploadpack]
	packObjectsHook = %s
[init]
	templateDir = %s
`, filepath.Dir(r.path), script, script, hooks, script, script, script, script, script, home)
	if err := errors.Join(
		os.WriteFile(script, []byte("#!/bin/sh\ntouch "+marker+"\nexit 1\n"), 0o755), os.Mkdir(hooks, 0o755),
		os.WriteFile(hooks+"/reference-transaction", []byte("#!/bin/sh\ntouch "+marker+"\n"), 0o755),
		os.WriteFile(home+"/.gitconfig", []byte(config), 0o644),
		os.MkdirAll(home+"/.config/git", 0o755), os.WriteFile(home+"/.config/git/config", []byte(config), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	user := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home + "/.config",
		"GIT_CONFIG_GLOBAL=" + home + "/.gitconfig", "GIT_CONFIG_SYSTEM=" + home + "/.gitconfig", "GIT_CONFIG_PARAMETERS='core.hooksPath=" + hooks + "'",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=core.hooksPath", "GIT_CONFIG_VALUE_0=" + hooks,
		"GIT_DIR=" + r.path, "GIT_OBJECT_DIRECTORY=" + home, "GIT_ASKPASS=" + script, "SSH_ASKPASS=" + script, "GIT_SSH_COMMAND=" + script,
		"GIT_SSH=" + script, "GIT_PROXY_COMMAND=" + script, "GIT_EXTERNAL_DIFF=" + script, "GIT_PAGER=" + script, "GIT_EXEC_PATH=" + home,
		"GIT_TEMPLATE_DIR=" + home, "GIT_TRACE=" + marker, "GIT_TRACE2=" + marker, "LD_PRELOAD=" + script,
	}
	s := newSource(t, git.Options{Env: user})
	_, got, err := get(t, s, at+"//pdf")
	if err != nil {
		t.Fatal(err)
	}
	if got.Tree.Digest() != treeOf(t, pdf()) {
		t.Error("another tree came")
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("something of the user's configuration was run")
	}
	// And ssh is not what the configuration says either.
	user[0] = "PATH=" + home + "/bin:" + os.Getenv("PATH")
	args := filepath.Join(home, "args")
	if err := errors.Join(os.Mkdir(home+"/bin", 0o755), os.WriteFile(home+"/bin/ssh", []byte("#!/bin/sh\necho \"$@\" >>"+args+"\necho 'git@example.com: Permission denied (publickey).' >&2\nexit 255\n"), 0o755)); err != nil {
		t.Fatal(err)
	}
	s = newSource(t, git.Options{Env: user})
	_, _, err = get(t, s, "git@example.com:o/r.git")
	if !errors.Is(err, source.ErrAuth) {
		t.Errorf("ssh: %v, want ErrAuth", err)
	}
	line, err := os.ReadFile(args)
	if err != nil || !strings.HasPrefix(string(line), "-oBatchMode=yes ") {
		t.Errorf("ssh was called with %q, %v", line, err)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("something of the user's configuration was run")
	}
}
