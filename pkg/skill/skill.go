// Package skill reads and checks SKILL.md, the file that makes a folder a skill:
// YAML front matter between two lines of "---", then instructions in Markdown.
// The format is that of https://agentskills.io/specification.
//
// It is read in two tempers. Parse is for installing what others published: it
// refuses what two readers could understand differently or what could do harm,
// and reports the rest. Validate is for authors: it holds a file to the whole
// specification. A Scanner finds text that people do not see and agents read.
package skill

import (
	"fmt"
	"strconv"
	"strings"
)

// FileName is the name of the file that makes a folder a skill.
const FileName = "SKILL.md"

// Limits of a SKILL.md. Nothing turns them off.
const (
	MaxSize        = 1 << 20  // bytes of the file
	MaxFrontMatter = 64 << 10 // bytes from the first line up to the closing ---
	maxAliases     = 16       // YAML aliases
	maxDepth       = 64       // nested lists and maps
)

// A Skill is what a SKILL.md says. Its texts are the author's and not checked
// beyond what Parse promises: escape them before printing, and name a folder
// after one only if ValidName holds.
type Skill struct {
	Name          string            `json:"name"`
	Description   string            `json:"description"`
	License       string            `json:"license,omitempty"`
	Compatibility string            `json:"compatibility,omitempty"`
	AllowedTools  []string          `json:"allowedTools,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty"` // nested values are left out
	// Version is the text of version, else of metadata.version, if it looks like
	// a version: digits first, perhaps after a v. It is as written: 1.0 is "1.0".
	Version  string `json:"version,omitempty"`
	Internal bool   `json:"internal,omitempty"` // metadata.internal is true: not for listing
	Body     []byte `json:"-"`                  // what follows the front matter; shares memory with the input
}

// A Severity says how bad a Finding is.
type Severity int

// The severities.
const (
	Error   Severity = iota // breaks the specification
	Warning                 // is allowed, and likely not meant
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// MarshalText makes a Severity the word "error" or "warning".
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Severity) UnmarshalText(text []byte) error {
	switch string(text) {
	case "error":
		*s = Error
	case "warning":
		*s = Warning
	default:
		return fmt.Errorf("parse severity %s: must be error or warning", quote(string(text)))
	}
	return nil
}

// A Finding is one fault of a file. Rule is a stable name in lower case; Line and
// Column count from 1, in characters. Message and Fix are safe to print.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Message  string   `json:"message"`
	Fix      string   `json:"fix,omitempty"`
}

func (f Finding) String() string {
	s := fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
	if f.Fix != "" {
		s += " (fix: " + f.Fix + ")"
	}
	return s
}

// A SyntaxError says why a SKILL.md is refused, and where. Its fields are those
// of a Finding.
type SyntaxError struct {
	Rule         string
	Line, Column int
	Message      string
	Fix          string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", FileName, e.Line, e.Column, e.Message)
}

func (e *SyntaxError) finding() Finding {
	return Finding{e.Rule, Error, FileName, e.Line, e.Column, e.Message, e.Fix}
}

// Parse reads a SKILL.md leniently, for installing. What breaks the
// specification without doing harm comes back as a Warning; the error is a
// *SyntaxError, and non-nil only if the file must be refused: it is not UTF-8, it
// has no front matter that every reader understands in the same way, it exceeds a
// limit, or its name could be mistaken for a path or for another name.
func Parse(data []byte) (*Skill, []Finding, error) {
	doc, fault := load(data)
	if fault != nil {
		return nil, nil, fault
	}
	s, findings, fault := doc.skill()
	if fault != nil {
		return nil, nil, fault
	}
	for i := range findings {
		findings[i].Severity = Warning
	}
	return s, findings, nil
}

// quote makes attacker-controlled text safe for one line of output: ASCII, in
// quotes, at most 80 bytes.
func quote(s string) string {
	q := strconv.QuoteToASCII(s[:min(len(s), 80)])
	if len(s) > 80 || len(q) > 80 {
		q = q[:min(len(q)-1, 76)]
		// Half an escape sequence reads as another text: leave it out whole.
		if i := strings.LastIndexByte(q, '\\'); i >= 0 && len(q)-i < len(`\U00000000`) {
			q = q[:i]
		}
		q += `..."`
	}
	return q
}
