// Package catalog is the rules of a registry: what may be published, by whom, and
// what others get to see of it.
//
// A version is one zip, made from the files that were sent and kept as bytes for
// good; the same files again are a success, others are refused. Its name is never
// free again, not even when it was deleted. Yanked is hidden from selection and
// served to whoever names it; deleted is gone until it is restored; removed, by a
// moderator, says why.
//
// Before anything becomes visible, files are held to what clients hold them to:
// pkg/archive, pkg/skill. Blobs are durable before the row that names them is.
package catalog

import (
	"errors"
	"log/slog"
	"time"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/registry/internal/blobs"
	"github.com/openskills-go/skills/registry/internal/meta"
)

// Options say what a catalog is made of. Meta and Blobs are needed.
type Options struct {
	Meta   *meta.DB
	Blobs  *blobs.Store
	Limits archive.Limits   // of what is published; zero fields mean the defaults
	Now    func() time.Time // nil is the clock
	Log    *slog.Logger     // nil logs nothing
	// FirstWins answers a slug that several owners have with the skill of the one
	// who had it first. Otherwise it is ambiguous.
	FirstWins bool
	// Host names this registry in its log of what was published; "" is skills.local.
	Host string
}

// A Catalog is a registry without its protocols. Its methods may be called at
// once, and by other processes on the same Meta and Blobs.
type Catalog struct {
	meta   *meta.DB
	blobs  *blobs.Store
	limits archive.Limits
	now    func() time.Time
	log    *slog.Logger
	first  bool
	host   string

	memory memory
	counts counts
}

// New returns a catalog.
func New(o Options) (*Catalog, error) {
	if o.Meta == nil || o.Blobs == nil {
		return nil, errors.New("create catalog: it needs a database and blobs")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Host == "" {
		o.Host = "skills.local"
	}
	return &Catalog{meta: o.Meta, blobs: o.Blobs, limits: o.Limits, now: o.Now, log: o.Log, first: o.FirstWins, host: o.Host}, nil
}

// A Name names a skill. Without an Owner it is the one that has the slug, if only
// one does.
type Name struct{ Owner, Slug string }

func (n Name) String() string {
	if n.Owner == "" {
		return n.Slug
	}
	return n.Owner + "/" + n.Slug
}
