package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A reply is what a wire does with one request. The connection is closed when it
// returns, unless it returns true.
type reply func(c net.Conn, r *http.Request) (keep bool)

// A wire is a network in memory. All hosts are one server, which gives one reply
// a request; the last one is given for ever. Inside a synctest bubble, its time
// is the bubble's.
type wire struct {
	t       *testing.T // of the bubble
	replies []reply
	clients []*Client
	// The replies read what is sent, at their own pace. Otherwise they are given
	// it whole, and asked keeps it.
	streams bool

	serving  sync.WaitGroup
	mu       sync.Mutex
	requests []*http.Request
	dialed   []string
	sent     atomic.Int64 // bytes that the server got rid of
}

func (w *wire) dial(_ context.Context, _, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dialed = append(w.dialed, address)
	w.mu.Unlock()
	near, far := net.Pipe()
	far = &counted{far, &w.sent}
	gone := new(atomic.Bool)
	w.serving.Go(func() {
		defer far.Close()
		br := bufio.NewReader(far)
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			if !w.streams {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			w.mu.Lock()
			w.requests = append(w.requests, r)
			answer := w.replies[min(len(w.requests), len(w.replies))-1]
			w.mu.Unlock()
			r = r.WithContext(context.WithValue(context.Background(), resetKey{}, gone))
			if !answer(far, r) {
				return
			}
		}
	})
	return &resettable{near, gone}, nil
}

// client returns a client on the wire, which closeAll ends.
func (w *wire) client(o Options) *Client {
	w.t.Helper()
	o.Dial = w.dial
	if o.Proxy == nil {
		o.Proxy = direct
	}
	c, err := New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.clients = append(w.clients, c)
	return c
}

// onWire runs f in a bubble, which fails if a goroutine outlives f.
func onWire(t *testing.T, replies []reply, f func(w *wire)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{t: t, replies: replies}
		f(w)
		for _, c := range w.clients {
			c.CloseIdleConnections()
		}
		w.serving.Wait()
	})
}

// asked returns the requests so far.
func (w *wire) asked() []*http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clip(w.requests)
}

// addresses returns what was dialed so far.
func (w *wire) addresses() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clip(w.dialed)
}

func direct(*http.Request) (*url.URL, error) { return nil, nil }

type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.n.Add(int64(n))
	return n, err
}

type resetKey struct{}

// A resettable connection ends the way TCP does after a RST, if it was told to.
type resettable struct {
	net.Conn
	gone *atomic.Bool
}

func (c *resettable) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil && c.gone.Load() {
		err = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return n, err
}

// raw answers with these very bytes.
func raw(text string) reply {
	return func(c net.Conn, _ *http.Request) bool {
		_, _ = io.WriteString(c, text)
		return false
	}
}

// ok answers with a body and the header lines given.
func ok(body string, lines ...string) reply { return status("200 OK", body, lines...) }

func status(line, body string, lines ...string) reply {
	lines = append(lines, "Content-Length: "+itoa(len(body)))
	text := "HTTP/1.1 " + line + "\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n" + body
	return func(c net.Conn, _ *http.Request) bool {
		_, err := io.WriteString(c, text)
		return err == nil
	}
}

// reset breaks the connection after these bytes.
func reset(text string) reply {
	return func(c net.Conn, r *http.Request) bool {
		_, _ = io.WriteString(c, text)
		r.Context().Value(resetKey{}).(*atomic.Bool).Store(true)
		return false
	}
}

// endless sends head, and then chunk until the client has had enough.
func endless(head, chunk string, every time.Duration) reply {
	return func(c net.Conn, _ *http.Request) bool {
		_, err := io.WriteString(c, head)
		for err == nil {
			if every > 0 {
				time.Sleep(every)
			}
			_, err = io.WriteString(c, chunk)
		}
		return false
	}
}

// silent sends head, and then nothing until the client has had enough.
func silent(head string) reply {
	return func(c net.Conn, _ *http.Request) bool {
		if _, err := io.WriteString(c, head); err == nil {
			_, _ = c.Read(make([]byte, 1))
		}
		return false
	}
}

// A part is a Sink in memory.
type part struct {
	bytes.Buffer
	tag      string
	restarts int
	full     error // what Write fails with
}

func (p *part) Offset() int64     { return int64(p.Len()) }
func (p *part) Validator() string { return p.tag }
func (p *part) Restart(tag string) error {
	p.restarts++
	p.tag = tag
	p.Reset()
	return nil
}

func (p *part) Write(b []byte) (int, error) {
	if p.full != nil {
		return 0, p.full
	}
	return p.Buffer.Write(b)
}

// is returns a test of an error's type, and of its data if more is given.
func is[E error](more ...func(E) bool) func(error) bool {
	return func(err error) bool {
		var e E
		if !errors.As(err, &e) {
			return false
		}
		for _, f := range more {
			if !f(e) {
				return false
			}
		}
		return true
	}
}

func isErr(want error) func(error) bool {
	return func(err error) bool { return errors.Is(err, want) }
}

func hasStatus(code int) func(error) bool {
	return is(func(e *StatusError) bool { return e.Status == code })
}

// TestMain sets a proxy for the names in .test before net/http reads the
// environment, and sees that no connection is left behind.
func TestMain(m *testing.M) {
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "http_proxy", "REQUEST_METHOD"} {
		_ = os.Unsetenv(name)
	}
	_ = os.Setenv("HTTP_PROXY", "http://user:hunter2@"+proxy.Addr().String())
	go func() {
		_ = http.Serve(proxy, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"proxied":"`+r.URL.String()+`","auth":"`+r.Header.Get("Proxy-Authorization")+`"}`)
		}))
	}()
	code := m.Run()
	_ = proxy.Close()
	if left := leftBehind(); code == 0 && left != "" {
		_, _ = os.Stderr.WriteString("goroutines are left behind:\n" + left)
		code = 1
	}
	os.Exit(code)
}

// leftBehind returns the goroutines that still serve a client's connection,
// which end a moment after their connection does.
func leftBehind() string {
	buf := make([]byte, 1<<20)
	for end := time.Now().Add(5 * time.Second); ; runtime.Gosched() {
		stacks := string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "(*persistConn)") && !strings.Contains(stacks, "(*watch)") {
			return ""
		}
		if time.Now().After(end) {
			return stacks
		}
	}
}
