package folderserver

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the pages
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"

	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/registry/internal/locale"
)

var (
	//go:embed pages.html
	pagesHTML string
	//go:embed pages.css
	pagesCSS string
)

const (
	maxListed = 1000      // skills on the page that lists them
	maxShown  = 128 << 10 // bytes of a SKILL.md
)

// pages render what people see. All that a skill says is text to them.
type pages struct {
	title     string
	templates *template.Template
	policy    string
}

func newPages(title string) (*pages, error) {
	t, err := template.New("pages").Parse(pagesHTML)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(pagesCSS))
	style := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	return &pages{
		title:     title,
		templates: t,
		policy:    "default-src 'none'; style-src " + style + "; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	}, nil
}

// page is what the templates read.
type page struct {
	Title, Site string
	Style       template.CSS // pagesCSS, which is ours
	Locale      string       // "" is the default one
	Query       string
	Hits        []source.Hit

	Slug, Version, Digest, Description, Skill string
	Cut                                       bool // Skill is only its beginning
}

func (p *page) Base() string {
	if p.Locale == "" {
		return "/skills"
	}
	return "/" + p.Locale + "/skills"
}

func (s *server) listPage(w http.ResponseWriter, r *http.Request) {
	tag := r.PathValue("locale")
	text, _, err := parseSearch(r)
	if err == nil && tag != "" && !locale.Valid(tag) {
		err = errNoPath
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	hits, err := s.hits(r, text, maxListed)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, "list", &page{Title: s.pages.title, Locale: tag, Query: text, Hits: hits})
}

// localePage is listPage for another language. The pattern /{locale}/skills
// would be in conflict with /skills/{slug}.
func (s *server) localePage(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("section") != "skills" {
		s.fail(w, r, errNoPath)
		return
	}
	s.listPage(w, r)
}

func (s *server) skillPage(w http.ResponseWriter, r *http.Request) {
	want, err := reference(r.PathValue("slug"), r.PathValue("locale"), "")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a, pin, err := s.artifact(r.Context(), want)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if pin.Slug != want.Slug {
		s.renamed(w, r, pin.Slug, "./"+url.PathEscape(pin.Slug))
		return
	}
	p := &page{Title: want.Slug, Locale: want.Locale, Slug: want.Slug, Version: a.version, Digest: string(a.digest)}
	if parsed, _, err := skill.Parse(a.skill); err == nil {
		p.Description = parsed.Description
	}
	text := a.skill
	if p.Cut = len(text) > maxShown; p.Cut {
		text = text[:maxShown]
		for len(text) > 0 && !utf8.Valid(text[max(0, len(text)-utf8.UTFMax):]) {
			text = text[:len(text)-1]
		}
	}
	p.Skill = string(text)
	s.render(w, r, "skill", p)
}

func (s *server) render(w http.ResponseWriter, r *http.Request, name string, p *page) {
	p.Site, p.Style = s.pages.title, template.CSS(pagesCSS)
	var b bytes.Buffer
	if err := s.pages.templates.ExecuteTemplate(&b, name, p); err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Security-Policy", s.pages.policy)
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(b.Bytes())
}
