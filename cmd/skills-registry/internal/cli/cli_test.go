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
		code <- cli.Run(ctx, []string{"serve", sample, "--addr", "127.0.0.1:0"}, io.Discard, w)
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
		{[]string{"serve"}, 2, "needs one folder"},
		{[]string{"serve", "a", "b"}, 2, "needs one folder"},
		{[]string{"serve", sample, "--nothing"}, 2, "unknown flag"},
		{[]string{"sevre"}, 2, "unknown command"},
		{[]string{"serve", filepath.Join(t.TempDir(), "no")}, 1, "no"},
		{[]string{"serve", file}, 1, "not a folder"},
		{[]string{"serve", sample, "--addr", "127.0.0.1:99999"}, 1, "invalid port"},
	} {
		var stdout, stderr bytes.Buffer
		if code := cli.Run(t.Context(), test.args, &stdout, &stderr); code != test.code {
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
		if code := cli.Run(t.Context(), args, &stdout, &stderr); code != 0 || !strings.Contains(stdout.String(), "skills-registry") || stderr.Len() > 0 {
			t.Errorf("%v: %d, stdout %q, stderr %q", args, code, &stdout, &stderr)
		}
	}
}
