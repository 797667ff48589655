package server

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

const (
	mediaManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaIndex    = "application/vnd.oci.image.index.v1+json"
	ociLimit      = 1000
)

// ociRoutes are the reading half of the distribution specification of OCI. A skill
// is the repository owner/slug, its versions and tags are tags.
func (s *Server) ociRoutes() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			s.failOCI(w, r, &fault{http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry is published to by other ways"})
			return
		}
		if err := s.oci(w, r); err != nil {
			s.failOCI(w, r, err)
		}
	})
}

func (s *Server) oci(w http.ResponseWriter, r *http.Request) error {
	path := strings.TrimPrefix(r.URL.Path, "/v2/")
	if path == "" || r.URL.Path == "/v2" {
		if s.options.Private && !askerOf(r).Has(catalog.ScopeRead) {
			return &catalog.DeniedError{Why: "this registry is read with a token", Anonymous: true}
		}
		s.json(w, http.StatusOK, struct{}{})
		return nil
	}
	parts := strings.Split(path, "/")
	if len(parts) != 4 {
		return &catalog.NotFoundError{What: "skill", Name: path}
	}
	k, err := s.catalog.Find(r.Context(), catalog.Name{Owner: parts[0], Slug: parts[1]})
	if err != nil {
		return err
	}
	switch parts[2] {
	case "manifests":
		return s.manifest(w, r, k, parts[3])
	case "blobs":
		return s.layer(w, r, k, parts[3])
	case "referrers":
		s.index(w)
		return nil
	case "tags":
		if parts[3] == "list" {
			return s.tags(w, r, k)
		}
	}
	return &catalog.NotFoundError{What: "manifest", Name: path}
}

// index says that nothing refers to a manifest.
func (s *Server) index(w http.ResponseWriter) {
	w.Header().Set("Content-Type", mediaIndex)
	_, _ = w.Write([]byte(`{"schemaVersion":2,"mediaType":"` + mediaIndex + `","manifests":[]}`))
}

// manifest answers with the image of a version, by its digest, its number or a tag.
func (s *Server) manifest(w http.ResponseWriter, r *http.Request, k meta.Skill, reference string) error {
	d, err := digest.Parse(reference)
	if err != nil {
		v, err := s.catalog.Select(r.Context(), k, catalog.Want{Tag: reference})
		if errors.As(err, new(*catalog.NotFoundError)) {
			v, err = s.catalog.Select(r.Context(), k, catalog.Want{Version: strings.ReplaceAll(reference, "_", "+")})
		}
		if err != nil {
			return err
		}
		d = v.Manifest
	} else if _, err := s.catalog.ByManifest(r.Context(), k, d); err != nil {
		return err
	}
	w.Header().Set("Content-Type", mediaManifest)
	return s.ociBlob(w, r, d)
}

// layer answers with a part of an image of a skill, and of no other.
func (s *Server) layer(w http.ResponseWriter, r *http.Request, k meta.Skill, reference string) error {
	d, err := digest.Parse(reference)
	if err != nil {
		return &fault{http.StatusBadRequest, "DIGEST_INVALID", "the digest is not valid"}
	}
	list, err := s.catalog.Versions(r.Context(), k)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(v meta.Version) bool { return v.Layer == d || v.Config == d || v.Manifest == d }) {
		return &catalog.NotFoundError{What: "blob", Name: reference}
	}
	if r.Method == http.MethodGet && slices.ContainsFunc(list, func(v meta.Version) bool { return v.Layer == d }) && r.Header.Get("Range") == "" {
		s.catalog.Downloaded(k.ID)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	return s.ociBlob(w, r, d)
}

func (s *Server) ociBlob(w http.ResponseWriter, r *http.Request, d digest.Digest) error {
	blob, size, err := s.catalog.Blob(r.Context(), d)
	if err != nil {
		return err
	}
	defer func() { _ = blob.Close() }()
	h := w.Header()
	h.Set("Docker-Content-Digest", string(d))
	h.Set("Etag", strconv.Quote(string(d)))
	serveBlob(w, r, blob, size)
	return nil
}

// tags lists the versions and tags of a skill, in order, from after last on.
func (s *Server) tags(w http.ResponseWriter, r *http.Request, k meta.Skill) error {
	values, err := query(r)
	if err != nil {
		return err
	}
	n := ociLimit
	if text := values.Get("n"); text != "" {
		if n, err = strconv.Atoi(text); err != nil || n < 0 {
			return &fault{http.StatusBadRequest, "PAGINATION_NUMBER_INVALID", "n is no number"}
		}
		n = min(n, ociLimit)
	}
	list, err := s.catalog.Versions(r.Context(), k)
	if err != nil {
		return err
	}
	names := []string{}
	for _, v := range list {
		names = append(names, v.Version)
	}
	for tag := range k.Tags {
		names = append(names, tag)
	}
	slices.Sort(names)
	from := 0
	if last := values.Get("last"); last != "" {
		if from, _ = slices.BinarySearch(names, last); from < len(names) && names[from] == last {
			from++
		}
	}
	page := names[from:min(len(names), from+n)]
	if from+n < len(names) && n > 0 {
		w.Header().Set("Link", `</v2/`+k.Owner+`/`+k.Slug+`/tags/list?n=`+strconv.Itoa(n)+`&last=`+page[len(page)-1]+`>; rel="next"`)
	}
	s.json(w, http.StatusOK, struct {
		Name string   `json:"name"`
		Tags []string `json:"tags"`
	}{k.Owner + "/" + k.Slug, page})
	return nil
}

// failOCI answers with err as the specification has it.
func (s *Server) failOCI(w http.ResponseWriter, r *http.Request, err error) {
	f := s.faulty(w, r, err)
	code := f.code
	switch {
	case f.status == http.StatusUnauthorized:
		code = "UNAUTHORIZED"
		w.Header().Set("WWW-Authenticate", `Basic realm="skills-registry"`) // the token is the password
	case f.status == http.StatusForbidden:
		code = "DENIED"
	case f.status == http.StatusNotFound && strings.Contains(r.URL.Path, "/manifests/"):
		code = "MANIFEST_UNKNOWN"
	case f.status == http.StatusNotFound && strings.Contains(r.URL.Path, "/blobs/"):
		code = "BLOB_UNKNOWN"
	case f.status == http.StatusNotFound:
		code = "NAME_UNKNOWN"
	}
	type one struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	s.json(w, f.status, struct {
		Errors []one `json:"errors"`
	}{[]one{{code, f.message}}})
}
