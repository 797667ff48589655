// Package oci obtains skills from registries of the Open Container Initiative,
// and from image layouts on disk, and pushes them there. A skill is an artifact:
// a manifest, and one layer that is the archive of the skill. Several tools write
// such artifacts, each in a form of its own; this package reads those that are
// known and writes that of the Agent Skills OCI Artifacts draft.
//
// The digests of manifest and layer come from the registry, and both are
// verified. Plain http is for this machine only.
package oci

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
)

// latest is the tag of references without one, if it is there.
const latest = "latest"

// Options say how registries are reached. Only Client is needed, and for layouts
// on disk not even that.
type Options struct {
	Client *transport.Client
	Limits archive.Limits // Download bounds a layer

	// Credential returns what a registry, given as host:port, knows the user by;
	// the zero Credential if it does not. It is asked only when a registry wants
	// one. Nil means that there are none. See DockerCredentials.
	Credential func(ctx context.Context, host string) (Credential, error)
}

// A Credential is what a registry knows a user by: a name and a password, or a
// token that stands for them.
type Credential struct {
	Username, Password string
	IdentityToken      string // is exchanged for others (OAuth 2 refresh token)
}

// A Source is all OCI registries, and all layouts on disk. It implements
// source.Source and source.Lister, and all of its methods may be called at once.
type Source struct {
	auth  *auth.Client // nil without a transport.Client
	limit int64        // of a layer
}

var (
	_ source.Source = (*Source)(nil)
	_ source.Lister = (*Source)(nil)
)

// New returns a Source. It touches neither network nor disk.
func New(o Options) *Source {
	s := &Source{limit: o.Limits.Download}
	if s.limit <= 0 {
		s.limit = archive.DefaultLimits().Download
	}
	if o.Client != nil {
		s.auth = newAuth(o)
	}
	return s
}

// A repository is where the versions of one skill are.
type repository interface {
	// manifest returns what a tag or a digest stands for; its bytes have the digest.
	// It is source.ErrNotFound if there is none.
	manifest(ctx context.Context, reference string) (*manifest, error)
	// blob opens the bytes with a digest, which the caller verifies. A negative
	// size is not known. What it returns may be an io.Seeker.
	blob(ctx context.Context, d digest.Digest, size int64) (*blob, error)
	// tags lists all tags.
	tags(ctx context.Context) ([]string, error)
}

func (s *Source) open(r ref.Ref) (repository, error) {
	switch {
	case r.Kind != ref.OCI:
		return nil, fmt.Errorf("open %s: not an OCI reference: %w", quote(r.String()), source.ErrUnsupported)
	case strings.HasPrefix(r.URL, layoutScheme):
		return openLayout(r.URL)
	}
	return s.openRemote(r.URL)
}

// Versions lists the tags that are semantic versions. The + of build metadata,
// which no tag can have, is a _ in a tag.
func (s *Source) Versions(ctx context.Context, r ref.Ref) ([]version.Info, error) {
	repo, err := s.open(r)
	if err != nil {
		return nil, err
	}
	tags, err := tagged(ctx, repo)
	if err != nil {
		return nil, fmt.Errorf("list versions of %s: %w", r, err)
	}
	return infos(tags), nil
}

// tagged returns the tag of each version.
func tagged(ctx context.Context, repo repository) (map[string]string, error) {
	all, err := repo.tags(ctx)
	if err != nil {
		return nil, err
	}
	tags := make(map[string]string, len(all))
	for _, tag := range all {
		v := versionOf(tag)
		if _, twice := tags[v]; v != "" && (!twice || tag == tagOf(v)) {
			tags[v] = tag
		}
	}
	return tags, nil
}

func infos(tags map[string]string) []version.Info {
	list := make([]version.Info, 0, len(tags))
	for v := range tags {
		list = append(list, version.Info{Version: v})
	}
	return list
}

// Resolve asks what a tag or digest stands for. Without one that is what is
// tagged latest, or, if nothing is, the highest version. The level of trust is
// always source.FromRegistry: the manifest publishes the digest of its layer.
func (s *Source) Resolve(ctx context.Context, r ref.Ref, current string) (source.Pin, error) {
	repo, err := s.open(r)
	if err != nil {
		return source.Pin{}, err
	}
	m, tag, err := find(ctx, repo, r, current)
	if err != nil {
		return source.Pin{}, fmt.Errorf("resolve %s: %w", r, err)
	}
	p, err := s.pin(ctx, repo, r, m)
	if err != nil {
		return source.Pin{}, fmt.Errorf("resolve %s: %w", r, err)
	}
	// What was asked for by a version is that version, whatever else is written
	// on it: no two tags lead to one.
	if v := versionOf(tag); v != "" {
		p.Version = v
	}
	return p, nil
}

// find returns the manifest that r means, and the tag that led there, if one did.
func find(ctx context.Context, repo repository, r ref.Ref, current string) (*manifest, string, error) {
	if r.Rev != "" {
		m, err := repo.manifest(ctx, r.Rev)
		return m, r.Rev, err
	}
	switch r.Query.Kind() {
	case version.Exact, version.Constraint:
		return findVersion(ctx, repo, r.Query, current)
	case version.Tag:
		if tag := r.Query.String(); tag != latest {
			m, err := repo.manifest(ctx, tag)
			return m, tag, err
		}
	case version.Any:
		if version.Valid(current) {
			tag := tagOf(current)
			if m, err := repo.manifest(ctx, tag); !errors.Is(err, source.ErrNotFound) {
				return m, tag, err
			}
		}
	}
	m, err := repo.manifest(ctx, latest)
	if !errors.Is(err, source.ErrNotFound) {
		return m, latest, err
	}
	m, tag, versionErr := findVersion(ctx, repo, version.Query{}, "")
	if errors.Is(versionErr, version.ErrNoMatch) {
		return nil, "", err // it has neither: to say latest is to say what is missing
	}
	return m, tag, versionErr
}

func findVersion(ctx context.Context, repo repository, q version.Query, current string) (*manifest, string, error) {
	tags, err := tagged(ctx, repo)
	if err != nil {
		return nil, "", err
	}
	chosen, err := version.Select(q, infos(tags), current)
	if err != nil {
		return nil, "", err
	}
	tag := tags[chosen.Version]
	m, err := repo.manifest(ctx, tag)
	return m, tag, err
}

// pin describes the one skill that m stands for.
func (s *Source) pin(ctx context.Context, repo repository, r ref.Ref, m *manifest) (source.Pin, error) {
	skills, layer, err := choose(ctx, repo, r, m)
	if err != nil {
		return source.Pin{}, err
	}
	if layer.Size > s.limit {
		return source.Pin{}, s.tooLarge(layer.Size)
	}
	p := source.Pin{
		Ref:      r,
		URL:      r.URL,
		Slug:     lastPart(r.URL),
		Revision: string(m.digest),
		Artifact: layer.sum,
		Size:     layer.Size,
		Trust:    source.FromRegistry,
	}
	for _, annotations := range []map[string]string{skills.Annotations, m.Annotations} {
		p.Version = cmp.Or(p.Version, annotatedVersion(annotations))
	}
	if name := cmp.Or(nameIn(skills.Annotations), nameIn(m.Annotations)); skill.ValidName(name) {
		p.Slug = name
	}
	return p, nil
}

func (s *Source) tooLarge(size int64) error {
	return &archive.LimitError{What: "artifact", Got: size, Limit: s.limit, Flag: "max-download"}
}

// List returns the skills of a collection, each by its digest in the collection.
// Anything else is one skill, which stands for itself.
func (s *Source) List(ctx context.Context, r ref.Ref) ([]source.Listing, error) {
	repo, err := s.open(r)
	if err != nil {
		return nil, err
	}
	m, _, err := find(ctx, repo, r, "")
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", r, err)
	}
	if !m.isCollection() {
		return []source.Listing{{
			Ref: r, Name: cmp.Or(nameIn(m.Annotations), lastPart(r.URL)), Description: descriptionIn(m.Annotations),
		}}, nil
	}
	list, err := m.listings(r)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", r, err)
	}
	slices.SortStableFunc(list, func(a, b source.Listing) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// lastPart returns the last part of the path of a repository or folder.
func lastPart(url string) string {
	if strings.HasPrefix(url, layoutScheme) {
		return layoutName(url)
	}
	return url[strings.LastIndexByte(url, '/')+1:]
}
