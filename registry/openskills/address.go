package openskills

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/registry/internal/locale"
)

// ErrURL says that a URL cannot be that of a registry.
var ErrURL = errors.New("registry url is invalid")

// A base is the address of a registry: what all its addresses begin with.
type base struct {
	scheme string
	host   string // lower case, without the default port
	path   string // escaped, without a slash at the end; "" for the root
}

func parseBase(s string) (base, error) {
	u, err := url.Parse(s)
	refuse := func(why string) (base, error) {
		return base{}, fmt.Errorf("open registry %s: %w: %s", quote(s), ErrURL, why)
	}
	switch {
	case err != nil:
		return refuse("it cannot be parsed")
	case u.User != nil:
		// The URL is not repeated: it holds a secret.
		return base{}, fmt.Errorf("open registry: %w: it holds a user name or password", ErrURL)
	case u.Scheme != "http" && u.Scheme != "https":
		return refuse("it does not begin with https:// or http://")
	case u.Hostname() == "":
		return refuse("it has no host")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return refuse("it has a query or a fragment")
	}
	return base{u.Scheme, hostOf(u), strings.TrimRight(u.EscapedPath(), "/")}, nil
}

func (b base) String() string { return b.scheme + "://" + b.host + b.path }

// hostOf returns host and port in the one spelling that can be compared.
func hostOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return strings.TrimSuffix(host, ":")
}

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
	u, err := url.Parse(rawURL)
	if err != nil || u.User != nil || hostOf(u) != r.base.host ||
		u.Scheme != r.base.scheme && (u.Scheme != "http" || r.base.scheme != "https") {
		return ref.Ref{}, false
	}
	path, ok := strings.CutPrefix(u.EscapedPath(), r.base.path+"/")
	if !ok {
		return ref.Ref{}, false
	}
	found := ref.Ref{Kind: ref.Registry, Registry: r.name}
	if path = strings.TrimSuffix(path, "/"); path == "api/download" {
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
