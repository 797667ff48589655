package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/config"
	"github.com/openskills-go/skills/pkg/credential"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry"
)

// originOf returns what the token of a registry is for, or "" if it is none on the
// web. What stands before a plus in its address is its protocol.
func originOf(address string) string {
	if scheme, _, ok := strings.Cut(address, "://"); ok {
		address = address[strings.LastIndexByte(scheme, '+')+1:]
	}
	origin, err := transport.Origin(address)
	if err != nil {
		return ""
	}
	return origin
}

// trustedSettings are those of the user and of the environment. A project, which
// may be anyone's, has no say: else it could call its own server by the name of
// another, and be sent the token of that.
func (a *app) trustedSettings() (config.Settings, error) {
	settings, err := a.userSettings()
	if err != nil {
		return config.Settings{}, err
	}
	s, err := a.scope()
	if err != nil {
		return config.Settings{}, err
	}
	if s.Kind == install.User {
		settings = s.override(settings)
	}
	return settings.WithEnv(a.env.Getenv)
}

// loadCredentials returns where tokens are.
func (a *app) loadCredentials() (*credential.Store, error) {
	settings, err := a.trustedSettings()
	if err != nil {
		return nil, err
	}
	paths, err := a.paths()
	if err != nil {
		return nil, err
	}
	c := &credential.Store{
		Getenv:    a.env.Getenv,
		Command:   settings.CredentialCommand,
		Path:      paths.Credentials(),
		NoKeyring: settings.NoKeyring,
		Warn:      func(format string, args ...any) { a.ui.NoteOncef("%s", ui.Line(fmt.Sprintf(format, args...))) },
		Log:       a.ui.Tracef,
	}
	add := func(r credential.Registry, address string) {
		if r.Origin = originOf(address); r.Origin != "" {
			c.Registries = append(c.Registries, r)
		}
	}
	for name, address := range settings.Registries {
		add(credential.Registry{Name: name}, address)
	}
	usual := settings.Registry
	if named, ok := settings.Registries[usual]; ok {
		usual = named
	}
	add(credential.Registry{Default: true}, usual)
	add(credential.Registry{Asked: true}, a.flags.registry)
	add(credential.Registry{Name: a.naming.name}, a.naming.address)
	return c, nil
}

// tokens remembers what was found for whom, so that it can be told.
type tokens struct {
	mu    sync.Mutex
	found map[string]credential.Found
}

// findToken finds the token for an origin.
func (a *app) findToken(ctx context.Context, origin string) (credential.Found, error) {
	a.tokens.mu.Lock()
	found, ok := a.tokens.found[origin]
	a.tokens.mu.Unlock()
	if ok {
		return found, nil
	}
	c, err := a.credentials()
	if err != nil {
		return credential.Found{}, err
	}
	found, err = c.Find(ctx, origin)
	if err != nil {
		return credential.Found{}, err
	}
	if found.Token == "" && !c.Knows(origin) {
		a.tellUnused(origin)
	}
	a.tokens.mu.Lock()
	defer a.tokens.mu.Unlock()
	if a.tokens.found == nil {
		a.tokens.found = map[string]credential.Found{}
	}
	a.tokens.found[origin] = found
	return found, nil
}

// tellUnused tells why a variable that looks as if it were for an origin is not.
func (a *app) tellUnused(origin string) {
	s, err := a.scope()
	if err != nil || s.Kind == install.User {
		return
	}
	tell := func(name, variable, how string) {
		if a.env.Getenv(variable) != "" {
			a.ui.NoteOncef("%s is not sent to %s: only %s calls it %s; %s", variable, ui.Line(origin), ui.Line(s.Manifest), name, how)
		}
	}
	if originOf(s.manifest.Registry) == origin {
		tell("the default registry", credential.Variable(""), "if you trust it, set SKILLS_REGISTRY as well")
	}
	for name, address := range s.manifest.Registries {
		if originOf(address) == origin {
			tell(name, credential.Variable(name), fmt.Sprintf("if you trust it: skills registry add %s %s", name, ui.Line(address)))
		}
	}
}

// clientWith returns a client that has one token and no other: that of a login,
// which is not kept anywhere yet. A token of "" is none.
func (a *app) clientWith(origin, token string) (*transport.Client, error) {
	o, err := a.clientOptions()
	if err != nil {
		return nil, err
	}
	o.Cache = nil
	o.Credential = func(_ context.Context, at string) (string, error) {
		if at != origin {
			return "", nil
		}
		return token, nil
	}
	return transport.New(o)
}

// openWith opens a registry that is asked with a client of its own.
func (a *app) openWith(address string, client *transport.Client) (source.Source, error) {
	settings, err := a.settings()
	if err != nil {
		return nil, err
	}
	limits, err := a.limits()
	if err != nil {
		return nil, err
	}
	return registry.Open(registry.Options{URL: address, Client: client, Locale: settings.Locale, Limits: limits})
}

// A loginRegistry is the one that login, logout and whoami are about.
type loginRegistry struct {
	name    string // "" if it has none
	address string
	origin  string
}

// said is how people call it.
func (r loginRegistry) said() string {
	if r.name != "" {
		return r.name + " (" + ui.Line(r.address) + ")"
	}
	return ui.Line(r.address)
}

// again is what follows skills login.
func (r loginRegistry) again() string {
	if r.name != "" {
		return " " + r.name
	}
	return " " + r.address
}

// loginTo finds the registry that is typed, else the default one, without what a
// project says: a login sends a secret there. What is typed is not repeated, since
// it may be that.
func (a *app) loginTo(typed string) (loginRegistry, error) {
	settings, err := a.trustedSettings()
	if err != nil {
		return loginRegistry{}, err
	}
	r := loginRegistry{address: typed}
	if typed == "" {
		r.address = settings.Registry
	}
	if address, ok := settings.Registries[r.address]; ok {
		r.name, r.address = r.address, address
	}
	r.address = strings.TrimRight(r.address, "/")
	if r.origin = originOf(r.address); r.origin != "" {
		if err := transport.MayCarryToken(r.origin); err != nil {
			return r, err
		}
		if typed != "" && r.name == "" {
			a.flags.registry = typed
		}
		return r, nil
	}
	if typed == "" || r.name != "" {
		return r, &usageError{message: fmt.Sprintf("the registry %s is not on the web, and wants no token", ui.Line(r.address))}
	}
	if s, err := a.scope(); err == nil {
		if address, ok := s.manifest.Registries[typed]; ok {
			return r, &usageError{
				message: fmt.Sprintf("%s is a name that only %s gives, to %s", typed, s.Manifest, ui.Line(address)),
				hint:    fmt.Sprintf("if you trust it: skills registry add %s %s", typed, address),
			}
		}
	}
	var names []string
	for name := range settings.Registries {
		names = append(names, name)
	}
	slices.Sort(names)
	hint := "a registry is a name or an address, which begins with https://; a token is no argument, which others could see: --token-stdin"
	if near := nearest(typed, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return r, &usageError{message: "what is given is no registry that is known", hint: hint}
}
