package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/source"
)

type searchResult struct {
	Registry string       `json:"registry"`
	Query    string       `json:"query"`
	Hits     []source.Hit `json:"hits"`
}

const mostHits = 500

func (a *app) searchCommand() *cobra.Command {
	limit := 20
	cmd := &cobra.Command{
		Use:     "search [WORD]...",
		Aliases: []string{"find"},
		Short:   "Search a registry",
		GroupID: groupUse,
		Long: `Search a registry for skills. A skill whose slug is exactly what you typed comes
first. Without a word some of what the registry has is listed.`,
		Example: `  skills search backend
  skills search release notes --registry acme
  skills search pdf --limit 50 --json
  skills search --registry clawhub`,
		RunE: a.run(func(ctx context.Context, words []string) (*answer, error) {
			query := strings.TrimSpace(strings.Join(words, " "))
			if limit < 1 || limit > mostHits {
				return nil, &usageError{message: fmt.Sprintf("--limit %d: want a number from 1 to %d", limit, mostHits)}
			}
			name, registry, err := a.registry()
			if err != nil {
				return nil, err
			}
			searcher, ok := source.As[source.Searcher](registry)
			if !ok {
				return nil, fmt.Errorf("search %s: %w", name, source.ErrUnsupported)
			}
			hits, err := searcher.Search(ctx, query, limit)
			if err != nil {
				return nil, fmt.Errorf("search %s: %w", name, err)
			}
			if hits == nil {
				hits = []source.Hit{}
			}
			out := &answer{result: searchResult{Registry: name, Query: query, Hits: hits}}
			if len(hits) == 0 {
				out.faults = []fault{{err: &noHitsError{query, name}}}
			}
			out.done = len(hits)
			out.text = func(p *ui.Printer) { printHits(p, hits) }
			return out, nil
		}),
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "most results")
	a.registryFlag(cmd)
	a.netFlags(cmd)
	return cmd
}

// A noHitsError says that a search found nothing.
type noHitsError struct{ query, registry string }

func (e *noHitsError) Error() string {
	if e.query == "" {
		return e.registry + " has nothing to list"
	}
	return fmt.Sprintf("nothing is found for %.80q in %s", e.query, e.registry)
}

func printHits(p *ui.Printer, hits []source.Hit) {
	if len(hits) == 0 {
		return
	}
	t := ui.Table{Head: []string{"SLUG", "VERSION", "DESCRIPTION"}}
	for _, h := range hits {
		slug := h.Slug
		if h.Owner != "" {
			slug = h.Owner + "/" + h.Slug
		}
		t.Rows = append(t.Rows, ui.Text(slug, h.Version, h.Description))
	}
	p.Table(t)
}
