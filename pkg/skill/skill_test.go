package skill

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite what the vectors want")

const vectors = "../../testdata/skill"

// A vector is one folder of a txtar file: an input and, in the file "want", what
// becomes of it.
type vector struct {
	name  string
	input []byte
	want  []byte
}

// runVectors calls got with each vector of a txtar file.
func runVectors(t *testing.T, path string, got func(vector) string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	for i := range archive.Files {
		f := &archive.Files[i]
		name, file, _ := strings.Cut(f.Name, "/")
		if file != "want" {
			v = vector{name: name, input: f.Data}
			if strings.HasSuffix(file, ".escaped") {
				v.input = unescape(t, f.Data)
			}
			continue
		}
		if name != v.name {
			t.Fatalf("%s: %s has no input before it", path, f.Name)
		}
		v.want = f.Data
		t.Run(name, func(t *testing.T) {
			text := got(v)
			if *update {
				f.Data = []byte(text)
				return
			}
			if diff := cmp.Diff(string(v.want), text); diff != "" {
				t.Errorf("%s (-want +got):\n%s", v.name, diff)
			}
		})
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// unescape decodes the escape sequences of a Go string in each line of data.
func unescape(t *testing.T, data []byte) []byte {
	t.Helper()
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		s, err := strconv.Unquote(`"` + strings.ReplaceAll(line, `"`, `\"`) + `"`)
		if err != nil {
			t.Fatalf("unescape %q: %v", line, err)
		}
		lines[i] = s
	}
	return []byte(strings.Join(lines, "\n"))
}

// TestVectors reads every SKILL.md of testdata/skill in both tempers.
func TestVectors(t *testing.T) {
	for _, set := range []string{"structure", "yaml", "names", "lenient", "spec"} {
		t.Run(set, func(t *testing.T) {
			runVectors(t, filepath.Join(vectors, set+".txtar"), func(v vector) string {
				before := bytes.Clone(v.input)
				out := describe(t, v)
				if !bytes.Equal(before, v.input) {
					t.Error("the input was changed")
				}
				return out
			})
		})
	}
}

func describe(t *testing.T, v vector) string {
	t.Helper()
	var b strings.Builder
	s, findings, err := Parse(v.input)
	var fault *SyntaxError
	switch {
	case errors.As(err, &fault):
		fmt.Fprintf(&b, "refused %s %v (fix: %s)\n", fault.Rule, fault, fault.Fix)
	case err != nil:
		t.Fatalf("error is no *SyntaxError: %v", err)
	default:
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		if err := e.Encode(s); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "skill %sbody %q\n", &text, s.Body)
	}
	for _, f := range findings {
		fmt.Fprintf(&b, "parse %s %s %s\n", f.Severity, f.Rule, f)
	}
	strict := Validate(v.name, v.input)
	if fault != nil && len(strict) == 1 && strict[0] == fault.finding() {
		return b.String()
	}
	for _, f := range strict {
		fmt.Fprintf(&b, "validate %s %s %s\n", f.Severity, f.Rule, f)
	}
	return b.String()
}

// TestLimits tests the two sides of every limit.
func TestLimits(t *testing.T) {
	front := func(lines ...string) []byte {
		return []byte("---\nname: x\ndescription: y\n" + strings.Join(lines, "\n") + "\n---\n")
	}
	file := func(size int) []byte {
		head := front()
		return append(head, bytes.Repeat([]byte("x"), size-len(head))...)
	}
	frontOf := func(size int) []byte {
		head := "---\nname: x\ndescription: y\nz: "
		return []byte(head + strings.Repeat("z", size-len(head)-1) + "\n---\n")
	}
	for _, test := range []struct {
		name string
		data []byte
		rule string // "" if accepted
	}{
		{"file of 1 MiB", file(MaxSize), ""},
		{"file of 1 MiB and a byte", file(MaxSize + 1), "size"},
		{"front matter of 64 KiB", frontOf(MaxFrontMatter), ""},
		{"front matter of 64 KiB and a byte", frontOf(MaxFrontMatter + 1), "front-matter-size"},
		{"16 aliases", front("a: &a b", "c: ["+strings.Repeat("*a, ", 16)+"]"), ""},
		{"17 aliases", front("a: &a b", "c: ["+strings.Repeat("*a, ", 17)+"]"), "aliases"},
		{"depth of 60", front("a: " + strings.Repeat("[", 60) + strings.Repeat("]", 60)), ""},
		{"depth of 65 in brackets", front("a: " + strings.Repeat("[", 65) + strings.Repeat("]", 65)), "depth"},
		{"depth of 65 in both styles", front("a:", "  "+strings.Repeat("- ", 33)+strings.Repeat("[", 33)+strings.Repeat("]", 33)), "depth"},
		{"depth without end", front("a: " + strings.Repeat("{a: ", 10_000)), "depth"},
		{"lists without end", front("a:", "  "+strings.Repeat("- ", 30_000)), "depth"},
		{"keys without end", front(strings.Repeat("? ", 30_000)), "depth"},
		{"6,000 keys", front(numbered("k%d: 1\n", 6000)), ""},
		{"6,000 keys and a duplicate", front(numbered("k%d: 1\n", 6000) + "\nk0: 1"), "duplicate-key"},
		{"5,000 anchors", front(numbered("k%d: &a 1\n", 5000)), ""},
		{"expanding aliases", front("a: &a [x,x,x,x]", "b: &b [*a,*a,*a,*a]", "c: &c [*b,*b,*b,*b]", "d: &d [*c,*c,*c,*c]", "e: [*d,*d,*d,*d]"), ""},
		{"a giant scalar", front("z: |", strings.Repeat("  "+strings.Repeat("z", 77)+"\n", 800)), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := Parse(test.data)
			var fault *SyntaxError
			if errors.As(err, &fault) {
				if len(fault.Error()) > 400 {
					t.Errorf("message is %d bytes", len(fault.Error()))
				}
			} else {
				fault = &SyntaxError{}
			}
			if fault.Rule != test.rule {
				t.Errorf("rule %q, want %q: %v", fault.Rule, test.rule, err)
			}
		})
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// TestLengths tests the limits that the specification counts in characters.
func TestLengths(t *testing.T) {
	text := func(key string, n int) []byte {
		return []byte("---\nname: x\n" + key + ": " + strings.Repeat("é", n) + "\n---\nbody\n")
	}
	for _, test := range []struct {
		key  string
		n    int
		rule string
	}{
		{"description", 1024, ""},
		{"description", 1025, "description-length"},
		{"description: y\ncompatibility", 500, ""},
		{"description: y\ncompatibility", 501, "compatibility-length"},
	} {
		findings := Validate("x", text(test.key, test.n))
		var rules []string
		for _, f := range findings {
			rules = append(rules, f.Rule)
		}
		if got := strings.Join(rules, " "); got != test.rule {
			t.Errorf("%s of %d: got %q, want %q", test.key, test.n, got, test.rule)
		}
	}
	long := []byte("---\nname: x\ndescription: y\n---\n" + strings.Repeat("line\n", 501))
	if f := Validate("x", long); len(f) != 1 || f[0].Rule != "body-length" || f[0].Severity != Warning {
		t.Errorf("501 lines of body: %v", f)
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "0": true, "pdf": true, "a-b-c": true, "com10": true, "console": true, "nul-x": true,
		strings.Repeat("a", 64): true, strings.Repeat("a", 65): false,
		"": false, "-": false, "-a": false, "a-": false, "a--b": false, "A": false, "a_b": false, "a.b": false,
		"a b": false, "é": false, "a/b": false, "..": false, "a\x00": false, "a\n": false,
		"con": false, "prn": false, "aux": false, "nul": false, "com1": false, "lpt9": false, "com0": false,
	} {
		if ValidName(name) != want {
			t.Errorf("ValidName(%q) = %v", name, !want)
		}
	}
}

func TestFindingJSON(t *testing.T) {
	f := Finding{"name-folder", Warning, FileName, 2, 7, "m", ""}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"rule":"name-folder","severity":"warning","file":"SKILL.md","line":2,"column":7,"message":"m"}`
	if string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	var back Finding
	if err := json.Unmarshal(text, &back); err != nil || back != f {
		t.Errorf("read back %v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"severity":"fatal"}`), &back); err == nil {
		t.Error("accepted an unknown severity")
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"a":                             `"a"`,
		"\x1b[31m":                      `"\x1b[31m"`,
		"é\u202e":                       `"\u00e9\u202e"`,
		strings.Repeat("a", 78):         `"` + strings.Repeat("a", 78) + `"`,
		strings.Repeat("a", 79):         `"` + strings.Repeat("a", 75) + `..."`,
		strings.Repeat("a", 1000):       `"` + strings.Repeat("a", 75) + `..."`,
		strings.Repeat("\U000e0041", 9): `"` + strings.Repeat(`\U000e0041`, 7) + `..."`,
	} {
		if got := quote(in); got != want || len(got) > 80 {
			t.Errorf("quote(%q) = %s, want %s", in, got, want)
		}
	}
}
