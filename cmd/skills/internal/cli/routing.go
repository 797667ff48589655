package cli

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/config"
	"github.com/openskills-go/skills/pkg/source"
)

const registryEnv = "SKILLS_REGISTRY"

// switchedOn returns the registries that have names, without those that are switched
// off.
func switchedOn(settings config.Settings) map[string]string {
	all := maps.Clone(settings.Registries)
	maps.DeleteFunc(all, func(_, url string) bool { return url == config.None })
	return all
}

// refused returns the registry that the manifest of a project wants as the default
// and that is none, since the user's settings say that there is none: a project
// must not bring it back that a slug without a prefix leads somewhere. One that the
// user's settings name is the user's choice as well.
func (a *app) refused(settings config.Settings) string {
	s, err := a.scope()
	if err != nil || s.manifest.Registry == "" || s.manifest.Registry == config.None {
		return ""
	}
	user, err := a.userSettings()
	if err != nil || user.Registry != config.None {
		return ""
	}
	wanted := s.beside(s.manifest.Registry)
	address := strings.TrimRight(cmp.Or(settings.Registries[wanted], wanted), "/")
	for name, url := range user.Registries {
		if user.Origin("registries."+name) != "" && strings.TrimRight(url, "/") == address {
			return ""
		}
	}
	return wanted
}

// noteRefused says so if the default of the manifest is refused.
func (a *app) noteRefused(settings config.Settings) {
	if settings.Registry != config.None || settings.Origin("registry") == registryEnv {
		return
	}
	if wanted := a.refused(settings); wanted != "" {
		a.ui.NoteOncef("your settings say that there is no default registry, so %s of skills.yaml is none; to allow it: skills registry add NAME %s", ui.Line(wanted), ui.Line(wanted))
	}
}

// mirrorsOf returns the mirrors of the registry at url, by whatever names it has.
func mirrorsOf(settings config.Settings, url string) []string {
	var mirrors []string
	for _, name := range slices.Sorted(maps.Keys(settings.Mirrors)) {
		if strings.TrimRight(settings.Registries[name], "/") != strings.TrimRight(url, "/") {
			continue
		}
		for _, m := range settings.Mirrors[name] {
			if m != url && !slices.Contains(mirrors, m) {
				mirrors = append(mirrors, m)
			}
		}
	}
	return mirrors
}

// mirrored puts mirrors behind a registry. One is opened when it is first asked.
func mirrored(src source.Source, urls []string, open func(string) (source.Source, error)) source.Source {
	m := &source.Mirrored{Primary: src}
	for _, url := range urls {
		m.Mirrors = append(m.Mirrors, source.Mirror{URL: url, Open: func() (source.Source, error) { return open(url) }})
	}
	return m
}

// A namedRegistry is a registry of the settings or of the manifest.
type namedRegistry struct {
	Name    string `json:"name"` // "" for the default, if it has none
	URL     string `json:"url"`  // "none" if there is no default, or the name is switched off
	Default bool   `json:"default"`
	From    string `json:"from,omitempty"` // file or variable that says it; "" is built in

	DefaultFrom string `json:"defaultFrom,omitempty"` // what makes it the default, if From does not

	Mirrors     []string `json:"mirrors,omitempty"`
	MirrorsFrom string   `json:"mirrorsFrom,omitempty"` // file that names them
}

// registries returns the default registry and the named ones, by name.
func (a *app) registries() ([]namedRegistry, error) {
	s, err := a.scope()
	if err != nil {
		return nil, err
	}
	settings, err := a.settings()
	if err != nil {
		return nil, err
	}
	chosen, err := a.chosenRegistry(settings)
	if err != nil {
		return nil, err
	}
	chooser := settings.Origin("registry")
	if s.manifest.Registry != "" && chooser != registryEnv && a.refused(settings) == "" {
		chooser = s.Manifest
	}
	var list []namedRegistry
	hasDefault := false
	for name, url := range settings.Registries {
		r := namedRegistry{Name: name, URL: url, Default: url == chosen, From: settings.Origin("registries." + name)}
		r.Mirrors, r.MirrorsFrom = settings.Mirrors[name], settings.Origin("mirrors."+name)
		if _, ok := s.manifest.Mirrors[name]; ok {
			r.MirrorsFrom = s.Manifest
		}
		if s.named(settings, name) {
			r.From = s.Manifest
		}
		if r.Default && r.From != chooser {
			r.DefaultFrom = chooser
		}
		hasDefault = hasDefault || r.Default
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b namedRegistry) int { return strings.Compare(a.Name, b.Name) })
	if !hasDefault {
		list = slices.Insert(list, 0, namedRegistry{URL: cmp.Or(chosen, config.None), Default: true, From: chooser})
	}
	return list, nil
}
