package transport

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

const (
	okHead  = "HTTP/1.1 200 OK\r\n"
	chunked = okHead + "Transfer-Encoding: chunked\r\n\r\n"
)

// gzipped returns a body that is n zeros when it is unpacked.
func gzipped(n int) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, n))
	_ = z.Close()
	return b.String()
}

// Each row is one fault that a server or a network can have, and what a download
// makes of it. The bubble's clock makes the waits free.
func TestDownloadFaults(t *testing.T) {
	whole := ok("artifact", `ETag: "v1"`)
	network := is[*NetworkError]()
	for _, test := range []struct {
		name     string
		replies  []reply
		options  GetOptions
		want     func(error) bool // nil: it works, and the sink holds "artifact"
		requests int
		sent     int64 // the server got rid of no more than this
	}{
		// Bodies that break off.
		{name: "truncated once", replies: []reply{raw(okHead + "Content-Length: 8\r\n\r\nart"), whole}, requests: 2},
		{name: "truncated always", replies: []reply{raw(okHead + "Content-Length: 8\r\n\r\nart")}, want: isErr(io.ErrUnexpectedEOF), requests: 4},
		{name: "nothing but the length", replies: []reply{raw(okHead + "Content-Length: 8\r\n\r\n")}, want: isErr(io.ErrUnexpectedEOF), requests: 4},
		{name: "reset in the body", replies: []reply{reset(okHead + "Content-Length: 8\r\n\r\nart"), whole}, requests: 2},
		{name: "reset in the header", replies: []reply{reset("HTTP/1.1 200"), whole}, requests: 2},
		{name: "reset before anything", replies: []reply{reset(""), whole}, requests: 2},
		{name: "reset always", replies: []reply{reset("")}, want: network, requests: 4},
		{name: "closed before anything", replies: []reply{raw(""), whole}, requests: 2},
		{name: "closed in the header", replies: []reply{raw("HTTP/1.1 200 OK\r\nContent-"), whole}, requests: 2},
		{name: "chunk size is no number", replies: []reply{raw(chunked + "3\r\nart\r\nzz\r\n"), whole}, requests: 2},
		{name: "chunk without its end", replies: []reply{raw(chunked + "8\r\nart"), whole}, requests: 2},
		{name: "chunks without the last", replies: []reply{raw(chunked + "8\r\nartifact\r\n")}, want: isErr(io.ErrUnexpectedEOF), requests: 4},
		{name: "no length, closed at the end", replies: []reply{raw(okHead + "\r\nartifact")}, requests: 1},
		{name: "no length, then reset", replies: []reply{reset(okHead + "\r\nart"), whole}, requests: 2},
		{name: "keep-alive dropped between", replies: []reply{raw(okHead + "Content-Length: 8\r\n\r\nartifact")}, requests: 1},

		// Lengths that lie.
		{name: "two lengths", replies: []reply{raw(okHead + "Content-Length: 8\r\nContent-Length: 9\r\n\r\nartifact")}, want: network, requests: 4},
		{name: "one length twice", replies: []reply{raw(okHead + "Content-Length: 8\r\nContent-Length: 8\r\n\r\nartifact")}, requests: 1},
		{name: "more than the length", replies: []reply{raw(okHead + "Connection: close\r\nContent-Length: 8\r\n\r\nartifact and then some")}, requests: 1},
		{name: "length -1", replies: []reply{raw(okHead + "Content-Length: -1\r\n\r\nartifact")}, want: network, requests: 4},
		{name: "length 2^62", replies: []reply{endless(okHead+"Content-Length: 4611686018427387904\r\n\r\n", strings.Repeat("x", 4096), 0)},
			want: is(func(e *LimitError) bool { return e.Got == 1<<62 }), requests: 1, sent: 128 << 10},
		{name: "length 2^64", replies: []reply{raw(okHead + "Content-Length: 18446744073709551616\r\n\r\n")}, want: network, requests: 4},
		{name: "chunks without end", replies: []reply{endless(chunked, "1000\r\n"+strings.Repeat("x", 4096)+"\r\n", 0)},
			options: GetOptions{Limit: 1 << 20}, want: is(func(e *LimitError) bool { return e.Limit == 1<<20 && e.Got == -1 }), requests: 1, sent: 2 << 20},
		{name: "a body without end", replies: []reply{endless(okHead+"\r\n", strings.Repeat("x", 4096), 0)},
			options: GetOptions{Limit: 1 << 20}, want: is[*LimitError](), requests: 1, sent: 2 << 20},
		{name: "one byte over the limit", replies: []reply{ok("artifact")}, options: GetOptions{Limit: 7}, want: is[*LimitError](), requests: 1},
		{name: "just the limit", replies: []reply{ok("artifact")}, options: GetOptions{Limit: 8}, requests: 1},

		// Headers.
		{name: "header without end", replies: []reply{endless(okHead, "X: "+strings.Repeat("x", 4096)+"\r\n", 0)}, want: network, requests: 4, sent: 4 * 400 << 10},
		{name: "1xx without end", replies: []reply{endless("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 0)}, want: network, requests: 4, sent: 4 * 400 << 10},
		{name: "early hints", replies: []reply{raw("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + okHead + "Content-Length: 8\r\n\r\nartifact")}, requests: 1},
		{name: "not HTTP", replies: []reply{raw("SSH-2.0-OpenSSH_9.9\x1b[2J\r\n\r\n")}, want: network, requests: 4},
		{name: "a file name that climbs", replies: []reply{ok("artifact", `Content-Disposition: attachment; filename="../../../etc/passwd"`)}, requests: 1},
		{name: "protocol switch unasked", replies: []reply{raw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")}, want: hasStatus(101), requests: 1},

		// Encodings.
		{name: "gzip unasked", replies: []reply{ok(gzipped(1<<20), "Content-Encoding: gzip")}, want: is(func(e *HeaderError) bool { return e.Header == "Content-Encoding" }), requests: 1},
		{name: "gzip twice", replies: []reply{ok("x", "Content-Encoding: gzip, gzip")}, want: is[*HeaderError](), requests: 1},
		{name: "an encoding nobody knows", replies: []reply{ok("artifact", "Content-Encoding: zstd")}, want: is[*HeaderError](), requests: 1},
		{name: "identity said aloud", replies: []reply{ok("artifact", "Content-Encoding: identity")}, requests: 1},

		// Statuses.
		{name: "204", replies: []reply{raw("HTTP/1.1 204 No Content\r\n\r\n")}, want: hasStatus(204), requests: 1},
		{name: "201", replies: []reply{status("201 Created", "artifact")}, want: hasStatus(201), requests: 1},
		{name: "206 unasked", replies: []reply{status("206 Partial Content", "artifact", "Content-Range: bytes 0-7/8")}, want: hasStatus(206), requests: 1},
		{name: "304 without validators", replies: []reply{raw("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n")}, want: hasStatus(304), requests: 1},
		{name: "304 with validators", replies: []reply{raw("HTTP/1.1 304 Not Modified\r\n\r\n")}, options: GetOptions{Known: Validators{ETag: `"v1"`}}, want: isErr(ErrNotModified), requests: 1},
		{name: "300", replies: []reply{status("300 Multiple Choices", "", "Location: /x")}, want: hasStatus(300), requests: 1},
		{name: "400", replies: []reply{status("400 Bad Request", "no")}, want: hasStatus(400), requests: 1},
		{name: "401", replies: []reply{status("401 Unauthorized", "no")}, want: hasStatus(401), requests: 1},
		{name: "403", replies: []reply{status("403 Forbidden", "<html>no")}, want: hasStatus(403), requests: 1},
		{name: "404", replies: []reply{status("404 Not Found", "no")}, want: hasStatus(404), requests: 1},
		{name: "410", replies: []reply{status("410 Gone", "no")}, want: hasStatus(410), requests: 1},
		{name: "416 unasked", replies: []reply{status("416 Range Not Satisfiable", "no")}, want: hasStatus(416), requests: 1},
		{name: "451", replies: []reply{status("451 Unavailable For Legal Reasons", "no")}, want: hasStatus(451), requests: 1},
		{name: "500", replies: []reply{status("500 Internal Server Error", "no")}, want: hasStatus(500), requests: 1},
		{name: "429 once", replies: []reply{status("429 Too Many Requests", ""), whole}, requests: 2},
		{name: "502 once", replies: []reply{status("502 Bad Gateway", ""), whole}, requests: 2},
		{name: "503 three times", replies: []reply{status("503 x", ""), status("503 x", ""), status("503 x", ""), whole}, requests: 4},
		{name: "504 always", replies: []reply{status("504 Gateway Timeout", "")}, want: hasStatus(504), requests: 4},
		{name: "an error without end", replies: []reply{endless("HTTP/1.1 404 Not Found\r\n\r\n", strings.Repeat("x", 4096), 0)}, want: hasStatus(404), requests: 1, sent: 128 << 10},
		{name: "an error that drips", replies: []reply{endless("HTTP/1.1 404 Not Found\r\n\r\n", "x", time.Second)}, want: hasStatus(404), requests: 1},
		{name: "an error that stalls", replies: []reply{silent("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n")}, want: hasStatus(404), requests: 1},

		// Pages are the caller's to refuse.
		{name: "a page that is welcome", replies: []reply{ok("artifact", "Content-Type: text/html")}, requests: 1},
		{name: "a page that is not", replies: []reply{ok("<!DOCTYPE html><title>Log in", "Content-Type: text/html")}, options: GetOptions{RefusePages: true}, want: isErr(ErrWebPage), requests: 1},
		{name: "a page in disguise", replies: []reply{ok(" \r\n<HTML>", "Content-Type: application/zip")}, options: GetOptions{RefusePages: true}, want: isErr(ErrWebPage), requests: 1},
		{name: "no page but called one", replies: []reply{ok("artifact", "Content-Type: text/html")}, options: GetOptions{RefusePages: true}, requests: 1},

		// Digests.
		{name: "digests that disagree", replies: []reply{ok("artifact", "X-Skill-Sha256: "+strings.Repeat("a", 64), "X-Clawhub-Artifact-Sha256: "+strings.Repeat("b", 64))}, want: is[*HeaderError](), requests: 1},
		{name: "one header, two digests", replies: []reply{ok("artifact", "X-Skill-Sha256: "+strings.Repeat("a", 64), "X-Skill-Sha256: "+strings.Repeat("b", 64))}, want: is[*HeaderError](), requests: 1},
		{name: "a digest that is none", replies: []reply{ok("artifact", "Digest: sha-256=soon")}, want: is(func(e *HeaderError) bool { return e.Header == "Digest" }), requests: 1},
		{name: "a digest of a kind unknown", replies: []reply{ok("artifact", "Digest: md5=xx, unixsum=3")}, requests: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, test.replies, func(w *wire) {
				t := w.t
				var dst part
				_, err := w.client(Options{}).Download(t.Context(), "http://registry.test/x?token=hunter2", test.options, &dst)
				switch {
				case test.want != nil && (err == nil || !test.want(err)):
					t.Errorf("error is %T %v", err, err)
				case test.want == nil && (err != nil || dst.String() != "artifact"):
					t.Errorf("sink holds %q, error %v", dst.String(), err)
				}
				if len(w.asked()) != test.requests {
					t.Errorf("%d requests, want %d", len(w.asked()), test.requests)
				}
				if sent := w.sent.Load(); test.sent > 0 && sent > test.sent {
					t.Errorf("the server sent %d bytes", sent)
				}
				checkText(t, err)
			})
		})
	}
}

// checkText sees that an error is one printable line without secrets.
func checkText(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	if len(text) > 400 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) || strings.Contains(text, "hunter2") {
		t.Errorf("error reads %q", text)
	}
}

func TestGetFaults(t *testing.T) {
	gzipHead := okHead + "Content-Encoding: gzip\r\nContent-Length: "
	bomb := gzipped(16 << 20)
	for _, test := range []struct {
		name   string
		reply  reply
		accept string
		want   func(error) bool // nil: it works
		body   string
	}{
		{name: "json", reply: ok(`{"a":1}`), body: `{"a":1}`},
		{name: "json called a page", reply: ok(`{"a":1}`, "Content-Type: text/html"), body: `{"a":1}`},
		{name: "json with a mark", reply: ok("\ufeff{}"), body: `{}`},
		{name: "json that was zipped", reply: raw(gzipHead + itoa(len(gzipText(`{"a":1}`))) + "\r\n\r\n" + gzipText(`{"a":1}`)), body: `{"a":1}`},
		{name: "page", reply: ok("<!doctype html><p>Welcome to the hotel", "Content-Type: text/html; charset=utf-8"), want: isErr(ErrWebPage)},
		{name: "page without a type", reply: ok("\r\n<html lang=en>"), want: isErr(ErrWebPage)},
		{name: "page where text is wanted", reply: ok("<html>"), accept: "text/plain", want: isErr(ErrWebPage)},
		{name: "text where text is wanted", reply: ok("hello"), accept: "text/plain", body: "hello"},
		{name: "text where json is wanted", reply: ok("Skill not found\x1b[2J"), want: isErr(ErrNotJSON)},
		{name: "nothing", reply: ok(""), want: isErr(ErrEmpty)},
		{name: "blanks", reply: ok(" \n"), want: isErr(ErrEmpty)},
		{name: "json cut off", reply: ok(`{"a":`), want: isErr(ErrNotJSON)},
		{name: "json a million deep", reply: ok(strings.Repeat("[", 1<<20)), want: isErr(ErrNotJSON)},
		{name: "json without end", reply: endless(okHead+"\r\n[", strings.Repeat("1,", 2048), 0), want: is[*LimitError]()},
		{name: "gzip bomb", reply: raw(gzipHead + itoa(len(bomb)) + "\r\n\r\n" + bomb), want: is[*LimitError]()},
		{name: "gzip that is none", reply: raw(gzipHead + "2\r\n\r\n{}"), want: is[*NetworkError]()},
		{name: "gzip twice", reply: raw(okHead + "Content-Encoding: gzip, gzip\r\nContent-Length: 2\r\n\r\n{}"), want: is[*HeaderError]()},
		{name: "brotli", reply: ok("{}", "Content-Encoding: br"), want: is[*HeaderError]()},
		{name: "403 with a page", reply: status("403 Forbidden", "<html>\x1b[31mblocked", "Content-Type: text/html"), want: is(func(e *StatusError) bool {
			return e.ContentType == "text/html" && e.Excerpt() == `<html>\x1b[31mblocked`
		})},
		{name: "404 with a long text", reply: status("404 Not Found", strings.Repeat("é", 5000)), want: is(func(e *StatusError) bool {
			return len(e.Body) == 4096 && len(e.Excerpt()) <= 200
		})},
		{name: "206 unasked", reply: status("206 Partial Content", "{}"), want: hasStatus(206)},
		{name: "304 without a cache", reply: raw("HTTP/1.1 304 Not Modified\r\n\r\n"), want: hasStatus(304)},
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, []reply{test.reply}, func(w *wire) {
				t := w.t
				resp, err := w.client(Options{}).Get(t.Context(), "http://registry.test/api?q=1", GetOptions{Accept: test.accept})
				checkText(t, err)
				switch {
				case test.want != nil && (err == nil || !test.want(err)):
					t.Errorf("error is %T %v", err, err)
				case test.want == nil && (err != nil || string(resp.Body) != test.body):
					t.Errorf("answer is %+v, error %v", resp, err)
				}
				if sent := w.sent.Load(); sent > 8<<20 {
					t.Errorf("the server sent %d bytes", sent)
				}
			})
		})
	}
}

func gzipText(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

// What may help later is told from what will not.
func TestRetryable(t *testing.T) {
	for status, want := range map[int]bool{
		204: false, 304: false, 400: false, 401: false, 404: false, 408: true, 410: false, 422: false, 425: true,
		429: true, 451: false, 500: true, 501: false, 502: true, 503: true, 504: true, 505: false,
	} {
		e := &StatusError{Status: status}
		if e.Retryable() != want || e.again() && !want {
			t.Errorf("%d: retryable is %v", status, e.Retryable())
		}
	}
}

// An enderSink knows that "artifact" is the whole.
type enderSink struct{ part }

func (s *enderSink) Ended() bool { return s.String() == "artifact" }

// Only the sink can tell whether an answer that ends with the connection is whole.
func TestEnder(t *testing.T) {
	tagged := okHead + "ETag: \"v1\"\r\n\r\nart"
	for _, test := range []struct {
		name     string
		replies  []reply
		want     string // "": it fails
		requests int
	}{
		{"whole", []reply{raw(okHead + "\r\nartifact")}, "artifact", 1},
		{"cut off once", []reply{raw(okHead + "\r\nart"), raw(okHead + "\r\nartifact")}, "artifact", 2},
		{"cut off in the header of HTTP/1.0", []reply{raw("HTTP/1.0 200 OK\r\n\r\n"), ok("artifact")}, "artifact", 2},
		{"cut off, then the rest", []reply{raw(tagged), raw("HTTP/1.1 206 x\r\nContent-Length: 5\r\nContent-Range: bytes 3-7/8\r\n\r\nifact")}, "artifact", 2},
		{"cut off always", []reply{raw(okHead + "\r\nart")}, "", 4},
		{"what has a length is whole", []reply{ok("art")}, "art", 1},
		{"what has a last chunk is whole", []reply{raw(chunked + "3\r\nart\r\n0\r\n\r\n")}, "art", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, test.replies, func(w *wire) {
				t := w.t
				var dst enderSink
				_, err := w.client(Options{}).Download(t.Context(), "http://registry.test/x", GetOptions{}, &dst)
				checkText(t, err)
				if len(w.asked()) != test.requests || errors.Is(err, io.ErrUnexpectedEOF) != (test.want == "") {
					t.Errorf("%d requests: %v", len(w.asked()), err)
				}
				if test.want != "" && (err != nil || dst.String() != test.want) {
					t.Errorf("sink holds %q, error %v", dst.String(), err)
				}
			})
		})
	}
}

// A disk that is full is no reason to ask again.
func TestSinkFails(t *testing.T) {
	onWire(t, []reply{ok("artifact")}, func(w *wire) {
		t := w.t
		full := errors.New("disk is full")
		_, err := w.client(Options{}).Download(t.Context(), "http://registry.test/x", GetOptions{}, &part{full: full})
		if !errors.Is(err, full) || len(w.asked()) != 1 {
			t.Errorf("error %v after %d requests", err, len(w.asked()))
		}
	})
}

func TestOfflineDialsNobody(t *testing.T) {
	w := &wire{t: t}
	c := w.client(Options{Offline: true, Cache: NewCache(t.TempDir())})
	if _, err := c.Get(t.Context(), "http://registry.test/x?token=hunter2", GetOptions{}); !errors.Is(err, ErrOffline) {
		t.Error(err)
	}
	_, err := c.Download(t.Context(), "http://registry.test/x?token=hunter2", GetOptions{}, new(part))
	if !is[*OfflineError]()(err) {
		t.Error(err)
	}
	checkText(t, err)
	if len(w.addresses()) > 0 {
		t.Errorf("dialed %q", w.addresses())
	}
}

// What a request looks like is part of the contract with servers.
func TestRequestHeaders(t *testing.T) {
	onWire(t, []reply{ok("{}")}, func(w *wire) {
		t := w.t
		c := w.client(Options{UserAgent: "skills/1.2.3"})
		if _, err := c.Get(t.Context(), "http://localhost/x", GetOptions{Token: "s3cret"}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Download(t.Context(), "http://localhost/x", GetOptions{Accept: "application/zip", Known: Validators{`"v1"`, "yesterday"}}, new(part)); err != nil {
			t.Fatal(err)
		}
		for i, want := range []http.Header{
			{"User-Agent": {"skills/1.2.3"}, "Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "Authorization": {"Bearer s3cret"}},
			{"User-Agent": {"skills/1.2.3"}, "Accept": {"application/zip"}, "Accept-Encoding": {"identity"}, "If-None-Match": {`"v1"`}, "If-Modified-Since": {"yesterday"}},
		} {
			got := w.asked()[i]
			if got.Method != http.MethodGet || len(got.Header) != len(want) {
				t.Errorf("request %d: %s %v", i, got.Method, got.Header)
			}
			for name := range want {
				if got.Header.Get(name) != want.Get(name) {
					t.Errorf("request %d: %s is %q", i, name, got.Header.Get(name))
				}
			}
		}
		if len(w.addresses()) != 1 {
			t.Errorf("dialed %q: the connection was not kept", w.addresses())
		}
	})
}

// A real RST, on real sockets.
func TestRealReset(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			if n == 0 {
				_, _ = io.WriteString(c, okHead+"Content-Length: 8\r\n\r\n")
				_ = c.(*net.TCPConn).SetLinger(0)
			} else {
				_, _ = io.WriteString(c, okHead+"Content-Length: 8\r\n\r\nartifact")
			}
			_ = c.Close()
		}
	}()
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	var dst part
	if _, err := c.Download(t.Context(), "http://"+l.Addr().String(), GetOptions{}, &dst); err != nil || dst.String() != "artifact" {
		t.Errorf("sink holds %q, error %v", dst.String(), err)
	}
}
