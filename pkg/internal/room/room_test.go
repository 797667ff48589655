package room

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const prefix = ".room-"

func open(t *testing.T, parent, owner string) *Room {
	t.Helper()
	r, err := Open(parent, prefix, owner)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// die does to the room what the kernel does when the process dies.
func (r *Room) die(t *testing.T) {
	t.Helper()
	if err := r.lock.Close(); err != nil {
		t.Fatal(err)
	}
	r.lock = nil
}

func dead(t *testing.T, parent, owner string) []string {
	t.Helper()
	got, err := Dead(parent, prefix, owner)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestARoomIsPrivateAndGoesWithAllInIt(t *testing.T) {
	parent := t.TempDir()
	r := open(t, parent, "me")
	if info, err := os.Lstat(r.Dir); err != nil || info.Mode() != fs.ModeDir|0o700 || filepath.Dir(r.Dir) != parent {
		t.Errorf("the room %s has mode %v, %v", r.Dir, info.Mode(), err)
	}
	if err := os.MkdirAll(filepath.Join(r.Dir, "new", "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.Dir, "new", "a", "f"), nil, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if got := names(t, parent); len(got) != 0 {
		t.Errorf("there is still %q", got)
	}
	if _, err := Open(filepath.Join(parent, "none"), prefix, ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open in a folder that is not there: %v", err)
	}
}

func TestDeadAreThoseOfTheOwnerThatNobodyHolds(t *testing.T) {
	for _, owner := range []string{"", "/home/a b/skills.lock", "two\nlines"} {
		parent := t.TempDir()
		living, gone, others := open(t, parent, owner), open(t, parent, owner), open(t, parent, owner+"x")
		gone.die(t)
		others.die(t)
		if err := os.Mkdir(filepath.Join(parent, prefix+"not"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(parent, prefix+"not"), filepath.Join(parent, "other"+prefix)); err != nil {
			t.Fatal(err)
		}
		if got := dead(t, parent, owner); !slices.Equal(got, []string{gone.Dir}) {
			t.Errorf("owner %q: dead are %q, want %q", owner, got, gone.Dir)
		}
		for _, dir := range []string{living.Dir, others.Dir, filepath.Join(parent, "none")} {
			if err := Remove(dir, owner); err != nil {
				t.Errorf("Remove(%s) = %v", dir, err)
			}
		}
		for range 2 {
			if err := Remove(gone.Dir, owner); err != nil {
				t.Errorf("Remove of a dead room: %v", err)
			}
		}
		want := []string{filepath.Base(living.Dir), filepath.Base(others.Dir), "other" + prefix}
		slices.Sort(want)
		if got := names(t, parent); !slices.Equal(got, want) {
			t.Errorf("owner %q: there is now %q, want %q", owner, got, want)
		}
		if err := living.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A process can die between any two calls of Open, Close and Remove. What it
// leaves is found, and nothing that has an owner is anyone else's.
func TestWhatIsHalfMadeOrHalfRemoved(t *testing.T) {
	for name, has := range map[string]struct {
		files string // name=text, a slash makes it a folder
		fate  string // of the room of owner "me": listed, removed by the way, left
	}{
		"made, nothing in it":         {"", "removed"},
		"locked once":                 {"lock=", "removed"},
		"owner not written to":        {"lock= owner=", "listed"},
		"in use":                      {"lock= owner=me new/ old/", "listed"},
		"of another":                  {"lock= owner=us new/ old/", "left"},
		"of another, longer":          {"lock= owner=mem", "left"},
		"of another, shorter":         {"lock= owner=m", "left"},
		"all removed but the owner":   {"lock= owner=me", "listed"},
		"all removed but the lock":    {"lock=", "removed"},
		"no room at all":              {"SKILL.md=x", "left"},
		"not locked by any of us":     {"owner=me SKILL.md=x", "left"},
		"owner is a folder":           {"lock= owner/", "left"},
		"lock is a folder, no owner":  {"lock/ SKILL.md=x", "left"},
		"lock is a folder, has owner": {"lock/ owner=me", "left"},
	} {
		parent := t.TempDir()
		dir := filepath.Join(parent, prefix+"X")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for f := range strings.FieldsSeq(has.files) {
			file, text, isFile := strings.Cut(f, "=")
			var err error
			if isFile {
				err = os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600)
			} else {
				err = os.Mkdir(filepath.Join(dir, file), 0o700)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		listed := dead(t, parent, "me")
		_, err := os.Lstat(dir)
		fate := "left"
		switch {
		case len(listed) > 0:
			fate = "listed"
		case errors.Is(err, fs.ErrNotExist):
			fate = "removed"
		}
		if fate != has.fate {
			t.Errorf("%s: it is %s, want %s", name, fate, has.fate)
		}
		for _, dir := range listed {
			if err := Remove(dir, "me"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := names(t, parent); len(got) > 0 {
				t.Errorf("%s: there is still %q", name, got)
			}
		}
	}
}

// A repository can bring a folder of this name, with links in it to what must
// not be read, locked or removed.
func TestRoomsThatAreTraps(t *testing.T) {
	parent, outside := t.TempDir(), t.TempDir()
	kept := filepath.Join(outside, "kept")
	if err := os.WriteFile(kept, []byte("me"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, links := range map[string]map[string]string{
		"endless":       {"owner": "/dev/zero", "lock": "/dev/zero"},
		"owner is link": {"owner": kept, "lock": kept},
		"lock is link":  {"lock": kept},
		"to itself":     {"owner": "owner", "lock": "lock"},
	} {
		dir := filepath.Join(parent, prefix+name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for link, to := range links {
			if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Symlink(outside, filepath.Join(parent, prefix+"link")); err != nil {
		t.Fatal(err)
	}
	before := names(t, parent)
	if got := dead(t, parent, "me"); len(got) > 0 {
		t.Errorf("dead are %q", got)
	}
	if after := names(t, parent); !slices.Equal(before, after) {
		t.Errorf("there is now %q, was %q", after, before)
	}
	if got := names(t, outside); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("outside there is now %q", got)
	}
}

func TestDeadOfNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, parent := range []string{file, file + "/below", file + "-none"} {
		if got := dead(t, parent, ""); got != nil {
			t.Errorf("Dead(%s) = %q", parent, got)
		}
	}
}

// Rooms are made while others look for dead ones. None that lives may go, with
// an owner that all share too.
func TestNoLivingRoomIsSwept(t *testing.T) {
	for _, owner := range []string{"", "me"} {
		parent := t.TempDir()
		var makers, sweepers sync.WaitGroup
		stop := make(chan struct{})
		for range 2 {
			sweepers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					got, err := Dead(parent, prefix, owner)
					for _, dir := range got {
						err = errors.Join(err, Remove(dir, owner))
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 4 {
			makers.Go(func() {
				for range 40 {
					r, err := Open(parent, prefix, owner)
					if err != nil {
						t.Error(err)
						return
					}
					f := filepath.Join(r.Dir, "f")
					err = errors.Join(os.WriteFile(f, []byte("x"), 0o600), os.Rename(f, f+"2"))
					if data, rerr := os.ReadFile(filepath.Join(r.Dir, "owner")); err != nil || rerr != nil || string(data) != owner {
						t.Errorf("a living room was swept: %v, %v", err, rerr)
					}
					if err := r.Close(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		makers.Wait()
		close(stop)
		sweepers.Wait()
		for _, dir := range dead(t, parent, owner) {
			if err := Remove(dir, owner); err != nil {
				t.Error(err)
			}
		}
		if got := names(t, parent); len(got) > 0 {
			t.Errorf("there is still %q", got)
		}
	}
}
