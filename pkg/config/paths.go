package config

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/adrg/xdg"

	"github.com/openskills-go/skills/pkg/agent"
)

// program is the folder of this program in each of the base folders.
const program = "skills"

// ErrNoHome says that a folder is in the user's home, which is not known. It is
// the sentinel of pkg/agent.
var ErrNoHome = agent.ErrNoHome

// Paths are the folders of this program, absolute. One that could not be found
// is "", and then so is everything in it: nothing ends up in the current folder.
type Paths struct {
	Config string // settings, and the user's manifest and lock
	Data   string // the store
	State  string // backups, history
	Cache  string // may be deleted at any time
}

// FindPaths returns the folders: below $SKILLS_HOME if that is set, else where
// the XDG base directory specification puts them, or what the system has in its
// place. The error matches ErrNoHome or is an *EnvError; the folders that do not
// depend on what is wrong are then still there.
//
// getenv is the environment of this process, which adrg/xdg has read when the
// program started. Another one works if it sets SKILLS_HOME or the XDG
// variables, or only another HOME.
func FindPaths(getenv func(string) string) (Paths, error) {
	if home := getenv("SKILLS_HOME"); home != "" {
		if !filepath.IsAbs(home) {
			return Paths{}, &EnvError{Variable: "SKILLS_HOME", Value: home, Why: "is no absolute path"}
		}
		return Paths{
			Config: filepath.Join(home, "config"),
			Data:   filepath.Join(home, "data"),
			State:  filepath.Join(home, "state"),
			Cache:  filepath.Join(home, "cache"),
		}, nil
	}
	home, homeErr := Home(getenv)
	var failed error
	base := func(variable, standard string) string {
		// A relative value is to be ignored, says the specification.
		if value := getenv(variable); filepath.IsAbs(value) {
			return filepath.Join(value, program)
		}
		if homeErr != nil {
			failed = homeErr
			return ""
		}
		if below, err := filepath.Rel(xdg.Home, standard); err == nil && filepath.IsLocal(below) {
			return filepath.Join(home, below, program)
		}
		if !filepath.IsAbs(standard) {
			failed = fmt.Errorf("find %s: %w", variable, ErrNoHome)
			return ""
		}
		return filepath.Join(standard, program)
	}
	p := Paths{
		Config: base("XDG_CONFIG_HOME", xdg.ConfigHome),
		Data:   base("XDG_DATA_HOME", xdg.DataHome),
		State:  base("XDG_STATE_HOME", xdg.StateHome),
		Cache:  base("XDG_CACHE_HOME", xdg.CacheHome),
	}
	return p, failed
}

// Home returns the home folder of the user. The error matches ErrNoHome.
func Home(getenv func(string) string) (string, error) {
	variable := "HOME"
	if runtime.GOOS == "windows" {
		variable = "USERPROFILE"
	}
	home := getenv(variable)
	switch {
	case home == "":
		return "", fmt.Errorf("%w: %s is not set", ErrNoHome, variable)
	case !filepath.IsAbs(home):
		return "", fmt.Errorf("%w: %s is %s, which is no absolute path", ErrNoHome, variable, quote(home))
	}
	return filepath.Clean(home), nil
}

// Settings returns the path of config.yaml.
func (p Paths) Settings() string { return in(p.Config, "config.yaml") }

// Credentials returns the path of the file for the tokens of logins.
func (p Paths) Credentials() string { return in(p.Config, "credentials.json") }

// Manifest returns the path of the user's skills.yaml.
func (p Paths) Manifest() string { return in(p.Config, "skills.yaml") }

// Lock returns the path of the user's skills.lock.
func (p Paths) Lock() string { return in(p.Config, "skills.lock") }

// Store returns the folder of the artifacts.
func (p Paths) Store() string { return in(p.Data, "store") }

// Backups returns the folder of what was replaced because the user asked for it.
func (p Paths) Backups() string { return in(p.State, "backups") }

// History returns the folder that remembers how locks changed.
func (p Paths) History() string { return in(p.State, "history") }

// HTTP returns the folder of remembered HTTP answers.
func (p Paths) HTTP() string { return in(p.Cache, "http") }

// Git returns the folder for repositories while a run needs them.
func (p Paths) Git() string { return in(p.Cache, "git") }

func in(dir, name string) string {
	if dir == "" || strings.ContainsRune(dir, 0) {
		return ""
	}
	return filepath.Join(dir, name)
}
