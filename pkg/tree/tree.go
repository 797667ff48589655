// Package tree is the files of a skill: it lists and hashes them on disk, and it
// writes them into a folder under a guard that no path escapes. It makes as few
// system calls per file as the platform allows, since they are what an install
// of many skills costs.
package tree

import (
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
)

// A File is one file of a tree.
type File struct {
	Path string      // slash-separated, relative to the root of the tree
	Mode fs.FileMode // 0o644 or 0o755; a type where Scan found no regular file
	Size int64
	Sum  [32]byte // sha256 of its bytes
}

// A Tree is the files of a skill, sorted by path.
type Tree struct {
	Files []File
}

// Sort puts the files into the order that a Tree promises.
func (t *Tree) Sort() {
	slices.SortFunc(t.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}

// Digest returns the h1 digest of the tree. Modes are not part of it.
func (t *Tree) Digest() digest.Digest {
	files := make([]digest.File, len(t.Files))
	for i, f := range t.Files {
		files[i] = digest.File{Path: f.Path, Sum: f.Sum}
	}
	return digest.OfTree(files)
}

// Lookup returns the file at path, and whether there is one. The files must be
// sorted.
func (t *Tree) Lookup(path string) (File, bool) {
	i, ok := slices.BinarySearchFunc(t.Files, path, func(f File, p string) int { return strings.Compare(f.Path, p) })
	if !ok {
		return File{}, false
	}
	return t.Files[i], true
}

// Size returns the sum of the files' sizes.
func (t *Tree) Size() int64 {
	var n int64
	for _, f := range t.Files {
		n += f.Size
	}
	return n
}

// A Writer receives the files of a tree. Folders come before what is in them;
// each path comes once. The caller has checked every path; the Writer is the
// last guard, and fails rather than write outside its folder, through a link,
// or over something that is there. It is used by one goroutine at a time.
//
// Errors match fs.ErrInvalid for a path that by its text leads elsewhere, and
// fs.ErrExist for one that is taken.
type Writer interface {
	// Mkdir makes a new folder, with mode 0o755 less the umask.
	Mkdir(path string) error
	// Create opens a new file, with the permissions of mode less the umask. The
	// first Write of a small file brings all of it.
	Create(path string, mode fs.FileMode) (io.WriteCloser, error)
}

// A WriteCloser is a Writer that holds something open. Close lets go of it; what
// was written stays. It is to be called while the Dir is open.
type WriteCloser interface {
	Writer
	io.Closer
}
