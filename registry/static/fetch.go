package static

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
)

// Fetch downloads the artifact of p by its digest and asks for nothing else: what
// is locked comes with one request. Without a digest p needs the slug and the
// version, and the index tells. Only the index says whether a version is yanked:
// of what is locked nobody is told here.
func (r *Registry) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	receipt, err := r.fetch(ctx, p, dst)
	if err != nil {
		return receipt, fmt.Errorf("fetch %s: %w", quote(skillName{p.Owner, p.Slug}.String()), err)
	}
	return receipt, nil
}

func (r *Registry) fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	if p.Artifact.Hex() == "" {
		rel, err := r.named(ctx, p)
		if err != nil {
			return source.Receipt{}, err
		}
		p.Artifact, p.Yanked = rel.artifact, rel.Reason
	}
	address, via := r.base.blobs()+blobPath(p.Artifact), ""
	if c, ok := r.config.known(); ok {
		address, via = c.blobs+blobPath(p.Artifact), c.url
	}
	receipt, err := r.download(ctx, p, address, via, dst)
	if via == "" && isElsewhere(err) {
		// They may be where only config.json says.
		c, broken := r.read(ctx)
		if broken == nil && c.blobs != r.base.blobs() {
			if errors.Is(err, transport.ErrWebPage) && dst.Offset() > 0 {
				if err := dst.Restart(""); err != nil {
					return source.Receipt{}, fmt.Errorf("write artifact: %w", err)
				}
			}
			receipt, err = r.download(ctx, p, c.blobs+blobPath(p.Artifact), c.url, dst)
		}
	}
	if errors.Is(err, transport.ErrNotModified) {
		return receipt, source.ErrNotModified
	}
	if err != nil {
		return source.Receipt{}, r.explain(ctx, err)
	}
	return receipt, nil
}

// named returns the release that a Pin without a digest means.
func (r *Registry) named(ctx context.Context, p source.Pin) (release, error) {
	q, err := version.ParseQuery(p.Version)
	if err != nil {
		return release{}, err
	}
	_, releases, err := r.releases(ctx, ref.Ref{Kind: ref.Registry, Owner: p.Owner, Slug: p.Slug})
	if err != nil {
		return release{}, err
	}
	rel, err := pick(q, releases, p.Version)
	if err == nil && p.Tree != "" && rel.tree != "" && p.Tree != rel.tree {
		err = &digest.MismatchError{What: "the tree of " + p.Slug + " in the index", Want: p.Tree, Got: rel.tree}
	}
	return rel, err
}

func (r *Registry) download(ctx context.Context, p source.Pin, address, via string, dst source.Sink) (source.Receipt, error) {
	got, err := r.client.Download(ctx, address, transport.GetOptions{
		Accept: "application/zip, application/octet-stream;q=0.9, */*;q=0.1",
		Limit:  r.limits.Download, Known: transport.Validators(p.Known), Via: via, RefusePages: true,
	}, dst)
	receipt := source.Receipt{
		URL: got.URL, Artifact: p.Artifact, Yanked: p.Yanked,
		Validators: source.Validators{ETag: got.ETag, LastModified: got.LastModified},
	}
	if got.Digest != "" {
		receipt.Artifact = got.Digest
	}
	return receipt, err
}

// isElsewhere reports whether an error says that there is nothing at an address, in
// any of the ways in which web servers say it.
func isElsewhere(err error) bool {
	if errors.Is(err, transport.ErrWebPage) {
		return true
	}
	status, ok := errors.AsType[*transport.StatusError](err)
	return ok && (status.Status == http.StatusNotFound || status.Status == http.StatusForbidden || status.Status == http.StatusGone)
}
