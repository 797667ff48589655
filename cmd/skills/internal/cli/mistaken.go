package cli

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
)

// A folderError says that what is no skill of a registry is a folder here.
type folderError struct {
	path string
	err  error
}

func (e *folderError) Error() string { return e.err.Error() }
func (e *folderError) Unwrap() error { return e.err }

// A pageError says that an address that looks like one of a registry is none of
// those that are known.
type pageError struct {
	slug, registry string
	err            error
}

func (e *pageError) Error() string { return e.err.Error() }
func (e *pageError) Unwrap() error { return e.err }

// A nearError says that a registry has skills that are spelled like the one that it
// does not have.
type nearError struct {
	near []string
	err  error
}

func (e *nearError) Error() string { return e.err.Error() }
func (e *nearError) Unwrap() error { return e.err }

// suggest returns what else a reference may mean, where that is known here.
func (a *app) suggest(ctx context.Context, r ref.Ref) []string {
	set, err := a.sources()
	if err != nil {
		return nil
	}
	route, err := set.Route(r)
	if err != nil {
		return nil
	}
	if s, ok := source.As[source.Suggester](route.Source); ok {
		return s.Suggest(ctx, route.Ref.Slug)
	}
	return nil
}

// mistaken wraps why a reference cannot be had, if it was probably meant in
// another way.
func (a *app) mistaken(ctx context.Context, typed string, err error) error {
	r, parseErr := ref.Parse(typed)
	if parseErr != nil {
		return err
	}
	if several, ok := errors.AsType[*source.AmbiguousError](err); ok && r.Kind == ref.Registry {
		return &ownersError{ref: r, several: several}
	}
	switch r.Kind {
	case ref.Registry:
		if !errors.Is(err, source.ErrUnsupported) && !errors.Is(err, source.ErrNotFound) {
			return err
		}
		path, absErr := a.abs(filepath.FromSlash(typed))
		if absErr != nil {
			return err
		}
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
			return &folderError{path: typed, err: err}
		}
		if near := a.suggest(ctx, r); len(near) > 0 && errors.Is(err, source.ErrNotFound) {
			return &nearError{near: near, err: err}
		}
	case ref.URL:
		format, ok := errors.AsType[*archive.FormatError](err)
		u, urlErr := url.Parse(r.URL)
		if !ok || urlErr != nil || !strings.Contains(format.Error(), "web page") {
			return err
		}
		slug := ""
		base, rest, page := strings.Cut(u.Path, "/skills/")
		if page {
			slug, _, _ = strings.Cut(rest, "/")
		} else if base, _, page = strings.Cut(u.Path, "/api/download"); page {
			slug = u.Query().Get("slug")
		}
		if !page {
			return err
		}
		if slug == "" {
			slug = "SLUG"
		}
		return &pageError{slug: slug, registry: u.Scheme + "://" + u.Host + base, err: err}
	case ref.Dir, ref.File, ref.Git, ref.OCI:
	}
	return err
}
