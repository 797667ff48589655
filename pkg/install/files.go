package install

import (
	"fmt"
	"path"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/tree"
)

// A FilesError says that an artifact does not hold the files that its registry
// lists for the version.
type FilesError struct {
	Name string // the skill
	Path string // the first file that is wrong; untrusted
	Why  string // what is wrong with it
	More int    // how many others are wrong
}

func (e *FilesError) Error() string {
	text := fmt.Sprintf("%s is not what its registry lists: %s %s", e.Name, quote(e.Path), e.Why)
	if e.More > 0 {
		text += fmt.Sprintf(", and %d more", e.More)
	}
	return text
}

// aboutFile is what ClawHub puts into an archive besides the files of the skill.
const aboutFile = "_meta.json"

// checkFiles compares a tree with the files that the registry lists for it: each
// must be there as it is listed, and no other. It does nothing where the registry
// lists none. Dropped are files of the artifact that no skill gets, whose absence
// says nothing.
func checkFiles(s *step, got *tree.Tree, dropped []string) error {
	if s.pin.Files == nil {
		return nil
	}
	wrong := &FilesError{Name: s.label()}
	tell := func(path, why string) {
		if wrong.Why != "" {
			wrong.More++
			return
		}
		wrong.Path, wrong.Why = path, why
	}
	listed := make(map[string]bool, len(s.pin.Files))
	for _, want := range within(s.path, s.pin.Files) {
		if listed[want.Path] {
			tell(want.Path, "is listed twice")
			continue
		}
		listed[want.Path] = true
		have, ok := got.Lookup(want.Path)
		switch {
		case !ok && isDropped(want.Path, dropped):
		case !ok:
			tell(want.Path, "is missing")
		case want.Digest.Hex() == "":
			tell(want.Path, "is listed without a digest")
		case have.Size != want.Size:
			tell(want.Path, fmt.Sprintf("has %d bytes and not %d", have.Size, want.Size))
		case digest.FromSum(have.Sum) != want.Digest:
			tell(want.Path, "has other bytes")
		}
	}
	for _, have := range got.Files {
		if !listed[have.Path] && (have.Path != aboutFile || s.path != "") {
			tell(have.Path, "is not listed")
		}
	}
	if wrong.Why != "" {
		return wrong
	}
	s.pin.Trust = source.FromRegistry
	return nil
}

// within returns the files of one folder, by their paths in it.
func within(folder string, files []source.File) []source.File {
	folder = path.Clean(folder)
	if folder == "." {
		return files
	}
	var inside []source.File
	for _, f := range files {
		if rest, ok := strings.CutPrefix(f.Path, folder+"/"); ok {
			f.Path = rest
			inside = append(inside, f)
		}
	}
	return inside
}

// isDropped reports whether a file was left out of the tree.
func isDropped(path string, dropped []string) bool {
	for _, d := range dropped {
		if d == path || strings.HasSuffix(d, "/"+path) {
			return true
		}
	}
	return false
}
