package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openskills-go/skills/cmd/skills-registry/internal/cli"
)

const sample = "../../../../testdata/registry"

// The server says where it listens in its first line, serves, and ends without
// an error when it is told to, after the request that is under way.
func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stderr, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, io.Discard, w, "serve", sample, "--addr", "127.0.0.1:0")
		_ = w.Close()
	}()
	lines := bufio.NewScanner(stderr)
	lines.Scan()
	go func() { _, _ = io.Copy(io.Discard, stderr) }() // or a log line would wait for us
	url, ok := strings.CutPrefix(lines.Text(), "listening on ")
	if !ok || !strings.HasPrefix(url, "http://127.0.0.1:") || strings.HasSuffix(url, ":0") {
		t.Fatalf("the first line is %q", lines.Text())
	}
	resp, err := http.Get(url + "/api/download?slug=sickn33-skills-backend-architect")
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK || !bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		t.Errorf("%d, %d bytes, %v", resp.StatusCode, len(data), err)
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
}

func run(ctx context.Context, stdout, stderr io.Writer, args ...string) int {
	return cli.Run(ctx, args, cli.Process{Getenv: func(string) string { return "" }, Stdout: stdout, Stderr: stderr})
}

func TestFaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"serve"}, 2, "no home folder"},
		{[]string{"serve", "a", "b"}, 2, "one folder at most"},
		{[]string{"user", "ad"}, 2, "unknown command"},
		{[]string{"import"}, 2, "at least one"},
		{[]string{"build", "--data", t.TempDir()}, 2, "--out"},
		{[]string{"token", "create", "nobody", "--data", t.TempDir()}, 5, "user is not found"},
		{[]string{"token", "create", "nobody", "--expires", "soon"}, 2, "no time such as 90d"},
		{[]string{"user", "add", "Alice!", "--data", t.TempDir()}, 2, "handle"},
		{[]string{"user", "add", "api", "--data", t.TempDir()}, 2, "reserved"},
		{[]string{"takedown", "pdf", "--data", t.TempDir()}, 2, "not owner/slug"},
		{[]string{"takedown", "a/pdf", "--reason", "x", "--data", t.TempDir()}, 5, "skill is not found"},
		{[]string{"restore", t.TempDir(), "--data", t.TempDir()}, 1, "no backup"},
		{[]string{"serve", "--data", file}, 1, "not a directory"},
		{[]string{"serve", "--db", "mysql://x", "--data", t.TempDir(), "--addr", "127.0.0.1:0"}, 1, "neither"},
		{[]string{"serve", "--url", "nonsense", "--data", t.TempDir(), "--addr", "127.0.0.1:0"}, 2, "address"},
		{[]string{"serve", "--tls-cert", file, "--data", t.TempDir()}, 2, "go together"},
		{[]string{"serve", sample, "--nothing"}, 2, "unknown flag"},
		{[]string{"sevre"}, 2, "unknown command"},
		{[]string{"serve", filepath.Join(t.TempDir(), "no")}, 1, "no"},
		{[]string{"serve", file}, 1, "not a folder"},
		{[]string{"serve", sample, "--addr", "127.0.0.1:99999"}, 1, "invalid port"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), &stdout, &stderr, test.args...); code != test.code {
			t.Errorf("%v: exit code %d, want %d", test.args, code, test.code)
		}
		first, _, _ := strings.Cut(stderr.String(), "\n")
		if !strings.HasPrefix(first, "error: ") || !strings.Contains(first, test.says) || stdout.Len() > 0 {
			t.Errorf("%v: stdout %q, stderr %q", test.args, &stdout, &stderr)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"help"}, {"--help"}, {"serve", "--help"}, {"--version"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), &stdout, &stderr, args...); code != 0 || !strings.Contains(stdout.String(), "skills-registry") || stderr.Len() > 0 {
			t.Errorf("%v: %d, stdout %q, stderr %q", args, code, &stdout, &stderr)
		}
	}
}
