package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/openskills-go/skills/registry/api"
	"github.com/openskills-go/skills/registry/internal/site"
	"github.com/openskills-go/skills/registry/internal/translog"
)

func (s *Server) newSite() *site.Site {
	host := "skills.local"
	if u, err := url.Parse(s.options.URL); err == nil && u.Host != "" {
		host = u.Host
	}
	title := s.options.Title
	if title == "" {
		title = host
	}
	return &site.Site{Catalog: s.catalog, Log: &translog.Log{DB: s.db, Origin: host + "/skills-log"}, Name: title, Featured: s.options.Featured}
}

// staticRoutes answer with the files of the static layout.
func (s *Server) staticRoutes() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			s.fail(w, r, &fault{http.StatusMethodNotAllowed, "method_not_allowed", "Method not allowed"})
			return
		}
		f, err := s.site.Render(r.Context(), strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			s.fail(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.Type)
		if h.Get("Cache-Control") == "" { // it is there, and private, where reading needs a token
			h.Set("Cache-Control", f.Cache)
		}
		if f.Blob == "" {
			sum := sha256.Sum256(f.Data)
			h.Set("Etag", strconv.Quote(hex.EncodeToString(sum[:16])))
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.Data))
			return
		}
		blob, size, err := s.catalog.Blob(r.Context(), f.Blob)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		defer func() { _ = blob.Close() }()
		h.Set("Etag", strconv.Quote(string(f.Blob)))
		if f.Skill != 0 && r.Method == http.MethodGet && r.Header.Get("Range") == "" && r.Header.Get("If-None-Match") == "" {
			s.catalog.Downloaded(f.Skill)
		}
		serveBlob(w, r, blob, size)
	})
}

// rootRoutes are what is at /.well-known.
func (s *Server) rootRoutes() http.Handler {
	static := s.staticRoutes()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/clawhub.json", s.discovery)
	mux.HandleFunc("GET /.well-known/clawdhub.json", s.discovery)
	mux.Handle("/", static)
	return mux
}

func (s *Server) openapi(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", site.Minute)
	_, _ = w.Write(api.OpenAPI())
}
