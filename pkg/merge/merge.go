// Package merge brings together what was changed in a skill where it is
// installed and what its next version changed. It compares trees by their sums,
// reads only what it must, and writes nothing: Compare says how a local tree
// differs from the pristine one, Three what tree the two changes make together,
// and where they contradict each other.
//
// Texts are merged by lines as git merge-file does it. Where a text can be
// lined up with its base in more than one way and the result depends on it,
// there is a conflict here even if git would choose one: a conflict costs a
// look, a wrong merge costs an edit.
package merge

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/openskills-go/skills/pkg/tree"
)

// MaxText is the size above which texts are not merged.
const MaxText = 1 << 20

// ErrChanged says that the bytes of a file are not those that the tree was
// listed with.
var ErrChanged = errors.New("file changed while it was read")

// A Side is one version of a skill's files.
type Side struct {
	Files []tree.File                       // sorted by path, as in a tree.Tree
	Read  func(path string) ([]byte, error) // the bytes of one of Files; never called for what is no regular file
	// Modes says that the permissions in Files are those on disk. It matters for
	// the local side only: tree.Scan does not read them, and without it a file
	// keeps the mode that the versions give it.
	Modes bool
}

// Edits is how a local tree differs from the pristine one that was installed.
// Each list is sorted, and nil if it is empty. Modes do not count.
type Edits struct {
	Modified []string
	Added    []string
	Deleted  []string
	Folded   []string // texts that differ only in CRLF for LF or the reverse, which is no edit
}

// None reports whether nothing was edited.
func (e Edits) None() bool { return len(e.Modified)+len(e.Added)+len(e.Deleted) == 0 }

// Compare returns what was edited from pristine to local. It reads only files
// that both have with different sums, and of these only texts in which line
// ends could be the whole difference.
func Compare(pristine, local Side) (Edits, error) {
	var e Edits
	err := walk(func(path string, p, l, _ *file) error {
		switch {
		case p == nil:
			e.Added = append(e.Added, path)
		case l == nil:
			e.Deleted = append(e.Deleted, path)
		case p.Sum != l.Sum:
			same, err := sameText(p, l)
			switch {
			case err != nil:
				return err
			case same:
				e.Folded = append(e.Folded, path)
			default:
				e.Modified = append(e.Modified, path)
			}
		}
		return nil
	}, pristine, local, Side{})
	if err != nil {
		return Edits{}, fmt.Errorf("compare trees: %w", err)
	}
	return e, nil
}

// A file is one file of a Side, and its bytes once they were read.
type file struct {
	tree.File
	side *Side
	data []byte
	read bool
}

func (f *file) regular() bool { return f.Mode.Type() == 0 }

// bytes returns the content, which is what the sum of the file says.
func (f *file) bytes() ([]byte, error) {
	if f.read {
		return f.data, nil
	}
	data, err := f.side.Read(f.Path)
	if err != nil {
		return nil, fmt.Errorf("read %+.200q: %w", f.Path, err)
	}
	if sha256.Sum256(data) != f.Sum {
		return nil, fmt.Errorf("read %+.200q: %w", f.Path, ErrChanged)
	}
	f.data, f.read = data, true
	return data, nil
}

// walk calls visit for each path that any of the sides has, in order; a side
// that has no file there is nil.
func walk(visit func(path string, a, b, c *file) error, sides ...Side) error {
	for i := range sides {
		for j, f := range sides[i].Files {
			if j > 0 && sides[i].Files[j-1].Path >= f.Path {
				return fmt.Errorf("%+.200q is twice in a tree, or not in order: %w", f.Path, fs.ErrInvalid)
			}
		}
	}
	at := make([]int, len(sides))
	for {
		path, some := "", false
		for i := range sides {
			if at[i] < len(sides[i].Files) {
				if p := sides[i].Files[at[i]].Path; !some || p < path {
					path, some = p, true
				}
			}
		}
		if !some {
			return nil
		}
		var here [3]*file
		for i := range sides {
			if at[i] < len(sides[i].Files) && sides[i].Files[at[i]].Path == path {
				here[i] = &file{File: sides[i].Files[at[i]], side: &sides[i]}
				at[i]++
			}
		}
		if err := visit(path, here[0], here[1], here[2]); err != nil {
			return err
		}
	}
}

// same reports whether two files, of which either may be nil, have the same
// bytes, or are texts that differ in line ends only.
func same(a, b *file) (bool, error) {
	switch {
	case a == nil || b == nil:
		return a == b, nil
	case a.Sum == b.Sum:
		return true, nil
	}
	return sameText(a, b)
}

// sameText is same for two files with different sums. Line ends can double a
// file at most: what differs more is not read.
func sameText(a, b *file) (bool, error) {
	if !a.regular() || !b.regular() || a.Size > 2*b.Size || b.Size > 2*a.Size {
		return false, nil
	}
	x, err := a.bytes()
	if err != nil {
		return false, err
	}
	y, err := b.bytes()
	if err != nil {
		return false, err
	}
	return Text(x) && Text(y) && fold(string(x)) == fold(string(y)), nil
}

func fold(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }
