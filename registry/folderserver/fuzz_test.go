package folderserver_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/openskills-go/skills/registry/folderserver"
)

// No request makes the server fail, and each that it refuses gets its reason as
// JSON.
func FuzzRequest(f *testing.F) {
	h := handler(f, sample, folderserver.Options{})
	f.Add("GET", "/api/download", "slug=conventional-commits&version=^1", "bytes=0-9,3-5")
	f.Add("GET", "/api/search", "q=%e5%90%8e%e7%ab%af&limit=3", "")
	f.Add("HEAD", "/zh/skills/sickn33-skills-backend-architect", "", "")
	f.Add("GET", "/skills/..%2f..%2fetc", "a=%zz;b", "bytes=-")
	f.Add("PUT", "//skills/../healthz", "\x00", "")
	f.Fuzz(func(t *testing.T, method, path, query, ranges string) {
		u, err := url.Parse(path)
		if err != nil || !strings.HasPrefix(u.Path, "/") {
			return
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://registry.test/", nil)
		r.Method, r.URL.Path, r.URL.RawPath, r.URL.RawQuery = method, u.Path, u.RawPath, query
		if ranges != "" {
			r.Header.Set("Range", ranges)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != http.StatusNotImplemented {
			t.Errorf("%s %q?%q: status %d", method, path, query, w.Code)
		}
		if w.Code >= 400 && w.Code != http.StatusRequestedRangeNotSatisfiable && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %q?%q: status %d without JSON: %s", method, path, query, w.Code, w.Body)
		}
		if strings.Contains(w.Header().Get("Content-Type"), "html") && w.Code < 300 &&
			!strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s %q?%q: a page without a policy", method, path, query)
		}
	})
}
