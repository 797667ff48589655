package skill

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzParse checks what Parse and Validate promise of any input: they agree on
// what is refused, what they say is safe to print and points into the file, and
// no name that is accepted could be a path.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join(vectors, "*.txtar"))
	if err != nil || len(paths) == 0 {
		f.Fatalf("no vectors to begin with: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(data).Files {
			if strings.HasSuffix(file.Name, "/SKILL.md") {
				f.Add(file.Data)
			}
		}
	}
	f.Add([]byte("---\nname: x\ndescription: a: b\r\n---\r\n"))
	f.Add([]byte("\xef\xbb\xbf---\r\nname: \"\\u202e\"\r\n---"))

	f.Fuzz(func(t *testing.T, data []byte) {
		s, findings, err := Parse(data)
		strict := Validate("folder", data)
		for _, finding := range slices.Concat(findings, strict) {
			checkFinding(t, data, finding)
		}
		if err != nil {
			var fault *SyntaxError
			if !errors.As(err, &fault) {
				t.Fatalf("error is no *SyntaxError: %v", err)
			}
			checkFinding(t, data, fault.finding())
			if s != nil || !slices.Contains(strict, fault.finding()) {
				t.Fatalf("Validate does not report %v", err)
			}
			return
		}
		if strings.ContainsAny(s.Name, "/\\\x00") || strings.Contains(s.Name, "..") {
			t.Fatalf("name %q is accepted", s.Name)
		}
		if len(s.Body) > 0 && &s.Body[len(s.Body)-1] != &data[len(data)-1] {
			t.Fatal("the body is not the rest of the file")
		}
		for _, finding := range findings {
			if finding.Severity != Warning {
				t.Fatalf("an accepted file has the error %v", finding)
			}
			finding.Severity = Error
			if !slices.Contains(strict, finding) {
				t.Fatalf("Validate does not report %v", finding)
			}
		}
	})
}

func checkFinding(t *testing.T, data []byte, f Finding) {
	t.Helper()
	lines := strings.Split(string(data), "\n")
	// The YAML parser points behind the last line where it misses something.
	if f.Line < 1 || f.Line > len(lines)+1 || f.Column < 1 || f.Line <= len(lines) && f.Column > len(lines[f.Line-1])+1 {
		t.Fatalf("%v is outside of the file", f)
	}
	text := f.String()
	if f.Rule == "" || len(text) > 400 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Fatalf("%q is not safe to print", text)
	}
}
