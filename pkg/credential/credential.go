// Package credential finds the tokens of registries, and keeps those that a login
// brought. A token belongs to an origin, a scheme, host and port, and is found in
// the first of
//
//   - the environment: SKILLS_TOKEN for the default registry, SKILLS_TOKEN_ACME for
//     the one that the user calls acme, CLAWHUB_TOKEN for clawhub.ai;
//   - the command that the user configured;
//   - what a login left: the system's keyring, or a file of this program.
//
// The first two know registries by what the user calls them. What only a project
// or a lock names gets nothing from them: else cloning a repository that calls
// another server acme would be enough to be sent the token of acme. A keyring is
// asked only about what a login put there, so that nothing is unlocked, and no
// program started, for those who never logged in.
package credential

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A From is a kind of place where a token can be.
type From string

// Where tokens are, in the order in which they are looked for.
const (
	Nowhere     From = ""
	Environment From = "environment"
	Command     From = "command"
	Keyring     From = "keyring"
	File        From = "file"
)

// A Found is a token and where it is.
type Found struct {
	Token string // "" if there is none
	From  From
	Where string // the variable, the program, or the path of the file
}

// A Registry is one that the user named, not a project.
type Registry struct {
	Name    string // "" if it has none
	Origin  string
	Default bool // SKILLS_TOKEN is for it
	Asked   bool // on the command line: the command may be asked, no variable is for it
}

// A Store is where tokens are. The zero value knows none.
type Store struct {
	Getenv     func(string) string // nil is an empty environment
	Registries []Registry
	Command    []string // to run, and its arguments; nil is none
	Path       string   // of the file; "" is none
	NoKeyring  bool     // never use the system's

	// Warn is told what a person should know about a token that was found, or could
	// not be, although there is one. It holds no secret. Nil tells nobody.
	Warn func(format string, args ...any)
	// Log is told of what was tried; nil tells nobody.
	Log func(format string, args ...any)
}

// MaxToken is how long a token can be.
const MaxToken = 4 << 10

// Check says why a text cannot be a token, without repeating it.
func Check(token string) error {
	switch {
	case token == "":
		return errors.New("it is empty")
	case len(token) > MaxToken:
		return fmt.Errorf("it is longer than %d bytes", MaxToken)
	}
	for _, c := range []byte(token) {
		switch {
		case c == ' ':
			return errors.New("there is a space in it")
		case c < ' ' || c == 0x7f:
			return errors.New("there is a control character in it")
		case c > 0x7f:
			return errors.New("there is a character in it that is not ASCII")
		}
	}
	return nil
}

// A TokenError says that what stands where a token should be can be none.
type TokenError struct {
	From  From
	Where string
	Err   error
}

func (e *TokenError) Error() string {
	if e.From == Nowhere {
		return "this can be no token: " + e.Err.Error()
	}
	return fmt.Sprintf("%s %s holds no token: %v", e.From, e.Where, e.Err)
}

func (e *TokenError) Unwrap() error { return e.Err }

// Variable returns the name of the variable for the token of a registry.
func Variable(name string) string {
	const prefix = "SKILLS_TOKEN"
	if name == "" {
		return prefix
	}
	return prefix + "_" + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, name)
}

const (
	clawhubOrigin   = "https://clawhub.ai"
	clawhubVariable = "CLAWHUB_TOKEN"
)

// variables returns the variables for an origin, that of a name before the others.
func (s *Store) variables(origin string) []string {
	var named, rest []string
	for _, r := range s.Registries {
		if r.Origin != origin {
			continue
		}
		if r.Name != "" {
			named = append(named, Variable(r.Name))
		}
		if r.Default {
			rest = append(rest, Variable(""))
		}
	}
	slices.Sort(named)
	if origin == clawhubOrigin {
		rest = append(rest, clawhubVariable)
	}
	return append(named, rest...)
}

// Knows says whether the user named a registry at an origin, so that variables
// and the command are for it.
func (s *Store) Knows(origin string) bool {
	return origin == clawhubOrigin || slices.ContainsFunc(s.Registries, func(r Registry) bool { return r.Origin == origin })
}

// Find returns the token for an origin. That there is none is no error. What is
// there and cannot be used is one: it never falls through to the next place.
func (s *Store) Find(ctx context.Context, origin string) (Found, error) {
	for _, name := range s.variables(origin) {
		token := s.getenv(name)
		if token == "" {
			continue
		}
		token = strings.TrimSpace(token) // a line end is easily left in it
		if err := Check(token); err != nil {
			return Found{}, &TokenError{From: Environment, Where: name, Err: err}
		}
		return s.found(origin, Found{token, Environment, name}), nil
	}
	if len(s.Command) > 0 && s.Knows(origin) {
		token, err := runCommand(ctx, s.Command, origin)
		if err != nil {
			return Found{}, err
		}
		if token != "" {
			return s.found(origin, Found{token, Command, s.Command[0]}), nil
		}
	}
	return s.findSaved(ctx, origin)
}

// Saved returns where a login left the token for an origin, without reading it
// from the keyring.
func (s *Store) Saved(origin string) (Found, error) {
	f, err := s.read()
	if err != nil {
		return Found{}, err
	}
	switch e, ok := f.Credentials[origin]; {
	case !ok:
		return Found{}, nil
	case e.Keyring:
		return Found{From: Keyring, Where: keyringName}, nil
	}
	return Found{From: File, Where: s.Path}, nil
}

func (s *Store) findSaved(ctx context.Context, origin string) (Found, error) {
	f, err := s.read()
	if err != nil {
		return Found{}, err
	}
	e, ok := f.Credentials[origin]
	if !ok {
		s.logf("no token for %s", origin)
		return Found{}, nil
	}
	if !e.Keyring {
		if err := Check(e.Token); err != nil {
			return Found{}, &TokenError{From: File, Where: s.Path, Err: err}
		}
		return s.found(origin, Found{e.Token, File, s.Path}), nil
	}
	token, err := s.fromKeyring(ctx, origin)
	if err != nil {
		if ctx.Err() != nil {
			return Found{}, fmt.Errorf("ask the keyring: %w", ctx.Err())
		}
		// A keyring that is locked, or of another session, is no reason not to do what
		// works without a token. A registry that wants one says so.
		s.warnf("the token for %s is in the system's keyring, which does not give it: %v", origin, err)
		return Found{}, nil
	}
	if err := Check(token); err != nil {
		return Found{}, &TokenError{From: Keyring, Where: keyringName, Err: err}
	}
	return s.found(origin, Found{token, Keyring, keyringName}), nil
}

func (s *Store) found(origin string, f Found) Found {
	s.logf("the token for %s is from %s %s", origin, f.From, f.Where)
	return f
}

// Save keeps the token for an origin: in the system's keyring if that works, else
// in the file. It returns where, and why it is not in the keyring.
func (s *Store) Save(ctx context.Context, origin, token string) (in Found, instead error, err error) {
	if err := Check(token); err != nil {
		return Found{}, nil, &TokenError{Err: err}
	}
	instead = s.intoKeyring(ctx, origin, token)
	if ctx.Err() != nil {
		return Found{}, nil, fmt.Errorf("save token: %w", ctx.Err())
	}
	e := entry{Keyring: true}
	in = Found{From: Keyring, Where: keyringName}
	if instead != nil {
		e = entry{Token: token}
		in = Found{From: File, Where: s.Path}
	}
	err = s.edit(ctx, func(f *file) { f.Credentials[origin] = e })
	if err != nil {
		return Found{}, instead, fmt.Errorf("save token: %w", err)
	}
	return in, instead, nil
}

// Delete forgets the token that a login left for an origin, and returns where it
// was. One in the environment, or of the command, it cannot take away.
func (s *Store) Delete(ctx context.Context, origin string) (Found, error) {
	was, err := s.Saved(origin)
	if err != nil || was.From == Nowhere {
		return was, err
	}
	if was.From == Keyring {
		if err := s.outOfKeyring(ctx, origin); err != nil {
			return Found{}, fmt.Errorf("delete token of %s from the keyring: %w", origin, err)
		}
	}
	err = s.edit(ctx, func(f *file) { delete(f.Credentials, origin) })
	if err != nil {
		return Found{}, fmt.Errorf("delete token: %w", err)
	}
	return was, nil
}

func (s *Store) getenv(name string) string {
	if s.Getenv == nil {
		return ""
	}
	return s.Getenv(name)
}

func (s *Store) warnf(format string, args ...any) {
	if s.Warn != nil {
		s.Warn(format, args...)
	}
}

func (s *Store) logf(format string, args ...any) {
	if s.Log != nil {
		s.Log(format, args...)
	}
}

// Other returns the variable or the program that gives a token for an origin
// besides what a login keeps, or "". The program is not run.
func (s *Store) Other(origin string) string {
	for _, name := range s.variables(origin) {
		if s.getenv(name) != "" {
			return name
		}
	}
	if len(s.Command) > 0 && s.Knows(origin) {
		return s.Command[0]
	}
	return ""
}
