package foreign

import (
	"path"
	"strings"

	"github.com/openskills-go/skills/pkg/internal/yamldoc"
)

// skillfish reads skillfish.json: a list of owner/repository[@ref][/folder], all
// on GitHub.
func skillfish(r *reader, root *yamldoc.Value) error {
	skills := root.Member("skills")
	switch skills.Kind {
	case yamldoc.List:
	case yamldoc.Null:
		return root.Errorf("skills is missing")
	default:
		return skills.Errorf("skills must be a list, not %s", skills.Kind)
	}
	for i := range skills.Items {
		v := &skills.Items[i]
		if v.Kind != yamldoc.Text {
			return v.Errorf("a skill must be a text, not %s", v.Kind)
		}
		if err := checkText(v, "a skill"); err != nil {
			return err
		}
		repository, rest, pinned := strings.Cut(strings.TrimSpace(v.Text), "@")
		rev, folder := "", ""
		if pinned {
			rev, folder, _ = strings.Cut(rest, "/")
		} else if parts := strings.SplitN(repository, "/", 3); len(parts) == 3 {
			repository, folder = parts[0]+"/"+parts[1], parts[2]
		}
		name := path.Base(repository)
		if folder != "" {
			name = folder[strings.LastIndexByte(folder, '/')+1:]
		}
		if err := checkName(v, name); err != nil {
			return err
		}
		e := Entry{Name: name, Folder: name, Source: v.Text, Version: rev, Ref: gitRef(repository, folder, rev)}
		if e.Ref == "" {
			e.Why = "it came from a repository that no reference names"
		}
		if err := r.add(v, e); err != nil {
			return err
		}
	}
	return nil
}
