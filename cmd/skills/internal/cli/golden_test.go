package cli_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/cmd/skills/internal/cli"
)

var update = flag.Bool("update", false, "rewrite testdata/golden")

const golden = "../../../../testdata/golden"

// A run is the program in a folder of its own, whose path is $WORK in what it
// prints.
type run struct {
	t    *testing.T
	work string
	env  map[string]string
}

func newRun(t *testing.T, files fstest.MapFS) *run {
	t.Helper()
	work, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(work, files); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(work, "home")
	return &run{t: t, work: work, env: map[string]string{
		"HOME": home, "USERPROFILE": home,
		// Said outright: what is not is taken from whoever runs the tests.
		"XDG_CONFIG_HOME": filepath.Join(home, ".config"),
		"XDG_DATA_HOME":   filepath.Join(home, ".local/share"),
		"XDG_STATE_HOME":  filepath.Join(home, ".local/state"),
		"XDG_CACHE_HOME":  filepath.Join(home, ".cache"),
	}}
}

func (r *run) skills(args ...string) (code int, out, talk string) {
	var stdout, stderr bytes.Buffer
	code = cli.Main(r.t.Context(), cli.Env{
		Version: "1.2.3",
		Args:    args,
		Getenv:  func(name string) string { return r.env[name] },
		Getwd:   func() (string, error) { return r.work, nil },
		Stdin:   strings.NewReader(""),
		Stdout:  &stdout,
		Stderr:  &stderr,
	})
	place := strings.NewReplacer(r.work, "$WORK")
	return code, place.Replace(stdout.String()), place.Replace(stderr.String())
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }

func sample() fstest.MapFS {
	const pdf = "---\nname: pdf\ndescription: Reads PDF files.\nlicense: MIT\n---\n"
	return fstest.MapFS{
		"reg/pdf/1.0.0/SKILL.md":            file(pdf + "First.\n"),
		"reg/pdf/1.1.0/SKILL.md":            file(pdf + "Second.\n"),
		"reg/pdf/1.1.0/scripts/run.sh":      file("#!/bin/sh\n"),
		"reg/acme-release-notes/SKILL.md":   file("---\nname: release-notes\ndescription: Writes \u200bthem.\n---\n"),
		"bad/SKILL.md":                      file("---\nname: Bad\n---\n"),
		"reg/acme-release-notes/notes/a.md": file("A note.\n"),
		"own/mine/SKILL.md":                 file("---\nname: mine\ndescription: Is mine.\n---\n"),
		"own/skills-lock.json": file(`{"version":1,"skills":{
"mine":{"source":"../src","sourceType":"local"},
"gone":{"source":"o/r","sourceType":"github","skillPath":"gone/SKILL.md"}}}`),
		"merge/skills.lock": file(conflicted),
	}
}

// conflicted is a lock as git leaves it where two branches added a skill.
const conflicted = `{
  "lockVersion": 1,
  "skills": {
<<<<<<< HEAD
    "notes": {
      "artifact": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
      "ref": "notes",
      "tree": "h1:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=",
      "version": "1.0.0"
=======
    "pdf": {
      "artifact": "sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
      "ref": "pdf",
      "tree": "h1:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=",
      "version": "1.0.0"
>>>>>>> feature
    }
  }
}
`

// TestGolden holds the shape of every command's --json to a file, since programs
// depend on it. Each step sees what those before it did.
func TestGolden(t *testing.T) {
	r := newRun(t, sample())
	for _, step := range []struct {
		name string
		code int
		args []string
	}{
		{"install", 0, []string{"install", "pdf@1.0.0", "acme-release-notes", "--registry", "reg", "--agent", "claude,codex"}},
		{"install-unchanged", 0, []string{"install"}},
		{"install-not-found", 5, []string{"install", "nosuch", "--registry", "reg"}},
		{"list", 0, []string{"list"}},
		{"list-budget", 0, []string{"list", "--budget", "--agent", "claude"}},
		{"verify", 0, []string{"verify"}},
		{"verify-fix", 0, []string{"verify", "--fix"}},
		{"prune", 0, []string{"prune"}},
		{"outdated", 0, []string{"outdated"}},
		{"info", 0, []string{"info", "pdf", "--registry", "reg"}},
		{"search", 0, []string{"search", "pdf", "--registry", "reg"}},
		{"agents", 0, []string{"agents", "claude"}},
		{"doctor", 0, []string{"doctor"}},
		{"doctor-fix", 0, []string{"doctor", "--fix"}},
		{"update-dry-run", 0, []string{"update", "--dry-run"}},
		{"remove", 3, []string{"remove", "pdf", "nosuch"}},
		{"init", 0, []string{"init", "reg"}},
		{"config-set", 0, []string{"config", "set", "jobs", "4"}},
		{"config-get", 0, []string{"config", "get", "jobs"}},
		{"config-list", 0, []string{"config", "list"}},
		{"registry-add", 0, []string{"registry", "add", "acme", "reg"}},
		{"registry-list", 0, []string{"registry", "list"}},
		{"registry-test", 0, []string{"registry", "test", "acme"}},
		{"cache-dir", 0, []string{"cache", "dir"}},
		{"cache-verify", 0, []string{"cache", "verify"}},
		{"cache-prune", 0, []string{"cache", "prune", "--dry-run"}},
		{"validate", 1, []string{"validate", "bad"}},
		{"pack", 0, []string{"pack", "reg/pdf/1.1.0", "--output", "pdf.zip"}},
		{"import", 3, []string{"import", "--dir", "own", "--local"}},
		{"adopt", 0, []string{"adopt", "own/mine", "--dir", "own"}},
		{"fetch", 0, []string{"fetch"}},
		{"bundle", 0, []string{"bundle", "--dry-run"}},
		{"lock", 0, []string{"lock", "--resolve", "--dir", "merge", "--dry-run"}},
		{"help-exit-codes", 0, []string{"help", "exit-codes"}},
		{"usage", 2, []string{"install", "--agent", "nosuch-agent", "pdf"}},
	} {
		code, out, talk := r.skills(append(step.args, "--json")...)
		if code != step.code {
			t.Fatalf("%s: exit code is %d, want %d\n%s%s", step.name, code, step.code, out, talk)
		}
		path := filepath.Join(golden, step.name+".json")
		if *update {
			if err := os.WriteFile(path, []byte(out), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), out); diff != "" {
			t.Errorf("%s (-want +got; -update rewrites it):\n%s", step.name, diff)
		}
	}
}
