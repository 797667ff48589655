package git

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
)

// A snapshot is what a commit holds.
type snapshot interface {
	// walk calls visit for each entry below a folder, "" being the top. It is
	// errNoFolder if that is not there.
	walk(ctx context.Context, folder string, visit func(entry) error) error
	// read calls take for each of entries, in any order, with the bytes of it, of
	// which take may leave some.
	read(ctx context.Context, entries []entry, take func(e entry, size int64, data io.Reader) error) error
}

var errNoFolder = errors.New("there is no such folder")

const maxSkills = 10_000 // folders of one repository that are listed

// isSkill reports whether an entry makes the folder that it is in a skill.
func isSkill(e entry) bool {
	return strings.EqualFold(path.Base(e.path), skill.FileName) && checkEntry(e) == nil
}

// folderOf returns the folder that an entry is in; "" is the top.
func folderOf(e entry) string {
	if dir := path.Dir(e.path); dir != "." {
		return dir
	}
	return ""
}

// skillsIn returns the SKILL.md of each skill of a snapshot, by its folder. What is
// inside of a skill belongs to it, examples and templates for instance; only the
// skill at the top of a repository has others below it.
func skillsIn(ctx context.Context, s snapshot) (map[string]entry, error) {
	found := make(map[string]entry)
	err := s.walk(ctx, "", func(e entry) error {
		if !isSkill(e) {
			return nil
		}
		if found[folderOf(e)] = e; len(found) > maxSkills {
			return &archive.LimitError{What: "skills", Limit: maxSkills, Got: int64(len(found))}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for folder := range found {
		if above := path.Dir(folder); folder != "" && above != "." && within(above, found) {
			delete(found, folder)
		}
	}
	return found, nil
}

// within reports whether a folder is one of skills, or below one that is not the
// top.
func within[T any](folder string, skills map[string]T) bool {
	for ; folder != "." && folder != ""; folder = path.Dir(folder) {
		if _, ok := skills[folder]; ok {
			return true
		}
	}
	return false
}

// A place is where somebody looks for a skill.
type place struct{ repo, subdir string }

// choose returns the folder of the skill that is meant.
func choose(ctx context.Context, s snapshot, at place) (string, error) {
	if at.subdir != "" {
		return at.subdir, nil
	}
	found, err := skillsIn(ctx, s)
	if err != nil {
		return "", err
	}
	if _, ok := found[""]; ok {
		return "", nil
	}
	folders := sortedKeys(found)
	switch len(folders) {
	case 0:
		return "", &FolderError{Repo: at.repo}
	case 1:
		return folders[0], nil
	}
	return "", &ManyError{Repo: at.repo, Skills: folders}
}

// entriesOf lists at most so many files of the skill in a folder, whose paths are
// relative to that.
func entriesOf(ctx context.Context, s snapshot, most int, at place) ([]entry, error) {
	var entries []entry
	var refusal error
	skilled := false
	err := s.walk(ctx, at.subdir, func(e entry) error {
		skilled = skilled || isSkill(e) && folderOf(e) == ""
		if refusal == nil { // else there is more to see only if this is no skill at all
			refusal = checkEntry(e)
			if refusal == nil && len(entries) == most {
				refusal = &archive.LimitError{What: "files", Limit: int64(most), Got: int64(most) + 1}
			}
			entries = append(entries, e)
		}
		return nil
	})
	switch {
	case err != nil && !errors.Is(err, errNoFolder):
		return nil, err
	case !skilled:
		found, err := skillsIn(ctx, s)
		if err != nil {
			return nil, err
		}
		return nil, &FolderError{Repo: at.repo, Subdir: at.subdir, Skills: sortedKeys(found)}
	}
	return entries, refusal
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// filesOf reads the skill that is meant.
func filesOf(ctx context.Context, s snapshot, l *archive.Limits, at place) (*files, error) {
	var err error
	if at.subdir, err = choose(ctx, s, at); err != nil {
		return nil, err
	}
	entries, err := entriesOf(ctx, s, l.Entries, at)
	if err != nil {
		return nil, err
	}
	f := &files{limits: l, data: make(map[string][]byte, len(entries)), exec: make(map[string]bool)}
	if err := s.read(ctx, entries, f.take); err != nil {
		return nil, err
	}
	return f, nil
}

// List returns the skills of a repository, or of the folder of it that r names.
// Of one that a reference cannot name it says nothing.
func (s *Source) List(ctx context.Context, r ref.Ref) ([]source.Listing, error) {
	pin, err := s.Resolve(ctx, r, "")
	if err != nil {
		return nil, err
	}
	repo, err := s.repoOf(r)
	if err != nil {
		return nil, err
	}
	at, err := repo.snapshot(ctx, pin.Revision)
	if err != nil {
		return nil, err
	}
	found, err := skillsIn(ctx, at)
	if err != nil {
		return nil, err
	}
	_, itself := found[r.Subdir]
	var asked []entry
	for folder, e := range found {
		switch {
		case r.Subdir == "", folder == r.Subdir, !itself && strings.HasPrefix(folder, r.Subdir+"/"):
			asked = append(asked, e)
		}
	}
	var listings []source.Listing
	err = at.read(ctx, asked, func(e entry, size int64, data io.Reader) error {
		l := source.Listing{Ref: r}
		l.Ref.Subdir = folderOf(e)
		if again, err := ref.Parse(l.Ref.String()); err != nil || again.Subdir != l.Ref.Subdir || again.URL != r.URL {
			return nil //nolint:nilerr // it cannot be asked for
		}
		l.Name = slugOf(l.Ref)
		if size <= skill.MaxSize {
			text, err := io.ReadAll(data)
			if err != nil {
				return err
			}
			if parsed, _, err := skill.Parse(text); err == nil {
				l.Name, l.Description = cmp.Or(parsed.Name, l.Name), parsed.Description
			}
		}
		listings = append(listings, l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(listings) == 0 {
		return nil, &FolderError{Repo: repo.url, Subdir: r.Subdir, Skills: sortedKeys(found)}
	}
	slices.SortFunc(listings, func(a, b source.Listing) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Ref.Subdir, b.Ref.Subdir))
	})
	return listings, nil
}
