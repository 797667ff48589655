package install

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/spelling"
	"github.com/openskills-go/skills/pkg/transport"
)

// A Choice says which skills are wanted of a place that has several: a repository,
// a website, a collection.
type Choice struct {
	Names []string // of the skills, or their folders
	All   bool
	// Look has every place looked at that may have several, though nothing is chosen:
	// for those who can ask.
	Look bool
}

func (c Choice) none() bool { return !c.All && len(c.Names) == 0 }

// A ManyError says that a place has several skills and that none was chosen. It
// matches source.ErrAmbiguous.
type ManyError struct {
	Place  string           // as typed
	Skills []source.Listing // sorted by name
}

func (e *ManyError) Error() string {
	names := make([]string, 0, len(e.Skills))
	for _, s := range e.Skills {
		names = append(names, quote(s.Name))
	}
	const most = 10
	text := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%s has %d skills: %s", quote(e.Place), len(e.Skills), text)
}

// Is reports whether target is source.ErrAmbiguous.
func (*ManyError) Is(target error) bool { return target == source.ErrAmbiguous }

// A NotListedError says that a place has no skill of a name. It matches
// source.ErrNotFound.
type NotListedError struct {
	Name, Place string
	Near        []string // names that are spelled like it
}

func (e *NotListedError) Error() string {
	return fmt.Sprintf("%s has no skill %s", quote(e.Place), quote(e.Name))
}

// Is reports whether target is source.ErrNotFound.
func (*NotListedError) Is(target error) bool { return target == source.ErrNotFound }

// ErrOneSkill says that skills were to be chosen where there are never several.
var ErrOneSkill = errors.New("a reference to one skill leaves nothing to choose")

// A NeitherError says that what is at a web address is neither a skill nor a list
// of skills.
type NeitherError struct {
	Place string // as typed
	Err   error  // why it is no skill
}

func (e *NeitherError) Error() string {
	return fmt.Sprintf("%s is neither a skill nor a list of skills: %v", quote(e.Place), e.Err)
}

func (e *NeitherError) Unwrap() error { return e.Err }

// neither makes a NeitherError of one that says that there is no skill at an
// address where there is no list either.
func neither(place string, err error) error {
	_, format := errors.AsType[*archive.FormatError](err)
	if format || errors.Is(err, source.ErrNotFound) || errors.Is(err, transport.ErrWebPage) {
		return &NeitherError{Place: place, Err: err}
	}
	return err
}

// Expand returns wants with those that stand for several skills replaced by the
// chosen ones. Places that have no need of it are not asked: a repository is where
// something is to be chosen, a website wherever it may be one.
func (e *Engine) Expand(ctx context.Context, wants []Want, c Choice) ([]Want, error) {
	var all []Want
	for _, w := range wants {
		look := w.Ref.Kind == ref.URL || c.Look && revised(w.Ref.Kind) && w.Ref.Subdir == ""
		if c.none() && !look {
			all = append(all, w)
			continue
		}
		list, err := e.Listings(ctx, w.Ref)
		switch {
		case c.none() && (errors.Is(err, ErrOneSkill) || errors.Is(err, source.ErrNotFound) || errors.Is(err, source.ErrAuth)):
			w.unlisted = errors.Is(err, source.ErrNotFound)
			all = append(all, w) // an artifact, as far as that can be told
			continue
		case err != nil:
			return nil, fmt.Errorf("list %s: %w", quote(w.Typed), err)
		}
		chosen, err := c.of(w.Typed, list)
		if err != nil {
			return nil, err
		}
		for _, l := range chosen {
			all = append(all, Want{Typed: l.Ref.String(), Ref: l.Ref, As: w.As})
		}
	}
	return all, nil
}

// Listings returns the skills that a place has, sorted by name. The error is
// ErrOneSkill where a reference can stand for no more than one.
func (e *Engine) Listings(ctx context.Context, r ref.Ref) ([]source.Listing, error) {
	route, err := e.Source.Route(r)
	if err != nil {
		return nil, err
	}
	if route.Registry != "" {
		return nil, ErrOneSkill
	}
	if r.Kind == ref.URL {
		return e.siteListings(ctx, r.URL)
	}
	lister, ok := source.As[source.Lister](route.Source)
	if !ok {
		return nil, ErrOneSkill
	}
	return lister.List(ctx, r)
}

// siteListings returns the skills that a website lists.
func (e *Engine) siteListings(ctx context.Context, address string) ([]source.Listing, error) {
	if !maySite(address) || e.Source.Site == nil {
		return nil, ErrOneSkill
	}
	site, err := e.Source.Site(address)
	if err != nil {
		return nil, ErrOneSkill
	}
	src, err := e.Source.At(site)
	if err != nil {
		return nil, err
	}
	lister, ok := source.As[source.Lister](src)
	if !ok {
		return nil, ErrOneSkill
	}
	list, err := lister.List(ctx, ref.Ref{Kind: ref.Registry})
	for i := range list {
		list[i].Ref = ref.Ref{Kind: ref.URL, URL: address + "#" + list[i].Ref.Slug}
	}
	return list, err
}

// maySite reports whether a web address may be that of a site, by not being that
// of a file, of the answer to a question, or of one skill.
func maySite(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return !strings.ContainsFunc(path.Ext(u.Path), unicode.IsLetter)
}

// of returns the chosen ones of a list.
func (c Choice) of(place string, list []source.Listing) ([]source.Listing, error) {
	if c.All || c.none() && len(list) == 1 {
		return list, nil
	}
	if c.none() {
		return nil, &ManyError{Place: place, Skills: list}
	}
	var chosen []source.Listing
	for _, name := range c.Names {
		named := slices.DeleteFunc(slices.Clone(list), func(l source.Listing) bool { return l.Name != name && l.Ref.Subdir != name })
		switch len(named) {
		case 0:
			var names []string
			for _, l := range list {
				names = append(names, l.Name)
			}
			return nil, &NotListedError{Name: name, Place: place, Near: spelling.Nearest(name, names, 3)}
		case 1:
			chosen = append(chosen, named[0])
		default:
			for i := range named {
				named[i].Name = named[i].Ref.Subdir // what tells them apart
			}
			return nil, &ManyError{Place: place, Skills: named}
		}
	}
	return chosen, nil
}
