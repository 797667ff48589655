package static

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/internal/baseurl"
)

// ErrURL says that a URL cannot be that of a registry.
var ErrURL = errors.New("registry url is invalid")

// Prefix before the scheme of a URL says that it is one of this protocol.
const Prefix = "static+"

// A base is the address of a registry: where its config.json is.
type base struct{ baseurl.URL }

func parseBase(s string) (base, error) {
	b, err := baseurl.Parse(s, Prefix, ErrURL)
	if err != nil {
		return base{}, err
	}
	clean, err := url.Parse(b.String())
	if err != nil {
		return base{}, fmt.Errorf("open registry: %w: it cannot be parsed", ErrURL)
	}
	// Without dots, which would lead to another one.
	path := strings.TrimSuffix(clean.JoinPath().EscapedPath(), configFile)
	b.Path = strings.TrimRight(path, "/")
	return base{b}, nil
}

// registry is the address with the protocol in it.
func (b base) registry() string { return Prefix + b.String() }

// blobs is where artifacts are if config.json does not say otherwise.
func (b base) blobs() string { return b.String() + "/blobs/" }

// indexPath is where the versions of a skill are, below the indexes.
func indexPath(n skillName) string {
	shard := shardOf(n.owner)
	return shard[:2] + "/" + shard[2:] + "/" + url.PathEscape(n.owner) + "/" + url.PathEscape(n.slug) + ".ndjson"
}

// ownerPath is where the skills of an owner are, below the owners.
func ownerPath(owner string) string {
	return shardOf(owner)[:2] + "/" + url.PathEscape(owner) + ".json"
}

func shardOf(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return hex.EncodeToString(sum[:2])
}

// blobPath is where an artifact is, below the blobs. The digest is one of sha256.
func blobPath(d digest.Digest) string { return "sha256/" + d.Hex()[:2] + "/" + d.Hex() }

// Match recognises the addresses that a registry has for one skill: its archives
// and documents by name (/{owner}/{slug}/{version}.zip, …/SKILL.md), its index, and
// those for other clients (/{owner}/{slug}/.well-known/…). There are no pages.
func (r *Registry) Match(rawURL string) (ref.Ref, bool) {
	_, path, ok := r.base.Below(rawURL)
	if !ok {
		return ref.Ref{}, false
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		var err error
		if parts[i], err = url.PathUnescape(part); err != nil {
			return ref.Ref{}, false
		}
	}
	number := ""
	found := ref.Ref{Kind: ref.Registry, Registry: r.name, Owner: parts[0]}
	switch owner, slug, both := strings.Cut(parts[0], "@"); {
	case len(parts) == 5 && parts[0] == "index":
		found.Owner = parts[3]
		found.Slug, ok = strings.CutSuffix(parts[4], ".ndjson")
	case len(parts) > 2 && both && parts[1] == ".well-known":
		found.Owner, found.Slug = owner, slug
	case len(parts) > 3 && parts[2] == ".well-known":
		found.Slug = parts[1]
	case len(parts) == 3:
		found.Slug = parts[1]
		number, ok = strings.CutSuffix(parts[2], ".zip")
	case len(parts) == 4 && parts[3] == "SKILL.md":
		found.Slug, number = parts[1], parts[2]
	default:
		return ref.Ref{}, false
	}
	ok = ok && ref.ValidSlug(found.Owner) && ref.ValidSlug(found.Slug) && (number == "" || version.Valid(number))
	if !ok {
		return ref.Ref{}, false
	}
	query, err := version.ParseQuery(number)
	found.Query = query
	return found, err == nil
}
