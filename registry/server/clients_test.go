//go:build clients

package server_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/server"
)

// The clients of others that this registry is for. Each runs as its users run it,
// with a home of its own, against a registry on a loopback port.

// clientsDir is the folder whose node_modules holds the programs. A machine without
// them fails: what was not run proves nothing.
func clientsDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("SKILLS_CLIENTS")
	if dir == "" {
		t.Fatal("SKILLS_CLIENTS is not set: .ci/run clients installs the programs and sets it")
	}
	return filepath.Join(dir, "node_modules")
}

// A program is one of those clients.
type program struct {
	t    *testing.T
	argv []string
	env  []string
	work string
}

func startProgram(t *testing.T, script string, env ...string) *program {
	t.Helper()
	dir := clientsDir(t)
	node, err := filepath.Glob(filepath.Join(dir, "node-*", "bin", "node"))
	if err != nil || len(node) == 0 {
		t.Fatalf("%s has no node: %v", dir, err)
	}
	home := t.TempDir()
	p := &program{t: t, argv: []string{node[0], filepath.Join(dir, script)}, work: t.TempDir()}
	p.env = append([]string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "XDG_STATE_HOME=" + filepath.Join(home, "state"),
		"PATH=" + filepath.Dir(node[0]) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"CI=1", "NO_COLOR=1", "LANG=C.UTF-8", "DISABLE_TELEMETRY=1", "DO_NOT_TRACK=1",
	}, env...)
	return p
}

func clawhub(t *testing.T, number, url string) *program {
	t.Helper()
	p := startProgram(t, filepath.Join("clawhub-"+number, "bin", "clawdhub.js"), "CLAWHUB_REGISTRY="+url)
	p.env = append(p.env, "CLAWHUB_WORKDIR="+p.work)
	return p
}

func vercel(t *testing.T, number, url string) *program {
	t.Helper()
	p := startProgram(t, filepath.Join("skills-"+number, "bin", "cli.mjs"), "SKILLS_API_URL="+url)
	// A project is where a repository is.
	if err := os.Mkdir(filepath.Join(p.work, ".git"), 0o700); err != nil {
		t.Fatal(err)
	}
	return p
}

var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[a-zA-Z]`)

// run returns what a command printed, and whether it succeeded.
func (p *program) run(args ...string) (string, bool) {
	p.t.Helper()
	argv := append(append([]string{}, p.argv...), args...)
	cmd := exec.CommandContext(p.t.Context(), argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = p.env, p.work
	out, err := cmd.CombinedOutput()
	if _, isExit := err.(*exec.ExitError); err != nil && !isExit { //nolint:errorlint // it is made by the line above
		p.t.Fatal(err)
	}
	return escapes.ReplaceAllString(string(out), ""), err == nil
}

func (p *program) must(want string, args ...string) string {
	p.t.Helper()
	out, ok := p.run(args...)
	if !ok || !strings.Contains(out, want) {
		p.t.Errorf("%s: it says\n%s\nwant success and %q", strings.Join(args, " "), out, want)
	}
	return out
}

func (p *program) mustNot(want string, args ...string) {
	p.t.Helper()
	out, ok := p.run(args...)
	if ok || !strings.Contains(out, want) {
		p.t.Errorf("%s: it says\n%s\nwant failure and %q", strings.Join(args, " "), out, want)
	}
}

// holds compares a folder, but for what a client keeps there itself.
func (p *program) holds(dir string, want map[string]string) {
	p.t.Helper()
	got := map[string]string{}
	root := os.DirFS(filepath.Join(p.work, dir))
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, ".clawhub") {
			return err
		}
		data, err := fs.ReadFile(root, path)
		got[path] = string(data)
		return err
	})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		p.t.Errorf("%s: %v (-want +got):\n%s", dir, err, diff)
	}
}

func (p *program) write(dir string, files map[string]string) {
	p.t.Helper()
	for path, text := range files {
		at := filepath.Join(p.work, dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
}

func skillFiles(name, text string) map[string]string {
	return map[string]string{
		"SKILL.md": "---\nname: " + name + "\ndescription: A skill called " + name + ".\n---\n# " + name + "\n" + text + "\n",
		// The order of these is another in bytes than in JavaScript.
		"references/Z.md": text, "references/a.md": "a", "references/ünï code.md": "ü", "a-b.md": "-", "a_b.md": "_", "B.md": "b",
		"scripts/run.sh": "#!/bin/sh\necho " + text + "\n",
	}
}

func publish(t *testing.T, s *server.Server, owner, slug, version, text string) {
	t.Helper()
	d := server.Draft{Owner: owner, Slug: slug, Version: version, Files: map[string][]byte{}}
	for path, content := range skillFiles(slug, text) {
		d.Files[path] = []byte(content)
	}
	if _, err := s.Catalog().Publish(t.Context(), server.Operator(), d); err != nil {
		t.Fatal(err)
	}
}

// ClawHub's clients take the registry for ClawHub, as readers and as publishers.
func TestClawHub(t *testing.T) {
	for _, number := range []string{"0.23.3", "0.20.0"} {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			s, url := start(t)
			token := issue(t, s, "alice")
			publish(t, s, "alice", "demo", "1.0.0", "one")
			publish(t, s, "alice", "demo", "1.1.0", "two")
			publish(t, s, "alice", "other", "1.0.0", "x")
			publish(t, s, "bob", "other", "2.0.0", "y")
			c := clawhub(t, number, url)

			c.must("demo", "search", "demo")
			c.must("demo", "explore", "--limit", "5")
			c.must("references/Z.md", "inspect", "demo", "--files")
			c.must("1.0.0", "inspect", "demo", "--versions")
			c.must("two", "inspect", "demo", "--file", "SKILL.md")
			c.mustNot("", "publish", "mine", "--slug", "mine", "--version", "1.0.0")
			c.must("alice", "login", "--token", token, "--no-browser")
			c.must("alice", "whoami")

			c.must("Installed demo", "install", "demo", "--version", "1.0.0")
			c.holds("skills/demo", skillFiles("demo", "one"))
			c.must("1.1.0", "update", "demo")
			c.holds("skills/demo", skillFiles("demo", "two"))
			c.must("1.1.0", "list")
			c.mustNot("bob", "install", "other")
			c.mustNot("not found", "install", "nowhere")

			mine := skillFiles("mine", "first")
			c.write("mine", mine)
			c.must("mine", "publish", "mine", "--slug", "mine", "--name", "Mine", "--version", "1.0.0", "--changelog", "first")
			c.must("", "publish", "mine", "--slug", "mine", "--name", "Mine", "--version", "1.0.0", "--changelog", "first")
			c.write("mine", map[string]string{"SKILL.md": skillFiles("mine", "second")["SKILL.md"]})
			c.mustNot("already exists", "publish", "mine", "--slug", "mine", "--name", "Mine", "--version", "1.0.0", "--changelog", "again")
			c.must("mine", "publish", "mine", "--slug", "mine", "--name", "Mine", "--version", "1.0.1", "--changelog", "second")
			d := clawhub(t, number, url)
			d.must("Installed mine", "install", "mine", "--version", "1.0.0")
			d.holds("skills/mine", mine)
			d.must("1.0.1", "update", "mine")

			c.must("", "star", "demo", "--yes")
			c.must("", "unstar", "demo", "--yes")
			c.must("", "delete", "mine", "--yes")
			d.mustNot("", "install", "mine", "--force")
			c.must("", "undelete", "mine", "--yes")
			d.must("Installed mine", "install", "mine", "--force")
		})
	}
}

// approveNext approves the next login that waits, as a user.
func approveNext(ctx context.Context, s *server.Server, user string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if code, err := s.Waiting(ctx); err == nil {
			return s.Desk().Decide(ctx, server.Actor{User: user, Scopes: catalog.Scopes()}, code, true)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A login on a device ends with a token once the page has it approved.
func TestClawHubDeviceLogin(t *testing.T) {
	t.Parallel()
	s, url := start(t)
	issue(t, s, "alice")
	c := clawhub(t, "0.23.3", url)
	c.env = append(c.env, "CLAWHUB_SITE="+url)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	approved := make(chan error, 1)
	go func() { approved <- approveNext(ctx, s, "alice") }()
	c.must("alice", "login", "--device", "--no-browser")
	if err := <-approved; err != nil {
		t.Error(err)
	}
	c.must("alice", "whoami")
}

// Vercel's client installs what an owner has, one skill, and an address, finds it
// by a search, and has an update after a change.
func TestVercel(t *testing.T) {
	for _, number := range []string{"1.7.4", "1.5.18"} {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			s, url := start(t)
			publish(t, s, "alice", "demo", "1.0.0", "one")
			publish(t, s, "alice", "other", "1.0.0", "x")
			publish(t, s, "bob", "third", "1.0.0", "y")

			all := vercel(t, number, url)
			all.must("demo", "add", url+"/alice", "-a", "claude-code", "-y")
			all.holds(".claude/skills/demo", skillFiles("demo", "one"))
			all.holds(".claude/skills/other", skillFiles("other", "x"))
			if _, err := os.Stat(filepath.Join(all.work, ".claude/skills/third")); err == nil {
				t.Error("another owner's skill came along")
			}
			one := vercel(t, number, url)
			one.must("demo", "add", url+"/alice/demo", "-a", "claude-code", "-y")
			one.holds(".claude/skills/demo", skillFiles("demo", "one"))
			if _, err := os.Stat(filepath.Join(one.work, ".claude/skills/other")); err == nil {
				t.Error("another skill came along")
			}
			found := one.must("alice@demo", "find", "demo")
			ref := regexp.MustCompile(`\S+/alice@demo`).FindString(found)
			two := vercel(t, number, url)
			two.must("demo", "add", ref, "-a", "claude-code", "-y")
			two.holds(".claude/skills/demo", skillFiles("demo", "one"))
			if number != "1.5.18" { // which knows no such addresses
				three := vercel(t, number, url)
				three.must("demo", "add", url+"/api/v1/download?slug=demo&version=1.0.0", "-a", "claude-code", "-y")
				three.holds(".claude/skills/demo", skillFiles("demo", "one"))
			}
			unknown := vercel(t, number, url)
			unknown.mustNot("", "add", url+"/nobody", "-a", "claude-code", "-y")

			publish(t, s, "alice", "demo", "1.1.0", "two")
			if number == "1.5.18" { // whose update passes over what is not from git
				one.must("demo", "add", url+"/alice/demo", "-a", "claude-code", "-y")
			} else {
				one.must("", "update", "-y")
			}
			one.holds(".claude/skills/demo", skillFiles("demo", "two"))
		})
	}
}
