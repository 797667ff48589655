package catalog

import (
	"context"
	"errors"

	"github.com/openskills-go/skills/registry/internal/meta"
)

// AddUser adds a user and the owner of the same handle.
func (c *Catalog) AddUser(ctx context.Context, a Actor, u meta.User) error {
	if err := governs(a, meta.Admin); err != nil {
		return err
	}
	if err := checkOwner(u.Handle); err != nil {
		return err
	}
	if err := checkText("name", u.Name, maxTitle, false); err != nil {
		return err
	}
	switch u.Role {
	case "":
		u.Role = meta.Plain
	case meta.Admin, meta.Moderator, meta.Plain:
	default:
		return &InvalidError{What: "role", Faults: []string{"is none of admin, moderator, user"}}
	}
	u.Created = c.now()
	return c.update(ctx, func(tx *meta.Tx) error {
		if err := c.free(ctx, tx, u.Handle); err != nil {
			return err
		}
		if err := tx.PutUser(ctx, u); err != nil {
			return err
		}
		if err := tx.PutMember(ctx, meta.Member{Owner: u.Handle, User: u.Handle, Role: meta.Admin}); err != nil {
			return err
		}
		return tx.AddEvent(ctx, c.deed(a, "user.add", u.Handle, string(u.Role)))
	})
}

func (c *Catalog) update(ctx context.Context, f func(*meta.Tx) error) error {
	err := c.meta.Update(ctx, f)
	if err == nil {
		c.changed()
	}
	return err
}

func (c *Catalog) free(ctx context.Context, tx *meta.Tx, handle string) error {
	_, err := tx.Owner(ctx, handle)
	switch {
	case err == nil:
		return &ConflictError{What: "owner", Name: handle}
	case errors.Is(err, meta.ErrNotFound):
		return nil
	}
	return err
}

func (c *Catalog) deed(a Actor, action, subject, detail string) meta.Event {
	return meta.Event{Time: c.now(), User: a.User, Token: a.Token, Address: a.Address, Action: action, Subject: subject, Detail: detail}
}

// Users returns all users, by handle.
func (c *Catalog) Users(ctx context.Context, a Actor) (users []meta.User, err error) {
	if err := governs(a, meta.Admin); err != nil {
		return nil, err
	}
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		users, err = tx.Users(ctx)
		return err
	})
	return users, err
}

// User returns a user. Its error is a NotFoundError.
func (c *Catalog) User(ctx context.Context, handle string) (u meta.User, err error) {
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		u, err = tx.User(ctx, handle)
		return err
	})
	return u, missing(err, "user", handle)
}

// missing makes the error of a database about what is not there one of this
// package.
func missing(err error, what, name string) error {
	if errors.Is(err, meta.ErrNotFound) {
		return &NotFoundError{What: what, Name: name}
	}
	return err
}

// DisableUser makes the tokens of a user count for nothing, or again for what they
// did.
func (c *Catalog) DisableUser(ctx context.Context, a Actor, handle string, disabled bool) error {
	if err := governs(a, meta.Admin); err != nil {
		return err
	}
	return c.update(ctx, func(tx *meta.Tx) error {
		u, err := tx.User(ctx, handle)
		if err != nil {
			return missing(err, "user", handle)
		}
		if u.Disabled == disabled {
			return nil
		}
		u.Disabled = disabled
		if err := tx.PutUser(ctx, u); err != nil {
			return err
		}
		action := "user.enable"
		if disabled {
			action = "user.disable"
		}
		return tx.AddEvent(ctx, c.deed(a, action, handle, ""))
	})
}

// AddOwner adds an organisation whose admin is the user given, or else the actor.
func (c *Catalog) AddOwner(ctx context.Context, a Actor, o meta.Owner, admin string) error {
	if admin == "" {
		admin = a.User
	}
	if admin != a.User || a.User == "" {
		if err := governs(a, meta.Admin); err != nil {
			return err
		}
	} else if !a.Has(ScopeAdmin) {
		return &DeniedError{Why: "the token has no scope " + ScopeAdmin}
	}
	if err := checkOwner(o.Handle); err != nil {
		return err
	}
	if err := checkText("name", o.Name, maxTitle, false); err != nil {
		return err
	}
	o.Kind, o.Created = meta.Org, c.now()
	return c.update(ctx, func(tx *meta.Tx) error {
		if err := c.free(ctx, tx, o.Handle); err != nil {
			return err
		}
		if admin != "" {
			if _, err := tx.User(ctx, admin); err != nil {
				return missing(err, "user", admin)
			}
		}
		if err := tx.PutOwner(ctx, o); err != nil {
			return err
		}
		if admin != "" {
			if err := tx.PutMember(ctx, meta.Member{Owner: o.Handle, User: admin, Role: meta.Admin}); err != nil {
				return err
			}
		}
		return tx.AddEvent(ctx, c.deed(a, "owner.add", o.Handle, admin))
	})
}

// SetMember gives a user a role for an owner; "" takes it away. An organisation
// keeps at least one admin, and a user is always the admin of its own handle.
func (c *Catalog) SetMember(ctx context.Context, a Actor, m meta.Member) error {
	if m.Role != "" && m.Role != meta.Admin && m.Role != meta.Publisher {
		return &InvalidError{What: "role", Faults: []string{"is none of admin, publisher"}}
	}
	if !a.Has(ScopeAdmin) {
		return &DeniedError{Why: "the token has no scope " + ScopeAdmin, Anonymous: a.Anonymous()}
	}
	return c.update(ctx, func(tx *meta.Tx) error {
		if err := may(ctx, tx, a, m.Owner, meta.Admin); err != nil {
			return err
		}
		if _, err := tx.User(ctx, m.User); err != nil {
			return missing(err, "user", m.User)
		}
		members, err := tx.Members(ctx, m.Owner)
		if err != nil {
			return err
		}
		admins := 0
		for _, other := range members {
			if other.Role == meta.Admin && other.User != m.User {
				admins++
			}
		}
		if m.Role != meta.Admin && (admins == 0 || m.Owner == m.User) {
			return &ConflictError{What: "owner", Name: m.Owner, Why: "would be left without an admin"}
		}
		if m.Role == "" {
			err = missing(tx.DeleteMember(ctx, m.Owner, m.User), "member", m.User)
		} else {
			err = tx.PutMember(ctx, m)
		}
		if err != nil {
			return err
		}
		return tx.AddEvent(ctx, c.deed(a, "owner.member", m.Owner, m.User+" "+string(m.Role)))
	})
}

// Owner returns an owner. Its error is a NotFoundError.
func (c *Catalog) Owner(ctx context.Context, handle string) (o meta.Owner, err error) {
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		o, err = tx.Owner(ctx, handle)
		return err
	})
	return o, missing(err, "owner", handle)
}

// Members returns the members of an owner.
func (c *Catalog) Members(ctx context.Context, owner string) (members []meta.Member, err error) {
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		members, err = tx.Members(ctx, owner)
		return err
	})
	return members, err
}

// Events returns lines of the audit log, newest first.
func (c *Catalog) Events(ctx context.Context, a Actor, before int64, limit int) (events []meta.Event, err error) {
	if err := governs(a, meta.Admin, meta.Moderator); err != nil {
		return nil, err
	}
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		events, err = tx.Events(ctx, before, max(1, min(limit, 1000)))
		return err
	})
	return events, err
}
