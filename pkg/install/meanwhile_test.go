package install_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
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

// update2 installs one version of a skill for some agents, publishes the next, and
// lets something happen while that is put in place.
func (b *bench) update2(o install.Options, agents []string, f func(other *bench)) install.Outcome {
	b.t.Helper()
	b.shelf.put("pdf", "1.0.0", map[string]string{"SKILL.md": skillText("pdf", "body 1.0.0"), "lines.md": "one\ntwo\nthree\nfour\n"})
	b.one(b.install(install.Options{Agents: agents}, "pdf"), install.Installed)
	b.shelf.put("pdf", "2.0.0", map[string]string{"SKILL.md": skillText("pdf", "body 2.0.0"), "lines.md": "one\ntwo\nthree\nFOUR\n"})
	if o.OnEdit == install.MergeOnEdit {
		b.write("claude-code/skills/pdf/lines.md", "ONE\ntwo\nthree\nfour\n")
	}
	b.meanwhile(f)
	p, err := b.PlanUpdate(b.t.Context(), nil, o)
	return b.apply(p, err)[0]
}

func (b *bench) write(below, text string) {
	b.t.Helper()
	path := filepath.Join(b.root, below)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) read(below string) string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.root, below))
	if err != nil {
		return ""
	}
	return string(data)
}

func TestDisabledMeanwhile(t *testing.T) {
	b := newBench(t)
	got := b.update2(install.Options{}, nil, func(other *bench) {
		other.apply(other.PlanDisable(t.Context(), []string{"pdf"}, install.Options{}))
	})
	if !errors.Is(got.Err, install.ErrMoved) {
		t.Errorf("update of what was disabled: %+v", got)
	}
	if b.body("claude-code", "pdf") != "" {
		t.Error("a disabled skill came back")
	}
}

func TestPinnedMeanwhile(t *testing.T) {
	b := newBench(t)
	got := b.update2(install.Options{}, nil, func(other *bench) {
		if _, err := other.Pin(t.Context(), []string{"pdf"}, "mine", install.Options{}); err != nil {
			t.Error(err)
		}
	})
	failsAs[*install.PinnedError](t, got)
	if b.body("claude-code", "pdf") != "body 1.0.0" || b.locked("pdf").Pin == nil {
		t.Error("a pinned skill was updated")
	}
	b.sound()
}

// What was merged has the edits of a folder that another process has replaced.
func TestOverwrittenWhileItIsMerged(t *testing.T) {
	b := newBench(t)
	got := b.update2(install.Options{OnEdit: install.MergeOnEdit}, nil, func(other *bench) {
		other.apply(other.PlanUpdate(t.Context(), nil, install.Options{OnEdit: install.OverwriteOnEdit}))
	})
	if !errors.Is(got.Err, install.ErrMoved) {
		t.Errorf("update of what was updated: %+v", got)
	}
	if text := b.read("claude-code/skills/pdf/lines.md"); strings.Contains(text, "ONE") {
		t.Errorf("edits that were overwritten are back: %q", text)
	}
	b.sound()
}

func TestEditedAgainWhileItIsMerged(t *testing.T) {
	b := newBench(t)
	got := b.update2(install.Options{OnEdit: install.MergeOnEdit}, nil, func(other *bench) {
		other.write("claude-code/skills/pdf/lines.md", "ONE!\ntwo\nthree\nfour\n")
	})
	if !errors.Is(got.Err, install.ErrMoved) || b.read("claude-code/skills/pdf/lines.md") != "ONE!\ntwo\nthree\nfour\n" {
		t.Errorf("update of what was edited again: %+v, and %q", got, b.read("claude-code/skills/pdf/lines.md"))
	}
}

// The folder of an agent that comes in meanwhile must not get the edits of another.
func TestOtherAgentWhileItIsMerged(t *testing.T) {
	b := newBench(t)
	got := b.update2(install.Options{OnEdit: install.MergeOnEdit}, nil, func(other *bench) {
		other.install(install.Options{Agents: []string{"codex"}, OnEdit: install.KeepOnEdit}, "pdf@1.0.0")
		other.install(install.Options{Agents: []string{"codex"}, OnEdit: install.MergeOnEdit}, "pdf@1.0.0")
	})
	if text := b.read("codex/skills/pdf/lines.md"); strings.Contains(text, "ONE") {
		t.Errorf("the other agent got edits: %q", text)
	}
	if text := b.read("claude-code/skills/pdf/lines.md"); !strings.HasPrefix(text, "ONE\n") {
		t.Errorf("the edits are gone: %q, %+v", text, got)
	}
}

func TestRemovedTwice(t *testing.T) {
	for name, o := range map[string]install.Options{"copies": {Agents: []string{"claude-code", "codex"}}, "links": {Agents: []string{"claude-code", "codex"}, Link: true}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.publish("pdf", "1.0.0")
			b.one(b.install(o, "pdf"), install.Installed)
			b.meanwhile(func(other *bench) {
				other.remove(install.Options{}, "pdf")
				other.write("claude-code/skills/pdf/SKILL.md", "mine")
				other.write("codex/skills/pdf/SKILL.md", "mine")
			})
			b.remove(install.Options{}, "pdf")
			for _, path := range []string{"claude-code/skills/pdf/SKILL.md", "codex/skills/pdf/SKILL.md"} {
				if b.read(path) != "mine" {
					t.Errorf("%s was touched", path)
				}
			}
		})
	}
}

// A frozen restore follows the lock that there is when it is done.
func TestLockChangesWhileItIsRestored(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.one(b.install(install.Options{Agents: []string{"claude-code", "codex"}}, "pdf"), install.Installed)
	for _, agent := range []string{"claude-code", "codex"} {
		if err := os.RemoveAll(filepath.Join(b.root, agent, "skills", "pdf")); err != nil {
			t.Fatal(err)
		}
	}
	b.meanwhile(func(other *bench) { other.remove(install.Options{Agents: []string{"codex"}}, "pdf") })
	p, err := b.PlanFrozen(t.Context(), install.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Apply(t.Context(), p); !errors.Is(err, install.ErrMoved) {
		t.Errorf("Apply = %v, want ErrMoved", err)
	}
	if b.body("codex", "pdf") != "" {
		t.Error("the skill is where the lock does not have it any more")
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
