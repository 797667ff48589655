package catalog

import (
	"context"
	"errors"
	"slices"

	"github.com/openskills-go/skills/registry/internal/meta"
)

// mayPublish tells who may not, before their files are looked at.
func (c *Catalog) mayPublish(ctx context.Context, a Actor, owner string) error {
	return c.meta.View(ctx, func(tx *meta.Tx) error { return may(ctx, tx, a, owner, meta.Publisher) })
}

// may reports why an actor may not do for an owner what wants a role; nil: it may.
func may(ctx context.Context, tx *meta.Tx, a Actor, owner string, role meta.Role) error {
	switch {
	case a.Anonymous():
		return &DeniedError{Why: "this needs a token", Anonymous: true}
	case !a.Has(ScopePublish):
		return &DeniedError{Why: "the token has no scope " + ScopePublish}
	}
	if _, err := tx.Owner(ctx, owner); errors.Is(err, meta.ErrNotFound) {
		return &NotFoundError{What: "owner", Name: owner}
	} else if err != nil {
		return err
	}
	if owner == a.User || a.Role == meta.Admin && a.Has(ScopeAdmin) {
		return nil
	}
	members, err := tx.Members(ctx, owner)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(members, func(m meta.Member) bool { return m.User == a.User && roleAt(m.Role, role) }) {
		return &DeniedError{Why: a.User + " is no " + string(role) + " of " + owner}
	}
	return nil
}

// governs reports why an actor may not govern the registry; nil: it may.
func governs(a Actor, roles ...meta.Role) error {
	switch {
	case a.Anonymous():
		return &DeniedError{Why: "this needs a token", Anonymous: true}
	case !a.Has(ScopeAdmin):
		return &DeniedError{Why: "the token has no scope " + ScopeAdmin}
	case !slices.Contains(roles, a.Role):
		return &DeniedError{Why: "this is for those who run the registry"}
	}
	return nil
}
