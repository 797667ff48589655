package folder

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/spelling"
	"github.com/openskills-go/skills/pkg/version"
)

// Search finds the skills whose slug, name or description holds every word of
// the query, without regard to case. Words are parts of the text, not words of
// a language, so that Chinese needs no spaces. A skill that calls itself internal
// is found by its slug or name only, one whose versions are all yanked not at all.
// All locales are searched, and a
// hit shows the one that matched best. An empty query finds everything.
func (r *Registry) Search(ctx context.Context, query string, limit int) ([]source.Hit, error) {
	all, err := r.all(ctx)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	found := make([]hit, len(all))
	words := strings.Fields(strings.ToLower(query))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range all {
		g.Go(func() error {
			found[i] = r.match(ctx, s, words)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return best(found, limit), nil
}

// Suggest returns at most three slugs that are spelled like one.
func (r *Registry) Suggest(ctx context.Context, slug string) []string {
	all, err := r.all(ctx)
	if err != nil {
		return nil
	}
	slugs := make([]string, len(all))
	for i, s := range all {
		slugs[i] = s.slug
	}
	slices.Sort(slugs)
	return spelling.Nearest(slug, slices.Compact(slugs), 3)
}

// A rank says how good a hit is; less is better.
type rank int

const (
	sameSlug rank = iota
	sameName
	inName
	inDescription
	noHit
)

type hit struct {
	source.Hit
	rank   rank
	locale string
}

func (r *Registry) match(ctx context.Context, s skillFolder, words []string) hit {
	offered := slices.DeleteFunc(slices.Clone(s.releases), func(rel release) bool { return rel.yanked != "" })
	if len(offered) == 0 {
		return hit{rank: noHit}
	}
	newest := slices.MaxFunc(offered, func(a, b release) int {
		// A release before any prerelease, then the higher one.
		return cmp.Or(-cmp.Compare(prerelease(a), prerelease(b)), version.Compare(a.version, b.version))
	})
	about := r.describe(ctx, newest)
	h := hit{
		Hit: source.Hit{
			Slug:        s.slug,
			Name:        about.name,
			Version:     cmp.Or(newest.version, about.version),
			Description: about.description,
		},
		locale: s.locale,
	}
	if h.rank = h.rankOf(words); about.internal && h.rank > sameName {
		h.rank = noHit
	}
	return h
}

func prerelease(rel release) int {
	core, _, _ := strings.Cut(rel.version, "+")
	if strings.Contains(core, "-") {
		return 1
	}
	return 0
}

func (h *hit) rankOf(words []string) rank {
	slug, name, description := strings.ToLower(h.Slug), strings.ToLower(h.Name), strings.ToLower(h.Description)
	if len(words) == 1 && words[0] == slug {
		return sameSlug
	}
	if len(words) > 0 && strings.Join(words, "-") == name {
		return sameName
	}
	worst := inName
	for _, w := range words {
		switch {
		case strings.Contains(slug, w), strings.Contains(name, w):
		case strings.Contains(description, w):
			worst = inDescription
		default:
			return noHit
		}
	}
	return worst
}

// best returns at most limit hits in order, one for each slug.
func best(found []hit, limit int) []source.Hit {
	found = slices.DeleteFunc(found, func(h hit) bool { return h.rank == noHit })
	slices.SortFunc(found, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.Slug, b.Slug), strings.Compare(a.locale, b.locale))
	})
	hits := make([]source.Hit, 0, min(max(limit, 0), len(found)))
	seen := make(map[string]bool, len(found))
	for _, h := range found {
		if len(hits) == cap(hits) {
			break
		}
		if !seen[h.Slug] {
			seen[h.Slug] = true
			hits = append(hits, h.Hit)
		}
	}
	return hits
}
