// Package wellknown is a client of websites that list skills in an index at a
// well-known address below their own (RFC 8615):
//
//	/.well-known/agent-skills/index.json   version 0.2.0: an artifact and its digest each
//	/.well-known/skills/index.json         version 0.1.0: names of files, without digests
//
// Which version an index is, its $schema says, not its address. A site is read
// once by each Registry, and of the artifacts only those that are fetched. A site
// with a path has an index of its own or none: that of its host is never used in
// place of it.
package wellknown

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
)

// Options say which site to read. URL and Client are needed.
type Options struct {
	URL    string // https://host/path, with or without wellknown+ before it
	Client *transport.Client
	Limits archive.Limits
}

// A Registry is a site with an index. It implements source.Source,
// source.Searcher, source.Lister and source.Suggester, and all of its methods may
// be called at once. What it read of the index stays as it is: to see a newer
// one, make another Registry.
type Registry struct {
	base   base
	client *transport.Client
	limits archive.Limits

	turn chan struct{} // whoever holds it asks for the index
	mu   sync.Mutex    // of what follows
	read *index
	err  error
}

var (
	_ source.Source    = (*Registry)(nil)
	_ source.Searcher  = (*Registry)(nil)
	_ source.Lister    = (*Registry)(nil)
	_ source.Suggester = (*Registry)(nil)
	_ source.Warner    = (*Registry)(nil)
)

// New returns the site at o.URL. It touches no network; the error is about the
// URL and matches ErrURL.
func New(o Options) (*Registry, error) {
	b, err := parseBase(o.URL)
	if err != nil {
		return nil, err
	}
	d := archive.DefaultLimits()
	if o.Limits.Download <= 0 {
		o.Limits.Download = d.Download
	}
	if o.Limits.File <= 0 {
		o.Limits.File = d.File
	}
	return &Registry{base: b, client: o.Client, limits: o.Limits, turn: make(chan struct{}, 1)}, nil
}

// URL returns the one spelling of the address of the site: wellknown+https://host/path.
func (r *Registry) URL() string { return scheme + r.base.String() }

// index returns the index, which is asked for once. An error is kept, too, unless
// it is that of ctx: what went wrong for one skill went wrong for all.
func (r *Registry) index(ctx context.Context) (*index, error) {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-r.turn }()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if x, err := r.known(); x != nil || err != nil {
		return x, err
	}
	x, err := discover(ctx, r.client, r.base)
	if ctx.Err() == nil {
		r.mu.Lock()
		r.read, r.err = x, err
		r.mu.Unlock()
	}
	return x, err
}

// known returns what index returned before: neither if it was not asked.
func (r *Registry) known() (*index, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read, r.err
}

// Warnings returns what is wrong with entries of the index, as far as it was read.
func (r *Registry) Warnings() []string {
	if x, _ := r.known(); x != nil {
		return slices.Clone(x.warnings)
	}
	return nil
}

// A NotListedError says that an index does not have a skill. It matches
// source.ErrNotFound.
type NotListedError struct {
	Index string   // its address, safe to print
	Near  []string // a few names of the index that are spelled like it
}

func (e *NotListedError) Error() string { return e.Index + " does not list it" }

// Is makes a NotListedError match source.ErrNotFound.
func (*NotListedError) Is(target error) bool { return target == source.ErrNotFound }

// entry returns what an index has by a name.
func (x *index) entry(name string) (*entry, error) {
	if e, ok := x.byName[name]; ok {
		return e, nil
	}
	return nil, &NotListedError{Index: x.String(), Near: x.near(name)}
}

// find returns the entry that a reference means.
func (r *Registry) find(ctx context.Context, rf ref.Ref) (*entry, error) {
	switch {
	case rf.Kind != ref.Registry:
		return nil, fmt.Errorf("not the name of a skill: %w", source.ErrUnsupported)
	case rf.Owner != "":
		return nil, fmt.Errorf("ask %s: %w", r.base, source.ErrNoOwners)
	case !skill.ValidName(rf.Slug):
		// Nothing that is not one is ever taken from an index.
		return nil, fmt.Errorf("not a name: %w", source.ErrNotFound)
	}
	x, err := r.index(ctx)
	if err != nil {
		return nil, err
	}
	return x.entry(rf.Slug)
}

// Versions lists the one version that an index can have of a skill. It is
// source.ErrUnsupported where it has none, as is usual.
func (r *Registry) Versions(ctx context.Context, rf ref.Ref) ([]version.Info, error) {
	e, err := r.find(ctx, rf)
	if err == nil && e.version == "" {
		err = source.ErrUnsupported
	}
	if err != nil {
		return nil, fmt.Errorf("list versions of %s: %w", quote(rf.Slug), err)
	}
	return []version.Info{{Version: e.version}}, nil
}

// Resolve looks into the index, and downloads nothing. Where the index has no
// version, whether the skill is in one that the query accepts is only known of
// what Fetch brings.
func (r *Registry) Resolve(ctx context.Context, rf ref.Ref, current string) (source.Pin, error) {
	e, err := r.find(ctx, rf)
	if err != nil {
		return source.Pin{}, fmt.Errorf("resolve %s: %w", quote(rf.String()), err)
	}
	// Who asks for nothing in particular gets what there is, a prerelease too.
	if q := rf.Query; e.version != "" && q.String() != "" && q.String() != version.Latest {
		if _, err := version.Select(q, []version.Info{{Version: e.version}}, current); err != nil {
			return source.Pin{}, fmt.Errorf("resolve %s: %w", quote(rf.String()), err)
		}
	}
	return r.pinOf(e, rf), nil
}

// pinOf returns the Pin of an entry. The digest that the index has of a bare
// SKILL.md is not that of the artifact, which is packed here; but it is all that
// the tree digest is made of, so that the tree is published.
func (r *Registry) pinOf(e *entry, rf ref.Ref) source.Pin {
	p := source.Pin{
		Ref: rf, Registry: r.URL(), Slug: e.name, Version: e.version, URL: e.url,
		Tree: e.tree, Trust: source.FromRegistry,
	}
	switch e.kind {
	case packed:
		p.Artifact, p.Size = e.digest, e.size
	case loose:
		p.Trust = source.FirstUse
	case bare:
	}
	return p
}

// quote makes text from outside safe and short enough for an error.
func quote(s string) string { return strconv.QuoteToASCII(s[:min(len(s), 120)]) }
