package folder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
)

// Markers are files by which the owner of a registry says what became of a
// skill. A skill's own folder is left alone: what is in it is the skill's.
const (
	yankedMark  = ".yanked"
	renamedMark = ".renamed"

	maxMark    = 1 << 10 // bytes of a marker that are read
	maxRenames = 4       // that are followed for one slug
)

// A MarkError says that a marker which decides what a slug means cannot be
// followed. As there is no skill in its place, it matches source.ErrNotFound.
type MarkError struct{ Path, Why string }

func (e *MarkError) Error() string { return "read " + quote(e.Path) + ": " + e.Why }

// Is makes a MarkError match source.ErrNotFound.
func (e *MarkError) Is(target error) bool { return target == source.ErrNotFound }

// markYanked notes which releases of s are yanked. What is yanked under the plain
// slug is so in every language: nobody should have to think of all of them.
func (r *Registry) markYanked(s *skillFolder) {
	bases := []string{s.slug}
	if s.locale != "" {
		bases = append(bases, s.slug+"@"+s.locale)
	}
	for _, base := range bases {
		all := r.yanked(base + yankedMark)
		for i := range s.releases {
			rel := &s.releases[i]
			if rel.yanked == "" {
				rel.yanked = all
			}
			if rel.yanked == "" && rel.versioned {
				rel.yanked = r.yanked(base + "/" + rel.version + yankedMark)
			}
		}
	}
}

// yanked returns the reason that the marker at path gives, or "" if there is no
// marker. One that cannot be read still is one: to yank is to be careful.
func (r *Registry) yanked(path string) string {
	info, err := r.root.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ""
	case err != nil || !info.Mode().IsRegular():
		return source.NoReason
	}
	text, err := r.readMark(path)
	if err != nil {
		return source.NoReason
	}
	return source.YankReason(text)
}

func (r *Registry) readMark(path string) (string, error) {
	f, err := r.root.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxMark))
	return string(data), err
}

// follow looks a slug up with find, and where there is nothing looks for the one
// that the skill has now.
func (r *Registry) follow(slug string, find func(slug string) (skillFolder, error)) (skillFolder, error) {
	at := slug
	for range maxRenames + 1 {
		s, err := find(at)
		if !errors.Is(err, source.ErrNotFound) || !ref.ValidSlug(at) {
			return s, err
		}
		next, markErr := r.renamed(at)
		if markErr != nil {
			return s, fmt.Errorf("find %s in %s: %w", quote(slug), r.dir, markErr)
		}
		if next == "" {
			return s, err
		}
		at = next
	}
	err := &MarkError{Path: slug + renamedMark, Why: fmt.Sprintf("it leads on more than %d times, or in a circle", maxRenames)}
	return skillFolder{}, fmt.Errorf("find %s in %s: %w", quote(slug), r.dir, err)
}

// renamed returns the slug that the marker of another names, or "" if it has none.
func (r *Registry) renamed(slug string) (string, error) {
	path := slug + renamedMark
	info, err := r.root.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case info.Mode().Type() == fs.ModeSymlink:
		return "", r.linkError(path)
	case !info.Mode().IsRegular():
		return "", nil
	}
	text, err := r.readMark(path)
	if err != nil {
		return "", err
	}
	to := strings.TrimSpace(text)
	if !ref.ValidSlug(to) || strings.Contains(to, "@") {
		return "", &MarkError{Path: path, Why: quote(to) + " is not a slug"}
	}
	return to, nil
}
