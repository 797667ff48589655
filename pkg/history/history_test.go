package history_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/history"
	"github.com/openskills-go/skills/pkg/lockfile"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// lock returns a lock of skills, each written as its name and a version.
func lock(t *testing.T, skills map[string]string) *lockfile.Lock {
	t.Helper()
	l := lockfile.New()
	for name, version := range skills {
		err := l.Put(lockfile.Skill{
			Name: name, Ref: name, Version: version, Artifact: artifact(name, version),
			Tree: digest.OfTree([]digest.File{{Path: name + version}}),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func artifact(name, version string) digest.Digest { return digest.Of([]byte(name + version)) }

func appendTo(t *testing.T, l *history.Log, before, after map[string]string) int {
	t.Helper()
	n, err := l.Next()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append(history.Generation{Number: n, Time: noon, Command: "update", Before: lock(t, before), After: lock(t, after)}); err != nil {
		t.Fatal(err)
	}
	return n
}

type skills = map[string]string

func TestStateAfter(t *testing.T) {
	log := history.Open(t.TempDir(), "/somewhere/skills.lock")
	appendTo(t, log, nil, skills{"pdf": "1.0.0", "csv": "1.0.0"})
	appendTo(t, log, skills{"pdf": "1.0.0"}, skills{"pdf": "2.0.0"})
	appendTo(t, log, skills{"csv": "1.0.0"}, nil)
	all, err := log.Generations()
	if err != nil || len(all) != 3 || !all[0].Time.Equal(noon) || all[1].Command != "update" {
		t.Fatalf("got %v, %v", all, err)
	}
	now := lock(t, skills{"pdf": "2.0.0", "new": "1.0.0"})
	for _, test := range []struct {
		after int
		name  string
		want  string
	}{
		{0, "pdf", ""}, {1, "pdf", "1.0.0"}, {2, "pdf", "2.0.0"}, {3, "pdf", "2.0.0"},
		{0, "csv", ""}, {1, "csv", "1.0.0"}, {2, "csv", "1.0.0"}, {3, "csv", ""},
		{1, "new", "1.0.0"}, // it changed in no generation that is remembered
		{1, "never", ""},
	} {
		var is *lockfile.Skill
		if s, ok := now.Skills[test.name]; ok {
			is = &s
		}
		got, ok := history.StateAfter(all, test.after, test.name, is)
		if got.Version != test.want || ok != (test.want != "") {
			t.Errorf("%s after %d: got %q, %v, want %q", test.name, test.after, got.Version, ok, test.want)
		}
	}
}

func TestAppendTwice(t *testing.T) {
	log := history.Open(t.TempDir(), "/somewhere/skills.lock")
	n := appendTo(t, log, nil, skills{"pdf": "1.0.0"})
	again := history.Generation{Number: n, Time: noon, Before: lockfile.New(), After: lockfile.New()}
	if err := log.Append(again); err != nil {
		t.Fatal(err)
	}
	all, err := log.Generations()
	if err != nil || len(all) != 1 || !slices.Equal(all[0].Names(), []string{"pdf"}) {
		t.Errorf("a generation was written over: %v, %v", all, err)
	}
}

// Old generations are forgotten, and the numbers go on.
func TestForget(t *testing.T) {
	log := history.Open(t.TempDir(), "/somewhere/skills.lock")
	for i := range history.Kept + 3 {
		appendTo(t, log, skills{"pdf": strconv.Itoa(i) + ".0.0"}, skills{"pdf": strconv.Itoa(i+1) + ".0.0"})
	}
	all, err := log.Generations()
	if err != nil || len(all) != history.Kept || all[0].Number != 4 {
		t.Errorf("got %d generations from %d on, %v", len(all), all[0].Number, err)
	}
}

func TestNeeded(t *testing.T) {
	root := t.TempDir()
	one, other := history.Open(root, filepath.Join(t.TempDir(), "skills.lock")), history.Open(root, filepath.Join(t.TempDir(), "skills.lock"))
	appendTo(t, history.Open(root, filepath.Join(t.TempDir(), "gone", "skills.lock")), nil, skills{"gone": "1.0.0"})
	for i := range 4 {
		appendTo(t, one, skills{"pdf": strconv.Itoa(i) + ".0.0"}, skills{"pdf": strconv.Itoa(i+1) + ".0.0"})
	}
	appendTo(t, other, nil, skills{"csv": "1.0.0"})
	needed, err := history.Needed(root, 2)
	want := []digest.Digest{artifact("pdf", "2.0.0"), artifact("pdf", "3.0.0"), artifact("pdf", "4.0.0"), artifact("csv", "1.0.0")}
	slices.Sort(want)
	if err != nil || !slices.Equal(needed, want) {
		t.Errorf("got %v, %v, want %v", needed, err, want)
	}
	if none, err := history.Needed(filepath.Join(root, "nowhere"), 2); err != nil || none != nil {
		t.Errorf("no history: got %v, %v", none, err)
	}
}

// What cannot be read is not passed over: prune would delete what it needs.
func TestDamaged(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no JSON": "hello", "a list": "[]", "no locks": "{}", "wrong type": `{"before": 1, "after": "x"}`,
		"bad lock": `{"generation": 1, "before": {"lockVersion": 1, "skills": {"../x": {}}}, "after": {"lockVersion": 1, "skills": {}}}`,
	} {
		root := t.TempDir()
		log := history.Open(root, "/somewhere/skills.lock")
		appendTo(t, log, nil, skills{"pdf": "1.0.0"})
		files, err := filepath.Glob(filepath.Join(root, "*", "*.json"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		if err := os.WriteFile(files[0], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var damaged *history.DamagedError
		if _, err := log.Generations(); !errors.As(err, &damaged) || damaged.Path != files[0] {
			t.Errorf("%s: Generations: got %v", name, err)
		}
		if _, err := history.Needed(root, 10); !errors.As(err, &damaged) {
			t.Errorf("%s: Needed: got %v", name, err)
		}
		// The next apply goes on all the same.
		if n := appendTo(t, log, nil, skills{"csv": "1.0.0"}); n != 2 {
			t.Errorf("%s: the next generation is %d", name, n)
		}
	}
}

func TestNowhere(t *testing.T) {
	log := history.Open("", "/somewhere/skills.lock")
	if n := appendTo(t, log, nil, skills{"pdf": "1.0.0"}); n != 1 {
		t.Errorf("got %d", n)
	}
	if all, err := log.Generations(); err != nil || len(all) != 0 {
		t.Errorf("got %v, %v", all, err)
	}
}
