package wellknown

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ErrURL says that a URL cannot be that of a site.
var ErrURL = errors.New("site url is invalid")

// scheme stands before the URL of a site where it could be that of a registry of
// another protocol.
const scheme = "wellknown+"

// Where an index is, below a site.
const (
	agentSkills = "/.well-known/agent-skills/index.json" // since version 0.2
	skills      = "/.well-known/skills/index.json"
)

// A base is the address of a site.
type base struct {
	scheme string
	host   string // lower case, without the default port
	path   string // escaped, without a slash at the end; "" for the root
}

// parseBase reads the URL of a site, or that of its index.
func parseBase(s string) (base, error) {
	if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
		s = s[len(scheme):]
	}
	u, err := url.Parse(s)
	refuse := func(why string) (base, error) {
		return base{}, fmt.Errorf("open site %s: %w: %s", quote(s), ErrURL, why)
	}
	switch {
	case err != nil:
		// The URL is not repeated: it may hold a secret.
		return base{}, fmt.Errorf("open site: %w: it cannot be parsed", ErrURL)
	case u.User != nil:
		return base{}, fmt.Errorf("open site: %w: it holds a user name or password", ErrURL)
	case u.Scheme != "http" && u.Scheme != "https":
		return refuse("it does not begin with https:// or http://")
	case u.Hostname() == "" || u.Opaque != "":
		return refuse("it has no host")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return refuse("it has a query or a fragment")
	}
	path := u.JoinPath().EscapedPath() // without dots, which would lead to another site
	for _, at := range []string{agentSkills, skills} {
		path = strings.TrimSuffix(path, at)
	}
	return base{u.Scheme, hostOf(u), strings.TrimRight(path, "/")}, nil
}

func (b base) String() string { return b.scheme + "://" + b.host + b.path }

// root is the site of the same host that has no path.
func (b base) root() base { return base{scheme: b.scheme, host: b.host} }

// indexes are the addresses where an index may be, in the order in which they are
// tried: the one with digests first.
func (b base) indexes() []string { return []string{b.String() + agentSkills, b.String() + skills} }

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

// SiteURL returns the address of the registry that the page at a web address
// would be, wellknown+https://host/path: what a query and a fragment say is not
// part of it. Nothing is asked. The error matches ErrURL.
func SiteURL(page string) (string, error) {
	page, _, _ = strings.Cut(page, "#")
	page, _, _ = strings.Cut(page, "?")
	b, err := parseBase(page)
	if err != nil {
		return "", err
	}
	return scheme + b.String(), nil
}
