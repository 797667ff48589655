package folderserver

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/internal/locale"
)

// download answers with an artifact. Range, If-Range, If-None-Match and HEAD
// are what http.ServeContent makes of them.
func (s *server) download(w http.ResponseWriter, r *http.Request) {
	want, err := parseDownload(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a, pin, err := s.artifact(r.Context(), want)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if pin.Slug != want.Slug {
		values := r.URL.Query()
		values.Set("slug", pin.Slug)
		s.renamed(w, r, pin.Slug, "?"+values.Encode())
		return
	}
	h := w.Header()
	if pin.Yanked != "" {
		h.Set("X-Skill-Yanked", url.PathEscape(pin.Yanked))
	}
	h.Set("Content-Type", a.format)
	h.Set("Cache-Control", "no-cache") // keep it, but ask whether it still holds
	h.Set("Etag", strconv.Quote(string(a.digest)))
	if sum, err := hex.DecodeString(a.digest.Hex()); err == nil {
		text := base64.StdEncoding.EncodeToString(sum)
		h.Set("Repr-Digest", "sha-256=:"+text+":") // RFC 9530
		h.Set("Digest", "sha-256="+text)           // RFC 3230, for older clients
	}
	name := want.Slug
	if a.version != "" {
		h.Set("X-Skill-Version", a.version)
		name += "-" + a.version
	}
	name += a.suffix
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.data))
}

// parseDownload reads the query of a request as a reference.
func parseDownload(r *http.Request) (ref.Ref, error) {
	values, err := query(r)
	if err != nil {
		return ref.Ref{}, err
	}
	return reference(values.Get("slug"), values.Get("locale"), values.Get("version"))
}

// query parses the query of a URL more strictly than net/http does: what is
// malformed, or said twice, would otherwise be read in different ways by us and
// by whatever stands before us.
func query(r *http.Request) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &fault{http.StatusBadRequest, "bad_request", "query is malformed"}
	}
	for name, v := range values {
		if len(v) > 1 {
			return nil, &fault{http.StatusBadRequest, "bad_request", "parameter " + strconv.QuoteToASCII(name[:min(len(name), 40)]) + " is given more than once"}
		}
	}
	return values, nil
}

func reference(slug, tag, q string) (ref.Ref, error) {
	if !ref.ValidSlug(slug) {
		return ref.Ref{}, &fault{http.StatusBadRequest, "bad_slug", "slug is missing or not valid"}
	}
	if tag != "" && !locale.Valid(tag) {
		return ref.Ref{}, &fault{http.StatusBadRequest, "bad_locale", "locale is not valid"}
	}
	parsed, err := version.ParseQuery(q)
	if err != nil {
		return ref.Ref{}, &fault{http.StatusBadRequest, "bad_version", err.Error()}
	}
	return ref.Ref{Kind: ref.Registry, Slug: slug, Locale: tag, Query: parsed}, nil
}

// artifact returns what a reference means now, from memory if that is current.
// Of a skill that was renamed it returns the Pin alone, which has the new slug.
func (s *server) artifact(ctx context.Context, want ref.Ref) (*artifact, source.Pin, error) {
	pin, stamp, err := s.catalog.Current(ctx, want)
	if err != nil || pin.Slug != want.Slug {
		return nil, pin, err
	}
	k := key{pin.Slug, pin.Locale, pin.Version, stamp}
	if stamp != "" {
		if a := s.cache.load(k); a != nil {
			return a, pin, nil
		}
	}
	a, err := s.fill(ctx, k, pin)
	return a, pin, err
}

// renamed sends whoever asked for a skill to its new slug. The location is
// relative, so that it holds wherever the server is mounted.
func (s *server) renamed(w http.ResponseWriter, r *http.Request, slug, location string) {
	w.Header().Set("Location", location)
	w.Header().Set("Cache-Control", "no-cache")
	s.fail(w, r, &fault{http.StatusPermanentRedirect, "renamed", "the skill is called " + slug + " now"})
}

// fill reads an artifact, once for all who ask for it at the same time. The one
// who came first may leave without taking it from the others.
func (s *server) fill(ctx context.Context, k key, pin source.Pin) (*artifact, error) {
	done := s.flights.DoChan(k.String(), func() (got any, err error) {
		// In a goroutine of its own a panic would end the server, not the request.
		defer func() {
			if p := recover(); p != nil {
				got, err = nil, fmt.Errorf("fill %s: panic: %v\n%s", k.slug, p, debug.Stack())
			}
		}()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fillTime)
		defer cancel()
		release, err := s.turn(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		a, err := s.read(ctx, pin)
		if err == nil && k.stamp != "" {
			s.cache.store(k, a)
		}
		return a, err
	})
	select {
	case result := <-done:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*artifact), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// read fetches an artifact and holds it to what clients will hold it to: one
// that they would refuse is not served.
func (s *server) read(ctx context.Context, pin source.Pin) (*artifact, error) {
	sink := &memory{limit: s.limits.Download}
	receipt, err := s.catalog.Fetch(ctx, pin, sink)
	if err != nil {
		return nil, err
	}
	data := sink.data
	result, err := archive.Unpack(ctx, bytes.NewReader(data), int64(len(data)), nil, archive.Options{Limits: s.limits, Slug: pin.Slug})
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", pin.Slug, err)
	}
	format, err := archive.Detect(data[:min(len(data), 512)])
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", pin.Slug, err)
	}
	a := &artifact{
		data:    data,
		digest:  digest.Of(data),
		version: receipt.Version,
		skill:   result.Skill,
	}
	switch format {
	case archive.Zip:
		a.format, a.suffix = "application/zip", ".zip"
	case archive.TarGz:
		a.format, a.suffix = "application/gzip", ".tar.gz"
	default:
		a.format, a.suffix = "application/x-tar", ".tar"
	}
	return a, nil
}

// A memory is a source.Sink that holds an artifact of bounded size.
type memory struct {
	data  []byte
	limit int64
}

func (m *memory) Write(p []byte) (int, error) {
	if n := int64(len(m.data)) + int64(len(p)); n > m.limit {
		return 0, &archive.LimitError{What: "bytes", Limit: m.limit, Got: n}
	}
	m.data = append(m.data, p...)
	return len(p), nil
}

func (m *memory) Offset() int64     { return int64(len(m.data)) }
func (m *memory) Validator() string { return "" }

func (m *memory) Restart(string) error {
	m.data = nil
	return nil
}
