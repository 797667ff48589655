package folderserver_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/registry/folder"
	"github.com/openskills-go/skills/registry/folderserver"
	"github.com/openskills-go/skills/registry/registrytest"
)

const sample = "../../testdata/registry"

func handler(t testing.TB, dir string, o folderserver.Options) http.Handler {
	t.Helper()
	catalog, err := folder.Open(folder.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = catalog.Close() })
	if o.Catalog == nil {
		o.Catalog = catalog
	}
	h, err := folderserver.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask makes one request, with headers in pairs.
func ask(t testing.TB, h http.Handler, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://registry.test/", nil)
	path, query, _ := strings.Cut(target, "?")
	r.URL.RawQuery = query
	if err := setPath(r, path); err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func setPath(r *http.Request, escaped string) error {
	u, err := r.URL.Parse(escaped)
	if err == nil {
		r.URL.Path, r.URL.RawPath = u.Path, u.RawPath
	}
	return err
}

func body(t testing.TB, resp *http.Response) string {
	t.Helper()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestDownload(t *testing.T) {
	h := handler(t, sample, folderserver.Options{})
	const target = "/api/download?slug=conventional-commits&locale=en&source=copy"
	first := ask(t, h, "GET", target)
	data := body(t, first)
	want := digest.Of([]byte(data))
	sum := sha256.Sum256([]byte(data))
	text := base64.StdEncoding.EncodeToString(sum[:])
	for name, value := range map[string]string{
		"Content-Type":           "application/zip",
		"Etag":                   `"` + string(want) + `"`,
		"Repr-Digest":            "sha-256=:" + text + ":",
		"Digest":                 "sha-256=" + text,
		"X-Skill-Version":        "1.1.0",
		"X-Content-Type-Options": "nosniff",
		"Content-Disposition":    "attachment; filename=conventional-commits-1.1.0.zip",
		"Accept-Ranges":          "bytes",
	} {
		if got := first.Header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	// Another server over the same folder, as after a restart.
	if again := body(t, ask(t, handler(t, sample, folderserver.Options{}), "GET", target)); again != data {
		t.Error("the bytes are others after a restart")
	}
	etag := first.Header.Get("Etag")
	for _, test := range []struct {
		name, method string
		header       []string
		status       int
		want         string
	}{
		{"again", "GET", nil, 200, data},
		{"head", "HEAD", nil, 200, ""},
		{"not modified", "GET", []string{"If-None-Match", etag}, 304, ""},
		{"modified", "GET", []string{"If-None-Match", `"other"`}, 200, data},
		{"range", "GET", []string{"Range", "bytes=10-19"}, 206, data[10:20]},
		{"rest", "GET", []string{"Range", "bytes=100-", "If-Range", etag}, 206, data[100:]},
		{"rest of another", "GET", []string{"Range", "bytes=100-", "If-Range", `"other"`}, 200, data},
		{"range outside", "GET", []string{"Range", "bytes=9999999-"}, 416, "invalid range: failed to overlap\n"},
		{"gzip is not offered", "GET", []string{"Accept-Encoding", "gzip"}, 200, data},
	} {
		resp := ask(t, h, test.method, target, test.header...)
		if got := body(t, resp); resp.StatusCode != test.status || got != test.want {
			t.Errorf("%s: %d and %d bytes, want %d and %d", test.name, resp.StatusCode, len(got), test.status, len(test.want))
		}
		if resp.StatusCode < 300 && resp.Header.Get("Repr-Digest") != "sha-256=:"+text+":" {
			t.Errorf("%s: digest %q is not that of the whole", test.name, resp.Header.Get("Repr-Digest"))
		}
	}
}

func TestVersionsAndLocales(t *testing.T) {
	h := handler(t, sample, folderserver.Options{})
	for query, want := range map[string]string{
		"slug=conventional-commits&version=1.0.0":        "1.0.0",
		"slug=conventional-commits&version=%5E1":         "1.1.0",
		"slug=conventional-commits&version=2.0.0-beta.1": "2.0.0-beta.1",
		"slug=sickn33-skills-backend-architect":          "",
	} {
		resp := ask(t, h, "GET", "/api/download?"+query)
		if got := resp.Header.Get("X-Skill-Version"); resp.StatusCode != 200 || got != want {
			t.Errorf("%s: %d, version %q, want %q", query, resp.StatusCode, got, want)
		}
	}
	page := body(t, ask(t, h, "GET", "/zh/skills/sickn33-skills-backend-architect"))
	if !strings.Contains(page, "后端架构师") || !strings.Contains(page, "&amp;locale=zh") {
		t.Errorf("the Chinese page is\n%s", page)
	}
	resp := ask(t, h, "GET", "/api/download?slug=conventional-commits&version=%3E%3D3")
	var fault struct {
		Error struct {
			Code string
			Have []string
		}
	}
	if err := json.Unmarshal([]byte(body(t, resp)), &fault); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 404 || fault.Error.Code != "no_match" || len(fault.Error.Have) != 3 {
		t.Errorf("no version: %d %+v", resp.StatusCode, fault)
	}
}

// What was yanked is sent to who asks for it by itself; who asks for a slug that
// is no more is sent to the new one, with all that was asked.
func TestYankedAndRenamed(t *testing.T) {
	dir := t.TempDir()
	text := "---\nname: a\ndescription: d\n---\n"
	for file, data := range map[string]string{
		"a/1.0.0/SKILL.md": text, "a/1.1.0/SKILL.md": text, "a/1.1.0.yanked": "it leaks, \u00fcbel\n",
		"flat/SKILL.md": text, "flat.yanked": "all of it", "old.renamed": "\u6280\u80fd", "\u6280\u80fd/SKILL.md": text,
		"loop.renamed": "loop", "up.renamed": "../a",
	} {
		path := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := handler(t, dir, folderserver.Options{})
	for _, test := range []struct {
		target string
		status int
		header string // name: value
		body   string // holds
	}{
		{"/api/download?slug=a", 200, "X-Skill-Version: 1.0.0", ""},
		{"/api/download?slug=a", 200, "X-Skill-Yanked: ", ""},
		{"/api/download?slug=a&version=1.1.0", 200, "X-Skill-Yanked: it%20leaks%2C%20%C3%BCbel", ""},
		{"/api/download?slug=a&version=1.1.0", 200, "X-Skill-Version: 1.1.0", ""},
		{"/api/download?slug=a&version=>1.0", 410, "X-Skill-Yanked: ", `"code":"yanked","message":"version 1.1.0 is yanked: \"it leaks, \\u00fcbel\"","version":"1.1.0","reason":"it leaks, übel"`},
		{"/api/download?slug=flat", 410, "X-Skill-Version: ", `"reason":"all of it"`},
		{"/api/download?slug=flat&version=0.0.0-t000000000000", 404, "X-Skill-Yanked: ", `no_match`},
		{"/skills/flat", 410, "X-Skill-Yanked: ", `yanked`},
		{"/api/download?slug=old&version=latest&locale=zh&more=%0d%0ax", 308, "Location: ?locale=zh&more=%0D%0Ax&slug=%E6%8A%80%E8%83%BD&version=latest", `"code":"renamed"`},
		{"/skills/old", 308, "Location: ./%E6%8A%80%E8%83%BD", `"code":"renamed"`},
		{"/zh/skills/old", 308, "Location: ./%E6%8A%80%E8%83%BD", ""},
		{"/api/download?slug=loop", 404, "Location: ", `not_found`},
		{"/api/download?slug=up", 404, "Location: ", `not_found`},
	} {
		resp := ask(t, h, http.MethodGet, test.target)
		name, value, _ := strings.Cut(test.header, ": ")
		text := body(t, resp)
		if resp.StatusCode != test.status || resp.Header.Get(name) != value || !strings.Contains(text, test.body) {
			t.Errorf("%s: status %d, %s: %q\n%.300s", test.target, resp.StatusCode, name, resp.Header.Get(name), text)
		}
	}
	tag := ask(t, h, http.MethodGet, "/api/download?slug=a&version=1.1.0").Header.Get("Etag")
	resp := ask(t, h, http.MethodGet, "/api/download?slug=a&version=1.1.0", "If-None-Match", tag)
	if resp.StatusCode != http.StatusNotModified || resp.Header.Get("X-Skill-Yanked") == "" {
		t.Errorf("asked with a validator: status %d, %v", resp.StatusCode, resp.Header)
	}
}

func TestFaults(t *testing.T) {
	dir := t.TempDir()
	files := fstest.MapFS{
		"ok/SKILL.md":    {Data: []byte("---\nname: ok\ndescription: d\n---\n")},
		"broken.zip":     {Data: []byte("PK\x03\x04")},
		"both.zip":       {Data: []byte("PK\x03\x04")},
		"both/SKILL.md":  {Data: []byte("---\nname: both\ndescription: d\n---\n")},
		"noskill/readme": {Data: []byte("x")},
	}
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	h := handler(t, dir, folderserver.Options{})
	for _, test := range []struct {
		method, target string
		status         int
		code           string
	}{
		{"GET", "/api/download", 400, "bad_slug"},
		{"GET", "/api/download?slug=", 400, "bad_slug"},
		{"GET", "/api/download?slug=..%2fetc", 400, "bad_slug"},
		{"GET", "/api/download?slug=a%00b", 400, "bad_slug"},
		{"GET", "/api/download?slug=ok@zh", 400, "bad_slug"},
		{"GET", "/api/download?slug=" + strings.Repeat("a", 300), 400, "bad_slug"},
		{"GET", "/api/download?slug=ok&slug=other", 400, "bad_request"},
		{"GET", "/api/download?slug=%zz", 400, "bad_request"},
		{"GET", "/api/download?slug=ok;locale=zh", 400, "bad_request"},
		{"GET", "/api/download?slug=ok&locale=../x", 400, "bad_locale"},
		{"GET", "/api/download?slug=ok&version=%5E%5E", 400, "bad_version"},
		{"GET", "/api/download?slug=ok&version=%3E9", 404, "no_match"},
		{"GET", "/api/download?slug=missing", 404, "not_found"},
		{"GET", "/api/download?slug=noskill", 404, "not_found"},
		{"GET", "/api/download?slug=broken", 500, "damaged"},
		{"GET", "/api/download?slug=both", 409, "ambiguous"},
		{"GET", "/skills/a%2fb", 400, "bad_slug"},
		{"GET", "/skills/..;", 400, "bad_slug"},
		{"GET", "/skills/missing", 404, "not_found"},
		{"GET", "/x/skills/ok", 400, "bad_locale"},
		{"GET", "/zz9/skills", 404, "not_found"},
		{"GET", "/zh/other", 404, "not_found"},
		{"GET", "/api/nothing", 404, "not_found"},
		{"GET", "/api/search?q=" + strings.Repeat("a", 201), 400, "bad_query"},
		{"GET", "/api/search?q=%ff", 400, "bad_query"},
		{"GET", "/api/search?limit=0", 400, "bad_limit"},
		{"GET", "/api/search?limit=101", 400, "bad_limit"},
		{"GET", "/api/search?limit=x", 400, "bad_limit"},
		{"POST", "/api/download?slug=ok", 405, "method_not_allowed"},
		{"DELETE", "/nothing", 405, "method_not_allowed"},
	} {
		resp := ask(t, h, test.method, test.target)
		var fault struct {
			Error struct{ Code, Message string }
		}
		text := body(t, resp)
		err := json.Unmarshal([]byte(text), &fault)
		if err != nil || resp.StatusCode != test.status || fault.Error.Code != test.code || fault.Error.Message == "" {
			t.Errorf("%s %s: %d %s, want %d %s", test.method, test.target, resp.StatusCode, text, test.status, test.code)
		}
		if strings.Contains(text, dir) {
			t.Errorf("%s: the answer gives a path of the server away: %s", test.target, text)
		}
		if test.status == 405 && resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: Allow is %q", test.target, resp.Header.Get("Allow"))
		}
		for _, name := range []string{"Etag", "Repr-Digest", "Content-Disposition"} {
			if resp.Header.Get(name) != "" {
				t.Errorf("%s: a fault has the header %s", test.target, name)
			}
		}
	}
}

// What a skill says is text to a page, whatever it is.
func TestPagesEscape(t *testing.T) {
	evil := `<script>alert(1)</script>`
	s := registrytest.NewServerFS(t, fstest.MapFS{
		"evil/SKILL.md": {Data: []byte("---\nname: evil\ndescription: \"" + evil + "\"\n---\n" + evil + "<img src=x onerror=y>\n")},
	})
	for _, path := range []string{"/skills", "/skills?q=%22%3E%3Cscript%3Ealert", "/skills/evil", "/zh/skills", "/zh/skills/evil", "/"} {
		resp, err := s.Client().Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		text := body(t, resp)
		_ = resp.Body.Close()
		if resp.StatusCode != 200 || strings.Contains(text, "<script") || strings.Contains(text, "<img") {
			t.Errorf("%s: %d\n%s", path, resp.StatusCode, text)
		}
		policy := resp.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; ") {
			t.Errorf("%s: policy %q", path, policy)
		}
		_, style, _ := strings.Cut(text, "<style>")
		style, _, _ = strings.Cut(style, "</style>")
		sum := sha256.Sum256([]byte(style))
		if style == "" || !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			t.Errorf("%s: the policy %q does not allow the style", path, policy)
		}
	}
}

func TestSearchAnswer(t *testing.T) {
	h := handler(t, sample, folderserver.Options{URL: "https://skills.example.com"})
	var answer struct {
		Results []struct{ Slug, DisplayName, Summary, Version string }
		Skills  []struct{ ID, Slug, Name, Source string }
	}
	if err := json.Unmarshal([]byte(body(t, ask(t, h, "GET", "/api/search?q=backend-architect&limit=5"))), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Results) != 1 || len(answer.Skills) != 1 {
		t.Fatalf("answer %+v", answer)
	}
	if r := answer.Results[0]; r.Slug != "sickn33-skills-backend-architect" || r.DisplayName != "backend-architect" || r.Summary == "" {
		t.Errorf("result %+v", r)
	}
	if s := answer.Skills[0]; s.ID != "sickn33-skills-backend-architect" || s.Name != "backend-architect" || s.Source != "https://skills.example.com" {
		t.Errorf("skill %+v", s)
	}
	if none := body(t, ask(t, h, "GET", "/api/search?q=zzz")); none != `{"results":[],"skills":[]}`+"\n" {
		t.Errorf("nothing found: %s", none)
	}
}

// A panicking catalog panics.
type panicking struct{ folderserver.Catalog }

func (panicking) Current(context.Context, ref.Ref) (source.Pin, string, error) { panic("a bug") }

func TestPanic(t *testing.T) {
	h := handler(t, sample, folderserver.Options{Catalog: panicking{}})
	resp := ask(t, h, "GET", "/api/download?slug=a")
	if text := body(t, resp); resp.StatusCode != 500 || strings.Contains(text, "bug") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

func TestHealth(t *testing.T) {
	if resp := ask(t, handler(t, sample, folderserver.Options{}), "GET", "/healthz"); resp.StatusCode != 200 || body(t, resp) != "{\"status\":\"ok\"}\n" {
		t.Errorf("status %d", resp.StatusCode)
	}
	if _, err := folderserver.New(folderserver.Options{}); err == nil {
		t.Error("a server without a catalog")
	}
}
