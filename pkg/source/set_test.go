package source_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// A registry is a Source that has nothing, and knows the URLs that begin with
// its own.
type registry struct {
	url string
}

func (registry) Versions(context.Context, ref.Ref) ([]version.Info, error) {
	return nil, source.ErrNotFound
}

func (registry) Resolve(context.Context, ref.Ref, string) (source.Pin, error) {
	return source.Pin{}, source.ErrNotFound
}

func (registry) Fetch(context.Context, source.Pin, source.Sink) (source.Receipt, error) {
	return source.Receipt{}, source.ErrNotFound
}

func (r registry) Match(url string) (ref.Ref, bool) {
	slug, ok := strings.CutPrefix(url, r.url+"/")
	return ref.Ref{Slug: slug}, ok
}

var errBroken = errors.New("registry is broken")

// newSet returns a Set, and which registries it has opened so far.
func newSet() (*source.Set, *[]string) {
	var opened []string
	return &source.Set{
		Default: "https://default",
		Named:   map[string]string{"acme": "https://acme", "zeta": "/srv/skills", "same": "https://default"},
		Open: func(url string) (source.Source, error) {
			opened = append(opened, url)
			if url == "broken" {
				return nil, errBroken
			}
			return registry{url}, nil
		},
		Direct: &source.Direct{},
	}, &opened
}

func TestRoute(t *testing.T) {
	for _, test := range []struct {
		ref      ref.Ref
		registry string // "" is Direct
		slug     string
	}{
		{ref.Ref{Slug: "pdf"}, "https://default", "pdf"},
		{ref.Ref{Slug: "pdf", Owner: "acme"}, "https://default", "pdf"}, // an owner is no registry
		{ref.Ref{Slug: "pdf", Registry: "acme"}, "https://acme", "pdf"},
		{ref.Ref{Slug: "pdf", Registry: "zeta"}, "/srv/skills", "pdf"},
		{ref.Ref{Kind: ref.URL, URL: "https://default/pdf"}, "https://default", "pdf"},
		{ref.Ref{Kind: ref.URL, URL: "https://acme/pdf"}, "https://acme", "pdf"},
		{ref.Ref{Kind: ref.URL, URL: "https://acme.evil/pdf"}, "", ""},
		{ref.Ref{Kind: ref.URL, URL: "https://else/x.zip"}, "", ""},
		{ref.Ref{Kind: ref.Dir, Path: "./pdf"}, "", ""},
		{ref.Ref{Kind: ref.File, Path: "/x.zip"}, "", ""},
	} {
		s, _ := newSet()
		got, err := s.Route(test.ref)
		want := source.Route{Source: s.Direct, Ref: test.ref}
		if test.registry != "" {
			want = source.Route{Source: registry{test.registry}, Registry: test.registry, Ref: test.ref}
			if test.ref.Kind == ref.URL {
				want.Ref = ref.Ref{Slug: test.slug}
			}
		}
		if err != nil || got != want {
			t.Errorf("Route(%+v) = %+v, %v; want %+v", test.ref, got, err, want)
		}
	}
}

// A name that is not known is an error, and nobody else is asked for the slug.
func TestRouteFallsThroughToNothing(t *testing.T) {
	for _, name := range []string{"acm", "ACME", "default", "https", "evil\x1b[2J" + strings.Repeat("x", 500)} {
		s, opened := newSet()
		got, err := s.Route(ref.Ref{Slug: "pdf", Registry: name})
		var unknown *source.UnknownRegistryError
		if got != (source.Route{}) || !errors.As(err, &unknown) || unknown.Name != name || !slices.Equal(unknown.Known, []string{"acme", "same", "zeta"}) {
			t.Errorf("%q leads to %+v, %v", name, got, err)
		}
		if text := err.Error(); len(text) > 200 || strings.Contains(text, "\x1b") {
			t.Errorf("the error is %q", text)
		}
		if len(*opened) > 0 {
			t.Errorf("%q: opened %q", name, *opened)
		}
	}
	s, _ := newSet()
	s.Named["acme"] = "broken"
	if got, err := s.Route(ref.Ref{Slug: "pdf", Registry: "acme"}); got != (source.Route{}) || !errors.Is(err, errBroken) {
		t.Errorf("a registry that does not open leads to %+v, %v", got, err)
	}
	// It might know the URL: to take it for a file would be to fall through.
	if got, err := s.Route(ref.Ref{Kind: ref.URL, URL: "https://else/x.zip"}); got != (source.Route{}) || !errors.Is(err, errBroken) {
		t.Errorf("a URL with a registry that does not open leads to %+v, %v", got, err)
	}
}

func TestRouteOfWhatIsNotSupported(t *testing.T) {
	s, opened := newSet()
	for _, r := range []ref.Ref{{Kind: ref.Git, URL: "https://github.com/a/b"}, {Kind: ref.OCI, URL: "oci://h/r"}, {Kind: 99}} {
		if got, err := s.Route(r); got != (source.Route{}) || !errors.Is(err, source.ErrUnsupported) {
			t.Errorf("%v leads to %+v, %v", r.Kind, got, err)
		}
	}
	if len(*opened) > 0 {
		t.Errorf("opened %q", *opened)
	}
	s.Direct, s.Default = nil, ""
	for _, r := range []ref.Ref{{Kind: ref.Dir, Path: "."}, {Kind: ref.File, Path: "x.zip"}, {Kind: ref.URL, URL: "https://else"}} {
		if got, err := s.Route(r); got != (source.Route{}) || !errors.Is(err, source.ErrUnsupported) {
			t.Errorf("without Direct, %v leads to %+v, %v", r.Kind, got, err)
		}
	}
	if slices.Contains(*opened, "") {
		t.Error("the default registry was opened, and there is none")
	}
}

func TestARegistryIsOpenedOnce(t *testing.T) {
	s, opened := newSet()
	s.Named["broken"] = "broken"
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for _, name := range []string{"", "acme", "same", "broken"} {
				_, err := s.Route(ref.Ref{Slug: fmt.Sprint(i), Registry: name})
				if (err != nil) != (name == "broken") {
					t.Errorf("%q: %v", name, err)
				}
			}
		})
	}
	wg.Wait()
	for _, url := range []string{"https://default", "https://acme"} {
		n := 0
		for _, o := range *opened {
			if o == url {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s was opened %d times", url, n)
		}
	}
	if src, err := s.At("https://of-a-lock"); src != source.Source(registry{"https://of-a-lock"}) || err != nil {
		t.Errorf("At = %v, %v", src, err)
	}
}
