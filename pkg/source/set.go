package source

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/openskills-go/skills/pkg/ref"
)

// A Set routes references to sources. One name has one source: a slug is looked
// up in the registry that its prefix names, or in the default one, and in no
// other. The fields are set before the first use.
type Set struct {
	// Default is the URL or absolute folder of the registry for references
	// without a prefix; "" if they have none.
	Default string
	// Named are the URLs or absolute folders of the named registries.
	Named map[string]string
	// Open returns the registry at a URL or folder. It is called once for each
	// that it returns without an error.
	Open func(url string) (Source, error)
	// Direct obtains what comes from no registry: folders, files, URLs. If it is
	// nil they are not supported.
	Direct Source
	// Git and OCI obtain what is in a git repository and in an OCI registry. If one
	// is nil it is not supported.
	Git, OCI Source
	// Site returns the address of the registry that a website may be, given that of
	// one of its pages. Nil: none is.
	Site func(page string) (string, error)

	mu     sync.Mutex
	opened map[string]Source
}

// A Route is where a reference leads.
type Route struct {
	Source   Source
	Registry string  // URL or folder of the registry; "" for what comes from none
	Ref      ref.Ref // as the source understands it
}

// An UnknownRegistryError says that a prefix names no registry.
type UnknownRegistryError struct {
	Name  string
	Known []string
}

func (e *UnknownRegistryError) Error() string {
	return fmt.Sprintf("registry %.80q is not known", e.Name)
}

// A NoDefaultError says that a reference names no registry, and that none is the
// default.
type NoDefaultError struct {
	Ref   ref.Ref
	Known []string // names of registries
}

func (e *NoDefaultError) Error() string {
	if e.Ref.Slug == "" {
		return "there is no default registry"
	}
	return fmt.Sprintf("there is no default registry, and %.80q does not say in which to look", e.Ref.String())
}

// Route finds the source for r. A URL that a known registry recognises as one of
// its own is the slug that it shows. Nothing is asked over the network. The error
// is an *UnknownRegistryError or a *NoDefaultError, matches ErrUnsupported if r is of a kind that has
// no source here, or comes from Open; the Route is then the zero one.
func (s *Set) Route(r ref.Ref) (Route, error) {
	switch r.Kind {
	case ref.Registry:
		url, err := s.Address(r)
		if err != nil {
			return Route{}, err
		}
		src, err := s.At(url)
		if err != nil {
			return Route{}, err
		}
		return Route{Source: src, Registry: url, Ref: r}, nil
	case ref.URL:
		return s.routeURL(r)
	}
	return s.routeDirect(r)
}

// Address returns the URL or folder of the registry that r, which must be of the
// kind ref.Registry, leads to. Nothing is opened.
func (s *Set) Address(r ref.Ref) (string, error) {
	url, ok := s.Named[r.Registry]
	switch {
	case r.Registry == "" && s.Default == "":
		return "", &NoDefaultError{Ref: r, Known: slices.Sorted(maps.Keys(s.Named))}
	case r.Registry == "":
		return s.Default, nil
	case !ok:
		return "", &UnknownRegistryError{Name: r.Registry, Known: slices.Sorted(maps.Keys(s.Named))}
	}
	return url, nil
}

func (s *Set) routeDirect(r ref.Ref) (Route, error) {
	src := s.For(r.Kind)
	if src == nil {
		return Route{}, fmt.Errorf("install from %s: %w", r.Kind, ErrUnsupported)
	}
	return Route{Source: src, Ref: r}, nil
}

// For returns the source of references of a kind that no registry has, nil if it
// is not supported.
func (s *Set) For(kind ref.Kind) Source {
	switch kind {
	case ref.Registry:
	case ref.Dir, ref.File, ref.URL:
		return s.Direct
	case ref.Git:
		return s.Git
	case ref.OCI:
		return s.OCI
	}
	return nil
}

func (s *Set) routeURL(r ref.Ref) (Route, error) {
	urls := append([]string{s.Default}, slices.Sorted(maps.Values(s.Named))...)
	for _, url := range urls {
		if url == "" {
			continue
		}
		src, err := s.At(url)
		if err != nil {
			return Route{}, err
		}
		if m, ok := As[Matcher](src); ok {
			if matched, ok := m.Match(r.URL); ok {
				return Route{Source: src, Registry: url, Ref: matched}, nil
			}
		}
	}
	if page, slug, ok := strings.Cut(r.URL, "#"); ok && s.Site != nil && ref.ValidSlug(slug) {
		site, err := s.Site(page)
		if err != nil {
			return Route{}, err
		}
		src, err := s.At(site)
		return Route{Source: src, Registry: site, Ref: ref.Ref{Kind: ref.Registry, Slug: slug}}, err
	}
	return s.routeDirect(r)
}

// At returns the registry at a URL or folder, whether it has a name or not.
// Several goroutines may call it.
func (s *Set) At(url string) (Source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if src, ok := s.opened[url]; ok {
		return src, nil
	}
	src, err := s.Open(url)
	if err != nil {
		return nil, err
	}
	if s.opened == nil {
		s.opened = map[string]Source{}
	}
	s.opened[url] = src
	return src, nil
}

// Warnings returns what the registries that were opened noticed, each with the
// address of its own, sorted by that.
func (s *Set) Warnings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, url := range slices.Sorted(maps.Keys(s.opened)) {
		if w, ok := As[Warner](s.opened[url]); ok {
			for _, text := range w.Warnings() {
				lines = append(lines, url+": "+text)
			}
		}
	}
	return lines
}
