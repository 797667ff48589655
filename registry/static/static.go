// Package static is a client of registries that are files: what skills-registry build
// writes, on any web server, in a bucket, or behind a CDN.
//
//	config.json                            what this is, and where the rest is
//	index/{2}/{2}/{owner}/{slug}.ndjson    the versions of a skill, one a line
//	catalog/full.ndjson.zst                all skills
//	blobs/sha256/{2}/{hex}                 artifacts
//
// {2}/{2} are the first four digits of the SHA-256 of the owner, in hexadecimal. A
// skill whose owner is named costs its index and its artifact; the catalogue is read
// for those who name none, and to search. What a lock has of a skill is enough to ask
// for its artifact and nothing else.
package static

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/internal/baseurl"
)

const (
	// Prefix before the scheme of a URL says that it is one of this protocol.
	Prefix = "static+"
	// Protocol is what config.json says.
	Protocol = "skills-registry/1"
)

// ErrURL says that a URL cannot be that of a registry.
var ErrURL = errors.New("registry url is invalid")

// Options say where a registry is. URL and Client are needed.
type Options struct {
	Name   string // that references give it
	URL    string // https://host/path, with or without static+ before it
	Client *transport.Client
	Limits archive.Limits // zero fields mean the defaults
}

// A Registry is a registry of files. All of its methods may be called at once. What
// it read of the configuration and the catalogue stays as it is: to see newer ones,
// make another Registry.
type Registry struct {
	name   string
	base   baseurl.URL
	client *transport.Client
	limits archive.Limits

	config    *once[*config]
	catalogue *once[*catalogue]
}

var (
	_ source.Source   = (*Registry)(nil)
	_ source.Searcher = (*Registry)(nil)
	_ source.Matcher  = (*Registry)(nil)
)

// New returns the registry at o.URL. It touches no network; the error is about the URL
// and matches ErrURL.
func New(o Options) (*Registry, error) {
	b, err := baseurl.Parse(o.URL, Prefix, ErrURL)
	if err != nil {
		return nil, err
	}
	if o.Limits.Download <= 0 {
		o.Limits.Download = archive.DefaultLimits().Download
	}
	return &Registry{name: o.Name, base: b, client: o.Client, limits: o.Limits, config: newOnce[*config](), catalogue: newOnce[*catalogue]()}, nil
}

// URL returns the one spelling of the address of the registry.
func (r *Registry) URL() string { return Prefix + r.base.String() }

// A once is something that is asked for once. An error is kept, too, unless it is that
// of the context.
type once[T any] struct {
	turn chan struct{} // whoever holds it asks

	mu    sync.Mutex
	found *found[T] // nil before
}

type found[T any] struct {
	v   T
	err error
}

func newOnce[T any]() *once[T] { return &once[T]{turn: make(chan struct{}, 1)} }

func (o *once[T]) get(ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	select {
	case o.turn <- struct{}{}:
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
	defer func() { <-o.turn }()
	if err := ctx.Err(); err != nil {
		var none T
		return none, err
	}
	if f := o.known(); f != nil {
		return f.v, f.err
	}
	v, err := ask(ctx)
	if ctx.Err() == nil {
		o.mu.Lock()
		o.found = &found[T]{v, err}
		o.mu.Unlock()
	}
	return v, err
}

// known returns what was found before; nil if nothing was looked for.
func (o *once[T]) known() *found[T] {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.found
}

// A config is where things are.
type config struct {
	Protocol string `json:"protocol"`
	Name     string `json:"name"`
	Index    string `json:"index"`
	Blobs    string `json:"blobs"`
	Catalog  string `json:"catalog"`
}

// An AnswerError says that what was read is not what a registry of files holds.
type AnswerError struct {
	URL  string // safe to print
	Line int    // of a file of lines; 0 if it is none of them
	Why  string
}

func (e *AnswerError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s, line %d: %s", e.URL, e.Line, e.Why)
	}
	return e.URL + ": " + e.Why
}

// A VersionError says that a registry is of a version that is not known here.
type VersionError struct {
	URL      string
	Protocol string
}

func (e *VersionError) Error() string {
	return e.URL + " speaks " + baseurl.Quote(e.Protocol) + ", and known is " + Protocol
}

// Detect returns the address of the registry of files at an address. The error matches
// source.ErrNotFound if there is none.
func Detect(ctx context.Context, client *transport.Client, address string) (string, error) {
	r, err := New(Options{URL: address, Client: client})
	if err != nil {
		return "", err
	}
	if _, err := r.settings(ctx); err != nil {
		return "", err
	}
	return r.URL(), nil
}

// settings reads config.json, once.
func (r *Registry) settings(ctx context.Context) (*config, error) {
	return r.config.get(ctx, func(ctx context.Context) (*config, error) {
		address := r.base.String() + "/config.json"
		resp, err := r.client.Get(ctx, address, transport.GetOptions{Limit: maxConfig})
		if err != nil {
			return nil, missing(err)
		}
		c, err := parseConfig(resp.Body, r.base.String()+"/")
		if e, ok := errors.AsType[*AnswerError](err); ok {
			e.URL = address
		}
		if e, ok := errors.AsType[*VersionError](err); ok {
			e.URL = r.base.String()
		}
		return c, err
	})
}

// at returns an address below one that config.json gives.
func at(folder string, parts ...string) string {
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return folder + strings.Join(parts, "/")
}

// missing gives an answer that a file is not there that meaning.
func missing(err error) error {
	if status, ok := errors.AsType[*transport.StatusError](err); ok && (status.Status == 404 || status.Status == 410) {
		return fmt.Errorf("%w: %w", source.ErrNotFound, err)
	}
	return err
}

// Match recognises the addresses of artifacts by name, /{owner}/{slug}/{version}.zip,
// and of the folder of a skill.
func (r *Registry) Match(rawURL string) (ref.Ref, bool) {
	_, path, ok := r.base.Below(rawURL)
	parts := strings.Split(path, "/")
	if !ok || len(parts) < 2 || len(parts) > 3 {
		return ref.Ref{}, false
	}
	text := parts[0] + "/" + parts[1]
	if len(parts) == 3 {
		number, zip := strings.CutSuffix(parts[2], ".zip")
		if !zip {
			return ref.Ref{}, false
		}
		text += "@" + number
	}
	found, err := ref.Parse("@" + text)
	if err != nil || found.Kind != ref.Registry || found.Owner != parts[0] || reserved(parts[0]) {
		return ref.Ref{}, false
	}
	found.Registry = r.name
	return found, true
}

// reserved reports whether a folder at the top of a registry is no owner.
func reserved(name string) bool {
	switch name {
	case "index", "blobs", "owners", "catalog", "log", "api", "v2", "skills", "search", "assets", "upload":
		return true
	}
	return strings.HasPrefix(name, ".")
}
