package target

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// real returns a new folder by its name without links.
func real(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func mkdir(t *testing.T, elem ...string) string {
	t.Helper()
	dir := filepath.Join(elem...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func put(t *testing.T, path, text string) {
	t.Helper()
	mkdir(t, filepath.Dir(path))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// list returns what is below dir: the text of each file, the destination of
// each link, and "/" for each folder.
func list(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		name = filepath.ToSlash(name)
		switch {
		case e.IsDir():
			all[name] = "/"
		case e.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(path)
			all[name] = "-> " + to
			return err
		case e.Type().IsRegular():
			data, err := os.ReadFile(path)
			all[name] = string(data)
			return err
		default:
			all[name] = e.Type().String()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestResolve(t *testing.T) {
	dir := real(t)
	mkdir(t, dir, "a", "skills")
	for name, to := range map[string]string{"link": "a", "a/skills-link": "skills", "b": "link", "to-skills": "b/skills"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	at := func(path string) string { return filepath.Join(dir, filepath.FromSlash(path)) }
	given := []Root{
		{Agents: []string{"one"}, Dir: at("link/skills")},
		{Agents: []string{"two"}, Dir: at("a/skills")},
		{Agents: []string{"three", "one"}, Dir: at("to-skills")},
		{Agents: []string{"four"}, Dir: at("a/skills-link")},
		{Agents: []string{"new"}, Dir: at("b/not/yet")},
		{Agents: []string{"newer"}, Dir: at("a/not/yet")},
		{Dir: at("no/parent/at/all")},
	}
	before := slices.Clone(given)
	got, err := Resolve(given)
	want := []Root{
		{Agents: []string{"one", "two", "three", "four"}, Dir: at("link/skills"), Real: at("a/skills")},
		{Agents: []string{"new", "newer"}, Dir: at("b/not/yet"), Real: at("a/not/yet")},
		{Dir: at("no/parent/at/all"), Real: at("no/parent/at/all")},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff(before, given); diff != "" {
		t.Errorf("what was given is changed:\n%s", diff)
	}
	if r := got[0]; r.Path("pdf") != at("a/skills/pdf") || r.Shown("pdf") != at("link/skills/pdf") {
		t.Errorf("Path %s, Shown %s", r.Path("pdf"), r.Shown("pdf"))
	}
	if got, err := Resolve(nil); got != nil || err != nil {
		t.Errorf("of none: %v, %v", got, err)
	}
}

// A folder made through a link to nowhere would stand where nobody said.
func TestResolveOfLinksToNowhere(t *testing.T) {
	dir := real(t)
	put(t, filepath.Join(dir, "file"), "")
	for name, to := range map[string]string{"dangling": "nowhere", "chain": "dangling", "deep": "nowhere/at/all", "loop": "loop", "to-file": "file"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for path, missing := range map[string]bool{
		"dangling": true, "dangling/skills": true, "dangling/a/b": true, "chain": true, "chain/x": true, "deep/x": true,
		"loop": false, "loop/x": false, "file/x": false, "to-file/x": false,
	} {
		path := filepath.Join(dir, path)
		got, err := Resolve([]Root{{Dir: path}})
		if err == nil || got != nil || !strings.Contains(err.Error(), path) || errors.Is(err, fs.ErrNotExist) != missing {
			t.Errorf("Resolve(%s) = %v, %v; want an error that names it and is ErrNotExist: %v", path, got, err, missing)
		}
	}
}

func TestNames(t *testing.T) {
	dir := real(t)
	r := Root{Real: filepath.Join(dir, "skills")}
	if names, err := r.Names(); len(names) > 0 || err != nil {
		t.Errorf("of a folder that is not there: %v, %v", names, err)
	}
	mkdir(t, r.Real, "folder")
	put(t, filepath.Join(r.Real, "file"), "")
	for name, to := range map[string]string{"link": "folder", "to-file": "file", "dangling": "nowhere", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(r.Real, name)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := r.Names()
	want := map[string]bool{"folder": true, "file": false, "link": true, "to-file": false, "dangling": false, "loop": false}
	if !maps.Equal(got, want) || err != nil {
		t.Errorf("Names = %v, %v; want %v", got, err, want)
	}
	if _, err := (Root{Real: filepath.Join(r.Real, "file")}).Names(); err == nil {
		t.Error("a file has names")
	}
}

func TestBackup(t *testing.T) {
	dir := real(t)
	skill, backups := filepath.Join(dir, "pdf"), filepath.Join(dir, "state", "backups")
	put(t, filepath.Join(skill, "SKILL.md"), "mine")
	put(t, filepath.Join(skill, "a", "b", "run.sh"), "#!")
	put(t, filepath.Join(skill, ".env"), "secret")
	mkdir(t, skill, "empty")
	for name, to := range map[string]string{"link": "SKILL.md", "up": "../..", "dangling": "nowhere", "absolute": filepath.Join(dir, "x")} {
		if err := os.Symlink(to, filepath.Join(skill, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(filepath.Join(skill, "a", "b", "run.sh"), 0o755), os.Chmod(filepath.Join(skill, ".env"), 0o400)); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "file"), "a file")
	if err := os.Symlink("pdf", filepath.Join(dir, "skill-link")); err != nil {
		t.Fatal(err)
	}
	before := list(t, dir)
	seen := map[string]bool{}
	for range 2 { // each into a folder of its own
		for name, want := range map[string]map[string]string{
			"pdf":        list(t, skill),
			"file":       {"file": "a file"},
			"skill-link": {"skill-link": "-> pdf"},
		} {
			to, err := Backup(filepath.Join(dir, name), backups)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(want, list(t, to)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if filepath.Dir(to) != backups || !strings.HasPrefix(filepath.Base(to), name+"-") || seen[to] {
				t.Errorf("%s is in %s", name, to)
			}
			seen[to] = true
			if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%s is open to others: %v, %v", to, info.Mode(), err)
			}
			if name == "pdf" {
				if info, err := os.Stat(filepath.Join(to, "a", "b", "run.sh")); err != nil || info.Mode().Perm()&0o111 == 0 {
					t.Errorf("a program is none any more: %v, %v", info.Mode(), err)
				}
			}
		}
	}
	after := list(t, dir)
	maps.DeleteFunc(after, func(name, _ string) bool { return strings.HasPrefix(name, "state") })
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("what was backed up is changed:\n%s", diff)
	}
}

func TestABackupThatFailsLeavesNothing(t *testing.T) {
	dir := real(t)
	backups := filepath.Join(dir, "backups")
	if to, err := Backup(filepath.Join(dir, "missing"), backups); to != "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %q, %v", to, err)
	}
	if got := list(t, backups); len(got) > 0 {
		t.Errorf("there is %v", got)
	}
	put(t, filepath.Join(dir, "file"), "")
	if to, err := Backup(filepath.Join(dir, "file"), filepath.Join(dir, "file", "x")); to != "" || err == nil {
		t.Errorf("into a file: %q, %v", to, err)
	}
}

func TestFlush(t *testing.T) {
	dir := real(t)
	put(t, filepath.Join(dir, "a", "f"), "x")
	if err := Flush([]string{dir, dir}, []string{filepath.Join(dir, "a")}); err != nil {
		t.Error(err)
	}
	if err := Flush(nil, nil); err != nil {
		t.Error(err)
	}
	missing := filepath.Join(dir, "missing")
	if err := Flush([]string{dir, missing}, nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("of nothing: %v, want ErrNotExist for %s", err, missing)
	}
}
