// Package static is a client of registries that are files: what skills-registry
// build writes, on any web server, bucket or CDN. Nothing runs there, so that all
// questions are answered by files whose addresses can be told beforehand:
//
//	config.json                            what this is, and where the rest is
//	index/{2}/{2}/{owner}/{slug}.ndjson    the versions of a skill, a line each
//	blobs/sha256/{2}/{hex}                 artifacts
//	owners/{2}/{owner}.json                the skills of an owner
//	catalog/names.txt.zst                  all skills, a line each: owner/slug
//	catalog/full.ndjson.zst                the same with what they are
//
// A skill with its owner costs its index, and a locked one nothing but its
// artifact. The catalogue is read where only it can tell: for a slug without an
// owner, and for a search, which is made here.
package static

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/internal/baseurl"
)

// Options say where a registry is. URL and Client are needed.
type Options struct {
	Name   string // that references give it; "" is the default registry
	URL    string // https://host/path, with or without static+ before it
	Client *transport.Client
	Limits archive.Limits // zero fields mean the defaults
}

// A Registry is a registry of files. All of its methods may be called at once.
// What it read of config.json and of the catalogue stays as it is: to see newer
// ones, make another Registry. The versions of a skill are asked for anew.
type Registry struct {
	name   string
	base   base
	client *transport.Client
	limits archive.Limits

	config  once[*config]
	names   once[[]skillName]
	entries once[[]entry]
}

var (
	_ source.Source     = (*Registry)(nil)
	_ source.Searcher   = (*Registry)(nil)
	_ source.Suggester  = (*Registry)(nil)
	_ source.Matcher    = (*Registry)(nil)
	_ source.Recognizer = (*Registry)(nil)
)

// New returns a registry. It touches no network; the error is about o.URL, and
// matches ErrURL.
func New(o Options) (*Registry, error) {
	b, err := parseBase(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Limits.Download <= 0 {
		o.Limits.Download = archive.DefaultLimits().Download
	}
	return &Registry{
		name: o.Name, base: b, client: o.Client, limits: o.Limits,
		config: newOnce[*config](), names: newOnce[[]skillName](), entries: newOnce[[]entry](),
	}, nil
}

// URL returns the address of the registry as Pins have it.
func (r *Registry) URL() string { return r.base.registry() }

// A skillName is a slug with its owner, "" if that is not known.
type skillName struct{ owner, slug string }

func (n skillName) String() string {
	if n.owner == "" {
		return n.slug
	}
	return n.owner + "/" + n.slug
}

// named checks that rf names a skill of a registry like this one.
func named(rf ref.Ref) (skillName, error) {
	switch {
	case rf.Kind != ref.Registry:
		return skillName{}, fmt.Errorf("%s is not the slug of a registry: %w", quote(rf.String()), source.ErrUnsupported)
	case !ref.ValidSlug(rf.Slug):
		return skillName{}, fmt.Errorf("%s is not a slug: %w", quote(rf.Slug), source.ErrNotFound)
	case rf.Owner != "" && !ref.ValidSlug(rf.Owner):
		return skillName{}, fmt.Errorf("%s is not an owner: %w", quote(rf.Owner), source.ErrNotFound)
	}
	return skillName{rf.Owner, rf.Slug}, nil
}

// A FormatError says that a file of a registry is not what it must be.
type FormatError struct {
	URL  string // of the file, safe to print
	Line int    // counts from 1; 0 if it is about all of it
	Why  string // safe to print
}

func (e *FormatError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s, line %d: %s", e.URL, e.Line, e.Why)
	}
	return e.URL + ": " + e.Why
}

// get asks for a file of the registry that config.json is the way to.
func (r *Registry) get(ctx context.Context, c *config, address string, limit int64) (*transport.Response, error) {
	resp, err := r.client.Get(ctx, address, transport.GetOptions{Accept: "*/*", Limit: limit, Via: c.url})
	if err != nil {
		return nil, r.explain(ctx, err)
	}
	return resp, nil
}

// explain gives an error of the network the meaning that it has here. Buckets
// that do not let everyone list them answer 403 to what is not there. It is that
// if all the rest can be read without a credential: if there is no way to be
// authorised, not to be is no reason.
func (r *Registry) explain(ctx context.Context, err error) error {
	status, ok := errors.AsType[*transport.StatusError](err)
	switch {
	case !ok:
	case status.Status == http.StatusUnavailableForLegalReasons:
		return fmt.Errorf("%w: %w", source.ErrWithheld, err)
	case status.Status == http.StatusForbidden && !status.Token && !status.Dropped:
		if c, broken := r.read(ctx); broken == nil && !c.auth {
			return fmt.Errorf("%w: %w", source.ErrNotFound, err)
		}
	}
	return source.FromTransport(err)
}

// quote makes text from outside safe, and short enough for an error.
func quote(s string) string { return baseurl.Quote(s) }

// A once is what is asked for once, by whoever comes first.
type once[T any] struct {
	turn chan struct{} // whoever holds it asks
	got  *atomic.Pointer[outcome[T]]
}

type outcome[T any] struct {
	value T
	err   error
}

func newOnce[T any]() once[T] {
	return once[T]{turn: make(chan struct{}, 1), got: new(atomic.Pointer[outcome[T]])}
}

// get returns what ask returned the first time. An error is kept, too, unless it
// is that of ctx: what went wrong for one skill went wrong for all.
func (o *once[T]) get(ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	var none T
	select {
	case o.turn <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	defer func() { <-o.turn }()
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if had := o.got.Load(); had != nil {
		return had.value, had.err
	}
	value, err := ask(ctx)
	if ctx.Err() == nil {
		o.got.Store(&outcome[T]{value, err})
	}
	return value, err
}

// known returns what get returned before, if that was no error.
func (o *once[T]) known() (T, bool) {
	if had := o.got.Load(); had != nil && had.err == nil {
		return had.value, true
	}
	var none T
	return none, false
}
