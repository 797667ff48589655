package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry"
	"github.com/openskills-go/skills/registry/clawhub/clawhubtest"
	"github.com/openskills-go/skills/registry/server"
	"github.com/openskills-go/skills/registry/static"
)

// speaker answers by path; what is not there is 404, in plain text.
func speaker(t *testing.T, answers map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		if !ok {
			text, ok = answers["*"]
		}
		switch {
		case !ok:
			http.NotFound(w, r)
		case strings.HasPrefix(text, "<"):
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, text)
		case strings.HasPrefix(text, "401"):
			http.Error(w, "who are you", http.StatusUnauthorized)
		case strings.HasPrefix(text, "403"):
			http.Error(w, "<Error/>", http.StatusForbidden)
		case strings.HasPrefix(text, "500"):
			http.Error(w, "not well", http.StatusInternalServerError)
		case strings.HasPrefix(text, "429"):
			w.Header().Set("Retry-After", "86400")
			http.Error(w, "busy", http.StatusTooManyRequests)
		default:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, text)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const page = "<!DOCTYPE html><html><title>Sign in</title></html>"

func TestDetect(t *testing.T) {
	hub := clawhubtest.New(t, clawhubtest.Options{Base: "/base"})
	for name, test := range map[string]struct {
		answers map[string]string
		url     string // "" is the one that was asked for
		want    registry.Protocol
		assumed bool
	}{
		"nothing":              {nil, "", registry.Openskills, true},
		"openskills":           {map[string]string{"/api/search": `{"skills":[]}`}, "", registry.Openskills, false},
		"pages and a registry": {map[string]string{"*": page, "/api/search": `{"skills":[]}`}, "", registry.Openskills, false},
		"pages and a download": {map[string]string{"*": page, "/api/download": `{"error":"no such skill"}`}, "", registry.Openskills, true},
		"the API alone":        {map[string]string{"/api/v1/search": `{"results":[]}`}, "", registry.ClawHub, false},
		"named":                {map[string]string{"/.well-known/clawhub.json": `{"apiBase":"` + hub.Registry() + `"}`}, hub.Registry(), registry.ClawHub, false},
	} {
		t.Run(name, func(t *testing.T) {
			url := speaker(t, test.answers)
			found, err := registry.Detect(t.Context(), client(t), url)
			if err != nil {
				t.Fatal(err)
			}
			want := url
			if test.url != "" {
				want = test.url
			}
			if test.want == registry.ClawHub {
				want = "clawhub+" + want
			}
			if found.URL != want || found.Protocol != test.want || found.Assumed != test.assumed {
				t.Errorf("found %+v, want %s by %s", found, want, test.want)
			}
			report, err := registry.Test(t.Context(), registry.Options{URL: found.URL, Client: client(t)}, time.Now)
			if err != nil || report.Protocol != test.want {
				t.Errorf("Test: %+v, %v", report, err)
			}
		})
	}
}

// A network that wants a login first answers with a page to all there is, and so
// does a site without skills. Neither is a registry, or one that works.
func TestDetectNone(t *testing.T) {
	for name, test := range map[string]struct {
		answers map[string]string
		want    error
	}{
		"pages":             {map[string]string{"*": page}, transport.ErrWebPage},
		"private":           {map[string]string{"*": "401"}, source.ErrAuth},
		"not well":          {map[string]string{"/api/v1/search": "500"}, nil},
		"busy":              {map[string]string{"/api/v1/search": "429"}, nil},
		"not well, of ours": {map[string]string{"/api/search": "500"}, nil},
		"no address":        {map[string]string{"/.well-known/clawhub.json": `{"apiBase":"ftp://host"}`}, nil},
	} {
		url := speaker(t, test.answers)
		found, err := registry.Detect(t.Context(), client(t), url)
		if !isAuthOr(err, test.want) {
			t.Errorf("%s: found %+v, %v", name, found, err)
		}
		if report, err := registry.Test(t.Context(), registry.Options{URL: url, Client: client(t)}, time.Now); !isAuthOr(err, test.want) {
			t.Errorf("%s: tested %+v, %v", name, report, err)
		}
	}
}

// isAuthOr reports whether err is what is wanted. A refusal is told by its status
// where no protocol is known that could say more.
func isAuthOr(err, want error) bool {
	switch {
	case want == nil:
		return err != nil
	case errors.Is(want, source.ErrAuth):
		status, ok := errors.AsType[*transport.StatusError](err)
		return ok && status.Status == http.StatusUnauthorized
	}
	return errors.Is(err, want)
}

const aConfig = `{"protocol":"skills-registry/1","index":"index/","blobs":"blobs/","catalog":null}`

// What is built is found by its config.json, on web servers that answer in their
// own ways to what is not there.
func TestDetectStatic(t *testing.T) {
	for name, answers := range map[string]map[string]string{
		"a web server":     {"/config.json": aConfig},
		"below a path":     {"/base/config.json": aConfig},
		"a front page":     {"/config.json": aConfig, "*": page},
		"a bucket, closed": {"/config.json": aConfig, "*": "403"},
	} {
		t.Run(name, func(t *testing.T) {
			url := speaker(t, answers)
			if answers["/base/config.json"] != "" {
				url += "/base"
			}
			found, err := registry.Detect(t.Context(), client(t), url)
			if err != nil || found.URL != "static+"+url || found.Protocol != registry.Static || found.Assumed {
				t.Fatalf("found %+v, %v", found, err)
			}
			report, err := registry.Test(t.Context(), registry.Options{URL: found.URL, Client: client(t)}, time.Now)
			if err != nil || report.Protocol != registry.Static || report.Search {
				t.Errorf("Test: %+v, %v", report, err)
			}
			if again, err := registry.Detect(t.Context(), client(t), found.URL); err != nil || again != found {
				t.Errorf("%+v, %v", again, err)
			}
		})
	}
	// Others have a file of that name, too.
	for name, text := range map[string]string{"another": `{"api":"/v1"}`, "a list": `[1]`, "a number": `{"protocol":1}`, "another protocol": `{"protocol":"skills"}`, "a page": page, "private": "401"} {
		url := speaker(t, map[string]string{"/config.json": text, "/api/search": `{"skills":[]}`})
		if found, err := registry.Detect(t.Context(), client(t), url); err != nil || found.Protocol != registry.Openskills {
			t.Errorf("%s: found %+v, %v", name, found, err)
		}
	}
	url := speaker(t, map[string]string{"/config.json": `{"protocol":"skills-registry/2"}`})
	found, err := registry.Detect(t.Context(), client(t), url)
	if later, ok := errors.AsType[*static.ProtocolError](err); !ok || later.Protocol != "skills-registry/2" {
		t.Errorf("a later one: %+v, %v", found, err)
	}
	url = speaker(t, map[string]string{"/config.json": `{"protocol":"skills-registry/1","index":"ftp://host/"}`})
	if found, err = registry.Detect(t.Context(), client(t), url); err == nil || !strings.Contains(err.Error(), "only https and http") {
		t.Errorf("a hostile one: %+v, %v", found, err)
	}
	url = speaker(t, map[string]string{"/config.json": "500"})
	if found, err = registry.Detect(t.Context(), client(t), url); err == nil {
		t.Errorf("one that is not well: %+v", found)
	}
}

// A server of ours has all of those files, and can do more.
func TestDetectServer(t *testing.T) {
	var s *server.Server
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
	defer web.Close()
	s, err := server.Open(t.Context(), server.Options{DB: "sqlite://:memory:", Blobs: "mem://", URL: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	found, err := registry.Detect(t.Context(), client(t), web.URL)
	if err != nil || found.URL != "clawhub+"+web.URL || found.Protocol != registry.ClawHub {
		t.Errorf("found %+v, %v", found, err)
	}
	// Below a path, where nothing is well known.
	below := httptest.NewServer(http.StripPrefix("/base", s))
	defer below.Close()
	found, err = registry.Detect(t.Context(), client(t), below.URL+"/base")
	if err != nil || found.URL != "clawhub+"+below.URL+"/base" {
		t.Errorf("found %+v, %v", found, err)
	}
	// Built into files it is static.
	dir := t.TempDir()
	if _, err := s.Build(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	files := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer files.Close()
	found, err = registry.Detect(t.Context(), client(t), files.URL)
	if err != nil || found.URL != "static+"+files.URL {
		t.Errorf("found %+v, %v", found, err)
	}
	report, err := registry.Test(t.Context(), registry.Options{URL: files.URL, Client: client(t)}, time.Now)
	if err != nil || report.Protocol != registry.Static || !report.Search {
		t.Errorf("Test: %+v, %v", report, err)
	}
}
