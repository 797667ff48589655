package folder

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"time"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// Fetch writes the artifact of p into dst, from its beginning. The validator of
// an artifact is its digest, so that it holds wherever the registry is copied.
func (r *Registry) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	receipt, err := r.fetch(ctx, p, dst)
	if err != nil {
		return receipt, fmt.Errorf("fetch %s: %w", quote(p.Slug), err)
	}
	return receipt, nil
}

func (r *Registry) fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	slug, rel, err := r.pinned(ctx, p)
	if err != nil {
		return source.Receipt{}, err
	}
	receipt := source.Receipt{Version: rel.published(), Yanked: rel.yanked}
	if slug != p.Slug {
		receipt.Slug = slug
	}
	if p.Known.ETag != "" {
		h := digest.NewHasher()
		if err := r.transfer(ctx, h, rel); err != nil {
			return source.Receipt{}, err
		}
		if receipt.Validators.ETag = etag(h.Digest()); p.Known.ETag == receipt.Validators.ETag {
			return receipt, source.ErrNotModified
		}
	}
	if err := dst.Restart(""); err != nil {
		return source.Receipt{}, err
	}
	h := digest.NewHasher()
	if err := r.transfer(ctx, io.MultiWriter(dst, h), rel); err != nil {
		return source.Receipt{}, err
	}
	receipt.Validators.ETag = etag(h.Digest())
	return receipt, nil
}

func etag(d digest.Digest) string { return strconv.Quote(string(d)) }

// pinned finds the release that a Pin means, in exactly its locale, and the slug
// by which it is found.
func (r *Registry) pinned(ctx context.Context, p source.Pin) (slug string, rel release, err error) {
	if err := ctx.Err(); err != nil {
		return "", release{}, err
	}
	s, err := r.follow(p.Slug, func(slug string) (skillFolder, error) { return r.findIn(slug, p.Locale) })
	if err != nil {
		return "", release{}, err
	}
	if p.Version == "" {
		rel, err = r.choose(ctx, &s, p.Ref.Query, exact(p.Ref.Query))
		return s.slug, rel, err
	}
	have := make([]string, len(s.releases))
	for i, rel := range s.releases {
		if !rel.versioned {
			rel.version = r.describe(ctx, rel).version
		}
		// A version that was made from a tree is not looked for here: the digests of
		// the Pin say better that the tree is another.
		if rel.version == p.Version || rel.version == "" {
			return s.slug, rel, nil
		}
		have[i] = rel.version
	}
	q, _ := version.ParseQuery(p.Version)
	return "", release{}, &version.NoMatchError{Query: q, Have: have}
}

// exact is the version that q asks for by itself, or "".
func exact(q version.Query) string {
	if q.Kind() != version.Exact {
		return ""
	}
	return q.String()
}

// transfer writes the artifact of a release.
func (r *Registry) transfer(ctx context.Context, w io.Writer, rel release) error {
	if !rel.archive {
		_, err := r.pack(ctx, w, rel)
		return err
	}
	f, size, err := r.openArchive(rel)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	whole := io.LimitReader(f, size)
	_, err = io.Copy(w, readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return whole.Read(p)
	}))
	return err
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// stamp returns the stamp of a release; see Current.
func (r *Registry) stamp(ctx context.Context, rel release) (string, error) {
	h := digest.NewHasher()
	newest := time.Time{}
	add := func(path string, info fs.FileInfo) {
		_, _ = fmt.Fprintf(h, "%s\x00%o\x00%d\x00%d\x00", path, info.Mode(), info.Size(), info.ModTime().UnixNano())
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	err := r.walk(ctx, rel, add)
	if err != nil {
		return "", fmt.Errorf("stat %s: %w", quote(rel.path), err)
	}
	if !settled(newest) {
		return "", nil
	}
	return string(h.Digest()), nil
}

// walk visits the file of an archive, or what is in the folder of a skill.
func (r *Registry) walk(ctx context.Context, rel release, visit func(string, fs.FileInfo)) error {
	if rel.archive {
		info, err := r.root.Lstat(rel.path)
		if err == nil {
			visit(rel.path, info)
		}
		return err
	}
	// A root of its own, so that no path is looked up from the top each time.
	sub, err := r.root.OpenRoot(rel.path)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Close() }()
	entries := archive.DefaultLimits().Entries
	return fs.WalkDir(sub.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entries--; entries < 0 {
			return fs.SkipAll // packing it fails, and says so
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		visit(path, info)
		return ctx.Err()
	})
}
