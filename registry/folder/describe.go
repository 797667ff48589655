package folder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/version"
)

// A summary is what a release says about itself. It is remembered for as long
// as the file that it was read from keeps its size and time.
type summary struct {
	size int64
	time time.Time

	name        string
	description string
	internal    bool   // not for listing
	version     string // as the SKILL.md gives it; "" if it gives none
	tree        string // version made from the tree digest; only of archives, that were read whole
}

// describe reads what the SKILL.md of a release says. A skill that cannot be
// read describes itself by nothing: that it is broken is for Fetch to say.
func (r *Registry) describe(ctx context.Context, rel release) summary {
	file := rel.path
	if !rel.archive {
		file += "/" + skill.FileName
	}
	info, err := r.root.Lstat(file)
	if err != nil || !info.Mode().IsRegular() {
		return summary{}
	}
	r.mu.Lock()
	known, ok := r.seen[file]
	r.mu.Unlock()
	if ok && known.size == info.Size() && known.time.Equal(info.ModTime()) {
		return known
	}
	fresh := summary{size: info.Size(), time: info.ModTime()}
	if rel.archive {
		r.describeArchive(ctx, rel, &fresh)
	} else if data, err := r.readSkill(file); err == nil {
		fresh.read(data)
	}
	if settled(info.ModTime()) && ctx.Err() == nil {
		r.mu.Lock()
		r.seen[file] = fresh
		r.mu.Unlock()
	}
	return fresh
}

func (r *Registry) describeArchive(ctx context.Context, rel release, s *summary) {
	result, err := r.inspect(ctx, rel)
	if err != nil {
		return
	}
	s.read(result.Skill)
	s.tree = version.FromTree(result.Tree.Digest())
}

func (s *summary) read(data []byte) {
	parsed, _, err := skill.Parse(data)
	if err != nil {
		return
	}
	s.name, s.description, s.internal = parsed.Name, parsed.Description, parsed.Internal
	if version.Valid(parsed.Version) {
		s.version = parsed.Version
	}
}

func (r *Registry) readSkill(file string) ([]byte, error) {
	f, err := r.root.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, skill.MaxSize+1))
}

// complete fills in the versions that only the skills themselves can tell.
func (r *Registry) complete(ctx context.Context, s *skillFolder) error {
	for i := range s.releases {
		rel := &s.releases[i]
		if rel.version != "" {
			continue
		}
		known := r.describe(ctx, *rel)
		if rel.version = cmp.Or(known.version, known.tree); rel.version != "" {
			continue
		}
		result, err := r.inspect(ctx, *rel)
		if err != nil {
			return fmt.Errorf("read %s: %w", quote(rel.path), err)
		}
		rel.version = version.FromTree(result.Tree.Digest())
	}
	return nil
}

// inspect checks and hashes all files of a release.
func (r *Registry) inspect(ctx context.Context, rel release) (*archive.Result, error) {
	if !rel.archive {
		return r.pack(ctx, io.Discard, rel)
	}
	f, size, err := r.openArchive(rel)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	slug, _, _ := strings.Cut(withoutSuffix(rel.path), "@")
	return archive.Unpack(ctx, f, size, nil, archive.Options{Limits: r.limits, Slug: slug})
}

// pack writes the folder of a release as an archive.
func (r *Registry) pack(ctx context.Context, w io.Writer, rel release) (*archive.Result, error) {
	sub, err := r.root.OpenRoot(rel.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Close() }()
	return archive.Pack(ctx, w, sub.FS())
}

func (r *Registry) openArchive(rel release) (*os.File, int64, error) {
	f, err := r.root.Open(rel.path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err == nil && info.Size() > r.limits.Download {
		err = &archive.LimitError{What: "bytes", Limit: r.limits.Download, Got: info.Size()}
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// settled reports whether a file with this time can be told from a later one of
// the same size: file systems count in steps, and what was written within the
// same step as we read it may change again without a trace.
func settled(modified time.Time) bool {
	const step = 50 * time.Millisecond
	since := time.Since(modified)
	return since < 0 || since > step
}
