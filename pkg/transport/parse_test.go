package transport

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseDigests(t *testing.T) {
	const hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	const b64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	for _, test := range []struct {
		name, value string
		want        int // how many; -1: none can be read
	}{
		{"Digest", "sha-256=" + b64, 1},
		{"Digest", "SHA-256=" + b64 + ", md5=x", 1},
		{"Digest", "sha-256=" + hex, 1},
		{"Digest", "sha-512=x", 0},
		{"Digest", "", 0},
		{"Digest", "sha-256=", -1},
		{"Digest", "sha-256=" + b64[1:], -1},
		{"Repr-Digest", "sha-512=:x:, sha-256=:" + b64 + ":;q=1", 1},
		{"Repr-Digest", "sha-256=:" + b64 + ":, sha-256=:" + b64 + ":", 2},
		{"X-Skill-Sha256", hex, 1},
		{"X-Skill-Sha256", " sha256:" + strings.ToUpper(hex), 1},
		{"X-Skill-Sha256", "", -1},
		{"X-Skill-Sha256", hex[1:], -1},
	} {
		got, ok := parseDigests(test.name, test.value)
		if ok != (test.want >= 0) || ok && len(got) != test.want {
			t.Errorf("%s: %s: %q %v", test.name, test.value, got, ok)
		}
		for _, d := range got {
			if ok && d.Hex() != hex {
				t.Errorf("%s: %s: %s", test.name, test.value, d)
			}
		}
	}
}

// The log shows where a request went, and no secret.
func TestLogIsRedacted(t *testing.T) {
	var lines []string
	onWire(t, []reply{status("429 x", "", "Retry-After: 1"), to("/y?X-Amz-Signature=hunter2&slug=pdf"), ok("{}", "Content-Type: application/json")}, func(w *wire) {
		t := w.t
		c := w.client(Options{Log: func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }})
		asked := "http://localhost/x?slug=sickn33-skills-backend-architect&locale=en&source=copy&access_token=hunter2&%74oken=hunter2&k=hunter2hunter2hunter2&ZXlKaGJHY2lPaUpJVXpJMU5p"
		if _, err := c.Get(t.Context(), asked, GetOptions{Token: "hunter3"}); err != nil {
			t.Fatal(err)
		}
	})
	text := strings.Join(lines, "\n")
	if strings.Contains(text, "hunter2") || strings.Contains(text, "ZXlK") || strings.Contains(text, "hunter3") || len(lines) != 4 {
		t.Errorf("log reads\n%s", text)
	}
	if !strings.Contains(text, "slug=sickn33-skills-backend-architect&locale=en&source=copy&access_token=REDACTED&") || !strings.Contains(text, "/y?X-Amz-Signature=REDACTED&slug=pdf: 200 application/json, 2 bytes") {
		t.Errorf("log reads\n%s", text)
	}
}

func FuzzParseWait(f *testing.F) {
	for _, s := range []string{"5", "-5", "soon", "1e99", "946684804", "99999999999999999999", "Sat, 01 Jan 2000 00:00:06 GMT", ""} {
		f.Add(s)
	}
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		if d := parseWait(s, now); d < 0 || d > longestWait {
			t.Errorf("%q is %v", s, d)
		}
	})
}

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-7/8", "bytes 3-7/*", "bytes 7-3/8", "bytes */8", "bytes 0-8/8", "items 0-7/8", "bytes -1-7/8", "bytes 0-9223372036854775807/9223372036854775807"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, ok := parseContentRange(s)
		if !ok {
			return
		}
		if r.first < 0 || r.last < r.first || r.total >= 0 && r.last >= r.total || r.total < -1 || r.last-r.first+1 <= 0 && r.total >= 0 {
			t.Errorf("%q is %+v", s, r)
		}
	})
}

func FuzzParseDigests(f *testing.F) {
	f.Add("sha-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=, md5=x")
	f.Add("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:;x")
	f.Add("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range []string{"Digest", "Repr-Digest", "X-Skill-Sha256"} {
			claims, ok := parseDigests(name, s)
			for _, d := range claims {
				if ok && len(d.Hex()) != 64 {
					t.Errorf("%s: %q is %q", name, s, d)
				}
			}
		}
	})
}

func FuzzCacheEntry(f *testing.F) {
	f.Add([]byte(`{"url":"u","accept":"a","etag":"\"v1\"","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}` + "\n"))
	f.Add([]byte("{}\n"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if e := parseEntry(data); e != nil && (e.validators().isZero() || len(e.body) >= len(data)) {
			t.Errorf("%q is %+v", data, e)
		}
	})
}

// Whatever a server writes into Location, what is followed may be asked for, and
// what is refused is said in one line.
func FuzzRedirect(f *testing.F) {
	for _, s := range []string{"/y", "//cdn.test/x", "http://127.1/", "http:x", "HTTP://me@x/", "https://registry.test:443/x#y", "?q", "http://[::1%25lo]/", "\x1b[2J", "http://a b/"} {
		f.Add(s)
	}
	c, err := New(Options{Proxy: direct})
	if err != nil {
		f.Fatal(err)
	}
	from := &url.URL{Scheme: "https", Host: "registry.test", Path: "/x"}
	f.Fuzz(func(t *testing.T, location string) {
		a := &answer{Response: &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {location}}}, url: from}
		next, err := a.redirect(0)
		if err != nil {
			checkLine(t, err)
			return
		}
		if next.Scheme != "https" || next.User != nil || next.Hostname() == "" || next.Fragment != "" {
			t.Errorf("%q leads to %q", location, next)
		}
		pool, err := c.route(&http.Request{URL: next}, from)
		if err != nil {
			checkLine(t, err)
			return
		}
		if ip, err := netip.ParseAddr(next.Hostname()); err == nil {
			if r, _ := reachOf(ip); r != anywhere {
				t.Errorf("%q is asked at %s", location, ip)
			}
		}
		if !strings.EqualFold(next.Hostname(), "registry.test") && pool != c.public {
			t.Errorf("%q is asked as if the user had named it", location)
		}
	})
}

func FuzzClip(f *testing.F) {
	f.Add("hello", 3)
	f.Add("\x1b[2J\u202e\xff\\\"", 200)
	f.Fuzz(func(t *testing.T, s string, n int) {
		got := clip(s, n)
		if len(got) > max(n, 0) || slices.ContainsFunc([]byte(got), func(b byte) bool { return b < ' ' || b > '~' }) {
			t.Errorf("%q in %d bytes is %q", s, n, got)
		}
	})
}

func checkLine(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); len(text) > 400 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("error reads %q", text)
	}
}
