package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/openskills-go/skills/pkg/agent"
	"github.com/openskills-go/skills/pkg/ref"
)

// A Key documents one setting.
type Key struct {
	Name    string // in config.yaml, where a dot is a level; <name> stands for any name
	Type    string // registry, list, command, count, bool, duration, size, path, locale
	Default string // as in config.yaml; "" for none
	Env     string // environment variable that overrides it; "" for none
	Doc     string
}

// A key is a Key that knows its place in Settings; put and value know that of
// one with a placeholder.
type key struct {
	Key

	set func(*Settings, string) error
	get func(*Settings) string
}

var keys = [...]key{
	{
		Key: Key{Name: "registry", Type: "registry", Default: DefaultRegistry, Env: "SKILLS_REGISTRY", Doc: "registry of references that name none: a URL, a folder, or a name from registries; none if each has to name its own"},
		set: func(s *Settings, v string) error { s.Registry = v; return checkRegistry(v) },
		get: func(s *Settings) string { return s.Registry },
	},
	{
		Key: Key{Name: "registries.<name>", Type: "registry", Doc: "registry that references mean by name:slug; none if the name is to mean nothing. clawhub is built in"},
	},
	{
		Key: Key{Name: "mirrors.<name>", Type: "list", Doc: "URLs or folders that hold the same artifacts as the registry of that name, for when it cannot be reached"},
	},
	{
		Key: Key{Name: "agents", Type: "list", Doc: "agents to install for, instead of those detected"},
		set: func(s *Settings, v string) error { s.Agents = split(v); return checkNames(s.Agents) },
		get: func(s *Settings) string { return strings.Join(s.Agents, ",") },
	},
	{
		Key: Key{Name: "agent-dirs.<agent>.user", Type: "path", Doc: "folder in which an agent reads the user's skills; a new agent id defines an agent"},
	},
	{
		Key: Key{Name: "agent-dirs.<agent>.project", Type: "path", Doc: "folder in which an agent reads a project's skills, relative to its root"},
	},
	{
		Key: Key{Name: "locale", Type: "locale", Env: "SKILLS_LOCALE", Doc: "language of skills that come in several; from LC_ALL, LC_MESSAGES or LANG if not set"},
		set: func(s *Settings, v string) error { s.Locale = v; return checkLocale(v) },
		get: func(s *Settings) string { return s.Locale },
	},
	{
		Key: Key{Name: "jobs", Type: "count", Default: "8", Env: "SKILLS_JOBS", Doc: "downloads at a time"},
		set: func(s *Settings, v string) error { return setCount(&s.Jobs, v, 256) },
		get: func(s *Settings) string { return strconv.Itoa(s.Jobs) },
	},
	{
		Key: Key{Name: "offline", Type: "bool", Default: "false", Env: "SKILLS_OFFLINE", Doc: "use no network"},
		set: func(s *Settings, v string) error { return setBool(&s.Offline, v) },
		get: func(s *Settings) string { return strconv.FormatBool(s.Offline) },
	},
	{
		Key: Key{Name: "max-wait", Type: "duration", Default: "1m0s", Doc: "longest wait that a busy server may ask for"},
		set: func(s *Settings, v string) error { return setDuration(&s.MaxWait, v) },
		get: func(s *Settings) string { return s.MaxWait.String() },
	},
	{
		Key: Key{Name: "stall-timeout", Type: "duration", Default: "30s", Doc: "longest time that a server may send nothing"},
		set: func(s *Settings, v string) error { return setDuration(&s.Stall, v) },
		get: func(s *Settings) string { return s.Stall.String() },
	},
	{
		Key: Key{Name: "ca-file", Type: "path", Env: "SKILLS_CA_FILE", Doc: "PEM file of certificate authorities to trust besides the system's"},
		set: func(s *Settings, v string) error { s.CAFile = v; return checkPath(v) },
		get: func(s *Settings) string { return s.CAFile },
	},
	{
		Key: Key{Name: "credential-command", Type: "command", Env: "SKILLS_CREDENTIAL_COMMAND", Doc: "program, with arguments, that prints the token of a registry you named; it reads origin=https://host"},
		set: func(s *Settings, v string) (err error) { s.CredentialCommand, err = SplitCommand(v); return err },
		get: func(s *Settings) string { return joinCommand(s.CredentialCommand) },
	},
	{
		Key: Key{Name: "keyring", Type: "bool", Default: "true", Env: "SKILLS_KEYRING", Doc: "keep the tokens of skills login in the system's keyring, where there is one"},
		set: func(s *Settings, v string) error {
			var use bool
			err := setBool(&use, v)
			s.NoKeyring = !use
			return err
		},
		get: func(s *Settings) string { return strconv.FormatBool(!s.NoKeyring) },
	},
	{
		Key: Key{Name: "limits.download", Type: "size", Doc: "largest artifact to download"},
		set: func(s *Settings, v string) error { return setSize(&s.Limits.Download, v) },
		get: func(s *Settings) string { return formatSize(s.Limits.Download) },
	},
	{
		Key: Key{Name: "limits.unpacked", Type: "size", Doc: "largest sum of a skill's files"},
		set: func(s *Settings, v string) error { return setSize(&s.Limits.Unpacked, v) },
		get: func(s *Settings) string { return formatSize(s.Limits.Unpacked) },
	},
	{
		Key: Key{Name: "limits.file", Type: "size", Doc: "largest single file of a skill"},
		set: func(s *Settings, v string) error { return setSize(&s.Limits.File, v) },
		get: func(s *Settings) string { return formatSize(s.Limits.File) },
	},
	{
		Key: Key{Name: "limits.entries", Type: "count", Doc: "most files and folders of an archive"},
		set: func(s *Settings, v string) error { return setCount(&s.Limits.Entries, v, 10_000_000) },
		get: func(s *Settings) string { return formatCount(s.Limits.Entries) },
	},
}

// Keys returns all settings, in the order in which to document them.
func Keys() []Key {
	list := make([]Key, len(keys))
	for i, k := range keys {
		list[i] = k.Key
	}
	return list
}

// lookup returns the key that name is an instance of, and what stands for its
// placeholder; nil if there is none.
func lookup(name string) (*key, string) {
	for i := range keys {
		k := &keys[i]
		before, after, ok := cutPlaceholder(k.Name)
		if !ok {
			if k.Name == name {
				return k, ""
			}
			continue
		}
		rest, isPrefix := strings.CutPrefix(name, before)
		rest, isSuffix := strings.CutSuffix(rest, after)
		if isPrefix && isSuffix && rest != "" && !strings.Contains(rest, ".") {
			return k, rest
		}
	}
	return nil, ""
}

// isGroup reports whether keys begin with name and a dot.
func isGroup(name string) bool {
	group, rest, nested := strings.Cut(name, ".")
	if nested {
		return group == "agent-dirs" && rest != "" && !strings.Contains(rest, ".")
	}
	return slices.ContainsFunc(keys[:], func(k key) bool { return strings.HasPrefix(k.Name, name+".") })
}

func cutPlaceholder(name string) (before, after string, ok bool) {
	before, after, ok = strings.Cut(name, "<")
	_, after, _ = strings.Cut(after, ">")
	return before, after, ok
}

// put gives the setting the value v; rest stands for the placeholder.
func (k *key) put(s *Settings, rest, v string) error {
	if k.set != nil {
		return k.set(s, v)
	}
	if k.Type == "registry" {
		if !ref.ValidRegistry(rest) || rest == None {
			return errors.New("has a name that no registry can have")
		}
		if err := checkRegistry(v); err != nil {
			return err
		}
		if s.Registries == nil {
			s.Registries = map[string]string{}
		}
		s.Registries[rest] = v
		return nil
	}
	if k.Type == "list" {
		return s.putMirrors(rest, split(v))
	}
	if err := checkPath(v); err != nil {
		return err
	}
	o := s.AgentDirs[rest]
	*k.side(&o) = v
	if _, err := agent.With(map[string]agent.Override{rest: o}); err != nil {
		return err
	}
	if s.AgentDirs == nil {
		s.AgentDirs = map[string]agent.Override{}
	}
	s.AgentDirs[rest] = o
	return nil
}

const mostMirrors = 16

func (s *Settings) putMirrors(name string, mirrors []string) error {
	if !ref.ValidRegistry(name) || name == None {
		return errors.New("has a name that no registry can have")
	}
	if len(mirrors) == 0 || len(mirrors) > mostMirrors {
		return fmt.Errorf("must be a list of 1 to %d mirrors", mostMirrors)
	}
	for _, m := range mirrors {
		if err := checkRegistry(m); err != nil {
			return fmt.Errorf("%s %w", quote(m), err)
		}
		if ref.ValidRegistry(m) {
			return fmt.Errorf("%s must be a URL or a folder", quote(m))
		}
	}
	if s.Mirrors == nil {
		s.Mirrors = map[string][]string{}
	}
	s.Mirrors[name] = mirrors
	return nil
}

func (k *key) value(s *Settings, rest string) string {
	switch {
	case k.get != nil:
		return k.get(s)
	case k.Type == "registry":
		return s.Registries[rest]
	case k.Type == "list":
		return strings.Join(s.Mirrors[rest], ",")
	}
	o := s.AgentDirs[rest]
	return *k.side(&o)
}

// side returns the field of o that k is about.
func (k *key) side(o *agent.Override) *string {
	if strings.HasSuffix(k.Name, ".user") {
		return &o.User
	}
	return &o.Project
}

func checkRegistry(v string) error {
	if !plain(v) {
		return errors.New("is not a registry")
	}
	if isRelative(v) || filepath.IsAbs(v) || ref.ValidRegistry(v) {
		return nil
	}
	u, err := url.Parse(strings.TrimPrefix(v, "clawhub+"))
	switch {
	case err != nil || u.Scheme == "":
		return errors.New("is neither a URL nor a folder nor a name")
	case u.User != nil:
		return errors.New("must not hold a user or password")
	case u.Scheme == "file" && u.Path != "" && !strings.HasPrefix(v, "clawhub+"):
		return nil
	case !isWeb(u.Scheme) || u.Host == "":
		return errors.New("must be an http or https URL, or a folder")
	}
	return nil
}

// isWeb reports whether a scheme is http or https, by itself or after the protocol
// that the registry speaks: clawhub+https.
func isWeb(scheme string) bool {
	if protocol, rest, ok := strings.Cut(scheme, "+"); ok && protocol != "" && !strings.ContainsAny(protocol, "-.") {
		scheme = rest
	}
	return scheme == "http" || scheme == "https"
}

func checkNames(names []string) error {
	for _, name := range names {
		if !plain(name) || len(name) > 100 {
			return errors.New("must be a list of names")
		}
	}
	return nil
}

// checkLocale checks v to be a language tag by its shape (RFC 5646, 2.1).
func checkLocale(v string) error {
	for i, part := range strings.FieldsFunc(v, func(r rune) bool { return r == '-' || r == '_' }) {
		alphanumeric := strings.IndexFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
		}) < 0
		if !alphanumeric || len(part) > 8 || i == 0 && len(part) < 2 {
			return errors.New("is not a language such as en or zh-CN")
		}
	}
	if v == "" || len(v) > 35 || strings.Trim(v, "-_") != v {
		return errors.New("is not a language such as en or zh-CN")
	}
	return nil
}

func checkPath(v string) error {
	if !plain(v) {
		return errors.New("is not a path")
	}
	return nil
}

func setCount(to *int, v string, most int) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > most {
		return fmt.Errorf("must be a whole number from 1 to %d", most)
	}
	*to = n
	return nil
}

func setBool(to *bool, v string) error {
	switch strings.ToLower(v) {
	case "1", "true", "yes", "on":
		*to = true
	case "0", "false", "no", "off":
		*to = false
	default:
		return errors.New("must be true or false")
	}
	return nil
}

func setDuration(to *time.Duration, v string) error {
	d, err := time.ParseDuration(v)
	if n, numeric := strconv.Atoi(v); numeric == nil && n <= int(24*time.Hour/time.Second) {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < 0 || d > 24*time.Hour {
		return errors.New("must be a duration of at most 24h, such as 90s or 5m")
	}
	*to = d
	return nil
}

func setSize(to *int64, v string) error {
	const bad = "must be a size such as 500KiB or 64MiB, at most 1TiB"
	number := strings.TrimRight(v, "KMGTiBkmgtb ")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 {
		return errors.New(bad)
	}
	shift, ok := map[string]int{"": 0, "b": 0, "kib": 10, "mib": 20, "gib": 30, "tib": 40, "k": 10, "m": 20, "g": 30, "t": 40}[strings.ToLower(strings.TrimSpace(v[len(number):]))]
	if !ok || n > 1<<40>>shift {
		return errors.New(bad)
	}
	*to = n << shift
	return nil
}

func formatSize(n int64) string {
	if n == 0 {
		return ""
	}
	for i, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if shift := 40 - 10*i; n%(1<<shift) == 0 {
			return strconv.FormatInt(n>>shift, 10) + unit
		}
	}
	return strconv.FormatInt(n, 10)
}

func formatCount(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// split returns the names in a list that is separated by commas.
func split(v string) []string {
	var names []string
	for name := range strings.SplitSeq(v, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// isRelative reports whether v is a path relative to something: . or .. or
// what begins with one of them and a separator.
func isRelative(v string) bool {
	first, _, _ := strings.Cut(strings.ReplaceAll(v, `\`, "/"), "/")
	return first == "." || first == ".."
}

func plain(s string) bool {
	return strings.TrimSpace(s) != "" && len(s) <= 4096 && strings.IndexFunc(s, unicode.IsControl) < 0
}
