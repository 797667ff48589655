package clawhub

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/internal/baseurl"
)

// ErrURL says that a URL cannot be that of a registry.
var ErrURL = errors.New("registry url is invalid")

const (
	// Prefix before the scheme of a URL says that it is one of this protocol.
	Prefix = "clawhub+"
	apiV1  = "/api/v1"
)

// A base is the address of a registry: what all its addresses begin with.
type base struct{ baseurl.URL }

func parseBase(s string) (base, error) {
	u, err := baseurl.Parse(s, Prefix, ErrURL)
	return base{u}, err
}

// registry is the address with the protocol in it.
func (b base) registry() string { return Prefix + b.String() }

// at returns an address of the API with its query, whose names and values come
// in pairs. Pairs without a value are left out.
func (b base) at(path string, pairs ...string) string {
	var q strings.Builder
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] == "" {
			continue
		}
		if q.Len() > 0 {
			q.WriteByte('&')
		}
		q.WriteString(pair[0] + "=" + url.QueryEscape(pair[1]))
	}
	u := b.String() + path
	if q.Len() > 0 {
		u += "?" + q.String()
	}
	return u
}

// ofSkill returns an address below that of one skill. The owner is said in both
// words that servers know.
func (b base) ofSkill(n skillName, below string, pairs ...string) string {
	pairs = append([]string{"ownerHandle", n.owner, "owner", n.owner}, pairs...)
	return b.at(apiV1+"/skills/"+url.PathEscape(n.slug)+below, pairs...)
}

func (b base) download(n skillName, version string) string {
	return b.at(apiV1+"/download", "slug", n.slug, "ownerHandle", n.owner, "owner", n.owner, "version", version)
}

// page is where people read about a skill.
func (b base) page(n skillName) string {
	u := b.String()
	if n.owner != "" {
		u += "/" + url.PathEscape(n.owner)
	}
	return u + "/skills/" + url.PathEscape(n.slug)
}

// Match recognises the pages of skills (/{owner}/skills/{slug}, /{owner}/{slug},
// /skills/{slug}) and the addresses of the API for one skill and its download. An
// http URL of an https registry is its https one.
func (r *Registry) Match(rawURL string) (ref.Ref, bool) {
	u, path, ok := r.base.Below(rawURL)
	if !ok {
		return ref.Ref{}, false
	}
	found := ref.Ref{Kind: ref.Registry, Registry: r.name}
	q := u.Query()
	var err error
	switch {
	case path == "api/v1/download" || path == "api/download":
		found.Slug = q.Get("slug")
	case strings.HasPrefix(path, "api/v1/skills/"):
		found.Slug, err = url.PathUnescape(strings.TrimPrefix(path, "api/v1/skills/"))
		ok = err == nil
	default:
		found.Owner, found.Slug, ok = cutPage(path)
		return found, ok && ref.ValidSlug(found.Slug) && (found.Owner == "" || ref.ValidSlug(found.Owner))
	}
	if found.Owner = q.Get("ownerHandle"); found.Owner == "" {
		found.Owner = q.Get("owner")
	}
	query := q.Get("version")
	if query == "" {
		query = q.Get("tag")
	}
	found.Query, err = version.ParseQuery(query)
	return found, ok && err == nil && ref.ValidSlug(found.Slug) && (found.Owner == "" || ref.ValidSlug(found.Owner))
}

// cutPage reads the path of the page of a skill.
func cutPage(path string) (owner, slug string, ok bool) {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		var err error
		if parts[i], err = url.PathUnescape(part); err != nil {
			return "", "", false
		}
	}
	switch {
	case len(parts) == 2 && parts[0] == "skills":
		return "", parts[1], true
	case len(parts) == 3 && parts[1] == "skills" && !taken(parts[0]):
		return strings.TrimPrefix(parts[0], "@"), parts[2], true
	case len(parts) == 2 && !taken(parts[0]) && parts[1] != "skills" && !isFile(parts[1]):
		return strings.TrimPrefix(parts[0], "@"), parts[1], true
	}
	return "", "", false
}

// taken reports whether the first part of a path is something of the site, and
// no owner.
func taken(part string) bool {
	switch part {
	case "about", "admin", "api", "assets", "auth", "blog", "cli", "dashboard", "docs", "download", "explore",
		"help", "import", "login", "org", "orgs", "packages", "plugins", "publish", "publishers", "search",
		"settings", "skills", "souls", "static", "stars", "u", "upload", "user", "users":
		return true
	}
	return strings.HasPrefix(part, ".") || strings.HasPrefix(part, "_")
}

// isFile reports whether a name is that of an archive or a document, which a
// slug could be but on a page is not.
func isFile(name string) bool {
	for _, ending := range []string{".zip", ".tar", ".tgz", ".gz", ".skill", ".md", ".html", ".json", ".git", ".xml", ".txt"} {
		if len(name) > len(ending) && strings.EqualFold(name[len(name)-len(ending):], ending) {
			return true
		}
	}
	return false
}
