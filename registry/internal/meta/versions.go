package meta

import (
	"context"
	"iter"

	"github.com/openskills-go/skills/pkg/digest"
)

const versionColumns = `versions.id, versions.skill, versions.version, versions.changelog, versions.license, versions.description, versions.artifact,
	versions.size, versions.tree, versions.count, versions.unpacked, versions.fingerprint, versions.text_fingerprint, versions.manifest, versions.config,
	versions.layer, versions.publisher, versions.created, versions.yanked, versions.yank_reason, versions.deleted, versions.removed, versions.log`

func (v *Version) into() []any {
	return []any{
		&v.ID, &v.Skill, &v.Version, &v.Changelog, &v.License, &v.Description, (*string)(&v.Artifact),
		&v.Size, (*string)(&v.Tree), &v.Count, &v.Unpacked, &v.Fingerprint, &v.TextFingerprint, (*string)(&v.Manifest), (*string)(&v.Config),
		(*string)(&v.Layer), &v.Publisher, clock{&v.Created}, flag{&v.Yanked}, &v.YankReason, clock{&v.Deleted}, &v.Removed, &v.Log,
	}
}

func scanVersion(s scanner) (v Version, err error) { return v, s.Scan(v.into()...) }

// one returns the first row of a query, or ErrNotFound.
func one[T any](list []T, err error) (T, error) {
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return list[0], nil
}

// Versions returns all versions of a skill, also those that are deleted, in the
// order in which they were published.
func (tx *Tx) Versions(ctx context.Context, skill int64) ([]Version, error) {
	return rows(ctx, tx, scanVersion, `SELECT `+versionColumns+` FROM versions WHERE skill = $1 ORDER BY id`, skill)
}

// Version returns a version of a skill, or ErrNotFound.
func (tx *Tx) Version(ctx context.Context, skill int64, version string) (Version, error) {
	return one(rows(ctx, tx, scanVersion, `SELECT `+versionColumns+` FROM versions WHERE skill = $1 AND version = $2`, skill, version))
}

// VersionByManifest returns the version that has an OCI manifest, or ErrNotFound.
func (tx *Tx) VersionByManifest(ctx context.Context, skill int64, manifest digest.Digest) (Version, error) {
	return one(rows(ctx, tx, scanVersion, `SELECT `+versionColumns+` FROM versions WHERE manifest = $1 AND skill = $2 ORDER BY id`, string(manifest), skill))
}

// VersionsByArtifact returns the versions, of any skill, that have an artifact.
func (tx *Tx) VersionsByArtifact(ctx context.Context, artifact digest.Digest) ([]Version, error) {
	return rows(ctx, tx, scanVersion, `SELECT `+versionColumns+` FROM versions WHERE artifact = $1 ORDER BY id`, string(artifact))
}

// Served reports whether a version that is to be had, of a skill that is, has a blob:
// its artifact, or a part of its image.
func (tx *Tx) Served(ctx context.Context, blob digest.Digest) (bool, error) {
	scan := func(s scanner) (n int64, err error) { return n, s.Scan(&n) }
	list, err := rows(ctx, tx, scan, `SELECT versions.id FROM versions JOIN skills ON skills.id = versions.skill
		WHERE (artifact = $1 OR manifest = $1 OR config = $1 OR layer = $1)
		AND versions.deleted = 0 AND versions.removed = '' AND skills.deleted = 0 AND skills.removed = '' LIMIT 1`, string(blob))
	return len(list) > 0, err
}

// Named reports whether a version, be it deleted or removed, has a blob.
func (tx *Tx) Named(ctx context.Context, blob digest.Digest) (bool, error) {
	scan := func(s scanner) (n int64, err error) { return n, s.Scan(&n) }
	list, err := rows(ctx, tx, scan, `SELECT id FROM versions WHERE artifact = $1 OR manifest = $1 OR config = $1 OR layer = $1 LIMIT 1`, string(blob))
	return len(list) > 0, err
}

// AllVersions yields every version there ever was, by ID, in pages of its own.
// The error, if there is one, comes last.
func (tx *Tx) AllVersions(ctx context.Context) iter.Seq2[Version, error] {
	const page = 500
	return func(yield func(Version, error) bool) {
		for after := int64(0); ; {
			list, err := rows(ctx, tx, scanVersion, `SELECT `+versionColumns+` FROM versions WHERE id > $1 ORDER BY id LIMIT $2`, after, page)
			if err != nil {
				yield(Version{}, err)
				return
			}
			for _, v := range list {
				if !yield(v, nil) {
					return
				}
				after = v.ID
			}
			if len(list) < page {
				return
			}
		}
	}
}

// CreateVersion writes a new version with its files and returns its ID. ErrExists:
// the skill has it.
func (tx *Tx) CreateVersion(ctx context.Context, v Version, files []File) (id int64, err error) {
	tx.counted = true
	err = tx.row(ctx, func(s scanner) error { return s.Scan(&id) },
		`INSERT INTO versions (skill, version, changelog, license, description, artifact, size, tree, count, unpacked, fingerprint, text_fingerprint,
		manifest, config, layer, publisher, created, yanked, yank_reason, deleted, removed, log)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22) RETURNING id`,
		v.Skill, v.Version, v.Changelog, v.License, v.Description, string(v.Artifact), v.Size, string(v.Tree), v.Count, v.Unpacked, v.Fingerprint, v.TextFingerprint,
		string(v.Manifest), string(v.Config), string(v.Layer), v.Publisher, micros(v.Created), number(v.Yanked), v.YankReason, micros(v.Deleted), v.Removed, v.Log)
	if err != nil {
		return 0, err
	}
	return id, tx.exec(ctx, `INSERT INTO files (version, list) VALUES ($1, $2)`, id, text(files))
}

// UpdateVersion writes what may change of a version: Yanked, YankReason, Deleted,
// Removed.
func (tx *Tx) UpdateVersion(ctx context.Context, v Version) error {
	n, err := tx.change(ctx, `UPDATE versions SET yanked = $1, yank_reason = $2, deleted = $3, removed = $4 WHERE id = $5`,
		number(v.Yanked), v.YankReason, micros(v.Deleted), v.Removed, v.ID)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// Files returns the files of a version, by path.
func (tx *Tx) Files(ctx context.Context, version int64) ([]File, error) {
	scan := func(s scanner) (files []File, err error) { return files, s.Scan(jsonOf{&files}) }
	return one(rows(ctx, tx, scan, `SELECT list FROM files WHERE version = $1`, version))
}
