// Package folder reads a registry that is a plain folder of skills:
//
//	<slug>/SKILL.md               a skill with one version
//	<slug>/<version>/SKILL.md     a skill with several versions
//	<slug>@<locale>/…             the same slug in another language
//	<slug>.zip, .tar.gz, .tgz, .tar   an archive instead of a folder
//	<slug>/<version>.yanked       a file that says why that version is yanked
//	<slug>.yanked                 the same for all of a skill
//	<slug>.renamed                a file with the slug that the skill has now
//
// What else there is is ignored. A folder is packed when it is fetched, equal
// files into equal bytes; an archive is transferred as it is. Nothing outside
// the folder is read, and no symbolic link is followed. Nobody published a
// digest of what lies there, so all of it is source.FirstUse.
package folder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// Options say which folder a Registry reads, and how.
type Options struct {
	Dir    string         // relative to the working directory unless absolute
	Locale string         // for references that name none; "" is the plain slug
	Limits archive.Limits // of archives; zero fields mean the defaults
}

// A Registry is a folder of skills. It implements source.Source and
// source.Searcher, and all of its methods may be called at once.
type Registry struct {
	dir    string // absolute, for people
	root   *os.Root
	locale string
	limits archive.Limits

	mu   sync.Mutex
	seen map[string]summary // by release path; see describe
}

var (
	_ source.Source   = (*Registry)(nil)
	_ source.Searcher = (*Registry)(nil)

	_ source.Suggester = (*Registry)(nil)
)

// ErrNotFolder says that the path of a registry is something else.
var ErrNotFolder = errors.New("registry is not a folder")

// Open returns the registry in o.Dir. It reads nothing yet, but fails if there
// is no such folder.
func Open(o Options) (*Registry, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("open registry: %s: %w", dir, ErrNotFolder)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	if o.Limits.Download <= 0 {
		o.Limits.Download = archive.DefaultLimits().Download
	}
	return &Registry{dir: dir, root: root, locale: o.Locale, limits: o.Limits, seen: map[string]summary{}}, nil
}

// Close releases the folder. A Registry that is not closed is released by the
// garbage collector.
func (r *Registry) Close() error { return r.root.Close() }

// Dir returns the absolute path of the folder.
func (r *Registry) Dir() string { return r.dir }

// Versions lists the versions of a skill. A skill that is a single folder or
// an archive has exactly one.
func (r *Registry) Versions(ctx context.Context, rf ref.Ref) ([]version.Info, error) {
	s, err := r.find(ctx, rf)
	if err != nil {
		return nil, err
	}
	if err := r.complete(ctx, &s); err != nil {
		return nil, err
	}
	return s.infos(), nil
}

// Resolve picks the version that rf asks for. Only folders named by versions
// give the Pin one: elsewhere the skill is what lies there now, and what it says
// of its version is held to the query but not promised to stay. A skill that was
// renamed is found, and the Pin has its new slug.
func (r *Registry) Resolve(ctx context.Context, rf ref.Ref, current string) (source.Pin, error) {
	pin, _, err := r.resolve(ctx, rf, current)
	return pin, err
}

// Current is Resolve for those who hold artifacts in memory: it also returns a
// stamp, which is another whenever the artifact may be. That costs a look at
// names, sizes and times. An empty stamp says that the artifact was changed so
// recently that nobody can tell. A yanked version that is asked for by itself is
// given: whoever has it locked asks like this.
func (r *Registry) Current(ctx context.Context, rf ref.Ref) (pin source.Pin, stamp string, err error) {
	pin, rel, err := r.resolve(ctx, rf, exact(rf.Query))
	if err == nil {
		stamp, err = r.stamp(ctx, rel)
	}
	return pin, stamp, err
}

func (r *Registry) resolve(ctx context.Context, rf ref.Ref, current string) (source.Pin, release, error) {
	s, err := r.find(ctx, rf)
	if err != nil {
		return source.Pin{}, release{}, err
	}
	chosen, err := r.choose(ctx, &s, rf.Query, current)
	if err != nil {
		return source.Pin{}, release{}, fmt.Errorf("resolve %s: %w", quote(rf.Slug), err)
	}
	return source.Pin{
		Ref:      rf,
		Registry: r.dir,
		Slug:     s.slug,
		Version:  chosen.published(),
		Locale:   s.locale,
		Size:     chosen.size,
		Trust:    source.FirstUse,
		Yanked:   chosen.yanked,
	}, chosen, nil
}

// choose picks one release of s. A skill that has but one, and that is asked
// for without a constraint, is taken whatever its version is: a prerelease is
// no surprise where there is nothing else.
func (r *Registry) choose(ctx context.Context, s *skillFolder, q version.Query, current string) (release, error) {
	if only := s.releases[0]; !only.versioned && only.yanked == "" && (q == version.Query{} || q.String() == version.Latest) {
		return only, nil
	}
	if err := r.complete(ctx, s); err != nil {
		return release{}, err
	}
	info, err := version.Select(q, s.infos(), current)
	if err != nil {
		return release{}, err
	}
	for _, rel := range s.releases {
		if rel.version == info.Version {
			return rel, nil
		}
	}
	return release{}, &version.NoMatchError{Query: q}
}

// quote makes text from outside safe and short enough for an error.
func quote(s string) string { return strconv.QuoteToASCII(s[:min(len(s), 80)]) }
