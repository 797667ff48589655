package server

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/registry/api"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

const (
	defaultPage = 25
	maxPage     = 200
	maxQuery    = 200 // bytes
	maxFile     = 10 << 20
)

// apiRoutes are version 1 of the API of ClawHub, its older addresses, and what this
// project adds to it.
func (s *Server) apiRoutes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range s.apiTable() {
		mux.Handle(pattern, h)
	}
	mux.HandleFunc("/", s.noPath)
	return mux
}

// apiTable is the routes; openapi.yaml is held to it.
func (s *Server) apiTable() map[string]http.Handler {
	table := map[string]http.Handler{}
	read := func(pattern string, h http.HandlerFunc) { table["GET "+pattern] = s.remembered(h) }
	read("/api/v1/search", s.search)
	read("/api/v1/skills", s.list)
	read("/api/v1/skills/{slug}", s.skill)
	read("/api/v1/skills/{slug}/versions", s.versions)
	read("/api/v1/skills/{slug}/versions/{version}", s.version)
	read("/api/v1/skills/{slug}/install", s.install)
	read("/api/v1/owners/{handle}", s.owner)
	read("/api/v1/resolve", s.resolve)
	read("/api/search", s.searchBoth)
	read("/api/skill", s.skill)
	read("/api/skill/resolve", s.resolve)
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /api/openapi.yaml":                                 s.openapi,
		"GET /api/v1/skills/{slug}/moderation":                  s.moderation,
		"GET /api/v1/skills/{slug}/file":                        s.file,
		"GET /api/v1/download":                                  s.download,
		"GET /api/download":                                     s.downloadBoth,
		"GET /api/v1/whoami":                                    s.whoami,
		"GET /api/cli/whoami":                                   s.whoami,
		"POST /api/v1/skills/-/upload-url":                      s.uploadURL,
		"POST /api/cli/upload-url":                              s.uploadURL,
		"POST /upload/{ticket}":                                 s.upload,
		"POST /api/v1/skills":                                   s.publish,
		"POST /api/cli/publish":                                 s.publish,
		"DELETE /api/v1/skills/{slug}":                          s.change((*catalog.Catalog).Delete),
		"POST /api/v1/skills/{slug}/undelete":                   s.change((*catalog.Catalog).Undelete),
		"POST /api/cli/skill/delete":                            s.change((*catalog.Catalog).Delete),
		"POST /api/cli/skill/undelete":                          s.change((*catalog.Catalog).Undelete),
		"DELETE /api/v1/skills/{slug}/versions/{version}":       s.change((*catalog.Catalog).Delete),
		"POST /api/v1/skills/{slug}/versions/{version}/restore": s.change((*catalog.Catalog).Undelete),
		"POST /api/v1/skills/{slug}/versions/{version}/yank":    s.yank,
		"POST /api/v1/skills/{slug}/versions/{version}/unyank":  s.change((*catalog.Catalog).Unyank),
		"POST /api/v1/skills/{slug}/deprecate":                  s.deprecate,
		"POST /api/v1/skills/{slug}/remove":                     s.remove,
		"POST /api/v1/skills/{slug}/restore":                    s.change((*catalog.Catalog).Restore),
		"POST /api/v1/skills/{slug}/tags/{tag}":                 s.tag,
		"DELETE /api/v1/skills/{slug}/tags/{tag}":               s.untag,
		"POST /api/v1/stars/{slug}":                             s.star,
		"DELETE /api/v1/stars/{slug}":                           s.unstar,
		"POST /api/v1/owners":                                   s.addOwner,
		"PUT /api/v1/owners/{handle}/members/{user}":            s.setMember,
		"DELETE /api/v1/owners/{handle}/members/{user}":         s.setMember,
		"POST /api/cli/device/code":                             s.deviceCode,
		"POST /api/cli/device/token":                            s.deviceToken,
		"POST /api/cli/telemetry/install":                       s.thanks,
		"POST /api/cli/telemetry/sync":                          s.thanks,
	} {
		table[pattern] = h
	}
	return table
}

func (s *Server) discovery(w http.ResponseWriter, r *http.Request) {
	s.json(w, http.StatusOK, api.Discovery{APIBase: s.base(r), AuthBase: s.base(r), MinCLIVersion: "0.0.5"})
}

// base is how clients reach the server.
func (s *Server) base(r *http.Request) string {
	if s.options.URL != "" {
		return s.options.URL
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return scheme + r.Host
}

// query parses the query of a URL more strictly than net/http does: what is
// malformed, or said twice, would be read in different ways by us and by whatever
// stands before us.
func query(r *http.Request) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &fault{http.StatusBadRequest, "bad_request", "the query is malformed"}
	}
	for name, v := range values {
		if len(v) > 1 {
			return nil, &fault{http.StatusBadRequest, "bad_request", "the parameter " + strconv.QuoteToASCII(name[:min(len(name), 40)]) + " is given more than once"}
		}
	}
	return values, nil
}

// nameOf reads a slug and an owner as clients send them: those that know no owners
// send @owner/slug as the slug.
func nameOf(slug, owner string) (catalog.Name, error) {
	if o, rest, ok := strings.Cut(strings.TrimPrefix(slug, "@"), "/"); ok {
		owner, slug = o, rest
	}
	if slug == "" || len(slug) > 200 || len(owner) > 200 || strings.ContainsAny(slug+owner, "/\x00") {
		return catalog.Name{}, &fault{http.StatusBadRequest, "bad_slug", "the slug is missing or not valid"}
	}
	return catalog.Name{Owner: strings.ToLower(strings.TrimPrefix(owner, "@")), Slug: slug}, nil
}

// asked returns the skill that a request is about, in its path or its query.
func (s *Server) asked(r *http.Request) (meta.Skill, url.Values, error) {
	values, err := query(r)
	if err != nil {
		return meta.Skill{}, nil, err
	}
	slug := r.PathValue("slug")
	if slug == "" {
		slug = values.Get("slug")
	}
	n, err := nameOf(slug, values.Get("ownerHandle"))
	if err != nil {
		return meta.Skill{}, nil, err
	}
	k, err := s.catalog.Find(r.Context(), n)
	return k, values, err
}

func limitOf(values url.Values) (int, error) {
	text := values.Get("limit")
	if text == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPage {
		return 0, &fault{http.StatusBadRequest, "bad_limit", "the limit is not between 1 and 200"}
	}
	return n, nil
}

func textOf(values url.Values) (string, error) {
	text := strings.TrimSpace(values.Get("q"))
	if len(text) > maxQuery || strings.ToValidUTF8(text, "") != text {
		return "", &fault{http.StatusBadRequest, "bad_query", "the query is longer than 200 bytes, or not UTF-8"}
	}
	return text, nil
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	values, err := query(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	text, err := textOf(values)
	limit, err2 := limitOf(values)
	switch {
	case err == nil && err2 != nil:
		err = err2
	case err == nil && text == "":
		err = &fault{http.StatusBadRequest, "bad_query", "Missing q"}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	hits, err := s.catalog.Search(r.Context(), meta.SearchQuery{Text: text, Owner: values.Get("owner"), Exact: values.Get("mode") == "exact", Limit: limit})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.json(w, http.StatusOK, api.Found{Results: resultsOf(hits)})
}

func resultsOf(hits []meta.Hit) []api.Result {
	results := make([]api.Result, len(hits))
	for i, h := range hits {
		results[i] = api.Result{
			Score: h.Score, Slug: h.Slug, DisplayName: h.Name, Summary: h.Summary, Version: h.Latest, Downloads: h.Downloads,
			UpdatedAt: h.Updated.UnixMilli(), OwnerHandle: h.Owner, Owner: &api.Account{Handle: h.Owner, DisplayName: h.Owner},
		}
	}
	return results
}

var sorts = map[string]meta.Sort{
	"": meta.ByUpdated, "updated": meta.ByUpdated, "createdAt": meta.ByCreated, "newest": meta.ByCreated, "stars": meta.ByStars,
	"downloads": meta.ByDownloads, "installs": meta.ByDownloads, "installsCurrent": meta.ByDownloads, "installsAllTime": meta.ByDownloads, "trending": meta.ByDownloads,
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	values, err := query(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	limit, err := limitOf(values)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	sort, ok := sorts[values.Get("sort")]
	if !ok {
		s.fail(w, r, &fault{http.StatusBadRequest, "bad_sort", "the sort is none of updated, createdAt, stars, downloads, installs, trending"})
		return
	}
	list, next, err := s.catalog.List(r.Context(), meta.ListQuery{
		Owner: values.Get("ownerHandle"), Prefix: values.Get("prefix"), Sort: sort, Limit: limit, Cursor: values.Get("cursor"),
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer := api.List{Items: make([]api.Item, len(list))}
	for i, k := range list {
		answer.Items[i] = itemOf(k)
		answer.Items[i].LatestVersion = &api.Version{Version: k.Latest, CreatedAt: k.Updated.UnixMilli()}
	}
	if next != "" {
		answer.NextCursor = &next
	}
	s.json(w, http.StatusOK, answer)
}

func itemOf(k meta.Skill) api.Item {
	tags := k.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return api.Item{
		Slug: k.Slug, DisplayName: k.Name, Summary: k.Summary, Topics: k.Topics, Tags: tags,
		Stats:     api.Stats{Downloads: k.Downloads, Installs: k.Downloads, Stars: k.Stars},
		CreatedAt: k.Created.UnixMilli(), UpdatedAt: k.Updated.UnixMilli(), OwnerHandle: k.Owner, Deprecated: k.Deprecated,
	}
}

func versionOf(v meta.Version, files []meta.File) *api.Version {
	out := &api.Version{
		Version: v.Version, Changelog: v.Changelog, CreatedAt: v.Created.UnixMilli(), Artifact: artifactOf(v),
	}
	if v.License == "MIT-0" {
		out.License = &v.License
	}
	if v.Yanked {
		out.Yanked = v.YankReason
	}
	for _, f := range files {
		out.Files = append(out.Files, api.File{Path: f.Path, Size: f.Size, SHA256: f.Digest.Hex(), ContentType: f.ContentType})
	}
	return out
}

func artifactOf(v meta.Version) *api.Artifact {
	return &api.Artifact{SHA256: v.Artifact.Hex(), Size: v.Size, Tree: string(v.Tree)}
}

func (s *Server) skill(w http.ResponseWriter, r *http.Request) {
	k, _, err := s.asked(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	item := itemOf(k)
	answer := api.Skill{Skill: &item, Owner: &api.Account{Handle: k.Owner, DisplayName: k.Owner}}
	if k.Latest != "" {
		v, err := s.catalog.Select(r.Context(), k, catalog.Want{})
		if err != nil {
			s.fail(w, r, err)
			return
		}
		answer.LatestVersion = versionOf(v, nil)
	}
	s.json(w, http.StatusOK, answer)
}

// moderation is what ClawHub has, and this registry has not: what is bad is removed.
func (s *Server) moderation(w http.ResponseWriter, r *http.Request) {
	if _, _, err := s.asked(r); err != nil {
		s.fail(w, r, err)
		return
	}
	s.fail(w, r, &fault{http.StatusNotFound, "not_found", "there is no moderation to tell of"})
}

func (s *Server) versions(w http.ResponseWriter, r *http.Request) {
	k, values, err := s.asked(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	limit, err := limitOf(values)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list, err := s.catalog.Versions(r.Context(), k)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	from := 0
	if cursor := values.Get("cursor"); cursor != "" {
		// A version, so that a page stays where it was when there are newer ones.
		i := slices.IndexFunc(list, func(v meta.Version) bool { return v.Version == cursor })
		if i < 0 {
			s.fail(w, r, &meta.CursorError{})
			return
		}
		from = i + 1
	}
	answer := api.Versions{Items: []api.Version{}}
	to := min(len(list), from+limit)
	for _, v := range list[from:to] {
		answer.Items = append(answer.Items, *versionOf(v, nil))
	}
	if to < len(list) {
		answer.NextCursor = &list[to-1].Version
	}
	s.json(w, http.StatusOK, answer)
}

func (s *Server) version(w http.ResponseWriter, r *http.Request) {
	k, _, err := s.asked(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v, err := s.catalog.Select(r.Context(), k, catalog.Want{Version: r.PathValue("version")})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	files, err := s.catalog.Files(r.Context(), v)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.json(w, http.StatusOK, api.OneVersion{Version: versionOf(v, files), Skill: &api.Naming{Slug: k.Slug, DisplayName: k.Name}})
}

func (s *Server) install(w http.ResponseWriter, r *http.Request) {
	k, _, err := s.asked(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v, err := s.catalog.Select(r.Context(), k, catalog.Want{})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.json(w, http.StatusOK, api.Install{OK: true, Slug: k.Slug, InstallKind: "archive", Archive: api.Archive{
		Version:     v.Version,
		DownloadURL: s.base(r) + "/api/v1/download?" + url.Values{"slug": {k.Slug}, "ownerHandle": {k.Owner}, "version": {v.Version}}.Encode(),
	}})
}

func (s *Server) resolve(w http.ResponseWriter, r *http.Request) {
	k, values, err := s.asked(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer := api.Resolved{Slug: k.Slug}
	if k.Latest != "" {
		answer.LatestVersion = &api.Number{Version: k.Latest}
	}
	v, ok, err := s.catalog.Match(r.Context(), k, values.Get("hash"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if ok {
		answer.Match = &api.Number{Version: v.Version}
	}
	s.json(w, http.StatusOK, answer)
}

func (s *Server) ambiguous(r *http.Request, e *catalog.AmbiguousError) api.Ambiguous {
	answer := api.Ambiguous{Code: "AMBIGUOUS_SKILL_SLUG", Message: "Several owners have a skill " + e.Slug + "; say which."}
	for _, k := range e.Matches {
		name := k.Owner + "/" + k.Slug
		answer.Matches = append(answer.Matches, api.Match{OwnerHandle: k.Owner, Slug: k.Slug, Ref: "@" + name, URL: s.base(r) + "/" + name})
	}
	return answer
}
