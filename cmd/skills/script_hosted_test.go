package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// registryProgram builds skills-registry when it is first asked for.
func registryProgram(t *testing.T) func() (string, error) {
	t.Helper()
	dir := t.TempDir()
	return sync.OnceValues(func() (string, error) {
		program := filepath.Join(dir, "skills-registry.exe")
		out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../skills-registry").CombinedOutput()
		if err != nil {
			err = fmt.Errorf("build skills-registry: %w\n%s", err, out)
		}
		return program, err
	})
}

// administer runs skills-registry on what hosted serves, and returns its output.
func administer(ts *testscript.TestScript, args ...string) string {
	program, err := state(ts).registry()
	ts.Check(err)
	data := ts.MkAbs("registry-data")
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "HOME="+data, "SKILLS_REGISTRY_DATA="+data)
	out, err := cmd.Output()
	if err != nil {
		ts.Fatalf("skills-registry %v: %v", args, err)
	}
	return string(out)
}

// hosted runs skills-registry until the script ends: hosted VAR USER... VAR becomes
// its address, and the token of each user is in the file USER.token.
func hosted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: hosted VAR USER...")
	}
	program, err := state(ts).registry()
	ts.Check(err)
	data := ts.MkAbs("registry-data")
	env := append(os.Environ(), "HOME="+data, "SKILLS_REGISTRY_DATA="+data)
	for _, user := range args[1:] {
		administer(ts, "user", "add", user)
		ts.Check(os.WriteFile(ts.MkAbs(user+".token"), []byte(administer(ts, "token", "create", user, "--scope", "publish")), 0o600))
	}

	cmd := exec.Command(program, "serve", "--addr", "127.0.0.1:0", "--rate-read", "-1", "--rate-write", "-1", "--rate-download", "-1")
	cmd.Env = env
	talk, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(talk); lines.Scan(); {
		if url, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			ts.Setenv(args[0], url)
			go func() { // what it logs is nobody's business here, and must not fill the pipe
				for lines.Scan() {
				}
			}()
			return
		}
	}
	ts.Fatalf("skills-registry does not listen")
}
