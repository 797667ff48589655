package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/internal/locale"
)

// suffixes are those of archives that stand for a skill.
var suffixes = [...]string{".zip", ".tar.gz", ".tgz", ".tar"}

// A skillFolder is one slug in one locale, as it lies in the registry.
type skillFolder struct {
	slug     string
	locale   string
	releases []release // at least one
}

// A release is one version of a skill: a folder or an archive.
type release struct {
	path    string // slash-separated, in the registry
	version string // "" until complete was called, unless the layout gives it
	// versioned says that the layout gives the version. Else it is what the skill
	// says of itself, which its author may forget to change.
	versioned bool
	archive   bool
	size      int64  // of an archive
	yanked    string // why it is yanked; "" if it is not
}

// published is the version that the registry stands for, if it does for one.
func (rel release) published() string {
	if !rel.versioned {
		return ""
	}
	return rel.version
}

func (s *skillFolder) infos() []version.Info {
	infos := make([]version.Info, len(s.releases))
	for i, rel := range s.releases {
		infos[i] = version.Info{Version: rel.version, Yanked: rel.yanked != "", Reason: rel.yanked}
	}
	return infos
}

// find looks up what rf names, in the locale that it or the registry prefers
// and else in the plain one. The releases lack the versions that complete adds.
func (r *Registry) find(ctx context.Context, rf ref.Ref) (skillFolder, error) {
	if err := ctx.Err(); err != nil {
		return skillFolder{}, err
	}
	if rf.Kind != ref.Registry {
		return skillFolder{}, fmt.Errorf("find %s: not the slug of a registry: %w", quote(rf.String()), source.ErrUnsupported)
	}
	if rf.Owner != "" {
		return skillFolder{}, fmt.Errorf("find %s: %w", quote(rf.String()), source.ErrNoOwners)
	}
	tag := rf.Locale
	if tag == "" {
		tag = r.locale
	}
	return r.follow(rf.Slug, func(slug string) (skillFolder, error) {
		for tag := tag; tag != ""; {
			s, err := r.findIn(slug, tag)
			if !errors.Is(err, source.ErrNotFound) {
				return s, err
			}
			// zh-Hant-TW, zh-Hant, zh.
			tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
		}
		return r.findIn(slug, "")
	})
}

// findIn looks up a slug in exactly one locale, "" being the plain one.
func (r *Registry) findIn(slug, tag string) (skillFolder, error) {
	s := skillFolder{slug: slug, locale: tag}
	if !ref.ValidSlug(slug) || tag != "" && !locale.Valid(tag) {
		return s, fmt.Errorf("find %s in %s: %w", quote(slug), r.dir, source.ErrNotFound)
	}
	base := slug
	if tag != "" {
		base += "@" + tag
	}
	info, err := r.root.Lstat(base)
	switch {
	case err == nil && info.Mode().Type() == fs.ModeSymlink:
		return s, r.linkError(base)
	case err == nil && info.IsDir():
		if s.releases, err = r.folders(base); err != nil {
			return s, err
		}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return s, fmt.Errorf("find %s: %w", quote(slug), err)
	}
	for _, suffix := range suffixes {
		info, err := r.root.Lstat(base + suffix)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return s, fmt.Errorf("find %s: %w", quote(slug), err)
		case info.Mode().Type() == fs.ModeSymlink:
			return s, r.linkError(base + suffix)
		case !info.Mode().IsRegular():
		case len(s.releases) > 0:
			return s, fmt.Errorf("find %s in %s: %s%s is there besides: %w", quote(slug), r.dir, base, suffix, source.ErrAmbiguous)
		default:
			s.releases = []release{{path: base + suffix, archive: true, size: info.Size()}}
		}
	}
	if len(s.releases) == 0 {
		return s, fmt.Errorf("find %s in %s: %w", quote(slug), r.dir, source.ErrNotFound)
	}
	r.markYanked(&s)
	return s, nil
}

// folders lists the releases in the folder base: itself if it is a skill, else
// its folders that are named by a version and are skills. There may be none.
func (r *Registry) folders(base string) ([]release, error) {
	if r.isSkill(base) {
		return []release{{path: base}}, nil
	}
	entries, err := fs.ReadDir(r.root.FS(), base)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", quote(base), err)
	}
	var releases []release
	for _, e := range entries {
		path := base + "/" + e.Name()
		if e.IsDir() && version.Valid(e.Name()) && r.isSkill(path) {
			releases = append(releases, release{path: path, version: e.Name(), versioned: true})
		}
	}
	return releases, nil
}

func (r *Registry) isSkill(path string) bool {
	info, err := r.root.Lstat(path + "/" + skill.FileName)
	return err == nil && info.Mode().IsRegular()
}

// all lists every slug with its locales, sorted, without what is wrong.
func (r *Registry) all(ctx context.Context) ([]skillFolder, error) {
	entries, err := fs.ReadDir(r.root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("read registry: %w", err)
	}
	var all []skillFolder
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		base := e.Name()
		if !e.IsDir() {
			base = withoutSuffix(base)
			if base == "" || !e.Type().IsRegular() {
				continue
			}
		}
		slug, tag, _ := strings.Cut(base, "@")
		// An ambiguous slug is found, and skipped, twice.
		if s, err := r.findIn(slug, tag); err == nil {
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b skillFolder) int { return strings.Compare(a.slug, b.slug) })
	return all, nil
}

// withoutSuffix returns the slug of an archive's name, "" if it has none.
func withoutSuffix(name string) string {
	for _, suffix := range suffixes {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			return base
		}
	}
	return ""
}

// A LinkError says that a symbolic link stands where a skill should be.
type LinkError struct{ Path string }

func (e *LinkError) Error() string {
	return "read " + quote(e.Path) + ": symbolic links are not followed"
}

func (r *Registry) linkError(path string) error { return &LinkError{Path: path} }
