package install

import (
	"context"
	"fmt"
	"io"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/merge"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/tree"
	"github.com/openskills-go/skills/pkg/version"
)

// A Difference is how one tree of a skill differs from the one that is locked.
type Difference struct {
	Agents  []string   `json:"agents,omitempty"` // that read the tree; none if it is a version
	Path    string     `json:"path,omitempty"`   // of the folder with the tree; "" if it is a version
	From    string     `json:"from"`             // the locked version
	To      string     `json:"to,omitempty"`     // the version that it was compared with
	Files   []FileDiff `json:"files"`
	Missing bool       `json:"missing,omitempty"` // the folder is not there
}

// A FileDiff is one file that two trees do not have alike.
type FileDiff struct {
	Path   string `json:"path"`
	Change string `json:"change"` // added, changed, removed, or folded: other line ends only
	Diff   string `json:"diff"`   // unified
}

// Diff compares what stands in the folders of a skill with the files that it was
// installed with. Folders that hold the same are one difference.
func (e *Engine) Diff(ctx context.Context, name string) ([]Difference, error) {
	entry, err := e.locked(ctx, name)
	if err != nil {
		return nil, err
	}
	e.fetchPristine(ctx, entry)
	before, err := e.pristine(ctx, entry)
	if err != nil {
		return nil, &NotStoredError{Name: name, Version: entry.Version, Artifact: entry.Artifact}
	}
	roots, err := e.rootsOf(entry.Agents, entry.Dirs)
	if err != nil || entry.Disabled {
		return nil, err
	}
	var all []Difference
	seen := map[digest.Digest]int{}
	for _, r := range roots {
		d := Difference{Agents: r.Agents, Path: r.Shown(name), From: entry.Version, Files: []FileDiff{}}
		there, err := tree.Scan(ctx, r.Path(name))
		if err != nil {
			d.Missing = true // or a link, which verify tells more of
			all = append(all, d)
			continue
		}
		sum := there.Digest()
		if i, ok := seen[sum]; ok {
			all[i].Agents = append(all[i].Agents, r.Agents...)
			continue
		}
		seen[sum] = len(all)
		after, err := local(ctx, r.Path(name), there)
		if err != nil {
			return nil, err
		}
		if d.Files, err = compare(before, after); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// DiffVersion compares the files that a skill was installed with to those of
// another version, which it fetches, or takes from the store. Nothing is placed.
func (e *Engine) DiffVersion(ctx context.Context, name, query string, o Options) (*Difference, error) {
	entry, err := e.locked(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = e.Store.Close() }()
	e.fetchPristine(ctx, entry)
	before, err := e.pristine(ctx, entry)
	if err != nil {
		return nil, &NotStoredError{Name: name, Version: entry.Version, Artifact: entry.Artifact}
	}
	q, err := version.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	r, err := ref.Parse(entry.Ref)
	if err != nil {
		return nil, fmt.Errorf("reference in the lock: %w", err)
	}
	r.Query = q
	s := &step{entry: entry, path: entry.Path, out: Outcome{Name: name}}
	if s.route, err = e.routeOf(entry, r, o); err != nil {
		return nil, err
	}
	if s.pin, err = s.route.Source.Resolve(ctx, s.route.Ref, ""); err != nil {
		return nil, err
	}
	s.pin.Registry = s.route.Registry
	art, err := e.obtain(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = art.Close() }()
	c, err := e.unpack(ctx, s, art, nil, o)
	if err != nil {
		return nil, err
	}
	after := sideOf(&c.Tree, func(tap func(string) io.Writer) error {
		_, err := archive.Unpack(ctx, art, art.size, nil, archive.Options{Limits: e.Limits, Slug: s.pin.Slug, Path: s.path, Tap: tap})
		return err
	})
	e.keep(art, s)
	d := &Difference{From: entry.Version, To: s.pin.Version, Files: []FileDiff{}}
	d.Files, err = compare(before, after)
	return d, err
}

// locked returns the entry of a skill.
func (e *Engine) locked(ctx context.Context, name string) (*lockfile.Skill, error) {
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, err
	}
	entry := entryIn(st.lock, name)
	if entry == nil {
		return nil, &UnknownError{Name: name, Near: near(st.lock, name)}
	}
	return entry, nil
}

// compare returns the files in which two trees differ.
func compare(before, after merge.Side) ([]FileDiff, error) {
	found, err := merge.Compare(before, after)
	if err != nil {
		return nil, err
	}
	files := []FileDiff{}
	for _, list := range []struct {
		change string
		paths  []string
	}{{"changed", found.Modified}, {"folded", found.Folded}, {"added", found.Added}, {"removed", found.Deleted}} {
		for _, path := range list.paths {
			f := FileDiff{Path: path, Change: list.change}
			if list.change != "folded" {
				f.Diff, err = unified(before, after, path)
			}
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
	}
	return files, nil
}

// unified returns the difference of one file, which either tree may lack.
func unified(before, after merge.Side, path string) (string, error) {
	names, texts := [2]string{"a/" + path, "b/" + path}, [2][]byte{}
	for i, side := range []merge.Side{before, after} {
		f, ok := (&tree.Tree{Files: side.Files}).Lookup(path)
		switch {
		case !ok:
			names[i] = "/dev/null"
			continue
		case f.Mode.Type() != 0:
			return fmt.Sprintf("%s is no regular file\n", names[i]), nil
		case f.Size > merge.MaxText:
			return fmt.Sprintf("Files %s and %s differ\n", names[0], names[1]), nil
		}
		var err error
		if texts[i], err = side.Read(path); err != nil {
			return "", err
		}
	}
	return merge.Unified(names[0], names[1], texts[0], texts[1]), nil
}
