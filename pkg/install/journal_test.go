package install_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/openskills-go/skills/pkg/install"
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
