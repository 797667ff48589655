package merge

import (
	"fmt"
	"io/fs"
)

// Merged is the tree that local changes and a next version make together, as
// what it has other than the next version. Lists are sorted by path and nil if
// they are empty. A path with a conflict is in no other list.
type Merged struct {
	Files     []File
	Removed   []string // files of next that the result does not have: deleted locally, unchanged upstream
	Kept      []string // added or modified locally, unchanged upstream
	Combined  []string // changed on both sides, and merged
	Conflicts []Conflict
}

// An Origin says where the bytes of a file come from.
type Origin int

// The origins.
const (
	FromLocal Origin = iota // as they are in the local tree
	FromNext                // as they are in the next version: only the mode is another
	FromBoth                // File.Content
)

// A File is a file of the result that next does not have in this form.
type File struct {
	Path    string
	Mode    fs.FileMode // 0o644 or 0o755
	From    Origin
	Content []byte // with FromBoth
}

// A Reason says why there is a conflict.
type Reason string

// The reasons.
const (
	ReasonLines     Reason = "lines"     // both sides changed the same lines
	ReasonBinary    Reason = "binary"    // both sides changed a file that is no text
	ReasonLarge     Reason = "large"     // both sides changed a file above MaxText
	ReasonAdded     Reason = "added"     // both sides added it, with different bytes
	ReasonRemoved   Reason = "removed"   // changed here, removed upstream
	ReasonDeleted   Reason = "deleted"   // deleted here, changed upstream
	ReasonIrregular Reason = "irregular" // what is here is a link or another thing that no tree holds
	ReasonCollides  Reason = "collides"  // some file system takes it and a path of next for one another
)

// A Conflict is a path about which somebody must decide.
type Conflict struct {
	Path   string
	Reason Reason
	With   string // with ReasonCollides, the path of next
	Next   []byte // what next has there; nil if it has nothing, and not nil if it has an empty file
	Diff   string // unified, from local to next; empty if that is no file here, or collides
}

// Three merges what was changed from pristine to local into next. With conflicts
// the rest of the result stands, but the tree is not whole.
func Three(pristine, local, next Side) (*Merged, error) {
	m := &Merged{}
	if err := walk(m.path, pristine, local, next); err != nil {
		return nil, fmt.Errorf("merge trees: %w", err)
	}
	m.collide(next)
	return m, nil
}

// path decides about one path.
func (m *Merged) path(path string, p, l, n *file) error {
	if l != nil && !l.regular() {
		return m.conflict(ReasonIrregular, path, nil, n)
	}
	mine, err := same(p, l)
	if err != nil {
		return err
	}
	if mine {
		// Not edited: next wins, also where it removed the file.
		if n != nil && l != nil && mode(p, l, n) != n.Mode {
			m.Files = append(m.Files, File{Path: path, Mode: mode(p, l, n), From: FromNext})
		}
		return nil
	}
	theirs, err := same(p, n)
	if err != nil {
		return err
	}
	switch {
	case l == nil && n == nil:
		return nil
	case l == nil && theirs:
		m.Removed = append(m.Removed, path)
		return nil
	case l == nil:
		return m.conflict(ReasonDeleted, path, l, n)
	case theirs:
		m.Kept = append(m.Kept, path)
		m.Files = append(m.Files, File{Path: path, Mode: mode(p, l, n), From: FromLocal})
		return nil
	case n == nil:
		return m.conflict(ReasonRemoved, path, l, n)
	}
	return m.both(path, p, l, n)
}

// both decides about a path that both sides changed and have.
func (m *Merged) both(path string, p, l, n *file) error {
	agreed, err := same(l, n)
	if err != nil {
		return err
	}
	result := File{Path: path, Mode: mode(p, l, n), From: FromNext}
	if agreed {
		if result.Mode != n.Mode {
			m.Files = append(m.Files, result)
		}
		return nil
	}
	if p == nil {
		return m.conflict(ReasonAdded, path, l, n)
	}
	if max(p.Size, l.Size, n.Size) > MaxText {
		return m.conflict(ReasonLarge, path, l, n)
	}
	var texts [3][]byte
	for i, f := range []*file{p, l, n} {
		if texts[i], err = f.bytes(); err != nil {
			return err
		}
		if !Text(texts[i]) {
			return m.conflict(ReasonBinary, path, l, n)
		}
	}
	text, ok := mergeTexts(string(texts[0]), string(texts[1]), string(texts[2]))
	if !ok {
		return m.conflict(ReasonLines, path, l, n)
	}
	m.Combined = append(m.Combined, path)
	switch text {
	case string(texts[1]):
		result.From = FromLocal
	case string(texts[2]):
		if result.Mode == n.Mode {
			return nil
		}
	default:
		result.From, result.Content = FromBoth, []byte(text)
	}
	m.Files = append(m.Files, result)
	return nil
}

// mode returns the mode of a file of the result: that of next, unless only the
// local side changed it.
func mode(p, l, n *file) fs.FileMode {
	by := n
	switch {
	case l.side.Modes && (n == nil || p != nil && p.Mode == n.Mode):
		by = l
	case n == nil && p != nil:
		by = p
	case n == nil:
		by = l
	}
	if by.Mode&0o100 != 0 {
		return 0o755
	}
	return 0o644
}

func (m *Merged) conflict(reason Reason, path string, l, n *file) error {
	c := Conflict{Path: path, Reason: reason}
	if n != nil {
		next, err := n.bytes()
		if err != nil {
			return err
		}
		c.Next = next
		if next == nil {
			c.Next = []byte{}
		}
	}
	if reason != ReasonIrregular {
		var err error
		if c.Diff, err = diffFiles(path, l, n); err != nil {
			return err
		}
	}
	m.Conflicts = append(m.Conflicts, c)
	return nil
}

// diffFiles returns the unified diff from l to n, of which one may be nil.
func diffFiles(path string, l, n *file) (string, error) {
	from, to := "a/"+path, "b/"+path
	var texts [2][]byte
	for i, f := range []*file{l, n} {
		if f == nil {
			continue
		}
		if f.Size > MaxText {
			return differ(from, to), nil
		}
		data, err := f.bytes()
		if err != nil {
			return "", err
		}
		texts[i] = data
	}
	if l == nil {
		from = devNull
	}
	if n == nil {
		to = devNull
	}
	return Unified(from, to, texts[0], texts[1]), nil
}
