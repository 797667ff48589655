package foreign

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/openskills-go/skills/pkg/internal/yamldoc"
	"github.com/openskills-go/skills/pkg/ref"
)

// A reader collects the entries of one file.
type reader struct {
	format
	path, root string
	entries    []Entry
}

// document reads data into a mapping.
func (r *reader) document(data []byte) (*yamldoc.Value, error) {
	if !r.yaml {
		return parseJSON(data)
	}
	doc, err := yamldoc.Parse(data)
	if err != nil {
		return nil, err
	}
	return doc.Root(), nil
}

// version refuses a file of a version that is not known.
func (r *reader) version(root *yamldoc.Value) error {
	v := root.Member(r.key)
	switch {
	case v.Kind == yamldoc.Null:
		return root.Errorf("%s is missing", r.key)
	case v.Kind != yamldoc.Text:
		return v.Errorf("%s must be a text or a number, not %s", r.key, v.Kind)
	case slices.Contains(r.versions, v.Text):
		return nil
	}
	return &VersionError{Path: r.path, Tool: r.tool, Have: quote(v.Text), Know: r.versions}
}

// add takes an entry, made at v.
func (r *reader) add(v *yamldoc.Value, e Entry) error {
	if len(r.entries) >= maxEntries {
		return v.Errorf("more than %d skills", maxEntries)
	}
	e.Tool, e.File, e.Line, e.Root = r.tool, r.path, v.Line, r.root
	if e.Folder == "" {
		e.Folder = folderOf(e.Name)
	}
	r.entries = append(r.entries, e)
	return nil
}

// skills calls each for the members of the mapping "skills".
func (r *reader) skills(root *yamldoc.Value, each func(name string, v *yamldoc.Value) error) error {
	skills := root.Member("skills")
	switch skills.Kind {
	case yamldoc.Map:
	case yamldoc.Null:
		return root.Errorf("skills is missing")
	default:
		return skills.Errorf("skills must be a mapping, not %s", skills.Kind)
	}
	for i := range skills.Members {
		m := &skills.Members[i]
		m.Value.Line, m.Value.Column = m.Line, m.Column // a fault is told at the name
		if m.Value.Kind != yamldoc.Map {
			return m.Value.Errorf("skill %s must be a mapping, not %s", quote(m.Key), m.Value.Kind)
		}
		if err := each(m.Key, &m.Value); err != nil {
			return err
		}
	}
	return nil
}

// text returns the text of an optional member.
func text(v *yamldoc.Value, key string) (string, error) {
	t := v.Member(key)
	switch t.Kind {
	case yamldoc.Null:
		return "", nil
	case yamldoc.Text:
		return t.Text, checkText(&t, key)
	}
	return "", t.Errorf("%s must be a text, not %s", key, t.Kind)
}

// texts returns the texts of several optional members.
func texts(v *yamldoc.Value, keys ...string) ([]string, error) {
	out := make([]string, len(keys))
	for i, key := range keys {
		var err error
		if out[i], err = text(v, key); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func checkText(v *yamldoc.Value, what string) error {
	if len(v.Text) > maxText {
		return v.Errorf("%s is longer than %d bytes", what, maxText)
	}
	if i := strings.IndexFunc(v.Text, unicode.IsControl); i >= 0 {
		return v.Errorf("%s holds a control character", what)
	}
	return nil
}

// checkName refuses what no folder below a skills folder is called, and what
// could lead out of it.
func checkName(v *yamldoc.Value, name string) error {
	var why string
	switch {
	case name == "":
		why = "is empty"
	case len(name) > maxName:
		why = "is longer than " + strconv.Itoa(maxName) + " bytes"
	case strings.IndexFunc(name, unicode.IsControl) >= 0:
		why = "holds a control character"
	case strings.ContainsAny(name, `/\`) || strings.Trim(name, ".") == "":
		why = "is no name of a folder"
	default:
		return nil
	}
	return v.Errorf("name %s %s", quote(name), why)
}

// checkPath refuses a path that leads out of the folder it is relative to, on any
// system.
func checkPath(v *yamldoc.Value, what string) (string, error) {
	if err := checkText(v, what); err != nil {
		return "", err
	}
	path := strings.TrimSuffix(v.Text, "/")
	if !fs.ValidPath(path) || strings.ContainsAny(path, `\:`) {
		return "", v.Errorf("%s %s is not below the folder of the file", what, quote(v.Text))
	}
	return path, nil
}

// folderOf returns what tools make of a name to have a folder: letters, digits
// and dots as they are, in lower case, and a hyphen for anything between them.
func folderOf(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.', c == '_':
			b.WriteRune(c)
		case !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), ".-")
}

// gitRef returns the reference for a folder in a git repository, "" if it cannot
// be written as one. The repository is owner/name on GitHub or an address.
func gitRef(repository, folder, rev string) string {
	repository = strings.TrimSuffix(repository, "/")
	bare := strings.TrimSuffix(repository, ".git")
	text := repository
	switch {
	case strings.HasPrefix(repository, "https://github.com/"):
		text = strings.TrimPrefix(bare, "https://")
	case strings.HasPrefix(repository, "https://"), strings.HasPrefix(repository, "ssh://"), strings.HasPrefix(repository, "file:///"):
		text = "git+" + repository
	case strings.HasPrefix(repository, "git@"), strings.HasPrefix(repository, "github.com/"):
	case strings.Count(repository, "/") == 1 && !strings.Contains(repository, ":"):
		text = "github.com/" + bare
	default:
		return ""
	}
	if folder != "" && folder != "." {
		text += "//" + folder
	}
	if rev != "" {
		text += "@" + rev
	}
	r, err := ref.Parse(text)
	if err != nil || r.Kind != ref.Git {
		return ""
	}
	return r.String()
}

// quote returns text of the file in a form that is safe to print.
func quote(s string) string {
	q := strconv.QuoteToASCII(s[:min(len(s), 80)])
	return q[:min(len(q), 80)]
}
