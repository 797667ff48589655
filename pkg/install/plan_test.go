package install_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/manifest"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
)

func TestSatisfiedAsksNobody(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0", "1.2.0")
	b.one(b.install(install.Options{}, "pdf@^1"), install.Installed)
	b.publish("pdf", "1.3.0")
	b.shelf.asked.Store(0)
	if got := b.one(b.install(install.Options{}, "pdf"), install.Unchanged); got.Version != "1.2.0" {
		t.Errorf("version is %s", got.Version)
	}
	b.one(b.install(install.Options{}, "pdf@>=1.1"), install.Unchanged)
	if n := b.shelf.asked.Load(); n != 0 {
		t.Errorf("the registry was asked %d times", n)
	}
}

func TestConstraintChanges(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0", "1.2.0", "2.0.0")
	b.one(b.install(install.Options{}, "pdf@^1"), install.Installed)
	if got := b.one(b.update(), install.Unchanged); got.Version != "1.2.0" {
		t.Errorf("update left the constraint: %s", got.Version)
	}
	got := b.one(b.install(install.Options{}, "pdf@^2"), install.Updated)
	if got.Version != "2.0.0" || got.From != "1.2.0" || b.body("claude-code", "pdf") != "body 2.0.0" {
		t.Errorf("got %+v, body %q", got, b.body("claude-code", "pdf"))
	}
	if r := b.locked("pdf").Ref; r != "pdf@^2" {
		t.Errorf("the lock says %s", r)
	}
	m, err := manifest.Load(b.Scope.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := m.Ref("pdf"); r != "pdf@^2" {
		t.Errorf("the manifest says %s", r)
	}
	failsAs[*version.NoMatchError](t, b.install(install.Options{}, "pdf@^3")[0])
	b.sound()
}

func TestIdentities(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.other.put("pdf", "1.0.0", map[string]string{"SKILL.md": skillText("pdf", "other")})
	b.one(b.install(install.Options{}, "pdf"), install.Installed)
	e := failsAs[*install.IdentityError](t, b.install(install.Options{}, "other:pdf")[0])
	if e.Name != "pdf" || b.body("claude-code", "pdf") != "body 1.0.0" {
		t.Errorf("%v, body %q", e, b.body("claude-code", "pdf"))
	}
	as := func(name string, o install.Options) []install.Outcome {
		p, err := b.PlanInstall(t.Context(), []install.Want{{Typed: "other:pdf", Ref: wants(t, "other:pdf")[0].Ref, As: name}}, o)
		return b.apply(p, err)
	}
	b.one(as("pdf-two", install.Options{}), install.Installed)
	b.one(b.install(install.Options{Agents: []string{"codex"}}, "pdf"), install.Installed)
	failsAs[*install.IdentityError](t, as("pdf", install.Options{})[0])
	if got := as("pdf", install.Options{Replace: true})[0]; got.Err != nil {
		t.Fatal(got.Err)
	}
	for _, agent := range []string{"claude-code", "codex"} {
		if b.body(agent, "pdf") != "other" {
			t.Errorf("%s has %q", agent, b.body(agent, "pdf"))
		}
	}
	b.sound()
}

func TestSameNameTwice(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0", "2.0.0")
	b.other.put("pdf", "1.0.0", map[string]string{"SKILL.md": skillText("pdf", "other")})
	got := b.install(install.Options{}, "pdf@1.0.0", "pdf@1.0.0", "pdf@=1.0.0", "pdf@2.0.0", "other:pdf")
	if len(got) != 4 || got[0].Action != install.Installed || got[1].Action != install.Unchanged {
		t.Fatalf("outcomes are %+v", got)
	}
	failsAs[*install.IdentityError](t, got[2])
	failsAs[*install.IdentityError](t, got[3])
	if v := b.locked("pdf").Version; v != "1.0.0" {
		t.Errorf("locked is %s", v)
	}
	b.sound()
}

func TestAgents(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0", "2.0.0")
	b.one(b.install(install.Options{}, "pdf@1.0.0"), install.Installed)
	b.one(b.install(install.Options{Agents: []string{"codex"}}, "pdf"), install.Installed)
	if got := agentsOf(b.locked("pdf")); got != "claude-code codex" {
		t.Errorf("agents are %s", got)
	}
	b.one(b.install(install.Options{Agents: []string{"goose"}}, "pdf@2.0.0"), install.Updated)
	for _, agent := range []string{"claude-code", "codex", "goose"} {
		if b.body(agent, "pdf") != "body 2.0.0" {
			t.Errorf("%s has %q", agent, b.body(agent, "pdf"))
		}
	}
	b.one(b.remove(install.Options{Agents: []string{"codex"}}, "pdf"), install.Removed)
	if b.body("codex", "pdf") != "" || b.body("claude-code", "pdf") == "" || agentsOf(b.locked("pdf")) != "claude-code goose" {
		t.Errorf("agents are %s", agentsOf(b.locked("pdf")))
	}
	b.one(b.remove(install.Options{Agents: []string{"codex"}}, "pdf"), install.Unchanged)
	b.sound()
	b.one(b.remove(install.Options{}, "pdf"), install.Removed)
	failsAs[*install.UnknownError](t, b.remove(install.Options{}, "pdf")[0])
}

func TestYanked(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0", "2.0.0")
	b.one(b.install(install.Options{}, "pdf@2.0.0"), install.Installed)
	b.shelf.skills["pdf"][1].yanked = true
	b.one(b.restore(), install.Unchanged)
	if err := os.RemoveAll(filepath.Join(b.root, "claude-code")); err != nil {
		t.Fatal(err)
	}
	b.one(b.restore(), install.Installed)
	c := newBench(t)
	c.shelf = b.shelf
	if got := c.one(c.install(install.Options{}, "pdf"), install.Installed); got.Version != "1.0.0" {
		t.Errorf("a yanked version was chosen anew: %s", got.Version)
	}
}

func TestSameVersionOtherBytes(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.one(b.install(install.Options{}, "pdf"), install.Installed)
	b.one(b.remove(install.Options{}, "pdf"), install.Removed)
	b.shelf.skills["pdf"][0].files["SKILL.md"] = skillText("pdf", "tampered")
	e := failsAs[*install.VersionBytesError](t, b.install(install.Options{}, "pdf")[0])
	if e.Version != "1.0.0" || e.Have == e.Got || b.body("claude-code", "pdf") != "" {
		t.Errorf("%v", e)
	}
}

func TestUnversioned(t *testing.T) {
	b := newBench(t)
	b.shelf.put("pdf", "", map[string]string{"SKILL.md": skillText("pdf", "old")})
	got := b.one(b.install(install.Options{}, "pdf"), install.Installed)
	if !strings.HasPrefix(got.Version, "0.0.0-t") {
		t.Errorf("version is %s", got.Version)
	}
	b.one(b.update(), install.Unchanged)
	b.shelf.skills["pdf"][0].files["SKILL.md"] = skillText("pdf", "new")
	status, err := b.Outdated(t.Context(), nil)
	if err != nil || len(status) != 1 || status[0].State != install.Outdated {
		t.Fatalf("outdated says %+v, %v", status, err)
	}
	next := b.one(b.update(), install.Updated)
	if next.From != got.Version || next.Version == got.Version || b.body("claude-code", "pdf") != "new" {
		t.Errorf("got %+v", next)
	}
	// The lock names the old tree, and no one has it any more.
	b.shelf.skills["pdf"][0].files["SKILL.md"] = skillText("pdf", "newer")
	if err := errors.Join(os.RemoveAll(filepath.Join(b.root, "claude-code")), os.RemoveAll(b.Store.Dir())); err != nil {
		t.Fatal(err)
	}
	if got := b.restore()[0]; got.Action != install.Failed {
		t.Errorf("another tree was restored: %+v", got)
	}
}

func TestOffline(t *testing.T) {
	b := newBench(t)
	b.shelf.put("pdf", "", map[string]string{"SKILL.md": skillText("pdf", "kept")})
	b.publish("notes", "1.0.0")
	b.one(b.install(install.Options{}, "pdf"), install.Installed)
	b.shelf.offline = true
	if err := os.RemoveAll(filepath.Join(b.root, "claude-code")); err != nil {
		t.Fatal(err)
	}
	b.one(b.restore(), install.Installed)
	b.one(b.remove(install.Options{}, "pdf"), install.Removed)
	b.one(b.install(install.Options{}, "pdf"), install.Installed)
	if got := b.update()[0]; !errors.Is(got.Err, transport.ErrOffline) {
		t.Errorf("update without a network says %s, %v", got.Action, got.Err)
	}
	if got := b.install(install.Options{}, "notes")[0]; !errors.Is(got.Err, transport.ErrOffline) {
		t.Errorf("error is %v", got.Err)
	}
}

func TestNames(t *testing.T) {
	b := newBench(t)
	b.shelf.put("bad-name", "1.0.0", map[string]string{"SKILL.md": skillText("Bad Name", "body")})
	b.shelf.put("Bad_Slug", "1.0.0", map[string]string{"SKILL.md": skillText("Bad Name", "body")})
	b.shelf.put("long-slug", "1.0.0", map[string]string{"SKILL.md": skillText("short", "body")})
	if got := b.one(b.install(install.Options{}, "bad-name"), install.Installed); got.Name != "bad-name" {
		t.Errorf("name is %s", got.Name)
	}
	failsAs[*install.NameError](t, b.install(install.Options{}, "Bad_Slug")[0])
	if got := b.one(b.install(install.Options{}, "long-slug"), install.Installed); got.Name != "short" {
		t.Errorf("name is %s", got.Name)
	}
	if got := b.install(install.Options{}, "nowhere")[0]; !errors.Is(got.Err, source.ErrNotFound) {
		t.Errorf("error is %v", got.Err)
	}
}

func TestHiddenText(t *testing.T) {
	b := newBench(t)
	b.shelf.put("pdf", "1.0.0", map[string]string{"SKILL.md": skillText("pdf", "body"), "notes.md": "see \U000E0049\U000E0047"})
	e := failsAs[*install.HiddenTextError](t, b.install(install.Options{}, "pdf")[0])
	if e.File != "notes.md" || b.body("claude-code", "pdf") != "" {
		t.Errorf("%v", e)
	}
	got := b.one(b.install(install.Options{AllowHiddenText: true}, "pdf"), install.Installed)
	if len(got.Warnings) == 0 {
		t.Error("no warning tells of the hidden text")
	}
}

func TestNothingToRestore(t *testing.T) {
	b := newBench(t)
	if _, err := b.PlanRestore(t.Context(), install.Options{}); !errors.Is(err, install.ErrNoLock) {
		t.Errorf("error is %v", err)
	}
}
