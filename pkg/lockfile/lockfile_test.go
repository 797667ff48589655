package lockfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/openskills-go/skills/pkg/digest"
)

const sample = `{
  "generator": {
    "name": "another program",
    "z": [
      1e400,
      {}
    ]
  },
  "lockVersion": 1,
  "skills": {
    "backend-architect": {
      "agents": [
        "claude-code",
        "codex"
      ],
      "artifact": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
      "dirs": [
        ".",
        "vendor/skills"
      ],
      "disabled": true,
      "future": null,
      "locale": "en",
      "owner": "sickn33",
      "path": "skills/backend-architect",
      "pin": {
        "reason": "2.0 breaks us & <them>",
        "until": "2.1.0"
      },
      "ref": "sickn33-skills-backend-architect@^1.2",
      "registry": "https://openskills.cc",
      "revision": "0123456789abcdef0123456789abcdef01234567",
      "size": 5120,
      "slug": "sickn33-skills-backend-architect",
      "tree": "h1:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=",
      "trust": "registry",
      "url": "https://openskills.cc/api/download?slug=s&locale=en",
      "version": "1.2.3"
    },
    "pdf": {
      "artifact": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
      "ref": "./pdf",
      "tree": "h1:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=",
      "trust": "first-use"
    }
  },
  "zebra": false
}
`

func TestBytesIsCanonical(t *testing.T) {
	l, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample, string(l.Bytes())); diff != "" {
		t.Errorf("a lock in its canonical form changed (-was +is):\n%s", diff)
	}
	var any map[string]any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(sample, "1e400", "1")), &any); err != nil {
		t.Fatal(err)
	}
	// The same content, written otherwise.
	for name, other := range map[string]string{
		"CRLF":           strings.ReplaceAll(sample, "\n", "\r\n"),
		"BOM":            "\ufeff" + sample,
		"no white space": strings.Join(strings.Fields(sample), ""),
		"escaped":        strings.ReplaceAll(sample, `"pdf": {`, `"\u0070d\u0066": {`),
	} {
		if name == "no white space" {
			var b bytes.Buffer
			if err := json.Compact(&b, []byte(sample)); err != nil {
				t.Fatal(err)
			}
			other = b.String()
		}
		l, err := Parse([]byte(other))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(sample, string(l.Bytes())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseFields(t *testing.T) {
	l, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	want := Skill{
		Name: "backend-architect", Ref: "sickn33-skills-backend-architect@^1.2", Registry: "https://openskills.cc",
		Slug: "sickn33-skills-backend-architect", Owner: "sickn33", Path: "skills/backend-architect", Version: "1.2.3",
		Artifact: digest.Of([]byte("foo")), Size: 5120, Tree: "h1:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=",
		Trust: "registry", Locale: "en", URL: "https://openskills.cc/api/download?slug=s&locale=en",
		Revision: "0123456789abcdef0123456789abcdef01234567", Agents: []string{"claude-code", "codex"},
		Dirs: []string{".", "vendor/skills"}, Disabled: true, Pin: &Pin{Reason: "2.0 breaks us & <them>"},
	}
	got := l.Skills["backend-architect"].clone()
	got.extra, got.Pin.extra = nil, nil
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Skill{}, Pin{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"backend-architect", "pdf"}, l.Names()); diff != "" {
		t.Errorf("Names (-want +got):\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	entry := func(change ...string) string {
		s := `{"lockVersion": 1, "skills": {
 "pdf": {
  "artifact": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
  "ref": "pdf",
  "tree": "h1:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564="
 }}}`
		if _, err := Parse([]byte(s)); err != nil {
			t.Fatalf("the entry to spoil is refused already: %v", err)
		}
		return strings.NewReplacer(change...).Replace(s)
	}
	for _, test := range []struct {
		name, text, want string
	}{
		{"truncated", sample[:len(sample)/2], "line 30, column 33: unexpected end of JSON input"},
		{"garbage", "hello", "line 1, column 1: invalid character 'h' looking for beginning of value"},
		{"a list", "[]", "line 1, column 1: must be an object"},
		{"two values", "{} {}", "line 1, column 4: invalid character '{' after top-level value"},
		{"not UTF-8", "{\"lockVersion\": 1, \"skills\": {}, \"a\": \"\xff\"}", "line 1, column 1: not UTF-8"},
		{"no version", `{"skills": {}}`, "line 1, column 1: lockVersion is missing"},
		{"no skills", `{"lockVersion": 1}`, "line 1, column 1: skills is missing"},
		{"version 0", `{"lockVersion": 0, "skills": {}}`, "line 1, column 17: lockVersion must be a positive whole number"},
		{"version 1.0", `{"lockVersion": 1.0, "skills": {}}`, "line 1, column 17: lockVersion must be a positive whole number"},
		{"version as text", `{"lockVersion": "1", "skills": {}}`, "line 1, column 17: lockVersion must be a positive whole number"},
		{"version twice", `{"lockVersion": 1, "lockVersion": 1, "skills": {}}`, "line 1, column 20: lockVersion is there twice"},
		{"skills twice", `{"lockVersion": 1, "skills": {}, "skills": {}}`, "line 1, column 34: skills is there twice"},
		{"unknown twice", `{"lockVersion": 1, "skills": {}, "x": 1, "\u0078": 2}`, `line 1, column 42: "x" is there twice`},
		{"skills null", `{"lockVersion": 1, "skills": null}`, "line 1, column 30: must be an object"},
		{"too deep", `{"lockVersion": 1, "skills": {}, "x": ` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "line 1, column 102: nested more than 64 deep"},

		{"skill as text", `{"lockVersion": 1, "skills": {"pdf": ""}}`, "line 1, column 38: must be an object"},
		{"skill twice", entry(" }}}", ` }, "pdf": {}}}`), `line 6, column 5: skill "pdf" is there twice`},
		{"field twice", entry(`"ref": "pdf"`, `"ref": "pdf", "ref": "x"`), `line 4, column 17: "ref" is there twice`},
		{"field in other case is unknown", entry(`"ref"`, `"Ref"`), `line 2, column 2: skill "pdf": ref is no reference`},
		{"name climbs", entry(`"pdf": {`, `"../pdf": {`), `line 2, column 2: skill "../pdf": name is not a valid name`},
		{"name of a device", entry(`"pdf": {`, `"nul": {`), `line 2, column 2: skill "nul": name is not a valid name`},
		{"name empty", entry(`"pdf": {`, `"": {`), `line 2, column 2: skill "": name is not a valid name`},
		{"name with escapes", entry(`"pdf": {`, `"a\u001b[2J\u202e": {`), `line 2, column 2: skill "a\x1b[2J\u202e": name is not a valid name`},
		{"artifact missing", entry("artifact", "artefact"), `line 2, column 2: skill "pdf": artifact must be a sha256: digest`},
		{"artifact of a tree", entry("sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", "h1:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564="), `line 3, column 3: skill "pdf": artifact must be a sha256: digest`},
		{"artifact in upper case", entry("2c26b", "2C26B"), `line 3, column 3: skill "pdf": artifact must be a sha256: digest`},
		{"tree cut", entry("m564=", "m564"), `line 5, column 3: skill "pdf": tree must be an h1: digest`},
		{"tree missing", entry(`"tree"`, `"trees"`), `line 2, column 2: skill "pdf": tree must be an h1: digest`},
		{"ref is an option", entry(`"ref": "pdf"`, `"ref": "--upload-pack=x"`), `line 4, column 3: skill "pdf": ref is no reference`},
		{"ref null", entry(`"ref": "pdf"`, `"ref": null`), `line 4, column 10: must be a text`},
		{"size negative", entry(`"ref": "pdf"`, `"ref": "pdf", "size": -1`), `line 4, column 17: skill "pdf": size must not be negative`},
		{"disabled as text", entry(`"ref": "pdf"`, `"ref": "pdf", "disabled": "true"`), `line 4, column 29: must be true or false`},
		{"disabled null", entry(`"ref": "pdf"`, `"ref": "pdf", "disabled": null`), `line 4, column 29: must be true or false`},
		{"size fraction", entry(`"ref": "pdf"`, `"ref": "pdf", "size": 1.5`), `line 4, column 25: must be a whole number`},
		{"size huge", entry(`"ref": "pdf"`, `"ref": "pdf", "size": 9223372036854775808`), `line 4, column 25: must be a whole number`},
		{"escape in a version", entry(`"ref": "pdf"`, `"ref": "pdf", "version": "\u001b]0;x\u0007"`), `line 4, column 17: skill "pdf": version holds control characters, or is too long`},
		{"pin is a flag", entry(`"ref": "pdf"`, `"ref": "pdf", "pin": true`), `line 4, column 24: must be an object`},
		{"reason twice", entry(`"ref": "pdf"`, `"ref": "pdf", "pin": {"reason": "a", "reason": "b"}`), `line 4, column 40: reason is there twice`},
		{"agent is a path", entry(`"ref": "pdf"`, `"ref": "pdf", "agents": ["../x"]`), `line 4, column 17: skill "pdf": agents name "../x", which is no agent id`},
		{"agents in one text", entry(`"ref": "pdf"`, `"ref": "pdf", "agents": "codex"`), `line 4, column 27: must be a list of texts`},
		{"agents of numbers", entry(`"ref": "pdf"`, `"ref": "pdf", "agents": [1]`), `line 4, column 28: must be a text`},
		{"folder above", entry(`"ref": "pdf"`, `"ref": "pdf", "dirs": [".", "../../.claude/skills"]`), `line 4, column 17: skill "pdf": dirs name "../../.claude/skills", which is no folder at or below the lock's`},
		{"folder absolute", entry(`"ref": "pdf"`, `"ref": "pdf", "dirs": ["/etc"]`), `line 4, column 17: skill "pdf": dirs name "/etc", which is no folder at or below the lock's`},
		{"folder on a drive", entry(`"ref": "pdf"`, `"ref": "pdf", "dirs": ["C:x"]`), `line 4, column 17: skill "pdf": dirs name "C:x", which is no folder at or below the lock's`},
		{"folder with backslashes", entry(`"ref": "pdf"`, `"ref": "pdf", "dirs": ["a\\..\\..\\b"]`), `line 4, column 17: skill "pdf": dirs name "a\\..\\..\\b", which is no folder at or below the lock's`},
		{"folder with NUL", entry(`"ref": "pdf"`, `"ref": "pdf", "dirs": ["a\u0000"]`), `line 4, column 17: skill "pdf": dirs name "a\x00", which is no folder at or below the lock's`},
		{"folder unclean", entry(`"ref": "pdf"`, `"ref": "pdf", "dirs": ["a//b"]`), `line 4, column 17: skill "pdf": dirs name "a//b", which is no folder at or below the lock's`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Fatalf("got %v, want a SyntaxError", err)
			}
			if err.Error() != test.want {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
		})
	}
}

func TestRefusedWhole(t *testing.T) {
	for _, text := range []string{"", " \r\n\t", "\ufeff\n"} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrEmpty) {
			t.Errorf("%q: got %v, want ErrEmpty", text, err)
		}
	}
	if _, err := Parse(bytes.Repeat([]byte(" "), maxSize+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: got %v", err)
	}
	// What a newer program writes may be anything.
	_, err := Parse([]byte(`{"skills": ["other"], "lockVersion": 7}`))
	var newer *NewerError
	if !errors.As(err, &newer) || *newer != (NewerError{Have: 7, Know: 1}) {
		t.Errorf("newer: got %v", err)
	}
}

func TestConflictMarkers(t *testing.T) {
	ours, theirs := `      "version": "1.2.3"`, `      "version": "1.3.0"`
	merged := strings.Replace(sample, ours, "<<<<<<< HEAD\n"+ours+"\n=======\n"+theirs+"\n>>>>>>> branch", 1)
	_, err := Parse([]byte(merged))
	var conflict *ConflictError
	if !errors.As(err, &conflict) || conflict.Line != 38 {
		t.Errorf("got %v, want a conflict in line 38", err)
	}
	// The same texts inside of a value are no conflict.
	l := New()
	s := skillOf("pdf")
	s.Pin = &Pin{Reason: "<<<<<<< HEAD ======= >>>>>>> x"}
	if err := l.Put(s); err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(l.Bytes()); err != nil {
		t.Error(err)
	}
}

func skillOf(name string) Skill {
	return Skill{Name: name, Ref: name, Artifact: digest.Of([]byte(name)), Tree: digest.OfTree(nil)}
}

func TestPut(t *testing.T) {
	var l Lock // the zero value works
	s := skillOf("pdf")
	s.Agents = []string{"codex"}
	if err := l.Put(s); err != nil {
		t.Fatal(err)
	}
	s.Agents[0] = "changed after Put"
	if got := l.Skills["pdf"].Agents[0]; got != "codex" {
		t.Errorf("the lock shares a slice with its caller: %s", got)
	}
	var field *FieldError
	for want, bad := range map[string]Skill{
		"name":     skillOf("../pdf"),
		"artifact": {Name: "a", Ref: "a", Tree: digest.OfTree(nil)},
		"tree":     {Name: "a", Ref: "a", Artifact: digest.Of(nil)},
		"ref":      {Name: "a", Artifact: digest.Of(nil), Tree: digest.OfTree(nil)},
	} {
		if err := l.Put(bad); !errors.As(err, &field) || field.Field != want {
			t.Errorf("got %v, want one about %s", err, want)
		}
	}
	if diff := cmp.Diff([]string{"pdf"}, l.Names()); diff != "" {
		t.Errorf("a refused Put changed the lock:\n%s", diff)
	}
	l.Delete("pdf")
	l.Delete("not there")
	if got, want := string(l.Bytes()), "{\n  \"lockVersion\": 1,\n  \"skills\": {}\n}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Unknown fields stay through Put as long as they can still be true.
func TestPutKeepsUnknownFields(t *testing.T) {
	l, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	old := l.Skills["backend-architect"]
	next := old.clone()
	next.extra, next.Agents = nil, []string{"cursor"}
	if err := l.Put(next); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(l.Bytes(), []byte(`"future": null`)) {
		t.Error("an unknown field got lost although the artifact stayed")
	}
	next.extra, next.Artifact = nil, digest.Of([]byte("other"))
	if err := l.Put(next); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(l.Bytes(), []byte(`"future": null`)) {
		t.Error("an unknown field stayed although the artifact is another")
	}
}

func TestCloneSharesNothing(t *testing.T) {
	l, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	c := l.Clone()
	s := c.Skills["backend-architect"]
	s.Agents[0], s.Dirs[0], s.Pin.Reason, s.extra[0].key, s.Pin.extra[0].key = "x", "x", "x", "x", "x"
	c.Delete("pdf")
	c.extra[0].key = "x"
	if diff := cmp.Diff(sample, string(l.Bytes())); diff != "" {
		t.Errorf("the clone changed the lock (-was +is):\n%s", diff)
	}
}

func TestEqual(t *testing.T) {
	a, b := skillOf("pdf"), skillOf("pdf")
	if b.Name = "other"; !a.Equal(b) {
		t.Error("the name counts")
	}
	if b.Pin = (&Pin{}); a.Equal(b) {
		t.Error("a pin does not count")
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), Name)
	if _, err := Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); !errors.Is(err, ErrEmpty) || !strings.Contains(err.Error(), path) {
		t.Errorf("empty file: got %v", err)
	}
	if err := os.WriteFile(path, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(l.Bytes()) != sample {
		t.Error("the lock is not the one in the file")
	}
}

// Whatever can be put into a lock comes back from its bytes.
func TestRoundTrip(t *testing.T) {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("a\"\\<&>/ é中\u2028\u202e\U000E0041😀")), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		l := New()
		for range rapid.IntRange(0, 5).Draw(t, "skills") {
			s := skillOf(rapid.StringMatching(`x[a-z0-9]{0,6}(-[a-z0-9]{1,4})?`).Draw(t, "name"))
			s.Registry, s.Owner, s.Version = text.Draw(t, "registry"), text.Draw(t, "owner"), text.Draw(t, "version")
			s.Size = rapid.Int64Min(0).Draw(t, "size")
			s.Agents = rapid.SliceOfN(rapid.SampledFrom([]string{"codex", "cursor"}), 0, 2).Draw(t, "agents")
			s.Dirs = rapid.SliceOfN(rapid.SampledFrom([]string{".", "a/b", "é"}), 0, 2).Draw(t, "dirs")
			s.Disabled = rapid.Bool().Draw(t, "disabled")
			if rapid.Bool().Draw(t, "pinned") {
				s.Pin = &Pin{Reason: text.Draw(t, "reason")}
			}
			if err := l.Put(s); err != nil {
				t.Fatal(err)
			}
		}
		back, err := Parse(l.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for name, s := range l.Skills {
			if !s.Equal(back.Skills[name]) || back.Skills[name].Name != name {
				t.Fatalf("%s: got %+v, want %+v", name, back.Skills[name], s)
			}
		}
		if !bytes.Equal(back.Bytes(), l.Bytes()) {
			t.Fatal("the bytes are not the same")
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("\ufeff{\"lockVersion\":1,\"skills\":{},\"x\":[1e5,{\"\\ud800\":null}],\"\":{}}\r\n"))
	f.Add([]byte("{\"lockVersion\": 2}"))
	f.Add([]byte("{\"lockVersion\":1,\"skills\":{\"a\":{\"artifact\":\"sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\",\"tree\":\"h1:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=\",\"ref\":\"a\",\"pin\":{}}}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := Parse(data)
		if err != nil {
			return
		}
		if !json.Valid(data) && !bytes.HasPrefix(data, []byte("\ufeff")) {
			t.Fatal("accepted what is not JSON")
		}
		first := l.Bytes()
		back, err := Parse(first)
		if err != nil {
			t.Fatalf("wrote what it does not read: %v\n%s", err, first)
		}
		if second := back.Bytes(); !bytes.Equal(first, second) {
			t.Fatalf("bytes are not stable:\n%s\n%s", first, second)
		}
		for name, s := range l.Skills {
			if bad, why := s.check(); bad != "" || !s.Equal(back.Skills[name]) {
				t.Fatalf("%s: %s %s", name, bad, why)
			}
		}
	})
}

func large(b *testing.B) []byte {
	b.Helper()
	l := New()
	for i := range 550 {
		s := skillOf(fmt.Sprintf("backend-architect-%d", i))
		s.Ref, s.Slug = "sickn33-skills-"+s.Name+"@^1.2", "sickn33-skills-"+s.Name
		s.Registry, s.Version, s.Trust, s.Locale, s.Size = "https://openskills.cc", "1.2.3", "registry", "en", 5120
		s.Agents = []string{"claude-code", "codex"}
		if err := l.Put(s); err != nil {
			b.Fatal(err)
		}
	}
	return l.Bytes()
}

func BenchmarkParse(b *testing.B) {
	data := large(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBytes(b *testing.B) {
	l, err := Parse(large(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		l.Bytes()
	}
}
