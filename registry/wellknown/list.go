package wellknown

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/spelling"
	"github.com/openskills-go/skills/pkg/transport"
)

// List returns the skill that rf names, or all of the index if its Slug is empty.
func (r *Registry) List(ctx context.Context, rf ref.Ref) ([]source.Listing, error) {
	if rf.Slug != "" {
		e, err := r.find(ctx, rf)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", quote(rf.String()), err)
		}
		return []source.Listing{{Ref: rf, Name: e.name, Description: e.description}}, nil
	}
	if rf.Kind != ref.Registry || rf.Owner != "" {
		return nil, fmt.Errorf("list %s: %w", quote(rf.String()), source.ErrUnsupported)
	}
	x, err := r.index(ctx)
	if err != nil {
		return nil, fmt.Errorf("list skills: %w", err)
	}
	listings := make([]source.Listing, len(x.entries))
	for i, e := range x.entries {
		one := rf
		one.Slug = e.name
		listings[i] = source.Listing{Ref: one, Name: e.name, Description: e.description}
	}
	return listings, nil
}

// Find returns the address of the registry that a web page is, and the skills
// that are listed there. It matches source.ErrNotFound if there are none, so that
// the page may be something else. The references of the listings hold no name of
// a registry: they are of the one at registryURL, and of no other. Who goes on to
// use that one asks for the index once by opening SiteURL and calling List.
func Find(ctx context.Context, client *transport.Client, page string) (registryURL string, listings []source.Listing, err error) {
	site, err := SiteURL(page)
	if err != nil {
		return "", nil, err
	}
	r, err := New(Options{URL: site, Client: client})
	if err != nil {
		return "", nil, err
	}
	listings, err = r.List(ctx, ref.Ref{Kind: ref.Registry})
	if err != nil {
		return "", nil, err
	}
	return site, listings, nil
}

// Search finds the skills whose name or description holds every word of the query,
// without regard to case, in the index. The one that is called so comes first.
func (r *Registry) Search(ctx context.Context, query string, limit int) ([]source.Hit, error) {
	x, err := r.index(ctx)
	if err != nil {
		return nil, fmt.Errorf("search skills: %w", err)
	}
	type ranked struct {
		*entry
		rank rank
	}
	words := strings.Fields(strings.ToLower(query))
	var found []ranked
	for _, e := range x.entries {
		if k := e.rank(words); k != noHit {
			found = append(found, ranked{e, k})
		}
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	hits := make([]source.Hit, 0, min(max(limit, 0), len(found)))
	for _, f := range found[:cap(hits)] {
		hits = append(hits, source.Hit{Slug: f.name, Name: f.name, Version: f.version, Description: f.description})
	}
	return hits, nil
}

// A rank says how good a hit is; less is better.
type rank int

const (
	sameName rank = iota
	inName
	inDescription
	noHit
)

func (e *entry) rank(words []string) rank {
	if len(words) > 0 && strings.Join(words, "-") == e.name {
		return sameName
	}
	description := strings.ToLower(e.description)
	worst := inName
	for _, w := range words {
		switch {
		case strings.Contains(e.name, w):
		case strings.Contains(description, w):
			worst = inDescription
		default:
			return noHit
		}
	}
	return worst
}

// Suggest returns at most three names that are spelled like one, if the index was
// read before.
func (r *Registry) Suggest(_ context.Context, name string) []string {
	x, _ := r.known()
	if x == nil {
		return nil
	}
	return x.near(name)
}

// near returns at most three names that are spelled like one.
func (x *index) near(name string) []string {
	names := make([]string, len(x.entries))
	for i, e := range x.entries {
		names[i] = e.name
	}
	return spelling.Nearest(name, names, 3)
}
