package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSplitCommand(t *testing.T) {
	for _, test := range []struct {
		line string
		want []string // nil: refused
	}{
		{"pass show skills", []string{"pass", "show", "skills"}},
		{"  op \t read  ", []string{"op", "read"}},
		{`helper "two words" 'and "three" more' ""`, []string{"helper", "two words", `and "three" more`, ""}},
		{`"C:\Program Files\op.exe" read C:\x`, []string{`C:\Program Files\op.exe`, "read", `C:\x`}},
		{`a"b c"d`, []string{"ab cd"}},
		{"helper $TOKEN `id` $(id) | sh > x; rm *", []string{"helper", "$TOKEN", "`id`", "$(id)", "|", "sh", ">", "x;", "rm", "*"}},
		{"", nil},
		{"   ", nil},
		{`"" x`, nil},
		{`helper "open`, nil},
		{"helper\nid", nil},
		{"helper \x1b[2J", nil},
		{strings.Repeat("x ", maxWords+1), nil},
	} {
		got, err := SplitCommand(test.line)
		if (err == nil) != (test.want != nil) || err == nil && !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, %v", test.line, got, err)
		}
		if err != nil {
			continue
		}
		again, err := SplitCommand(joinCommand(got))
		if err != nil || !slices.Equal(again, got) {
			t.Errorf("%q: joined to %q, which is %q, %v", got, joinCommand(got), again, err)
		}
	}
}

// The command may be a list or a line, in the file and in the environment, and
// is written as a list, which nothing has to split.
func TestCredentialCommand(t *testing.T) {
	want := []string{"helper", "a b", `say "x", 'y'`}
	for _, text := range []string{
		"credential-command: [helper, a b, \"say \\\"x\\\", 'y'\"]\n",
		"credential-command:\n  - helper\n  - a b\n  - say \"x\", 'y'\n",
		`credential-command: helper 'a b' "say "'"x"'", 'y'"` + "\n",
	} {
		s, err := Parse([]byte(text))
		if err != nil || !slices.Equal(s.CredentialCommand, want) {
			t.Errorf("%s: %q, %v", text, s.CredentialCommand, err)
		}
	}
	for _, bad := range []string{"[]", "[[helper]]", "{a: b}", `""`, `[""]`, "'helper \"'"} {
		if s, err := Parse([]byte("credential-command: " + bad + "\n")); err == nil {
			t.Errorf("%s: %q", bad, s.CredentialCommand)
		}
	}
	s, err := Default().WithEnv(func(name string) string {
		return map[string]string{"SKILLS_CREDENTIAL_COMMAND": "helper 'a b'"}[name]
	})
	if err != nil || !slices.Equal(s.CredentialCommand, want[:2]) || s.Origin("credential-command") != "SKILLS_CREDENTIAL_COMMAND" {
		t.Errorf("from the environment: %q, %v", s.CredentialCommand, err)
	}

	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := Set(path, "credential-command", joinCommand(want)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if s, loadErr := Load(path); err != nil || loadErr != nil || !slices.Equal(s.CredentialCommand, want) || strings.Contains(string(text), "command: helper") {
		t.Errorf("%s: %q, %v, %v", text, s.CredentialCommand, err, loadErr)
	}
}
