package budget

import (
	"path/filepath"
	"strconv"
	"unicode/utf8"

	"github.com/openskills-go/skills/pkg/skill"
)

// A Unit is what a Limit is counted in.
type Unit string

const (
	Characters      Unit = "characters"
	EstimatedTokens Unit = "tokens" // as an agent estimates them: four bytes are one
)

// A Limit is how much of the names and descriptions of skills an agent takes.
type Limit struct {
	Agent       string // ID
	Most        int
	Unit        Unit
	Window      int    // tokens of the model's context for which Most is so; 0: any
	Description int    // characters of one description that are taken at most
	Path        bool   // the path of each SKILL.md counts as well
	Over        string // what becomes of descriptions when there is more
	Variable    string // environment variable that says another Most; "" if there is none
	Source      string // where that is written
}

// limits are those that are published. An agent that is not here has none that we
// know of.
//
// Claude Code: "The budget scales at 1% of the model's context window", and a
// description is cut at 1,536 characters, says its documentation; four characters
// are taken for a token, so that a window of 200,000 tokens gives 8,000 characters
// (https://github.com/anthropics/claude-code/issues/64606). Older versions
// had 15,000 characters, which their documentation calls the variable's default.
//
// Codex: "roughly 2% of the model's context window, or 8,000 characters when the
// context window is unknown", says its documentation, of a list that has the path
// of each skill. A window of 272,000 tokens gives 5,440, as in the log of
// https://github.com/openai/codex/issues/24299, where 103 of 119 descriptions were
// cut. Its source (codex-rs, render.rs) takes four bytes for a token, and 1,024
// characters of a description.
var limits = [...]Limit{
	{
		Agent: "claude-code", Most: 8000, Unit: Characters, Window: 200_000, Description: 1536,
		Over:     "it leaves out the descriptions of the skills that are used least",
		Variable: "SLASH_COMMAND_TOOL_CHAR_BUDGET", Source: "https://code.claude.com/docs/en/skills",
	},
	{
		Agent: "codex", Most: 5440, Unit: EstimatedTokens, Window: 272_000, Description: 1024, Path: true,
		Over: "it shortens the descriptions of all", Source: "https://developers.openai.com/codex/skills",
	},
}

// LimitOf returns the limit of an agent, as the environment changes it, and
// whether one is known.
func LimitOf(agent string, getenv func(string) string) (Limit, bool) {
	for _, l := range limits {
		if l.Agent != agent {
			continue
		}
		if l.Variable != "" {
			if n, err := strconv.Atoi(getenv(l.Variable)); err == nil && n > 0 {
				l.Most, l.Window, l.Source = n, 0, l.Variable
			}
		}
		return l, true
	}
	return Limit{}, false
}

// Used returns how much of the limit skills take, counted as the agent does: a
// line each.
func (l Limit) Used(skills []Skill) int {
	n := 0
	for _, s := range skills {
		line := "- " + s.Name + ": " + first(s.Description, l.Description)
		if l.Path {
			line += " (file: " + filepath.Join(s.Path, skill.FileName) + ")"
		}
		line += "\n"
		if l.Unit == Characters {
			n += utf8.RuneCountInString(line)
		} else {
			n += pieces(len(line), 4)
		}
	}
	return n
}

// first returns the first n characters of text.
func first(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}
