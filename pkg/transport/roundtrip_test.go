package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// do makes one request as a library would, and reads the answer.
func do(t *testing.T, c *Client, req *http.Request) (*http.Response, string, error) {
	t.Helper()
	resp, err := c.HTTP().Do(req)
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func ask(t *testing.T, method, rawURL string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, rawURL, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// The redirects of a library's client are followed, and refused, like our own.
func TestHTTPRedirects(t *testing.T) {
	for _, test := range []struct {
		name    string
		method  string
		replies []reply
		refused string
		hosts   string
	}{
		{name: "followed", replies: []reply{to("/y"), ok("x")}, hosts: "registry.test registry.test"},
		{name: "elsewhere", replies: []reply{to("http://cdn.test/y"), ok("x")}, hosts: "registry.test cdn.test"},
		{name: "ten", replies: append(repeat(to("/y"), 10), ok("x")), hosts: strings.TrimSpace(strings.Repeat("registry.test ", 11))},
		{name: "eleven", replies: append(repeat(to("/y"), 11), ok("x")), refused: "more than 10"},
		{name: "a loop", replies: []reply{to("/x")}, refused: "more than 10"},
		{name: "to a file", replies: []reply{to("file:///etc/passwd")}, refused: "neither http nor https"},
		{name: "with a password", replies: []reply{to("http://me:hunter2@cdn.test/x")}, refused: "user name"},
		{name: "to loopback", replies: []reply{to("http://127.0.0.1:8080/x")}, refused: "loopback"},
		{name: "to loopback by a number", replies: []reply{to("http://2130706433/x")}, refused: "no usual address"},
		{name: "to a metadata service", replies: []reply{to("http://169.254.169.254/latest/meta-data")}, refused: "link-local"},
		{name: "there, back, and to a private address", replies: []reply{to("http://cdn.test/"), to("http://registry.test/"), to("http://10.0.0.1/")}, refused: "private"},
		{name: "with what was sent", method: http.MethodPut, replies: []reply{status("307 x", "", "Location: http://cdn.test/y")}, refused: "meant for one host"},
		{name: "with what was sent, at home", method: http.MethodPut, replies: []reply{status("307 x", "", "Location: /y"), ok("x")}, hosts: "registry.test registry.test"},
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, test.replies, func(w *wire) {
				t := w.t
				req := ask(t, http.MethodGet, "http://registry.test/x", nil)
				if test.method != "" {
					req = ask(t, test.method, "http://registry.test/x", strings.NewReader("body"))
				}
				_, body, err := do(t, w.client(Options{}), req)
				checkText(t, err)
				if test.refused != "" {
					if err == nil || !strings.Contains(err.Error(), test.refused) {
						t.Errorf("error is %v", err)
					}
					for _, address := range w.addresses() {
						if address != "registry.test:80" && address != "cdn.test:80" {
							t.Errorf("dialed %q", address)
						}
					}
					return
				}
				var hosts []string
				for _, r := range w.asked() {
					hosts = append(hosts, r.Host)
				}
				if got := strings.Join(hosts, " "); err != nil || got != test.hosts || body != "x" {
					t.Errorf("asked %q, got %q, error %v", got, body, err)
				}
			})
		})
	}
}

// net/http keeps a credential for other ports and for hosts below, and puts it
// back after a detour. This client does not.
func TestHTTPTokenStaysHome(t *testing.T) {
	for _, test := range []struct {
		name string
		hops []string
		want string
	}{
		{"same origin", []string{"/y", "http://registry.test/z"}, "yyy"},
		{"another port", []string{"http://registry.test:8080/y"}, "yn"},
		{"another host", []string{"http://cdn.test/y"}, "yn"},
		{"a host below", []string{"http://cdn.registry.test/y"}, "yn"},
		{"there and back", []string{"http://cdn.test/y", "http://registry.test/x"}, "ynn"},
		{"there and back by a long way", []string{"http://cdn.test/y", "http://registry.test/x", "/z"}, "ynnn"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var replies []reply
			for _, hop := range test.hops {
				replies = append(replies, to(hop))
			}
			onWire(t, append(replies, ok("x")), func(w *wire) {
				t := w.t
				req := ask(t, http.MethodGet, "http://registry.test/x?sig=hunter2", nil)
				req.Header.Set("Authorization", "Basic s3cret")
				req.Header.Set("User-Agent", "library")
				if _, _, err := do(t, w.client(Options{UserAgent: "skills/1"}), req); err != nil {
					t.Fatal(err)
				}
				got := ""
				for _, r := range w.asked() {
					if r.Header.Get("Authorization") != "" {
						got += "y"
					} else {
						got += "n"
					}
					if r.Header.Get("Referer") != "" || r.UserAgent() != "skills/1" || r.Header.Get("Accept-Encoding") != "identity" {
						t.Errorf("header is %v", r.Header)
					}
				}
				if got != test.want {
					t.Errorf("sent %s, want %s", got, test.want)
				}
				if req.UserAgent() != "library" {
					t.Error("the request of the caller was changed")
				}
			})
		})
	}
}

// What a server named for a library is held to the rules of what a server named.
func TestHTTPVia(t *testing.T) {
	for _, test := range []struct{ via, url, refused string }{
		{"http://registry.test/", "http://auth.test/token", ""},
		{"http://registry.test/", "http://10.0.0.1/token", "private"},
		{"http://registry.test/", "http://localhost/token", "loopback"},
		{"http://10.0.0.2/", "http://10.0.0.1/token", ""},
		{"https://registry.test/", "http://auth.test/token", "leaves https"},
		{"https://registry.test/", "http://registry.test/token", "leaves https"},
		{"ftp://registry.test/", "http://auth.test/token", "neither"},
	} {
		onWire(t, []reply{ok("x")}, func(w *wire) {
			t := w.t
			req := ask(t, http.MethodGet, test.url, nil)
			req.Header.Set("Authorization", "Basic s3cret")
			_, _, err := do(t, w.client(Options{}), req.WithContext(Via(req.Context(), test.via)))
			checkText(t, err)
			if test.refused == "" {
				if err != nil || w.asked()[0].Header.Get("Authorization") == "" {
					t.Errorf("%s by %s: %v", test.url, test.via, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), test.refused) || len(w.addresses()) > 0 {
				t.Errorf("%s by %s: %v, dialed %q", test.url, test.via, err, w.addresses())
			}
		})
	}
}

func TestHTTPOffline(t *testing.T) {
	w := &wire{t: t}
	_, _, err := do(t, w.client(Options{Offline: true}), ask(t, http.MethodPut, "http://registry.test/x?q=hunter2", strings.NewReader("x")))
	checkText(t, err)
	if !is[*OfflineError]()(err) || !errors.Is(err, ErrOffline) || len(w.addresses()) > 0 {
		t.Errorf("error is %v, dialed %q", err, w.addresses())
	}
}

// What may pass is asked for again, unless it changes something.
func TestHTTPRetries(t *testing.T) {
	for _, test := range []struct {
		name     string
		method   string
		replies  []reply
		requests int
		want     func(error) bool // nil: it is answered
		status   int
	}{
		{"unavailable once", http.MethodGet, []reply{status("503 x", "later"), ok("x")}, 2, nil, 200},
		{"unavailable", http.MethodGet, []reply{status("503 x", "later")}, 4, hasStatus(503), 0},
		{"unavailable for an hour", http.MethodHead, []reply{status("429 x", "", "Retry-After: 3600")}, 1, is[*WaitError](), 0},
		{"broken off", http.MethodGet, []reply{reset(""), ok("x")}, 2, nil, 200},
		{"not found", http.MethodGet, []reply{status("404 x", "no")}, 1, nil, 404},
		{"an upload", http.MethodPut, []reply{status("503 x", "later")}, 1, nil, 503},
		{"an upload, broken off", http.MethodPost, []reply{reset("")}, 1, is[*NetworkError](), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, test.replies, func(w *wire) {
				t := w.t
				var body io.Reader
				if test.method == http.MethodPut || test.method == http.MethodPost {
					body = strings.NewReader("body")
				}
				resp, _, err := do(t, w.client(Options{}), ask(t, test.method, "http://registry.test/x", body))
				checkText(t, err)
				if len(w.asked()) != test.requests {
					t.Errorf("%d requests", len(w.asked()))
				}
				if test.want != nil && (err == nil || !test.want(err)) || test.want == nil && (err != nil || resp.StatusCode != test.status) {
					t.Errorf("answer %+v, error %T %v", resp, err, err)
				}
			})
		})
	}
}

// takes reads what is sent at 1 KiB a step, and then answers.
func takes(step, think time.Duration) reply {
	return func(c net.Conn, r *http.Request) bool {
		for some := make([]byte, 1<<10); ; time.Sleep(step) {
			if _, err := r.Body.Read(some); err != nil {
				break
			}
		}
		time.Sleep(think)
		return ok("x")(c, r)
	}
}

// An exchange lives as long as bytes move, in whichever direction.
func TestHTTPStall(t *testing.T) {
	length := func(n int) string { return okHead + "Content-Length: " + itoa(n) + "\r\n\r\n" }
	large := bytes.Repeat([]byte("x"), 64<<10)
	for _, test := range []struct {
		name   string
		reply  reply
		body   []byte
		want   func(error) bool
		atMost time.Duration
	}{
		{"no header", silent(""), nil, is[*StalledError](), 4*headerTime + 5*time.Second},
		{"half a body", silent(length(9) + "half"), nil, is[*StalledError](), DefaultStall + time.Second},
		{"less than was promised", raw(length(9) + "half"), nil, is[*NetworkError](), time.Second},
		{"a dripping body", endless(length(1<<20), "x", 100*time.Millisecond), nil, is(func(e *StalledError) bool { return e.Slow }), rateTime + time.Second},
		{"an upload that takes long", takes(time.Second, 0), large, nil, 2 * time.Minute},
		{"an upload that is thought about", takes(0, 2*DefaultStall-time.Second), large, nil, 2 * DefaultStall},
		{"an upload that nobody takes", func(c net.Conn, _ *http.Request) bool {
			_, _ = c.Read(make([]byte, 1))
			time.Sleep(time.Hour)
			return false
		}, large, is[*StalledError](), 3 * DefaultStall},
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, []reply{test.reply}, func(w *wire) {
				t := w.t
				w.streams = true
				req := ask(t, http.MethodGet, "http://registry.test/x", nil)
				if test.body != nil {
					req = ask(t, http.MethodPut, "http://registry.test/x", bytes.NewReader(test.body))
				}
				start := time.Now()
				_, _, err := do(t, w.client(Options{}), req)
				took := time.Since(start)
				checkText(t, err)
				if test.want == nil && err != nil || test.want != nil && (err == nil || !test.want(err)) || took > test.atMost {
					t.Errorf("after %v: %T %v", took, err, err)
				}
			})
		})
	}
}
