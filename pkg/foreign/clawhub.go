package foreign

import (
	"strings"

	"github.com/openskills-go/skills/pkg/internal/yamldoc"
	"github.com/openskills-go/skills/pkg/ref"
)

// clawhubURL is the registry that the tool uses unless it is told otherwise. Its
// lock does not say which one it was.
const clawhubURL = "https://clawhub.ai"

// clawhub reads .clawhub/lock.json. Names are slug or @owner/slug, and are the
// folders below skills, too.
func clawhub(r *reader, root *yamldoc.Value) error {
	return r.skills(root, func(name string, v *yamldoc.Value) error {
		owner, slug, owned := strings.Cut(strings.TrimPrefix(name, "@"), "/")
		if !owned || !strings.HasPrefix(name, "@") {
			owner, slug = "", name
		}
		if err := checkName(v, slug); err != nil {
			return err
		}
		if owned {
			if err := checkName(v, owner); err != nil {
				return err
			}
		}
		t, err := texts(v, "version", "ownerHandle", "sourceKind", "sourceRef")
		if err != nil {
			return err
		}
		e := Entry{Name: name, Folder: slug, Source: name, Version: t[0], Dirs: []string{"skills/" + name}}
		if owner == "" {
			owner = t[1]
		}
		if t[2] != "" {
			e.Source, e.Why = t[3], "it came from "+quote(t[2])
			return r.add(v, e)
		}
		e.Why = "it came from ClawHub"
		if ref.ValidSlug(slug) && (owner == "" || ref.ValidSlug(owner)) {
			e.Registry, e.Owner, e.Slug = clawhubURL, owner, slug
		}
		return r.add(v, e)
	})
}
