package install

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/openskills-go/skills/pkg/digest"
	theirs "github.com/openskills-go/skills/pkg/foreign"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/tree"
	"github.com/openskills-go/skills/pkg/version"
)

// mostVersions bounds how many versions of a skill are fetched to find the one
// that a folder holds.
const mostVersions = 20

// An inquiry is what is asked about one folder.
type inquiry struct {
	Adoption
	Options
	name string     // of the folder
	now  *tree.Tree // what stands in it
}

// identify finds out which skill stands in the folder of s. The folder goes through
// the checks of an artifact first, whatever it turns out to be.
func (e *Engine) identify(ctx context.Context, s *step, ad Adoption, o Options) *step {
	q := &inquiry{Adoption: ad, Options: o, name: s.out.Name}
	own, err := e.newest(ctx, q, e.local(ad.Dir))
	if err != nil {
		return s.fail(err)
	}
	q.now, err = tree.Scan(ctx, s.spots[0].root.Path(s.out.Name))
	if err != nil {
		return s.fail(errors.Join(err, own.drop()))
	}
	if ad.Local {
		return e.take(s, own, q)
	}
	found, err := e.origin(ctx, q, q.wants(own.called))
	if found == nil && err == nil {
		return e.take(s, own, q)
	}
	if err = errors.Join(err, own.drop()); err != nil {
		return s.fail(errors.Join(err, found.discard()))
	}
	return e.take(s, found, q)
}

// local returns the reference by which a folder is its own source.
func (e *Engine) local(dir string) Want {
	return Want{Typed: filepath.ToSlash(e.relative(dir)), Ref: ref.Ref{Kind: ref.Dir, Path: dir}}
}

// wants returns what to ask for: what the person said, else the two names that the
// skill goes by.
func (q *inquiry) wants(called string) []Want {
	if q.From.Typed != "" {
		return []Want{q.From}
	}
	var wants []Want
	for _, name := range []string{called, q.name} {
		r, err := ref.Parse(name)
		if err != nil || r.Kind != ref.Registry || r.Slug != name || slices.ContainsFunc(wants, func(w Want) bool { return w.Typed == name }) {
			continue
		}
		wants = append(wants, Want{Typed: name, Ref: r})
	}
	return wants
}

// origin returns the version of one of wants that has the files of the folder, else
// the nearest one of the first that is known. It is nil if none is known, and all
// were guesses.
func (e *Engine) origin(ctx context.Context, q *inquiry, wants []Want) (*candidate, error) {
	var nearest *candidate
	for _, w := range wants {
		c, err := e.newest(ctx, q, w)
		if errors.Is(err, source.ErrNotFound) && q.From.Typed == "" {
			continue
		}
		if err == nil {
			c, err = e.closest(ctx, q, c)
		}
		switch {
		case err != nil:
			return nil, errors.Join(err, nearest.discard())
		case c.is(q.now):
			if err := nearest.discard(); err != nil {
				return nil, errors.Join(err, c.drop())
			}
			return c, nil
		case nearest == nil:
			nearest = c
		default:
			if err := c.drop(); err != nil {
				return nil, errors.Join(err, nearest.drop())
			}
		}
	}
	return nearest, nil
}

// A candidate is what a folder may have been made from, unpacked.
type candidate struct {
	*step
	tree   *tree.Tree
	called string // by itself
}

func (c *candidate) is(t *tree.Tree) bool { return c.pin.Tree == t.Digest() }

// differs returns how now differs from c, and whether only by what other tools note
// down.
func (c *candidate) differs(now *tree.Tree) (changes *Changes, notes bool) {
	changes = &Changes{}
	changes.Added, changes.Changed, changes.Removed = tree.Diff(c.tree, now)
	notes = len(changes.Changed)+len(changes.Removed) == 0 &&
		!slices.ContainsFunc(changes.Added, func(path string) bool { return !theirs.IsNote(path) })
	return changes, notes
}

// discard lets go of the artifact of a candidate, if there is one.
func (c *candidate) discard() error {
	if c == nil {
		return nil
	}
	return c.drop()
}

// newest fetches what a reference means, as far as it says that, and unpacks it.
func (e *Engine) newest(ctx context.Context, q *inquiry, w Want) (*candidate, error) {
	route, err := e.Source.Route(w.Ref)
	if err != nil {
		return nil, err
	}
	if q.Locale != "" && route.Ref.Locale == "" && route.Registry != "" {
		route.Ref.Locale = q.Locale
	}
	return e.open(ctx, q, w, route)
}

func (e *Engine) open(ctx context.Context, q *inquiry, w Want, route source.Route) (*candidate, error) {
	c := &candidate{step: &step{want: w, route: route, out: Outcome{Name: q.name, Ref: w.Typed}}}
	var err error
	if c.pin, err = route.Source.Resolve(ctx, route.Ref, ""); err != nil {
		return nil, err
	}
	c.pin.Registry = route.Registry
	if err := errors.Join(c.owned(q.Options), c.doubted(Options{looking: true})); err != nil {
		return nil, err
	}
	if err := e.fetch(ctx, c.step); err != nil {
		return nil, err
	}
	a := &artifact{ReaderAt: c.body, size: c.body.Offset(), digest: c.body.Digest()}
	got, err := e.unpack(ctx, c.step, a, nil, q.Options)
	if err != nil {
		return nil, errors.Join(err, c.drop())
	}
	c.tree, c.called = &got.Tree, got.skill.Name
	return c, nil
}

// closest returns the version of the skill that c is, within its query, that has
// the files of the folder: c, the one that somebody noted down, or one of the newest
// others. If there is none it is c, or the one that lacks no more than the notes of
// another tool.
func (e *Engine) closest(ctx context.Context, q *inquiry, c *candidate) (*candidate, error) {
	if c.is(q.now) {
		return c, nil
	}
	_, noted := c.differs(q.now)
	others, err := others(ctx, c, cmp.Or(recognized(ctx, c, q.now), q.Version))
	if err != nil {
		return nil, errors.Join(err, c.drop())
	}
	for _, v := range others {
		route := c.route
		if route.Ref.Query, err = version.ParseQuery(v); err != nil {
			continue // no text that one can ask for
		}
		other, err := e.open(ctx, q, c.want, route)
		if _, none := errors.AsType[*version.NoMatchError](err); none || errors.Is(err, source.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, c.drop())
		}
		other.route = c.route // which says what was asked for, and not what was tried
		better := other.is(q.now)
		if _, also := other.differs(q.now); also && !noted {
			better, noted = true, true
		}
		if better {
			c, other = other, c
		}
		if err := other.drop(); err != nil {
			return nil, errors.Join(err, c.drop())
		}
		if c.is(q.now) {
			break
		}
	}
	return c, nil
}

// recognized returns the version that the source of c knows by the files of a
// folder, so that it is tried first. What the source cannot tell is tried out.
func recognized(ctx context.Context, c *candidate, now *tree.Tree) string {
	recognizer, ok := source.As[source.Recognizer](c.route.Source)
	if !ok {
		return ""
	}
	files := make([]source.File, len(now.Files))
	for i, f := range now.Files {
		files[i] = source.File{Path: f.Path, Size: f.Size, Digest: digest.FromSum(f.Sum)}
	}
	v, err := recognizer.Recognize(ctx, c.route.Ref, files)
	if err != nil {
		return ""
	}
	return v
}

// others returns the versions to try besides that of c, the likeliest first.
func others(ctx context.Context, c *candidate, hint string) ([]string, error) {
	infos, err := c.route.Source.Versions(ctx, c.route.Ref)
	if errors.Is(err, source.ErrUnsupported) {
		infos, err = []version.Info{{Version: hint}}, nil
	}
	if err != nil {
		return nil, err
	}
	q := c.route.Ref.Query
	var versions []string
	for _, info := range infos {
		if v := info.Version; v != "" && v != c.pin.Version && (q.String() == "" || q.Match(v)) && !slices.Contains(versions, v) {
			versions = append(versions, v)
		}
	}
	slices.SortFunc(versions, func(a, b string) int {
		switch hint {
		case a:
			return -1
		case b:
			return +1
		}
		return version.Compare(b, a)
	})
	return versions[:min(len(versions), mostVersions-1)], nil
}
