package install_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/openskills-go/skills/pkg/install"
)

// meanwhile runs f in the moment between the staging of an Apply and its commit,
// as another process would.
func (b *bench) meanwhile(f func(other *bench)) {
	done := false
	b.OnEvent = func(ev install.Event) {
		if ev.Kind == install.Flushing && !done {
			done = true
			other := *b
			other.Engine = b.engine()
			f(&other)
		}
	}
}

func TestOtherAgentMeanwhile(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0", "2.0.0")
	b.meanwhile(func(other *bench) { other.install(install.Options{Agents: []string{"codex"}}, "pdf@1.0.0") })
	b.one(b.install(install.Options{}, "pdf@2.0.0"), install.Installed)
	if b.body("codex", "pdf") != "body 2.0.0" {
		t.Errorf("the other agent has %q", b.body("codex", "pdf"))
	}
	if got := agentsOf(b.locked("pdf")); got != "claude-code codex" {
		t.Errorf("agents are %s", got)
	}
	b.sound()
}

func TestRemovedMeanwhile(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.one(b.install(install.Options{}, "pdf"), install.Installed)
	b.publish("pdf", "2.0.0")
	b.meanwhile(func(other *bench) { other.remove(install.Options{}, "pdf") })
	if got := b.update()[0]; !errors.Is(got.Err, install.ErrMoved) {
		t.Errorf("update of what was removed: %+v", got)
	}
	if b.body("claude-code", "pdf") != "" {
		t.Error("a removed skill came back")
	}
}

func TestUpdatedMeanwhile(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.one(b.install(install.Options{}, "pdf"), install.Installed)
	b.publish("pdf", "2.0.0")
	if err := os.RemoveAll(filepath.Join(b.root, "claude-code", "skills", "pdf")); err != nil {
		t.Fatal(err)
	}
	b.meanwhile(func(other *bench) { other.update() })
	if got := b.restore()[0]; !errors.Is(got.Err, install.ErrMoved) {
		t.Errorf("restore of what was updated: %+v", got)
	}
	b.sound()
}

func TestRootGoneMeanwhile(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.meanwhile(func(*bench) {
		if err := os.Remove(filepath.Join(b.root, "claude-code", "skills")); err != nil {
			t.Error(err)
		}
	})
	b.one(b.install(install.Options{}, "pdf"), install.Installed)
	b.sound()
}

func TestFolderMadeMeanwhile(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	mine := filepath.Join(b.root, "claude-code", "skills", "pdf")
	b.meanwhile(func(*bench) {
		if err := os.MkdirAll(mine, 0o755); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(filepath.Join(mine, "SKILL.md"), []byte("x\n---\nmine"), 0o644); err != nil {
			t.Error(err)
		}
	})
	failsAs[*install.NotOursError](t, b.install(install.Options{}, "pdf")[0])
	if b.body("claude-code", "pdf") != "mine" {
		t.Error("it was touched")
	}
	if _, err := os.Stat(b.Scope.Lock); err == nil {
		t.Error("a lock of nothing was begun")
	}
}

// What is edited between the last look at a folder and its swap was in no one's
// plan: it must not go away with the old files.
func TestEditedJustBeforeTheSwap(t *testing.T) {
	for name, run := range map[string]func(*bench) []install.Outcome{
		"update": func(b *bench) []install.Outcome { return b.update() },
		"overwrite": func(b *bench) []install.Outcome {
			return b.updateWith(install.Options{OnEdit: install.OverwriteOnEdit})
		},
		"remove": func(b *bench) []install.Outcome { return b.remove(install.Options{}, "notes", "pdf") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.publish("notes", "1.0.0")
			b.publish("pdf", "1.0.0")
			b.install(both, "notes", "pdf")
			b.publish("notes", "2.0.0")
			b.publish("pdf", "2.0.0")
			b.OnEvent = func(ev install.Event) {
				if ev.Kind == install.Done && ev.Name == "notes" {
					b.edit("codex", "pdf", "mine") // pdf is the next that moves
				}
			}
			for _, got := range run(b) {
				if got.Name == "pdf" && !errors.Is(got.Err, install.ErrMoved) {
					t.Errorf("pdf: %+v", got)
				}
			}
			if b.body("codex", "pdf") != "mine" {
				t.Errorf("the edit is lost: codex has %q", b.body("codex", "pdf"))
			}
			if b.body("claude-code", "pdf") != "body 1.0.0" || b.locked("pdf").Version != "1.0.0" {
				t.Errorf("claude-code has %q, the lock %s", b.body("claude-code", "pdf"), b.locked("pdf").Version)
			}
		})
	}
}

// Somebody else's update is no edit, though lock and folder were read before and
// after it.
func TestVerifyWhileItIsUpdated(t *testing.T) {
	b := newBench(t)
	b.publish("notes", "1.0.0")
	b.publish("pdf", "1.0.0")
	b.install(both, "pdf", "notes")
	b.publish("pdf", "2.0.0")
	other := *b
	other.Engine = b.engine()
	ask := b.AgentDir
	b.AgentDir = func(agent string) (string, error) { // asked for once the lock was read
		if other.Engine != nil {
			e := other
			other.Engine = nil
			e.update()
		}
		return ask(agent)
	}
	b.sound()
}

func TestDisabledMeanwhile(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.install(both, "pdf")
	if err := os.RemoveAll(b.skill("codex", "pdf")); err != nil {
		t.Fatal(err)
	}
	b.meanwhile(func(other *bench) {
		p, err := other.PlanDisable(t.Context(), []string{"pdf"}, install.Options{})
		other.one(other.apply(p, err), install.Disabled)
	})
	if got := b.restore()[0]; !errors.Is(got.Err, install.ErrMoved) {
		t.Errorf("restore of what was disabled: %+v", got)
	}
	if b.body("codex", "pdf") != "" {
		t.Error("a disabled skill came back")
	}
}
