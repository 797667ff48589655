package archive

import "strings"

// skillFile is the name of the file that makes a folder a skill.
const skillFile = "SKILL.md"

// findRoot returns the folder to take, "" for the top: the one at o.Path, or the
// shallowest with a SKILL.md in any case. Below that, a SKILL.md is data.
func findRoot(entries []entry, o *Options) (string, error) {
	var found []string
	best := -1
	for i := range entries {
		e := &entries[i]
		dir, base := split(e.path)
		if e.folder || e.junk || !strings.EqualFold(base, skillFile) {
			continue
		}
		if o.Path != "" {
			found = append(found, dir)
			continue
		}
		depth := 0
		if dir != "" {
			depth = 1 + strings.Count(dir, "/")
		}
		if best >= 0 && depth > best {
			continue
		}
		if depth != best {
			best, found = depth, found[:0]
		}
		found = append(found, dir)
	}
	if o.Path != "" {
		found = atPath(found, o.Path)
	} else if len(found) > 1 {
		found = ofSlug(found, o.Slug)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if e := skillFolder(entries); e != nil && o.Path == "" {
			return "", &UnsafeError{Entry: e.name, Why: "makes SKILL.md a folder"}
		}
	}
	for i, dir := range found {
		if dir == "" {
			found[i] = "."
		}
	}
	return "", &RootError{Path: o.Path, Candidates: found}
}

// atPath keeps the folder that path names outright, else those that it ends.
func atPath(found []string, path string) []string {
	path = strings.Trim(strings.TrimPrefix(path, "./"), "/")
	if path == "." {
		path = ""
	}
	var end []string
	for _, dir := range found {
		if dir == path {
			return []string{dir}
		}
		if path != "" && strings.HasSuffix(dir, "/"+path) {
			end = append(end, dir)
		}
	}
	return end
}

// ofSlug keeps the folder whose name is the longest end of slug, if one is.
func ofSlug(found []string, slug string) []string {
	var kept []string
	longest := 0
	for _, dir := range found {
		_, base := split(dir)
		if base == "" || slug != base && !strings.HasSuffix(slug, "-"+base) || len(base) < longest {
			continue
		}
		if len(base) > longest {
			longest, kept = len(base), kept[:0]
		}
		kept = append(kept, dir)
	}
	if len(kept) == 0 {
		return found
	}
	return kept
}

// skillFolder returns an entry that is a folder where a SKILL.md should be, or
// lies in one.
func skillFolder(entries []entry) *entry {
	for i := range entries {
		e := &entries[i]
		for rest, more := e.path, true; more; {
			var c string
			c, rest, more = strings.Cut(rest, "/")
			if strings.EqualFold(c, skillFile) && (more || e.folder) {
				return e
			}
		}
	}
	return nil
}

// place sets what becomes of each entry once root is known.
func (u *unpacker) place(root string) error {
	for i := range u.entries {
		e := &u.entries[i]
		if e.folder || e.junk {
			continue
		}
		rel, ok := e.path, true
		if root != "" {
			rel, ok = strings.CutPrefix(e.path, root+"/")
		}
		if !ok {
			continue
		}
		if strings.EqualFold(rel, skillFile) {
			rel = skillFile
			if e.size == 0 {
				return &UnsafeError{Entry: e.name, Why: "is empty"}
			}
			if e.size > u.limits.Skill {
				return &LimitError{What: "bytes", Entry: e.name, Got: e.size, Limit: u.limits.Skill}
			}
		}
		e.rel = rel
	}
	return nil
}

func split(path string) (dir, base string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(0, i)], path[i+1:]
}
