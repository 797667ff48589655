package openskills

import (
	"net/url"
	"slices"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/internal/baseurl"
)

// renamed returns the slug that a skill has now, if the registry itself says that
// it is another than asked: by X-Skill-Slug, or by an address of its own to which
// it sent us. What another host says or is asked for says nothing about names
// here: that is where registries keep their files.
func (r *Registry) renamed(t transport.Receipt, asked string) string {
	if slug := t.Header.Get("X-Skill-Slug"); ref.ValidSlug(slug) && r.owns(t.URL) {
		return otherThan(asked, slug)
	}
	for _, address := range slices.Backward(slices.Concat(t.Via, []string{t.URL})) {
		if at, ok := r.Match(r.base.Secured(address)); ok {
			return otherThan(asked, at.Slug)
		}
	}
	return ""
}

func otherThan(asked, slug string) string {
	if slug == asked {
		return ""
	}
	return slug
}

// owns reports whether an address is one of this registry's host.
func (r *Registry) owns(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.User == nil && baseurl.HostOf(u) == r.base.Host
}

// yankReason reads the value of X-Skill-Yanked: percent-encoded, or as it is.
func yankReason(value string) string {
	if text, err := url.PathUnescape(value); err == nil {
		value = text
	}
	return source.YankReason(value)
}

// yanked reads how registry/folderserver says that all it could send is yanked.
func (e envelope) yanked(q version.Query) error {
	inner, ok := parseEnvelope(e["error"])
	if !ok || inner.text("code") != "yanked" {
		return nil
	}
	v := inner.text("version")
	if !version.Valid(v) {
		v = ""
	}
	if v == "" && q.Kind() == version.Exact {
		v = q.String()
	}
	return &version.YankedError{Version: v, Reason: source.YankReason(inner.text("reason", "message"))}
}
