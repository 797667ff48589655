package wellknown

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/openskills-go/skills/registry/internal/baseurl"
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
type base struct{ baseurl.URL }

// parseBase reads the URL of a site, or that of its index.
func parseBase(s string) (base, error) {
	b, err := baseurl.Parse(s, scheme, ErrURL)
	if err != nil {
		return base{}, err
	}
	clean, err := url.Parse(b.String())
	if err != nil {
		return base{}, fmt.Errorf("open registry: %w: it cannot be parsed", ErrURL)
	}
	path := clean.JoinPath().EscapedPath() // without dots, which would lead to another site
	for _, at := range []string{agentSkills, skills} {
		path = strings.TrimSuffix(path, at)
	}
	b.Path = strings.TrimRight(path, "/")
	return base{b}, nil
}

// root is the site of the same host that has no path.
func (b base) root() base { return base{b.Root()} }

// indexes are the addresses where an index may be, in the order in which they are
// tried: the one with digests first.
func (b base) indexes() []string { return []string{b.String() + agentSkills, b.String() + skills} }

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
