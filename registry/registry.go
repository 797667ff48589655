// Package registry opens registries: the places where a slug stands for a skill.
// Each protocol is a package of its own and one line in the table here.
package registry

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/clawhub"
	"github.com/openskills-go/skills/registry/folder"
	"github.com/openskills-go/skills/registry/openskills"
	"github.com/openskills-go/skills/registry/static"
	"github.com/openskills-go/skills/registry/wellknown"
)

// DefaultURL is the registry of those who configured none.
const DefaultURL = openskills.DefaultURL

// ErrUnknownProtocol says that no protocol goes with the URL of a registry.
var ErrUnknownProtocol = errors.New("registry protocol is unknown")

// Options say which registry to open.
type Options struct {
	Name string // in references; "" is the default registry
	// URL is https://host/path, with the protocol before it unless that is openskills
	// (clawhub+https://host/path, static+https://host/path, wellknown+https://host/path),
	// file:///folder, or the path of a folder; "" is DefaultURL.
	URL    string
	Client *transport.Client // for registries on the web
	Locale string            // for references that name none; "" leaves it to the registry
	Source string            // what a request of the openskills protocol says that it comes from
	Limits archive.Limits    // zero fields mean the defaults
	Root   string            // folder that a relative path is relative to; "" is the working directory
	Git    source.Source     // for what a registry only points to; nil does not support it
}

// A protocol is how to talk to the registries of some URLs.
type protocol struct {
	name string
	// owns reports whether a URL, whose scheme is in lower case, is one of its
	// registries. The scheme of a path is "".
	owns func(scheme string) bool
	open func(o Options) (source.Source, error)
}

// protocols returns the table. The first that owns a URL opens it.
func protocols() []protocol {
	return []protocol{
		{"openskills", schemes("https", "http"), openOpenskills},
		{"folder", schemes("file", ""), openFolder},
		{"clawhub", schemes("clawhub+https", "clawhub+http"), openClawhub},
		{"wellknown", schemes("wellknown+https", "wellknown+http"), openWellknown},
		{"static", schemes("static+https", "static+http"), openStatic},
	}
}

// Open returns the registry at o.URL. It asks no network: a registry that does
// not answer is found out by using it, a folder that is not there at once.
func Open(o Options) (source.Source, error) {
	if o.URL == "" {
		o.URL = DefaultURL
	}
	scheme := schemeOf(o.URL)
	for _, p := range protocols() {
		if p.owns(scheme) {
			return p.open(o)
		}
	}
	return nil, fmt.Errorf("open registry: %w: %s", ErrUnknownProtocol, strconv.QuoteToASCII(scheme[:min(len(scheme), 40)]))
}

func schemes(list ...string) func(string) bool {
	return func(scheme string) bool { return slices.Contains(list, scheme) }
}

// schemeOf returns what stands before "://", in lower case, or "" for a path.
func schemeOf(s string) string {
	scheme, _, ok := strings.Cut(s, "://")
	if !ok || strings.ContainsAny(scheme, `/\`) {
		return ""
	}
	return strings.ToLower(scheme)
}

func openOpenskills(o Options) (source.Source, error) {
	return openskills.New(openskills.Options{
		Name: o.Name, URL: o.URL, Client: o.Client, Locale: o.Locale, Source: o.Source, Limits: o.Limits,
	})
}

func openClawhub(o Options) (source.Source, error) {
	return clawhub.New(clawhub.Options{Name: o.Name, URL: o.URL, Client: o.Client, Limits: o.Limits, Git: o.Git})
}

func openFolder(o Options) (source.Source, error) {
	dir := o.URL
	if schemeOf(dir) == "file" {
		var err error
		if dir, err = filePath(dir); err != nil {
			return nil, err
		}
	}
	if !filepath.IsAbs(dir) && o.Root != "" {
		dir = filepath.Join(o.Root, dir)
	}
	return folder.Open(folder.Options{Dir: dir, Locale: o.Locale, Limits: o.Limits})
}

func openWellknown(o Options) (source.Source, error) {
	return wellknown.New(wellknown.Options{URL: o.URL, Client: o.Client, Limits: o.Limits})
}

func openStatic(o Options) (source.Source, error) {
	return static.New(static.Options{Name: o.Name, URL: o.URL, Client: o.Client, Limits: o.Limits})
}

// filePath returns the path of a file URL (RFC 8089): file:///dir, or with the
// host localhost; file:///C:/dir on Windows.
func filePath(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host != "" && u.Host != "localhost" || u.RawQuery != "" || u.Fragment != "" || u.Path == "" {
		return "", fmt.Errorf("open registry: %s is not the URL of a folder", strconv.QuoteToASCII(s[:min(len(s), 80)]))
	}
	path := u.Path
	if len(path) > 2 && path[0] == '/' && path[2] == ':' {
		path = path[1:]
	}
	return filepath.FromSlash(path), nil
}
