// Package web is the pages of a registry for people: a home with a search, the
// results, skills, owners, and the one on which a login is approved. They are
// rendered here and work without JavaScript.
package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/openskills-go/skills/registry/internal/authn"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

// Options say what the pages are of.
type Options struct {
	Catalog *catalog.Catalog
	Desk    *authn.Desk
	URL     string // of the registry for clients, without a slash at its end
	Title   string // "" is Skills
}

//go:embed pages assets
var files embed.FS

// policy lets a page load what this server has for it, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

type pages struct {
	o         Options
	templates *template.Template
	assets    map[string][]byte
	markdown  *markdown
}

// New returns the pages. It answers GET and HEAD for
//
//	/                            home
//	/search?q=TEXT[&page=N]      results
//	/skills[?after=CURSOR]       all, by page
//	/skills/{slug}               a redirect to the page of a skill
//	/{owner}                     an owner
//	/{owner}/{slug}[/{version}]  a skill
//	/{owner}/{slug}/{version}/files/{path}
//	/zh/…                        the same in Chinese
//	/assets/…                    style and script
//
// and GET and POST for /cli/device, on which a login is approved.
func New(o Options) (http.Handler, error) {
	if o.Title == "" {
		o.Title = "Skills"
	}
	p := &pages{o: o, assets: map[string][]byte{}, markdown: newMarkdown()}
	var err error
	if p.templates, err = template.New("").Funcs(functions).ParseFS(files, "pages/*.html"); err != nil {
		return nil, fmt.Errorf("read pages: %w", err)
	}
	err = fs.WalkDir(files, "assets", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		p.assets["/"+path], err = files.ReadFile(path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read assets: %w", err)
	}
	guard := http.NewCrossOriginProtection()
	return guard.Handler(http.HandlerFunc(p.serve)), nil
}

func (p *pages) serve(w http.ResponseWriter, r *http.Request) {
	v := &visit{pages: p, w: w, r: r, text: english}
	path := r.URL.Path
	if rest, ok := strings.CutPrefix(path, "/zh"); ok && (rest == "" || rest[0] == '/') {
		v.text, path = chinese, rest
	}
	v.path = "/" + strings.Trim(path, "/")
	if v.path == "/cli/device" {
		v.device()
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		v.fail(http.StatusMethodNotAllowed, "")
		return
	}
	if strings.HasPrefix(r.URL.Path, "/assets/") {
		v.asset()
		return
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case v.path == "/":
		v.home()
	case v.path == "/search":
		v.search()
	case v.path == "/skills":
		v.all()
	case parts[0] == "skills" && len(parts) == 2:
		v.redirect(parts[1])
	case len(parts) == 1:
		v.owner(parts[0])
	case len(parts) == 2:
		v.skill(catalog.Name{Owner: parts[0], Slug: parts[1]}, "")
	case len(parts) == 3 && parts[1] == "skills": // as ClawHub's own pages are; no slug is this word
		v.skill(catalog.Name{Owner: parts[0], Slug: parts[2]}, "")
	case len(parts) == 3:
		v.skill(catalog.Name{Owner: parts[0], Slug: parts[1]}, parts[2])
	case parts[3] == "files" && len(parts) > 4:
		v.file(catalog.Name{Owner: parts[0], Slug: parts[1]}, parts[2], strings.Join(parts[4:], "/"))
	default:
		v.fail(http.StatusNotFound, "")
	}
}

// A visit is one request for a page.
type visit struct {
	*pages
	w    http.ResponseWriter
	r    *http.Request
	text *texts
	path string // without the language
}

// A frame is what every page has around it.
type frame struct {
	T      *texts
	Title  string // of the page
	Site   string
	Query  string
	URL    string // of the registry
	Here   string // the page, in English
	There  string // the page, in Chinese
	Prefix string // of links: "" or /zh
	Page   any
}

func (v *visit) render(status int, name, title string, page any) {
	f := frame{T: v.text, Title: title, Site: v.o.Title, URL: v.o.URL, Here: v.path, There: strings.TrimSuffix("/zh"+v.path, "/"), Page: page}
	if v.text == chinese {
		f.Prefix = "/zh"
	}
	if v.path == "/search" {
		f.Query = v.r.URL.Query().Get("q")
		if q := v.r.URL.RawQuery; q != "" {
			f.Here, f.There = f.Here+"?"+q, f.There+"?"+q
		}
	}
	var b bytes.Buffer
	if err := v.templates.ExecuteTemplate(&b, name, f); err != nil {
		http.Error(v.w, "internal error", http.StatusInternalServerError)
		return
	}
	h := v.w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(b.Bytes())
	}
}

// fail shows what is wrong, and a way on.
func (v *visit) fail(status int, why string) {
	v.w.Header().Set("Cache-Control", "no-store")
	title := v.text.NotFound
	switch status {
	case http.StatusGone, http.StatusUnavailableForLegalReasons:
		title = v.text.Gone
	case http.StatusNotFound:
	case http.StatusConflict:
		title = v.text.Ambiguous
	default:
		title = v.text.Failed
	}
	v.render(status, "fault.html", title, map[string]any{"Status": status, "Title": title, "Why": why})
}

// failed shows an error of the catalog.
func (v *visit) failed(err error) {
	if v.r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // nobody listens
	}
	var (
		missing *catalog.NotFoundError
		gone    *catalog.GoneError
		many    *catalog.AmbiguousError
	)
	switch {
	case errors.As(err, &missing):
		v.fail(http.StatusNotFound, "")
	case errors.As(err, &gone) && gone.Removed:
		v.fail(http.StatusUnavailableForLegalReasons, gone.Reason)
	case errors.As(err, &gone):
		v.fail(http.StatusGone, "")
	case errors.As(err, &many):
		v.render(http.StatusConflict, "choose.html", v.text.Ambiguous, many.Matches)
	default:
		v.fail(http.StatusInternalServerError, "")
	}
}

func (v *visit) asset() {
	data, ok := v.assets[v.r.URL.Path]
	if !ok {
		v.fail(http.StatusNotFound, "")
		return
	}
	kind := "text/css; charset=utf-8"
	switch {
	case strings.HasSuffix(v.r.URL.Path, ".js"):
		kind = "text/javascript; charset=utf-8"
	case strings.HasSuffix(v.r.URL.Path, ".svg"):
		kind = "image/svg+xml"
	}
	h := v.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=300")
	http.ServeContent(v.w, v.r, "", time.Time{}, bytes.NewReader(data))
}

func (v *visit) redirect(slug string) {
	s, err := v.o.Catalog.FindFlat(v.r.Context(), slug)
	if err != nil {
		v.failed(err)
		return
	}
	prefix := ""
	if v.text == chinese {
		prefix = "/zh"
	}
	v.w.Header().Set("Cache-Control", "no-cache")
	http.Redirect(v.w, v.r, prefix+"/"+url.PathEscape(s.Owner)+"/"+url.PathEscape(s.Slug), http.StatusFound)
}

var functions = template.FuncMap{
	"size": func(n int64) string {
		switch {
		case n < 1000:
			return strconv.FormatInt(n, 10) + " B"
		case n < 1000_000:
			return strconv.FormatFloat(float64(n)/1000, 'f', 1, 64) + " kB"
		}
		return strconv.FormatFloat(float64(n)/1e6, 'f', 1, 64) + " MB"
	},
	"date":    func(t time.Time) string { return t.Format(time.DateOnly) },
	"visible": visible,
	"add":     func(i int) int { return i + 1 },
	"card": func(f frame, s meta.Skill) any {
		return struct {
			frame
			Skill meta.Skill
		}{f, s}
	},
	"command": func(f frame, text string) any {
		return struct {
			frame
			Text string
		}{f, text}
	},
	"host": func(address string) string {
		u, err := url.Parse(address)
		if err != nil {
			return ""
		}
		return u.Host
	},
}
