package server

import (
	"net/http"

	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/api"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

// downloadBoth is /api/download: of openskills.cc, and of ClawHub's older clients.
// The slug may be that of a skill, owner/slug, or both joined by a hyphen; version
// is a query, as in a reference. What is asked for beside that means nothing here.
func (s *Server) downloadBoth(w http.ResponseWriter, r *http.Request) {
	generation, done := s.again(w, r)
	if done {
		return
	}
	values, err := query(r)
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	slug := values.Get("slug")
	if owner := values.Get("ownerHandle"); owner != "" {
		slug = owner + "/" + slug
	}
	if _, err := nameOf(slug, ""); err != nil {
		s.failJSON(w, r, err)
		return
	}
	q, err := version.ParseQuery(values.Get("version"))
	if err != nil {
		s.failJSON(w, r, &fault{http.StatusBadRequest, "bad_version", err.Error()})
		return
	}
	k, err := s.catalog.FindFlat(r.Context(), slug)
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	v, err := s.answer(r, k, q)
	if err == nil {
		err = s.send(w, r, k, v, generation)
	}
	if err != nil {
		s.failJSON(w, r, err)
	}
}

// answer is the version of a skill that a query asks for.
func (s *Server) answer(r *http.Request, k meta.Skill, q version.Query) (meta.Version, error) {
	if q.Kind() == version.Any && k.Latest != "" {
		return s.catalog.Select(r.Context(), k, catalog.Want{})
	}
	list, err := s.catalog.Versions(r.Context(), k)
	if err != nil {
		return meta.Version{}, err
	}
	infos := make([]version.Info, len(list))
	for i, v := range list {
		infos[i].Version = v.Version
		if v.Yanked {
			infos[i].Yanked, infos[i].Reason = true, v.YankReason
		}
		for tag, number := range k.Tags {
			if number == v.Version {
				infos[i].Tags = append(infos[i].Tags, tag)
			}
		}
	}
	chosen, err := version.Select(q, infos, "")
	if err != nil {
		return meta.Version{}, err
	}
	return s.catalog.Select(r.Context(), k, catalog.Want{Version: chosen.Version})
}

// searchBoth is /api/search: of ClawHub's older clients, of Vercel's and of
// openskills.cc, each of which reads its part of the answer. An empty query finds
// everything, what is used most first.
func (s *Server) searchBoth(w http.ResponseWriter, r *http.Request) {
	values, err := query(r)
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	text, err := textOf(values)
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	limit, err := limitOf(values)
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	var hits []meta.Hit
	if text == "" {
		var list []meta.Skill
		list, _, err = s.catalog.List(r.Context(), meta.ListQuery{Owner: values.Get("owner"), Sort: meta.ByDownloads, Limit: limit})
		for _, k := range list {
			hits = append(hits, meta.Hit{Skill: k})
		}
	} else {
		hits, err = s.catalog.Search(r.Context(), meta.SearchQuery{Text: text, Owner: values.Get("owner"), Limit: limit})
	}
	if err != nil {
		s.failJSON(w, r, err)
		return
	}
	answer := api.Found{Results: resultsOf(hits), Skills: make([]api.Listed, len(hits))}
	for i, h := range hits {
		answer.Skills[i] = api.Listed{
			ID: h.Owner + "/" + h.Slug, Slug: h.Slug, Name: h.Slug, Description: h.Summary, Version: h.Latest,
			Source: s.base(r) + "/" + h.Owner, Installs: h.Downloads, // so that source@name can be installed as it is printed
		}
	}
	s.json(w, http.StatusOK, answer)
}
