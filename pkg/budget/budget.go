// Package budget says what installed skills cost an agent before one of them is
// used: every agent is told the name and the description of each skill when it
// starts, and some agents give that a limit, over which they cut descriptions.
package budget

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/openskills-go/skills/pkg/skill"
)

// A Skill is one that stands in a folder of an agent, and what the agent is told
// of it. Its texts are the author's: escape them before printing.
type Skill struct {
	Path        string // of its folder
	Name        string // what it calls itself, else the name of its folder
	Description string
}

// Cost is what the name and the whole description cost, whoever reads them.
func (s Skill) Cost() Cost { return CostOf(s.Name + ": " + s.Description) }

// A Cost is an amount of text.
type Cost struct {
	Bytes      int `json:"bytes"`
	Characters int `json:"characters"`
	Tokens     int `json:"tokens"` // estimated, see Tokens
}

// CostOf measures a text.
func CostOf(text string) Cost {
	return Cost{len(text), utf8.RuneCountInString(text), Tokens(text)}
}

// Plus returns the sum of both.
func (c Cost) Plus(d Cost) Cost {
	return Cost{c.Bytes + d.Bytes, c.Characters + d.Characters, c.Tokens + d.Tokens}
}

// A Fault is a folder that looks like a skill and cannot be read as one.
type Fault struct {
	Path string
	Err  error
}

// Read returns the skills in a folder that an agent reads, by the names of their
// folders, whoever put them there. A folder without a SKILL.md is none, and one
// whose name begins with a dot is not looked at. What cannot be read is a Fault
// and keeps no other from being counted. A dir that is not there has no skills.
func Read(dir string) ([]Skill, []Fault, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read skills: %w", err)
	}
	var skills []Skill
	var faults []Fault
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		s, err := read(path)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		case err != nil:
			faults = append(faults, Fault{path, err})
		default:
			skills = append(skills, s)
		}
	}
	return skills, faults, nil
}

func read(path string) (Skill, error) {
	data, err := skill.ReadFile(filepath.Join(path, skill.FileName))
	if err != nil {
		return Skill{}, err
	}
	parsed, _, err := skill.Parse(data)
	if err != nil {
		return Skill{}, err
	}
	s := Skill{Path: path, Name: parsed.Name, Description: parsed.Description}
	if s.Name == "" {
		s.Name = filepath.Base(path)
	}
	return s, nil
}
