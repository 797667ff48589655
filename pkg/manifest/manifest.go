// Package manifest reads and edits skills.yaml, the list of the skills that are
// wanted. The file belongs to the people who write it: an edit changes the
// bytes of one entry and keeps comments, order, quotes and line ends elsewhere.
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/openskills-go/skills/pkg/internal/yamldoc"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
)

// Name is the file's name.
const Name = "skills.yaml"

const (
	maxSize = 1 << 20
	maxText = 2048 // bytes of a reference, a URL or a name

	none = "none" // in the place of a registry, and the name of none
)

var (
	// ErrTooLarge says that a manifest is larger than 1 MiB.
	ErrTooLarge = yamldoc.ErrTooLarge
	// ErrEdit says that a manifest is written in a way that this program cannot
	// change without touching what should stay as it is.
	ErrEdit = yamldoc.ErrEdit
	// ErrName says that a skill cannot be installed under a name.
	ErrName = errors.New("name is not valid")
)

// A SyntaxError says where a manifest is not what it must be. Line and Column
// count from 1, columns in characters.
type SyntaxError = yamldoc.SyntaxError

// A ConflictError says that version control left a merge conflict in a manifest.
type ConflictError struct{ Line int }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("line %d: merge conflict marker", e.Line)
}

// A Manifest is the content of skills.yaml. The zero value is an empty file. The
// fields are a view: Add and Remove are what changes a Manifest.
type Manifest struct {
	Registry   string              // "" for the default; none if there is to be no default
	Registries map[string]string   // name to URL or folder
	Mirrors    map[string][]string // name of a registry to URLs or folders
	Agents     []string            // ids or other names of agents
	Skills     []Skill             // in the order of the file
	Warnings   []Warning

	doc *yamldoc.Document
}

// A Skill is one entry: the name to install under, and the reference as written.
type Skill struct{ Name, Ref string }

// A Warning is something in a manifest that this program does not understand
// and leaves alone.
type Warning struct {
	Line, Column int
	Message      string
}

func (w Warning) String() string {
	return fmt.Sprintf("line %d, column %d: %s", w.Line, w.Column, w.Message)
}

// Load reads the manifest at path. The error matches fs.ErrNotExist if there is
// none, and is otherwise one of those of Parse.
func Load(path string) (*Manifest, error) {
	// To open a fifo would wait for whoever writes to it.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read manifest %s: not a regular file: %w", path, fs.ErrInvalid)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	m, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", path, err)
	}
	return m, nil
}

// Parse reads a manifest, which may be empty. The error is a *SyntaxError, a
// *ConflictError or ErrTooLarge. An unknown key is a Warning: it may be for
// another program.
func Parse(data []byte) (*Manifest, error) {
	doc, err := yamldoc.Parse(bytes.Clone(data))
	var m *Manifest
	if err == nil {
		m, err = read(doc)
	}
	if line := conflict(data); err != nil && line > 0 {
		return nil, &ConflictError{Line: line}
	}
	return m, err
}

// conflict returns the line in which a merge conflict begins, or 0.
func conflict(data []byte) int {
	number := 0
	for line := range bytes.Lines(data) {
		if number++; bytes.HasPrefix(line, []byte("<<<<<<< ")) {
			return number
		}
	}
	return 0
}

func read(doc *yamldoc.Document) (*Manifest, error) {
	m := &Manifest{doc: doc}
	for i := range doc.Root().Members {
		at := &doc.Root().Members[i]
		v := &at.Value
		var err error
		switch at.Key {
		case "registry":
			m.Registry, err = text(v, "registry")
		case "registries":
			m.Registries, err = registries(v)
		case "mirrors":
			m.Mirrors, err = mirrors(v)
		case "agents":
			m.Agents, err = texts(v, "agents")
		case "skills":
			m.Skills, err = skills(v)
		default:
			m.Warnings = append(m.Warnings, Warning{at.Line, at.Column, "unknown key " + quote(at.Key)})
		}
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

func registries(v *yamldoc.Value) (map[string]string, error) {
	if v.Kind != yamldoc.Map && v.Kind != yamldoc.Null {
		return nil, v.Errorf("registries must be a mapping of names to addresses, not %s", v.Kind)
	}
	urls := make(map[string]string, len(v.Members))
	for i := range v.Members {
		m := &v.Members[i]
		if !ref.ValidRegistry(m.Key) || m.Key == none {
			return nil, &SyntaxError{Line: m.Line, Column: m.Column, Why: "registry name " + quote(m.Key) + " is not valid"}
		}
		url, err := text(&m.Value, "registry "+m.Key)
		if err != nil {
			return nil, err
		}
		urls[m.Key] = url
	}
	return urls, nil
}

func mirrors(v *yamldoc.Value) (map[string][]string, error) {
	if v.Kind != yamldoc.Map && v.Kind != yamldoc.Null {
		return nil, v.Errorf("mirrors must be a mapping of names of registries to lists of addresses, not %s", v.Kind)
	}
	lists := make(map[string][]string, len(v.Members))
	for i := range v.Members {
		m := &v.Members[i]
		if !ref.ValidRegistry(m.Key) || m.Key == none {
			return nil, &SyntaxError{Line: m.Line, Column: m.Column, Why: "registry name " + quote(m.Key) + " is not valid"}
		}
		list, err := texts(&m.Value, "mirrors of "+m.Key)
		if err != nil {
			return nil, err
		}
		lists[m.Key] = list
	}
	return lists, nil
}

func skills(v *yamldoc.Value) ([]Skill, error) {
	if v.Kind != yamldoc.Map && v.Kind != yamldoc.Null {
		return nil, v.Errorf("skills must be a mapping of names to references, not %s", v.Kind)
	}
	list := make([]Skill, 0, len(v.Members))
	for i := range v.Members {
		m := &v.Members[i]
		if !skill.ValidName(m.Key) {
			return nil, &SyntaxError{Line: m.Line, Column: m.Column, Why: "skill name " + quote(m.Key) + " is not valid"}
		}
		wanted, err := text(&m.Value, "skill "+m.Key)
		if err != nil {
			return nil, err
		}
		if _, err := ref.Parse(wanted); err != nil {
			return nil, m.Value.Errorf("skill %s: %v", m.Key, err)
		}
		list = append(list, Skill{m.Key, wanted})
	}
	return list, nil
}

func texts(v *yamldoc.Value, what string) ([]string, error) {
	if v.Kind != yamldoc.List && v.Kind != yamldoc.Null {
		return nil, v.Errorf("%s must be a list, not %s", what, v.Kind)
	}
	var list []string
	for i := range v.Items {
		s, err := text(&v.Items[i], what)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func text(v *yamldoc.Value, what string) (string, error) {
	switch {
	case v.Kind != yamldoc.Text:
		return "", v.Errorf("%s must be a text, not %s", what, v.Kind)
	case !plain(v.Text):
		return "", v.Errorf("%s is empty, too long, or holds control characters", what)
	}
	return v.Text, nil
}

// Ref returns the reference of the skill called name.
func (m *Manifest) Ref(name string) (string, bool) {
	for _, s := range m.Skills {
		if s.Name == name {
			return s.Ref, true
		}
	}
	return "", false
}

// Add wants the skill that the reference means, under name: at the end of the
// skills, or in the place of the entry of that name. It writes nothing to disk.
// The error matches ErrName or ErrEdit, or is a *ref.ParseError or, where no
// mapping of skills can be, a *SyntaxError; m is then as before.
func (m *Manifest) Add(name, wanted string) error {
	if !skill.ValidName(name) {
		return fmt.Errorf("add skill %s: %w", quote(name), ErrName)
	}
	if _, err := ref.Parse(wanted); err != nil {
		return fmt.Errorf("add skill %s: %w", name, err)
	}
	if err := m.edit(func(d *yamldoc.Document) error { return d.Set(wanted, "skills", name) }); err != nil {
		return fmt.Errorf("add skill %s: %w", name, err)
	}
	return nil
}

// AddAll is Add for many, in one edit.
func (m *Manifest) AddAll(skills []Skill) error {
	members := make([]yamldoc.KeyText, len(skills))
	for i, s := range skills {
		if !skill.ValidName(s.Name) {
			return fmt.Errorf("add skill %s: %w", quote(s.Name), ErrName)
		}
		if _, err := ref.Parse(s.Ref); err != nil {
			return fmt.Errorf("add skill %s: %w", s.Name, err)
		}
		members[i] = yamldoc.KeyText{Key: s.Name, Text: s.Ref}
	}
	if err := m.edit(func(d *yamldoc.Document) error { return d.SetAll("skills", members) }); err != nil {
		return fmt.Errorf("add skills: %w", err)
	}
	return nil
}

// AddRegistry gives a registry a name that references can begin with. The error
// matches ErrName or ErrEdit, or is a *SyntaxError; m is then as before.
func (m *Manifest) AddRegistry(name, url string) error {
	if !ref.ValidRegistry(name) {
		return fmt.Errorf("add registry %s: %w", quote(name), ErrName)
	}
	if err := m.edit(func(d *yamldoc.Document) error { return d.Set(url, "registries", name) }); err != nil {
		return fmt.Errorf("add registry %s: %w", name, err)
	}
	return nil
}

// Remove takes the skill called name out, if it is there. The error matches
// ErrEdit; m is then as before.
func (m *Manifest) Remove(name string) error {
	if err := m.edit(func(d *yamldoc.Document) error { return d.Delete("skills", name) }); err != nil {
		return fmt.Errorf("remove skill %s: %w", quote(name), err)
	}
	return nil
}

func (m *Manifest) edit(change func(*yamldoc.Document) error) error {
	var doc yamldoc.Document
	if m.doc != nil {
		doc = *m.doc
	}
	if err := change(&doc); err != nil {
		return err
	}
	edited, err := read(&doc)
	if err != nil {
		return err
	}
	*m = *edited
	return nil
}

// Bytes returns the text of the manifest.
func (m *Manifest) Bytes() []byte {
	if m.doc == nil {
		return nil
	}
	return slices.Clone(m.doc.Bytes())
}

func plain(s string) bool {
	return strings.TrimSpace(s) != "" && len(s) <= maxText && strings.IndexFunc(s, unicode.IsControl) < 0
}

// quote returns text that is not ours in a form that is safe to print.
func quote(s string) string {
	q := strconv.QuoteToASCII(s[:min(len(s), 80)])
	return q[:min(len(q), 80)]
}
