//go:build clients

package clawhubtest_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/registry/clawhub/clawhubtest"
)

// clientVersions are those of the npm package clawhub that the server is held to.
// The older one knows no owners.
var clientVersions = []string{"0.23.3", "0.20.0"}

// A realClient is one of them, with a home and a folder to work in.
type realClient struct {
	t      *testing.T
	node   string
	script string
	env    []string
	work   string
	server *clawhubtest.Server
}

// clients is the folder whose node_modules holds the programs. A machine without
// them fails: what was not run proves nothing.
func clients(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("SKILLS_CLIENTS")
	if dir == "" {
		t.Fatal("SKILLS_CLIENTS is not set: .ci/run clients installs the programs and sets it")
	}
	return filepath.Join(dir, "node_modules")
}

func start(t *testing.T, number string, s *clawhubtest.Server) *realClient {
	t.Helper()
	dir := clients(t)
	node, err := filepath.Glob(filepath.Join(dir, "node-*", "bin", "node"))
	if err != nil || len(node) == 0 {
		t.Fatalf("%s has no node: %v", dir, err)
	}
	c := &realClient{
		t: t, node: node[0], script: filepath.Join(dir, "clawhub-"+number, "bin", "clawdhub.js"), work: t.TempDir(), server: s,
	}
	home := t.TempDir()
	c.env = []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "PATH=" + os.Getenv("PATH"), "CI=1", "NO_COLOR=1",
		"CLAWHUB_REGISTRY=" + s.Registry(), "CLAWHUB_WORKDIR=" + c.work, "CLAWHUB_DISABLE_TELEMETRY=1", "LANG=C.UTF-8",
	}
	return c
}

// run returns what a command printed, and whether it succeeded.
func (c *realClient) run(args ...string) (string, bool) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), c.node, append([]string{c.script}, args...)...)
	cmd.Env, cmd.Dir = c.env, c.work
	out, err := cmd.CombinedOutput()
	if _, isExit := err.(*exec.ExitError); err != nil && !isExit { //nolint:errorlint // it is made by the line above
		c.t.Fatal(err)
	}
	return string(out), err == nil
}

// must is run for a command that has to succeed and to print something.
func (c *realClient) must(want string, args ...string) {
	c.t.Helper()
	out, ok := c.run(args...)
	if !ok || !strings.Contains(out, want) {
		c.t.Errorf("clawhub %s: it says\n%s\nwant success and %q; it asked for %v", strings.Join(args, " "), out, want, c.server.Requests())
	}
}

// mustNot is run for a command that has to fail and to say why.
func (c *realClient) mustNot(want string, args ...string) {
	c.t.Helper()
	out, ok := c.run(args...)
	if ok || !strings.Contains(out, want) {
		c.t.Errorf("clawhub %s: it says\n%s\nwant failure and %q", strings.Join(args, " "), out, want)
	}
}

// holds compares an installed skill, but for what the client keeps there itself.
func (c *realClient) holds(dir string, want map[string]string) {
	c.t.Helper()
	got := map[string]string{}
	root := os.DirFS(filepath.Join(c.work, "skills", dir))
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, ".clawhub") {
			return err
		}
		data, err := fs.ReadFile(root, path)
		got[path] = string(data)
		return err
	})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		c.t.Errorf("%s: %v (-want +got):\n%s", dir, err, diff)
	}
}

func skillFiles(name, text string) map[string]string {
	return map[string]string{
		"SKILL.md": "---\nname: " + name + "\ndescription: A skill.\n---\n# " + name + "\n" + text + "\n",
		// The order of these is another in bytes than in JavaScript.
		"references/Z.md": text, "references/a.md": "a", "references/ünï code.md": "ü", "a-b.md": "-", "a_b.md": "_", "B.md": "b",
		"scripts/run.sh": "#!/bin/sh\n",
	}
}

func realCatalogue() []clawhubtest.Skill {
	return []clawhubtest.Skill{
		{Owner: "alice", Slug: "demo", Summary: "A demo.", Tags: map[string]string{"beta": "1.0.0"}, Versions: []clawhubtest.Version{
			{Version: "1.0.0", Files: skillFiles("demo", "one")}, {Version: "1.1.0", Files: skillFiles("demo", "two")},
		}},
		{Owner: "alice", Slug: "pdf", Versions: []clawhubtest.Version{{Version: "1.0.0", Files: skillFiles("pdf", "alice")}}},
		{Owner: "bob", Slug: "pdf", Versions: []clawhubtest.Version{{Version: "3.0.0", Files: skillFiles("pdf", "bob")}}},
		{Owner: "mallory", Slug: "evil", Moderation: &clawhubtest.Moderation{Malware: true, Verdict: "malicious"}, Versions: []clawhubtest.Version{
			{Version: "1.0.0", Files: skillFiles("evil", "x")},
		}},
		{Owner: "dan", Slug: "odd", Moderation: &clawhubtest.Moderation{Suspicious: true, Verdict: "suspicious"}, Versions: []clawhubtest.Version{
			{Version: "1.0.0", Files: skillFiles("odd", "x")},
		}},
	}
}

// The real clients of ClawHub take the server for ClawHub: they search, look,
// install, know what they have by its fingerprint, update, and heed moderation.
func TestRealClients(t *testing.T) {
	for _, number := range clientVersions {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			s := clawhubtest.New(t, clawhubtest.Options{Skills: realCatalogue(), Tokens: map[string]string{"clh_secret": "alice"}})
			c := start(t, number, s)
			c.must("demo", "search", "demo")
			c.must("demo", "explore", "--limit", "5")
			c.must("references/Z.md", "inspect", "demo", "--files") // which asks for all that inspect does, too
			c.must("1.0.0", "inspect", "demo", "--versions")
			c.must("two", "inspect", "demo", "--file", "SKILL.md")
			c.must("alice", "login", "--token", "clh_secret", "--no-browser")
			c.must("alice", "whoami")

			c.must("Installed demo", "install", "demo", "--version", "1.0.0")
			c.holds("demo", skillFiles("demo", "one"))
			s.Requests()
			c.must("1.1.0", "update", "demo")
			c.holds("demo", skillFiles("demo", "two"))
			if !asked(s, "/api/v1/resolve?") {
				t.Error("the update did not ask what it has")
			}
			c.must("1.1.0", "list") // what it keeps itself is that of the update

			c.mustNot("bob", "install", "pdf")
			c.mustNot("", "install", "evil")
			c.mustNot("", "install", "odd")
			c.must("", "install", "odd", "--force")
			c.holds("odd", skillFiles("odd", "x"))
			c.mustNot("not found", "install", "nowhere")
		})
	}
}

func asked(s *clawhubtest.Server, part string) bool {
	for _, r := range s.Requests() {
		if strings.Contains(r.URL, part) {
			return true
		}
	}
	return false
}

// A client that knows owners installs one of two skills of a slug, from a registry
// that it finds by the site, under a base path, with a _meta.json in its zips.
func TestRealClientOfOwnersAndABasePath(t *testing.T) {
	t.Parallel()
	skills := realCatalogue()
	skills[2].Versions[0].Meta = true
	s := clawhubtest.New(t, clawhubtest.Options{Skills: skills, Base: "/base/path"})
	c := start(t, clientVersions[0], s)
	c.must("3.0.0", "install", "@bob/pdf")
	want := skillFiles("pdf", "bob")
	want["_meta.json"] = string(readFile(t, filepath.Join(c.work, "skills", "@bob", "pdf", "_meta.json")))
	c.holds(filepath.Join("@bob", "pdf"), want)
	for i, v := range c.env {
		if strings.HasPrefix(v, "CLAWHUB_REGISTRY=") {
			c.env[i] = "CLAWHUB_SITE=" + s.URL
		}
	}
	s.Requests()
	c.must("demo", "search", "demo")
	if !asked(s, "/.well-known/clawhub.json") {
		t.Error("the registry was not looked for")
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The order of a fingerprint is that of JavaScript.
func TestFingerprintIsThatOfJavaScript(t *testing.T) {
	node, err := filepath.Glob(filepath.Join(clients(t), "node-*", "bin", "node"))
	if err != nil || len(node) == 0 || runtime.GOOS == "windows" {
		t.Fatalf("there is no node: %v", err)
	}
	files := skillFiles("demo", "one")
	for _, path := range []string{"é", "e", "E", "Æ/x", "1", "10", "2", "a b", "a.b", "ß", "ss", "日本", "_", "~", "[", "(x)"} {
		files[path] = path
	}
	const script = `const{createHash}=require("crypto");const h=s=>createHash("sha256").update(s).digest("hex");` +
		`const f=JSON.parse(require("fs").readFileSync(process.argv[1],"utf8"));` +
		`console.log(h(Object.keys(f).sort((a,b)=>a.localeCompare(b)).map(p=>p+":"+h(f[p])).join("\n")))`
	file := filepath.Join(t.TempDir(), "files.json")
	if err := os.WriteFile(file, mustJSON(t, files), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node[0], "-e", script, file)
	out, err := cmd.CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != clawhubtest.Fingerprint(files) {
		t.Errorf("JavaScript has %s, %v; we %s", got, err, clawhubtest.Fingerprint(files))
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
