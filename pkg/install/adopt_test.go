package install_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/transport"
)

// put writes a skill where an agent reads, as anyone might, and returns its folder.
func (b *bench) put(agent, name string, files map[string]string) string {
	b.t.Helper()
	dir := filepath.Join(b.root, agent, "skills", name)
	for path, text := range files {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			b.t.Fatal(err)
		}
	}
	return dir
}

func (b *bench) adopt(o install.Options, adoptions ...install.Adoption) []install.Outcome {
	b.t.Helper()
	p, err := b.PlanAdopt(b.t.Context(), adoptions, o)
	return b.apply(p, err)
}

func skillOf(name, body string) map[string]string {
	return map[string]string{"SKILL.md": skillText(name, body)}
}

// Which versions are tried is bounded: the newest first, and before them the one
// that somebody noted down.
func TestAdoptTriesVersions(t *testing.T) {
	for _, test := range []struct {
		body, hint string
		want       string // "" is a ChangedError
		fetched    int64
	}{
		{"body 1.29.0", "", "1.29.0", 1},
		{"body 1.28.0", "", "1.28.0", 2},
		{"body 1.10.0", "", "1.10.0", 20},
		{"body 1.9.0", "", "", 20},
		{"body 1.9.0", "1.9.0", "1.9.0", 2},
		{"body 1.9.0", "9.9.9", "", 20},
		{"none of them", "", "", 20},
	} {
		b := newBench(t)
		for i := range 30 {
			b.publish("pdf", fmt.Sprintf("1.%d.0", i))
		}
		dir := b.put("claude-code", "pdf", skillOf("pdf", test.body))
		got := b.adopt(install.Options{}, install.Adoption{Dir: dir, Version: test.hint})
		if test.want == "" {
			changed := failsAs[*install.ChangedError](t, got[0])
			if changed.Version != "1.29.0" || !slices.Equal(changed.Changes.Changed, []string{"SKILL.md"}) {
				t.Errorf("%s: %+v", test.body, changed)
			}
		} else if o := b.one(got, install.Adopted); o.Version != test.want {
			t.Errorf("%s is taken for %s", test.body, o.Version)
		} else {
			b.sound()
		}
		if n := b.shelf.asked.Load(); n != 2*test.fetched { // Resolve and Fetch
			t.Errorf("%s: the registry was asked %d times, want %d", test.body, n, 2*test.fetched)
		}
	}
}

// A query says which versions may be meant, and is kept.
func TestAdoptFrom(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0", "1.1.0", "2.0.0")
	dir := b.put("claude-code", "pdf", skillOf("pdf", "body 1.0.0"))
	o := b.adopt(install.Options{}, install.Adoption{Dir: dir, From: wants(t, "pdf@^2")[0]})
	if changed := failsAs[*install.ChangedError](t, o[0]); changed.Version != "2.0.0" {
		t.Errorf("within ^2 it is compared with %s", changed.Version)
	}
	b.one(b.adopt(install.Options{}, install.Adoption{Dir: dir, From: wants(t, "pdf@^1")[0]}), install.Adopted)
	if l := b.locked("pdf"); l.Ref != "pdf@^1" || l.Version != "1.0.0" || l.Registry != home || agentsOf(l) != "claude-code" {
		t.Errorf("locked is %+v", l)
	}
	if o := b.one(b.update(), install.Updated); o.Version != "1.1.0" {
		t.Errorf("updated to %s", o.Version)
	}
	// It is in the lock from somewhere else than is said now.
	o = b.adopt(install.Options{}, install.Adoption{Dir: dir, From: wants(t, "other:pdf")[0]})
	failsAs[*install.LockedError](t, o[0])
	b.one(b.adopt(install.Options{}, install.Adoption{Dir: dir, From: wants(t, "pdf")[0]}), install.Unchanged)
}

// A slug is looked up in one registry. That another one has it says nothing.
func TestAdoptAsksOneRegistry(t *testing.T) {
	b := newBench(t)
	b.other.put("pdf", "1.0.0", skillOf("pdf", "mine"))
	dir := b.put("claude-code", "pdf", skillOf("pdf", "mine"))
	b.one(b.adopt(install.Options{}, install.Adoption{Dir: dir}), install.Adopted)
	if l := b.locked("pdf"); l.Registry != "" || l.URL != dir || b.other.asked.Load() != 0 {
		t.Errorf("locked is %+v, and the other registry was asked %d times", l, b.other.asked.Load())
	}
}

// That a registry cannot be asked never makes a skill one of its own, not even if
// that happens after its newest version came.
func TestAdoptUnreachable(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.shelf.offline = true
	dir := b.put("claude-code", "pdf", skillOf("pdf", "body 1.0.0"))
	o := b.adopt(install.Options{OnEdit: install.KeepOnEdit}, install.Adoption{Dir: dir})
	if o[0].Action != install.Failed || !errors.Is(o[0].Err, transport.ErrOffline) {
		t.Errorf("outcome is %s, %v", o[0].Action, o[0].Err)
	}
	if _, err := os.Stat(b.Scope.Lock); err == nil {
		t.Error("there is a lock")
	}
}

// The plan is made without the scope's lock: what changed meanwhile is not recorded
// by what was seen before.
func TestAdoptMeanwhile(t *testing.T) {
	for name, meanwhile := range map[string]func(b *bench, dir string){
		"edited":  func(b *bench, _ string) { b.put("claude-code", "pdf", skillOf("pdf", "edited")) },
		"removed": func(b *bench, dir string) { b.delete(dir) },
		"adopted": func(b *bench, dir string) {
			e := b.engine()
			p, err := e.PlanAdopt(b.t.Context(), []install.Adoption{{Dir: dir, Local: true}}, install.Options{})
			if err != nil {
				b.t.Fatal(err)
			}
			if _, err := e.Apply(b.t.Context(), p); err != nil {
				b.t.Fatal(err)
			}
		},
	} {
		b := newBench(t)
		b.publish("pdf", "1.0.0")
		dir := b.put("claude-code", "pdf", skillOf("pdf", "body 1.0.0"))
		p, err := b.PlanAdopt(t.Context(), []install.Adoption{{Dir: dir}}, install.Options{})
		if err != nil {
			t.Fatal(err)
		}
		meanwhile(b, dir)
		r, err := b.Apply(t.Context(), p)
		if err != nil || !errors.Is(r.Outcomes[0].Err, install.ErrMoved) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if _, err := os.Stat(b.journal()); err == nil {
			t.Errorf("%s: the journal is still there", name)
		}
	}
}

func (b *bench) delete(dir string) {
	if err := os.RemoveAll(dir); err != nil {
		b.t.Fatal(err)
	}
}

// Folders of one name are one skill if they hold the same, whatever they were.
func TestAdoptFoldersOfOneName(t *testing.T) {
	b := newBench(t)
	one := b.put("claude-code", "own", skillOf("own", "mine"))
	two := b.put("codex", "own", skillOf("own", "mine"))
	other := b.put("roo", "own", skillOf("own", "another"))
	b.Known = []string{"codex", "roo"}
	o := b.adopt(install.Options{}, install.Adoption{Dir: one}, install.Adoption{Dir: two}, install.Adoption{Dir: other}, install.Adoption{Dir: one})
	if o[0].Action != install.Adopted || o[1].Action != install.Adopted || o[3].Action != install.Unchanged {
		t.Errorf("outcomes are %s, %s, %s", o[0].Action, o[1].Action, o[3].Action)
	}
	failsAs[*install.LockedError](t, o[2])
	if l := b.locked("own"); agentsOf(l) != "claude-code codex" {
		t.Errorf("locked is %+v", l)
	}
	b.sound()
	manifest, err := os.ReadFile(b.Scope.Manifest)
	if err != nil || strings.Count(string(manifest), "own") != 2 { // the name, and the end of the path
		t.Errorf("the manifest is %s, %v", manifest, err)
	}
	// What is edited where it comes from is the new version, and the other places lag.
	b.put("claude-code", "own", skillOf("own", "edited"))
	if o := b.one(b.adopt(install.Options{}, install.Adoption{Dir: one}), install.Updated); len(o.Warnings) != 1 || !strings.Contains(o.Warnings[0], two) {
		t.Errorf("warnings are %q", o.Warnings)
	}
	p, err := b.PlanRestore(t.Context(), install.Options{OnEdit: install.OverwriteOnEdit})
	b.one(b.apply(p, err), install.Installed)
	b.sound()
	if b.body("codex", "own") != "edited" {
		t.Error("the other place did not follow")
	}
	// A place with other files than the lock names is none of it.
	b.Known = []string{"codex", "roo"}
	failsAs[*install.LockedError](t, b.adopt(install.Options{}, install.Adoption{Dir: other})[0])
}

// What a killed process was about to record is recorded by the next one, if the
// folder is still as it was.
func TestAdoptIsFinishedFromTheJournal(t *testing.T) {
	for _, edited := range []bool{false, true} {
		b := newBench(t)
		dir := b.put("claude-code", "own", skillOf("own", "mine"))
		b.one(b.adopt(install.Options{}, install.Adoption{Dir: dir}), install.Adopted)
		lock, err := os.ReadFile(b.Scope.Lock)
		if err != nil {
			t.Fatal(err)
		}
		tree := b.locked("own").Tree
		if err := errors.Join(os.Remove(b.Scope.Lock), os.Remove(b.Scope.Manifest)); err != nil {
			t.Fatal(err)
		}
		b.writeJournal(map[string]any{"lock": json.RawMessage(lock), "steps": []any{map[string]any{
			"name": "own", "agents": []string{"claude-code"}, "listed": dir,
			"spots": []any{map[string]any{"path": dir, "before": tree, "after": tree}},
		}}})
		if edited {
			b.put("claude-code", "own", skillOf("own", "edited"))
		}
		entries, err := b.List(t.Context())
		if err != nil || len(entries) != 1 && !edited || len(entries) != 0 && edited {
			t.Errorf("edited %v: %+v, %v", edited, entries, err)
		}
		if _, err := lockfile.Load(b.Scope.Lock); err != nil && !edited {
			t.Error(err)
		}
	}
}
