package transport

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// tagged answers 304 to whoever knows the body's tag.
func tagged(body, tag string, lines ...string) reply {
	whole := ok(body, append(lines, "ETag: "+tag)...)
	unchanged := raw("HTTP/1.1 304 Not Modified\r\nETag: " + tag + "\r\nContent-Length: 0\r\n\r\n")
	return func(c net.Conn, r *http.Request) bool {
		if r.Header.Get("If-None-Match") == tag {
			return unchanged(c, r)
		}
		return whole(c, r)
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// A time counts in seconds, in one of which a file can be written twice.
func TestCacheOfThisSecond(t *testing.T) {
	const modified, later = "Last-Modified: Thu, 26 Nov 2026 18:00:00 GMT", "Date: Thu, 26 Nov 2026 18:00:01 GMT"
	for _, c := range []struct {
		lines []string
		kept  int
	}{
		{[]string{modified, "Date: Thu, 26 Nov 2026 18:00:00 GMT"}, 0},
		{[]string{modified, "Date: Thu, 26 Nov 2026 17:59:00 GMT"}, 0},
		{[]string{modified, later}, 1},
		{[]string{modified, "Date: Thu, 26 Nov 2026 18:00:00 GMT", `ETag: "v1"`}, 1},
		{[]string{modified}, 1},
	} {
		dir := t.TempDir()
		onWire(t, []reply{ok(`"one"`, c.lines...)}, func(w *wire) {
			if _, err := w.client(Options{Cache: NewCache(dir)}).Get(w.t.Context(), "http://registry.test/api", GetOptions{}); err != nil {
				w.t.Error(err)
			}
		})
		if n := len(files(t, dir)); n != c.kept {
			t.Errorf("%q: %d kept", c.lines, n)
		}
	}
}

func TestCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "when needed")
	const url = "http://registry.test/api"
	get := func(t *testing.T, want string, fromCache bool, replies ...reply) {
		t.Helper()
		onWire(t, replies, func(w *wire) {
			t := w.t
			resp, err := w.client(Options{Cache: NewCache(dir)}).Get(t.Context(), url, GetOptions{})
			if err != nil || string(resp.Body) != want || resp.FromCache != fromCache {
				t.Errorf("answer is %+v, error %v", resp, err)
			}
			if fromCache != (err == nil && resp.Status == http.StatusNotModified) {
				t.Errorf("status is %d", resp.Status)
			}
		})
	}
	get(t, `"one"`, false, tagged(`"one"`, `"v1"`))
	get(t, `"one"`, true, tagged(`"one"`, `"v1"`))
	get(t, `"two"`, false, tagged(`"two"`, `"v2"`))
	get(t, `"two"`, true, tagged(`"two"`, `"v2"`))
	names := files(t, dir)
	if len(names) != 1 {
		t.Fatalf("files are %q", names)
	}
	good, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), good...)
	flipped[len(flipped)-2] ^= 1
	for _, bad := range [][]byte{nil, []byte("\n"), []byte("{}\n"), []byte("not json\nx"), good[:len(good)-1], flipped} {
		if err := os.WriteFile(names[0], bad, 0o600); err != nil {
			t.Fatal(err)
		}
		get(t, `"two"`, false, tagged(`"two"`, `"v2"`))
		get(t, `"two"`, true, tagged(`"two"`, `"v2"`))
	}
	// What stands in the way is not an error either.
	if err := os.Remove(names[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(names[0], 0o700); err != nil {
		t.Fatal(err)
	}
	get(t, `"two"`, false, tagged(`"two"`, `"v2"`))
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestCacheCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	onWire(t, []reply{tagged(`{}`, `"v1"`)}, func(w *wire) {
		t := w.t
		c := w.client(Options{Cache: NewCache(filepath.Join(file, "cache"))})
		for range 2 {
			if resp, err := c.Get(t.Context(), "http://registry.test/api", GetOptions{}); err != nil || resp.FromCache {
				t.Errorf("answer is %+v, error %v", resp, err)
			}
		}
	})
}

// Answers that are nobody else's business, or that cannot be asked about again,
// are not on disk.
func TestNotCached(t *testing.T) {
	for _, test := range []struct {
		name  string
		reply reply
		token string
	}{
		{"no validators", ok("{}"), ""},
		{"no-store", tagged("{}", `"v1"`, "Cache-Control: private, No-Store"), ""},
		{"for a credential", tagged("{}", `"v1"`), "s3cret"},
		{"with a cookie", tagged("{}", `"v1"`, "Set-Cookie: session=1"), ""},
		{"never the same", tagged("{}", `"v1"`, "Vary: *"), ""},
		{"an error", status("404 Not Found", "{}", `ETag: "v1"`), ""},
		{"a page", tagged("<html>", `"v1"`), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			onWire(t, []reply{test.reply}, func(w *wire) {
				t := w.t
				c := w.client(Options{Cache: NewCache(dir)})
				for i := range 2 {
					_, _ = c.Get(t.Context(), "http://localhost/api", GetOptions{Token: test.token})
					if w.asked()[i].Header.Get("If-None-Match") != "" {
						t.Error("asked with a validator")
					}
				}
				if got := files(t, dir); len(got) > 0 {
					t.Errorf("files are %q", got)
				}
			})
		})
	}
}

// A client, and its cache, serve many at once.
func TestConcurrentGets(t *testing.T) {
	dir := t.TempDir()
	onWire(t, []reply{tagged(`{"a":1}`, `"v1"`)}, func(w *wire) {
		t := w.t
		c := w.client(Options{Cache: NewCache(dir), Jobs: 4, Log: func(string, ...any) {}})
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				if resp, err := c.Get(t.Context(), "http://registry.test/api", GetOptions{}); err != nil || string(resp.Body) != `{"a":1}` {
					t.Errorf("answer is %+v, error %v", resp, err)
				}
				var dst part
				if _, err := c.Download(t.Context(), "http://registry.test/api", GetOptions{}, &dst); err != nil || dst.Len() != 7 {
					t.Errorf("%d bytes, error %v", dst.Len(), err)
				}
			})
		}
		all.Wait()
	})
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("files are %q", got)
	}
}
