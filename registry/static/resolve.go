package static

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/spelling"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/internal/baseurl"
)

// A skillName is a skill in a registry, by owner and slug.
type skillName struct{ owner, slug string }

func (n skillName) String() string {
	if n.owner == "" {
		return n.slug
	}
	return n.owner + "/" + n.slug
}

// named returns the name in a reference, which may lack its owner.
func named(r ref.Ref) (skillName, error) {
	switch {
	case r.Kind != ref.Registry:
		return skillName{}, fmt.Errorf("not the name of a skill: %w", source.ErrUnsupported)
	case !ref.ValidSlug(r.Slug) || r.Owner != "" && !ref.ValidSlug(r.Owner):
		return skillName{}, fmt.Errorf("%s: %w", baseurl.Quote(r.Slug), source.ErrNotFound)
	}
	return skillName{r.Owner, r.Slug}, nil
}

// find returns the whole name of a skill. If nobody said whose it is, the catalogue
// says.
func (r *Registry) find(ctx context.Context, n skillName) (skillName, error) {
	if n.owner != "" {
		return n, nil
	}
	c, err := r.skills(ctx)
	if err != nil {
		return n, err
	}
	var hits []source.Hit
	for _, s := range c.skills {
		if s.Slug == n.slug {
			hits = append(hits, s.hit())
		}
	}
	switch len(hits) {
	case 0:
		return n, &NotListedError{Host: r.base.Host, Near: c.near(n.slug)}
	case 1:
		return skillName{hits[0].Owner, n.slug}, nil
	}
	return n, &source.AmbiguousError{Slug: n.slug, Matches: hits}
}

// releases reads the index of a skill.
func (r *Registry) releases(ctx context.Context, n skillName) ([]release, error) {
	c, err := r.settings(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(n.owner))
	digits := hex.EncodeToString(sum[:2])
	address := at(c.Index, digits[:2], digits[2:], n.owner, n.slug+".ndjson")
	resp, err := r.client.Get(ctx, address, transport.GetOptions{Accept: "*/*", Limit: maxIndex, Via: r.base.String() + "/config.json"})
	if err != nil {
		return nil, absent(err)
	}
	list, err := parseIndex(resp.Body)
	if e, ok := errors.AsType[*AnswerError](err); ok {
		e.URL = address
	}
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("every version was deleted: %w", source.ErrNotFound)
	}
	return list, err
}

// absent gives an answer to a question about a skill its meaning. Buckets that may not
// be listed say 403 of what they do not have; that the configuration was there shows
// that it is not the whole that is refused.
func absent(err error) error {
	if status, ok := errors.AsType[*transport.StatusError](err); ok && status.Status == http.StatusForbidden && !status.Token {
		return fmt.Errorf("%w: %w", source.ErrNotFound, err)
	}
	return missing(err)
}

// Versions lists the versions of a skill.
func (r *Registry) Versions(ctx context.Context, rf ref.Ref) ([]version.Info, error) {
	_, list, err := r.look(ctx, rf)
	if err != nil {
		return nil, fmt.Errorf("list versions of %s: %w", baseurl.Quote(rf.Slug), err)
	}
	return infos(list), nil
}

func infos(list []release) []version.Info {
	all := make([]version.Info, len(list))
	for i, r := range list {
		all[i] = r.Info
	}
	return all
}

func (r *Registry) look(ctx context.Context, rf ref.Ref) (skillName, []release, error) {
	n, err := named(rf)
	if err == nil {
		n, err = r.find(ctx, n)
	}
	if err != nil {
		return n, nil, err
	}
	list, err := r.releases(ctx, n)
	return n, list, err
}

// Resolve picks one version by the index of a skill.
func (r *Registry) Resolve(ctx context.Context, rf ref.Ref, current string) (source.Pin, error) {
	pin, err := r.resolve(ctx, rf, current)
	if err != nil {
		return source.Pin{}, fmt.Errorf("resolve %s: %w", baseurl.Quote(rf.String()), err)
	}
	return pin, nil
}

func (r *Registry) resolve(ctx context.Context, rf ref.Ref, current string) (source.Pin, error) {
	n, list, err := r.look(ctx, rf)
	if err != nil {
		return source.Pin{}, err
	}
	info, err := version.Select(rf.Query, infos(list), current)
	if err != nil {
		return source.Pin{}, err
	}
	c, err := r.settings(ctx)
	if err != nil {
		return source.Pin{}, err
	}
	found := list[slices.IndexFunc(list, func(r release) bool { return r.Version == info.Version })]
	return source.Pin{
		Ref: rf, Registry: r.URL(), Slug: n.slug, Owner: n.owner, Version: found.Version, URL: blob(c.Blobs, found.artifact.Hex()),
		Artifact: found.artifact, Size: found.size, Tree: found.tree, Trust: source.FromRegistry, Yanked: found.Reason,
	}, nil
}

func blob(folder, hex string) string { return at(folder, "sha256", hex[:2], hex) }

// Fetch asks for the artifact by its digest: where a registry has it unless its
// configuration says otherwise, which is only read if it is not there.
func (r *Registry) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	receipt, err := r.fetch(ctx, p, dst)
	if err != nil {
		return receipt, fmt.Errorf("fetch %s: %w", baseurl.Quote(p.Slug), err)
	}
	return receipt, nil
}

func (r *Registry) fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	hex, ok := strings.CutPrefix(string(p.Artifact), "sha256:")
	if !ok {
		return source.Receipt{}, fmt.Errorf("there is no digest to ask for: %w", source.ErrUnsupported)
	}
	usual := blob(r.base.String()+"/blobs/", hex)
	if known := r.config.known(); known != nil && known.err == nil {
		return r.download(ctx, blob(known.v.Blobs, hex), p, dst)
	}
	receipt, err := r.download(ctx, usual, p, dst)
	if !errors.Is(err, source.ErrNotFound) {
		return receipt, err
	}
	c, other := r.settings(ctx)
	if other != nil || blob(c.Blobs, hex) == usual {
		return receipt, err
	}
	return r.download(ctx, blob(c.Blobs, hex), p, dst)
}

func (r *Registry) download(ctx context.Context, address string, p source.Pin, dst source.Sink) (source.Receipt, error) {
	got, err := r.client.Download(ctx, address, transport.GetOptions{
		Limit: r.limits.Download, Known: transport.Validators(p.Known), Via: r.base.String() + "/config.json", RefusePages: true,
	}, dst)
	receipt := source.Receipt{URL: got.URL, Artifact: got.Digest, Validators: source.Validators{ETag: got.ETag, LastModified: got.LastModified}}
	if errors.Is(err, transport.ErrNotModified) {
		return receipt, source.ErrNotModified
	}
	if err != nil {
		return receipt, absent(err)
	}
	return receipt, nil
}

// skills reads the catalogue, once.
func (r *Registry) skills(ctx context.Context) (*catalogue, error) {
	return r.catalogue.get(ctx, func(ctx context.Context) (*catalogue, error) {
		c, err := r.settings(ctx)
		if err != nil {
			return nil, err
		}
		address := at(c.Catalog, "full.ndjson.zst")
		resp, err := r.client.Get(ctx, address, transport.GetOptions{Accept: "*/*", Limit: maxCatalogue, Via: r.base.String() + "/config.json"})
		if err != nil {
			return nil, missing(err)
		}
		all, err := parseCatalogue(resp.Body)
		if e, ok := errors.AsType[*AnswerError](err); ok {
			e.URL = address
		}
		return all, err
	})
}

func (l listed) hit() source.Hit {
	return source.Hit{Slug: l.Slug, Owner: l.Owner, Version: l.Version, Description: l.Summary}
}

// A NotListedError says that a registry has no skill of that name. It matches
// source.ErrNotFound.
type NotListedError struct {
	Host string
	Near []string // a few slugs that are spelled like it
}

func (e *NotListedError) Error() string { return "skill is not in the catalogue of " + e.Host }

// Is makes a NotListedError match source.ErrNotFound.
func (*NotListedError) Is(target error) bool { return target == source.ErrNotFound }

func (c *catalogue) near(slug string) []string {
	slugs := make([]string, len(c.skills))
	for i, s := range c.skills {
		slugs[i] = s.Slug
	}
	slices.Sort(slugs)
	return spelling.Nearest(slug, slices.Compact(slugs), 3)
}

// Search looks through the catalogue for skills that have every word of the query in
// their slug, owner or description: an exact slug first, then those with the words in
// the slug. An empty query finds everything.
func (r *Registry) Search(ctx context.Context, query string, limit int) ([]source.Hit, error) {
	c, err := r.skills(ctx)
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", r.base.Host, err)
	}
	words := strings.Fields(strings.ToLower(query))
	ranks := make([][]source.Hit, 3)
	for _, s := range c.skills {
		if rank := rankOf(s, words); rank < len(ranks) {
			ranks[rank] = append(ranks[rank], s.hit())
		}
	}
	hits := slices.Concat(ranks...)
	return hits[:min(len(hits), max(limit, 0))], nil
}

func rankOf(s listed, words []string) int {
	slug := strings.ToLower(s.Slug)
	if len(words) == 1 && (words[0] == slug || words[0] == strings.ToLower(s.Owner)+"/"+slug) {
		return 0
	}
	rank, text := 1, strings.ToLower(s.Owner+" "+s.Summary)
	for _, w := range words {
		switch {
		case strings.Contains(slug, w):
		case strings.Contains(text, w):
			rank = 2
		default:
			return 3
		}
	}
	return rank
}
