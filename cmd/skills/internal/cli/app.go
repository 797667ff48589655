package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/agent"
	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/config"
	"github.com/openskills-go/skills/pkg/credential"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/source/git"
	"github.com/openskills-go/skills/pkg/transport"
)

// An app is one run of the program. What it depends on is built when it is
// first asked for: skills version reads no file.
type app struct {
	env     Env
	ui      *ui.Printer
	flags   flags
	answer  *answer
	command string      // that runs, without the program: "registry add"
	git     *git.Source // once there is one

	cwd      func() (string, error)
	paths    func() (config.Paths, error)
	settings func() (config.Settings, error)
	scope    func() (scope, error)
	agents   func() (agent.Table, error)
	client   func() (*transport.Client, error)

	credentials func() (*credential.Store, error)
	naming      loginRegistry // that registry add is about to name
	tokens      tokens
}

func newApp(env Env) *app {
	a := &app{env: env, ui: ui.New(env.screen())}
	a.cwd = sync.OnceValues(a.findCwd)
	a.paths = sync.OnceValues(a.findPaths)
	a.settings = sync.OnceValues(a.loadSettings)
	a.scope = sync.OnceValues(a.findScope)
	a.agents = sync.OnceValues(a.loadAgents)
	a.client = sync.OnceValues(a.newClient)
	a.credentials = sync.OnceValues(a.loadCredentials)
	return a
}

func (a *app) findCwd() (string, error) {
	dir, err := a.env.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the current folder: %w", err)
	}
	return dir, nil
}

// abs returns the absolute path of one that was typed.
func (a *app) abs(path string) (string, error) {
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	dir, err := a.cwd()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, path), nil
}

// findPaths returns the folders of this program. Those that need a home are ""
// where there is none, and the error says so; with --dir none of them is needed.
func (a *app) findPaths() (config.Paths, error) {
	paths, err := config.FindPaths(a.env.Getenv)
	if err != nil && a.flags.dir != "" && errors.Is(err, config.ErrNoHome) {
		return paths, nil
	}
	return paths, err
}

// loadSettings returns the settings of the user, overridden by the manifest of
// the scope, by the environment and by flags, in this order.
func (a *app) loadSettings() (config.Settings, error) {
	s, err := a.scope()
	if err != nil {
		return config.Settings{}, err
	}
	settings, err := a.userSettings()
	if err != nil {
		return config.Settings{}, err
	}
	settings = s.override(settings)
	if a.refused(settings) != "" {
		settings.Registry = config.None
	}
	settings, err = settings.WithEnv(a.env.Getenv)
	if err != nil {
		return config.Settings{}, err
	}
	f := &a.flags
	override(&settings.Locale, f.locale)
	override(&settings.Jobs, f.jobs)
	override(&settings.Limits.Download, f.maxDownload)
	override(&settings.Limits.Unpacked, f.maxUnpacked)
	override(&settings.Limits.File, f.maxFile)
	override(&settings.Limits.Entries, f.maxEntries)
	settings.Offline = settings.Offline || f.offline || f.bundle != ""
	if f.stall != nil {
		settings.Stall = *f.stall
	}
	if f.maxWait != nil {
		settings.MaxWait = *f.maxWait
	}
	return settings, nil
}

// userSettings reads config.yaml, if there is a place for it.
func (a *app) userSettings() (config.Settings, error) {
	paths, err := a.paths()
	if err != nil {
		return config.Settings{}, err
	}
	return config.Load(paths.Settings())
}

func override[T comparable](to *T, by T) {
	var zero T
	if by != zero {
		*to = by
	}
}

func (a *app) limits() (archive.Limits, error) {
	s, err := a.settings()
	if err != nil {
		return archive.Limits{}, err
	}
	return archive.Limits{
		Download: s.Limits.Download,
		Unpacked: s.Limits.Unpacked,
		File:     s.Limits.File,
		Entries:  s.Limits.Entries,
	}, nil
}

// newClient returns the one HTTP client.
func (a *app) newClient() (*transport.Client, error) {
	o, err := a.clientOptions()
	if err != nil {
		return nil, err
	}
	o.Credential = func(ctx context.Context, origin string) (string, error) {
		found, err := a.findToken(ctx, origin)
		return found.Token, err
	}
	return transport.New(o)
}

// clientOptions are those of every client, which has no credential yet.
func (a *app) clientOptions() (transport.Options, error) {
	s, err := a.settings()
	if err != nil {
		return transport.Options{}, err
	}
	paths, err := a.paths()
	if err != nil {
		return transport.Options{}, err
	}
	o := transport.Options{
		UserAgent: "skills/" + a.env.version(),
		CAFile:    s.CAFile,
		Offline:   s.Offline,
		MaxWait:   s.MaxWait,
		Stall:     s.Stall,
		Jobs:      s.Jobs,
		Wait: func(w transport.WaitEvent) {
			if w.Wait >= time.Second {
				a.ui.Notef("waiting %s, attempt %d of %d failed: %s", ui.Span(w.Wait), w.Attempt, w.Attempts, message(w.Err))
			}
		},
	}
	if o.MaxWait == 0 {
		o.MaxWait = -1 // zero is the default there, and no wait at all here
	}
	if paths.Cache != "" {
		o.Cache = transport.NewCache(paths.HTTP())
	}
	if a.flags.verbose {
		o.Log = a.ui.Tracef
	}
	return o, nil
}

// loadAgents returns the agents, as the settings change them.
func (a *app) loadAgents() (agent.Table, error) {
	settings, err := a.settings()
	if err != nil {
		return agent.Table{}, err
	}
	return agent.With(settings.AgentDirs)
}

func (a *app) agentEnv() agent.Env {
	home, err := config.Home(a.env.Getenv)
	if err != nil {
		home = ""
	}
	cwd, err := a.cwd()
	if err != nil {
		cwd = ""
	}
	return agent.Env{Home: home, Cwd: cwd, Getenv: a.env.Getenv}
}

// allAgents is what --agent takes for every agent on this machine.
const allAgents = "all"

// agentIDs returns the IDs of the agents that --agent names; nil if it is not
// given.
func (a *app) agentIDs() ([]string, error) {
	if len(a.flags.agents) == 0 {
		return nil, nil
	}
	s, err := a.scope()
	if err != nil {
		return nil, err
	}
	return a.findAgents(s, a.flags.agents)
}

// findAgents returns the IDs of agents by the names that people use.
func (a *app) findAgents(s scope, names []string) ([]string, error) {
	table, err := a.agents()
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, name := range names {
		if name == allAgents {
			ids = append(ids, a.detected(table, s)...)
			continue
		}
		found, err := table.Find(name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, found.ID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 0 {
		return nil, &usageError{message: "no agent was found on this machine", hint: "name one: --agent claude-code; skills agents --all lists them"}
	}
	return ids, nil
}

// detected returns the agents on this machine that read skills in the scope.
func (a *app) detected(table agent.Table, s scope) []string {
	env := a.agentEnv()
	var ids []string
	for _, found := range table.Detect(env) {
		if _, err := agentDir(found, env, s.Scope); err == nil {
			ids = append(ids, found.ID)
		}
	}
	return ids
}

// defaultAgents returns whom to install for where neither --agent nor the lock
// says it: what the settings name, else those on this machine, else the folder
// that many agents share.
func (a *app) defaultAgents(s scope) ([]string, error) {
	if s.Kind == install.Dir {
		return nil, nil
	}
	settings, err := a.settings()
	if err != nil {
		return nil, err
	}
	if len(settings.Agents) > 0 {
		return a.findAgents(s, settings.Agents)
	}
	table, err := a.agents()
	if err != nil {
		return nil, err
	}
	if ids := a.detected(table, s); len(ids) > 0 {
		return ids, nil
	}
	return []string{agent.Universal}, nil
}
