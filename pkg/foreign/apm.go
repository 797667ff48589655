package foreign

import (
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/internal/yamldoc"
)

// apm reads apm.lock.yaml of Microsoft's Agent Package Manager (OpenAPM 0.1,
// section 5, and the working draft of 0.2). A package of it deploys files, of
// which skills are those below a folder called skills.
func apm(r *reader, root *yamldoc.Value) error {
	dependencies := root.Member("dependencies")
	switch dependencies.Kind {
	case yamldoc.List, yamldoc.Null:
	case yamldoc.Text, yamldoc.Map:
		return dependencies.Errorf("dependencies must be a list, not %s", dependencies.Kind)
	}
	for i := range dependencies.Items {
		v := &dependencies.Items[i]
		if v.Kind != yamldoc.Map {
			return v.Errorf("a dependency must be a mapping, not %s", v.Kind)
		}
		if err := r.apmPackage(v); err != nil {
			return err
		}
	}
	return r.apmSkills(root, "local_deployed_files", Entry{Source: ".", Why: "it is the project's own"}, nil)
}

func (r *reader) apmPackage(v *yamldoc.Value) error {
	t, err := texts(v, "repo_url", "host", "source", "local_path", "virtual_path", "resolved_ref", "resolved_url", "version",
		"content_hash", "tree_sha256", "resolved_hash")
	if err != nil {
		return err
	}
	repository, host, source, folder, rev := t[0], t[1], t[2], t[4], t[5]
	e := Entry{Source: repository, Digest: t[8]}
	if t[9] != "" {
		e.Digest = t[9]
	}
	if t[7] != "unknown" {
		e.Version = t[7]
	}
	switch source {
	case "local":
		e.Source, e.Why = t[3], "it came from a folder of the machine that installed it"
	case "registry":
		e.Source, e.Digest, e.Why = t[6], t[10], "it came from a registry of APM packages"
	case "":
		if host != "" && host != "github.com" && !strings.Contains(repository, "://") && !strings.HasPrefix(repository, host+"/") {
			repository = "https://" + host + "/" + repository
		} else if host != "" && host != "github.com" && strings.HasPrefix(repository, host+"/") {
			repository = "https://" + repository
		}
		return r.apmSkills(v, "deployed_files", e, func(only bool) (string, string) {
			if folder == "" && !only {
				return "", "it is one of several skills of a package, and which folder of " + quote(repository) + " it was is not said"
			}
			text := gitRef(repository, folder, rev)
			if text == "" {
				return "", "it came from a repository that no reference names"
			}
			return text, ""
		})
	default:
		e.Why = "it came from a source of the kind " + quote(source)
	}
	return r.apmSkills(v, "deployed_files", e, nil)
}

// apmSkills adds a copy of e for each skill among the files in the list key of v.
// Where makes its reference, or says why there is none.
func (r *reader) apmSkills(v *yamldoc.Value, key string, e Entry, where func(only bool) (text, why string)) error {
	files := v.Member(key)
	if files.Kind != yamldoc.List && files.Kind != yamldoc.Null {
		return files.Errorf("%s must be a list, not %s", key, files.Kind)
	}
	type found struct {
		at   *yamldoc.Value
		dirs []string
	}
	var names []string
	skills := map[string]*found{}
	for i := range files.Items {
		f := &files.Items[i]
		if f.Kind != yamldoc.Text {
			return f.Errorf("a file must be a text, not %s", f.Kind)
		}
		if strings.Contains(f.Text, "://") {
			continue // a place that is no folder of this machine
		}
		path, err := checkPath(f, "a file")
		if err != nil {
			return err
		}
		dir, name := skillIn(path)
		if name == "" {
			continue
		}
		s := skills[name]
		if s == nil {
			if err := checkName(f, name); err != nil {
				return err
			}
			s = &found{at: f}
			skills[name] = s
			names = append(names, name)
		}
		if !slices.Contains(s.dirs, dir) && len(s.dirs) < maxDirs {
			s.dirs = append(s.dirs, dir)
		}
	}
	for _, name := range names {
		entry := e
		entry.Name, entry.Folder, entry.Dirs = name, name, skills[name].dirs
		if where != nil {
			entry.Ref, entry.Why = where(len(names) == 1)
		}
		if err := r.add(skills[name].at, entry); err != nil {
			return err
		}
	}
	return nil
}

// skillIn returns the folder and the name of the skill that a file belongs to,
// "" if to none.
func skillIn(path string) (dir, name string) {
	before, rest, ok := strings.Cut("/"+path, "/skills/")
	if !ok {
		return "", ""
	}
	name, _, _ = strings.Cut(rest, "/")
	return strings.TrimPrefix(before+"/skills/"+name, "/"), name
}
