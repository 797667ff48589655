package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/config"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/manifest"
)

// A scope is a set of installed skills, and the manifest that says what it
// should hold.
type scope struct {
	install.Scope
	manifest *manifest.Manifest // empty if there is no file
}

type scopeResult struct {
	Kind install.Kind `json:"kind"`
	Root string       `json:"root"`
}

func (s scope) result() scopeResult { return scopeResult{Kind: s.Kind, Root: s.Root} }

// findScope applies --dir, --project and --user, and without them takes the
// project if there is one. It tells which it is.
func (a *app) findScope() (scope, error) {
	s, err := a.chooseScope()
	if err != nil {
		return scope{}, err
	}
	out := scope{Scope: s, manifest: &manifest.Manifest{}}
	if s.Manifest != "" {
		m, err := manifest.Load(s.Manifest)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return scope{}, err
		default:
			out.manifest = m
			for _, w := range m.Warnings {
				a.ui.NoteOncef("%s: %s", ui.Line(s.Manifest), ui.Line(w.String()))
			}
		}
	}
	a.ui.NoteOncef("%s scope, %s", s.Kind, ui.Line(s.Root))
	return out, nil
}

func (a *app) chooseScope() (install.Scope, error) {
	if a.flags.dir != "" {
		root, err := a.abs(a.flags.dir)
		if err != nil {
			return install.Scope{}, err
		}
		if why := notFolder(root); why != "" {
			return install.Scope{}, &usageError{message: fmt.Sprintf("--dir %s: is %s", ui.Cut(ui.Line(a.flags.dir), 200), why)}
		}
		return install.Scope{Kind: install.Dir, Root: root, Lock: filepath.Join(root, lockfile.Name)}, nil
	}
	if !a.flags.user {
		root, err := a.findProject()
		if err != nil {
			return install.Scope{}, err
		}
		if root != "" {
			return scopeAt(install.Project, root), nil
		}
	}
	paths, err := a.paths()
	if err != nil {
		return install.Scope{}, err
	}
	return scopeAt(install.User, paths.Config), nil
}

// notFolder says what is at path that can be no folder of skills, or "".
func notFolder(path string) string {
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.IsDir():
		return "a file, not a folder"
	case errors.Is(err, fs.ErrNotExist):
		// It may have been made meanwhile: only a link is one to nowhere.
		if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return "a link to something that is not there"
		}
	}
	return ""
}

func scopeAt(kind install.Kind, root string) install.Scope {
	return install.Scope{Kind: kind, Root: root, Manifest: filepath.Join(root, manifest.Name), Lock: filepath.Join(root, lockfile.Name)}
}

// findProject returns the root of the project that the current folder is in, or
// "" if it is in none: the nearest folder with a manifest, up to the root of the
// git repository. Outside of a repository only the current folder counts, since
// what lies above may be anyone's. With --project there is always one: the root
// of the repository, or the current folder.
func (a *app) findProject() (string, error) {
	cwd, err := a.cwd()
	if err != nil {
		if a.flags.project {
			return "", err
		}
		return "", nil
	}
	git := gitRoot(cwd)
	top := git
	if top == "" {
		top = cwd
	}
	for dir := cwd; ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(filepath.Join(dir, manifest.Name)); err == nil && info.Mode().IsRegular() && !a.isUserRoot(dir) {
			return dir, nil
		}
		if dir == top {
			break
		}
	}
	if a.flags.project {
		return top, nil
	}
	return "", nil
}

// isUserRoot says whether dir holds the manifest of the user, which makes it no
// project.
func (a *app) isUserRoot(dir string) bool {
	paths, err := a.paths()
	return err == nil && paths.Config == dir
}

// gitRoot returns the nearest folder at or above dir that holds a .git, or "".
func gitRoot(dir string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// named says whether the manifest decides what a name of a registry stands for. In
// the user scope it has noted the names for the skills it wants, and the settings,
// which are the same person's, are where names are changed.
func (s scope) named(settings config.Settings, name string) bool {
	_, ok := s.manifest.Registries[name]
	return ok && (s.Kind != install.User || settings.Origin("registries."+name) == "")
}

// override returns settings with what the manifest says instead.
func (s scope) override(settings config.Settings) config.Settings {
	override(&settings.Registry, s.beside(s.manifest.Registry))
	settings.Registries = maps.Clone(settings.Registries)
	for name, url := range s.manifest.Registries {
		if !s.named(settings, name) {
			continue
		}
		if settings.Registries == nil {
			settings.Registries = map[string]string{}
		}
		settings.Registries[name] = s.beside(url)
	}
	settings.Mirrors = maps.Clone(settings.Mirrors)
	for name, list := range s.manifest.Mirrors {
		if settings.Mirrors == nil {
			settings.Mirrors = map[string][]string{}
		}
		mirrors := make([]string, len(list))
		for i := range list {
			mirrors[i] = s.beside(list[i])
		}
		settings.Mirrors[name] = mirrors
	}
	if len(s.manifest.Agents) > 0 {
		settings.Agents = s.manifest.Agents
	}
	return settings
}

// beside makes a relative folder in the manifest relative to the manifest.
func (s scope) beside(registry string) string {
	if isRelative(registry) {
		return filepath.Join(s.Root, filepath.FromSlash(registry))
	}
	return registry
}

// isRelative says whether a registry is written as a folder relative to another.
func isRelative(registry string) bool {
	first, _, _ := strings.Cut(filepath.ToSlash(registry), "/")
	return first == "." || first == ".."
}
