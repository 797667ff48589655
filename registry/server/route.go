package server

import (
	"net/http"
	"strings"
)

// route returns the handler that sends a request to the part that its first segment
// belongs to. What is no part is an owner; no owner has the name of a part
// (catalog knows them), so that routes cannot meet.
func (s *Server) route(pages http.Handler) http.Handler {
	apis, static, ops := s.apiRoutes(), s.staticRoutes(), s.opsRoutes()
	parts := map[string]http.Handler{
		"api": apis, "upload": apis,
		"v2":          s.ociRoutes(),
		".well-known": s.rootRoutes(),
		"config.json": static, "index": static, "blobs": static, "owners": static, "catalog": static, "log": static,
		"healthz": ops, "readyz": ops, "metrics": ops,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch h, ok := parts[first]; {
		case ok:
			h.ServeHTTP(w, r)
		case first != "" && ownedFile(rest):
			static.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}

// ownedFile reports whether what is below an owner is a file for programs, and no
// page.
func ownedFile(rest string) bool {
	if strings.HasPrefix(rest, ".well-known/") || strings.Contains(rest, "/.well-known/") {
		return true
	}
	parts := strings.Count(rest, "/")
	return parts == 1 && strings.HasSuffix(rest, ".zip") || parts == 2 && strings.HasSuffix(rest, "/SKILL.md")
}
