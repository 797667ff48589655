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
		"files":                {map[string]string{"/config.json": `{"protocol":"skills-registry/1"}`, "/catalog/full.ndjson.zst": "(\xb5/\xfd\x04\x00\x01\x00\x00\x99\xe9\xd8Q"}, "", registry.Static, false},
		"files of an app":      {map[string]string{"/config.json": `{"name":"app"}`, "/api/search": `{"skills":[]}`}, "", registry.Openskills, false},
		"files and the API":    {map[string]string{"/config.json": `{"protocol":"skills-registry/1"}`, "/api/v1/search": `{"results":[]}`}, "", registry.ClawHub, false},
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
			if test.want != registry.Openskills {
				want = string(test.want) + "+" + want
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
		"files to come":     {map[string]string{"/config.json": `{"protocol":"skills-registry/2"}`}, nil},
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
