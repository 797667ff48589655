// Package web is the pages of a registry for people: a home with a search, the
// results, skills, owners, and the one on which a login is approved. They are
// rendered here and work without JavaScript.
package web

import (
	"net/http"

	"github.com/openskills-go/skills/registry/internal/authn"
	"github.com/openskills-go/skills/registry/internal/catalog"
)

// Options say what the pages are of.
type Options struct {
	Catalog *catalog.Catalog
	Desk    *authn.Desk
	URL     string // of the registry for clients, without a slash at its end
	Title   string // "" is Skills
}

// New returns the pages. It answers GET and HEAD for
//
//	/                            home
//	/search?q=TEXT[&page=N]      results
//	/skills                      all, by page
//	/skills/{slug}               a redirect to the page of a skill
//	/{owner}                     an owner
//	/{owner}/{slug}[/{version}]  a skill
//	/zh/…                        the same in Chinese
//	/assets/…                    style and script
//
// and GET and POST for /cli/device, on which a login is approved.
func New(o Options) (http.Handler, error) { return http.NotFoundHandler(), nil }
