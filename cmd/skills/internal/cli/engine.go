package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/config"
	"github.com/openskills-go/skills/pkg/history"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/git"
	"github.com/openskills-go/skills/pkg/store"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry"
	"github.com/openskills-go/skills/registry/wellknown"
)

// An engine is the engine of a scope, and what flags ask of it.
type engine struct {
	*install.Engine
	scope scope
	asked []string // --agent
	asks  bool     // there is a person at the terminal
	flags *flags
}

// options completes o with what flags say.
func (e *engine) options(o install.Options) install.Options {
	o.Agents = e.asked
	o.Replace = e.flags.replace
	o.OnEdit = e.flags.onEdit
	if o.OnEdit == "" {
		o.OnEdit = install.FailOnEdit
		if e.asks {
			o.OnEdit = install.MergeOnEdit
		}
	}
	// Only a locale that is asked for: that of the settings is for what is new,
	// and must not change what is installed.
	o.Locale = e.flags.locale
	o.DryRun = e.flags.dryRun
	o.AcceptRename = e.flags.acceptRename
	o.AcceptOwner = e.flags.acceptOwner
	o.AcceptRisk = e.flags.acceptRisk
	return o
}

// reader returns an engine for commands that neither fetch nor write.
func (a *app) reader() (*engine, error) {
	s, err := a.scope()
	if err != nil {
		return nil, err
	}
	settings, err := a.settings()
	if err != nil {
		return nil, err
	}
	table, err := a.agents()
	if err != nil {
		return nil, err
	}
	paths, err := a.paths()
	if err != nil {
		return nil, err
	}
	env := a.agentEnv()
	return &engine{
		scope: s, flags: &a.flags, asks: a.ui.Interactive(),
		Engine: &install.Engine{
			Scope: s.Scope,
			AgentDir: func(id string) (string, error) {
				found, err := table.Find(id)
				if err != nil {
					return "", err
				}
				return agentDir(found, env, s.Scope)
			},
			Store:   store.New(paths.Store()),
			Backups: paths.Backups(),
			History: history.Open(paths.History(), s.Lock),
			Command: a.command,
			Jobs:    settings.Jobs,
			OnEvent: a.ui.NewProgress("").Event, // whom it waits for, if it has to
		},
	}, nil
}

// engine returns an engine that can do everything.
func (a *app) engine() (*engine, error) {
	e, err := a.reader()
	if err != nil {
		return nil, err
	}
	if e.asked, err = a.agentIDs(); err != nil {
		return nil, err
	}
	for _, id := range e.asked {
		if _, err := e.AgentDir(id); err != nil {
			return nil, err
		}
	}
	if e.Agents, err = a.defaultAgents(e.scope); err != nil {
		return nil, err
	}
	if e.Limits, err = a.limits(); err != nil {
		return nil, err
	}
	if e.Source, err = a.sources(); err != nil {
		return nil, err
	}
	if e.Registry, err = a.usualRegistry(e.scope); err != nil {
		return nil, err
	}
	return e, a.openBundle(e)
}

// sources returns where skills come from.
func (a *app) sources() (*source.Set, error) {
	settings, err := a.settings()
	if err != nil {
		return nil, err
	}
	limits, err := a.limits()
	if err != nil {
		return nil, err
	}
	client, err := a.client()
	if err != nil {
		return nil, err
	}
	chosen, err := a.chosenRegistry(settings)
	if err != nil {
		return nil, err
	}
	cwd, err := a.cwd()
	if err != nil {
		cwd = "" // absolute paths still work
	}
	oci, err := a.ociSource()
	if err != nil {
		return nil, err
	}
	repositories := a.gitSource(client, settings, limits)
	open := func(url string) (source.Source, error) {
		src, err := registry.Open(registry.Options{URL: url, Client: client, Locale: settings.Locale, Limits: limits, Git: repositories})
		if errors.Is(err, fs.ErrNotExist) {
			err = a.noSuchRegistry(settings, url)
		}
		return src, err
	}
	return &source.Set{
		Default: chosen,
		Named:   switchedOn(settings),
		Direct:  &source.Direct{Client: client, Cwd: cwd, Limit: limits.Download},
		Git:     repositories,
		OCI:     oci,
		Site:    wellknown.SiteURL,
		Open: func(url string) (source.Source, error) {
			src, err := open(url)
			if mirrors := mirrorsOf(settings, url); err == nil && len(mirrors) > 0 {
				src = mirrored(src, mirrors, open)
			}
			return src, err
		},
	}, nil
}

// gitSource returns the source of what is in git repositories. There is one a run,
// which fetches a repository once.
func (a *app) gitSource(client *transport.Client, settings config.Settings, limits archive.Limits) *git.Source {
	if a.git == nil {
		o := git.Options{Client: client, Offline: settings.Offline, Stall: settings.Stall, Limits: limits}
		if a.env.Environ != nil {
			o.Env = a.env.Environ()
		}
		if paths, err := a.paths(); err == nil {
			o.Dir = paths.Git()
		}
		a.git = git.New(o)
	}
	return a.git
}

// chosenRegistry returns the address or absolute folder of the registry for
// references that name none: that of --registry, else that of the settings. A
// folder of the settings that is not there is an error only for whoever opens it:
// what is locked can be restored, and rolled back, without it.
func (a *app) chosenRegistry(settings config.Settings) (string, error) {
	typed := a.flags.registry
	if typed == "" {
		typed = settings.Registry
		a.noteRefused(settings)
		if filepath.IsAbs(typed) && !exists(typed) {
			return typed, nil
		}
	}
	return a.resolveRegistry(settings, typed)
}

// usualRegistry returns the registry for references that name none, as it is for
// everyone who reads its manifest: without flags, the environment and the
// settings of this user. It is "" if the manifest names one that is not to be
// found; where that matters it is told.
func (a *app) usualRegistry(s scope) (string, error) {
	settings := s.override(config.Default())
	if filepath.IsAbs(settings.Registry) && !exists(settings.Registry) {
		return settings.Registry, nil
	}
	url, err := a.resolveRegistry(settings, settings.Registry)
	if _, unknown := errors.AsType[*usageError](err); unknown {
		return "", nil
	}
	return url, err
}

// resolveRegistry returns the address or absolute folder of a registry that is
// given by name, address or folder; "" for none.
func (a *app) resolveRegistry(settings config.Settings, typed string) (string, error) {
	if typed == config.None {
		return "", nil
	}
	if url, ok := switchedOn(settings)[typed]; ok {
		return url, nil
	}
	if settings.Registries[typed] == config.None {
		return "", &usageError{message: fmt.Sprintf("registry %s is switched off", typed), hint: "skills registry list shows where that is said"}
	}
	if strings.Contains(typed, "://") {
		return strings.TrimRight(typed, "/"), nil
	}
	path, err := a.abs(typed)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return path, nil
	case err == nil:
		return "", &usageError{message: fmt.Sprintf("registry %q is a file", typed), hint: "a registry is a name, an address or a folder of skills"}
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	return "", a.noSuchRegistry(settings, typed)
}

func (a *app) noSuchRegistry(settings config.Settings, typed string) error {
	if strings.ContainsRune(typed, filepath.Separator) || strings.Contains(typed, "/") || isRelative(typed) {
		return &usageError{message: fmt.Sprintf("registry %q: there is no such folder", typed)}
	}
	var names []string
	for name := range switchedOn(settings) {
		names = append(names, name)
	}
	slices.Sort(names)
	hint := "skills registry add NAME URL adds one; an address begins with https://"
	if near := nearest(typed, names); near != "" {
		hint = "did you mean " + near + "?"
	} else if len(names) > 0 {
		hint = "there is " + strings.Join(names, ", ") + "; " + hint
	}
	return &usageError{message: fmt.Sprintf("registry %q is not known", typed), hint: hint}
}

// registry opens the chosen registry, and returns its address with it.
func (a *app) registry() (string, source.Source, error) {
	set, err := a.sources()
	if err != nil {
		return "", nil, err
	}
	address, err := set.Address(ref.Ref{})
	if err != nil {
		return "", nil, err
	}
	src, err := set.At(address)
	if err != nil {
		return "", nil, err
	}
	return address, src, nil
}
