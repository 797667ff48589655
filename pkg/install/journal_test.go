package install_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/tree"
)

// A journal that cannot be carried out, because someone removed the staging
// folder that it names, must not stand in the way for ever.
func TestJournalWithoutStaging(t *testing.T) {
	for _, remove := range []bool{true, false} {
		b := newBench(t)
		b.publish("pdf", "1.0.0")
		b.one(b.install(install.Options{}, "pdf"), install.Installed)
		tree := b.locked("pdf").Tree
		lock, err := os.ReadFile(b.Scope.Lock)
		if err != nil {
			t.Fatal(err)
		}
		b.writeJournal(map[string]any{"lock": json.RawMessage(lock), "steps": []any{map[string]any{
			"name": "pdf", "agents": []string{"claude-code"}, "remove": remove,
			"spots": []any{map[string]any{
				"path":   filepath.Join(b.root, "claude-code", "skills", "pdf"),
				"staged": filepath.Join(b.root, "claude-code", ".skills-staging-X", "new", "0"), "before": tree, "after": "h1:other",
			}},
		}}})
		b.sound()
		if _, err := os.Lstat(b.journal()); err == nil {
			t.Error("the journal is still there")
		}
	}
}

func TestJournalOfGarbage(t *testing.T) {
	for _, text := range []string{"", "null", "[]", "{", `{"steps":[{"name":"../x","spots":[{}]}]}`, `{"lock":{"lockVersion":1,"skills":{}},"steps":[{"name":"pdf","dirs":["../.."],"spots":[{"path":"/x"}]}]}`} {
		b := newBench(t)
		b.publish("pdf", "1.0.0")
		b.one(b.install(install.Options{}, "pdf"), install.Installed)
		if err := os.WriteFile(b.journal(), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if entries, err := b.List(t.Context()); err != nil || len(entries) != 1 {
			t.Errorf("with journal %q: %v, %v", text, entries, err)
		}
		b.sound()
	}
}

// A kill comes before anything moved, and then an edit: none of the skill's folders
// may get the new files, as the lock will not have them.
func TestEditedBeforeTheJournalIsFound(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.install(both, "pdf")
	before := b.locked("pdf")
	b.publish("pdf", "2.0.0")
	next := before
	next.Version, next.Tree = "2.0.0", "h1:new"
	var spots []any
	for _, agent := range []string{"claude-code", "codex"} {
		staged := filepath.Join(b.root, agent, ".skills-staging-X", "new", "0")
		if err := os.MkdirAll(staged, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(staged, "SKILL.md"), []byte(skillText("pdf", "body 2.0.0")), 0o644); err != nil {
			t.Fatal(err)
		}
		after, err := tree.Scan(t.Context(), staged)
		if err != nil {
			t.Fatal(err)
		}
		next.Tree = after.Digest()
		spots = append(spots, map[string]any{"path": b.skill(agent, "pdf"), "staged": staged, "before": before.Tree, "after": next.Tree})
	}
	lock := lockfile.New()
	if err := lock.Put(next); err != nil {
		t.Fatal(err)
	}
	b.writeJournal(map[string]any{"lock": json.RawMessage(lock.Bytes()), "steps": []any{map[string]any{
		"name": "pdf", "agents": []string{"claude-code", "codex"}, "spots": spots,
	}}})
	b.edit("codex", "pdf", "mine")
	if _, err := b.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.body("claude-code", "pdf") != "body 1.0.0" || b.body("codex", "pdf") != "mine" || b.locked("pdf").Version != "1.0.0" {
		t.Errorf("claude-code has %q, codex %q, the lock %s", b.body("claude-code", "pdf"), b.body("codex", "pdf"), b.locked("pdf").Version)
	}
}

// What a killed process was writing is no part of a project.
func TestHalfWrittenFilesAreSwept(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.install(both, "pdf")
	for _, path := range []string{b.Scope.Lock, b.Scope.Manifest, b.journal()} {
		if err := os.WriteFile(path+".tmp", []byte("{"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b.one(b.restore(), install.Unchanged)
	if left, err := filepath.Glob(filepath.Join(b.Scope.Root, "*.tmp")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
	if left, err := filepath.Glob(filepath.Join(b.Scope.Root, ".*.tmp")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

func (b *bench) journal() string { return filepath.Join(b.Scope.Root, ".skills-journal.json") }

func (b *bench) writeJournal(j any) {
	b.t.Helper()
	data, err := json.Marshal(j)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(b.journal(), data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
