package transport

import (
	"io"
	"net"
	"net/http"
	"testing"
)

// Each row is a sink that holds a part, and what servers make of the question
// for the rest.
func TestResume(t *testing.T) {
	const rest = "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nETag: \"v1\"\r\n"
	whole := ok("artifact", `ETag: "v2"`)
	broken := raw(okHead + "ETag: \"v1\"\r\nContent-Length: 8\r\n\r\nart")
	for _, test := range []struct {
		name     string
		held     string
		tag      string
		replies  []reply
		ranges   []string // the Range header of each request
		restarts int
		tagAfter string
		fails    bool
	}{
		{name: "the rest comes", held: "art", tag: `"v1"`, replies: []reply{raw(rest + "Content-Range: bytes 3-7/8\r\n\r\nifact")}, ranges: []string{"bytes=3-"}, tagAfter: `"v1"`},
		{name: "the rest of unknown length", held: "art", tag: `"v1"`, replies: []reply{raw(rest + "Content-Range: bytes 3-7/*\r\n\r\nifact")}, ranges: []string{"bytes=3-"}, tagAfter: `"v1"`},
		{name: "the rest in two parts", held: "art", tag: `"v1"`, replies: []reply{
			raw("HTTP/1.1 206 x\r\nContent-Length: 2\r\nContent-Range: bytes 3-4/8\r\n\r\nif"),
			raw("HTTP/1.1 206 x\r\nContent-Length: 3\r\nContent-Range: bytes 5-7/8\r\n\r\nact"),
		}, ranges: []string{"bytes=3-", "bytes=5-"}, tagAfter: `"v1"`},
		{name: "it changed: the whole comes", held: "old", tag: `"v1"`, replies: []reply{whole}, ranges: []string{"bytes=3-"}, restarts: 1, tagAfter: `"v2"`},
		{name: "it broke off here", replies: []reply{broken, raw(rest + "Content-Range: bytes 3-7/8\r\n\r\nifact")}, ranges: []string{"", "bytes=3-"}, restarts: 1, tagAfter: `"v1"`},
		{name: "a weak tag", held: "art", tag: `W/"v1"`, replies: []reply{whole}, ranges: []string{""}, restarts: 1, tagAfter: `"v2"`},
		{name: "no tag", held: "art", replies: []reply{whole}, ranges: []string{""}, restarts: 1, tagAfter: `"v2"`},
		{name: "a weak tag comes", replies: []reply{ok("artifact", `ETag: W/"v2"`)}, ranges: []string{""}, restarts: 1},
		{name: "another beginning", held: "art", tag: `"v1"`, replies: []reply{raw(rest + "Content-Range: bytes 2-6/8\r\n\r\ntifac"), whole}, ranges: []string{"bytes=3-", ""}, restarts: 2, tagAfter: `"v2"`},
		{name: "no range", held: "art", tag: `"v1"`, replies: []reply{raw(rest + "\r\nifact"), whole}, ranges: []string{"bytes=3-", ""}, restarts: 2, tagAfter: `"v2"`},
		{name: "two ranges", held: "art", tag: `"v1"`, replies: []reply{raw(rest + "Content-Range: bytes 3-7/8\r\nContent-Range: bytes 0-4/8\r\n\r\nifact"), whole}, ranges: []string{"bytes=3-", ""}, restarts: 2, tagAfter: `"v2"`},
		{name: "a range of another length", held: "art", tag: `"v1"`, replies: []reply{raw(rest + "Content-Range: bytes 3-6/8\r\n\r\nifact"), whole}, ranges: []string{"bytes=3-", ""}, restarts: 2, tagAfter: `"v2"`},
		{name: "the rest of something else", held: "art", tag: `"v0"`, replies: []reply{raw(rest + "Content-Range: bytes 3-7/8\r\n\r\nifact"), whole}, ranges: []string{"bytes=3-", ""}, restarts: 2, tagAfter: `"v2"`},
		{name: "the part is too long", held: "artifact and more", tag: `"v1"`, replies: []reply{status("416 x", "", "Content-Range: bytes */8"), whole}, ranges: []string{"bytes=17-", ""}, restarts: 2, tagAfter: `"v2"`},
		{name: "never a good range", held: "art", tag: `"v1"`, replies: []reply{raw(rest + "Content-Range: bytes 2-6/8\r\n\r\ntifac")}, ranges: []string{"bytes=3-", ""}, restarts: 1, fails: true},
		{name: "an error keeps the part", held: "art", tag: `"v1"`, replies: []reply{status("404 Not Found", "")}, ranges: []string{"bytes=3-"}, tagAfter: `"v1"`, fails: true},
		{name: "a wrong encoding keeps the part", held: "art", tag: `"v1"`, replies: []reply{ok("x", "Content-Encoding: br")}, ranges: []string{"bytes=3-"}, tagAfter: `"v1"`, fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, test.replies, func(w *wire) {
				t := w.t
				dst := &part{tag: test.tag}
				dst.Buffer.WriteString(test.held)
				_, err := w.client(Options{}).Download(t.Context(), "http://registry.test/x", GetOptions{}, dst)
				checkText(t, err)
				if (err != nil) != test.fails || !test.fails && dst.String() != "artifact" {
					t.Errorf("sink holds %q, error %v", dst.String(), err)
				}
				if dst.restarts != test.restarts || dst.tag != test.tagAfter {
					t.Errorf("%d restarts, validator %q", dst.restarts, dst.tag)
				}
				if len(w.asked()) != len(test.ranges) {
					t.Fatalf("%d requests, want %d", len(w.asked()), len(test.ranges))
				}
				for i, want := range test.ranges {
					h := w.asked()[i].Header
					if h.Get("Range") != want || (h.Get("If-Range") != "") != (want != "") {
						t.Errorf("request %d: Range %q, If-Range %q", i, h.Get("Range"), h.Get("If-Range"))
					}
				}
			})
		})
	}
}

// The limit is of the whole, not of what is missing.
func TestResumeOverLimit(t *testing.T) {
	part1 := func(c net.Conn, _ *http.Request) bool {
		_, _ = io.WriteString(c, "HTTP/1.1 206 x\r\nContent-Length: 5\r\nContent-Range: bytes 3-7/8\r\n\r\nifact")
		return false
	}
	onWire(t, []reply{part1}, func(w *wire) {
		t := w.t
		dst := &part{tag: `"v1"`}
		dst.Buffer.WriteString("art")
		_, err := w.client(Options{}).Download(t.Context(), "http://registry.test/x", GetOptions{Limit: 7}, dst)
		if !is(func(e *LimitError) bool { return e.Got == 8 })(err) {
			t.Error(err)
		}
	})
}

func TestReceipt(t *testing.T) {
	const hex = "9ce1f1d46d04f2f25ba5c9bba0a3e9d2f1f0e6b2bd4c4fc40d8f9b6ff0d3ad2b"
	onWire(t, []reply{
		status("302 Found", "", "Location: /real"),
		ok("artifact", `ETag: "v1"`, "Last-Modified: yesterday", "Content-Type: application/zip", "X-Skill-Sha256: sha256:"+hex),
	}, func(w *wire) {
		t := w.t
		r, err := w.client(Options{}).Download(t.Context(), "http://registry.test/x", GetOptions{}, new(part))
		if err != nil || r.URL != "http://registry.test/real" || r.Digest.Hex() != hex || r.ETag != `"v1"` ||
			r.LastModified != "yesterday" || r.ContentType != "application/zip" || r.Header.Get("Content-Length") != "8" {
			t.Errorf("receipt is %+v, error %v", r, err)
		}
	})
}
