package install_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/manifest"
)

var both = install.Options{Agents: []string{"claude-code", "codex"}}

func (b *bench) fix(o install.Options, names ...string) []install.Outcome {
	b.t.Helper()
	p, err := b.PlanFix(b.t.Context(), names, o)
	return b.apply(p, err)
}

func (b *bench) prune(o install.Options) []install.Outcome {
	b.t.Helper()
	p, err := b.PlanPrune(b.t.Context(), o)
	return b.apply(p, err)
}

func (b *bench) skill(agent, name string) string {
	return filepath.Join(b.root, agent, "skills", name)
}

// edit writes over a skill as its user would.
func (b *bench) edit(agent, name, body string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.skill(agent, name), "SKILL.md"), []byte(skillText(name, body)), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// unlist takes a skill out of the manifest as an editor would.
func (b *bench) unlist(names ...string) {
	b.t.Helper()
	m, err := manifest.Load(b.Scope.Manifest)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, n := range names {
		if err := m.Remove(n); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := os.WriteFile(b.Scope.Manifest, m.Bytes(), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func TestFixOffline(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0", "2.0.0")
	b.install(both, "pdf@1.0.0")
	if err := os.RemoveAll(b.skill("codex", "pdf")); err != nil {
		t.Fatal(err)
	}
	b.shelf.offline = true
	asked := b.shelf.asked.Load()
	b.one(b.fix(install.Options{}), install.Installed)
	if b.body("codex", "pdf") != "body 1.0.0" {
		t.Errorf("codex has %q", b.body("codex", "pdf"))
	}
	if n := b.shelf.asked.Load() - asked; n > 0 {
		t.Errorf("the registry was asked %d times", n)
	}
	b.one(b.fix(install.Options{}), install.Unchanged)
	b.sound()
}

// What is missing comes back, though what was changed elsewhere stays.
func TestFixOfOneFolder(t *testing.T) {
	for name, o := range map[string]install.Options{"fail": {}, "keep": {OnEdit: install.KeepOnEdit}} {
		b := newBench(t)
		b.publish("pdf", "1.0.0")
		b.install(both, "pdf")
		before := b.locked("pdf")
		b.edit("claude-code", "pdf", "mine")
		if err := os.RemoveAll(b.skill("codex", "pdf")); err != nil {
			t.Fatal(err)
		}
		got := b.one(b.fix(o), install.Installed)
		if b.body("claude-code", "pdf") != "mine" || b.body("codex", "pdf") != "body 1.0.0" {
			t.Errorf("%s: claude-code has %q, codex %q", name, b.body("claude-code", "pdf"), b.body("codex", "pdf"))
		}
		if len(got.Targets) != 1 || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "stays") {
			t.Errorf("%s: %+v", name, got)
		}
		if !b.locked("pdf").Equal(before) {
			t.Errorf("%s: the lock moved: %+v", name, b.locked("pdf"))
		}
		failsAs[*install.EditedError](t, b.fix(o)[0])
	}
}

func TestFixOverwritesWithABackup(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.install(both, "pdf")
	b.edit("claude-code", "pdf", "mine")
	if err := os.RemoveAll(b.skill("codex", "pdf")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(b.root, b.skill("codex", "pdf")); err != nil {
		t.Fatal(err)
	}
	// One flag is for one folder, and names of agents are for none.
	got := b.one(b.fix(install.Options{OnEdit: install.OverwriteOnEdit, Agents: []string{"cursor"}}), install.Installed)
	if len(got.Backups) != 1 || len(got.Warnings) != 1 || b.body("claude-code", "pdf") != "body 1.0.0" {
		t.Errorf("%+v", got)
	}
	failsAs[*install.NotOursError](t, b.fix(install.Options{OnEdit: install.OverwriteOnEdit})[0])
	if got := b.one(b.fix(install.Options{Replace: true}), install.Installed); len(got.Backups) != 1 {
		t.Errorf("backups are %q", got.Backups)
	}
	b.sound()
	if agents := agentsOf(b.locked("pdf")); agents != "claude-code codex" {
		t.Errorf("agents are %s", agents)
	}
}

func TestFixOfLinks(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	linked := both
	linked.Link = true
	b.install(linked, "pdf")
	link := b.skill("codex", "pdf")
	for name, change := range map[string]func() error{
		"the copy is gone": func() error { return os.RemoveAll(b.skill("claude-code", "pdf")) },
		"the link is gone": func() error { return os.Remove(link) },
		"the link dangles": func() error { return errors.Join(os.Remove(link), os.Symlink("/nowhere/skills/pdf", link)) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		b.one(b.fix(install.Options{}), install.Installed)
		if to, err := os.Readlink(link); err != nil || to != b.skill("claude-code", "pdf") {
			t.Errorf("%s: the link leads to %q, %v", name, to, err)
		}
		b.sound()
	}
	// One that leads somewhere is somebody's.
	if err := errors.Join(os.Remove(link), os.Symlink(b.root, link)); err != nil {
		t.Fatal(err)
	}
	failsAs[*install.NotOursError](t, b.fix(install.Options{})[0])
	if to, _ := os.Readlink(link); to != b.root {
		t.Errorf("the link was touched: %q", to)
	}
}

func TestPrune(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.publish("notes", "1.0.0")
	b.publish("edited", "1.0.0")
	b.install(both, "pdf", "notes", "edited")
	if got := b.prune(install.Options{}); len(got) > 0 {
		t.Errorf("all are wanted, and yet %+v", got)
	}
	b.unlist("pdf", "edited")
	b.edit("codex", "edited", "mine")
	got := b.prune(both)
	if len(got) != 2 || got[1].Action != install.Removed || got[1].Name != "pdf" {
		t.Fatalf("outcomes are %+v", got)
	}
	failsAs[*install.EditedError](t, got[0])
	if b.body("codex", "pdf")+b.body("claude-code", "pdf") != "" || b.body("codex", "edited") != "mine" || b.body("codex", "notes") == "" {
		t.Error("what was removed is not what was to be")
	}
	overwrite := install.Options{OnEdit: install.OverwriteOnEdit}
	if gone := b.one(b.prune(overwrite), install.Removed); len(gone.Backups) != 1 {
		t.Errorf("backups are %q", gone.Backups)
	}
	b.sound()
}

// No manifest is not one that wants nothing.
func TestPruneWithoutManifest(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.install(both, "pdf")
	if err := os.Remove(b.Scope.Manifest); err != nil {
		t.Fatal(err)
	}
	if _, err := b.PlanPrune(t.Context(), install.Options{}); !errors.Is(err, install.ErrNoManifest) {
		t.Errorf("PlanPrune = %v", err)
	}
	b.sound()
}

// What somebody asks for while it is about to be pruned stays.
func TestPruneOfWhatIsWantedMeanwhile(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.install(both, "pdf")
	b.unlist("pdf")
	p, err := b.PlanPrune(t.Context(), install.Options{})
	if err != nil {
		t.Fatal(err)
	}
	other := *b
	other.Engine = b.engine()
	other.install(install.Options{}, "pdf")
	if got := b.apply(p, nil)[0]; !errors.Is(got.Err, install.ErrMoved) {
		t.Errorf("outcome is %+v", got)
	}
	b.sound()
	if b.body("codex", "pdf") == "" {
		t.Error("it is gone")
	}
}
