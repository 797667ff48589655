package transport

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Each row is what servers do with a POST, and how often it is then sent.
func TestPost(t *testing.T) {
	done := ok(`{"a":1}`)
	for _, test := range []struct {
		name    string
		replies []reply
		options GetOptions
		want    func(error) bool // nil: it works
		sent    int
	}{
		{name: "200", replies: []reply{ok(`{"a":1}`, `ETag: "v1"`)}, sent: 1},
		{name: "201", replies: []reply{status("201 Created", `{"a":1}`)}, sent: 1},
		{name: "a byte order mark", replies: []reply{ok("\ufeff" + `{"a":1}`)}, sent: 1},
		{name: "202", replies: []reply{status("202 Accepted", "{}")}, want: hasStatus(202), sent: 1},
		{name: "204", replies: []reply{raw("HTTP/1.1 204 No Content\r\n\r\n")}, want: hasStatus(204), sent: 1},
		{name: "304", replies: []reply{raw("HTTP/1.1 304 Not Modified\r\n\r\n")}, want: hasStatus(304), sent: 1},
		{name: "400", replies: []reply{status("400 x", `{"error":"authorization_pending"}`)},
			want: is(func(e *StatusError) bool { return string(e.Body) == `{"error":"authorization_pending"}` }), sent: 1},
		{name: "not JSON", replies: []reply{ok("done")}, want: isErr(ErrNotJSON), sent: 1},
		{name: "nothing", replies: []reply{ok("")}, want: isErr(ErrEmpty), sent: 1},
		{name: "a web page", replies: []reply{ok("<!doctype html>", "Content-Type: text/html")}, want: isErr(ErrWebPage), sent: 1},
		{name: "over the limit", replies: []reply{done}, options: GetOptions{Limit: 6}, want: is[*LimitError](), sent: 1},
		{name: "without end", replies: []reply{endless(okHead+"\r\n", strings.Repeat("x", 4096), 0)}, want: is[*LimitError](), sent: 1},

		// What is sent again, and what may have been heard.
		{name: "429 that says when", replies: []reply{status("429 x", "", "Retry-After: 3"), done}, sent: 2},
		{name: "503 that says when", replies: []reply{status("503 x", "", "Retry-After: 3"), done}, sent: 2},
		{name: "429 that does not", replies: []reply{status("429 x", ""), done}, want: hasStatus(429), sent: 1},
		{name: "429 that says now", replies: []reply{status("429 x", "", "Retry-After: 0"), done}, want: hasStatus(429), sent: 1},
		{name: "429 that says tomorrow", replies: []reply{status("429 x", "", "Retry-After: 86400"), done}, want: is[*WaitError](), sent: 1},
		{name: "429 for ever", replies: []reply{status("429 x", "", "Retry-After: 1")}, want: hasStatus(429), sent: 4},
		{name: "503", replies: []reply{status("503 x", ""), done}, want: hasStatus(503), sent: 1},
		{name: "500 that says when", replies: []reply{status("500 x", "", "Retry-After: 3"), done}, want: hasStatus(500), sent: 1},
		{name: "502", replies: []reply{status("502 x", ""), done}, want: hasStatus(502), sent: 1},
		{name: "reset before an answer", replies: []reply{reset(""), done}, want: is[*NetworkError](), sent: 1},
		{name: "closed before an answer", replies: []reply{raw(""), done}, want: is[*NetworkError](), sent: 1},
		{name: "cut short", replies: []reply{raw(okHead + "Content-Length: 9\r\n\r\n{"), done}, want: isErr(io.ErrUnexpectedEOF), sent: 1},
		{name: "silence", replies: []reply{silent("")}, want: is[*StalledError](), sent: 1},

		// Redirects.
		{name: "307", replies: []reply{status("307 x", "", "Location: /y"), done}, sent: 2},
		{name: "308 spelled out", replies: []reply{status("308 x", "", "Location: http://registry.test:80/y"), done}, sent: 2},
		{name: "302", replies: []reply{to("/y"), done}, want: is[*RedirectError](), sent: 1},
		{name: "303", replies: []reply{status("303 x", "", "Location: /y"), done}, want: is[*RedirectError](), sent: 1},
		{name: "301 to a file", replies: []reply{status("301 x", "", "Location: file:///etc/passwd")}, want: is[*RedirectError](), sent: 1},
		{name: "307 elsewhere", replies: []reply{status("307 x", "", "Location: http://cdn.test/y"), done}, want: is[*RedirectError](), sent: 1},
		{name: "308 to another port", replies: []reply{status("308 x", "", "Location: http://registry.test:81/y"), done}, want: is[*RedirectError](), sent: 1},
		{name: "a loop", replies: []reply{status("307 x", "", "Location: /x")}, want: is[*RedirectError](), sent: 11},
	} {
		t.Run(test.name, func(t *testing.T) {
			var mu sync.Mutex
			var bodies []string
			for i, answer := range test.replies {
				test.replies[i] = func(c net.Conn, r *http.Request) bool {
					body, _ := io.ReadAll(r.Body)
					mu.Lock()
					bodies = append(bodies, string(body))
					mu.Unlock()
					return answer(c, r)
				}
			}
			onWire(t, test.replies, func(w *wire) {
				t := w.t
				dir := t.TempDir()
				var lines []string
				c := w.client(Options{Cache: NewCache(dir), Log: func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }})
				resp, err := c.Post(t.Context(), "http://registry.test/x?token=hunter2", Body{Data: []byte(`{"code":"hunter2"}`)}, test.options)
				checkText(t, err)
				if test.want == nil && err != nil || test.want != nil && (err == nil || !test.want(err)) {
					t.Fatalf("error is %T %v", err, err)
				}
				if err == nil && string(resp.Body) != `{"a":1}` {
					t.Errorf("body is %q", resp.Body)
				}
				for _, r := range w.asked() {
					if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Accept") != "application/json" {
						t.Errorf("asked with %s, header %v", r.Method, r.Header)
					}
				}
				mu.Lock()
				defer mu.Unlock()
				for _, body := range bodies {
					if body != `{"code":"hunter2"}` {
						t.Errorf("sent %q", body)
					}
				}
				if len(bodies) != test.sent {
					t.Errorf("sent %d times", len(bodies))
				}
				if kept, err := os.ReadDir(dir); err != nil || len(kept) > 0 {
					t.Errorf("kept %v, %v", kept, err)
				}
				if strings.Contains(strings.Join(lines, "\n"), "hunter2") {
					t.Errorf("logged %q", lines)
				}
			})
		})
	}
}

// Who was not there did not hear it, and may be asked again.
func TestPostRefused(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		dials int
	}{
		{"refused", syscall.ECONNREFUSED, 4},
		{"refused on Windows", syscall.Errno(10061), 4},
		{"no route", syscall.EHOSTUNREACH, 1},
		{"no time", context.DeadlineExceeded, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			dials := 0
			c, err := New(Options{Proxy: direct, Dial: func(context.Context, string, string) (net.Conn, error) {
				dials++
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: test.err}
			}})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = c.Post(t.Context(), "http://registry.test/", Body{Data: []byte("{}")}, GetOptions{})
			if !is[*NetworkError]()(err) || dials != test.dials || time.Since(start) > DefaultMaxWait {
				t.Errorf("%s: %d dials in %v: %v", test.name, dials, time.Since(start), err)
			}
		})
	}
}

// What may be sent twice is sent again where a Get would ask again, and as what it is.
func TestPostRepeatable(t *testing.T) {
	for _, test := range []struct {
		name    string
		replies []reply
		want    func(error) bool // nil: it works
		sent    int
	}{
		{"502", []reply{status("502 x", ""), ok("{}")}, nil, 2},
		{"reset before an answer", []reply{reset(""), ok("{}")}, nil, 2},
		{"cut short", []reply{raw(okHead + "Content-Length: 9\r\n\r\n{"), ok("{}")}, nil, 2},
		{"409", []reply{status("409 x", "taken"), ok("{}")}, hasStatus(409), 1},
		{"302", []reply{to("/y"), ok("{}")}, is[*RedirectError](), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, test.replies, func(w *wire) {
				body := Body{Type: "text/markdown", Data: []byte("# Do it"), Repeatable: true}
				_, err := w.client(Options{}).Post(w.t.Context(), "http://registry.test/x", body, GetOptions{})
				if test.want == nil && err != nil || test.want != nil && (err == nil || !test.want(err)) {
					w.t.Fatalf("error is %T %v", err, err)
				}
				asked := w.asked()
				if len(asked) != test.sent {
					w.t.Errorf("sent %d times", len(asked))
				}
				for _, r := range asked {
					if r.Header.Get("Content-Type") != "text/markdown" || r.ContentLength != 7 {
						w.t.Errorf("sent %d bytes with the header %v", r.ContentLength, r.Header)
					}
				}
			})
		})
	}
}

// What is sent may take its time as long as it moves, and its end may be thought over.
func TestPostSlowly(t *testing.T) {
	data := bytes.Repeat([]byte("x"), 256<<10)
	slowly := func(c net.Conn, r *http.Request) bool {
		for range 16 {
			if n, err := io.CopyN(io.Discard, r.Body, 16<<10); n == 0 || err != nil {
				return false
			}
			time.Sleep(DefaultStall / 2)
		}
		time.Sleep(DefaultStall)
		return ok("{}")(c, r)
	}
	onWire(t, []reply{slowly}, func(w *wire) {
		w.streams = true
		if _, err := w.client(Options{}).Post(w.t.Context(), "http://registry.test/x", Body{Data: data}, GetOptions{}); err != nil {
			w.t.Error(err)
		}
	})
	halts := func(_ net.Conn, r *http.Request) bool {
		_, _ = io.CopyN(io.Discard, r.Body, 16<<10)
		time.Sleep(3 * DefaultStall)
		return false
	}
	onWire(t, []reply{halts}, func(w *wire) {
		w.streams = true
		_, err := w.client(Options{}).Post(w.t.Context(), "http://registry.test/x", Body{Data: data}, GetOptions{})
		if !is[*StalledError]()(err) {
			w.t.Errorf("error is %T %v", err, err)
		}
	})
}

// A Delete that may have been heard is not sent again.
func TestDelete(t *testing.T) {
	for name, test := range map[string]struct {
		replies []reply
		sent    int
	}{
		"200":                     {[]reply{ok("{}")}, 1},
		"429 that says when":      {[]reply{status("429 x", "", "Retry-After: 3"), ok("{}")}, 2},
		"reset before an answer":  {[]reply{reset(""), ok("{}")}, 1},
		"a redirect to elsewhere": {[]reply{status("307 x", "", "Location: http://cdn.test/y"), ok("{}")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			onWire(t, test.replies, func(w *wire) {
				_, err := w.client(Options{}).Delete(w.t.Context(), "http://registry.test/x", GetOptions{})
				asked := w.asked()
				if works := test.sent == len(test.replies); (err == nil) != works || len(asked) != test.sent {
					w.t.Errorf("sent %d times, %v", len(asked), err)
				}
				for _, r := range asked {
					if r.Method != http.MethodDelete || r.ContentLength > 0 {
						w.t.Errorf("asked with %s, %d bytes", r.Method, r.ContentLength)
					}
				}
			})
		})
	}
}

// Without a body there is nothing to call JSON. Offline, nothing is sent.
func TestPostNothing(t *testing.T) {
	onWire(t, []reply{ok("{}")}, func(w *wire) {
		t := w.t
		if _, err := w.client(Options{Offline: true}).Post(t.Context(), "http://registry.test/", Body{Data: nil}, GetOptions{}); !isErr(ErrOffline)(err) {
			t.Errorf("offline: %v", err)
		}
		c := w.client(Options{})
		for range 2 {
			if _, err := c.Post(t.Context(), "http://registry.test/", Body{Data: nil}, GetOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range w.asked() {
			if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "" || r.ContentLength != 0 {
				t.Errorf("asked with %s, header %v", r.Method, r.Header)
			}
		}
		if len(w.asked()) != 2 || len(w.addresses()) != 1 {
			t.Errorf("%d requests on %d connections", len(w.asked()), len(w.addresses()))
		}
	})
}
