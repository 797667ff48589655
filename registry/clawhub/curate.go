package clawhub

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/api"
)

// Yank hides a version, or shows it again. It is an addition to the API of ClawHub,
// as are Deprecate and Tag.
func (r *Registry) Yank(ctx context.Context, rel source.Release, reason string) error {
	verb := "yank"
	if reason == "" {
		verb = "unyank"
	}
	return r.curate(ctx, verb, rel, "/versions/"+url.PathEscape(rel.Version)+"/"+verb, api.Change{Reason: reason})
}

// Deprecate says of a skill why another should be used.
func (r *Registry) Deprecate(ctx context.Context, rel source.Release, reason string) error {
	return r.curate(ctx, "deprecate", rel, "/deprecate", api.Change{Message: reason})
}

// Tag makes a tag stand for a version, or takes it away.
func (r *Registry) Tag(ctx context.Context, rel source.Release, tag string) error {
	below := "/tags/" + url.PathEscape(tag)
	if rel.Version != "" {
		return r.curate(ctx, "tag", rel, below, api.Change{Version: rel.Version})
	}
	name := skillName{owner: rel.Owner, slug: rel.Slug}
	address := r.base.ofSkill(name, below)
	_, err := r.client.Delete(ctx, address, transport.GetOptions{})
	if err != nil {
		err = explain(err, address, rel.Slug)
	}
	return r.curated(err, "untag", name)
}

func (r *Registry) curate(ctx context.Context, verb string, rel source.Release, below string, c api.Change) error {
	name := skillName{owner: rel.Owner, slug: rel.Slug}
	var answer api.Done
	address := r.base.ofSkill(name, below)
	err := r.send(ctx, address, c, &answer)
	if err == nil && !answer.OK {
		err = wrong(address, "it does not say that it was done")
	}
	return r.curated(err, verb, name)
}

// curated says what could not be done. That an address is not there means that the
// registry has no such thing.
func (r *Registry) curated(err error, verb string, name skillName) error {
	if err == nil {
		return nil
	}
	if missing, ok := errors.AsType[*EndpointError](err); ok {
		err = fmt.Errorf("%w: %w", source.ErrUnsupported, missing)
	} else if !errors.Is(err, source.ErrNotFound) {
		err = rejected(err, source.Release{})
	}
	return fmt.Errorf("%s %s: %w", verb, quote(name.String()), err)
}
