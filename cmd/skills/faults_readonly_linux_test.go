package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// testReadOnlyHome restores a lock where nothing but the targets can be written, as
// in a container. Who may not mount has "read-only" of testHome.
func testReadOnlyHome(t *testing.T, program string) {
	if unix.Geteuid() != 0 {
		t.Log("not root: no file system can be mounted, and none was")
		return
	}
	for name, c := range map[string]struct {
		scope    string
		writable string // below home; "" is nothing
		stored   bool   // the store has what is needed
		env      string // %h is the home
	}{
		"project":                      {scope: "--project"},
		"project, stored":              {scope: "--project", stored: true},
		"project, SKILLS_HOME":         {scope: "--project", env: "SKILLS_HOME=%h/elsewhere/deep"},
		"project, SKILLS_HOME outside": {scope: "--project", env: "SKILLS_HOME=%h/../outside"},
		"user":                         {scope: "--user", writable: ".claude"},
		"user, folder of skills only":  {scope: "--user", writable: ".claude/skills"},
		"user, stored":                 {scope: "--user", writable: ".claude", stored: true},
		"user, SKILLS_HOME":            {scope: "--user", writable: ".claude", env: "SKILLS_HOME=%h/elsewhere/deep"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, program)
			s.publish("pdf", "1.0.0")
			// More than is held in memory: it goes to the folder for temporary files.
			s.write(filepath.Join(s.registry, "pdf", "1.0.0", "data.bin"), noise(400<<10))
			s.write(filepath.Join(s.cwd, "skills.yaml"), "skills: {}\n")
			temp := filepath.Join(filepath.Dir(s.home), "tmp")
			s.check(os.Mkdir(temp, 0o755))
			s.env = append(s.env, "TMPDIR="+temp)
			if c.env != "" {
				s.env = append(s.env, strings.ReplaceAll(c.env, "%h", s.home))
			}
			s.run("install", "pdf", "--registry", s.registry, c.scope, "--agent", "claude").is(0)
			base := s.cwd
			if c.scope == "--user" {
				base = s.home
			}
			skills := filepath.Join(base, ".claude", "skills")
			want := s.contents(skills)
			s.removeAll(filepath.Join(skills, "pdf"))
			if !c.stored {
				for _, store := range []string{".local/share/skills/store", "elsewhere/deep/data/store", "../outside/data/store"} {
					s.removeAll(filepath.Join(s.home, store))
				}
			}
			s.readOnly(s.home, c.writable)
			before := s.marks(s.home)
			if c.writable != "" {
				before = ""
			}
			lock := s.contents(s.cwd, ".claude")
			s.run("ci", c.scope).is(0)
			if got := s.contents(skills); got != want {
				t.Errorf("restored is\n%s\nwant\n%s", got, want)
			}
			s.run("ci", c.scope).is(0).says("1 skill unchanged")
			s.run("verify", c.scope).is(0)
			s.run("list", c.scope).is(0)
			if after := s.marks(s.home); before != "" && after != before {
				t.Errorf("the home was changed:\n%s\nbefore:\n%s", after, before)
			}
			if s.contents(s.cwd, ".claude") != lock {
				t.Error("lock or manifest were changed")
			}
			s.clean(s.home, s.cwd)
			if left := s.contents(temp); strings.Count(left, "\n") != 1 {
				t.Errorf("temporary files are left:\n%s", left)
			}
		})
	}
}

// readOnly makes dir a file system that nothing can be written to, but for one
// folder in it.
func (s *scene) readOnly(dir, writable string) {
	s.t.Helper()
	s.bind(dir, dir)
	if writable != "" {
		from := filepath.Join(s.scratch, "writable")
		s.copyTree(filepath.Join(dir, writable), from)
		s.bind(from, filepath.Join(dir, writable))
	}
	s.check(unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
}

func (s *scene) bind(from, to string) {
	s.t.Helper()
	s.check(unix.Mount(from, to, "", unix.MS_BIND, ""))
	s.t.Cleanup(func() { s.check(unix.Unmount(to, unix.MNT_DETACH)) })
}

// testPermissions has files and folders in a skill that its owner may not read, or
// not write to.
func testPermissions(t *testing.T, program string) {
	begin := func(t *testing.T) (*scene, string) {
		t.Helper()
		s := newScene(t, program)
		s.unprivileged()
		s.check(os.Chmod(s.cwd, 0o777))
		s.publish("pdf", "1.0.0")
		s.run("install", "pdf", "--registry", s.registry, "--dir", "try").is(0)
		s.publish("pdf", "2.0.0")
		return s, filepath.Join(s.cwd, "try", "pdf")
	}
	for name, path := range map[string]string{"file": "SKILL.md", "folder": "scripts", "skill": "."} {
		t.Run("unreadable "+name, func(t *testing.T) {
			s, dir := begin(t)
			locked := filepath.Join(dir, path)
			s.check(os.Chmod(locked, 0))
			t.Cleanup(func() { _ = os.Chmod(locked, 0o755) })
			before := s.marks(s.cwd)
			for _, args := range [][]string{
				{"update"}, {"update", "--on-edit=merge"}, {"update", "--on-edit=overwrite"}, {"remove", "pdf"}, {"remove", "pdf", "--on-edit=overwrite"},
				{"install"}, {"disable", "pdf"}, {"ci"},
			} {
				got := s.run(append(args, "--dir", "try")...)
				if got.code != 1 && got.code != 7 {
					t.Errorf("skills %s: exit code %d, want 1 or 7", args, got.code)
				}
				got.says("permission denied")
			}
			s.run("verify", "--dir", "try").is(7)
			s.run("list", "--dir", "try").is(0)
			if after := s.marks(s.cwd); after != before {
				t.Errorf("it was touched:\n%s\nbefore:\n%s", after, before)
			}
			s.check(os.Chmod(locked, 0o755))
			s.run("update", "--dir", "try").is(0)
			s.verified(1, "--dir", "try")
		})
	}
	t.Run("read-only folder", func(t *testing.T) {
		s, dir := begin(t)
		s.check(os.Chmod(filepath.Join(dir, "scripts"), 0o555))
		s.run("update", "--dir", "try").is(0)
		s.verified(1, "--dir", "try")
		s.check(os.Chmod(filepath.Join(dir, "scripts"), 0o555))
		s.run("remove", "pdf", "--dir", "try").is(0)
		s.clean(s.home, s.cwd)
		if left := s.contents(dir); left != "" {
			t.Errorf("it is still there:\n%s", left)
		}
	})
	t.Run("read-only skill", func(t *testing.T) {
		s, dir := begin(t)
		s.check(os.Chmod(dir, 0o555))
		before := s.contents(s.cwd)
		for _, args := range [][]string{{"update"}, {"remove", "pdf"}} {
			if got := s.run(append(args, "--dir", "try")...); got.code != 0 {
				got.is(1).says("permission denied")
				if after := s.contents(s.cwd); after != before {
					t.Errorf("it was touched:\n%s\nbefore:\n%s", after, before)
				}
			}
			s.clean(s.home, s.cwd)
		}
	})
}
