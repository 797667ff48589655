//go:build linux && amd64

package main_test

import (
	"flag"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

var everyCall = flag.Bool("every", false, "disturb every system call, not one in six of each command")

// TestFaultsTraced kills the program at every system call that could change a
// file, and lets every one of them fail. Without -every, as CI runs it, it takes one
// call in six of each command, each command others.
func TestFaultsTraced(t *testing.T) {
	program := build(t)
	for _, c := range faultCases() {
		kill, fail := *c, *c
		t.Run("kill/"+c.name, func(t *testing.T) {
			t.Parallel()
			kill.begin(t, program)
			kill.killEverywhere()
		})
		t.Run("fail/"+c.name, func(t *testing.T) {
			t.Parallel()
			fail.begin(t, program)
			fail.failEverywhere()
		})
	}
	t.Run("really killed", func(t *testing.T) {
		t.Parallel()
		testReallyKilled(t, program)
	})
	for _, c := range editCases() {
		t.Run("edit/"+c.name, func(t *testing.T) {
			t.Parallel()
			c.begin(t, program)
			c.editedMeanwhile()
		})
	}
	t.Run("twice", func(t *testing.T) {
		t.Parallel()
		testTwice(t, program)
	})
	t.Run("killed without exchange", func(t *testing.T) {
		t.Parallel()
		testNoExchange(t, program)
	})
}

// A faultCase is a command between two states of a home. The home has the same
// path whenever the command runs, and states of it are kept elsewhere.
type faultCase struct {
	name  string
	args  []string
	setup func(s *scene) // leaves the home as it is before the command
	// after are commands that must do after a kill, and once more after the command
	// ran again, what they do after an undisturbed run: exit code and home.
	after []string
	// edited and missing say what verify may find before the command, edited also
	// after it.
	edited, missing bool
	// frozen says that no lock, manifest, journal or history may be touched.
	frozen bool
	// kept checks that nothing of the user's is lost, whatever happened.
	kept func(s *scene)
	// skip are names that no two runs leave alike.
	skip []string

	*scene
	before, done string // saved homes: before the command, and after it ran undisturbed
	calls        []call // what there is to disturb, about in this order
}

// targets are where the skills of a fault case stand below its home.
var targets = []string{".claude/skills", ".agents/skills"}

const (
	lockBelow     = ".config/skills/skills.lock"
	manifestBelow = ".config/skills/skills.yaml"
	journalBelow  = ".config/skills/.skills-journal.json"
)

// begin sets the scene, and finds out what the command does if nothing goes wrong.
func (c *faultCase) begin(t *testing.T, program string) {
	t.Helper()
	c.scene = newScene(t, program)
	c.setup(c.scene)
	c.before, c.done = filepath.Join(c.scratch, "before"), filepath.Join(c.scratch, "done")
	c.save(c.before)
	tr := &tracer{}
	c.traced(tr, c.args...).is(0)
	c.calls = tr.calls
	c.save(c.done)
	c.agrees(c.edited, false)
	if len(c.calls) < 5 {
		t.Fatalf("%s makes %d calls only: this test would prove nothing", c.name, len(c.calls))
	}
}

// passedOver reports whether call n is left alone in a short run.
func (c *faultCase) passedOver(n int) bool {
	const stride = 6
	h := fnv.New32()
	_, _ = h.Write([]byte(c.name))
	return !*everyCall && n%stride != int(h.Sum32()%stride)
}

// save copies the home, and load makes the home such a copy again.
func (c *faultCase) save(to string) { c.t.Helper(); c.copyTree(c.home, to) }

func (c *faultCase) load(from string) {
	c.t.Helper()
	c.removeAll(c.home)
	c.copyTree(from, c.home)
}

// nexts are what may come after a kill. All of them finish or undo what they find.
var nexts = [][]string{
	nil, {"list"}, {"verify"}, {"ci"}, {"outdated"}, {"rollback", "pdf"}, {"install"}, {"history"}, {"update", "--dry-run"},
}

// killEverywhere takes the home as it is before each call of one run: so a kill
// there would leave it. From every such home the next run, whatever it is, and
// then the command again must lead to where an undisturbed run leads.
func (c *faultCase) killEverywhere() {
	c.t.Helper()
	c.load(c.before)
	states := filepath.Join(c.scratch, "states")
	c.check(os.Mkdir(states, 0o755))
	var at []call
	last := ""
	home := func(i int) string { return filepath.Join(states, strconv.Itoa(i)) }
	tr := &tracer{at: func(_ int, next call) fate {
		// A flush or a close changes nothing.
		if now := c.contents(c.home); now != last {
			c.save(home(len(at)))
			at, last = append(at, next), now
		}
		return fate{}
	}}
	c.traced(tr, c.args...).is(0)
	for i := range at {
		if c.passedOver(i) {
			c.removeAll(home(i))
			continue
		}
		c.load(home(i))
		c.whole()
		journal := c.contents(filepath.Join(c.home, journalBelow)) != ""
		next := nexts[i%len(nexts)]
		if next != nil {
			c.next(next, journal)
			if next[0] == "rollback" || i%4 == 0 {
				c.agrees(c.edited, c.missing)
			}
		}
		if next == nil || next[0] != "rollback" {
			c.again()
			c.finished()
			c.then(i)
		}
		if c.t.Failed() {
			c.t.Fatalf("killed before %s, then skills %s", at[i], next)
		}
		c.removeAll(home(i))
	}
	c.t.Logf("%d calls, %d homes", len(tr.calls), len(at))
	if len(at) < 5 {
		c.t.Fatalf("%d homes only: this test would prove nothing", len(at))
	}
}

// next runs a command after a kill. It may find that there is nothing to do.
func (c *faultCase) next(args []string, journal bool) {
	c.t.Helper()
	got := c.run(append(slices.Clone(args), "--user")...)
	got.fit()
	if got.code == killed || got.code == 1 || got.code == 6 {
		c.t.Errorf("after a kill: skills %s: exit code %d\n%s", args, got.code, got.stderr)
	}
	if journal && c.contents(filepath.Join(c.home, journalBelow)) != "" {
		c.t.Errorf("after a kill: skills %s leaves the journal\n%s", args, got.stderr)
	}
	if args[0] != "rollback" {
		c.whole()
	}
	if c.kept != nil {
		c.kept(c.scene)
	}
}

// agrees checks that lock and disk do, apart from what is edited or missing.
func (c *faultCase) agrees(edited, missing bool) {
	c.t.Helper()
	if c.contents(filepath.Join(c.home, lockBelow)) == "" {
		return
	}
	got := c.run("verify", "--user", "--json")
	for _, state := range []string{`"modified"`, `"missing"`, `"foreign"`, `"unreadable"`} {
		allowed := edited && state == `"modified"` || missing && state == `"missing"`
		if strings.Contains(got.stdout, `"state": `+state) && !allowed {
			c.t.Errorf("lock and disk do not agree: exit code %d\n%s%s", got.code, got.stdout, got.stderr)
		}
	}
	if got.code != 0 && got.code != 7 {
		c.t.Errorf("lock and disk cannot be compared: exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// failEverywhere lets each call fail in turn, as a full, a forbidden and a broken
// disk do.
func (c *faultCase) failEverywhere() {
	c.t.Helper()
	for n := 1; ; n++ {
		if n > 3*len(c.calls) {
			c.t.Fatalf("call %d failed and the command still has not finished", n)
		}
		if c.passedOver(n) {
			continue
		}
		for _, errno := range []unix.Errno{unix.ENOSPC, unix.EACCES, unix.EIO} {
			if c.unlike(n, errno) {
				continue
			}
			if c.fail(n, errno) < n {
				return
			}
		}
	}
}

// unlike reports whether call n, as far as it is known before it is made, does not
// fail like this: nobody needs permission or room to close or flush a file, and a
// broken disk is like a full one.
func (c *faultCase) unlike(n int, errno unix.Errno) bool {
	if n > len(c.calls) {
		return false
	}
	if name := c.calls[n-1].name; name == "close" || name == "sync" {
		return errno != unix.EIO
	}
	return errno == unix.EIO
}

// fail lets call n fail, and returns how many calls there were.
func (c *faultCase) fail(n int, errno unix.Errno) int {
	c.t.Helper()
	c.load(c.before)
	tr := &tracer{once: true, at: func(i int, _ call) fate {
		if i == n {
			return fate{errno: errno}
		}
		return fate{}
	}}
	got := c.traced(tr, c.args...)
	if len(tr.calls) < n {
		got.is(0)
		return len(tr.calls)
	}
	at := tr.calls[n-1]
	got.fit()
	c.whole()
	switch {
	case got.code == 0 && !harmless(at):
		c.t.Errorf("exit code 0 although a call failed")
	case got.code == 0:
		c.finished(".local") // it is the truth
	case got.code != 1 && got.code != 3:
		c.t.Errorf("exit code %d, want 1 or 3", got.code)
	case !strings.Contains(strings.ToLower(got.stderr), strings.ToLower(errno.Error())):
		c.t.Errorf("the cause is not told")
	}
	if got.code != 0 {
		c.again()
		// What could not be kept may not be wanted any more, and what was done in part
		// is listed in another order.
		c.finished(".local", "skills.yaml")
	}
	if c.t.Failed() {
		c.t.Fatalf("call %d failed with %v: %s\n%d %s%s", n, errno, at, got.code, got.stdout, got.stderr)
	}
	return len(tr.calls)
}

// harmless reports whether all can be well if a call fails: if it keeps an
// artifact for the next time, or if it can be made again or elsewhere. What was
// not flushed, or not written to its end, is never well.
func harmless(c call) bool {
	switch {
	case strings.Contains(c.path, "/home/.local"), strings.HasSuffix(c.path, "/lock"), strings.HasSuffix(c.path, "/owner"):
		return true
	}
	return c.name == "mkdirat" || c.name == "unlinkat" || c.name == "openat"
}

// again runs the command as before. What was removed before the end cannot be
// removed again.
func (c *faultCase) again() {
	c.t.Helper()
	if c.args[0] == "rollback" {
		// It would undo itself.
		c.run("list", "--user").is(0)
		if c.contents(filepath.Join(c.home, lockBelow)) == c.contents(filepath.Join(c.done, lockBelow)) {
			return
		}
	}
	got := c.run(c.args...)
	if c.args[0] == "remove" && got.code == 5 {
		got.says(`"pdf" is not installed`)
		return
	}
	got.is(0)
}

// whole checks that each skill is as it was before, or as it comes after.
func (c *faultCase) whole() {
	c.t.Helper()
	for _, target := range targets {
		for _, name := range []string{"pdf", "notes"} {
			now := c.contents(filepath.Join(c.home, target, name))
			was, is := c.contents(filepath.Join(c.before, target, name)), c.contents(filepath.Join(c.done, target, name))
			if now != was && now != is {
				c.t.Errorf("%s/%s is neither the old nor the new tree:\n%s", target, name, now)
			}
		}
	}
	if c.frozen {
		for _, path := range []string{lockBelow, manifestBelow, journalBelow, ".local/state"} {
			if was, is := c.contents(filepath.Join(c.before, path)), c.contents(filepath.Join(c.home, path)); was != is {
				c.t.Errorf("%s was touched:\n%s\nbefore:\n%s", path, is, was)
			}
		}
	}
	if c.kept != nil {
		c.kept(c.scene)
	}
}

// finished checks that the home is what it is if nothing goes wrong, byte for
// byte. The index of the store may hold a line twice, or miss one.
func (c *faultCase) finished(skip ...string) {
	c.t.Helper()
	c.clean(c.home)
	want, got := c.state(c.done, skip...), c.state(c.home, skip...)
	if got != want {
		c.t.Errorf("the home is another than after an undisturbed run (-want +got):\n%s", cmp.Diff(want, got))
	}
}
