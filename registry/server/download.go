package server

import (
	"encoding/base64"
	"encoding/hex"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

// wanted reads which version is wanted.
func wanted(values url.Values) catalog.Want {
	if v := values.Get("version"); v != "" {
		return catalog.Want{Version: v}
	}
	return catalog.Want{Tag: values.Get("tag")}
}

func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	generation, done := s.again(w, r)
	if done {
		return
	}
	k, values, err := s.asked(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v, err := s.catalog.Select(r.Context(), k, wanted(values))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if err := s.send(w, r, k, v, generation); err != nil {
		s.fail(w, r, err)
	}
}

// send answers with the artifact of a version, and remembers it as of a generation. Range, If-Range, If-None-Match and
// HEAD are what http.ServeContent makes of them.
func (s *Server) send(w http.ResponseWriter, r *http.Request, k meta.Skill, v meta.Version, generation int64) error {
	blob, size, err := s.catalog.Blob(r.Context(), v.Artifact)
	if err != nil {
		return err
	}
	defer func() { _ = blob.Close() }()
	h := w.Header()
	if v.Yanked {
		h.Set("X-Skill-Yanked", url.PathEscape(v.YankReason))
	}
	h.Set("Content-Type", "application/zip")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache") // keep it, but ask whether it still holds
	}
	h.Set("Etag", strconv.Quote(string(v.Artifact)))
	if sum, err := hex.DecodeString(v.Artifact.Hex()); err == nil {
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":") // RFC 9530
	}
	h.Set("X-Skill-Version", v.Version)
	h.Set("Content-Disposition", `attachment; filename="`+k.Slug+"-"+v.Version+`.zip"`)
	if r.Method == http.MethodGet && r.Header.Get("Range") == "" && r.Header.Get("If-None-Match") == "" {
		s.catalog.Downloaded(k.ID)
	}
	if err := s.keep(generation, &answer{key: r.URL.RequestURI(), header: h, skill: k.ID}, blob, size); err != nil {
		return err
	}
	serveBlob(w, r, blob, size)
	return nil
}

func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	k, values, err := s.asked(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v, err := s.catalog.Select(r.Context(), k, wanted(values))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	data, f, err := s.catalog.File(r.Context(), v, values.Get("path"))
	switch {
	case err != nil:
	case len(data) > maxFile:
		err = &fault{http.StatusRequestEntityTooLarge, "too_large", "the file is larger than 10 MB: download the version"}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	if strings.HasPrefix(f.ContentType, "text/") || f.ContentType == "application/json" || f.ContentType == "application/yaml" {
		h.Set("Content-Type", "text/plain; charset=utf-8") // never what a browser would run
	}
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(f.Path)}))
	h.Set("Etag", strconv.Quote(f.Digest.Hex()))
	h.Set("X-Content-SHA256", f.Digest.Hex())
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(data)))
}
