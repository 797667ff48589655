package openskills

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// Search asks the registry. One that has no search, and answers with a page or
// with 404, is source.ErrUnsupported.
func (r *Registry) Search(ctx context.Context, query string, limit int) ([]source.Hit, error) {
	u := r.base.String() + "/api/search?q=" + url.QueryEscape(query) + "&limit=" + strconv.Itoa(limit)
	resp, err := r.client.Get(ctx, u, transport.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", r.base.Host, explainSearch(err))
	}
	hits, err := readHits(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", r.base.Host, err)
	}
	// The one whose slug was typed comes first, whatever the server thinks.
	slices.SortStableFunc(hits, func(a, b source.Hit) int {
		return exact(b, query) - exact(a, query)
	})
	return hits[:min(len(hits), max(limit, 0))], nil
}

func exact(h source.Hit, query string) int {
	if h.Slug == query {
		return 1
	}
	return 0
}

func explainSearch(err error) error {
	var (
		content *transport.ContentError
		status  *transport.StatusError
	)
	switch {
	case errors.As(err, &content):
		return fmt.Errorf("%w: %w", source.ErrUnsupported, err)
	case errors.As(err, &status):
		switch status.Status {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
			return fmt.Errorf("%w: %w", source.ErrUnsupported, err)
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("%w: %w", source.ErrAuth, err)
		case http.StatusUnavailableForLegalReasons:
			return fmt.Errorf("%w: %w", source.ErrWithheld, err)
		}
	}
	return err
}

// readHits reads {"results":[…]}, {"skills":[…]}, either of them in data, or a
// bare list. Hits that could not be installed by their slug are left out.
func readHits(body []byte) ([]source.Hit, error) {
	list := json.RawMessage(body)
	if top, ok := parseEnvelope(body); ok {
		inner, _ := parseEnvelope(top["data"])
		list = top["data"]
		for _, e := range []envelope{inner, top} {
			for _, name := range []string{"skills", "results"} {
				if items := e[name]; len(items) > 2 || len(list) == 0 {
					list = items
				}
			}
		}
	}
	var items []json.RawMessage
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, fmt.Errorf("%w: the answer holds no list", source.ErrUnsupported)
	}
	hits := make([]source.Hit, 0, len(items))
	for _, item := range items {
		e, ok := parseEnvelope(item)
		if !ok {
			continue
		}
		hit := source.Hit{
			Slug:        e.text("slug", "id", "name"),
			Name:        e.text("displayName", "name"),
			Version:     e.text("version"),
			Description: e.text("summary", "description"),
		}
		if ref.ValidSlug(hit.Slug) {
			hits = append(hits, hit)
		}
	}
	return hits, nil
}
