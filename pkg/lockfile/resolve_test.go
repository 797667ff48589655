package lockfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/version"
)

// lockOf returns the text of a lock with the skills of some lines, each a name and
// fields: "pdf 1.0.0 pin agents=codex,cursor". Without files= the version makes the
// tree.
func lockOf(tb testing.TB, lines ...string) string {
	tb.Helper()
	l := New()
	for _, line := range lines {
		if err := l.Put(entryOf(line)); err != nil {
			tb.Fatal(err)
		}
	}
	return string(l.Bytes())
}

func entryOf(line string) Skill {
	f := strings.Fields(line)
	s := Skill{Name: f[0], Ref: f[0], Slug: f[0], Registry: "https://r.example", Version: f[1], Trust: "first-use"}
	files, packed := f[1], ""
	for _, field := range f[2:] {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "agents":
			s.Agents = strings.Split(value, ",")
		case "pin":
			s.Pin = &Pin{Reason: value}
		case "disabled":
			s.Disabled = true
		case "files":
			files = value
		case "packed":
			packed = value
		case "trust":
			s.Trust = value
		case "locale":
			s.Locale = value
		case "owner":
			s.Owner = value
		case "ref":
			s.Ref = value
		}
	}
	s.Artifact = digest.Of([]byte(s.Name + files + packed))
	s.Tree = digest.OfTree([]digest.File{{Path: s.Name + "/" + files}})
	if s.Version == "none" {
		s.Version = version.FromTree(s.Tree)
	}
	return s
}

// conflicted makes one conflict of whole texts. Without a base it is what git
// writes by default, else what it writes in the style diff3.
func conflicted(ours, base, theirs string) []byte {
	text := "<<<<<<< HEAD\n" + ours
	if base != "" {
		text += "||||||| 1234567\n" + base
	}
	return []byte(text + "=======\n" + theirs + ">>>>>>> feature\n")
}

// listing is a manifest that lists names, some with the only version it accepts.
func listing(entries ...string) func(*Skill) Verdict {
	return func(s *Skill) Verdict {
		for _, e := range entries {
			name, want, exact := strings.Cut(e, "@")
			switch {
			case name != s.Name:
			case exact && want != s.Version:
				return Refused
			default:
				return Accepted
			}
		}
		return Unlisted
	}
}

func TestResolve(t *testing.T) {
	type side = []string
	for _, c := range []struct {
		name               string
		ours, base, theirs side
		judge              func(*Skill) Verdict
		want               side
		took               string
	}{
		{"both added one", side{"a 1.0.0"}, nil, side{"b 1.0.0"}, nil, side{"a 1.0.0", "b 1.0.0"}, "a ours, b theirs"},
		{"a listed one and another", side{"a 1.0.0"}, nil, side{"b 1.0.0"}, listing("b"), side{"b 1.0.0"}, "a neither, b theirs"},
		{"they removed it", side{"a 1.0.0", "b 2.0.0"}, side{"a 1.0.0", "b 1.0.0"}, side{"b 1.0.0"}, nil, side{"b 2.0.0"}, "a neither, b ours"},
		{"they removed what is listed", side{"a 1.0.0", "b 2.0.0"}, side{"a 1.0.0", "b 1.0.0"}, side{"b 1.0.0"}, listing("a", "b"), side{"a 1.0.0", "b 2.0.0"}, "a ours, b ours"},
		{"they removed what we changed", side{"a 2.0.0"}, side{"a 1.0.0"}, side{}, nil, side{"a 2.0.0"}, "a ours"},
		{"the higher version", side{"a 1.9.0"}, nil, side{"a 1.10.0"}, nil, side{"a 1.10.0"}, "a theirs"},
		{"the higher version of both changed", side{"a 1.10.0"}, side{"a 1.0.0"}, side{"a 1.9.0"}, nil, side{"a 1.10.0"}, "a ours"},
		{"a downgrade is a change", side{"a 1.0.0"}, side{"a 2.0.0"}, side{"a 2.0.0 agents=codex"}, nil, side{"a 1.0.0 agents=codex"}, "a ours"},
		{"what the manifest accepts", side{"a 2.0.0"}, nil, side{"a 1.0.0"}, listing("a@1.0.0"), side{"a 1.0.0"}, "a theirs"},
		{"what the manifest accepts, pinned or not", side{"a 2.0.0 pin=no"}, nil, side{"a 1.0.0"}, listing("a@1.0.0"), side{"a 1.0.0"}, "a theirs"},
		{"what the manifest accepts, changed or not", side{"a 2.0.0"}, side{"a 1.0.0"}, side{"a 1.0.0 agents=x"}, listing("a@1.0.0"), side{"a 1.0.0 agents=x"}, "a theirs"},
		{"it accepts neither", side{"a 2.0.0"}, nil, side{"a 1.0.0"}, listing("a@3.0.0"), side{"a 2.0.0"}, "a ours"},
		{"a pin wins", side{"a 2.0.0"}, nil, side{"a 1.0.0 pin=waits"}, nil, side{"a 1.0.0 pin=waits"}, "a theirs"},
		{"a pin that was set wins over an update", side{"a 1.0.0 pin=waits"}, side{"a 1.0.0"}, side{"a 2.0.0"}, nil, side{"a 1.0.0 pin=waits"}, "a ours"},
		{"a pin that was taken away does not", side{"a 1.0.0 pin=waits"}, side{"a 1.0.0 pin=waits"}, side{"a 2.0.0"}, nil, side{"a 2.0.0"}, "a theirs"},
		{"a pin that was taken away from what was updated", side{"a 1.0.0"}, side{"a 1.0.0 pin=x"}, side{"a 2.0.0 pin=x"}, nil, side{"a 2.0.0"}, "a theirs"},
		{"agents are united", side{"a 1.0.0 agents=codex"}, nil, side{"a 1.0.0 agents=claude-code,cursor"}, nil, side{"a 1.0.0 agents=claude-code,codex,cursor"}, "a both"},
		{"agents that were taken out stay out", side{"a 1.0.0 agents=codex"}, side{"a 1.0.0 agents=codex,cursor"}, side{"a 1.0.0 agents=codex,cursor,goose"}, nil, side{"a 1.0.0 agents=codex,goose"}, "a both"},
		{"a skill is never left without agents", side{"a 1.0.0 agents=x"}, side{"a 1.0.0 agents=x,y"}, side{"a 1.0.0 agents=y"}, nil, side{"a 1.0.0 agents=x,y"}, "a both"},
		{"pinned on one side", side{"a 1.0.0"}, nil, side{"a 1.0.0 pin=why"}, nil, side{"a 1.0.0 pin=why"}, "a both"},
		{"unpinned on one side", side{"a 1.0.0"}, side{"a 1.0.0 pin=why"}, side{"a 1.0.0 pin=why agents=x"}, nil, side{"a 1.0.0 agents=x"}, "a both"},
		{"disabled on one side", side{"a 1.0.0"}, nil, side{"a 1.0.0 disabled"}, nil, side{"a 1.0.0 disabled"}, "a both"},
		{"enabled on one side", side{"a 1.0.0"}, side{"a 1.0.0 disabled"}, side{"a 1.0.0 disabled agents=x"}, nil, side{"a 1.0.0 agents=x"}, "a both"},
		{"files that a registry packs anew", side{"a 1.0.0 packed=1 trust=registry"}, nil, side{"a 1.0.0 packed=2"}, nil, side{"a 1.0.0 packed=1 trust=registry"}, "a ours"},
		{"asked for in two ways", side{"a 1.0.0 ref=a@1"}, nil, side{"a 1.0.0 ref=a@^1"}, func(s *Skill) Verdict {
			if s.Ref == "a@^1" {
				return Accepted
			}
			return Refused
		}, side{"a 1.0.0 ref=a@^1"}, "a both"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := ""
			if c.base != nil {
				base = lockOf(t, c.base...)
			}
			for _, eol := range []string{"\n", "\r\n"} {
				text := strings.ReplaceAll(string(conflicted(lockOf(t, c.ours...), base, lockOf(t, c.theirs...))), "\n", eol)
				l, decisions, err := Resolve([]byte(text), c.judge)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(lockOf(t, c.want...), string(l.Bytes())); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				var took []string
				for _, d := range decisions {
					if d.Why == "" {
						t.Errorf("%s is decided without a reason", d.Name)
					}
					took = append(took, d.Name+" "+string(d.Took))
				}
				if got := strings.Join(took, ", "); got != c.took {
					t.Errorf("took %s, want %s", got, c.took)
				}
			}
		})
	}
}

// One version with two digests is not decided, nor is one name for two skills, and
// all of them are told at once.
func TestResolveClash(t *testing.T) {
	ours := lockOf(t, "a 1.0.0 files=x", "b 1.0.0 packed=1 trust=registry", "c 1.0.0 owner=eve", "d 1.0.0 locale=en", "e 2.0.0")
	theirs := lockOf(t, "a 1.0.0 files=y", "b 1.0.0 packed=2 trust=registry", "c 9.0.0", "d 2.0.0 locale=zh", "e 1.0.0")
	l, decisions, err := Resolve(conflicted(ours, "", theirs), listing("a", "b", "c", "d", "e"))
	if l != nil || len(decisions) != 5 || decisions[4].Took != Ours {
		t.Errorf("got %v and %+v", l, decisions)
	}
	x, y := entryOf("a 1.0.0 files=x").Tree, entryOf("a 1.0.0 files=y").Tree
	p, q := entryOf("b 1.0.0 packed=1").Artifact, entryOf("b 1.0.0 packed=2").Artifact
	want := fmt.Sprintf(`version "1.0.0" of "a" is %s on our side and %s on theirs
version "1.0.0" of "b" is %s on our side and %s on theirs
"c" is "eve/c of https://r.example" on our side and "c of https://r.example" on theirs
"d" is "in the language en" on our side and "in the language zh" on theirs`, x, y, p, q)
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// What has no versions takes the same one whoever merges.
func TestResolveWithoutVersions(t *testing.T) {
	a, b := lockOf(t, "a none files=x"), lockOf(t, "a none files=y")
	one, _, err := Resolve(conflicted(a, "", b), nil)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := Resolve(conflicted(b, "", a), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(one.Bytes()), string(other.Bytes())); diff != "" {
		t.Errorf("who merges decides:\n%s", diff)
	}
}

// Conflicts as git leaves them: around single lines, several in a file.
func TestResolveLines(t *testing.T) {
	text := lockOf(t, "a 1.0.0 agents=codex", "b 1.0.0", "c 1.0.0")
	newer := entryOf("c 1.1.0")
	replace := func(old, ours, theirs string) {
		t.Helper()
		if strings.Count(text, old) != 1 {
			t.Fatalf("%q is there %d times", old, strings.Count(text, old))
		}
		text = strings.Replace(text, old, "<<<<<<< HEAD\n"+ours+"=======\n"+theirs+">>>>>>> x y z\n", 1)
	}
	replace("        \"codex\"\n", "        \"codex\"\n", "        \"cursor\"\n")
	was := entryOf("c 1.0.0")
	replace(fmt.Sprintf("      \"artifact\": %q,\n", was.Artifact), fmt.Sprintf("      \"artifact\": %q,\n", was.Artifact), fmt.Sprintf("      \"artifact\": %q,\n", newer.Artifact))
	replace(fmt.Sprintf("      \"tree\": %q,\n      \"trust\": \"first-use\",\n      \"version\": \"1.0.0\"\n    }\n  }\n", was.Tree),
		fmt.Sprintf("      \"tree\": %q,\n      \"trust\": \"first-use\",\n      \"version\": \"1.0.0\"\n    }\n  }\n", was.Tree),
		fmt.Sprintf("      \"tree\": %q,\n      \"trust\": \"first-use\",\n      \"version\": \"1.1.0\"\n    }\n  }\n", newer.Tree))
	l, decisions, err := Resolve([]byte("\ufeff"+text), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := lockOf(t, "a 1.0.0 agents=codex,cursor", "b 1.0.0", "c 1.1.0")
	if diff := cmp.Diff(want, string(l.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(decisions) != 2 {
		t.Errorf("%d decisions: what the sides agree about is none", len(decisions))
	}
}

// Where one side replaced a skill, git gives the other side lines of what it was
// replaced by.
func TestResolveMixed(t *testing.T) {
	const text = `{
  "lockVersion": 1,
  "skills": {
<<<<<<< HEAD
    "notes": {
      "artifact": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
      "ref": "notes",
=======
    "pdf": {
      "artifact": "sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
      "ref": "pdf",
>>>>>>> feature
      "tree": "h1:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564="
    }
  }
}
`
	l, _, err := Resolve([]byte(text), nil)
	mixed, ok := errors.AsType[*MixedError](err)
	if !ok || l != nil || err.Error() != `the conflict mixes lines of "notes" and "pdf"` {
		t.Errorf("got %v, %v", mixed, err)
	}
	// With the sides themselves there is no question.
	ours, theirs := lockOf(t, "notes 1.0.0"), lockOf(t, "pdf 1.0.0")
	l, _, err = Merge([]byte(lockOf(t, "old 1.0.0")), []byte(ours), []byte(theirs), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lockOf(t, "notes 1.0.0", "pdf 1.0.0"), string(l.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, _, err := Merge(nil, []byte(ours), []byte("{"), nil); err == nil || err.Error() != "their side of the conflict: line 1, column 1: unexpected end of JSON input" {
		t.Errorf("a side that is no lock: %v", err)
	}
}

func TestResolveKeepsUnknownFields(t *testing.T) {
	with := func(name, top, field string) string {
		text := lockOf(t, name)
		text = strings.Replace(text, "{\n", "{\n"+top, 1)
		return strings.Replace(text, "\"ref\"", field+"\"ref\"", 1)
	}
	ours := with("a 1.0.0", `"tool": {"v": 2}, "z": 1,`, `"one": [1],`)
	theirs := with("a 1.0.0", `"tool": {"v": 3}, "y": 2,`, `"two": {"x": null},`)
	l, decisions, err := Resolve(conflicted(ours, "", theirs), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := string(l.Bytes())
	for _, want := range []string{"\"one\": [\n", "\"two\": {\n", `"v": 2`, `"z": 1`, `"y": 2`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is lost in\n%s", want, got)
		}
	}
	if len(decisions) != 2 || decisions[0].Name != "" || !strings.Contains(decisions[0].Why, `"tool"`) {
		t.Errorf("decisions are %+v", decisions)
	}
}

func TestResolveRefused(t *testing.T) {
	a, b := lockOf(t, "a 1.0.0"), lockOf(t, "a 2.0.0")
	lines := strings.Count(a, "\n")
	for _, c := range []struct{ name, text, want string }{
		{"no conflict", a, "lock has no merge conflict"},
		{"no lock at all", "hello", "line 1, column 1: invalid character 'h' looking for beginning of value"},
		{"not ended", "<<<<<<< HEAD\n" + a + "=======\n" + b, "line 1: the conflict that begins here does not end"},
		{"without a middle", "<<<<<<< HEAD\n" + a + ">>>>>>> x\n", fmt.Sprintf("line %d: the conflict marker >>>>>>> is out of place", lines+2)},
		{"without a beginning", a + "=======\n" + b + ">>>>>>> x\n", fmt.Sprintf("line %d: the conflict marker ======= is out of place", lines+1)},
		{"two middles", "<<<<<<< HEAD\n=======\n=======\n>>>>>>> x\n", "line 3: the conflict marker ======= is out of place"},
		{"a base after the middle", "<<<<<<< HEAD\n=======\n||||||| b\n>>>>>>> x\n", "line 3: the conflict marker ||||||| is out of place"},
		{"two bases", "<<<<<<< HEAD\n||||||| b\n||||||| b\n=======\n>>>>>>> x\n", "line 3: the conflict marker ||||||| is out of place"},
		{"nested", "<<<<<<< HEAD\n{\n<<<<<<< HEAD\n", "line 3: a conflict begins inside the one of line 1"},
		{"nested in their side", "<<<<<<< HEAD\n=======\n<<<<<<< HEAD\n", "line 3: a conflict begins inside the one of line 1"},
		{"an empty side", "<<<<<<< HEAD\n=======\n" + a + ">>>>>>> x\n", "our side of the conflict: lock is empty"},
		{"a side that is no JSON", "<<<<<<< HEAD\n" + a + "=======\n" + "{\n  nonsense\n}\n>>>>>>> x\n", fmt.Sprintf("their side of the conflict: line %d, column 3: invalid character 'n' looking for beginning of object key string", lines+4)},
		{"a newer side", "<<<<<<< HEAD\n" + a + "=======\n{\"lockVersion\": 2}\n>>>>>>> x\n", "their side of the conflict: lockVersion is 2, the newest known is 1"},
		{"a side that climbs", string(conflicted(a, "", strings.Replace(b, `"a": {`, `"../a": {`, 1))), fmt.Sprintf(`their side of the conflict: line %d, column 5: skill "../a": name is not a valid name`, lines+6)},
		{"too large", strings.Repeat(" ", maxSize+1), "lock is larger than 16 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, decisions, err := Resolve([]byte(c.text), nil)
			if err == nil || l != nil || decisions != nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// A base that is no lock does not matter: git writes such for merges of merges.
func TestResolveBaseOfMergedMerge(t *testing.T) {
	base := "<<<<<<<<< Temporary merge branch 1\n{\n||||||||| 1234567\n{}\n=========\n[\n>>>>>>>>> Temporary merge branch 2\n"
	l, _, err := Resolve(conflicted(lockOf(t, "a 1.0.0"), base, lockOf(t, "b 1.0.0")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lockOf(t, "a 1.0.0", "b 1.0.0"), string(l.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever is merged: nothing is made up, nothing that both sides agree about
// changes, no agent that both have is lost, and it does not matter who merges.
func TestResolveProperties(t *testing.T) {
	entry := func(name string) *rapid.Generator[Skill] {
		return rapid.Custom(func(t *rapid.T) Skill {
			line := name + " " + rapid.SampledFrom([]string{"1.0.0", "1.1.0", "2.0.0", "none"}).Draw(t, "version")
			for _, field := range []string{"agents=codex", "agents=codex,cursor", "pin=why", "disabled", "packed=1", "owner=x", "locale=en"} {
				if rapid.IntRange(0, 5).Draw(t, field) == 0 {
					line += " " + field
				}
			}
			return entryOf(line)
		})
	}
	side := rapid.Custom(func(t *rapid.T) *Lock {
		l := New()
		for _, name := range []string{"a", "b", "c"} {
			if rapid.Bool().Draw(t, name) {
				if err := l.Put(entry(name).Draw(t, "entry of "+name)); err != nil {
					t.Fatal(err)
				}
			}
		}
		return l
	})
	rapid.Check(t, func(t *rapid.T) {
		ours, theirs := side.Draw(t, "ours"), side.Draw(t, "theirs")
		base := ""
		if rapid.Bool().Draw(t, "with a base") {
			base = string(side.Draw(t, "base").Bytes())
		}
		var judge func(*Skill) Verdict
		if rapid.Bool().Draw(t, "with a manifest") {
			judge = listing("a", "b@1.0.0")
		}
		l, decisions, err := Resolve(conflicted(string(ours.Bytes()), base, string(theirs.Bytes())), judge)
		swapped, _, swappedErr := Resolve(conflicted(string(theirs.Bytes()), base, string(ours.Bytes())), judge)
		if (err == nil) != (swappedErr == nil) {
			t.Fatalf("who merges decides: %v or %v", err, swappedErr)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(l.Bytes(), swapped.Bytes()) {
			t.Fatalf("who merges decides:\n%s\n%s", l.Bytes(), swapped.Bytes())
		}
		decided := map[string]bool{}
		for _, d := range decisions {
			decided[d.Name] = true
		}
		for _, name := range []string{"a", "b", "c"} {
			got, o, x := l.find(name), ours.find(name), theirs.find(name)
			switch {
			case o != nil && x != nil && o.Equal(*x):
				if got == nil || !got.Equal(*o) || decided[name] {
					t.Fatalf("%s changed, and the sides agree", name)
				}
				continue
			case got == nil:
				if o != nil && x != nil {
					t.Fatalf("%s is gone, and both sides have it", name)
				}
			case !(o != nil && got.is(o) || x != nil && got.is(x)):
				t.Fatalf("%s is made up: %+v", name, got)
			}
			if (o != nil || x != nil) != decided[name] {
				t.Fatalf("%s is not told of", name)
			}
			if got != nil && o != nil && x != nil {
				for _, a := range o.Agents {
					if bytes.Contains(x.append(nil), []byte(a)) && !bytes.Contains(got.append(nil), []byte(a)) {
						t.Fatalf("%s lost agent %s", name, a)
					}
				}
			}
		}
	})
}

func FuzzResolve(f *testing.F) {
	a, b := lockOf(f, "a 1.0.0", "b 1.0.0 agents=codex"), lockOf(f, "a 1.1.0", "c none")
	f.Add(conflicted(a, "", b))
	f.Add(conflicted(a, lockOf(f), b))
	f.Add(conflicted(sample, "", a))
	f.Add([]byte("{\"lockVersion\":1,\r\n<<<<<<< x\r\n\"skills\":{}\r\n=======\r\n\"skills\":{},\"a\":1\r\n>>>>>>>\r\n}"))
	f.Add([]byte("<<<<<<<\n{\n|||||||\n=======\n{\n>>>>>>>\n\"lockVersion\":1,\"skills\":{}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		judge := listing("a", "b@1.0.0")
		for _, judge := range []func(*Skill) Verdict{nil, judge} {
			l, decisions, err := Resolve(data, judge)
			if (l == nil) != (err != nil) {
				t.Fatalf("a lock and an error, or neither: %v", err)
			}
			if err != nil {
				if _, parsed := Parse(data); parsed == nil != errors.Is(err, ErrNoConflict) {
					t.Fatalf("it parses: %v, and resolves with: %v", parsed, err)
				}
				continue
			}
			back, err := Parse(l.Bytes())
			if err != nil {
				t.Fatalf("wrote what it does not read: %v", err)
			}
			if !bytes.Equal(back.Bytes(), l.Bytes()) {
				t.Fatal("bytes are not stable")
			}
			for _, d := range decisions {
				if d.Err != nil || d.Why == "" {
					t.Fatalf("%+v", d)
				}
			}
		}
	})
}
