//go:build registries

package server_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/registry/api"
	"github.com/openskills-go/skills/registry/server"
)

// An oras runs as its users run it, with a home of its own.
type oras struct {
	t          *testing.T
	path, home string
}

func newOras(t *testing.T) *oras {
	t.Helper()
	path := os.Getenv("SKILLS_ORAS")
	if path == "" {
		t.Fatal("SKILLS_ORAS is not set: .ci/run registries installs oras and sets it")
	}
	return &oras{t, path, t.TempDir()}
}

func (o *oras) run(input string, args ...string) (string, error) {
	o.t.Helper()
	cmd := exec.CommandContext(o.t.Context(), o.path, args...)
	cmd.Dir = o.home
	cmd.Env = []string{"HOME=" + o.home, "PATH=" + os.Getenv("PATH"), "NO_COLOR=1"}
	cmd.Stdin = strings.NewReader(input)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = errors.Join(err, errors.New(stderr.String()))
	}
	return string(out), err
}

func (o *oras) must(args ...string) string {
	o.t.Helper()
	out, err := o.run("", args...)
	if err != nil {
		o.t.Fatalf("oras %q: %v", args, err)
	}
	return out
}

// pull returns the files of what was pulled.
func (o *oras) pull(ref string) map[string]string {
	o.t.Helper()
	dir, err := os.MkdirTemp(o.home, "pull")
	if err != nil {
		o.t.Fatal(err)
	}
	o.must("pull", "--plain-http", "--output", dir, ref)
	files := map[string]string{}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		at, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(at)] = string(data)
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return files
}

// What is published can be pulled by oras itself, by version, tag and digest.
func TestOras(t *testing.T) {
	s, base := start(t)
	host := strings.TrimPrefix(base, "http://")
	alice := &client{t, base, issue(t, s, "alice")}
	for _, v := range []string{"1.0.0", "1.1.0-rc.1"} {
		into[api.Published](t, alice.upload("demo", v, tree(v)))
	}
	alice.want(200, "", "POST", "/api/v1/skills/demo/tags/stable", api.Change{Version: "1.0.0"})
	o := newOras(t)
	want := map[string]string{}
	for path, text := range tree("1.0.0") {
		want["demo/"+path] = text
	}
	var d struct {
		Digest string `json:"digest"`
	}
	if err := json.Unmarshal([]byte(o.must("manifest", "fetch", "--plain-http", "--descriptor", host+"/alice/demo:1.0.0")), &d); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{":1.0.0", ":stable", ":latest", "@" + d.Digest} {
		if diff := cmp.Diff(want, o.pull(host+"/alice/demo"+ref)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", ref, diff)
		}
	}
	tags := strings.Fields(o.must("repo", "tags", "--plain-http", host+"/alice/demo"))
	if want := []string{"1.0.0", "1.1.0-rc.1", "latest", "stable"}; !slices.Equal(slices.Sorted(slices.Values(tags)), want) {
		t.Errorf("tags are %q", tags)
	}
	o.must("discover", "--plain-http", host+"/alice/demo:1.0.0")
	if _, err := o.run("", "pull", "--plain-http", host+"/alice/demo:9.9.9"); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Errorf("what is not there: %v", err)
	}
	if _, err := o.run("", "push", "--plain-http", host+"/alice/demo:2.0.0", "SKILL.md"); err == nil {
		t.Error("pushed")
	}
}

// A registry that is private is pulled from after a login, with a token for a password.
func TestOrasPrivate(t *testing.T) {
	s, base := start(t, func(o *server.Options) { o.Private = true })
	host := strings.TrimPrefix(base, "http://")
	alice := &client{t, base, issue(t, s, "alice", "read", "publish")}
	into[api.Published](t, alice.upload("demo", "1.0.0", tree("one")))
	o := newOras(t)
	if _, err := o.run("", "pull", "--plain-http", host+"/alice/demo:1.0.0"); err == nil || !strings.Contains(strings.ToLower(err.Error()), "unauthorized") && !strings.Contains(err.Error(), "basic credential not found") {
		t.Errorf("without a login: %v", err)
	}
	if _, err := o.run("skl_wrong", "login", "--plain-http", "--username", "alice", "--password-stdin", host); err == nil {
		t.Error("logged in with a wrong token")
	}
	if _, err := o.run(alice.token, "login", "--plain-http", "--username", "alice", "--password-stdin", host); err != nil {
		t.Fatal(err)
	}
	files := o.pull(host + "/alice/demo:1.0.0")
	if got := slices.Sorted(maps.Keys(files)); !slices.Contains(got, "demo/SKILL.md") || len(got) != len(tree("")) {
		t.Errorf("pulled %q", got)
	}
}
