package static

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/source"
)

// Search finds the skills whose slug, owner or description holds every word of the
// query, without regard to case, in the catalogue: one request for any number of
// searches. Words are parts of the text, not words of a language, so that Chinese
// needs no spaces. An empty query finds everything.
func (r *Registry) Search(ctx context.Context, query string, limit int) ([]source.Hit, error) {
	all, err := r.all(ctx)
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", r.base.Host, err)
	}
	type ranked struct {
		*entry
		rank rank
	}
	asked := newQuestion(query)
	var found []ranked
	for i := range all {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, fmt.Errorf("search %s: %w", r.base.Host, ctx.Err())
		}
		if k := asked.rank(&all[i]); k != noHit {
			found = append(found, ranked{&all[i], k})
		}
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	hits := make([]source.Hit, 0, min(max(limit, 0), len(found)))
	for _, f := range found[:cap(hits)] {
		hits = append(hits, source.Hit{Slug: f.slug, Owner: f.owner, Name: f.slug, Version: f.version, Description: f.description})
	}
	return hits, nil
}

// A question is a query, read once.
type question struct {
	words []string // in lower case
	name  string   // that they are if they are joined as slugs are
}

func newQuestion(query string) question {
	words := strings.Fields(strings.ToLower(query))
	return question{words, strings.TrimPrefix(strings.Join(words, "-"), "@")}
}

// A rank says how good a hit is; less is better.
type rank int

const (
	sameSlug rank = iota
	beginsSlug
	inSlug
	inName // slug and owner
	inDescription
	noHit
)

func (q question) rank(e *entry) rank {
	slug := strings.ToLower(e.slug)
	owned := strings.ToLower(e.owner) + "/" + slug
	switch {
	case q.name == "":
		return inSlug
	case q.name == slug || q.name == owned:
		return sameSlug
	case strings.HasPrefix(slug, q.name):
		return beginsSlug
	}
	worst, description := inSlug, ""
	for _, w := range q.words {
		if strings.Contains(slug, w) {
			continue
		}
		if strings.Contains(owned, strings.TrimPrefix(w, "@")) {
			worst = max(worst, inName)
			continue
		}
		if description == "" {
			description = strings.ToLower(e.description)
		}
		if !strings.Contains(description, w) {
			return noHit
		}
		worst = inDescription
	}
	return worst
}
