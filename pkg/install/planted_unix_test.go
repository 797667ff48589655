//go:build unix

package install_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/openskills-go/skills/pkg/install"
)

// A journal may come with a project, and be anything.
func TestJournalThatIsNoFile(t *testing.T) {
	for name, plant := range map[string]func(path string) error{
		"fifo":    func(path string) error { return syscall.Mkfifo(path, 0o644) },
		"endless": func(path string) error { return os.Symlink("/dev/zero", path) },
		"folder":  func(path string) error { return os.MkdirAll(filepath.Join(path, "full"), 0o755) },
		"large": func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, 1<<40))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.publish("pdf", "1.0.0")
			b.one(b.install(install.Options{}, "pdf"), install.Installed)
			if err := plant(b.journal()); err != nil {
				t.Fatal(err)
			}
			if _, err := b.List(t.Context()); err == nil || !strings.Contains(err.Error(), ".skills-journal.json") {
				t.Errorf("List = %v, want an error that names the journal", err)
			}
		})
	}
}

// The number of a generation in a journal leads to no other place in the history
// than the next.
func TestJournalWithANumber(t *testing.T) {
	for _, number := range []int{math.MinInt, -1, 0, 1, 2, 3, 4, 1000, math.MaxInt} {
		b := newBench(t)
		b.publish("pdf", "1.0.0")
		b.one(b.install(install.Options{}, "pdf"), install.Installed)
		b.publish("pdf", "2.0.0")
		b.one(b.update(), install.Updated)
		lock, err := os.ReadFile(b.Scope.Lock)
		if err != nil {
			t.Fatal(err)
		}
		pinned := strings.Replace(string(lock), `"ref"`, `"pin": {"reason": "planted"}, "ref"`, 1)
		b.writeJournal(map[string]any{
			"lock": json.RawMessage(pinned), "was": json.RawMessage(lock), "generation": number, "command": "pin",
			"steps": []any{map[string]any{"name": "pdf"}},
		})
		b.sound()
		all, err := b.Generations(t.Context())
		if err != nil || len(all) != 3 || all[2].Number != 3 || all[2].Command != "pin" {
			t.Errorf("generation %d: the history is %+v, %v", number, all, err)
		}
	}
}

// What a journal names as staging folders is swept only where a skill of the scope
// could have been staged.
func TestJournalSweepsNothingElse(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.one(b.install(install.Options{}, "pdf"), install.Installed)
	lock, err := os.ReadFile(b.Scope.Lock)
	if err != nil {
		t.Fatal(err)
	}
	victim := filepath.Join(b.root, "victim", ".skills-staging-X")
	linked := filepath.Join(b.root, "claude-code", ".skills-staging-L")
	for _, dir := range []string{victim, filepath.Join(b.root, "linked")} {
		for _, name := range []string{"lock", "owner", "mine"} {
			if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name), nil, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Symlink(filepath.Join(b.root, "linked"), linked); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(b.root, "claude-code", "skills", "pdf")
	for _, staged := range []string{filepath.Join(victim, "new", "0"), filepath.Join(linked, "new", "0")} {
		b.writeJournal(map[string]any{"lock": json.RawMessage(lock), "steps": []any{map[string]any{
			"name": "pdf", "agents": []string{"claude-code"},
			"spots": []any{map[string]any{"path": path, "staged": staged, "after": b.locked("pdf").Tree}},
		}}})
		b.sound()
	}
	for _, kept := range []string{filepath.Join(victim, "mine"), filepath.Join(b.root, "linked", "mine")} {
		if _, err := os.Lstat(kept); err != nil {
			t.Errorf("%s is gone", kept)
		}
	}
}

// odd puts something into the folder of an installed skill that no skill has.
func odd() map[string]func(dir string) error {
	return map[string]func(dir string) error{
		"fifo":          func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644) },
		"SKILL.md fifo": func(dir string) error { return replace(dir, func(p string) error { return syscall.Mkfifo(p, 0o644) }) },
		"SKILL.md link": func(dir string) error {
			return replace(dir, func(p string) error { return os.Symlink("/etc/passwd", p) })
		},
		"SKILL.md folder": func(dir string) error {
			return replace(dir, func(p string) error {
				return errors.Join(os.Mkdir(p, 0o755), os.WriteFile(filepath.Join(p, "x"), []byte("mine"), 0o644))
			})
		},
		"SKILL.md gone": func(dir string) error { return replace(dir, func(string) error { return nil }) },
		"SKILL.md broken": func(dir string) error {
			return replace(dir, func(p string) error { return os.WriteFile(p, []byte("no front matter"), 0o644) })
		},
		"link to a folder": func(dir string) error { return os.Symlink("/etc", filepath.Join(dir, "etc")) },
		"link to itself":   func(dir string) error { return os.Symlink(".", filepath.Join(dir, "self")) },
		"folder made link": func(dir string) error {
			return errors.Join(os.Rename(filepath.Join(dir, "sub"), dir+"-sub"), os.Symlink(dir+"-sub", filepath.Join(dir, "sub")))
		},
		"other case":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "skill.MD"), []byte("mine"), 0o644) },
		"file of a dir": func(dir string) error { return os.WriteFile(filepath.Join(dir, "later"), []byte("mine"), 0o644) },
		"dir of a file": func(dir string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, "extra"), 0o755), os.WriteFile(filepath.Join(dir, "extra", "x"), []byte("mine"), 0o644))
		},
		"line break": func(dir string) error { return os.WriteFile(filepath.Join(dir, "a\nb"), []byte("mine"), 0o644) },
	}
}

func replace(dir string, with func(path string) error) error {
	path := filepath.Join(dir, "SKILL.md")
	return errors.Join(os.Remove(path), with(path))
}

// Whatever stands in the folder of a skill, no command hangs, none follows a link out
// of it, and none but the one that backs up touches it.
func TestOddThingsInASkill(t *testing.T) {
	for name, put := range odd() {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			files := map[string]string{"SKILL.md": skillText("pdf", "body 1.0.0"), "sub/x.md": "x\n"}
			b.shelf.put("pdf", "1.0.0", files)
			b.one(b.install(install.Options{}, "pdf"), install.Installed)
			b.shelf.put("pdf", "2.0.0", map[string]string{
				"SKILL.md": skillText("pdf", "body 1.0.0"), "sub/x.md": "y\n", "later/x": "x", "extra": "x",
			})
			dir := filepath.Join(b.root, "claude-code", "skills", "pdf")
			if err := put(dir); err != nil {
				t.Fatal(err)
			}
			before := listing(t, b.root, "claude-code")
			if _, err := b.Diff(t.Context(), "pdf"); err != nil {
				t.Errorf("Diff: %v", err)
			}
			for _, o := range []install.OnEdit{install.FailOnEdit, install.MergeOnEdit, install.KeepOnEdit} {
				p, err := b.PlanUpdate(t.Context(), nil, install.Options{OnEdit: o})
				got := b.apply(p, err)[0]
				if got.Err == nil && got.Action != install.Skipped {
					t.Errorf("update, on edit %s: %+v", o, got)
				}
				if got := b.apply(b.PlanDisable(t.Context(), []string{"pdf"}, install.Options{OnEdit: o}))[0]; got.Err == nil && got.Action != install.Skipped {
					t.Errorf("disable, on edit %s: %+v", o, got)
				}
			}
			if after := listing(t, b.root, "claude-code"); after != before {
				t.Errorf("it was touched:\n%s\nbefore:\n%s", after, before)
			}
			p, err := b.PlanUpdate(t.Context(), nil, install.Options{OnEdit: install.OverwriteOnEdit})
			got := b.apply(p, err)[0]
			if strings.HasSuffix(name, "fifo") {
				if got.Err == nil {
					t.Error("what cannot be backed up was overwritten")
				}
				return
			}
			b.one([]install.Outcome{got}, install.Updated)
			b.sound()
		})
	}
}

// listing is what there is below a folder, without what is in it.
func listing(t *testing.T, root, below string) string {
	t.Helper()
	var text strings.Builder
	err := filepath.WalkDir(filepath.Join(root, below), func(path string, d os.DirEntry, err error) error {
		if err == nil {
			text.WriteString(path + " " + d.Type().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}
