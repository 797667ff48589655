package openskills

import (
	"errors"
	"net/url"
	"strings"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/registry/internal/locale"
)

// ErrURL says that a URL cannot be that of a registry.
var ErrURL = errors.New("registry url is invalid")

// downloadURL is where the artifact of p is. The parameters come in the order in
// which people know them from the site.
func (r *Registry) downloadURL(p source.Pin) string { return r.addressOf(p, wanted(p).String()) }

func (r *Registry) addressOf(p source.Pin, query string) string {
	u := r.base.String() + "/api/download?slug=" + url.QueryEscape(p.Slug) +
		"&locale=" + url.QueryEscape(p.Locale) + "&source=" + url.QueryEscape(r.source)
	if query != "" {
		u += "&version=" + url.QueryEscape(query)
	}
	return u
}

// Match recognises the pages of skills (/skills/S, /zh/skills/S) and the
// download address under the URL of this registry. An http URL of an https
// registry is its https one.
func (r *Registry) Match(rawURL string) (ref.Ref, bool) {
	u, path, ok := r.base.Below(rawURL)
	if !ok {
		return ref.Ref{}, false
	}
	found := ref.Ref{Kind: ref.Registry, Registry: r.name}
	if path == "api/download" {
		q := u.Query()
		found.Slug, found.Locale = q.Get("slug"), q.Get("locale")
	} else {
		found.Slug, found.Locale, ok = cutPage(path)
	}
	return found, ok && ref.ValidSlug(found.Slug) && (found.Locale == "" || locale.Valid(found.Locale))
}

// cutPage reads skills/S and zh/skills/S.
func cutPage(path string) (slug, tag string, ok bool) {
	parts := strings.Split(path, "/")
	if len(parts) == 3 {
		tag, parts = parts[0], parts[1:]
	}
	if len(parts) != 2 || parts[0] != "skills" {
		return "", "", false
	}
	slug, err := url.PathUnescape(parts[1])
	return slug, tag, err == nil
}

// resolveURL reads an address that an answer from URL from named.
func resolveURL(from, to string) (string, error) {
	start, err := url.Parse(from)
	if err != nil {
		return "", err
	}
	u, err := start.Parse(strings.TrimSpace(to))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", &AnswerError{Status: 200, Message: "the server names no web address: " + to}
	}
	return u.String(), nil
}
