package web

import (
	"bytes"
	"html"
	"html/template"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

const (
	maxRendered = 256 << 10 // bytes of Markdown; what is longer is shown as text
	maxNesting  = 100       // marks that nest, in a row: deeper is no prose
	maxKept     = 500
)

// markdown renders what authors wrote. Raw HTML in it is dropped, images from
// elsewhere become links, and what is left is held to a list of elements.
type markdown struct {
	parser goldmark.Markdown
	policy *bluemonday.Policy

	mu   sync.Mutex
	kept map[string]template.HTML
}

func newMarkdown() *markdown {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong", "del",
		"table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("align").Matching(bluemonday.CellAlign).OnElements("th", "td")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return &markdown{
		parser: goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(tamer{}, 100)))),
		policy: p,
		kept:   map[string]template.HTML{},
	}
}

// render returns the body of a SKILL.md as HTML that is safe. What it links to in
// its own folder is below base. The key names the result for next time.
func (m *markdown) render(key string, data []byte, base string) template.HTML {
	m.mu.Lock()
	out, ok := m.kept[key]
	m.mu.Unlock()
	if ok {
		return out
	}
	out = m.convert(body(data), base)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.kept) >= maxKept {
		clear(m.kept)
	}
	m.kept[key] = out
	return out
}

func (m *markdown) convert(source []byte, base string) template.HTML {
	source = []byte(visible(strings.ToValidUTF8(string(source), "\uFFFD")))
	var b bytes.Buffer
	context := parser.NewContext()
	context.Set(baseKey, base)
	if len(source) > maxRendered || deep(source) || m.parser.Convert(source, &b, parser.WithContext(context)) != nil {
		return template.HTML("<pre>" + html.EscapeString(string(source)) + "</pre>") // it is escaped
	}
	return template.HTML(m.policy.SanitizeBytes(b.Bytes())) // that is what the policy is for
}

// deep reports whether a text nests so much that it is there to wear a parser out.
func deep(source []byte) bool {
	row := 0
	for _, c := range source {
		switch {
		case strings.IndexByte(">[(*_`~!", c) >= 0:
			if row++; row > maxNesting {
				return true
			}
		case c == ' ' || c == '\t':
		default:
			row = 0
		}
	}
	return false
}

// body is what follows the front matter.
func body(data []byte) []byte {
	s := strings.TrimPrefix(string(data), "\ufeff")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if !strings.HasPrefix(s, "---\n") {
		return []byte(s)
	}
	_, rest, ok := strings.Cut(s[3:], "\n---")
	if !ok {
		return []byte(s)
	}
	_, rest, _ = strings.Cut(rest, "\n")
	return []byte(rest)
}

var baseKey = parser.NewContextKey()

// A tamer makes headings those of a part of a page, links of a skill lead to its
// files, and images that are elsewhere links.
type tamer struct{}

func (tamer) Transform(doc *ast.Document, reader text.Reader, context parser.Context) {
	base, _ := context.Get(baseKey).(string)
	var images []*ast.Image
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = min(6, n.Level+1)
		case *ast.Link:
			n.Destination = []byte(target(string(n.Destination), base))
		case *ast.Image:
			images = append(images, n)
		}
		return ast.WalkContinue, nil
	})
	for _, n := range images {
		link := ast.NewLink()
		link.Destination = []byte(target(string(n.Destination), base))
		for child := n.FirstChild(); child != nil; {
			next := child.NextSibling()
			link.AppendChild(link, child)
			child = next
		}
		if link.FirstChild() == nil {
			link.AppendChild(link, ast.NewString([]byte(html.EscapeString(string(n.Destination)))))
		}
		n.Parent().ReplaceChild(n.Parent(), n, link)
	}
	_ = reader
}

// target is where a link of a SKILL.md leads: a path, to the file of the skill.
func target(destination, base string) string {
	u, err := url.Parse(destination)
	if err != nil {
		return ""
	}
	if u.Scheme != "" || u.Host != "" || u.Path == "" {
		return destination
	}
	clean := strings.TrimPrefix(path.Clean("/"+u.Path), "/")
	return base + (&url.URL{Path: clean}).EscapedPath()
}
