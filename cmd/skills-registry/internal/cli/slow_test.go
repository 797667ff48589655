package cli_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openskills-go/skills/cmd/skills-registry/internal/cli"
	"github.com/openskills-go/skills/registry/server"
)

// A pipes listener takes connections in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *pipes) dial() net.Conn {
	near, far := net.Pipe()
	p.conns <- far
	return near
}

// inMemory serves a registry to which alice publishes, in a bubble of its own time,
// as a process would.
func inMemory(t *testing.T, f func(t *testing.T, p *pipes, token string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := server.Open(t.Context(), server.Options{DB: "sqlite://:memory:", Blobs: "mem://", URL: "http://x"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Catalog().AddUser(t.Context(), server.Operator(), server.User{Handle: "alice"}); err != nil {
			t.Fatal(err)
		}
		token, _, err := s.Desk().Issue(t.Context(), server.Operator(), server.Ask{User: "alice", Scopes: []string{"publish"}})
		if err != nil {
			t.Fatal(err)
		}
		p := &pipes{make(chan net.Conn), make(chan struct{})}
		web := cli.NewServer(s, slog.New(slog.DiscardHandler))
		go func() { _ = web.Serve(p) }()
		f(t, p, token)
		_ = web.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// status returns that of an answer, or 0 if the connection ended without one.
func status(c net.Conn) int {
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// drip writes a little now and then until nobody takes it any more, and returns after
// how long that was.
func drip(c net.Conn, text string, piece int, every time.Duration) time.Duration {
	began := time.Now()
	for text != "" {
		n := min(piece, len(text))
		if _, err := io.WriteString(c, text[:n]); err != nil {
			break
		}
		text = text[n:]
		time.Sleep(every)
	}
	return time.Since(began)
}

// Who sends slowly is cut off, on every way in, and one who is merely far away is not.
func TestSlowUploads(t *testing.T) {
	form := "--x\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n{\"slug\":\"slow\",\"version\":\"1.0.0\"}\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"SKILL.md\"\r\n\r\n---\nname: slow\ndescription: Comes slowly.\n---\n" + strings.Repeat("Wait a bit. ", 4000) + "\r\n--x--\r\n"
	for _, test := range []struct {
		name, method, path, kind, body string
		piece                          int
		every                          time.Duration
		want                           int
		most                           time.Duration
	}{
		{"a form", "POST", "/api/v1/skills", "multipart/form-data; boundary=x", form, 1, time.Second, 408, 15 * time.Second},
		{"a form that stops", "POST", "/api/v1/skills", "multipart/form-data; boundary=x", form, 2000, time.Hour, 408, time.Hour},
		{"JSON", "POST", "/api/v1/skills/-/upload-url", "application/json", strings.Repeat(" ", 4000) + "{}", 1, 2 * time.Second, 408, 15 * time.Second},
		{"a form from far away", "POST", "/api/v1/skills", "multipart/form-data; boundary=x", form, 2000, time.Second, 200, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, p *pipes, token string) {
				c := p.dial()
				defer func() { _ = c.Close() }()
				_, _ = fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", test.method, test.path, token, test.kind, len(test.body))
				got := make(chan int, 1)
				began := time.Now()
				var answered time.Duration
				go func() {
					s := status(c)
					answered = time.Since(began)
					_ = c.Close()
					got <- s
				}()
				drip(c, test.body, test.piece, test.every)
				if s := <-got; s != test.want || answered > test.most {
					t.Errorf("answered with %d after %v", s, answered)
				}
			})
		})
	}
}

// A header that does not end is not waited for, nor a request that does not begin.
func TestSlowHeaders(t *testing.T) {
	inMemory(t, func(t *testing.T, p *pipes, _ string) {
		c := p.dial()
		if took := drip(c, "GET / HTTP/1.1\r\nHost: x\r\n"+strings.Repeat("X-A: b\r\n", 1000), 3, time.Second); took > 15*time.Second {
			t.Errorf("a header was waited for %v", took)
		}
		_ = c.Close()

		c = p.dial()
		_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		in := bufio.NewReader(c)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		began := time.Now()
		if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		if took := time.Since(began); took > 3*time.Minute {
			t.Errorf("a connection that is not used stays for %v", took)
		}
	})
}

// Who does not read what was asked for does not hold it for ever.
func TestSlowReader(t *testing.T) {
	inMemory(t, func(t *testing.T, p *pipes, token string) {
		c := p.dial()
		var body bytes.Buffer
		fmt.Fprintf(&body, "--x\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n{\"slug\":\"large\",\"version\":\"1.0.0\"}\r\n--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"SKILL.md\"\r\n\r\n---\nname: large\ndescription: Is large.\n---\n")
		for i := range 40_000 {
			fmt.Fprintf(&body, "%x %x ", i*2654435761%4294967291, i*40503%65521)
		}
		body.WriteString("\r\n--x--\r\n")
		_, _ = fmt.Fprintf(c, "POST /api/v1/skills HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n%s", token, body.Len(), body.String())
		if s := status(c); s != http.StatusOK {
			t.Fatalf("publish: %d", s)
		}
		_, _ = io.WriteString(c, "GET /api/v1/download?slug=large HTTP/1.1\r\nHost: x\r\n\r\n")
		began := time.Now()
		one, n := make([]byte, 1), 0
		for ; ; n++ {
			if _, err := c.Read(one); err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		if took := time.Since(began); n == 0 || took > 11*time.Minute {
			t.Errorf("%d bytes were read one by one for %v", n, took)
		}
	})
}
