// Package server is a registry that people publish to: its stores, its rules and
// its protocols in one http.Handler, which is the product and the test double at
// once. It speaks
//
//	/api/v1, /api/cli, /upload   version 1 of the API of ClawHub
//	/api/download, /api/search   the protocol of openskills.cc
//	/{owner}/.well-known/…       the Agent Skills Discovery RFC, by owner and skill
//	/config.json, /index, …      the static layout that Build writes
//	/v2                          pull of the OCI distribution specification
//	/                            pages for people
//
// The wire types are in registry/api, with openapi.yaml.
package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/registry/internal/authn"
	"github.com/openskills-go/skills/registry/internal/blobs"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
	"github.com/openskills-go/skills/registry/internal/site"
	"github.com/openskills-go/skills/registry/internal/web"
)

// Options configure a server. DB and Blobs are needed.
type Options struct {
	DB    string // sqlite:///file, sqlite://:memory:, postgres://…
	Blobs string // file:///folder, mem://, s3://bucket?…

	URL   string // how clients reach the server, without a slash at its end
	Title string // of the pages
	Cache int64  // bytes of small blobs to hold in memory; 0 is 32 MiB

	Private   bool     // reading needs a token
	FirstWins bool     // a slug of several owners is that of the first
	Featured  []string // owner/slug that the index of the whole registry lists; none: there is no such index

	Limits  archive.Limits // of what is published
	Rates   Rates          // how often one may ask
	Proxies []netip.Prefix // whose X-Forwarded-For is believed

	Now func() time.Time
	Log *slog.Logger
}

// Rates are requests per minute and address or token; 0 is the default, less than
// 0 is no limit.
type Rates struct {
	Read, Write, Download int
}

// What the packages that only this one may import call their things.
type (
	// Catalog is the rules of the registry.
	Catalog = catalog.Catalog
	// Actor is who does something.
	Actor = catalog.Actor
	// Draft is what is to be published.
	Draft = catalog.Draft
	// Release is what was published.
	Release = catalog.Release
	// Name is the name of a skill.
	Name = catalog.Name
	// Fault is what a check of the registry found.
	Fault = catalog.Fault
	// Desk is what issues tokens.
	Desk = authn.Desk
	// User is someone who can have tokens.
	User = meta.User
	// Owner is who has skills.
	Owner = meta.Owner
	// Member is who may publish for an owner.
	Member = meta.Member
	// Token is what lets its bearer act as a user.
	Token = meta.Token
	// Event is a line of the audit log.
	Event = meta.Event
	// Ask is what a token is asked for with.
	Ask = authn.Request
	// NotFoundError is an error about what is not there.
	NotFoundError = catalog.NotFoundError
	// AmbiguousError is an error about a slug of several owners.
	AmbiguousError = catalog.AmbiguousError
	// GoneError is an error about what was deleted or removed.
	GoneError = catalog.GoneError
	// ConflictError is an error about a name that is taken.
	ConflictError = catalog.ConflictError
	// DeniedError is an error about what one may not do.
	DeniedError = catalog.DeniedError
	// InvalidError is an error about what is wrong with what was given.
	InvalidError = catalog.InvalidError
	// SchemaError is an error about a database of a newer program.
	SchemaError = meta.SchemaError
)

// The roles that a user may have.
const (
	Admin     = meta.Admin
	Moderator = meta.Moderator
	Plain     = meta.Plain
	Publisher = meta.Publisher
)

// A Server is a registry. Its methods may be called at once.
type Server struct {
	options Options
	db      *meta.DB
	blobs   *blobs.Store
	catalog *catalog.Catalog
	desk    *authn.Desk
	log     *slog.Logger
	handler http.Handler

	limits    limiters
	metrics   *metrics
	limited   atomic.Int64 // requests that came too often
	published atomic.Int64 // versions
	draining  atomic.Bool
	uploadKey atomic.Pointer[[]byte]
	staged    quota
	uploadsMu sync.Mutex
	uploads   map[string]int // that are under way, by token
	answers   *answers
	site      *site.Site
}

// Scopes returns the scopes that a token may have, from the least to the most.
func Scopes() []string { return catalog.Scopes() }

// Open opens the stores, brings the database up to date and returns a server. The
// caller closes it.
func Open(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	db, err := meta.Open(ctx, o.DB)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	store, err := blobs.Open(ctx, blobs.Options{URL: o.Blobs, Cache: o.Cache})
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	s := &Server{options: o, db: db, blobs: store, log: o.Log, staged: quota{limit: maxStaged}}
	if err := s.build(); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) build() (err error) {
	o := s.options
	s.catalog, err = catalog.New(catalog.Options{
		Meta: s.db, Blobs: s.blobs, Limits: o.Limits, Now: o.Now, Log: o.Log, FirstWins: o.FirstWins,
	})
	if err != nil {
		return err
	}
	s.desk = authn.New(s.db, o.Now)
	s.limits, s.metrics, s.answers, s.site = s.newLimiters(), s.newMetrics(), newAnswers(), s.newSite()
	pages, err := web.New(web.Options{Catalog: s.catalog, Desk: s.desk, URL: o.URL, Title: o.Title})
	if err != nil {
		return err
	}
	s.handler = s.guard(s.route(pages))
	return nil
}

// Operator returns the actor that whoever runs the registry is.
func Operator() Actor { return catalog.Operator() }

// Catalog returns the rules of the registry, for whoever runs it.
func (s *Server) Catalog() *Catalog { return s.catalog }

// Desk returns what issues tokens, for whoever runs the registry.
func (s *Server) Desk() *Desk { return s.desk }

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close closes the stores. No request may be under way.
func (s *Server) Close() error {
	err := s.blobs.Close()
	if closed := s.db.Close(); err == nil {
		err = closed
	}
	return err
}
