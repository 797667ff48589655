// Package config reads the settings of a user and finds the folders of this
// program. Settings come from config.yaml, where they have the names that Keys
// documents, and from the environment. The program's flags and the manifest of
// a project go between and above; the order is flag, environment, manifest,
// config.yaml, built-in value.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/openskills-go/skills/pkg/agent"
	"github.com/openskills-go/skills/pkg/internal/yamldoc"
	"github.com/openskills-go/skills/pkg/spelling"
)

// DefaultRegistry is the registry of those who have not chosen one.
const DefaultRegistry = "https://openskills.cc"

// ClawHub is the address of the registry that has the name clawhub without any
// configuration. Settings give that name another one, or None.
const ClawHub = "clawhub+https://clawhub.ai"

// None in the place of a registry says that there is none: as the default, that
// every reference has to name its registry; under a name, that the name means
// nothing.
const None = "none"

// Settings are what a user can set. Load returns them with built-in values
// where nothing is set.
type Settings struct {
	Registry   string                    // URL, folder, a key of Registries, or None
	Registries map[string]string         // name to URL or folder, or None
	Mirrors    map[string][]string       // key of Registries to the URLs or folders of its mirrors
	Agents     []string                  // empty: those detected on the machine
	AgentDirs  map[string]agent.Override // by agent id
	Locale     string                    // WithEnv fills in an empty one
	Jobs       int                       // downloads at a time
	Offline    bool
	MaxWait    time.Duration // longest wait that a server may ask for
	Stall      time.Duration // longest time without a byte
	CAFile     string        // certificates besides the system's
	Limits     Limits

	CredentialCommand []string // program and arguments; empty: none
	NoKeyring         bool     // keep no tokens in the system's keyring

	origin map[string]string
}

// Limits are bounds on what is downloaded and unpacked; 0 is the built-in bound.
type Limits struct {
	Download int64 // bytes of an artifact
	Unpacked int64 // bytes of a skill's files
	File     int64 // bytes of one file
	Entries  int   // files and folders of an archive
}

// A SettingError says what is wrong with a setting, and where. Line and Column
// are 0 for what does not stand in a file.
type SettingError struct {
	File         string
	Line, Column int
	Key          string // "" if the file is no YAML
	Why          string
	Suggestions  []string // keys that may be meant, for an unknown one
}

func (e *SettingError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ": ")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", e.Line, e.Column)
	}
	if e.Key != "" {
		fmt.Fprintf(&b, "setting %s ", quote(e.Key))
	}
	return b.String() + e.Why
}

// An EnvError says that an environment variable has a value that it cannot have.
type EnvError struct{ Variable, Value, Why string }

func (e *EnvError) Error() string {
	return fmt.Sprintf("environment variable %s is %s, which %s", e.Variable, quote(e.Value), e.Why)
}

// Load reads the settings at path. No file, or no path, is no error: the
// settings are then the built-in ones. Relative paths in the file are relative to
// its folder. The error is a *SettingError for what is wrong in the file.
func Load(path string) (Settings, error) {
	if path == "" {
		return Default(), nil
	}
	data, err := read(path)
	if err != nil {
		return Settings{}, err
	}
	s, err := parse(data, path)
	if err != nil {
		return Settings{}, err
	}
	s.Registry = beside(path, s.Registry)
	for name, registry := range s.Registries {
		s.Registries[name] = beside(path, registry)
	}
	for _, mirrors := range s.Mirrors {
		for i := range mirrors {
			mirrors[i] = beside(path, mirrors[i])
		}
	}
	if s.CAFile != "" && !filepath.IsAbs(s.CAFile) && !strings.HasPrefix(s.CAFile, "~/") {
		s.CAFile = filepath.Join(filepath.Dir(path), filepath.FromSlash(s.CAFile))
	}
	return s, nil
}

// read returns the file at path, nothing if there is none. Below a file, such as
// a HOME of /dev/null, there is none either.
func read(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return data, nil
}

// beside makes a path that begins with a dot one from the folder of file.
func beside(file, value string) string {
	if isRelative(value) {
		return filepath.Join(filepath.Dir(file), filepath.FromSlash(value))
	}
	return value
}

// Default returns the built-in settings.
func Default() Settings {
	s := Settings{Registries: map[string]string{"clawhub": ClawHub}}
	for i := range keys {
		if k := &keys[i]; k.Default != "" && k.set != nil {
			if err := k.set(&s, k.Default); err != nil {
				panic("config: built-in value of " + k.Name + ": " + err.Error())
			}
		}
	}
	return s
}

// Parse reads the text of config.yaml; paths stay as they are written. The error
// is a *SettingError without File, or matches ErrTooLarge.
func Parse(data []byte) (Settings, error) { return parse(data, "") }

// ErrTooLarge says that a settings file is larger than 1 MiB.
var ErrTooLarge = yamldoc.ErrTooLarge

func parse(data []byte, file string) (Settings, error) {
	s := Default()
	doc, err := yamldoc.Parse(data)
	if err != nil {
		return Settings{}, settingError(file, err)
	}
	s.origin = map[string]string{}
	if err := s.read(doc.Root(), "", file); err != nil {
		return Settings{}, settingError(file, err)
	}
	return s, nil
}

// settingError gives every fault of a file the one type.
func settingError(file string, err error) error {
	var setting *SettingError
	var syntax *yamldoc.SyntaxError
	switch {
	case errors.As(err, &setting):
		setting.File = file
		return setting
	case errors.As(err, &syntax):
		return &SettingError{File: file, Line: syntax.Line, Column: syntax.Column, Why: syntax.Why}
	case file != "":
		return fmt.Errorf("read %s: %w", file, err)
	}
	return err
}

// read takes the members of a mapping, whose keys begin with prefix.
func (s *Settings) read(in *yamldoc.Value, prefix, file string) error {
	for i := range in.Members {
		m := &in.Members[i]
		name := prefix + m.Key
		k, rest := lookup(name)
		switch {
		case k == nil && isGroup(name):
			if m.Value.Kind != yamldoc.Map && m.Value.Kind != yamldoc.Null {
				return &SettingError{Line: m.Value.Line, Column: m.Value.Column, Key: name, Why: "must be a mapping, not " + m.Value.Kind.String()}
			}
			if err := s.read(&m.Value, name+".", file); err != nil {
				return err
			}
			continue
		case k == nil:
			err := unknown(name)
			err.Line, err.Column = m.Line, m.Column
			return err
		case m.Value.Kind == yamldoc.Null:
			continue // a key without a value leaves the setting as it is
		}
		text, err := flat(k, &m.Value)
		if err == nil {
			err = k.put(s, rest, text)
		}
		if err != nil {
			return &SettingError{Line: m.Value.Line, Column: m.Value.Column, Key: name, Why: err.Error()}
		}
		s.origin[name] = file
	}
	return nil
}

// flat returns a value as it is written on a command line.
func flat(k *key, v *yamldoc.Value) (string, error) {
	switch {
	case v.Kind == yamldoc.Text:
		return v.Text, nil
	case v.Kind == yamldoc.List && k.Type == "command":
		return flatCommand(v)
	case v.Kind != yamldoc.List || k.Type != "list":
		return "", fmt.Errorf("must be a %s, not %s", k.Type, v.Kind)
	}
	var items []string
	for i := range v.Items {
		if v.Items[i].Kind != yamldoc.Text || strings.Contains(v.Items[i].Text, ",") {
			return "", errors.New("must be a list of names")
		}
		items = append(items, v.Items[i].Text)
	}
	return strings.Join(items, ","), nil
}

func unknown(name string) *SettingError {
	var names []string
	for i := range keys {
		group, _, nested := strings.Cut(keys[i].Name, ".")
		if nested && !slices.Contains(names, group) {
			names = append(names, group)
		}
		if keys[i].set != nil {
			names = append(names, keys[i].Name)
		}
	}
	return &SettingError{Key: name, Why: "is unknown", Suggestions: spelling.Nearest(name, names, 3)}
}

// Get returns the value of the setting called name, as Set takes it. The error
// is a *SettingError for an unknown name.
func (s Settings) Get(name string) (string, error) {
	k, rest := lookup(name)
	if k == nil {
		return "", unknown(name)
	}
	return k.value(&s, rest), nil
}

// Names returns the names of all settings that have a value, sorted: the keys
// without a placeholder, and what is there of the others.
func (s Settings) Names() []string {
	var names []string
	for i := range keys {
		if keys[i].set != nil {
			names = append(names, keys[i].Name)
		}
	}
	for name := range s.Registries {
		names = append(names, "registries."+name)
	}
	for name := range s.Mirrors {
		names = append(names, "mirrors."+name)
	}
	for id, o := range s.AgentDirs {
		if o.User != "" {
			names = append(names, "agent-dirs."+id+".user")
		}
		if o.Project != "" {
			names = append(names, "agent-dirs."+id+".project")
		}
	}
	slices.Sort(names)
	return names
}

// Origin says where the value of a setting comes from: the path of a file, the
// name of an environment variable, or "" for a built-in value.
func (s Settings) Origin(name string) string { return s.origin[name] }

// clone returns a copy that shares nothing that can change with s.
func (s Settings) clone() Settings {
	s.Registries = maps.Clone(s.Registries)
	s.Mirrors = maps.Clone(s.Mirrors)
	s.AgentDirs = maps.Clone(s.AgentDirs)
	s.Agents = slices.Clone(s.Agents)
	s.CredentialCommand = slices.Clone(s.CredentialCommand)
	s.origin = maps.Clone(s.origin)
	return s
}

// WithEnv returns s with what the environment sets instead. A variable that is
// empty is not set. The error is an *EnvError.
func (s Settings) WithEnv(getenv func(string) string) (Settings, error) {
	s = s.clone()
	if s.origin == nil {
		s.origin = map[string]string{}
	}
	for i := range keys {
		k := &keys[i]
		if k.Env == "" {
			continue
		}
		value := getenv(k.Env)
		if value == "" {
			continue
		}
		if err := k.set(&s, value); err != nil {
			return Settings{}, &EnvError{Variable: k.Env, Value: value, Why: err.Error()}
		}
		s.origin[k.Name] = k.Env
	}
	if s.Locale == "" {
		s.Locale = localeOf(getenv)
	}
	if tail, ok := strings.CutPrefix(s.CAFile, "~/"); ok {
		home, err := Home(getenv)
		if err != nil {
			return Settings{}, fmt.Errorf("find ca-file: %w", err)
		}
		s.CAFile = filepath.Join(home, tail)
	}
	return s, nil
}

// localeOf returns the language of the environment by the order of POSIX (XBD
// 8.2), as far as registries have it: Chinese, or else English.
func localeOf(getenv func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := strings.ToLower(getenv(name)); value != "" {
			if strings.HasPrefix(value, "zh") {
				return "zh"
			}
			break
		}
	}
	return "en"
}

// quote returns text that is not ours in a form that is safe to print.
func quote(s string) string {
	q := strconv.QuoteToASCII(s[:min(len(s), 80)])
	return q[:min(len(q), 80)]
}
