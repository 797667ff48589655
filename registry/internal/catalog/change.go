package catalog

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/internal/meta"
	"github.com/openskills-go/skills/registry/internal/translog"
)

// A change is something that is done to a skill that is there, or to a version.
type change struct {
	actor    Actor
	name     Name
	version  string // "" is the skill
	role     meta.Role
	moderate bool   // by moderators only, whoever owns the skill
	lost     bool   // also to what is deleted or removed
	action   string // for the audit log
	detail   string
	log      bool // it is for the public log too
}

// apply does a change: do alters s and v, which are written after. It reports false
// if there is nothing to do.
func (c *Catalog) apply(ctx context.Context, ch change, do func(s *meta.Skill, v *meta.Version) (bool, error)) error {
	changed := false
	err := c.meta.Update(ctx, func(tx *meta.Tx) error {
		changed = false
		s, err := c.lock(ctx, tx, ch)
		if err != nil {
			return err
		}
		var v meta.Version
		if ch.version != "" {
			if v, err = tx.Version(ctx, s.ID, ch.version); errors.Is(err, meta.ErrNotFound) {
				return &NotFoundError{What: "version", Name: ch.name.String() + "@" + ch.version}
			} else if err != nil {
				return err
			}
			if lost(v) && !ch.lost {
				return &GoneError{What: "version", Name: s.Owner + "/" + s.Slug + "@" + v.Version, Removed: v.Removed != "", Reason: v.Removed}
			}
		}
		changed, err = do(&s, &v)
		if err != nil || !changed {
			return err
		}
		return c.write(ctx, tx, ch, s, v)
	})
	if err == nil && changed {
		c.changed()
	}
	return err
}

// lock returns the skill that a change is about, once its actor may.
func (c *Catalog) lock(ctx context.Context, tx *meta.Tx, ch change) (meta.Skill, error) {
	found, err := tx.Skills(ctx, ch.name.Owner, ch.name.Slug)
	if err != nil {
		return meta.Skill{}, err
	}
	s, err := c.one(ch.name, found)
	if _, isGone := errors.AsType[*GoneError](err); isGone && ch.lost && len(found) == 1 {
		s, err = found[0], nil
	}
	if err != nil {
		return meta.Skill{}, err
	}
	if ch.moderate {
		return s, governs(ch.actor, meta.Admin, meta.Moderator)
	}
	return s, may(ctx, tx, ch.actor, s.Owner, ch.role)
}

func (c *Catalog) write(ctx context.Context, tx *meta.Tx, ch change, s meta.Skill, v meta.Version) error {
	if v.ID != 0 {
		if err := tx.UpdateVersion(ctx, v); err != nil {
			return err
		}
		if err := settleLatest(ctx, tx, &s); err != nil {
			return err
		}
	}
	if err := tx.UpdateSkill(ctx, s); err != nil {
		return err
	}
	if ch.log {
		line := fmt.Sprintf("%s %s/%s %s %s %d", ch.action, s.Owner, s.Slug, v.Version, url.QueryEscape(ch.detail), c.now().Unix())
		if _, err := translog.Append(ctx, tx, line); err != nil {
			return err
		}
	}
	return tx.AddEvent(ctx, c.event(ch.actor, ch.action, s, ch.version, ch.detail))
}

// settleLatest makes latest, and every tag, stand for a version that is to be had.
// A latest that still is stays as it is.
func settleLatest(ctx context.Context, tx *meta.Tx, s *meta.Skill) error {
	all, err := tx.Versions(ctx, s.ID)
	if err != nil {
		return err
	}
	best, there := meta.Version{}, map[string]meta.Version{}
	for _, v := range all {
		if lost(v) {
			continue
		}
		there[v.Version] = v
		if !v.Yanked && better(v.Version, best.Version) {
			best = v
		}
	}
	for tag, number := range s.Tags {
		if _, ok := there[number]; !ok {
			delete(s.Tags, tag)
		}
	}
	if now, ok := there[s.Latest]; ok && !now.Yanked && !better(best.Version, s.Latest) {
		return nil
	}
	s.Latest = best.Version
	delete(s.Tags, version.Latest)
	if best.Version == "" {
		return nil
	}
	if s.Tags == nil {
		s.Tags = map[string]string{}
	}
	s.Tags[version.Latest], s.Summary = best.Version, best.Description
	return tx.Index(ctx, s.ID, meta.Text{Slug: s.Slug, Name: s.Name, Summary: s.Summary, Topics: s.Topics})
}

// Yank hides a version from selection, for a reason.
func (c *Catalog) Yank(ctx context.Context, a Actor, n Name, version, reason string) error {
	if err := checkReason(reason); err != nil {
		return err
	}
	ch := change{actor: a, name: n, version: version, role: meta.Publisher, action: "yank", detail: reason, log: true}
	return c.apply(ctx, ch, func(_ *meta.Skill, v *meta.Version) (bool, error) {
		if v.Yanked && v.YankReason == reason {
			return false, nil
		}
		v.Yanked, v.YankReason = true, reason
		return true, nil
	})
}

// Unyank takes that back.
func (c *Catalog) Unyank(ctx context.Context, a Actor, n Name, version string) error {
	ch := change{actor: a, name: n, version: version, role: meta.Publisher, action: "unyank", log: true}
	return c.apply(ctx, ch, func(_ *meta.Skill, v *meta.Version) (bool, error) {
		was := v.Yanked
		v.Yanked, v.YankReason = false, ""
		return was, nil
	})
}

// Deprecate says of a skill that another should be used; "" takes that back.
func (c *Catalog) Deprecate(ctx context.Context, a Actor, n Name, message string) error {
	if err := checkText("message", message, maxReason, false); err != nil {
		return err
	}
	ch := change{actor: a, name: n, role: meta.Publisher, action: "deprecate", detail: message}
	return c.apply(ctx, ch, func(s *meta.Skill, _ *meta.Version) (bool, error) {
		was := s.Deprecated
		s.Deprecated = message
		return was != message, nil
	})
}

// Tag makes a tag stand for a version; version "" takes the tag away. Latest can be
// moved and not taken away, and moves on with the next greater version.
func (c *Catalog) Tag(ctx context.Context, a Actor, n Name, tag, number string) error {
	if tag != version.Latest {
		if err := checkTag(tag); err != nil {
			return err
		}
	} else if number == "" {
		return &InvalidError{What: "tag", Faults: []string{"latest is always there"}}
	}
	if number == "" {
		ch := change{actor: a, name: n, role: meta.Publisher, action: "untag", detail: tag}
		return c.apply(ctx, ch, func(s *meta.Skill, _ *meta.Version) (bool, error) {
			if _, ok := s.Tags[tag]; !ok {
				return false, &NotFoundError{What: "tag", Name: tag}
			}
			delete(s.Tags, tag)
			return true, nil
		})
	}
	return c.tag(ctx, a, n, tag, number)
}

func (c *Catalog) tag(ctx context.Context, a Actor, n Name, tag, number string) error {
	moved := false
	err := c.meta.Update(ctx, func(tx *meta.Tx) error {
		moved = false
		ch := change{actor: a, name: n, version: number, role: meta.Publisher, action: "tag", detail: tag}
		s, err := c.lock(ctx, tx, ch)
		if err != nil {
			return err
		}
		v, err := choose(ctx, tx, s, Want{Version: number})
		if err != nil {
			return err
		}
		if s.Tags[tag] == v.Version {
			return nil
		}
		if s.Tags == nil {
			s.Tags = map[string]string{}
		}
		if s.Tags[tag] = v.Version; tag == version.Latest {
			if v.Yanked {
				return &ConflictError{What: "version", Name: n.String() + "@" + number, Why: "is yanked, and cannot be latest"}
			}
			s.Latest, s.Summary = v.Version, v.Description
			err = tx.Index(ctx, s.ID, meta.Text{Slug: s.Slug, Name: s.Name, Summary: s.Summary, Topics: s.Topics})
		} else if len(s.Tags) > maxTags {
			return &InvalidError{What: "tags", Faults: []string{"there are more than 20 of them"}}
		}
		if err != nil {
			return err
		}
		moved = true
		if err := tx.UpdateSkill(ctx, s); err != nil {
			return err
		}
		return tx.AddEvent(ctx, c.event(a, "tag", s, number, tag))
	})
	if err == nil && moved {
		c.changed()
	}
	return err
}

// Delete takes a skill away, or only a version of it. Nothing is lost.
func (c *Catalog) Delete(ctx context.Context, a Actor, n Name, version string) error {
	ch := change{actor: a, name: n, version: version, role: meta.Admin, lost: true, action: "delete"}
	return c.apply(ctx, ch, func(s *meta.Skill, v *meta.Version) (bool, error) {
		return set(pick(version, &s.Deleted, &v.Deleted), c.now()), nil
	})
}

// Undelete takes that back.
func (c *Catalog) Undelete(ctx context.Context, a Actor, n Name, version string) error {
	ch := change{actor: a, name: n, version: version, role: meta.Admin, lost: true, action: "undelete"}
	return c.apply(ctx, ch, func(s *meta.Skill, v *meta.Version) (bool, error) {
		return set(pick(version, &s.Deleted, &v.Deleted), time.Time{}), nil
	})
}

// set sets a time that says whether something is so, and reports whether that is
// news.
func set(at *time.Time, to time.Time) bool {
	if at.IsZero() == to.IsZero() {
		return false
	}
	*at = to
	return true
}

func pick[T any](version string, ofSkill, ofVersion *T) *T {
	if version == "" {
		return ofSkill
	}
	return ofVersion
}

// Remove takes a skill, or a version of it, away as a moderator, for a reason.
func (c *Catalog) Remove(ctx context.Context, a Actor, n Name, version, reason string) error {
	if err := checkReason(reason); err != nil {
		return err
	}
	ch := change{actor: a, name: n, version: version, moderate: true, lost: true, action: "remove", detail: reason}
	return c.apply(ctx, ch, func(s *meta.Skill, v *meta.Version) (bool, error) {
		at := pick(version, &s.Removed, &v.Removed)
		was := *at
		*at = reason
		return was != reason, nil
	})
}

// Restore takes that back.
func (c *Catalog) Restore(ctx context.Context, a Actor, n Name, version string) error {
	ch := change{actor: a, name: n, version: version, moderate: true, lost: true, action: "restore"}
	return c.apply(ctx, ch, func(s *meta.Skill, v *meta.Version) (bool, error) {
		at := pick(version, &s.Removed, &v.Removed)
		was := *at
		*at = ""
		return was != "", nil
	})
}

func checkReason(reason string) error {
	if reason == "" {
		return &InvalidError{What: "reason", Faults: []string{"is missing"}}
	}
	return checkText("reason", reason, maxReason, false)
}

// Star notes that an actor likes a skill, and reports whether that is news.
func (c *Catalog) Star(ctx context.Context, a Actor, n Name) (bool, error) {
	return c.star(ctx, a, n, (*meta.Tx).Star)
}

// Unstar takes that back, and reports whether that is news.
func (c *Catalog) Unstar(ctx context.Context, a Actor, n Name) (bool, error) {
	return c.star(ctx, a, n, (*meta.Tx).Unstar)
}

func (c *Catalog) star(ctx context.Context, a Actor, n Name, do func(*meta.Tx, context.Context, string, int64) (bool, error)) (news bool, err error) {
	if a.User == "" {
		return false, &DeniedError{Why: "this needs a token", Anonymous: true}
	}
	s, err := c.Find(ctx, n)
	if err != nil {
		return false, err
	}
	err = c.meta.Update(ctx, func(tx *meta.Tx) error {
		news, err = do(tx, ctx, a.User, s.ID)
		return err
	})
	if news {
		c.changed()
	}
	return news, err
}
