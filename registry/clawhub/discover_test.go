package clawhub_test

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/clawhub"
	"github.com/openskills-go/skills/registry/clawhub/clawhubtest"
)

// site answers each path with its text, and all else with 404 or, if it has an
// answer for "", with that.
func site(t *testing.T, texts map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := texts[r.URL.Path]
		if !ok {
			if text, ok = texts[""]; !ok {
				http.NotFound(w, r)
				return
			}
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestDiscover(t *testing.T) {
	const first, second = "/.well-known/clawhub.json", "/.well-known/clawdhub.json"
	for name, test := range map[string]struct {
		texts map[string]string
		want  string // + is the site
	}{
		"absolute":            {map[string]string{first: `{"apiBase":"https://hub.example/base"}`}, "https://hub.example/base"},
		"with a slash":        {map[string]string{first: `{"apiBase":"https://hub.example/"}`}, "https://hub.example"},
		"with the API":        {map[string]string{first: `{"apiBase":"https://hub.example/base/api/v1/"}`}, "https://hub.example/base"},
		"relative":            {map[string]string{first: `{"apiBase":"/api/v1"}`}, "+"},
		"relative, with base": {map[string]string{first: `{"apiBase":"/base/api/v1"}`}, "+/base"},
		"registry":            {map[string]string{first: `{"registry":"/hub","apiBase":null}`}, "+/hub"},
		"both":                {map[string]string{first: `{"apiBase":"/a","registry":"/b","minCliVersion":"9"}`}, "+/a"},
		"the older name":      {map[string]string{second: `{"registry":"/b"}`}, "+/b"},
		"a page for the first": {map[string]string{
			first: `<!doctype html><p>Hello</p>`, second: `{"registry":"/b"}`,
		}, "+/b"},
		"no scheme": {map[string]string{first: `{"apiBase":"//hub.example/x"}`}, "http://hub.example/x"},
	} {
		url := site(t, test.texts)
		got, err := clawhub.Discover(t.Context(), client(t), url+"/some/page")
		if want := strings.Replace(test.want, "+", url, 1); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	s := clawhubtest.New(t, clawhubtest.Options{Base: "/base"})
	if got, err := clawhub.Discover(t.Context(), client(t), s.URL); err != nil || got != s.Registry() {
		t.Errorf("%s, %v; want %s", got, err, s.Registry())
	}
}

func TestDiscoverOfNothing(t *testing.T) {
	for name, texts := range map[string]map[string]string{
		"nothing":              {},
		"a page for all":       {"": "<!doctype html><p>Hello</p>"},
		"text for all":         {"": "hello"},
		"an empty one for all": {"": ""},
	} {
		if got, err := clawhub.Discover(t.Context(), client(t), site(t, texts)); !errors.Is(err, source.ErrNotFound) {
			t.Errorf("%s: %q, %v; want ErrNotFound", name, got, err)
		}
	}
	for _, text := range []string{
		`{}`, `null`, `[]`, `"x"`, `{"apiBase":1}`, `{"apiBase":{"url":"/x"}}`, `{"apiBase":"ftp://h/"}`, `{"apiBase":"https://"}`,
		`{"apiBase":"https://user:secret@h/"}`, `{"apiBase":"https://h/?x=y"}`, `{"apiBase":"http://[::1"}`, `{"apiBase":"javascript:x"}`,
	} {
		got, err := clawhub.Discover(t.Context(), client(t), site(t, map[string]string{"": text}))
		if err == nil || errors.Is(err, source.ErrNotFound) || strings.Contains(err.Error(), "secret") && strings.Contains(text, "?") {
			t.Errorf("%s: %q, %v; want an error", text, got, err)
		}
	}
	for _, url := range []string{"", "ftp://h", "https://user:secret@h/", "https://h/?x", "x"} {
		if _, err := clawhub.Discover(t.Context(), client(t), url); !errors.Is(err, clawhub.ErrURL) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want ErrURL", url, err)
		}
	}
	if _, err := clawhub.Discover(t.Context(), client(t), answer(t, 401, "text/plain", "Unauthorized")); errors.Is(err, source.ErrNotFound) || err == nil {
		t.Errorf("a site that wants a login: %v", err)
	}
}

// A site over https does not send anyone to http.
func TestDiscoverRefusesHTTPAfterHTTPS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"apiBase":"http://hub.example"}`))
	}))
	t.Cleanup(s.Close)
	c, err := transport.New(transport.Options{Attempts: 1, CAFile: caFile(t, s)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	got, err := clawhub.Discover(t.Context(), c, s.URL)
	if _, ok := errors.AsType[*transport.RedirectError](err); !ok {
		t.Errorf("%q, %v; want a RedirectError", got, err)
	}
}

func TestNew(t *testing.T) {
	for url, want := range map[string]string{
		"":                                    "clawhub+https://clawhub.ai",
		"https://Hub.Example:443/":            "clawhub+https://hub.example",
		"clawhub+https://hub.example/a//":     "clawhub+https://hub.example/a",
		"CLAWHUB+http://127.0.0.1:1":          "clawhub+http://127.0.0.1:1",
		"clawhub+http://hub.example:80/a%20b": "clawhub+http://hub.example/a%20b",
	} {
		r, err := clawhub.New(clawhub.Options{URL: url})
		if err != nil || r.URL() != want {
			t.Errorf("%q: %v, %v; want %s", url, r, err, want)
		}
	}
	for _, url := range []string{
		"clawhub+", "clawhub+ftp://h", "clawhub+clawhub+https://h", "openskills+https://h", "https://", "https://user:secret@h", "https://h?x=secret",
		"https://h#x", "file:///x", "http://[::1", "hub.example",
	} {
		if _, err := clawhub.New(clawhub.Options{URL: url}); !errors.Is(err, clawhub.ErrURL) || strings.Contains(url, "@") && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want ErrURL", url, err)
		}
	}
}

func TestMatch(t *testing.T) {
	hub, err := clawhub.New(clawhub.Options{Name: "hub", URL: "https://hub.example/base"})
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"https://hub.example/base/alice/pdf":                                     "hub:alice/pdf",
		"https://hub.example/base/@alice/pdf/":                                   "hub:alice/pdf",
		"https://hub.example/base/alice/skills/pdf":                              "hub:alice/pdf",
		"https://hub.example/base/alice/skills/pdf?tab=files#readme":             "hub:alice/pdf",
		"http://hub.example/base/skills/pdf":                                     "hub:pdf",
		"https://HUB.example:443/base/skills/%E6%8A%80":                          "hub:技",
		"https://hub.example/base/api/v1/download?slug=pdf":                      "hub:pdf",
		"https://hub.example/base/api/v1/download?slug=pdf&version=1.2.3":        "hub:pdf@1.2.3",
		"https://hub.example/base/api/v1/download?slug=pdf&owner=bob&tag=latest": "hub:bob/pdf@latest",
		"https://hub.example/base/api/download?slug=pdf&ownerHandle=bob":         "hub:bob/pdf",
		"https://hub.example/base/api/v1/skills/pdf?ownerHandle=bob":             "hub:bob/pdf",
		"https://hub.example/base/api/v1/skills/pdf/versions":                    "",
		"https://hub.example/base/api/v1/download?slug=../x":                     "",
		"https://hub.example/base/api/v1/download?slug=pdf&ownerHandle=a/b":      "",
		"https://hub.example/base/api/v1/download?slug=pdf&version=%3e%3e":       "",
		"https://hub.example/base/api/v1/download":                               "",
		"https://hub.example/alice/pdf":                                          "",
		"https://hub.example/basement/alice/pdf":                                 "",
		"https://hub.example/base/":                                              "",
		"https://hub.example/base/alice":                                         "",
		"https://hub.example/base/alice/skills":                                  "",
		"https://hub.example/base/docs/pdf":                                      "",
		"https://hub.example/base/api/skills/pdf":                                "",
		"https://hub.example/base/.well-known/clawhub.json":                      "",
		"https://hub.example/base/_next/static":                                  "",
		"https://hub.example/base/alice/pdf.zip":                                 "",
		"https://hub.example/base/alice/..":                                      "",
		"https://hub.example/base/alice/a%2Fb":                                   "",
		"https://hub.example/base/alice/%zz":                                     "",
		"https://hub.example/base/alice/pdf/x/y":                                 "",
		"https://hub.example:444/base/alice/pdf":                                 "",
		"https://user:secret@hub.example/base/alice/pdf":                         "",
		"ftp://hub.example/base/alice/pdf":                                       "",
		"https://other.example/base/alice/pdf":                                   "",
	} {
		got, ok := hub.Match(url)
		if ok != (want != "") || ok && got != refer(t, want) {
			t.Errorf("%s: %v %v, want %s", url, got, ok, want)
		}
	}
	plain, err := clawhub.New(clawhub.Options{URL: "http://hub.example"})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := plain.Match("https://hub.example/skills/pdf"); ok {
		t.Errorf("an https page is one of an http registry: %v", got)
	}
}

// caFile writes the certificate of a test server.
func caFile(t *testing.T, s *httptest.Server) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.pem")
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
