package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testBrokenLock gives every command a lock that is not to be believed.
func testBrokenLock(t *testing.T, program string) {
	s := newScene(t, program)
	s.publish("pdf", "1.0.0")
	s.publish("notes", "1.0.0")
	s.run("install", "pdf", "--registry", s.registry, "--dir", "try").is(0)
	path := filepath.Join(s.cwd, "try", "skills.lock")
	good, err := os.ReadFile(path)
	s.check(err)
	text := string(good)
	for name, broken := range map[string]string{
		"empty":         "",
		"blank":         " \n\n",
		"garbage":       "\x00\xff garbage",
		"truncated":     text[:len(text)/2],
		"last byte":     strings.TrimRight(text, "}\n"),
		"merge markers": "<<<<<<< HEAD\n" + text + "=======\n" + text + ">>>>>>> other\n",
		"newer":         strings.Replace(text, `"lockVersion": 1`, `"lockVersion": 2`, 1),
		"twice":         text + text,
		"not a lock":    `{"skills": {}}`,
		"no digest":     strings.Replace(text, `"h1:`, `"h2:`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			s.check(os.WriteFile(path, []byte(broken), 0o644))
			before := s.marks(s.cwd)
			for _, args := range [][]string{
				{"install", "pdf", "--registry", s.registry}, {"install", "notes", "--registry", s.registry}, {"install"},
				{"install", "notes", "--registry", s.registry, "--replace"}, {"update"}, {"update", "pdf"}, {"remove", "pdf"},
				{"remove", "pdf", "--on-edit=overwrite", "--yes"}, {"verify"}, {"list"}, {"outdated"},
			} {
				got := s.run(append(args, "--dir", "try")...)
				got.t = t
				got.is(7).says("skills.lock")
			}
			if after := s.marks(s.cwd); after != before {
				t.Errorf("something was written:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}
