package merge

import (
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// collide makes conflicts of local files that cannot be beside the files of
// next: a file where next has a folder or the reverse, and names that differ in
// case or canonical form only, which are one file on some systems. A published
// tree cannot have these, as package archive sees to.
func (m *Merged) collide(next Side) {
	gone := make(map[string]bool, len(m.Removed))
	for _, path := range m.Removed {
		gone[path] = true
	}
	has := make(map[string]bool, len(next.Files))
	names := names{}
	for _, f := range next.Files {
		has[f.Path] = true
		if !gone[f.Path] {
			names.add(f.Path)
		}
	}
	collides := map[string]string{}
	for _, f := range m.Files {
		if !has[f.Path] {
			if with, ok := names.find(f.Path); ok {
				collides[f.Path] = with
			}
		}
	}
	if len(collides) == 0 {
		return
	}
	m.Files = slices.DeleteFunc(m.Files, func(f File) bool { return collides[f.Path] != "" })
	m.Kept = slices.DeleteFunc(m.Kept, func(path string) bool { return collides[path] != "" })
	if len(m.Files) == 0 {
		m.Files = nil
	}
	if len(m.Kept) == 0 {
		m.Kept = nil
	}
	for _, path := range slices.Sorted(maps.Keys(collides)) {
		m.Conflicts = append(m.Conflicts, Conflict{Path: path, Reason: ReasonCollides, With: collides[path]})
	}
	slices.SortFunc(m.Conflicts, func(a, b Conflict) int { return strings.Compare(a.Path, b.Path) })
}

// names are the paths of a tree and the folders above them, by how the most
// forgetful file system compares them.
type names map[string]name

type name struct {
	path   string // in its own spelling
	file   string // the file that needs it
	folder bool
}

func (n names) add(path string) {
	for end := range prefixes(path) {
		key := foldName(path[:end])
		if _, ok := n[key]; !ok {
			n[key] = name{path: path[:end], file: path, folder: end < len(path)}
		}
	}
}

// find returns a file that cannot be beside path.
func (n names) find(path string) (string, bool) {
	for end := range prefixes(path) {
		there, ok := n[foldName(path[:end])]
		if ok && (there.path != path[:end] || !there.folder || end == len(path)) {
			return there.file, true
		}
	}
	return "", false
}

// prefixes yields where the folders of a path end, and the end of the path.
func prefixes(path string) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range len(path) {
			if path[i] == '/' && !yield(i) {
				return
			}
		}
		yield(len(path))
	}
}

func foldName(path string) string {
	return norm.NFC.String(cases.Fold().String(norm.NFD.String(path)))
}
