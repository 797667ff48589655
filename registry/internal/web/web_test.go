package web_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/openskills-go/skills/registry/internal/authn"
	"github.com/openskills-go/skills/registry/internal/blobs"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
	"github.com/openskills-go/skills/registry/internal/web"
)

type site struct {
	t       *testing.T
	catalog *catalog.Catalog
	desk    *authn.Desk
	handler http.Handler
}

func open(t *testing.T) *site {
	t.Helper()
	db, err := meta.Open(t.Context(), "sqlite://:memory:")
	if err != nil {
		t.Fatal(err)
	}
	store, err := blobs.Open(t.Context(), blobs.Options{URL: "mem://"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close(); _ = db.Close() })
	s := &site{t: t, desk: authn.New(db, nil)}
	if s.catalog, err = catalog.New(catalog.Options{Meta: db, Blobs: store}); err != nil {
		t.Fatal(err)
	}
	if err := s.catalog.AddUser(t.Context(), catalog.Operator(), meta.User{Handle: "alice", Name: "Alice <b>"}); err != nil {
		t.Fatal(err)
	}
	s.handler, err = web.New(web.Options{Catalog: s.catalog, Desk: s.desk, URL: "https://skills.example.com", Title: "Team"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) publish(slug, version, description, body string, more map[string]string) {
	s.t.Helper()
	d := catalog.Draft{Owner: "alice", Slug: slug, Version: version, Files: map[string][]byte{
		"SKILL.md": fmt.Appendf(nil, "---\nname: %s\ndescription: %q\n---\n%s\n", slug, description, body),
	}}
	for path, text := range more {
		d.Files[path] = []byte(text)
	}
	if _, err := s.catalog.Publish(s.t.Context(), catalog.Operator(), d); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) ask(method, target string, form url.Values, header ...string) (int, http.Header, string) {
	s.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(s.t.Context(), method, target, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Code, w.Result().Header, w.Body.String()
}

// elements calls do for each element of a page.
func elements(t *testing.T, page string, do func(n *html.Node)) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			do(n)
		}
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// safe holds a page to what no text of an author may change.
func safe(t *testing.T, target, page string) {
	t.Helper()
	h1 := 0
	elements(t, page, func(n *html.Node) {
		switch n.Data {
		case "h1":
			h1++
		case "script":
			if attr(n, "src") != "/assets/copy.js" || n.FirstChild != nil {
				t.Errorf("%s: a script %q", target, attr(n, "src"))
			}
		case "style", "iframe", "object", "embed", "img", "svg", "base", "video", "audio", "math":
			t.Errorf("%s: an element %s", target, n.Data)
		case "input":
			if attr(n, "type") != "hidden" && !strings.Contains(page, `for="`+attr(n, "id")+`"`) {
				t.Errorf("%s: the input %s has no label", target, attr(n, "id"))
			}
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" {
				t.Errorf("%s: an attribute %s=%q", target, a.Key, a.Val)
			}
			if a.Key == "href" || a.Key == "src" || a.Key == "action" {
				u, err := url.Parse(a.Val)
				if err != nil || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" {
					t.Errorf("%s: a link to %q", target, a.Val)
				}
			}
		}
	})
	if h1 != 1 {
		t.Errorf("%s: %d headings of the first level", target, h1)
	}
}

var hostileBodies = []string{
	"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](data:text/html,<script>alert(1)</script>)",
	"![x](http://evil.example/track.png)", "![x](javascript:alert(1))", "<svg/onload=alert(1)>", "<a href='javascript:alert(1)'>x</a>", "[x](vbscript:x)", "<iframe src=//evil.example>",
	"[x]: javascript:alert(1)\n[x]", "<javascript:alert(1)>", "`<script>`", "```\n</code></pre><script>alert(1)</script>\n```", "# <b onclick=x>h</b>", "| <script> |\n|---|\n| <img src=x onerror=y> |",
	"[x](//evil.example)", "[x](../../../../etc/passwd)", "[x](file:///etc/passwd)", "&lt;script&gt;", "<style>*{display:none}</style>", "<base href=//evil.example>", "<form action=//evil.example><input></form>",
	"[a](x \"onmouseover=alert(1)\")", "<details open ontoggle=alert(1)>", "\u202eevil", strings.Repeat("[", 5000), strings.Repeat("> ", 3000) + "x", strings.Repeat("*a_", 4000), "<!--", "\x00<script>", "[x](\x01javascript:alert(1))",
}

func TestHostileText(t *testing.T) {
	s := open(t)
	for i, body := range hostileBodies {
		slug := fmt.Sprint("s", i)
		s.publish(slug, "1.0.0", "d", "x", nil) // what is refused shows this one
		d := catalog.Draft{
			Owner: "alice", Slug: slug, Version: "1.1.0", Name: `"><script>alert(1)</script>`, Changelog: "<script>alert(1)</script>", Topics: []string{"<b>"},
			Files: map[string][]byte{"SKILL.md": []byte("---\nname: x\ndescription: \"<script>alert(1)</script> <img src=x onerror=y>\"\nlicense: \"<svg onload=x>\"\n---\n" + body + "\n"), "a'&b.html": []byte("<script>alert(1)</script>")},
		}
		if _, err := s.catalog.Publish(t.Context(), catalog.Operator(), d); err != nil {
			if !errors.As(err, new(*catalog.InvalidError)) {
				t.Fatal(err)
			}
			continue
		}
		for _, target := range []string{"/alice/" + slug, "/zh/alice/" + slug + "/1.1.0", "/alice/" + slug + "/1.1.0/files/SKILL.md", "/alice/" + slug + "/1.1.0/files/a%27&b.html"} {
			status, header, page := s.ask("GET", target, nil)
			if status != 200 || !strings.HasPrefix(header.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s: %d", target, status)
			}
			safe(t, target, page)
		}
	}
	for _, target := range []string{"/search?q=" + url.QueryEscape(`"><script>alert(1)</script>`), "/search?q=%00%ff", "/", "/skills", "/alice", "/zh", `/<script>`, "/alice/%22%3E%3Cscript%3E", "/cli/device?code=%3Cscript%3E", "/search?q=" + strings.Repeat("x", 5000), "/search?q=s&page=999999999999"} {
		_, _, page := s.ask("GET", strings.ReplaceAll(target, "<script>", "%3Cscript%3E"), nil)
		safe(t, target, page)
	}
}

// Nothing that was uploaded is run by a browser.
func TestRawFiles(t *testing.T) {
	s := open(t)
	s.publish("demo", "1.0.0", "d", "x", map[string]string{"page.html": "<script>alert(1)</script>", "image.svg": "<svg onload='alert(1)'/>", "bin": "\x00\x01"})
	for path, kind := range map[string]string{"page.html?raw": "text/plain; charset=utf-8", "image.svg?raw": "text/plain; charset=utf-8", "bin": "application/octet-stream"} {
		status, header, _ := s.ask("GET", "/alice/demo/1.0.0/files/"+path, nil)
		if status != 200 || header.Get("Content-Type") != kind || !strings.HasPrefix(header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d %v", path, status, header)
		}
	}
	for _, path := range []string{"../../x", "%2e%2e/SKILL.md", "none"} {
		if status, _, _ := s.ask("GET", "/alice/demo/1.0.0/files/"+path, nil); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestPages(t *testing.T) {
	s := open(t)
	if _, _, page := s.ask("GET", "/", nil); !strings.Contains(page, "There are no skills yet") {
		t.Error("an empty registry does not say so")
	}
	s.publish("pdf-reader", "1.0.0", "Reads PDFs.", "# Title\n\n[guide](references/guide.md) ![chart](https://example.com/x.png)\n\n| a | b |\n|--|--|\n| 1 | 2 |\n", map[string]string{"references/guide.md": "guide"})
	s.publish("pdf-reader", "1.1.0", "Reads PDFs well.", "new", nil)
	s.publish("translator", "1.0.0", "翻译文档", "中文说明", nil)
	n := catalog.Name{Owner: "alice", Slug: "pdf-reader"}
	if err := s.catalog.Yank(t.Context(), catalog.Operator(), n, "1.1.0", "it crashes"); err != nil {
		t.Fatal(err)
	}
	if err := s.catalog.Deprecate(t.Context(), catalog.Operator(), n, "use pdf instead"); err != nil {
		t.Fatal(err)
	}
	for target, test := range map[string]struct {
		status int
		parts  []string
	}{
		"/":             {200, []string{"pdf-reader", "skills registry add team https://skills.example.com", `lang="en"`}},
		"/zh":           {200, []string{"pdf-reader", `lang="zh-Hans"`, "最近更新"}},
		"/search?q=pdf": {200, []string{"pdf-reader", "Results for"}},
		"/zh/search?q=" + url.QueryEscape("翻译"): {200, []string{"translator"}},
		"/search?q=nothing-like-it":             {200, []string{"Nothing matches"}},
		"/search":                               {200, []string{"Search"}},
		"/skills":                               {200, []string{"pdf-reader", "translator"}},
		"/alice":                                {200, []string{"pdf-reader", "npx skills add https://skills.example.com/alice", "Alice &lt;b&gt;"}},
		"/alice/pdf-reader":                     {200, []string{"use pdf instead", "skills install alice/pdf-reader --registry", "<h2>Title</h2>", `href="/alice/pdf-reader/1.0.0/files/references/guide.md"`, `<a href="https://example.com/x.png"`, ">chart</a>", "sha256:", "h1:", "Yanked"}},
		"/alice/pdf-reader/1.1.0":               {200, []string{"it crashes", "1.1.0"}},
		"/alice/pdf-reader/1.0.0":               {200, []string{"skills install alice/pdf-reader@1.0.0 --registry"}},
		"/alice/skills/pdf-reader":              {200, []string{"skills install alice/pdf-reader --registry"}},
		"/alice/pdf-reader/1.0.0/files/references/guide.md": {200, []string{`id="L1"`, "guide"}},
		"/skills/pdf-reader":          {302, nil},
		"/zh/skills/alice-pdf-reader": {302, nil},
		"/nobody":                     {404, []string{"There is nothing here"}},
		"/alice/none":                 {404, nil},
		"/alice/pdf-reader/9.9.9":     {404, nil},
		"/alice/pdf-reader/1.0.0/x":   {404, nil},
		"/assets/none.css":            {404, nil},
		"/assets/../web.go":           {404, nil},
		"/skills?after=x":             {400, nil},
	} {
		status, header, page := s.ask("GET", target, nil)
		if status != test.status {
			t.Errorf("%s: %d, want %d", target, status, test.status)
		}
		for _, part := range test.parts {
			if !strings.Contains(page, part) {
				t.Errorf("%s: no %q", target, part)
			}
		}
		if status != 302 {
			safe(t, target, page)
		}
		headStatus, headHeader, body := s.ask("HEAD", target, nil)
		if headStatus != status || body != "" && status != 302 || headHeader.Get("Content-Length") != header.Get("Content-Length") {
			t.Errorf("HEAD %s: %d, %d bytes", target, headStatus, len(body))
		}
	}
	if status, header, _ := s.ask("POST", "/alice", url.Values{}); status != 405 || header.Get("Allow") == "" {
		t.Errorf("POST: %d", status)
	}
	if err := s.catalog.Remove(t.Context(), catalog.Operator(), n, "", "malware"); err != nil {
		t.Fatal(err)
	}
	if status, _, page := s.ask("GET", "/alice/pdf-reader", nil); status != 451 || !strings.Contains(page, "malware") {
		t.Errorf("%d", status)
	}
}

func TestDevice(t *testing.T) {
	s := open(t)
	token, _, err := s.desk.Issue(t.Context(), catalog.Operator(), authn.Request{User: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	begin := func() authn.Login {
		l, err := s.desk.Begin(t.Context(), nil, "<b>laptop</b>")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := begin()
	form := func(answer, token string) url.Values {
		return url.Values{"code": {l.UserCode}, "token": {token}, "answer": {answer}}
	}
	if status, header, page := s.ask("GET", "/cli/device?code="+strings.ToLower(l.UserCode), nil); status != 200 || !strings.Contains(page, l.UserCode) || strings.Contains(page, "<b>laptop") || header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s", status, page)
	}
	if status, _, page := s.ask("POST", "/cli/device", form("approve", "skl_wrong")); status != 403 || strings.Contains(page, "skl_wrong") {
		t.Errorf("%d %s", status, page)
	}
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		if status, _, _ := s.ask("POST", "/cli/device", form("approve", token), header...); status != 403 {
			t.Errorf("another site approves: %d", status)
		}
	}
	if _, _, err := s.desk.Redeem(t.Context(), l.DeviceCode); !errors.Is(err, authn.ErrPending) {
		t.Errorf("it is not pending: %v", err)
	}
	if status, header, page := s.ask("POST", "/cli/device", form("approve", token), "Sec-Fetch-Site", "same-origin"); status != 200 || strings.Contains(page, token) || header.Get("Set-Cookie") != "" {
		t.Errorf("%d %s", status, page)
	}
	if _, got, err := s.desk.Redeem(t.Context(), l.DeviceCode); err != nil || got.User != "alice" {
		t.Errorf("%+v, %v", got, err)
	}
	if status, _, _ := s.ask("POST", "/cli/device", form("approve", token)); status != 404 {
		t.Errorf("twice: %d", status)
	}
	l = begin()
	if status, _, page := s.ask("POST", "/zh/cli/device", form("deny", token)); status != 200 || !strings.Contains(page, "已拒绝") {
		t.Errorf("%d", status)
	}
	if _, _, err := s.desk.Redeem(t.Context(), l.DeviceCode); !errors.Is(err, authn.ErrDenied) {
		t.Error(err)
	}
}

// Text has a contrast of at least 4.5 to what is behind it, in light and dark.
func TestContrast(t *testing.T) {
	data, err := os.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	themes := regexp.MustCompile(`:root\{([^}]*)\}`).FindAllStringSubmatch(string(data), -1)
	if len(themes) != 2 {
		t.Fatalf("%d themes", len(themes))
	}
	for i, theme := range themes {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+):(#[0-9a-f]{6})`).FindAllStringSubmatch(theme[1], -1) {
			colours[m[1]] = m[2]
		}
		for _, pair := range [][2]string{{"ink", "ground"}, {"soft", "ground"}, {"accent", "ground"}, {"ink", "sunk"}, {"soft", "sunk"}, {"on-accent", "accent"}, {"notice-ink", "notice"}} {
			a, b := luminance(t, colours[pair[0]]), luminance(t, colours[pair[1]])
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("theme %d: %s on %s has a contrast of %.2f", i, pair[0], pair[1], ratio)
			}
		}
	}
}

// luminance is that of WCAG 2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil || colour == "" {
		t.Fatalf("%q is no colour", colour)
	}
	part := func(shift uint) float64 {
		c := float64(n>>shift&255) / 255
		if c <= 0.03928 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}
