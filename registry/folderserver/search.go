package folderserver

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/openskills-go/skills/pkg/source"
)

const (
	maxQuery     = 200 // bytes
	defaultLimit = 20
	maxLimit     = 100
)

// found is the answer to a search, in the two shapes that clients read: results
// is that of ClawHub's old API, skills that of Vercel's.
type found struct {
	Results []result `json:"results"`
	Skills  []listed `json:"skills"`
}

type result struct {
	Slug        string `json:"slug"`
	DisplayName string `json:"displayName"`
	Summary     string `json:"summary,omitempty"`
	Version     string `json:"version,omitempty"`
	Score       int    `json:"score"`
}

type listed struct {
	ID          string `json:"id"`
	Slug        string `json:"slug"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Version     string `json:"version,omitempty"`
	Source      string `json:"source,omitempty"`
	Installs    int    `json:"installs"`
}

func (s *server) search(w http.ResponseWriter, r *http.Request) {
	text, limit, err := parseSearch(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	hits, err := s.hits(r, text, limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer := found{Results: make([]result, len(hits)), Skills: make([]listed, len(hits))}
	for i, hit := range hits {
		name := hit.Name
		if name == "" {
			name = hit.Slug
		}
		answer.Results[i] = result{hit.Slug, name, hit.Description, hit.Version, len(hits) - i}
		answer.Skills[i] = listed{
			ID: hit.Slug, Slug: hit.Slug, Name: name, Description: hit.Description, Version: hit.Version, Source: s.url,
		}
	}
	w.Header().Set("Cache-Control", "no-cache")
	s.writeJSON(w, http.StatusOK, answer)
}

func (s *server) hits(r *http.Request, text string, limit int) ([]source.Hit, error) {
	done, err := s.turn(r.Context())
	if err != nil {
		return nil, err
	}
	defer done()
	return s.catalog.Search(r.Context(), text, limit)
}

func parseSearch(r *http.Request) (text string, limit int, err error) {
	values, err := query(r)
	if err != nil {
		return "", 0, err
	}
	text = strings.TrimSpace(values.Get("q"))
	if len(text) > maxQuery || !utf8.ValidString(text) {
		return "", 0, &fault{http.StatusBadRequest, "bad_query", "q is longer than 200 bytes, or not UTF-8"}
	}
	limit = defaultLimit
	if v := values.Get("limit"); v != "" {
		limit, err = strconv.Atoi(v)
		if err != nil || limit < 1 || limit > maxLimit {
			return "", 0, &fault{http.StatusBadRequest, "bad_limit", "limit is not between 1 and 100"}
		}
	}
	return text, limit, nil
}
