package server

import (
	"net/http"
	"strings"
)

// route returns the handler that sends a request to the part that its first segment
// belongs to. What is no part is an owner; no owner has the name of a part
// (catalog knows them), so that routes cannot meet.
func (s *Server) route(pages http.Handler) http.Handler {
	parts := map[string]http.Handler{
		"api":         s.apiRoutes(),
		"upload":      s.apiRoutes(),
		"v2":          s.ociRoutes(),
		".well-known": s.rootRoutes(),
		"config.json": s.staticRoutes(),
		"index":       s.staticRoutes(),
		"blobs":       s.staticRoutes(),
		"files":       s.staticRoutes(),
		"owners":      s.staticRoutes(),
		"catalog":     s.staticRoutes(),
		"log":         s.staticRoutes(),
		"healthz":     s.opsRoutes(),
		"readyz":      s.opsRoutes(),
		"metrics":     s.opsRoutes(),
	}
	owned := s.ownerRoutes(pages)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch h, ok := parts[first]; {
		case ok:
			h.ServeHTTP(w, r)
		case strings.Contains(rest, ".well-known/") || strings.HasSuffix(rest, ".zip"):
			owned.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}
