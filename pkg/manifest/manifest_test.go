package manifest

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/openskills-go/skills/pkg/ref"
)

const sample = `# what this project needs
registry: https://openskills.cc        # the default
registries:
  acme: https://skills.acme.example
mirrors:
  acme: [https://m1.example, ./m2]
agents: [claude-code, codex]

skills:
  # for the API work
  backend-architect: sickn33-skills-backend-architect

  pdf: acme:pdf@^1.2   # 2.0 needs another licence
  local: ./skills/local
later: true
`

func TestParse(t *testing.T) {
	m, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	m.doc = nil
	want := &Manifest{
		Registry:   "https://openskills.cc",
		Registries: map[string]string{"acme": "https://skills.acme.example"},
		Mirrors:    map[string][]string{"acme": {"https://m1.example", "./m2"}},
		Agents:     []string{"claude-code", "codex"},
		Skills: []Skill{
			{"backend-architect", "sickn33-skills-backend-architect"},
			{"pdf", "acme:pdf@^1.2"},
			{"local", "./skills/local"},
		},
		Warnings: []Warning{{15, 1, `unknown key "later"`}},
	}
	if diff := cmp.Diff(want, m, cmp.AllowUnexported(Manifest{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if wanted, ok := m.Ref("pdf"); !ok || wanted != "acme:pdf@^1.2" {
		t.Errorf("Ref: got %q, %v", wanted, ok)
	}
	if _, ok := m.Ref("other"); ok {
		t.Error("Ref found what is not there")
	}
}

func TestParseEmpty(t *testing.T) {
	for _, text := range []string{"", "# nothing yet\n", "skills:\n", "skills: {}\nagents: []\nregistries:\n", "---\n"} {
		m, err := Parse([]byte(text))
		if err != nil || len(m.Skills)+len(m.Agents)+len(m.Registries)+len(m.Warnings) > 0 {
			t.Errorf("%q: got %+v, %v", text, m, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"skills as list", "skills:\n  - pdf\n", "line 2, column 3: skills must be a mapping of names to references, not a list"},
		{"name climbs", "skills:\n  ../x: pdf\n", `line 2, column 3: skill name "../x" is not valid`},
		{"name of a device", "skills:\n  con: pdf\n", `line 2, column 3: skill name "con" is not valid`},
		{"name in upper case", "skills:\n  PDF: pdf\n", `line 2, column 3: skill name "PDF" is not valid`},
		{"name that hides", "skills:\n  \"a\\u202eb\": pdf\n", `line 2, column 3: skill name "a\u202eb" is not valid`},
		{"no reference", "skills:\n  pdf:\n", "line 2, column 7: skill pdf must be a text, not nothing"},
		{"empty reference", "skills:\n  pdf: ''\n", "line 2, column 8: skill pdf is empty, too long, or holds control characters"},
		{"reference as mapping", "skills:\n  pdf: {slug: pdf}\n", "line 2, column 8: skill pdf must be a text, not a mapping"},
		{"reference as option", "skills:\n  pdf: --upload-pack=x\n", "line 2, column 8: skill pdf: "},
		{"reference with an escape", "skills:\n  pdf: \"x\\e[2J\"\n", "line 2, column 8: skill pdf is empty, too long, or holds control characters"},
		{"name twice", "skills:\n  pdf: a\n  pdf: b\n", `line 3, column 3: key "pdf" is there twice`},
		{"alias", "skills:\n  a: &x pdf\n  b: *x\n", "line 2, column 6: anchors and aliases are not supported"},
		{"registry as list", "registry: [a]\n", "line 1, column 11: registry must be a text, not a list"},
		{"registry name", "registries:\n  https: x\n", `line 2, column 3: registry name "https" is not valid`},
		{"registries as text", "registries: x\n", "line 1, column 13: registries must be a mapping of names to addresses, not a text"},
		{"registry called none", "registries:\n  none: x\n", `line 2, column 3: registry name "none" is not valid`},
		{"mirrors as list", "mirrors: [x]\n", "line 1, column 10: mirrors must be a mapping of names of registries to lists of addresses, not a list"},
		{"mirrors of no name", "mirrors:\n  ../x: [x]\n", `line 2, column 3: registry name "../x" is not valid`},
		{"mirror as text", "mirrors:\n  acme: x\n", "line 2, column 9: mirrors of acme must be a list, not a text"},
		{"mirror with an escape", "mirrors:\n  acme: [\"x\\e[2J\"]\n", "line 2, column 10: mirrors of acme is empty, too long, or holds control characters"},
		{"agents as text", "agents: codex\n", "line 1, column 9: agents must be a list, not a text"},
		{"agents of mappings", "agents:\n  - codex: true\n", "line 2, column 5: agents must be a text, not a mapping"},
		{"not YAML", "skills: {\n", "line 2, column 1: did not find expected node content"},
		{"a web page", "<!doctype html>\n<p>", "line 1, column 1: must be a mapping, not a text"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
	if _, err := Parse(bytes.Repeat([]byte("#\n"), maxSize)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: got %v", err)
	}
}

func TestConflictMarkers(t *testing.T) {
	const text = "skills:\n  pdf: pdf\n<<<<<<< HEAD\n  a: a\n=======\n  b: b\n>>>>>>> x\n"
	var conflict *ConflictError
	if _, err := Parse([]byte(text)); !errors.As(err, &conflict) || conflict.Line != 3 {
		t.Errorf("got %v, want a conflict in line 3", err)
	}
	if _, err := Parse([]byte("# kept from a merge:\n#\n# <<<<<<< HEAD\nskills:\n  pdf: pdf\n")); err != nil {
		t.Error(err)
	}
}

func TestEdit(t *testing.T) {
	m, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		edit func() error
		want string
	}{
		{
			func() error { return m.Add("pdf", "acme:pdf@^2.0") },
			strings.Replace(sample, "acme:pdf@^1.2  ", "acme:pdf@^2.0  ", 1),
		},
		{func() error { return m.Add("pdf", "acme:pdf@^1.2") }, sample},
		{
			func() error { return m.Add("owned", "@alice/pdf") },
			strings.Replace(sample, "later", "  owned: \"@alice/pdf\"\nlater", 1),
		},
		{func() error { return m.Remove("owned") }, sample},
		{
			func() error { return m.Remove("backend-architect") },
			strings.Replace(sample, "  # for the API work\n  backend-architect: sickn33-skills-backend-architect\n", "", 1),
		},
		{
			func() error { return errors.Join(m.Remove("pdf"), m.Remove("local"), m.Remove("never there")) },
			sample[:strings.Index(sample, "  # for")] + "\nlater: true\n",
		},
		{
			func() error { return m.Add("pdf", "pdf") },
			sample[:strings.Index(sample, "  # for")] + "  pdf: pdf\n\nlater: true\n",
		},
	}
	for i, step := range steps {
		if err := step.edit(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if diff := cmp.Diff(step.want, string(m.Bytes())); diff != "" {
			t.Fatalf("step %d (-want +got):\n%s", i, diff)
		}
		if _, err := Parse(m.Bytes()); err != nil {
			t.Fatalf("step %d made an invalid file: %v", i, err)
		}
	}
	if diff := cmp.Diff([]Skill{{"pdf", "pdf"}}, m.Skills); diff != "" {
		t.Errorf("Skills (-want +got):\n%s", diff)
	}
}

func TestZeroValue(t *testing.T) {
	var m Manifest
	if len(m.Bytes()) != 0 {
		t.Errorf("got %q", m.Bytes())
	}
	if err := m.Remove("pdf"); err != nil {
		t.Error(err)
	}
	if err := m.Add("pdf", "acme:pdf"); err != nil {
		t.Fatal(err)
	}
	if got, want := string(m.Bytes()), "skills:\n  pdf: acme:pdf\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEditRefused(t *testing.T) {
	m, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	var syntax *ref.ParseError
	if err := m.Add("../x", "pdf"); !errors.Is(err, ErrName) {
		t.Errorf("name: got %v", err)
	}
	if err := m.Add("x", "--option"); !errors.As(err, &syntax) {
		t.Errorf("reference: got %v", err)
	}
	if string(m.Bytes()) != sample {
		t.Error("a refused edit changed the manifest")
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), Name)
	if _, err := Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
	if err := os.WriteFile(path, []byte("skills: x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var syntax *SyntaxError
	if _, err := Load(path); !errors.As(err, &syntax) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(path, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	if m, err := Load(path); err != nil || string(m.Bytes()) != sample {
		t.Errorf("got %v", err)
	}
}

// However a manifest got where it is by edits, it says what they said, in the
// order of their first mention, and its other lines are all there.
func TestEditSequence(t *testing.T) {
	refs := []string{"pdf", "acme:pdf@^1.2", "@alice/pdf@>=1 <3", "./skills/x", "https://h.example/a.zip?x=1&y=2#z", "github.com/o/r//sub@v1", "pdf@1.x"}
	starts := []string{"", "# c", "# c\r\n", "skills:\n", "skills: {}\n", sample, strings.ReplaceAll(sample, "\n", "\r\n"), strings.TrimSuffix(sample, "\n")}
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.SampledFrom(starts).Draw(t, "start")
		m, err := Parse([]byte(start))
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(m.Skills)
		for range rapid.IntRange(1, 12).Draw(t, "edits") {
			name := rapid.SampledFrom([]string{"pdf", "a", "b-2", "1e5", "null", "on"}).Draw(t, "name")
			at := slices.IndexFunc(want, func(s Skill) bool { return s.Name == name })
			if rapid.Bool().Draw(t, "remove") {
				err = m.Remove(name)
				if at >= 0 {
					want = slices.Delete(want, at, at+1)
				}
			} else {
				r := rapid.SampledFrom(refs).Draw(t, "ref")
				err = m.Add(name, r)
				if at >= 0 {
					want[at].Ref = r
				} else {
					want = append(want, Skill{name, r})
				}
			}
			if err != nil {
				t.Fatalf("%v in:\n%s", err, m.Bytes())
			}
		}
		if !slices.Equal(m.Skills, want) {
			t.Fatalf("got %v, want %v", m.Skills, want)
		}
		again, err := Parse(m.Bytes())
		if err != nil || !slices.Equal(again.Skills, want) {
			t.Fatalf("read back: %v in:\n%s", err, m.Bytes())
		}
		if strings.Contains(start, "\r") && strings.Count(string(m.Bytes()), "\r\n") != strings.Count(string(m.Bytes()), "\n") {
			t.Fatalf("mixed line ends: %q", m.Bytes())
		}
		for line := range strings.Lines(start) {
			line = strings.TrimRight(line, "\r\n")
			if !strings.Contains(line, "pdf") && !strings.Contains(line, "{}") && !bytes.Contains(m.Bytes(), []byte(line)) {
				t.Fatalf("lost %q:\n%s", line, m.Bytes())
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(strings.ReplaceAll(sample, "\n", "\r\n")))
	f.Add([]byte(`{"skills": {"pdf": "acme:pdf", "a": 'b'}, "agents": []}`))
	f.Add([]byte("skills:\n  pdf: >-\n    acme:pdf\n  # x\n\n  a: 'b'"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		if !bytes.Equal(m.Bytes(), data) {
			t.Fatalf("reading changed %q to %q", data, m.Bytes())
		}
		before := slices.Clone(m.Skills)
		if _, there := m.Ref("fuzz-added"); there {
			return
		}
		if err := m.Add("fuzz-added", "acme:pdf@^1.2"); err != nil {
			if !bytes.Equal(m.Bytes(), data) {
				t.Fatalf("a refused edit changed %q", data)
			}
			return
		}
		if !slices.Equal(m.Skills, append(before, Skill{"fuzz-added", "acme:pdf@^1.2"})) {
			t.Fatalf("%q: got %v", data, m.Skills)
		}
		if err := m.Remove("fuzz-added"); err == nil && !slices.Equal(m.Skills, before) {
			t.Fatalf("%q: got %v", data, m.Skills)
		}
	})
}

// AddAll is many calls of Add, in one edit.
func TestAddAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.SampledFrom([]string{
			"", "# only a comment\n", "skills:\n", "skills: {}\n", "skills:\n  a: x # why\n", "skills:\n  a: x\nagents: [codex]\n",
			"skills:\n    a: x", "registry: https://a.example\r\nskills:\r\n  a: x\r\n# end\r\n", "skills: {a: x}\n",
		}).Draw(t, "start")
		names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "pdf", "1e5", "null", "on"}), 0, 6, rapid.ID).Draw(t, "names")
		one, err := Parse([]byte(start))
		if err != nil {
			t.Fatal(err)
		}
		all, err := Parse([]byte(start))
		if err != nil {
			t.Fatal(err)
		}
		var skills []Skill
		for i, name := range names {
			s := Skill{Name: name, Ref: []string{"pdf", "acme:pdf@^1.2", "./dir"}[i%3]}
			skills = append(skills, s)
			if err := one.Add(s.Name, s.Ref); err != nil {
				t.Fatal(err)
			}
		}
		if err := all.AddAll(skills); err != nil {
			t.Fatal(err)
		}
		if got, want := string(all.Bytes()), string(one.Bytes()); got != want {
			t.Fatalf("AddAll(%v) to %q\n got %q\nwant %q", skills, start, got, want)
		}
	})
}
