package clawhub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// Discover asks a site where its registry is, and returns the URL of that for
// Options. It may be on another host, to which the credentials of the site do not
// go: that is for people to know. A site that says nothing is source.ErrNotFound.
func Discover(ctx context.Context, client *transport.Client, siteURL string) (registry string, err error) {
	b, err := parseBase(siteURL)
	if err != nil {
		return "", err
	}
	site := base{b.Root()} // what is well known is at the root (RFC 8615)
	for _, name := range []string{"clawhub.json", "clawdhub.json"} {
		address := site.at("/.well-known/" + name)
		resp, err := client.Get(ctx, address, transport.GetOptions{})
		if err == nil {
			registry, err = discovered(resp, address)
		}
		if err == nil || !isNothing(err) {
			return registry, wrapDiscover(site, err)
		}
	}
	return "", wrapDiscover(site, fmt.Errorf("the site names no registry: %w", source.ErrNotFound))
}

func wrapDiscover(site base, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("discover the registry of %s: %w", site.Host, err)
}

// isNothing reports whether a site has nothing at an address: it says so, or
// answers with what it answers to everything.
func isNothing(err error) bool {
	if _, ok := errors.AsType[*transport.ContentError](err); ok {
		return true
	}
	status, ok := errors.AsType[*transport.StatusError](err)
	if !ok {
		return false
	}
	switch status.Status {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return status.Status >= 400 && status.Status < 500
}

// discovered reads the answer of a site.
func discovered(resp *transport.Response, address string) (string, error) {
	var doc struct {
		APIBase  string `json:"apiBase"`
		Registry string `json:"registry"`
	}
	if err := decode(resp.Body, &doc, address); err != nil {
		return "", err
	}
	named := doc.APIBase
	if named == "" {
		named = doc.Registry
	}
	if named == "" {
		return "", wrong(address, "it holds neither apiBase nor registry")
	}
	from, err := url.Parse(resp.URL)
	if err != nil {
		return "", err
	}
	to, err := from.Parse(strings.TrimSpace(named))
	if err != nil {
		return "", wrong(address, "it names no web address: "+quote(named))
	}
	if from.Scheme == "https" && to.Scheme == "http" {
		host, path := place(resp.URL)
		shown := quote(named)
		return "", &transport.RedirectError{URL: host + path, Location: shown[1 : len(shown)-1], Why: "it leads from https to http"}
	}
	b, err := parseBase(to.String())
	if err != nil {
		return "", wrong(address, "it names an address that no registry can have: "+quote(named))
	}
	b.Path = strings.TrimSuffix(b.Path, apiV1)
	return b.String(), nil
}
