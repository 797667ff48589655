package openskills_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/openskills"
)

// artifact is a zip of a skill and of size bytes that do not compress.
func artifact(t *testing.T, size int) []byte {
	t.Helper()
	noise := make([]byte, size)
	for i, x := 0, uint32(1); i < size; i++ {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		noise[i] = byte(x)
	}
	data, err := build("zip", []txtar.File{
		{Name: "SKILL.md", Data: []byte("---\nname: demo\ndescription: d\n---\n")},
		{Name: "assets/noise.bin", Data: noise},
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// serve runs h until the test ends.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestRequest(t *testing.T) {
	data := artifact(t, 10)
	var asked []*http.Request
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r)
		_, _ = w.Write(data)
	})
	query, err := version.ParseQuery(">=1 <3")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		options openskills.Options
		ref     ref.Ref
		pinned  string // version that a lock gives the Pin
		want    string
	}{
		{"defaults", openskills.Options{}, ref.Ref{Slug: "demo"}, "", "/api/download?slug=demo&locale=en&source=copy"},
		{"base path", openskills.Options{URL: "/base/"}, ref.Ref{Slug: "demo"}, "", "/base/api/download?slug=demo&locale=en&source=copy"},
		{"locale and source", openskills.Options{Locale: "zh", Source: "ci&x"}, ref.Ref{Slug: "demo"}, "", "/api/download?slug=demo&locale=zh&source=ci%26x"},
		{"locale of the reference", openskills.Options{Locale: "zh"}, ref.Ref{Slug: "demo", Locale: "de"}, "", "/api/download?slug=demo&locale=de&source=copy"},
		{"escaped slug", openskills.Options{}, ref.Ref{Slug: "技能"}, "", "/api/download?slug=%E6%8A%80%E8%83%BD&locale=en&source=copy"},
		{"query", openskills.Options{}, ref.Ref{Slug: "demo", Query: query}, "", "/api/download?slug=demo&locale=en&source=copy&version=%3E%3D1+%3C3"},
		{"locked version", openskills.Options{}, ref.Ref{Slug: "demo", Query: query}, "1.2.3", "/api/download?slug=demo&locale=en&source=copy&version=1.2.3"},
		{"locked version of ours", openskills.Options{}, ref.Ref{Slug: "demo", Query: query}, "0.0.0-t0123456789ab", "/api/download?slug=demo&locale=en&source=copy"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asked = nil
			test.options.URL = url + test.options.URL
			r := newRegistry(t, test.options)
			pin, err := r.Resolve(t.Context(), test.ref, "")
			if err != nil {
				t.Fatal(err)
			}
			if len(asked) != 0 {
				t.Error("Resolve asked the network")
			}
			pin.Version = test.pinned
			if _, err := r.Fetch(t.Context(), pin, new(sourcetest.Sink)); err != nil {
				t.Fatal(err)
			}
			if len(asked) != 1 || asked[0].Method != http.MethodGet || asked[0].URL.RequestURI() != test.want {
				t.Fatalf("asked %v, want one GET of %s", asked, test.want)
			}
			h := asked[0].Header
			if !strings.HasPrefix(h.Get("Accept"), "application/zip, ") || h.Get("Accept-Encoding") != "identity" ||
				h.Get("User-Agent") == "" || h.Get("Authorization") != "" || h.Get("Cookie") != "" {
				t.Errorf("the header is %v", h)
			}
		})
	}
}

// Statuses that mean the same however often they are asked for.
func TestStatusIsFinal(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   error  // nil: nothing in particular
		says   string // by the server
	}{
		{"400", 400, `{"error":{"code":"bad_version","message":"no such range"}}`, nil, `status 400: "no such range"`},
		{"400 in words", 400, "slug is too long\n", nil, `status 400: "slug is too long"`},
		{"400 in silence", 400, "", nil, "status 400"},
		{"422", 422, `{"message":"locale xx"}`, nil, `status 422: "locale xx"`},
		{"451", 451, `{"message":"by order of a court"}`, source.ErrWithheld, `status 451: "by order of a court"`},
		{"451 in silence", 451, "", source.ErrWithheld, "skill is withheld"},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			})
			r := newRegistry(t, openskills.Options{URL: url})
			pin, err := r.Resolve(t.Context(), ref.Ref{Slug: "demo"}, "")
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.Fetch(t.Context(), pin, new(sourcetest.Sink))
			var status *transport.StatusError
			if !errors.As(err, &status) || status.Status != test.status || status.Retryable() || asked != 1 {
				t.Fatalf("asked %d times: %v", asked, err)
			}
			if !strings.Contains(err.Error(), test.says) || errors.Is(err, source.ErrWithheld) != (test.want != nil) {
				t.Errorf("error is %v, want %q", err, test.says)
			}
		})
	}
}

// An answer that ends when the connection does may have been cut off. That of a
// zip is seen at its end, and it is asked for again.
func TestCutOffWithoutLength(t *testing.T) {
	data := artifact(t, 100<<10)
	for _, test := range []struct {
		name  string
		cuts  []int // how many bytes each answer has
		asked int
		fails bool
	}{
		{"whole", []int{len(data)}, 1, false},
		{"in the files", []int{60 << 10, len(data)}, 2, false},
		{"in what is held", []int{100, len(data)}, 2, false},
		{"at the last signature", []int{len(data) - 22, len(data)}, 2, false},
		{"in the last signature", []int{len(data) - 19, len(data)}, 2, false},
		{"always", []int{60 << 10, 60 << 10}, 2, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				cut := test.cuts[min(int(asked.Add(1)), len(test.cuts))-1]
				c, rw, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				_, _ = rw.WriteString("HTTP/1.0 200 OK\r\nContent-Type: application/zip\r\n\r\n")
				_, _ = rw.Write(data[:cut])
				_ = rw.Flush()
			})
			r := newRegistry(t, openskills.Options{URL: url}) // makes two attempts
			pin, err := r.Resolve(t.Context(), ref.Ref{Slug: "demo"}, "")
			if err != nil {
				t.Fatal(err)
			}
			var sink sourcetest.Sink
			_, err = r.Fetch(t.Context(), pin, &sink)
			if int(asked.Load()) != test.asked || errors.Is(err, io.ErrUnexpectedEOF) != test.fails {
				t.Errorf("asked %d times: %v", asked.Load(), err)
			}
			if !test.fails && (err != nil || !bytes.Equal(sink.Bytes(), data)) {
				t.Errorf("%d bytes of %d, or others: %v", len(sink.Bytes()), len(data), err)
			}
		})
	}
}

// A transfer that breaks off is continued where it broke, wherever that is: in
// what was passed on, or in the few bytes that were held to look at.
func TestBrokenTransfer(t *testing.T) {
	data := artifact(t, 300<<10)
	const etag = `"one"`
	for _, cut := range []int{1, 3, 100, 511, 512, 70 << 10, len(data) - 1} {
		var ranges []string
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			ranges = append(ranges, r.Header.Get("Range"))
			w.Header().Set("Etag", etag)
			if len(ranges) > 1 {
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
				return
			}
			w.Header().Set("Content-Length", "400000")
			_, _ = w.Write(data[:cut])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
		r := newRegistry(t, openskills.Options{URL: url})
		pin, err := r.Resolve(t.Context(), ref.Ref{Slug: "demo"}, "")
		if err != nil {
			t.Fatal(err)
		}
		var sink sourcetest.Sink
		if _, err := r.Fetch(t.Context(), pin, &sink); err != nil {
			t.Errorf("cut at %d: %v", cut, err)
		} else if !bytes.Equal(sink.Bytes(), data) {
			t.Errorf("cut at %d: %d bytes of %d, or others", cut, len(sink.Bytes()), len(data))
		}
		if len(ranges) != 2 || ranges[1] == "" {
			t.Errorf("cut at %d: ranges %q, want the rest to be asked for", cut, ranges)
		}
	}
}

// An address in an answer is another party's: it does not lead into private
// networks or to plain http unless the registry itself is there.
func TestNamedAddress(t *testing.T) {
	for _, to := range []string{"http://169.254.169.254/latest", "ftp://127.0.0.1/x", "http://user@127.0.0.1/", "data:,x", "http://"} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"url":"` + to + `"}`)) })
		r := newRegistry(t, openskills.Options{URL: url})
		pin, err := r.Resolve(t.Context(), ref.Ref{Slug: "demo"}, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Fetch(t.Context(), pin, new(sourcetest.Sink)); err == nil {
			t.Errorf("%s was followed", to)
		}
	}
}

func TestMatch(t *testing.T) {
	slug := func(s, locale string) ref.Ref {
		return ref.Ref{Kind: ref.Registry, Registry: "acme", Slug: s, Locale: locale}
	}
	tests := []struct {
		base, url string
		want      ref.Ref // the zero Ref if it is none of ours
	}{
		{"https://openskills.cc", "https://openskills.cc/skills/demo", slug("demo", "")},
		{"https://openskills.cc", "https://openskills.cc/zh/skills/demo/", slug("demo", "zh")},
		{"https://openskills.cc", "https://openskills.cc/zh-Hant/skills/demo?tab=files#top", slug("demo", "zh-Hant")},
		{"https://openskills.cc", "https://openskills.cc/api/download?slug=demo&locale=en&source=copy", slug("demo", "en")},
		{"https://openskills.cc", "https://openskills.cc/api/download?slug=demo", slug("demo", "")},
		{"https://openskills.cc", "https://OpenSkills.cc:443/skills/demo", slug("demo", "")},
		{"https://openskills.cc", "http://openskills.cc/skills/demo", slug("demo", "")},
		{"https://openskills.cc", "https://openskills.cc/skills/%E6%8A%80%E8%83%BD", slug("技能", "")},
		{"https://example.com/a/b/", "https://example.com/a/b/skills/demo", slug("demo", "")},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080/api/download?slug=demo", slug("demo", "")},

		{"https://openskills.cc", "https://openskills.cc.evil.com/skills/demo", ref.Ref{}},
		{"https://openskills.cc", "https://user@openskills.cc/skills/demo", ref.Ref{}},
		{"https://openskills.cc", "https://openskills.cc:8443/skills/demo", ref.Ref{}},
		{"https://openskills.cc", "https://openskills.cc/skills", ref.Ref{}},
		{"https://openskills.cc", "https://openskills.cc/skills/", ref.Ref{}},
		{"https://openskills.cc", "https://openskills.cc/skills/demo/files", ref.Ref{}},
		{"https://openskills.cc", "https://openskills.cc/skills/..%2f..%2fetc", ref.Ref{}},
		{"https://openskills.cc", "https://openskills.cc/../skills/demo", ref.Ref{}},
		{"https://openskills.cc", "https://openskills.cc/api/download?slug=", ref.Ref{}},
		{"https://openskills.cc", "https://openskills.cc/api/download?slug=a/b", ref.Ref{}},
		{"https://openskills.cc", "https://openskills.cc/api/download?slug=demo&locale=%2e%2e", ref.Ref{}},
		{"https://openskills.cc", "https://openskills.cc/files/demo.zip", ref.Ref{}},
		{"https://openskills.cc", "ftp://openskills.cc/skills/demo", ref.Ref{}},
		{"https://example.com/a", "https://example.com/abc/skills/demo", ref.Ref{}},
		{"https://example.com/a", "https://example.com/skills/demo", ref.Ref{}},
		{"http://example.com", "https://example.com/skills/demo", ref.Ref{}},
		{"https://openskills.cc", "::", ref.Ref{}},
	}
	for _, test := range tests {
		r, err := openskills.New(openskills.Options{Name: "acme", URL: test.base})
		if err != nil {
			t.Fatal(err)
		}
		got, ok := r.Match(test.url)
		if ok != (test.want != ref.Ref{}) || ok && got != test.want {
			t.Errorf("%s: Match(%s) = %+v, %v; want %+v", test.base, test.url, got, ok, test.want)
		}
	}
}

func TestResolveFaults(t *testing.T) {
	r := newRegistry(t, openskills.Options{})
	for _, test := range []struct {
		ref  ref.Ref
		want error
	}{
		{ref.Ref{Slug: "../etc"}, source.ErrNotFound},
		{ref.Ref{}, source.ErrNotFound},
		{ref.Ref{Slug: "demo", Owner: "acme"}, source.ErrUnsupported},
		{ref.Ref{Kind: ref.URL, URL: "https://example.com/x.zip"}, source.ErrUnsupported},
	} {
		if _, err := r.Resolve(t.Context(), test.ref, ""); !errors.Is(err, test.want) {
			t.Errorf("Resolve(%+v): %v, want %v", test.ref, err, test.want)
		}
	}
	if _, err := r.Fetch(t.Context(), source.Pin{Slug: "a&b=c"}, new(sourcetest.Sink)); !errors.Is(err, source.ErrNotFound) {
		t.Errorf("Fetch of no slug: %v", err)
	}
}

func TestSearch(t *testing.T) {
	tests := []struct {
		name, answer string
		status       int
		want         []source.Hit
		err          error
	}{
		{name: "results", answer: `{"results":[{"slug":"b","displayName":"B","summary":"s","version":null,"score":1},{"slug":"demo"}]}`,
			want: []source.Hit{{Slug: "demo"}, {Slug: "b", Name: "B", Description: "s"}}},
		{name: "skills", answer: `{"skills":[{"id":"b","name":"bee","description":"d","version":"1.0.0","installs":3}]}`,
			want: []source.Hit{{Slug: "b", Name: "bee", Version: "1.0.0", Description: "d"}}},
		{name: "both", answer: `{"results":[{"slug":"b"}],"skills":[{"id":"c"}]}`, want: []source.Hit{{Slug: "b"}}},
		{name: "one empty", answer: `{"results":[],"skills":[{"id":"c"}]}`, want: []source.Hit{{Slug: "c"}}},
		{name: "data", answer: `{"code":0,"data":{"skills":[{"slug":"c"}]}}`, want: []source.Hit{{Slug: "c"}}},
		{name: "data is the list", answer: `{"data":[{"slug":"c"}]}`, want: []source.Hit{{Slug: "c"}}},
		{name: "list", answer: `[{"slug":"c"}]`, want: []source.Hit{{Slug: "c"}}},
		{name: "none", answer: `{"results":[],"skills":[]}`, want: []source.Hit{}},
		{name: "not installable", answer: `{"results":[{"slug":"../x"},{"slug":7},"x",{"slug":"ok","displayName":["?"]}]}`, want: []source.Hit{{Slug: "ok"}}},
		{name: "more than asked for", answer: `{"results":[{"slug":"a"},{"slug":"b"},{"slug":"c"},{"slug":"d"}]}`,
			want: []source.Hit{{Slug: "a"}, {Slug: "b"}, {Slug: "c"}}},
		{name: "page", answer: "<!doctype html><html></html>", err: source.ErrUnsupported},
		{name: "404", answer: "no", status: 404, err: source.ErrUnsupported},
		{name: "other JSON", answer: `{"ok":true}`, err: source.ErrUnsupported},
		{name: "403", answer: "no", status: 403, err: source.ErrAuth},
		{name: "451", answer: "no", status: 451, err: source.ErrWithheld},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if got := r.URL.RequestURI(); got != "/api/search?q=demo&limit=3" {
					t.Errorf("asked %s", got)
				}
				if test.status != 0 {
					w.WriteHeader(test.status)
				}
				_, _ = w.Write([]byte(test.answer))
			})
			got, err := newRegistry(t, openskills.Options{URL: url}).Search(t.Context(), "demo", 3)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("hits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSinkFault(t *testing.T) {
	fault := errors.New("disk is full")
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("---\nname: demo\ndescription: d\n---\n"))
	})
	r := newRegistry(t, openskills.Options{URL: url})
	pin, err := r.Resolve(t.Context(), ref.Ref{Slug: "demo"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Fetch(t.Context(), pin, brokenSink{fault}); !errors.Is(err, fault) {
		t.Errorf("Fetch: %v, want %v", err, fault)
	}
}

// A brokenSink takes no byte.
type brokenSink struct{ err error }

func (s brokenSink) Write([]byte) (int, error) { return 0, s.err }
func (s brokenSink) Offset() int64             { return 0 }
func (s brokenSink) Validator() string         { return "" }
func (s brokenSink) Restart(string) error      { return nil }
