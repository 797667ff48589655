package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// An Env is what the folders of agents depend on.
type Env struct {
	Home   string                                 // absolute; "" if it is not known
	Cwd    string                                 // absolute; "" detects nothing in the current folder
	Getenv func(name string) string               // nil: nothing is set
	Stat   func(path string) (fs.FileInfo, error) // nil: os.Stat
}

// A RelativeError says that an environment variable, which must hold an
// absolute path, holds another.
type RelativeError struct{ Variable, Value string }

func (e *RelativeError) Error() string {
	return fmt.Sprintf("environment variable %s is %s, which is no absolute path", e.Variable, quote(e.Value))
}

// errUnset says that a pattern names a variable that is not set.
var errUnset = errors.New("environment variable is not set")

// expand returns the absolute path that a pattern of an Agent means.
func (e Env) expand(pattern string) (string, error) {
	if filepath.IsAbs(pattern) {
		return filepath.Clean(pattern), nil
	}
	first, rest, _ := strings.Cut(pattern, "/")
	if strings.HasPrefix(pattern, "${") {
		var ok bool
		if first, rest, ok = strings.Cut(pattern, "}"); !ok {
			return "", fmt.Errorf("read %s: no closing brace", quote(pattern))
		}
	}
	base, err := e.base(first)
	if err != nil {
		return "", err
	}
	return filepath.Join(base, filepath.FromSlash(rest)), nil
}

func (e Env) base(first string) (string, error) {
	name, ok := strings.CutPrefix(first, "$")
	switch {
	case first == "":
		return "/", nil
	case first == "~" && !filepath.IsAbs(e.Home):
		return "", ErrNoHome
	case first == "~":
		return e.Home, nil
	case first == "$CWD" && !filepath.IsAbs(e.Cwd):
		return "", errUnset
	case first == "$CWD":
		return e.Cwd, nil
	case !ok:
		return "", fmt.Errorf("read %s: not an absolute path", quote(first))
	}
	name, fallback, _ := strings.Cut(strings.TrimPrefix(name, "{"), ":-")
	value := ""
	if e.Getenv != nil {
		value = e.Getenv(name)
	}
	// The XDG specification wants relative values ignored. Of the agents' own
	// variables nothing says so: guessing would put skills where none are read.
	if value == "" || strings.HasPrefix(name, "XDG_") && !filepath.IsAbs(value) {
		if fallback == "" {
			return "", errUnset
		}
		return e.expand(fallback)
	}
	if tail, ok := strings.CutPrefix(value, "~/"); ok && filepath.IsAbs(e.Home) {
		return filepath.Join(e.Home, tail), nil // quoted in a shell's start file
	}
	if !filepath.IsAbs(value) {
		return "", &RelativeError{Variable: name, Value: value}
	}
	return value, nil
}

// detect reports whether what a Detect entry names is there. A variable that
// is set wrongly counts as there: UserDir then says what is wrong with it.
func (e Env) detect(entry string) bool {
	for part := range strings.SplitSeq(entry, " + ") {
		pattern, dependency, isPackage := strings.Cut(part, "#")
		path, err := e.expand(pattern)
		if _, ok := errors.AsType[*RelativeError](err); ok {
			continue
		}
		if err != nil || !e.exists(path) || isPackage && !dependsOn(path, dependency) {
			return false
		}
	}
	return true
}

func (e Env) exists(path string) bool {
	stat := e.Stat
	if stat == nil {
		stat = os.Stat
	}
	_, err := stat(path)
	return err == nil
}

// dependsOn reports whether the package.json at path names a dependency.
func dependsOn(path, name string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	var manifest struct{ Dependencies, DevDependencies map[string]json.RawMessage }
	if err := json.NewDecoder(io.LimitReader(f, 1<<20)).Decode(&manifest); err != nil {
		return false
	}
	return manifest.Dependencies[name] != nil || manifest.DevDependencies[name] != nil
}

// check returns why o cannot be an override of the agent id, or "".
func (o Override) check(id string) string {
	if !ValidID(id) {
		return "an agent id is lower-case words of letters and digits joined by hyphens"
	}
	if o.User == "" && o.Project == "" {
		return "neither user nor project is given"
	}
	if o.User != "" && !strings.HasPrefix(o.User, "~/") && !strings.HasPrefix(o.User, "$") && !filepath.IsAbs(o.User) {
		return "user must be an absolute path, or begin with ~/ or a variable"
	}
	if o.Project != "" && (!fs.ValidPath(o.Project) || o.Project == "." || strings.ContainsAny(o.Project, `\:`)) {
		return "project must be a slash path below the project's root"
	}
	return ""
}

// ValidID reports whether id can be the ID of an agent: lower-case letters and
// digits in words joined by single hyphens, at most 64 bytes.
func ValidID(id string) bool {
	if id == "" || len(id) > 64 || id[0] == '-' || id[len(id)-1] == '-' || strings.Contains(id, "--") {
		return false
	}
	return strings.IndexFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}) < 0
}

// quote returns text that is not ours in a form that is safe to print.
func quote(s string) string {
	q := strconv.QuoteToASCII(s[:min(len(s), 80)])
	return q[:min(len(q), 80)]
}
