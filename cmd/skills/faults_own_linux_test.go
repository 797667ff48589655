package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testNotOurs puts what people keep where a skill would go.
func testNotOurs(t *testing.T, program string) {
	for name, put := range map[string]func(s *scene, path string){
		"folder":        func(s *scene, path string) { s.write(filepath.Join(path, "SKILL.md"), "mine") },
		"empty folder":  func(s *scene, path string) { s.check(os.MkdirAll(path, 0o755)) },
		"file":          func(s *scene, path string) { s.write(path, "mine") },
		"link":          func(s *scene, path string) { s.link(s.home, path) },
		"dangling link": func(s *scene, path string) { s.link("nowhere", path) },
		"link to a skill": func(s *scene, path string) {
			s.link(filepath.Join(s.registry, "pdf", "1.0.0"), path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, program)
			s.publish("pdf", "1.0.0")
			there := filepath.Join(s.cwd, "try", "pdf")
			put(s, there)
			before, mine := s.marks(filepath.Dir(there)), s.contents(there)
			install := []string{"install", "pdf", "--registry", s.registry, "--dir", "try"}
			s.run(install...).is(2).says("--replace")
			s.run(append(install, "--yes")...).is(2)
			s.run(append(install, "--on-edit=overwrite")...).is(2)
			if after := s.marks(filepath.Dir(there)); after != before {
				t.Errorf("it was touched:\n%s\nbefore:\n%s", after, before)
			}
			s.clean(s.cwd)
			got := s.run(append(install, "--replace", "--json")...).is(0)
			backup := got.backup()
			if kept := s.contents(filepath.Join(backup, "pdf")); name != "folder" && name != "empty folder" && kept != mine {
				t.Errorf("the backup is\n%s\nwant\n%s", kept, mine)
			}
			if name == "folder" && !strings.Contains(s.contents(backup), "SKILL.md -rw-r--r-- 4 ") {
				t.Errorf("the backup is\n%s", s.contents(backup))
			}
			s.verified(1, "--dir", "try")
			if name == "link to a skill" && s.contents(filepath.Join(s.registry, "pdf", "1.0.0")) == "" {
				t.Error("what the link led to is gone")
			}
		})
	}
	t.Run("target is a link", func(t *testing.T) {
		s := newScene(t, program)
		s.publish("pdf", "1.0.0")
		s.check(os.MkdirAll(filepath.Join(s.cwd, "real", "skills"), 0o755))
		s.link(filepath.Join("real", "skills"), filepath.Join(s.cwd, "try"))
		s.run("install", "pdf", "--registry", s.registry, "--dir", "try").is(0)
		s.verified(1, "--dir", "try")
		if s.contents(filepath.Join(s.cwd, "real", "skills", "pdf")) == "" {
			t.Error("nothing is where the link leads")
		}
	})
}

func (s *scene) link(to, path string) {
	s.t.Helper()
	s.check(os.MkdirAll(filepath.Dir(path), 0o755))
	s.check(os.Symlink(to, path))
}

// backup returns the path of the only backup that an envelope tells.
func (o outcome) backup() string {
	o.t.Helper()
	var envelope struct {
		Result struct {
			Skills []struct {
				Backups []string `json:"backups"`
			} `json:"skills"`
		} `json:"result"`
	}
	if err := json.Unmarshal([]byte(o.stdout), &envelope); err != nil {
		o.t.Fatal(err)
	}
	if len(envelope.Result.Skills) != 1 || len(envelope.Result.Skills[0].Backups) != 1 {
		o.t.Fatalf("there is not one backup: %s", o.stdout)
	}
	return envelope.Result.Skills[0].Backups[0]
}

// testEdited changes an installed skill in every way, and then updates and
// removes it.
func testEdited(t *testing.T, program string) {
	for name, edit := range map[string]func(s *scene, dir string){
		"changed":      func(s *scene, dir string) { s.write(filepath.Join(dir, "SKILL.md"), "mine") },
		"added":        func(s *scene, dir string) { s.write(filepath.Join(dir, "notes", "mine.md"), "mine") },
		"deleted":      func(s *scene, dir string) { s.removeAll(filepath.Join(dir, "SKILL.md")) },
		"link added":   func(s *scene, dir string) { s.link("/etc/passwd", filepath.Join(dir, "passwd")) },
		"made a link":  func(s *scene, dir string) { s.check(os.Rename(dir, dir+"-mine")); s.link(dir+"-mine", dir) },
		"made a file":  func(s *scene, dir string) { s.removeAll(dir); s.write(dir, "mine") },
		"hidden added": func(s *scene, dir string) { s.write(filepath.Join(dir, ".env"), "mine") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, program)
			s.publish("pdf", "1.0.0")
			s.run("install", "pdf", "--registry", s.registry, "--dir", "try").is(0)
			s.publish("pdf", "2.0.0")
			dir := filepath.Join(s.cwd, "try", "pdf")
			edit(s, dir)
			before, mine := s.marks(s.cwd), s.contents(dir)
			ours := !strings.HasPrefix(name, "made")
			added := name == "added" || name == "hidden added" // which is in nobody's way
			for _, args := range [][]string{
				{"update", "--dir", "try"}, {"update", "--dir", "try", "--yes"}, {"install", "--dir", "try"},
			} {
				if added {
					args = append(args, "--dry-run")
					s.run(args...).is(0)
					continue
				}
				s.run(args...).is(2)
			}
			s.run("verify", "--dir", "try").is(7)
			if ours {
				if !added {
					s.run("remove", "pdf", "--dir", "try").is(2)
				}
				s.run("update", "--dir", "try", "--on-edit=keep").is(0)
			}
			if after := s.marks(s.cwd); after != before {
				t.Errorf("it was touched:\n%s\nbefore:\n%s", after, before)
			}
			if !ours {
				// It is none of our business any more what stands there.
				s.run("remove", "pdf", "--dir", "try").is(0).says("stays")
				if s.contents(dir) != mine {
					t.Errorf("it was touched:\n%s\nbefore:\n%s", s.contents(dir), mine)
				}
				return
			}
			updated := s.run("update", "--dir", "try", "--on-edit=overwrite", "--json").is(0)
			if kept := s.bare(updated.backup()); kept != bareOf(mine) {
				t.Errorf("the backup is\n%s\nwant\n%s", kept, bareOf(mine))
			}
			s.verified(1, "--dir", "try")
			edit(s, dir)
			mine = s.contents(dir)
			removed := s.run("remove", "pdf", "--dir", "try", "--on-edit=overwrite", "--json").is(0)
			if kept := s.bare(removed.backup()); kept != bareOf(mine) {
				t.Errorf("the backup is\n%s\nwant\n%s", kept, bareOf(mine))
			}
			if s.contents(dir) != "" {
				t.Error("it is still there")
			}
		})
	}
}

// bare is contents without the folder itself, whose mode is its own.
func (s *scene) bare(dir string) string { return bareOf(s.contents(dir)) }

func bareOf(contents string) string {
	_, rest, _ := strings.Cut(contents, "\n")
	return rest
}

// testRemoveInside asks to remove what is not within the target.
func testRemoveInside(t *testing.T, program string) {
	s := newScene(t, program)
	s.publish("pdf", "1.0.0")
	s.run("install", "pdf", "--registry", s.registry, "--dir", "skills").is(0)
	for _, path := range []string{"skills-sibling/a", "x/a", "skills/foreign/SKILL.md"} {
		s.write(filepath.Join(s.cwd, path), "mine")
	}
	before := s.marks(s.cwd)
	for _, name := range []string{"../x", "skills-sibling", "..", ".", "", "/", "foreign", "pdf/../foreign", "pdf/", "./pdf", "../skills/pdf", s.cwd + "/x", "skills.lock", "PDF"} {
		got := s.run("remove", name, "--dir", "skills")
		if got.code != 5 && got.code != 2 {
			t.Errorf("remove %q: exit code %d\n%s", name, got.code, got.stderr)
		}
	}
	if after := s.marks(s.cwd); after != before {
		t.Errorf("something was touched:\n%s\nbefore:\n%s", after, before)
	}
}

// testPlanted has a project come with files of the names that the program uses
// for itself.
func testPlanted(t *testing.T, program string) {
	t.Run("links of temporary files", func(t *testing.T) {
		s := newScene(t, program)
		s.publish("pdf", "1.0.0")
		victim := filepath.Join(s.home, "victim")
		s.write(victim, "mine")
		for _, name := range []string{"skills.lock.tmp", "skills.yaml.tmp", ".skills-journal.json.tmp"} {
			s.link(victim, filepath.Join(s.cwd, name))
		}
		s.write(filepath.Join(s.cwd, "skills.yaml"), "skills: {}\n")
		s.run("install", "pdf", "--registry", s.registry, "--project", "--agent", "claude").is(0)
		if data, err := os.ReadFile(victim); err != nil || string(data) != "mine" {
			t.Errorf("what a link leads to was written to: %q, %v", data, err)
		}
		s.verified(1, "--project")
	})
	t.Run("journal", func(t *testing.T) {
		s := newScene(t, program)
		s.publish("pdf", "1.0.0")
		s.publish("evil", "1.0.0")
		s.run("install", "pdf", "--registry", s.registry, "--user", "--agent", "claude").is(0)
		s.write(filepath.Join(s.cwd, "skills.yaml"), "skills: {}\n")
		s.run("install", "pdf", "evil", "--registry", s.registry, "--project", "--agent", "claude").is(0)
		lock, err := os.ReadFile(filepath.Join(s.cwd, "skills.lock"))
		s.check(err)
		var locked struct {
			Skills map[string]struct {
				Tree string `json:"tree"`
			} `json:"skills"`
		}
		s.check(json.Unmarshal(lock, &locked))
		// It would take a skill of the user out, and put another one in.
		staged := filepath.Join(s.cwd, ".skills-staging-X", "new", "0")
		s.check(os.MkdirAll(filepath.Join(s.cwd, ".skills-staging-X", "old"), 0o755))
		s.check(os.CopyFS(staged, os.DirFS(filepath.Join(s.cwd, ".claude", "skills", "evil"))))
		type spot map[string]string
		journal := map[string]any{"lock": json.RawMessage(lock), "steps": []any{
			map[string]any{"name": "pdf", "remove": true, "spots": []spot{{
				"path": filepath.Join(s.home, ".claude/skills/pdf"), "staged": staged, "before": locked.Skills["pdf"].Tree,
			}}},
			map[string]any{"name": "evil", "spots": []spot{{
				"path": filepath.Join(s.home, ".claude/skills/evil"), "staged": staged, "after": locked.Skills["evil"].Tree,
			}}},
		}}
		data, err := json.Marshal(journal)
		s.check(err)
		s.write(filepath.Join(s.cwd, ".skills-journal.json"), string(data))
		before := s.marks(s.home)
		s.run("list").is(0)
		if after := s.marks(s.home); after != before {
			t.Errorf("a journal of the project reached the home:\n%s\nbefore:\n%s", after, before)
		}
	})
}
