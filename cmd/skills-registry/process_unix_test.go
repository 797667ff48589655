//go:build unix

package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/api"
)

var program string

// TestMain builds the program once.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "skills-registry-test")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "skills-registry")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// A process is a registry that runs.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string
	token string // that it printed, if it did
	done  chan error
}

// serve starts a registry and returns when it listens.
func serve(t *testing.T, data string, args ...string) *process {
	t.Helper()
	p := &process{t: t, done: make(chan error, 1)}
	p.cmd = exec.CommandContext(t.Context(), program, append([]string{"serve", "--data", data, "--addr", "127.0.0.1:0", "--rate-read", "-1", "--rate-write", "-1", "--rate-download", "-1"}, args...)...)
	p.cmd.Env = []string{"HOME=" + t.TempDir()}
	stdout, err := os.Create(filepath.Join(t.TempDir(), "stdout")) // a pipe would be read some time later
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout = stdout
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			p.url = url
			break
		}
	}
	if p.url == "" {
		t.Fatalf("it does not listen: %v", p.cmd.Wait())
	}
	// What it prints, it printed before it listened.
	printed, err := os.ReadFile(stdout.Name())
	if err != nil {
		t.Fatal(err)
	}
	p.token = strings.TrimSpace(strings.TrimPrefix(string(printed), "admin token: "))
	go func() {
		_, _ = io.Copy(io.Discard, stderr)
		p.done <- p.cmd.Wait()
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// end sends a signal and waits for the end.
func (p *process) end(s os.Signal) error {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.done:
		return err
	case <-time.After(time.Minute):
		p.t.Fatal("it does not end")
		return nil
	}
}

// publish returns the status and the digest of what was published.
func publish(url, token, version, text string) (int, string, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("payload", `{"slug":"demo","version":"`+version+`","changelog":""}`)
	for path, content := range map[string]string{"SKILL.md": "---\nname: demo\ndescription: A demo.\n---\n" + text, "data.bin": strings.Repeat(text, 5000)} {
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="files"; filename="` + path + `"`}})
		if err != nil {
			return 0, "", err
		}
		_, _ = io.WriteString(part, content)
	}
	_ = w.Close()
	req, err := http.NewRequest(http.MethodPost, url+"/api/v1/skills", &b)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer api.Published
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode == http.StatusOK {
		err = json.Unmarshal(data, &answer)
	}
	if err != nil || answer.Artifact == nil {
		return resp.StatusCode, string(data), err
	}
	return resp.StatusCode, answer.Artifact.SHA256, nil
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// Killed at any moment while many publish, a registry has each version whole or not
// at all; what it said was published is there; and what was cut off can be published
// again.
func TestKilledWhilePublishing(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := serve(t, data)
	token := p.token
	if !strings.HasPrefix(token, "skl_") {
		t.Fatalf("the first start printed %q", token)
	}
	var mu sync.Mutex
	promised := map[string]string{} // digests by version
	for round := range 12 {
		if round > 0 {
			if p = serve(t, data); p.token != "" {
				t.Fatal("the token was printed twice")
			}
		}
		var wg sync.WaitGroup
		seen := make(chan struct{}, 1000)
		for worker := range 4 {
			wg.Go(func() {
				for i := 0; ; i++ {
					version := fmt.Sprintf("%d.%d.%d", round, worker, i)
					status, sum, err := publish(p.url, token, version, version)
					if err != nil {
						return // it is dead
					}
					if status != http.StatusOK {
						t.Errorf("%s: %d %s", version, status, sum)
						return
					}
					mu.Lock()
					promised[version] = sum
					mu.Unlock()
					select {
					case seen <- struct{}{}:
					default:
					}
				}
			})
		}
		for range round { // after some publishes, which are never as far as each other
			<-seen
		}
		_ = p.end(syscall.SIGKILL)
		wg.Wait()
	}
	p = serve(t, data)
	there := map[string]string{}
	for cursor := ""; ; {
		status, body := get(t, p.url+"/api/v1/skills/demo/versions?limit=200&cursor="+cursor)
		var page api.Versions
		if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		for _, v := range page.Items {
			there[v.Version] = v.Artifact.SHA256
			if status, zip := get(t, p.url+"/api/v1/download?slug=demo&version="+v.Version); status != http.StatusOK || digest.Of([]byte(zip)).Hex() != v.Artifact.SHA256 {
				t.Errorf("%s: %d, %d bytes", v.Version, status, len(zip))
			}
		}
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
	}
	for version, sum := range promised {
		if there[version] != sum {
			t.Errorf("%s was published, and is %q", version, there[version])
		}
	}
	if len(there) < len(promised) || len(promised) < 20 {
		t.Errorf("%d versions were promised, %d are there", len(promised), len(there))
	}
	for version, sum := range there {
		if status, again, err := publish(p.url, token, version, version); err != nil || status != http.StatusOK || again != sum {
			t.Errorf("%s again: %d %s, %v", version, status, again, err)
		}
		break
	}
	// What was cut off is free.
	if status, _, err := publish(p.url, token, "99.0.0", "new"); err != nil || status != http.StatusOK {
		t.Errorf("%d, %v", status, err)
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("the end: %v", err)
	}
	fsck := exec.CommandContext(t.Context(), program, "fsck", "--data", data, "--repair", "--grace", "0s")
	if out, err := fsck.CombinedOutput(); err != nil || !strings.Contains(string(out), ", 0 left") {
		t.Errorf("fsck: %v\n%s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), program, "fsck", "--data", data, "--grace", "0s").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "0 faults") {
		t.Errorf("fsck again: %v\n%s", err, out)
	}
}

// What is under way is answered before the end.
func TestEndsAfterRequests(t *testing.T) {
	p := serve(t, filepath.Join(t.TempDir(), "data"))
	reader, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/api/v1/skills", reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+p.token)
	answered := make(chan int, 1)
	go func() {
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			answered <- 0
			return
		}
		_ = resp.Body.Close()
		answered <- resp.StatusCode
	}()
	if err := form.WriteField("payload", `{"slug":"demo","version":"1.0.0","changelog":""}`); err != nil {
		t.Fatal(err)
	}
	// More than sockets hold: the server reads it.
	part, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="files"; filename="data.bin"`}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(make([]byte, 9<<20)); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for { // until it takes no one new
		conn, err := http.Get(p.url + "/healthz")
		if err != nil {
			break
		}
		_ = conn.Body.Close()
		http.DefaultClient.CloseIdleConnections()
	}
	part, err = form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="files"; filename="SKILL.md"`}})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(part, "---\nname: demo\ndescription: A demo.\n---\n")
	_ = form.Close()
	_ = writer.Close()
	if status := <-answered; status != http.StatusOK {
		t.Errorf("what was under way got %d", status)
	}
	if err := <-p.done; err != nil {
		t.Errorf("the end: %v", err)
	}
}
