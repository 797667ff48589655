package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// do runs a command that has to end with a code, and returns what it printed.
func do(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	if got := run(t.Context(), &out, &err, args...); got != code {
		t.Errorf("%v: exit code %d, want %d\n%s%s", args, got, code, &out, &err)
	}
	return out.String(), err.String()
}

// From nothing to a registry with skills, a site, a backup, and back.
func TestUpkeep(t *testing.T) {
	dir := t.TempDir()
	data := []string{"--data", filepath.Join(dir, "data")}
	at := func(args ...string) []string { return append(args, data...) }
	do(t, 0, at("user", "add", "alice", "--name", "Alice")...)
	do(t, 2, at("user", "add", "alice")...)
	token, note := do(t, 0, at("token", "create", "alice", "--scope", "publish", "--expires", "90d", "--label", "ci")...)
	if !strings.HasPrefix(token, "skl_") || strings.Count(token, "\n") != 1 || strings.Contains(note, "skl_") {
		t.Errorf("%q, %q", token, note)
	}
	listed, _ := do(t, 0, at("token", "list", "--json")...)
	var tokens []struct{ ID, Token string }
	if err := json.Unmarshal([]byte(listed), &tokens); err != nil || len(tokens) != 1 || tokens[0].Token != "" {
		t.Fatalf("%s: %v", listed, err)
	}
	do(t, 0, at("token", "revoke", tokens[0].ID)...)
	do(t, 5, at("token", "revoke", "none")...)

	skills := filepath.Join(dir, "skills")
	for name, text := range map[string]string{"one": "---\nname: one\ndescription: One.\n---\n", "two": "---\nname: two\ndescription: Two.\nversion: 2.1.0\n---\n", "bad": "nothing"} {
		if err := os.MkdirAll(filepath.Join(skills, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(skills, name, "SKILL.md"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, errs := do(t, 3, at("import", skills, "--owner", "alice")...)
	if !strings.HasPrefix(out, "2 imported, 0 unchanged, 1 failed") || !strings.Contains(errs, "bad: SKILL.md") {
		t.Errorf("%q, %q", out, errs)
	}
	if err := os.RemoveAll(filepath.Join(skills, "bad")); err != nil {
		t.Fatal(err)
	}
	if out, _ := do(t, 0, at("import", skills, "--owner", "alice")...); !strings.HasPrefix(out, "0 imported, 2 unchanged, 0 failed") {
		t.Error(out)
	}
	do(t, 5, at("import", skills, "--owner", "nobody")...)

	site := filepath.Join(dir, "site")
	if out, _ := do(t, 0, at("build", "--out", site)...); !strings.HasPrefix(out, "2 skills, 2 versions") {
		t.Error(out)
	}
	out, _ = do(t, 0, at("build", "--out", site, "--json")...)
	var built struct{ Written int }
	if err := json.Unmarshal([]byte(out), &built); err != nil || built.Written > 2 { // the signature, at most
		t.Errorf("again: %s, %v", out, err)
	}
	for _, path := range []string{"config.json", "alice/two/2.1.0.zip", "alice/one/.well-known/agent-skills/index.json", "log/checkpoint", "catalog/full.ndjson.zst"} {
		if _, err := os.Stat(filepath.Join(site, filepath.FromSlash(path))); err != nil {
			t.Error(err)
		}
	}

	backup := filepath.Join(dir, "backup")
	do(t, 0, at("backup", backup)...)
	do(t, 1, at("backup", backup)...)
	do(t, 1, at("restore", backup)...)
	restored := []string{"--data", filepath.Join(dir, "restored")}
	do(t, 0, append([]string{"restore", backup}, restored...)...)
	if out, _ := do(t, 0, append([]string{"fsck"}, restored...)...); !strings.HasPrefix(out, "0 faults") {
		t.Error(out)
	}
	do(t, 0, append([]string{"takedown", "alice/one", "--reason", "x"}, restored...)...)
	do(t, 0, append([]string{"takedown", "alice/one", "--undo"}, restored...)...)
	events, _ := do(t, 0, append([]string{"events"}, restored...)...)
	for _, action := range []string{"user.add", "token.create", "token.revoke", "publish", "remove", "restore"} {
		if !strings.Contains(events, action) {
			t.Errorf("no %s in\n%s", action, events)
		}
	}
	if strings.Contains(events, "skl_") {
		t.Error("a token is in the audit log")
	}

	// What the disk changes is found, in the registry and in a backup.
	damage := func(root string) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(root, "blobs", "sha256", "*", "*"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		if err := os.WriteFile(files[0], []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	damage(restored[1])
	if out, _ := do(t, 7, append([]string{"fsck"}, restored...)...); !strings.Contains(out, "alice/") {
		t.Error(out)
	}
	do(t, 0, append([]string{"import", skills, "--owner", "alice"}, restored...)...)
	do(t, 0, append([]string{"fsck"}, restored...)...) // who had the files has healed it
	damage(backup)
	do(t, 1, "restore", backup, "--data", filepath.Join(dir, "again"))
	if _, err := os.Stat(filepath.Join(dir, "again", "registry.db")); err == nil {
		t.Error("a damaged backup became a registry")
	}
}
