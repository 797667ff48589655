package install

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/tree"
)

// survey fills in what an update of s changes: the files, and what of it a person
// should look at before an agent acts on it.
func (e *Engine) survey(ctx context.Context, s *step, c *contents) {
	if s.entry == nil || s.exact || c.Tree.Digest() == s.entry.Tree {
		return
	}
	s.out.Files, s.out.Scripts, s.out.Tools = nil, nil, nil
	// Of what cannot be compared, all is new.
	before, ok := e.asInstalled(ctx, s.entry)
	if ok {
		s.out.Files = &Changes{}
		s.out.Files.Added, s.out.Files.Changed, s.out.Files.Removed = tree.Diff(&before.Tree, &c.Tree)
	}
	for _, f := range c.Tree.Files {
		old, there := before.Tree.Lookup(f.Path)
		if isScript(f) && (!there || old.Sum != f.Sum || old.Mode != 0 && !isScript(old)) {
			s.out.Scripts = append(s.out.Scripts, f.Path)
		}
	}
	var had []string
	if old, _, err := skill.Parse(before.Skill); err == nil {
		had = old.AllowedTools
	}
	for _, tool := range c.skill.AllowedTools {
		if !slices.Contains(had, tool) && !slices.Contains(s.out.Tools, tool) {
			s.out.Tools = append(s.out.Tools, tool)
		}
	}
}

// isScript reports whether a file can be run: archives and folders give that mode
// to what was made to be, and to what begins like a program.
func isScript(f tree.File) bool { return f.Mode&0o111 != 0 }

// asInstalled returns the files of an entry as they were installed: from the stored
// artifact, or from a folder in which nothing was changed, where their modes are
// not known and 0.
func (e *Engine) asInstalled(ctx context.Context, entry *lockfile.Skill) (archive.Result, bool) {
	if a, err := e.Store.Open(entry.Artifact); err == nil {
		result, err := archive.Unpack(ctx, a, a.Size, nil, archive.Options{Limits: e.Limits, Slug: entry.Slug, Path: entry.Path})
		_ = a.Close()
		if err == nil && result.Tree.Digest() == entry.Tree {
			return *result, true
		}
	}
	roots, err := e.rootsOf(entry.Agents, entry.Dirs)
	if err != nil {
		return archive.Result{}, false
	}
	for _, r := range roots {
		there, err := tree.Scan(ctx, r.Path(entry.Name))
		if err != nil || there.Digest() != entry.Tree {
			continue
		}
		for i := range there.Files {
			there.Files[i].Mode = 0
		}
		text, err := skill.ReadFile(filepath.Join(r.Path(entry.Name), skill.FileName))
		if err == nil {
			return archive.Result{Tree: *there, Skill: text}, true
		}
	}
	return archive.Result{}, false
}
