// Package baseurl reads the addresses that registries on the web live under, in the
// one spelling in which they can be compared.
package baseurl

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// A URL is the address of a registry.
type URL struct {
	Scheme string // http or https
	Host   string // lower case, without the default port
	Path   string // escaped, without a slash at the end; "" for the root
}

// Parse reads s, before which a protocol may stand as prefix, in any case. What is
// wrong with it is an error that matches invalid; it repeats no secret.
func Parse(s, prefix string, invalid error) (URL, error) {
	refuse := func(why string) (URL, error) {
		return URL{}, fmt.Errorf("open registry %s: %w: %s", Quote(s), invalid, why)
	}
	bare := s
	if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		bare = s[len(prefix):]
	}
	u, err := url.Parse(bare)
	switch {
	case err != nil:
		// The URL is not repeated, nor what is said of it: it may hold a secret.
		return URL{}, fmt.Errorf("open registry: %w: it cannot be parsed", invalid)
	case u.User != nil:
		return URL{}, fmt.Errorf("open registry: %w: it holds a user name or password", invalid)
	case u.Scheme != "http" && u.Scheme != "https":
		return refuse("it does not begin with https:// or http://")
	case u.Hostname() == "" || u.Opaque != "":
		return refuse("it has no host")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return refuse("it has a query or a fragment")
	}
	return URL{u.Scheme, HostOf(u), strings.TrimRight(u.EscapedPath(), "/")}, nil
}

func (b URL) String() string { return b.Scheme + "://" + b.Host + b.Path }

// Root is the same host without a path.
func (b URL) Root() URL { return URL{Scheme: b.Scheme, Host: b.Host} }

// Below returns what follows b in an address, escaped and without a slash at its
// ends. An http address below an https b is its https one.
func (b URL) Below(address string) (u *url.URL, path string, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || HostOf(u) != b.Host || u.Scheme != b.Scheme && (u.Scheme != "http" || b.Scheme != "https") {
		return nil, "", false
	}
	path, ok = strings.CutPrefix(u.EscapedPath(), b.Path+"/")
	return u, strings.TrimSuffix(path, "/"), ok
}

// Secured returns an address as it is below b, if a registry sent us on from http
// to https.
func (b URL) Secured(address string) string {
	u, err := url.Parse(address)
	if err == nil && b.Scheme == "http" && u.Scheme == "https" && HostOf(u) == b.Host {
		u.Scheme, u.Host = "http", b.Host
		return u.String()
	}
	return address
}

// HostOf returns host and port in the one spelling that can be compared.
func HostOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return strings.TrimSuffix(host, ":")
}

// Quote makes text from outside safe, and short enough for an error: at most 80
// bytes between the quotes.
func Quote(s string) string {
	var b strings.Builder
	for _, c := range s {
		escaped := strconv.QuoteToASCII(string(c))
		if b.Len()+len(escaped)-2 > 80 {
			break
		}
		b.WriteString(escaped[1 : len(escaped)-1])
	}
	return `"` + b.String() + `"`
}
