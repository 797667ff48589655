package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/internal/meta"
)

// An Entry is a skill with its versions, oldest first.
type Entry struct {
	Skill    meta.Skill
	Versions []meta.Version // all there ever were; see Lost
}

// Lost reports whether a version is deleted or removed.
func Lost(v meta.Version) bool { return lost(v) }

// There reports whether any version of a skill is to be had, be it yanked.
func (e Entry) There() bool {
	return !gone(e.Skill) && slices.ContainsFunc(e.Versions, func(v meta.Version) bool { return !lost(v) })
}

// All yields every skill that there ever was with its versions, oldest first, by
// owner and slug.
func (c *Catalog) All(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		q := meta.ListQuery{Every: true, Limit: maxPage}
		for {
			var page []Entry
			err := c.meta.View(ctx, func(tx *meta.Tx) error {
				skills, next, err := tx.List(ctx, q)
				if err != nil {
					return err
				}
				q.Cursor = next
				for _, s := range skills {
					versions, err := tx.Versions(ctx, s.ID)
					if err != nil {
						return err
					}
					page = append(page, Entry{s, versions})
				}
				return nil
			})
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if q.Cursor == "" {
				return
			}
		}
	}
}

// A Fault is what Fsck found.
type Fault struct {
	Subject string // alice/pdf@1.0.0, or a digest
	Why     string
	Repair  string // what was done about it; "" is nothing
}

// Fsck checks that every version's blobs are there and are what they should be. It
// yields what is wrong. With repair, what no version names and is older than grace
// is deleted.
func (c *Catalog) Fsck(ctx context.Context, repair bool, grace time.Duration) iter.Seq2[Fault, error] {
	return func(yield func(Fault, error) bool) {
		named := map[digest.Digest]bool{}
		var all []meta.Version
		names := map[int64]string{}
		err := c.meta.View(ctx, func(tx *meta.Tx) error {
			for v, err := range tx.AllVersions(ctx) {
				if err != nil {
					return err
				}
				all = append(all, v)
			}
			for _, v := range all {
				if _, ok := names[v.Skill]; ok {
					continue
				}
				s, err := tx.SkillByID(ctx, v.Skill)
				if err != nil {
					return err
				}
				names[v.Skill] = s.Owner + "/" + s.Slug
			}
			return nil
		})
		if err != nil {
			yield(Fault{}, err)
			return
		}
		for _, v := range all {
			maps.Copy(named, map[digest.Digest]bool{v.Artifact: true, v.Manifest: true, v.Config: true, v.Layer: true})
			for _, why := range c.checkVersion(ctx, v) {
				if !yield(Fault{Subject: names[v.Skill] + "@" + v.Version, Why: why}, nil) {
					return
				}
			}
			if err := ctx.Err(); err != nil {
				yield(Fault{}, err)
				return
			}
		}
		c.orphans(ctx, named, repair, grace, yield)
	}
}

// checkVersion says what is wrong with the blobs of a version.
func (c *Catalog) checkVersion(ctx context.Context, v meta.Version) (faults []string) {
	for what, d := range map[string]digest.Digest{"artifact": v.Artifact, "manifest": v.Manifest, "config": v.Config, "layer": v.Layer} {
		if why := c.checkBlob(ctx, d); why != "" {
			faults = append(faults, fmt.Sprintf("its %s %s", what, why))
		}
	}
	if faults != nil {
		return faults
	}
	data, err := c.blobs.Get(ctx, v.Artifact)
	if err != nil {
		return []string{"its artifact cannot be read: " + err.Error()}
	}
	r, err := archive.Unpack(ctx, bytes.NewReader(data), int64(len(data)), nil, archive.Options{Limits: c.limits})
	switch {
	case err != nil:
		return []string{"its artifact is no archive: " + err.Error()}
	case digestOf(r.Tree) != v.Tree:
		return []string{"its artifact holds other files than were published"}
	case int64(len(data)) != v.Size:
		return []string{"its artifact has another size than was noted"}
	}
	return nil
}

func (c *Catalog) checkBlob(ctx context.Context, d digest.Digest) string {
	r, _, err := c.blobs.Open(ctx, d)
	if errors.Is(err, fs.ErrNotExist) {
		return "is lost"
	}
	if err != nil {
		return "cannot be read: " + err.Error()
	}
	defer func() { _ = r.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "cannot be read: " + err.Error()
	}
	if digest.FromSum([32]byte(h.Sum(nil))) != d {
		return "is damaged"
	}
	return ""
}

// orphans finds what no version names: a publish that did not come to its end
// leaves it, and the one that is under way has it for a moment.
func (c *Catalog) orphans(ctx context.Context, named map[digest.Digest]bool, repair bool, grace time.Duration, yield func(Fault, error) bool) {
	for info, err := range c.blobs.All(ctx) {
		if err != nil {
			yield(Fault{}, err)
			return
		}
		if named[info.Digest] || c.now().Sub(info.Modified) < grace {
			continue
		}
		f := Fault{Subject: string(info.Digest), Why: "no version has this blob"}
		if repair {
			switch deleted, err := c.collect(ctx, info.Digest, grace); {
			case err != nil:
				yield(Fault{}, err)
				return
			case !deleted:
				continue
			}
			f.Repair = "deleted"
		}
		if !yield(f, nil) {
			return
		}
	}
}

// collect deletes a blob, unless a version has it by now, or a publish came for it: that
// writes what is old anew (see blobs.Store.Put), so that it is young again.
func (c *Catalog) collect(ctx context.Context, d digest.Digest, grace time.Duration) (deleted bool, err error) {
	named := false
	err = c.meta.View(ctx, func(tx *meta.Tx) (err error) {
		named, err = tx.Named(ctx, d)
		return err
	})
	if err != nil || named {
		return false, err
	}
	modified, err := c.blobs.Modified(ctx, d)
	if errors.Is(err, fs.ErrNotExist) || err == nil && c.now().Sub(modified) < grace {
		return false, nil
	}
	if err == nil {
		err = c.blobs.Delete(ctx, d)
	}
	return err == nil, err
}

// counts are downloads that are not written yet.
type counts struct {
	mu sync.Mutex
	by map[int64]int64
}

// Downloaded counts a download of a skill. Flush writes it.
func (c *Catalog) Downloaded(skill int64) {
	c.counts.mu.Lock()
	defer c.counts.mu.Unlock()
	if c.counts.by == nil {
		c.counts.by = map[int64]int64{}
	}
	c.counts.by[skill]++
}

// Flush writes the downloads that were counted. What cannot be written is counted
// still.
func (c *Catalog) Flush(ctx context.Context) error {
	c.counts.mu.Lock()
	by := c.counts.by
	c.counts.by = nil
	c.counts.mu.Unlock()
	if len(by) == 0 {
		return nil
	}
	err := c.meta.Update(ctx, func(tx *meta.Tx) error { return tx.CountDownloads(ctx, by) })
	if err == nil {
		return nil
	}
	c.counts.mu.Lock()
	defer c.counts.mu.Unlock()
	for skill, n := range by {
		if c.counts.by == nil {
			c.counts.by = map[int64]int64{}
		}
		c.counts.by[skill] += n
	}
	return fmt.Errorf("write downloads: %w", err)
}
