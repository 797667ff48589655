package catalog

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/internal/meta"
)

const (
	maxRemembered = 20000       // answers, of each kind
	staleAfter    = time.Second // how long changes by other processes go unseen
	maxPage       = 200
)

// A memory is the answers of one generation. What is read far more often than it
// changes is asked of the database once.
type memory struct {
	mu         sync.Mutex
	generation int64
	checked    time.Time // when generation was read
	skills     map[Name]meta.Skill
	versions   map[wanted]meta.Version
	served     map[digest.Digest]bool
}

type wanted struct {
	skill int64
	want  Want
}

// Generation returns a number that is another after each change. Those by other
// processes are seen within a second.
func (c *Catalog) Generation(ctx context.Context) (int64, error) {
	now := c.now()
	c.memory.mu.Lock()
	n, fresh := c.memory.generation, !c.memory.checked.IsZero() && now.Sub(c.memory.checked) < staleAfter
	c.memory.mu.Unlock()
	if fresh {
		return n, nil
	}
	n, err := c.meta.Generation(ctx)
	if err != nil {
		return 0, err
	}
	c.memory.mu.Lock()
	defer c.memory.mu.Unlock()
	if n != c.memory.generation || c.memory.skills == nil {
		c.memory.forget()
	}
	c.memory.generation, c.memory.checked = n, now
	return n, nil
}

func (m *memory) forget() {
	m.skills, m.versions, m.served = map[Name]meta.Skill{}, map[wanted]meta.Version{}, map[digest.Digest]bool{}
}

// changed makes this process see at once what it wrote.
func (c *Catalog) changed() {
	c.memory.mu.Lock()
	c.memory.checked = time.Time{}
	c.memory.mu.Unlock()
}

// recall returns what pick finds in the memory of this generation, or asks for it
// and has it kept.
func recall[K comparable, V any](ctx context.Context, c *Catalog, pick func(*memory) map[K]V, key K, ask func() (V, error)) (V, error) {
	generation, err := c.Generation(ctx)
	if err != nil {
		var none V
		return none, err
	}
	c.memory.mu.Lock()
	v, ok := pick(&c.memory)[key]
	c.memory.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err = ask()
	if err != nil {
		return v, err
	}
	c.memory.mu.Lock()
	defer c.memory.mu.Unlock()
	// What was read while something changed may be of before.
	if c.memory.generation == generation && !c.memory.checked.IsZero() {
		kept := pick(&c.memory)
		if len(kept) >= maxRemembered {
			clear(kept)
		}
		kept[key] = v
	}
	return v, nil
}

// Find returns the skill with a name. Its error is a NotFoundError, an
// AmbiguousError or a GoneError.
func (c *Catalog) Find(ctx context.Context, n Name) (meta.Skill, error) {
	return recall(ctx, c, func(m *memory) map[Name]meta.Skill { return m.skills }, n, func() (s meta.Skill, err error) {
		err = c.meta.View(ctx, func(tx *meta.Tx) error {
			found, err := tx.Skills(ctx, n.Owner, n.Slug)
			if err == nil {
				s, err = c.one(n, found)
			}
			return err
		})
		return s, err
	})
}

// one returns which of the skills that have a name is meant by it.
func (c *Catalog) one(n Name, found []meta.Skill) (meta.Skill, error) {
	there := slices.DeleteFunc(slices.Clone(found), gone)
	switch {
	case len(there) == 0 && len(found) == 0:
		return meta.Skill{}, &NotFoundError{What: "skill", Name: n.String()}
	case len(there) == 0:
		return meta.Skill{}, goneError(found[0])
	case len(there) == 1:
		return there[0], nil
	case c.first:
		return slices.MinFunc(there, func(a, b meta.Skill) int { return a.Created.Compare(b.Created) }), nil
	}
	slices.SortFunc(there, func(a, b meta.Skill) int { return strings.Compare(a.Owner, b.Owner) })
	return meta.Skill{}, &AmbiguousError{Slug: n.Slug, Matches: there}
}

func gone(s meta.Skill) bool { return !s.Deleted.IsZero() || s.Removed != "" }

func goneError(s meta.Skill) error {
	return &GoneError{What: "skill", Name: s.Owner + "/" + s.Slug, Removed: s.Removed != "", Reason: s.Removed}
}

// FindFlat is Find for a text that is a slug, owner/slug, @owner/slug, or owner and
// slug joined by a hyphen.
func (c *Catalog) FindFlat(ctx context.Context, text string) (meta.Skill, error) {
	if owner, slug, ok := strings.Cut(strings.TrimPrefix(text, "@"), "/"); ok {
		return c.Find(ctx, Name{owner, slug})
	}
	s, err := c.Find(ctx, Name{Slug: text})
	missing, ok := errors.AsType[*NotFoundError](err)
	if !ok {
		return s, err
	}
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		found, err := tx.Flat(ctx, text)
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			return missing
		}
		s, err = c.one(Name{Slug: text}, found)
		return err
	})
	return s, err
}

// A Want says which version of a skill: at most one field is set, and none is the
// latest.
type Want struct{ Version, Tag string }

// Select returns a version of a skill. A yanked one is returned to whoever names it
// by Version. Its error is a NotFoundError or a GoneError.
func (c *Catalog) Select(ctx context.Context, s meta.Skill, w Want) (meta.Version, error) {
	return recall(ctx, c, func(m *memory) map[wanted]meta.Version { return m.versions }, wanted{s.ID, w}, func() (v meta.Version, err error) {
		err = c.meta.View(ctx, func(tx *meta.Tx) error {
			v, err = choose(ctx, tx, s, w)
			return err
		})
		return v, err
	})
}

func choose(ctx context.Context, tx *meta.Tx, s meta.Skill, w Want) (meta.Version, error) {
	number, asked := w.Version, w.Version
	if number == "" {
		if number, asked = s.Latest, version.Latest; w.Tag != "" && w.Tag != version.Latest {
			number, asked = s.Tags[w.Tag], w.Tag
		}
	}
	name := s.Owner + "/" + s.Slug + "@" + asked
	if number == "" {
		return meta.Version{}, &NotFoundError{What: "version", Name: name}
	}
	v, err := tx.Version(ctx, s.ID, number)
	switch {
	case errors.Is(err, meta.ErrNotFound):
		return meta.Version{}, &NotFoundError{What: "version", Name: name}
	case err != nil:
		return meta.Version{}, err
	case lost(v):
		return meta.Version{}, &GoneError{What: "version", Name: name, Removed: v.Removed != "", Reason: v.Removed}
	}
	return v, nil
}

func lost(v meta.Version) bool { return !v.Deleted.IsZero() || v.Removed != "" }

// Versions returns the versions of a skill that are to be had, yanked ones
// included, newest first in the order of semantic versions.
func (c *Catalog) Versions(ctx context.Context, s meta.Skill) (list []meta.Version, err error) {
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		list, err = tx.Versions(ctx, s.ID)
		return err
	})
	list = slices.DeleteFunc(list, lost)
	slices.SortStableFunc(list, func(a, b meta.Version) int { return version.Compare(b.Version, a.Version) })
	return list, err
}

// Files returns the files of a version, by path.
func (c *Catalog) Files(ctx context.Context, v meta.Version) (files []meta.File, err error) {
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		files, err = tx.Files(ctx, v.ID)
		return err
	})
	return files, err
}

// File returns the bytes of one file of a version.
func (c *Catalog) File(ctx context.Context, v meta.Version, path string) ([]byte, meta.File, error) {
	files, err := c.Files(ctx, v)
	if err != nil {
		return nil, meta.File{}, err
	}
	i := slices.IndexFunc(files, func(f meta.File) bool { return f.Path == path })
	if i < 0 {
		return nil, meta.File{}, &NotFoundError{What: "file", Name: path}
	}
	blob, size, err := c.blobs.Open(ctx, v.Artifact)
	if err != nil {
		return nil, meta.File{}, err
	}
	defer func() { _ = blob.Close() }()
	data, err := archive.ReadFile(ctx, io.NewSectionReader(&seeking{r: blob}, 0, size), path, archive.Options{Limits: c.limits})
	if err != nil {
		return nil, meta.File{}, err
	}
	return data, files[i], nil
}

// A seeking reader reads at offsets of what can seek.
type seeking struct {
	mu sync.Mutex
	r  io.ReadSeeker
}

func (s *seeking) ReadAt(p []byte, at int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.r.Seek(at, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(s.r, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// Blob returns what a digest names, to be read in part, and its size. Only what a
// version that is to be had consists of is returned.
func (c *Catalog) Blob(ctx context.Context, d digest.Digest) (io.ReadSeekCloser, int64, error) {
	ok, err := recall(ctx, c, func(m *memory) map[digest.Digest]bool { return m.served }, d, func() (ok bool, err error) {
		err = c.meta.View(ctx, func(tx *meta.Tx) error {
			ok, err = tx.Served(ctx, d)
			return err
		})
		return ok, err
	})
	if err != nil {
		return nil, 0, err
	}
	if !ok {
		return nil, 0, &NotFoundError{What: "blob", Name: string(d)}
	}
	r, size, err := c.blobs.Open(ctx, d)
	if errors.Is(err, fs.ErrNotExist) {
		c.log.ErrorContext(ctx, "a blob is lost", "digest", string(d))
	}
	return r, size, err
}

// Match returns the version of a skill whose files have a fingerprint, as ClawHub's
// client computes it, or ok is false.
func (c *Catalog) Match(ctx context.Context, s meta.Skill, fingerprint string) (v meta.Version, ok bool, err error) {
	list, err := c.Versions(ctx, s)
	for _, v := range list {
		if fingerprint != "" && (v.Fingerprint == fingerprint || v.TextFingerprint == fingerprint) {
			return v, true, nil
		}
	}
	return meta.Version{}, false, err
}

// List returns a page of skills, and the cursor of the next or "".
func (c *Catalog) List(ctx context.Context, q meta.ListQuery) (list []meta.Skill, next string, err error) {
	q.Limit = max(1, min(q.Limit, maxPage))
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		list, next, err = tx.List(ctx, q)
		return err
	})
	return list, next, err
}

// Search returns what a query finds, best first.
func (c *Catalog) Search(ctx context.Context, q meta.SearchQuery) (hits []meta.Hit, err error) {
	q.Limit, q.Offset = max(1, min(q.Limit, maxPage)), max(0, q.Offset)
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		hits, err = tx.Search(ctx, q)
		return err
	})
	return hits, err
}

// Count returns how many skills, versions and owners with a skill there are to be
// had.
func (c *Catalog) Count(ctx context.Context) (skills, versions, owners int64, err error) {
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		skills, versions, owners, err = tx.Count(ctx)
		return err
	})
	return skills, versions, owners, err
}

// Log returns the lines from a number on of the log of what was published.
func (c *Catalog) Log(ctx context.Context, from int64, limit int) (lines []string, err error) {
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		lines, err = tx.Log(ctx, from, limit)
		return err
	})
	return lines, err
}

// ByManifest returns the version of a skill whose OCI manifest has a digest. Its
// error is a NotFoundError or a GoneError.
func (c *Catalog) ByManifest(ctx context.Context, s meta.Skill, d digest.Digest) (v meta.Version, err error) {
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		v, err = tx.VersionByManifest(ctx, s.ID, d)
		return missing(err, "manifest", string(d))
	})
	if err == nil && lost(v) {
		err = &GoneError{What: "version", Name: s.Owner + "/" + s.Slug + "@" + v.Version, Removed: v.Removed != "", Reason: v.Removed}
	}
	return v, err
}

// ByArtifact returns a version that is to be had whose artifact has a digest. Its
// error is a NotFoundError.
func (c *Catalog) ByArtifact(ctx context.Context, d digest.Digest) (v meta.Version, err error) {
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		list, err := tx.VersionsByArtifact(ctx, d)
		if err != nil {
			return err
		}
		for _, one := range list {
			s, err := tx.SkillByID(ctx, one.Skill)
			if err != nil {
				return err
			}
			if !lost(one) && !gone(s) {
				v = one
				return nil
			}
		}
		return &NotFoundError{What: "blob", Name: string(d)}
	})
	return v, err
}

// AllVersions returns all versions that a skill ever had, in the order in which
// they were published; Lost tells which are not to be had.
func (c *Catalog) AllVersions(ctx context.Context, s meta.Skill) (list []meta.Version, err error) {
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		list, err = tx.Versions(ctx, s.ID)
		return err
	})
	return list, err
}

// LogSize returns how many lines the log of what was published has.
func (c *Catalog) LogSize(ctx context.Context) (n int64, err error) {
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		n, err = tx.LogSize(ctx)
		return err
	})
	return n, err
}
