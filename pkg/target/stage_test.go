package target

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const owner = "/home/me/skills.lock"

func rootAt(t *testing.T, dir string) Root {
	t.Helper()
	roots, err := Resolve([]Root{{Dir: dir}})
	if err != nil {
		t.Fatal(err)
	}
	return roots[0]
}

func openStage(t *testing.T, r Root) *Stage {
	t.Helper()
	s, err := Open(r, owner)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stage writes a tree of one file under key, and returns where it is.
func stage(t *testing.T, s *Stage, key, text string) string {
	t.Helper()
	w, err := s.Writer(key)
	if err != nil {
		t.Fatal(err)
	}
	f, err := w.Create("SKILL.md", 0o644)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write([]byte(text))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return s.Staged(key)
}

func TestOpenMakesWhatCloseUnmakes(t *testing.T) {
	for name, there := range map[string]string{"nothing": "", "the home": "home", "the root": "home/deep/skills"} {
		dir := real(t)
		mkdir(t, dir, there)
		before := list(t, dir)
		r := rootAt(t, filepath.Join(dir, "home", "deep", "skills"))
		s := openStage(t, r)
		if got := filepath.Dir(s.Dir()); got != filepath.Dir(r.Real) {
			t.Errorf("%s is there: staged in %s", name, got)
		}
		if !IsStaging(filepath.Base(s.Dir())) || IsStaging("skills") {
			t.Errorf("%s: IsStaging does not know %s", name, s.Dir())
		}
		if info, err := os.Stat(s.Dir()); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: others can look into the staging folder: %v, %v", name, info.Mode(), err)
		}
		stage(t, s, "0", "x")
		if got := list(t, r.Real); len(got) > 0 {
			t.Errorf("%s: an agent sees %v", name, got)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Errorf("%s: closed twice: %v", name, err)
		}
		if diff := cmp.Diff(before, list(t, dir)); diff != "" {
			t.Errorf("%s was there, and now:\n%s", name, diff)
		}
	}
}

func TestCloseKeepsARootThatIsInUse(t *testing.T) {
	dir := real(t)
	r := rootAt(t, filepath.Join(dir, "home", "skills"))
	s := openStage(t, r)
	if err := Swap(stage(t, s, "0", "x"), r.Path("pdf")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	want := map[string]string{"home": "/", "home/skills": "/", "home/skills/pdf": "/", "home/skills/pdf/SKILL.md": "x"}
	if diff := cmp.Diff(want, list(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOpenWhereNoRootCanBe(t *testing.T) {
	dir := real(t)
	put(t, filepath.Join(dir, "file"), "x")
	before := list(t, dir)
	for _, path := range []string{"file", "file/skills", "file/a/b"} {
		path := filepath.Join(dir, path)
		if _, err := Open(Root{Dir: path, Real: path}, owner); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s) = %v, want an error that names it", path, err)
		}
		if got, err := Leftovers(Root{Dir: path, Real: path}, owner); len(got) > 0 || err != nil {
			t.Errorf("Leftovers(%s) = %v, %v", path, got, err)
		}
	}
	long := filepath.Join(dir, "new", strings.Repeat("x", 300))
	if _, err := Open(Root{Dir: long, Real: long}, owner); err == nil {
		t.Error("a name that is too long is made")
	}
	if diff := cmp.Diff(before, list(t, dir)); diff != "" {
		t.Errorf("something is left:\n%s", diff)
	}
}

// unsupported is the exchange of a system that has none.
func unsupported(string, string) error { return errors.ErrUnsupported }

// Whatever stands in the place of a skill, it is there again when the swap is
// undone, and both are somewhere at any time.
func TestSwapAndUnswap(t *testing.T) {
	for how, exchange := range map[string]func(a, b string) error{"exchange": exchange, "two renames": unsupported} {
		for name, before := range map[string]func(path string) error{
			"nothing": func(string) error { return nil },
			"folder": func(path string) error {
				return errors.Join(os.Mkdir(path, 0o755), os.WriteFile(path+"/f", []byte("old"), 0o644))
			},
			"empty": func(path string) error { return os.Mkdir(path, 0o755) },
			"file":  func(path string) error { return os.WriteFile(path, []byte("old"), 0o644) },
			"link":  func(path string) error { return os.Symlink("nowhere", path) },
		} {
			t.Run(name+" by "+how, func(t *testing.T) {
				r := rootAt(t, mkdir(t, real(t), "skills"))
				if err := before(r.Path("pdf")); err != nil {
					t.Fatal(err)
				}
				was := list(t, r.Real)
				s := openStage(t, r)
				staged := stage(t, s, "0", "new")
				bystander := stage(t, s, "1", "other")
				for range 2 { // and once more after it was undone
					if err := swap(staged, r.Path("pdf"), exchange); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(map[string]string{"pdf": "/", "pdf/SKILL.md": "new"}, list(t, r.Real)); diff != "" {
						t.Errorf("swapped (-want +got):\n%s", diff)
					}
					if err := Unswap(staged, r.Path("pdf"), name != "nothing"); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(was, list(t, r.Real)); diff != "" {
						t.Errorf("undone (-want +got):\n%s", diff)
					}
					for dir, text := range map[string]string{staged: "new", bystander: "other"} {
						if diff := cmp.Diff(map[string]string{"SKILL.md": text}, list(t, dir)); diff != "" {
							t.Errorf("staged (-want +got):\n%s", diff)
						}
					}
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// The second rename can fail when the first has happened.
func TestASwapThatFailsHalfWay(t *testing.T) {
	r := rootAt(t, mkdir(t, real(t), "skills"))
	put(t, filepath.Join(r.Path("pdf"), "f"), "old")
	s := openStage(t, r)
	staged := stage(t, s, "0", "new")
	was := list(t, r.Real)
	err := swap(staged, r.Path("pdf"), func(a, b string) error {
		return errors.Join(errors.ErrUnsupported, os.RemoveAll(staged))
	})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("swap = %v, want ErrNotExist", err)
	}
	errOther := errors.New("disk is broken")
	staged = stage(t, s, "1", "new")
	if err := swap(staged, r.Path("pdf"), func(a, b string) error { return errOther }); !errors.Is(err, errOther) {
		t.Errorf("swap = %v, want %v", err, errOther)
	}
	if diff := cmp.Diff(was, list(t, r.Real)); diff != "" {
		t.Errorf("what stood there is changed:\n%s", diff)
	}
	if err := Swap(filepath.Join(s.Dir(), "new", "never"), r.Path("xls")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Swap of nothing = %v, want ErrNotExist", err)
	}
	if diff := cmp.Diff(was, list(t, r.Real)); diff != "" {
		t.Errorf("what stood there is changed:\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Of two processes that want one new root, the one that made it may have nothing
// to place, and remove it.
func TestSwapIntoARootThatWentAway(t *testing.T) {
	r := rootAt(t, filepath.Join(real(t), "home", "skills"))
	first := openStage(t, r)
	second := openStage(t, r)
	staged := stage(t, second, "0", "new")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.Real); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the root is there: %v", err)
	}
	if err := Swap(staged, r.Path("pdf")); err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]string{"pdf": "/", "pdf/SKILL.md": "new"}, list(t, r.Real)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTakeOutAndPutBack(t *testing.T) {
	r := rootAt(t, mkdir(t, real(t), "skills"))
	put(t, filepath.Join(r.Path("pdf"), "f"), "old")
	put(t, r.Path("file"), "old")
	was := list(t, r.Real)
	s := openStage(t, r)
	for key, name := range map[string]string{"0": "pdf", "1": "file"} {
		if err := TakeOut(s.Staged(key), r.Path(name)); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(r.Path(name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	for key, name := range map[string]string{"0": "pdf", "1": "file"} {
		if err := PutBack(s.Staged(key), r.Path(name)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(was, list(t, r.Real)); diff != "" {
		t.Errorf("put back (-want +got):\n%s", diff)
	}
	if err := TakeOut(s.Staged("2"), r.Path("none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("TakeOut of nothing = %v", err)
	}
	if err := TakeOut(s.Staged("0"), r.Path("pdf")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]string{"file": "old"}, list(t, r.Real)); diff != "" {
		t.Errorf("closed (-want +got):\n%s", diff)
	}
}

func TestRenameNewReplacesNothing(t *testing.T) {
	for how, rename := range map[string]func(from, to string) error{"kernel": renameNew, "looked first": renameChecked} {
		dir := real(t)
		put(t, filepath.Join(dir, "from", "f"), "new")
		mkdir(t, dir, "empty")
		put(t, filepath.Join(dir, "file"), "old")
		if err := os.Symlink("nowhere", filepath.Join(dir, "dangling")); err != nil {
			t.Fatal(err)
		}
		was := list(t, dir)
		for _, to := range []string{"empty", "file", "dangling"} {
			if err := rename(filepath.Join(dir, "from"), filepath.Join(dir, to)); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s: onto %s: %v, want ErrExist", how, to, err)
			}
		}
		if diff := cmp.Diff(was, list(t, dir)); diff != "" {
			t.Errorf("%s:\n%s", how, diff)
		}
		if err := rename(filepath.Join(dir, "from"), filepath.Join(dir, "to")); err != nil {
			t.Errorf("%s: %v", how, err)
		}
	}
}

func TestWhatIsDroppedCanBeStagedAnew(t *testing.T) {
	s := openStage(t, rootAt(t, real(t)))
	for range 2 {
		stage(t, s, "0", "x")
		if _, err := s.Writer("0"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("two trees under one key: %v", err)
		}
		if err := errors.Join(s.Drop("0"), s.Drop("0")); err != nil {
			t.Error(err)
		}
	}
	for _, key := range []string{"", "..", "../old/0", "a/b"} {
		if _, err := s.Writer(key); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Writer(%q) = %v, want ErrInvalid", key, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestLink(t *testing.T) {
	dir := real(t)
	r := rootAt(t, mkdir(t, dir, "skills"))
	s := openStage(t, r)
	staged := stage(t, s, "0", "copy")
	if err := s.Link("0", "../real/pdf"); err != nil {
		t.Fatal(err)
	}
	if err := Swap(staged, r.Path("pdf")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]string{"skills": "/", "skills/pdf": "-> ../real/pdf"}, list(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What lives, or is another scope's, is no leftover.
func TestLeftoversOfTheLiving(t *testing.T) {
	r := rootAt(t, mkdir(t, real(t), "skills"))
	s := openStage(t, r)
	mkdir(t, r.Real, ".skills-staging-of-a-person", "x")
	if got, err := Leftovers(r, owner); len(got) > 0 || err != nil {
		t.Errorf("Leftovers = %q, %v", got, err)
	}
	if err := Sweep(s.Dir(), owner); err != nil {
		t.Error(err)
	}
	stage(t, s, "0", "still there")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := list(t, r.Real); !slices.Contains([]string{"/"}, got[".skills-staging-of-a-person/x"]) {
		t.Errorf("what is not ours went away: %v", got)
	}
}
