package install

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/merge"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/tree"
)

// A ConflictError says that what was changed in an installed skill and what its
// next version changes contradict each other. The skill is as it was.
type ConflictError struct {
	Name, Path string
	Files      []Conflict
	Folder     string // holds the new files and the differences; "" if there is no place for it
}

// A Conflict is one file that somebody has to decide about.
type Conflict struct {
	Path   string       `json:"path"`
	Reason merge.Reason `json:"reason"`
}

func (e *ConflictError) Error() string {
	paths := make([]string, len(e.Files))
	for i, f := range e.Files {
		paths[i] = f.Path
	}
	return fmt.Sprintf("your changes to %s and those of the new version contradict each other in %s", e.Path, some(paths))
}

// pristine returns the files that an entry was installed with, as the store has
// them, or the error that says why they are not at hand.
func (e *Engine) pristine(ctx context.Context, entry *lockfile.Skill) (merge.Side, error) {
	t, err := e.tapStored(ctx, entry, nil)
	if err != nil {
		return merge.Side{}, err
	}
	if got := t.Digest(); got != entry.Tree {
		return merge.Side{}, &digest.MismatchError{What: "the stored tree of " + entry.Name, Want: entry.Tree, Got: got}
	}
	return sideOf(t, func(tap func(string) io.Writer) error {
		_, err := e.tapStored(ctx, entry, tap)
		return err
	}), nil
}

// sideOf returns the files of an artifact that unpack unpacks to where its argument
// says. To read one of them means to read the artifact: all that can be merged is
// kept the first time.
func sideOf(t *tree.Tree, unpack func(tap func(string) io.Writer) error) merge.Side {
	var texts map[string]*bytes.Buffer
	isText := func(path string) bool {
		f, ok := t.Lookup(path)
		return ok && f.Size <= merge.MaxText
	}
	return merge.Side{Files: t.Files, Read: func(path string) ([]byte, error) {
		if !isText(path) {
			var large bytes.Buffer
			err := unpack(func(p string) io.Writer {
				if p == path {
					return &large
				}
				return nil
			})
			return large.Bytes(), err
		}
		if texts == nil {
			kept := map[string]*bytes.Buffer{}
			err := unpack(func(p string) io.Writer {
				if !isText(p) {
					return nil
				}
				kept[p] = &bytes.Buffer{}
				return kept[p]
			})
			if err != nil {
				return nil, err
			}
			texts = kept
		}
		return texts[path].Bytes(), nil
	}}
}

// tapStored unpacks the stored artifact of an entry to where tap says.
func (e *Engine) tapStored(ctx context.Context, entry *lockfile.Skill, tap func(string) io.Writer) (*tree.Tree, error) {
	a, err := e.openStored(entry.Artifact, entry.Tree)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Close() }()
	result, err := archive.Unpack(ctx, a, a.Size, nil, archive.Options{Limits: e.Limits, Slug: entry.Slug, Path: entry.Path, Tap: tap})
	if err != nil {
		return nil, err
	}
	return &result.Tree, nil
}

// local returns the files that stand in a folder.
func local(ctx context.Context, path string, there *tree.Tree) (merge.Side, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return merge.Side{}, err
	}
	defer func() { _ = root.Close() }()
	side := merge.Side{Files: slices.Clone(there.Files), Modes: true, Read: func(name string) ([]byte, error) {
		return readBelow(path, name)
	}}
	for i, f := range side.Files {
		if f.Mode.Type() != 0 {
			continue
		}
		info, err := root.Lstat(filepath.FromSlash(f.Path))
		if err != nil {
			return merge.Side{}, err
		}
		if info.Mode()&0o100 != 0 {
			side.Files[i].Mode = 0o755
		}
	}
	return side, ctx.Err()
}

// readBelow reads a file of a folder, through no link that leads out of it. What was
// a file when the folder was listed may be a fifo by now, which must not block.
func readBelow(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid})
	}
	return io.ReadAll(f)
}

// edits finds out what was edited in a spot: what differs from the pristine files, or
// nothing if those are not at hand.
func (e *Engine) edits(ctx context.Context, p *spot, entry *lockfile.Skill, path string, there *tree.Tree) error {
	if e.Source != nil {
		e.fetchPristine(ctx, entry)
	}
	pristine, err := e.pristine(ctx, entry)
	if err != nil {
		return ctx.Err() // without them the folder counts as edited, and nothing is merged
	}
	mine, err := local(ctx, path, there)
	if err != nil {
		return err
	}
	found, err := merge.Compare(pristine, mine)
	if err != nil {
		return err
	}
	p.edits = &found
	p.odd = slices.ContainsFunc(mine.Files, func(f tree.File) bool { return f.Mode.Type() != 0 })
	return nil
}

// changes lists what was edited; nil if that is not known.
func (p *spot) changes() *Changes {
	if p.edits == nil {
		return nil
	}
	return &Changes{Added: p.edits.Added, Changed: p.edits.Modified, Removed: p.edits.Deleted}
}

// clear forgets what was seen in a spot.
func (p *spot) clear() { p.state, p.tree, p.edits, p.odd = absent, "", nil, false }

// onlyAdded reports whether all that was done to a spot is that files were added:
// nothing of the skill itself is lost when it is replaced or removed around them.
func (p *spot) onlyAdded() bool {
	return p.edits != nil && len(p.edits.Modified)+len(p.edits.Deleted) == 0 && !p.odd
}

// combine makes the tree staged for an edited spot the one that keeps the edits.
func (a *apply) combine(ctx context.Context, s *step, i int, next *tree.Tree) error {
	p, path := s.spots[i], s.spots[i].root.Path(s.out.Name)
	staged := s.staged.stages[i].Staged(s.staged.key)
	merged, there, err := a.engine.threeWay(ctx, s, p, merge.Side{Files: next.Files, Read: func(name string) ([]byte, error) {
		return readBelow(staged, name)
	}})
	if err != nil {
		return err
	}
	if len(merged.Conflicts) == 0 {
		err := overlay(merged, path, staged)
		if err == nil {
			p.merged, p.skill, err = mergedTree(ctx, staged)
		}
		_, broken := errors.AsType[*brokenError](err)
		if err == nil {
			s.keeps(merged)
			p.from = there
		}
		if !broken {
			return err
		}
		merged.Conflicts = append(merged.Conflicts, merge.Conflict{Path: skill.FileName, Reason: merge.ReasonLines})
	}
	return a.engine.conflict(s, p, merged)
}

// threeWay merges what stands in an edited spot into the next version, and returns
// the digest of what it read there.
func (e *Engine) threeWay(ctx context.Context, s *step, p *spot, next merge.Side) (*merge.Merged, digest.Digest, error) {
	path := p.root.Path(s.out.Name)
	there, err := tree.Scan(ctx, path)
	if err != nil {
		return nil, "", err
	}
	if there.Digest() != p.tree {
		return nil, "", ErrMoved
	}
	pristine, err := e.pristine(ctx, s.entry)
	if err != nil {
		return nil, "", &EditedError{Name: s.out.Name, Path: p.root.Shown(s.out.Name)}
	}
	mine, err := local(ctx, path, there)
	if err != nil {
		return nil, "", err
	}
	merged, err := merge.Three(pristine, mine, next)
	return merged, there.Digest(), err
}

// keeps says in the outcome what became of the edits of a spot.
func (s *step) keeps(m *merge.Merged) {
	if s.out.Edits == nil {
		s.out.Edits = &Edits{}
	}
	s.out.Edits.Kept = union(s.out.Edits.Kept, m.Kept)
	s.out.Edits.Merged = union(s.out.Edits.Merged, m.Combined)
	s.out.Edits.Deleted = union(s.out.Edits.Deleted, m.Removed)
}

// conflict puts what a person needs to decide beside the backups.
func (e *Engine) conflict(s *step, p *spot, m *merge.Merged) error {
	failed := conflictOf(s, p, m)
	if e.Backups == "" {
		return failed
	}
	var err error
	if failed.Folder, err = saveConflicts(e.Backups, s.out.Name, m.Conflicts); err != nil {
		return errors.Join(failed, err)
	}
	return failed
}

func conflictOf(s *step, p *spot, m *merge.Merged) *ConflictError {
	failed := &ConflictError{Name: s.out.Name, Path: p.root.Shown(s.out.Name)}
	for _, c := range m.Conflicts {
		failed.Files = append(failed.Files, Conflict{Path: c.Path, Reason: c.Reason})
	}
	return failed
}

// saveConflicts writes what the new version has, and how it differs from what is
// there, into a folder: the same one for the same conflicts, which is made once.
func saveConflicts(dir, name string, conflicts []merge.Conflict) (folder string, err error) {
	sum := sha256.New()
	for _, c := range conflicts {
		fmt.Fprintf(sum, "%q %q %q %t\n", c.Path, c.Next, c.Diff, c.Next == nil)
	}
	folder = filepath.Join(dir, fmt.Sprintf("%s-conflict-%x", name, sum.Sum(nil)[:6]))
	if _, err := os.Lstat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("save conflicts: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", fmt.Errorf("save conflicts: %w", err)
	}
	defer func() { _ = root.Close() }()
	for _, c := range conflicts {
		file := filepath.FromSlash(c.Path)
		if c.Next != nil {
			err = errors.Join(err, writeNew(root, filepath.Join("new", file), c.Next, 0o644))
		}
		if c.Diff != "" {
			err = errors.Join(err, writeNew(root, filepath.Join("diff", file+".diff"), []byte(c.Diff), 0o644))
		}
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("save conflicts: %w", err), os.RemoveAll(folder))
	}
	return folder, nil
}

// stageRest stages the files that were added to a skill which is removed.
func stageRest(ctx context.Context, s *step, i int) error {
	p := s.spots[i]
	from, staged := p.root.Path(s.out.Name), s.staged.stages[i].Staged(s.staged.key)
	if err := os.Mkdir(staged, 0o755); err != nil {
		return err
	}
	there, err := tree.Scan(ctx, from)
	if err != nil {
		return err
	}
	if there.Digest() != p.tree {
		return ErrMoved
	}
	mine, err := local(ctx, from, there)
	if err != nil {
		return err
	}
	m := &merge.Merged{}
	for _, f := range mine.Files {
		if slices.Contains(p.edits.Added, f.Path) {
			m.Files = append(m.Files, merge.File{Path: f.Path, Mode: f.Mode})
		}
	}
	if err := overlay(m, from, staged); err != nil {
		return err
	}
	rest, err := tree.Scan(ctx, staged)
	if err != nil {
		return err
	}
	p.rest = rest.Digest()
	return nil
}

// A brokenError says that a merged SKILL.md can be read no more.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return "merged " + skill.FileName + ": " + e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// mergedTree reads back a tree that was merged: an agent must still be able to
// read its SKILL.md.
func mergedTree(ctx context.Context, staged string) (digest.Digest, *tree.File, error) {
	t, err := tree.Scan(ctx, staged)
	if err != nil {
		return "", nil, err
	}
	f, ok := t.Lookup(skill.FileName)
	if !ok {
		return "", nil, &brokenError{fs.ErrNotExist}
	}
	data, err := readBelow(staged, skill.FileName)
	if err != nil {
		return "", nil, err
	}
	if _, _, err := skill.Parse(data); err != nil {
		return "", nil, &brokenError{err}
	}
	return t.Digest(), &f, nil
}

// fetchPristine brings the artifact of an edited skill back into the store, if it
// is not there any more and can be had.
func (e *Engine) fetchPristine(ctx context.Context, entry *lockfile.Skill) {
	if a, err := e.openStored(entry.Artifact, entry.Tree); err == nil {
		_ = a.Close()
		return
	}
	s := &step{entry: entry, exact: true, path: entry.Path, pin: e.pinOf(entry), out: Outcome{Name: entry.Name}}
	if art, err := e.obtain(ctx, s); err == nil {
		e.keep(art, s)
		_ = art.Close()
	}
}
