package meta

import (
	"context"
	"maps"
	"slices"
)

const skillColumns = `skills.id, skills.owner, skills.slug, skills.name, skills.summary, skills.latest, skills.tags, skills.topics, skills.stars,
	skills.downloads, skills.created, skills.updated, skills.deprecated, skills.deleted, skills.removed`

// there is the condition that holds for what is listed and found.
const there = `skills.deleted = 0 AND skills.removed = '' AND skills.latest <> ''`

func (s *Skill) into() []any {
	return []any{
		&s.ID, &s.Owner, &s.Slug, &s.Name, &s.Summary, &s.Latest, jsonOf{&s.Tags}, jsonOf{&s.Topics}, &s.Stars,
		&s.Downloads, clock{&s.Created}, clock{&s.Updated}, &s.Deprecated, clock{&s.Deleted}, &s.Removed,
	}
}

func scanSkill(s scanner) (k Skill, err error) { return k, s.Scan(k.into()...) }

func (tx *Tx) lock() string {
	if tx.writes {
		return tx.db.dialect.forUpdate()
	}
	return ""
}

// Skills returns the skills with a slug, of one owner or ("") of any, also those
// that are deleted or removed. In an Update it locks them.
func (tx *Tx) Skills(ctx context.Context, owner, slug string) ([]Skill, error) {
	if owner == "" {
		return rows(ctx, tx, scanSkill, `SELECT `+skillColumns+` FROM skills WHERE slug = $1 ORDER BY owner`+tx.lock(), slug)
	}
	return rows(ctx, tx, scanSkill, `SELECT `+skillColumns+` FROM skills WHERE owner = $1 AND slug = $2`+tx.lock(), owner, slug)
}

// Flat returns the skills whose owner and slug joined by - are flat.
func (tx *Tx) Flat(ctx context.Context, flat string) ([]Skill, error) {
	return rows(ctx, tx, scanSkill, `SELECT `+skillColumns+` FROM skills WHERE flat = $1 ORDER BY owner`, flat)
}

// SkillByID returns a skill, or ErrNotFound.
func (tx *Tx) SkillByID(ctx context.Context, id int64) (k Skill, err error) {
	err = tx.row(ctx, func(s scanner) error { return s.Scan(k.into()...) }, `SELECT `+skillColumns+` FROM skills WHERE id = $1`, id)
	return k, err
}

// CreateSkill writes a new skill and returns its ID. ErrExists: there is one with
// its owner and slug.
func (tx *Tx) CreateSkill(ctx context.Context, k Skill) (id int64, err error) {
	tx.counted = true
	err = tx.row(ctx, func(s scanner) error { return s.Scan(&id) },
		`INSERT INTO skills (owner, slug, flat, name, summary, latest, tags, topics, stars, downloads, created, updated, deprecated, deleted, removed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING id`,
		k.Owner, k.Slug, k.Owner+"-"+k.Slug, k.Name, k.Summary, k.Latest, text(k.Tags), text(k.Topics), k.Stars, k.Downloads,
		micros(k.Created), micros(k.Updated), k.Deprecated, micros(k.Deleted), k.Removed)
	return id, err
}

// UpdateSkill writes all of a skill but its ID, owner, slug, stars and downloads.
func (tx *Tx) UpdateSkill(ctx context.Context, k Skill) error {
	n, err := tx.change(ctx, `UPDATE skills SET name = $1, summary = $2, latest = $3, tags = $4, topics = $5, updated = $6, deprecated = $7,
		deleted = $8, removed = $9 WHERE id = $10`,
		k.Name, k.Summary, k.Latest, text(k.Tags), text(k.Topics), micros(k.Updated), k.Deprecated, micros(k.Deleted), k.Removed, k.ID)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// Count returns how many skills, versions and owners with a skill there are to be
// had.
func (tx *Tx) Count(ctx context.Context) (skills, versions, owners int64, err error) {
	err = tx.row(ctx, func(s scanner) error { return s.Scan(&skills, &owners) },
		`SELECT count(*), count(DISTINCT owner) FROM skills WHERE `+there)
	if err != nil {
		return 0, 0, 0, err
	}
	err = tx.row(ctx, func(s scanner) error { return s.Scan(&versions) },
		`SELECT count(*) FROM versions JOIN skills ON skills.id = versions.skill WHERE versions.deleted = 0 AND versions.removed = '' AND `+there)
	return skills, versions, owners, err
}

// CountDownloads adds to the downloads of skills, by ID. It does not count for
// Generation.
func (tx *Tx) CountDownloads(ctx context.Context, by map[int64]int64) error {
	// In one order, so that two that do it wait for each other and do not lock up.
	for _, skill := range slices.Sorted(maps.Keys(by)) {
		if _, err := tx.note(ctx, `UPDATE skills SET downloads = downloads + $1 WHERE id = $2`, by[skill], skill); err != nil {
			return err
		}
	}
	return nil
}

// Star notes that a user likes a skill, and reports whether it is news.
func (tx *Tx) Star(ctx context.Context, user string, skill int64) (bool, error) {
	n, err := tx.note(ctx, `INSERT INTO stars (login, skill) VALUES ($1, $2) ON CONFLICT (login, skill) DO NOTHING`, user, skill)
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.exec(ctx, `UPDATE skills SET stars = stars + 1 WHERE id = $1`, skill)
}

// Unstar takes that back, and reports whether it is news.
func (tx *Tx) Unstar(ctx context.Context, user string, skill int64) (bool, error) {
	n, err := tx.note(ctx, `DELETE FROM stars WHERE login = $1 AND skill = $2`, user, skill)
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.exec(ctx, `UPDATE skills SET stars = stars - 1 WHERE id = $1`, skill)
}
