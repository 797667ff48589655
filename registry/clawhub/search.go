package clawhub

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
)

// maxSearch is how many hits a server can be asked for at once.
const maxSearch = 200

// Search asks the registry, in one request. The exact slug comes first, whatever
// the server thinks; of several owners' in its order. An empty query lists what
// there is, in as many requests as the pages take.
func (r *Registry) Search(ctx context.Context, query string, limit int) ([]source.Hit, error) {
	find := r.search
	if strings.TrimSpace(query) == "" {
		find = r.explore
	}
	hits, err := find(ctx, query, max(limit, 1))
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", r.base.Host, err)
	}
	return hits[:min(len(hits), max(limit, 0))], nil
}

// An entry is one skill of a list or a search.
type entry struct {
	Slug          string         `json:"slug"`
	DisplayName   string         `json:"displayName"`
	Summary       string         `json:"summary"`
	Description   string         `json:"description"`
	Version       string         `json:"version"`
	LatestVersion *versionAnswer `json:"latestVersion"`
	OwnerHandle   string         `json:"ownerHandle"`
	Owner         *ownerAnswer   `json:"owner"`
	Source        string         `json:"source"`
}

// hit returns what is shown of an entry, and false if it could not be installed
// by what it is called.
func (e entry) hit() (source.Hit, bool) {
	h := source.Hit{Slug: e.Slug, Owner: e.OwnerHandle, Name: e.DisplayName, Version: e.Version, Description: e.Summary}
	if h.Owner == "" && e.Owner != nil {
		h.Owner = e.Owner.Handle
	}
	if h.Version == "" && e.LatestVersion != nil {
		h.Version = e.LatestVersion.Version
	}
	if h.Version != "" && !validVersion(h.Version) {
		h.Version = ""
	}
	if h.Description == "" {
		h.Description = e.Description
	}
	ours := e.Source == "" || e.Source == "clawhub" // others are in a catalogue that it only shows
	return h, ours && ref.ValidSlug(h.Slug) && (h.Owner == "" || ref.ValidSlug(h.Owner))
}

func (r *Registry) search(ctx context.Context, query string, limit int) ([]source.Hit, error) {
	address := r.base.at(apiV1+"/search", "q", query, "limit", strconv.Itoa(min(limit, maxSearch)))
	var found struct {
		Results []entry `json:"results"`
	}
	if _, err := r.getField(ctx, address, "", "results", &found); err != nil {
		return nil, err
	}
	hits := hitsOf(found.Results)
	wanted, err := ref.Parse(strings.TrimSpace(query))
	if err != nil || wanted.Kind != ref.Registry {
		wanted = ref.Ref{Slug: query}
	}
	rank := func(h source.Hit) int {
		switch {
		case h.Slug != wanted.Slug:
			return 2
		case h.Owner != wanted.Owner:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(hits, func(a, b source.Hit) int { return rank(a) - rank(b) })
	return hits, nil
}

func hitsOf(list []entry) []source.Hit {
	hits := make([]source.Hit, 0, len(list))
	for _, e := range list {
		if h, ok := e.hit(); ok {
			hits = append(hits, h)
		}
	}
	return hits
}

func (r *Registry) explore(ctx context.Context, _ string, limit int) ([]source.Hit, error) {
	var hits []source.Hit
	cursor, seen := "", map[string]bool{}
	for range maxPages {
		address := r.base.at(apiV1+"/skills", "limit", strconv.Itoa(min(limit-len(hits), maxSearch)), "cursor", cursor)
		var page struct {
			Items      []entry `json:"items"`
			NextCursor string  `json:"nextCursor"`
		}
		if _, err := r.getField(ctx, address, "", "items", &page); err != nil {
			return nil, err
		}
		hits = append(hits, hitsOf(page.Items)...)
		if cursor = page.NextCursor; cursor == "" || len(hits) >= limit {
			break
		}
		if seen[cursor] {
			return nil, wrong(address, "the list of skills begins anew")
		}
		seen[cursor] = true
	}
	return hits, nil
}
