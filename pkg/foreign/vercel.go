package foreign

import (
	"path"
	"strings"

	"github.com/openskills-go/skills/pkg/internal/yamldoc"
)

// vercelProject reads skills-lock.json of the skills command by Vercel.
func vercelProject(r *reader, root *yamldoc.Value) error {
	return r.vercel(root, "computedHash", ".agents/skills/")
}

// vercelUser reads .skill-lock.json of the same.
func vercelUser(r *reader, root *yamldoc.Value) error {
	return r.vercel(root, "skillFolderHash", "")
}

func (r *reader) vercel(root *yamldoc.Value, hash, dir string) error {
	return r.skills(root, func(name string, v *yamldoc.Value) error {
		if err := checkName(v, name); err != nil {
			return err
		}
		t, err := texts(v, "source", "sourceType", "sourceUrl", "sourceBaseUrl", "skillPath", "ref", hash, "wellKnownDigest")
		if err != nil {
			return err
		}
		source, kind, url, base, file, rev, digest, published := t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]
		e := Entry{Name: name, Folder: folderOf(name), Source: source, Digest: digest}
		if dir != "" && e.Folder != "" {
			e.Dirs = []string{dir + e.Folder}
		}
		switch kind {
		case "github", "git", "gitlab":
			// The path is that of the SKILL.md, or of its folder.
			folder := strings.TrimSuffix(file, "/")
			if path.Base(folder) == "SKILL.md" {
				folder = path.Dir(folder)
			}
			repository := source
			if kind != "github" && url != "" {
				repository = url
			}
			if e.Ref = gitRef(repository, folder, rev); e.Ref == "" {
				e.Why = "it came from a repository that no reference names"
			}
		case "well-known":
			e.Registry, e.Slug, e.Digest = url, name, published
			if base != "" { // in the user's file the other is that of the artifact
				e.Registry = base
			}
			e.Why = "it came from the skills that a website publishes"
		case "local":
			e.Why = "it came from a folder of the machine that installed it"
		default:
			e.Why = "it came from a source of the kind " + quote(kind)
		}
		return r.add(v, e)
	})
}
