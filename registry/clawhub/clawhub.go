// Package clawhub is a client of registries that speak version 1 of the API of
// ClawHub: ClawHub itself, and what others made compatible with it. Skills have
// owners, versions, tags and a state of moderation. An artifact is a zip without
// a digest of its own, but the files of a version are published with theirs.
//
// Servers differ in what they leave out. Null stands for absent everywhere, what
// is not known is passed over, and an error may be text or JSON. What is of
// another type than the API says is refused, in one error that names it.
package clawhub

import (
	"fmt"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/internal/baseurl"
)

// DefaultURL is the registry of those who name none.
const DefaultURL = "clawhub+https://clawhub.ai"

// Options say where a registry is. Only Client is needed.
type Options struct {
	Name   string // that references give it; "" is the default registry
	URL    string // https://host/path, with or without the prefix clawhub+; "" is DefaultURL
	Client *transport.Client
	Limits archive.Limits // zero fields mean the defaults
	// Git obtains the skills that the registry only points to. If it is nil they
	// are not supported.
	Git source.Source
}

// A Registry is a registry on the web. All of its methods may be called at once.
type Registry struct {
	name   string
	base   base
	client *transport.Client
	limits archive.Limits
	git    source.Source
}

var (
	_ source.Source           = (*Registry)(nil)
	_ source.Searcher         = (*Registry)(nil)
	_ source.Matcher          = (*Registry)(nil)
	_ source.Auditor          = (*Registry)(nil)
	_ source.Recognizer       = (*Registry)(nil)
	_ source.Identifier       = (*Registry)(nil)
	_ source.DeviceAuthorizer = (*Registry)(nil)
)

// New returns a registry. It touches no network; the error is about o.URL, and
// matches ErrURL.
func New(o Options) (*Registry, error) {
	if o.URL == "" {
		o.URL = DefaultURL
	}
	b, err := parseBase(o.URL)
	if err != nil {
		return nil, err
	}
	defaults := archive.DefaultLimits()
	if o.Limits.Download <= 0 {
		o.Limits.Download = defaults.Download
	}
	if o.Limits.Entries <= 0 {
		o.Limits.Entries = defaults.Entries
	}
	return &Registry{name: o.Name, base: b, client: o.Client, limits: o.Limits, git: o.Git}, nil
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

// quote makes text from outside safe, and short enough for an error.
func quote(s string) string { return baseurl.Quote(s) }
