// Package agent knows where coding agents read skills: in a project, and in the
// home of a user. What is known is data, one line an agent (table.go), which
// settings override or extend. Find takes the names that people use, and Detect
// tells which agents are on this machine.
package agent

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/spelling"
)

// Universal is the ID of the agent that stands for the folders that many agents
// share: ~/.agents/skills and .agents/skills. It is what is used where no agent
// is named or detected.
const Universal = "universal"

var (
	// ErrNoHome says that a folder is in the user's home, which is not known.
	ErrNoHome = errors.New("home folder is unknown")
	// ErrNoUserDir says that an agent reads skills in projects only.
	ErrNoUserDir = errors.New("agent has no user folder")
)

// An Agent is where one agent reads skills.
//
// Project folders are slash paths relative to the root of a project. The others
// begin with ~ (the home folder), $CWD (the current folder), $NAME, a slash, or
// ${NAME:-default}: the variable's value, or default where that is not set. A
// Detect entry may join two paths with " + ", when both must exist, and end in
// #name, when the file must be a package.json that depends on name.
type Agent struct {
	ID      string // lower-case words joined by hyphens
	Name    string // for people
	Project string
	User    string // "" if the agent reads no user folder
	Shared  string // the user folder it shares with others; "" if that is User, or none
	Detect  []string
	// ReadsUser and ReadsProject are read besides User and Project.
	ReadsUser    []string
	ReadsProject []string
}

// UserDir returns the absolute path of the folder in which a reads the user's
// skills. The error matches ErrNoUserDir or ErrNoHome, or is a *RelativeError.
func (a Agent) UserDir(env Env) (string, error) {
	if a.User == "" {
		return "", fmt.Errorf("find user folder of %s: %w", a.ID, ErrNoUserDir)
	}
	dir, err := env.expand(a.User)
	if err != nil {
		return "", fmt.Errorf("find user folder of %s: %w", a.ID, err)
	}
	return dir, nil
}

// ProjectDir returns the folder in which a reads the skills of the project at
// root.
func (a Agent) ProjectDir(root string) string {
	return filepath.Join(root, filepath.FromSlash(a.Project))
}

// Reads returns every folder that a reads skills from, its own first: those of
// the project at root, unless root is "", then those of the user. Folders that
// cannot be told are left out.
func (a Agent) Reads(env Env, root string) []string {
	var dirs []string
	if root != "" {
		dirs = append(dirs, a.ProjectDir(root))
		for _, dir := range a.ReadsProject {
			dirs = append(dirs, filepath.Join(root, filepath.FromSlash(dir)))
		}
	}
	for _, pattern := range append([]string{a.User}, a.ReadsUser...) {
		if dir, err := env.expand(pattern); err == nil {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// A Table is a set of agents. The zero value holds the built-in ones.
type Table struct{ changed []Agent }

// An Override replaces the folders of an agent, or defines a new agent. An
// empty field leaves things as they are.
type Override struct {
	User    string // as in Agent
	Project string
}

// With returns the built-in agents, changed and extended by overrides, which
// have agent IDs as keys. A new agent is detected where its user folder exists.
// The error is an *OverrideError.
func With(overrides map[string]Override) (Table, error) {
	if len(overrides) == 0 {
		return Table{}, nil
	}
	agents := slices.Clone(table[:])
	for id, o := range overrides {
		if why := o.check(id); why != "" {
			return Table{}, &OverrideError{ID: id, Why: why}
		}
		i, ok := slices.BinarySearchFunc(agents, id, func(a Agent, id string) int { return strings.Compare(a.ID, id) })
		if !ok {
			agents = slices.Insert(agents, i, Agent{ID: id, Name: id, Project: ".agents/skills"})
			if o.User != "" {
				agents[i].Detect = []string{o.User}
			}
		}
		if o.User != "" {
			agents[i].User, agents[i].Shared = o.User, ""
		}
		if o.Project != "" {
			agents[i].Project = o.Project
		}
	}
	return Table{agents}, nil
}

// An OverrideError says that an Override cannot be meant.
type OverrideError struct{ ID, Why string }

func (e *OverrideError) Error() string { return fmt.Sprintf("agent %s: %s", quote(e.ID), e.Why) }

func (t Table) agents() []Agent {
	if t.changed != nil {
		return t.changed
	}
	return table[:]
}

// All returns the agents, sorted by ID.
func (t Table) All() []Agent { return slices.Clone(t.agents()) }

// Detect returns the agents that are on this machine, or in the current folder,
// sorted by ID.
func (t Table) Detect(env Env) []Agent {
	var found []Agent
	for _, a := range t.agents() {
		if slices.ContainsFunc(a.Detect, env.detect) {
			found = append(found, a)
		}
	}
	return found
}

// An UnknownError says that there is no agent of a name.
type UnknownError struct {
	Name        string
	Suggestions []string // at most three IDs, the likeliest first
}

func (e *UnknownError) Error() string { return "unknown agent " + quote(e.Name) }

// Find returns the agent called name: by ID, display name or a common other
// name, in any letter case. The error is an *UnknownError.
func (t Table) Find(name string) (Agent, error) {
	folded := fold(name)
	agents := t.agents()
	for _, a := range agents { // an ID goes first, so that nothing can take it over
		if a.ID == name {
			return a, nil
		}
	}
	for _, a := range agents {
		if folded != "" && (fold(a.ID) == folded || fold(a.Name) == folded) {
			return a, nil
		}
	}
	for _, alias := range aliases {
		if fold(alias.name) == folded {
			return t.Find(alias.id)
		}
	}
	return Agent{}, &UnknownError{Name: name, Suggestions: suggest(name, agents)}
}

func suggest(name string, agents []Agent) []string {
	words := make([]string, 0, len(agents)+len(aliases))
	for _, a := range agents {
		words = append(words, a.ID)
	}
	for _, alias := range aliases {
		words = append(words, alias.name)
	}
	var ids []string
	for _, word := range spelling.Nearest(name, words, 6) {
		if i := slices.IndexFunc(aliases[:], func(a alias) bool { return a.name == word }); i >= 0 {
			word = aliases[i].id
		}
		if !slices.Contains(ids, word) && len(ids) < 3 {
			ids = append(ids, word)
		}
	}
	return ids
}

// fold drops what people vary when they write a name: case, spaces, hyphens.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == '-' || r == '_' || r == '.' || r == ' ':
			return -1
		}
		return r
	}, name)
}

type alias struct{ name, id string }

// aliases are names that people type for an agent, besides its ID and Name.
var aliases = [...]alias{
	{"agents", Universal},
	{"ampcode", "amp"},
	{"autohand", "autohand-code"},
	{"claude", "claude-code"},
	{"claude-cli", "claude-code"},
	{"clawdbot", "openclaw"},
	{"codeium", "windsurf"},
	{"codex-cli", "codex"},
	{"copilot", "github-copilot"},
	{"copilot-cli", "github-copilot"},
	{"cursor-agent", "cursor"},
	{"cursor-cli", "cursor"},
	{"factory", "droid"},
	{"gemini", "gemini-cli"},
	{"goose-cli", "goose"},
	{"hermes", "hermes-agent"},
	{"iflow", "iflow-cli"},
	{"kimi", "kimi-code-cli"},
	{"kimi-cli", "kimi-code-cli"},
	{"kimi-code", "kimi-code-cli"},
	{"kiro", "kiro-cli"},
	{"minimax", "minimax-code"},
	{"mistral", "mistral-vibe"},
	{"moltbot", "openclaw"},
	{"openai-codex", "codex"},
	{"opencode-cli", "opencode"},
	{"posit", "posit-assistant"},
	{"qwen", "qwen-code"},
	{"qwen-cli", "qwen-code"},
	{"roo-cline", "roo"},
	{"rovo", "rovodev"},
	{"sarvam", "sarvam-code"},
	{"tabnine", "tabnine-cli"},
	{"vibe", "mistral-vibe"},
	{"windsurf-cli", "windsurf"},
}
