package openskills_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/openskills"
)

// What a server says of yanks and names is read with care: any of it may be
// meant to deceive.
func TestUpstream(t *testing.T) {
	data := artifact(t, 10)
	cdn := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Skill-Slug", "of-the-files")
		_, _ = w.Write(data)
	})
	for _, test := range []struct {
		name         string
		answer       func(w http.ResponseWriter, slug string) bool // false: the artifact follows
		slug, yanked string
		err          error
	}{
		{"nothing", func(http.ResponseWriter, string) bool { return false }, "", "", nil},
		{"encoded reason", header("X-Skill-Yanked", "it%20leaks%20%C3%BC"), "", "it leaks ü", nil},
		{"plain reason", header("X-Skill-Yanked", "100% wrong"), "", "100% wrong", nil},
		{"no reason", header("X-Skill-Yanked", ""), "", source.NoReason, nil},
		{"control characters", header("X-Skill-Yanked", "%1B[2Ja%00b%E2%80%AEc%0Ad"), "", "[2Jabc", nil},
		{"not UTF-8", header("X-Skill-Yanked", "%FFx%C3"), "", "x", nil},
		{"long reason", header("X-Skill-Yanked", strings.Repeat("x", 10_000)), "", strings.Repeat("x", 200), nil},
		{"slug header", header("X-Skill-Slug", "new"), "new", "", nil},
		{"same slug header", header("X-Skill-Slug", "demo"), "", "", nil},
		{"path as slug header", header("X-Skill-Slug", "../x"), "", "", nil},
		{"redirect", to("/api/download?slug=new&locale=en"), "new", "", nil},
		{"to a page", to("/skills/new"), "new", "", nil},
		{"to a page of a language", to("/zh/skills/new"), "new", "", nil},
		{"to itself with more", to("/api/download?slug=demo&signature=x"), "", "", nil},
		{"to a path as slug", to("/api/download?slug=../x"), "", "", nil},
		{"to a slug with control characters", to("/api/download?slug=%1b%5b2J"), "", "", nil},
		{"to a slug of 10 kB", to("/api/download?slug=" + strings.Repeat("x", 10_000)), "", "", nil},
		{"to a file of its own", to("/files/demo.zip"), "", "", nil},
		{"to the files", to(cdn + "/demo.zip"), "", "", nil},
		{"to another registry", to(cdn + "/api/download?slug=new"), "", "", nil},
		{"to the new slug, and the files", chain("new", cdn+"/x.zip"), "new", "", nil},
		{"in a circle", chain("new", "/api/download?slug=demo"), "", "", errors.New("redirect")},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if slug := r.URL.Query().Get("slug"); !test.answer(w, slug) {
					_, _ = w.Write(data)
				}
			})
			r := newRegistry(t, openskills.Options{URL: url})
			pin, err := r.Resolve(t.Context(), ref.Ref{Slug: "demo"}, "")
			if err != nil {
				t.Fatal(err)
			}
			receipt, err := r.Fetch(t.Context(), pin, new(sourcetest.Sink))
			if test.err != nil {
				if _, ok := errors.AsType[*transport.RedirectError](err); !ok {
					t.Errorf("%v, want a RedirectError", err)
				}
				return
			}
			if err != nil || receipt.Slug != test.slug || receipt.Yanked != test.yanked {
				t.Errorf("slug %.80q, yanked %.80q, %v; want %q, %q", receipt.Slug, receipt.Yanked, err, test.slug, test.yanked)
			}
		})
	}
}

func header(name, value string) func(http.ResponseWriter, string) bool {
	return func(w http.ResponseWriter, _ string) bool {
		w.Header().Set(name, value)
		return false
	}
}

// to redirects whoever asks for demo.
func to(location string) func(http.ResponseWriter, string) bool {
	asked := false
	return func(w http.ResponseWriter, slug string) bool {
		if slug != "demo" || asked {
			return false
		}
		asked = true
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusPermanentRedirect)
		return true
	}
}

// chain redirects to another slug, and from there on.
func chain(slug, location string) func(http.ResponseWriter, string) bool {
	return func(w http.ResponseWriter, asked string) bool {
		w.Header().Set("Location", location)
		if asked == "demo" {
			w.Header().Set("Location", "/api/download?slug="+slug)
		}
		w.WriteHeader(http.StatusPermanentRedirect)
		return true
	}
}

// Gone is not yanked, and a yank says what there is to say.
func TestYankedStatus(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       version.YankedError
		err        error
	}{
		{"gone", "gone", version.YankedError{}, source.ErrNotFound},
		{"gone in JSON", `{"error":{"code":"removed","message":"by its owner"}}`, version.YankedError{}, source.ErrNotFound},
		{"yanked", `{"error":{"code":"yanked","version":"1.0.0","reason":"it leaks"}}`, version.YankedError{Version: "1.0.0", Reason: "it leaks"}, nil},
		{"in silence", `{"error":{"code":"yanked"}}`, version.YankedError{Reason: source.NoReason}, nil},
		{"hostile", `{"error":{"code":"yanked","version":"\u001b[2J","reason":"\u001b[2J\u202e` + strings.Repeat("x", 3000) + `"}}`, version.YankedError{Reason: "[2J" + strings.Repeat("x", 197)}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusGone)
				_, _ = w.Write([]byte(test.body))
			})
			r := newRegistry(t, openskills.Options{URL: url})
			_, err := r.Fetch(t.Context(), source.Pin{Slug: "demo"}, new(sourcetest.Sink))
			yanked, ok := errors.AsType[*version.YankedError](err)
			switch {
			case test.err != nil && (ok || !errors.Is(err, test.err)):
				t.Errorf("%v, want %v", err, test.err)
			case test.err == nil && (!ok || *yanked != test.want):
				t.Errorf("%v, want %v", err, &test.want)
			}
		})
	}
}

// A skill that says nothing of its version is yanked as a whole, and who has it
// locked asks for the version that was made from its files.
func TestYankedWithoutVersion(t *testing.T) {
	data := artifact(t, 10)
	var asked []string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		v := r.URL.Query().Get("version")
		if asked = append(asked, v); v == "" {
			w.WriteHeader(http.StatusGone)
			_, _ = w.Write([]byte(`{"error":{"code":"yanked","reason":"it leaks"}}`))
			return
		}
		w.Header().Set("X-Skill-Yanked", "it leaks")
		_, _ = w.Write(data)
	})
	r := newRegistry(t, openskills.Options{URL: url})
	receipt, err := r.Fetch(t.Context(), source.Pin{Slug: "demo", Version: "0.0.0-t0123456789ab"}, new(sourcetest.Sink))
	if err != nil || receipt.Yanked != "it leaks" || len(asked) != 2 || asked[1] != "0.0.0-t0123456789ab" {
		t.Errorf("asked for %q: %+v, %v", asked, receipt, err)
	}
}
