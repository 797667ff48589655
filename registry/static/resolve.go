package static

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/spelling"
	"github.com/openskills-go/skills/pkg/version"
)

// A NotFoundError says that a registry does not have a skill. It matches
// source.ErrNotFound.
type NotFoundError struct {
	Skill string   // slug or owner/slug
	Near  []string // a few that are spelled like it, as they can be typed
	Err   error    // what was answered; nil if the catalogue told
}

func (e *NotFoundError) Error() string {
	if e.Err == nil {
		return "the catalogue does not have it"
	}
	return e.Err.Error()
}

func (e *NotFoundError) Unwrap() error { return e.Err }

// Is makes a NotFoundError match source.ErrNotFound.
func (*NotFoundError) Is(target error) bool { return target == source.ErrNotFound }

// Versions lists the versions of a skill with their tags.
func (r *Registry) Versions(ctx context.Context, rf ref.Ref) ([]version.Info, error) {
	_, releases, err := r.releases(ctx, rf)
	if err != nil {
		return nil, fmt.Errorf("list versions of %s: %w", quote(rf.Slug), err)
	}
	return infosOf(releases), nil
}

func infosOf(releases []release) []version.Info {
	infos := make([]version.Info, len(releases))
	for i, rel := range releases {
		infos[i] = rel.Info
	}
	return infos
}

// Resolve reads the index of the skill: one request, if config.json was read
// before. Without an owner it needs the catalogue.
func (r *Registry) Resolve(ctx context.Context, rf ref.Ref, current string) (source.Pin, error) {
	pin, err := r.resolve(ctx, rf, current)
	if err != nil {
		return source.Pin{}, fmt.Errorf("resolve %s: %w", quote(skillName{rf.Owner, rf.Slug}.String()), err)
	}
	return pin, nil
}

func (r *Registry) resolve(ctx context.Context, rf ref.Ref, current string) (source.Pin, error) {
	name, releases, err := r.releases(ctx, rf)
	if err != nil {
		return source.Pin{}, err
	}
	rel, err := pick(rf.Query, releases, current)
	if err != nil {
		return source.Pin{}, err
	}
	c, err := r.read(ctx)
	if err != nil {
		return source.Pin{}, err
	}
	return source.Pin{
		Ref: rf, Registry: r.URL(), Slug: name.slug, Owner: name.owner, Version: rel.Version, URL: c.blobs + blobPath(rel.artifact),
		Artifact: rel.artifact, Size: rel.size, Tree: rel.tree, Trust: source.FromRegistry, Yanked: rel.Reason,
	}, nil
}

func pick(q version.Query, releases []release, current string) (release, error) {
	info, err := version.Select(q, infosOf(releases), current)
	if err != nil {
		return release{}, err
	}
	i := slices.IndexFunc(releases, func(rel release) bool { return rel.Version == info.Version })
	return releases[i], nil
}

// releases returns what there is of a skill, and the name with its owner.
func (r *Registry) releases(ctx context.Context, rf ref.Ref) (skillName, []release, error) {
	name, err := named(rf)
	if err != nil {
		return skillName{}, nil, err
	}
	if name.owner == "" {
		if name, err = r.owned(ctx, name.slug); err != nil {
			return skillName{}, nil, err
		}
	}
	c, err := r.read(ctx)
	if err != nil {
		return skillName{}, nil, err
	}
	resp, err := r.get(ctx, c, c.index+indexPath(name), maxIndex)
	if errors.Is(err, source.ErrNotFound) {
		err = &NotFoundError{Skill: name.String(), Near: r.near(ctx, c, name), Err: err}
	}
	if err != nil {
		return skillName{}, nil, err
	}
	releases, err := parseIndex(ctx, resp.Body, resp.URL)
	if err != nil {
		return skillName{}, nil, fmt.Errorf("read index: %w", err)
	}
	if len(releases) == 0 {
		return skillName{}, nil, fmt.Errorf("all of its versions were deleted: %w", source.ErrNotFound)
	}
	return name, releases, nil
}

// owned returns the name of the only skill that has a slug.
func (r *Registry) owned(ctx context.Context, slug string) (skillName, error) {
	names, err := r.allNames(ctx)
	if err != nil {
		return skillName{}, err
	}
	from, _ := slices.BinarySearchFunc(names, slug, func(n skillName, slug string) int { return strings.Compare(n.slug, slug) })
	to := from
	for to < len(names) && names[to].slug == slug {
		to++
	}
	switch found := names[from:to]; len(found) {
	case 0:
		return skillName{}, &NotFoundError{Skill: slug, Near: nearest(slug, names)}
	case 1:
		return found[0], nil
	default:
		several := &source.AmbiguousError{Slug: slug}
		for _, n := range found {
			several.Matches = append(several.Matches, source.Hit{Slug: n.slug, Owner: n.owner})
		}
		return skillName{}, several
	}
}

// near returns what an owner has that is spelled like what they do not have. That
// it cannot be told is no reason to fail with anything else.
func (r *Registry) near(ctx context.Context, c *config, n skillName) []string {
	if c.owners == "" {
		return nil
	}
	resp, err := r.get(ctx, c, c.owners+ownerPath(n.owner), maxIndex)
	if err != nil {
		return nil
	}
	var list struct {
		Skills []struct {
			Name string `json:"name"`
		} `json:"skills"`
	}
	if json.Unmarshal(resp.Body, &list) != nil {
		return nil
	}
	var slugs []string
	for _, s := range list.Skills {
		if ref.ValidSlug(s.Name) {
			slugs = append(slugs, s.Name)
		}
	}
	near := spelling.Nearest(n.slug, slugs, 3)
	for i := range near {
		near[i] = n.owner + "/" + near[i]
	}
	return near
}

// Suggest returns at most three slugs that are spelled like one, if the catalogue
// was read before.
func (r *Registry) Suggest(_ context.Context, slug string) []string {
	names, _ := r.names.known()
	return nearest(slug, names)
}

// nearest returns at most three slugs of names, which are sorted by slug, that are
// spelled like one.
func nearest(slug string, names []skillName) []string {
	slugs := make([]string, len(names))
	for i, n := range names {
		slugs[i] = n.slug
	}
	return spelling.Nearest(slug, slices.Compact(slugs), 3)
}

// Recognize returns the version whose tree these files are.
func (r *Registry) Recognize(ctx context.Context, rf ref.Ref, files []source.File) (string, error) {
	_, releases, err := r.releases(ctx, rf)
	if err != nil {
		return "", fmt.Errorf("recognize %s: %w", quote(rf.Slug), err)
	}
	tree := make([]digest.File, 0, len(files))
	for _, f := range files {
		sum, err := hex.DecodeString(f.Digest.Hex())
		if err != nil || len(sum) != sha256.Size {
			return "", nil // of what has no digest nobody can tell
		}
		tree = append(tree, digest.File{Path: f.Path, Sum: [sha256.Size]byte(sum)})
	}
	want := digest.OfTree(tree)
	for _, rel := range slices.Backward(releases) {
		if rel.tree == want {
			return rel.Version, nil
		}
	}
	return "", nil
}
