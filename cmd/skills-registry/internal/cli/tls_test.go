package cli_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A running registry is one that was started by its command line.
type running struct {
	url, metrics string
	token        string // of admin
	stop         func() int
}

func serve(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	stderr, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, out, w, append([]string{"serve", "--data", t.TempDir(), "--addr", "127.0.0.1:0"}, args...)...)
		_ = w.Close()
	}()
	r := &running{}
	lines := bufio.NewScanner(stderr)
	for r.url == "" && lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			r.url = url
		}
		if url, ok := strings.CutPrefix(lines.Text(), "metrics on "); ok {
			r.metrics = url
		}
	}
	if r.url == "" {
		t.Fatal("it does not listen")
	}
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	said, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	r.token = strings.TrimPrefix(strings.TrimSpace(string(said)), "admin token: ")
	r.stop = func() int {
		cancel()
		return <-code
	}
	return r
}

// certify writes a certificate of its own for 127.0.0.1, which stands for number.
func certify(t *testing.T, dir string, number int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(number), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, data []byte) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(time.Duration(number) * time.Minute) // files of one moment look alike
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	write("key.pem", "PRIVATE KEY", secret)
	write("cert.pem", "CERTIFICATE", der)
}

// HTTPS is served with the certificate that the files hold at each moment, or the last
// that they held.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	certify(t, dir, 1)
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	r := serve(t, "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(r.url, "https://127.0.0.1:") {
		t.Errorf("it listens on %s", r.url)
	}
	ask := func() (number int64, major int) {
		t.Helper()
		text, err := os.ReadFile(cert)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		verify := roots.AppendCertsFromPEM(text)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, InsecureSkipVerify: !verify}, ForceAttemptHTTP2: true} // where the file holds none
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get(r.url + "/api/v1/skills")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.TLS.PeerCertificates[0].SerialNumber.Int64(), resp.ProtoMajor
	}
	if number, major := ask(); number != 1 || major != 2 {
		t.Errorf("certificate %d, HTTP/%d", number, major)
	}
	certify(t, dir, 2)
	if number, _ := ask(); number != 2 {
		t.Errorf("after it was replaced it is certificate %d", number)
	}
	if err := os.WriteFile(cert, []byte("half of a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if number, _ := ask(); number != 2 {
		t.Errorf("while it is being replaced it is certificate %d", number)
	}
	certify(t, dir, 3)
	if number, _ := ask(); number != 3 {
		t.Errorf("in the end it is certificate %d", number)
	}
	if resp, err := http.Get(strings.Replace(r.url, "https", "http", 1)); err == nil {
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			t.Error("plain HTTP is answered")
		}
	}
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, args := range [][]string{{"--tls-cert", cert}, {"--tls-cert", filepath.Join(dir, "none"), "--tls-key", key}, {"--tls-cert", key, "--tls-key", key}} {
		if code := run(t.Context(), io.Discard, io.Discard, append([]string{"serve", "--data", t.TempDir(), "--addr", "127.0.0.1:0"}, args...)...); code == 0 {
			t.Errorf("served with %q", args)
		}
	}
}

// Metrics have an address of their own, count what happens, and do not grow with what
// strangers ask for.
func TestMetrics(t *testing.T) {
	r := serve(t, "--metrics-addr", "127.0.0.1:0", "--rate-read", "-1")
	get := func(url string) string {
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
		return string(data)
	}
	if r.metrics == "" || strings.HasPrefix(r.metrics, r.url) {
		t.Fatalf("metrics are on %q", r.metrics)
	}
	body := "--x\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n{\"slug\":\"demo\",\"version\":\"1.0.0\"}\r\n--x\r\n" +
		"Content-Disposition: form-data; name=\"files\"; filename=\"SKILL.md\"\r\n\r\n---\nname: demo\ndescription: A demo.\n---\n\r\n--x--\r\n"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/api/v1/skills", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	req.Header.Set("Authorization", "Bearer "+r.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("publish: %v %v", resp, err)
	}
	_ = resp.Body.Close()
	get(r.url + "/api/v1/download?slug=demo")
	series := func() (n int, text string) {
		text = get(r.metrics)
		for line := range strings.SplitSeq(text, "\n") {
			if strings.HasPrefix(line, "skills_") {
				n++
			}
		}
		return n, text
	}
	get(r.url + "/nobody") // 404 is a label
	before, text := series()
	for _, want := range []string{`skills_published_total 1`, `skills_requests_total\{code="200",kind="download"\} 1`} {
		if !regexp.MustCompile("(?m)^" + want + "$").MatchString(text) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	for i := range 300 {
		get(fmt.Sprintf("%s/nobody/%d/%d?q=%d", r.url, i, i, i))
	}
	if after, _ := series(); after != before {
		t.Errorf("%d series became %d", before, after)
	}
	http.DefaultClient.CloseIdleConnections()
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
