package wellknown

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/version"
)

// schemaURI names version 0.2.0 of the format. It is compared, not asked.
const schemaURI = "https://schemas.agentskills.io/discovery/0.2.0/schema.json"

const (
	maxEntries     = 10_000
	maxWarnings    = 100
	maxDescription = 1024 // characters, by the specification
	maxURL         = 4096 // bytes
)

// A SchemaError is an index in a version of the format that is not known here.
type SchemaError struct {
	URL    string // of the index, without a query
	Schema string // untrusted
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("index %s has schema %s, which is not known", e.URL, quote(e.Schema))
}

// An IndexError is an index that is none, or of which nothing can be used.
type IndexError struct {
	URL string // of the index, without a query
	Why string // safe to print
}

func (e *IndexError) Error() string { return fmt.Sprintf("index %s: %s", e.URL, e.Why) }

// An index is what a site lists.
type index struct {
	url      *url.URL // after redirects: what its addresses are relative to
	entries  []*entry // sorted by name
	byName   map[string]*entry
	warnings []string
}

// String returns the address for people: safe to print, and without a query.
func (x *index) String() string {
	text := quote(x.url.Scheme + "://" + x.url.Host + x.url.EscapedPath())
	return text[1 : len(text)-1]
}

// A kind is what an entry stands for.
type kind int

const (
	packed kind = iota // an archive
	bare               // a SKILL.md
	loose              // several files, each at an address of its own
)

// An entry is a skill of an index. Its name is a valid one.
type entry struct {
	name        string
	description string // untrusted, at most maxDescription characters
	kind        kind
	url         string        // absolute; of loose files that of the SKILL.md
	digest      digest.Digest // sha256 of what is at url; "" for loose files
	tree        digest.Digest // "" if it is not known
	version     string        // valid, or ""
	size        int64         // 0 if it is not known
	files       []string      // loose ones: paths below the folder, as listed
	note        string        // what is odd about it; "" if nothing
}

// decode reads an index that came from the address at. Entries that cannot be
// used are left out, with a warning; if nothing is left that is an error, unless
// there was nothing.
func decode(body []byte, at string) (*index, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	x := &index{url: u, byName: map[string]*entry{}}
	refuse := func(format string, args ...any) (*index, error) {
		return nil, &IndexError{URL: x.String(), Why: fmt.Sprintf(format, args...)}
	}
	var top item
	if json.Unmarshal(body, &top) != nil {
		return refuse("it is no JSON object")
	}
	read := x.readEntry
	if raw := top["$schema"]; len(raw) == 0 || string(raw) == "null" {
		read = x.readLoose
	} else if schema, _ := top.text("$schema"); schema != schemaURI {
		return nil, &SchemaError{URL: x.String(), Schema: cmp.Or(schema, string(raw))}
	}
	if len(top["skills"]) == 0 {
		return refuse("it has no list of skills")
	}
	var items []json.RawMessage
	if json.Unmarshal(top["skills"], &items) != nil {
		return refuse("its skills are no list")
	}
	if len(items) > maxEntries {
		return refuse("it lists %d skills, and at most %d are read", len(items), maxEntries)
	}
	x.readAll(items, read)
	if len(items) > 0 && len(x.entries) == 0 {
		return refuse("none of its %d skills can be used: %s", len(items), x.warnings[0])
	}
	slices.SortFunc(x.entries, func(a, b *entry) int { return cmp.Compare(a.name, b.name) })
	return x, nil
}

func (x *index) readAll(items []json.RawMessage, read func(item) (*entry, string)) {
	more := 0
	warn := func(i int, name, why string) {
		if len(x.warnings) == maxWarnings {
			more++
			return
		}
		what := fmt.Sprintf("skill %d of the index", i+1)
		if name != "" {
			what += " (" + quote(name) + ")"
		}
		x.warnings = append(x.warnings, what+" "+why)
	}
	for i, raw := range items {
		var it item
		if json.Unmarshal(raw, &it) != nil {
			warn(i, "", "is left out: it is no JSON object")
			continue
		}
		name, _ := it.text("name")
		e, why := read(it)
		switch {
		case why != "":
			warn(i, name, "is left out: "+why)
			continue
		case x.byName[name] != nil:
			warn(i, name, "is left out: an earlier one has the same name")
			continue
		case e.note != "":
			warn(i, name, e.note)
		}
		x.byName[name] = e
		x.entries = append(x.entries, e)
	}
	if more > 0 {
		x.warnings = append(x.warnings, fmt.Sprintf("and %d more warnings about the index", more))
	}
}

// An item is an object of the index as it is written. What is null is as good as
// absent, and what nobody asks for is never looked at.
type item map[string]json.RawMessage

// text returns the text of a field, "" if it has none, or why it is no text.
func (it item) text(field string) (text, why string) {
	if raw := it[field]; len(raw) > 0 && json.Unmarshal(raw, &text) != nil {
		return "", "its " + field + " is no text"
	}
	return text, ""
}

// texts reads several fields, up to the first that is no text.
func (it item) texts(fields ...string) ([]string, string) {
	found := make([]string, len(fields))
	for i, field := range fields {
		var why string
		if found[i], why = it.text(field); why != "" {
			return nil, why
		}
	}
	return found, ""
}

// newEntry reads what the versions of the format have in common, and the version
// of the skill, which is in neither.
func newEntry(it item) (*entry, string) {
	name, why := it.text("name")
	switch {
	case why != "":
		return nil, why
	case name == "":
		return nil, "it has no name"
	case !skill.ValidName(name):
		return nil, "its name is not of a-z, 0-9 and single hyphens"
	}
	e := &entry{name: name}
	if e.description, why = it.text("description"); why != "" {
		return nil, why
	}
	switch {
	case e.description == "":
		e.note = "has no description"
	case utf8.RuneCountInString(e.description) > maxDescription:
		e.note = fmt.Sprintf("has a description of more than %d characters", maxDescription)
		e.description = string([]rune(e.description)[:maxDescription])
	}
	if text, _ := it.text("version"); version.Valid(text) {
		e.version = text
	}
	return e, ""
}

// readEntry reads an entry of version 0.2, or says why it cannot be used.
func (x *index) readEntry(it item) (*entry, string) {
	e, why := newEntry(it)
	if why != "" {
		return nil, why
	}
	f, why := it.texts("type", "url", "digest", "sha256")
	if why != "" {
		return nil, why
	}
	if e.digest, why = readDigest(f[2], f[3]); why != "" {
		return nil, why
	}
	var at *url.URL
	if at, why = x.resolve(f[1]); why != "" {
		return nil, why
	}
	e.url = at.String()
	if why = e.setKind(f[0], strings.ToLower(at.Path)); why != "" {
		return nil, why
	}
	if e.kind == bare {
		e.tree = treeOf(e.digest)
		return e, ""
	}
	if text, _ := it.text("h1"); strings.HasPrefix(text, "h1:") {
		e.tree, _ = digest.Parse(text)
	}
	if json.Unmarshal(it["size"], &e.size) != nil || e.size < 0 {
		e.size = 0
	}
	return e, ""
}

// setKind heeds the type of an entry, unless the ending of its address says
// plainly that it is the other one.
func (e *entry) setKind(typed, path string) (why string) {
	named := ""
	switch {
	case strings.HasSuffix(path, ".md"):
		named = "skill-md"
	case strings.HasSuffix(path, ".zip"), strings.HasSuffix(path, ".tar.gz"), strings.HasSuffix(path, ".tgz"), strings.HasSuffix(path, ".tar"):
		named = "archive"
	}
	switch typed {
	case "archive", "skill-md":
	case "":
		return "it has no type"
	default:
		return "its type " + quote(typed) + " is not known"
	}
	if named != "" && named != typed {
		e.note = "has type " + typed + ", and is taken for one of type " + named + " by its address"
		typed = named
	}
	if typed == "skill-md" {
		e.kind = bare
	}
	return ""
}

// readDigest reads a digest that is called so or sha256.
func readDigest(texts ...string) (digest.Digest, string) {
	var found digest.Digest
	for _, text := range texts {
		if text == "" {
			continue
		}
		lower := strings.ToLower(strings.TrimSpace(text))
		if !strings.Contains(lower, ":") {
			lower = "sha256:" + lower
		}
		d, err := digest.Parse(lower)
		switch {
		case err != nil || d.Hex() == "":
			return "", "its digest " + quote(text) + " is no sha256 digest"
		case found != "" && found != d:
			return "", "its digest and its sha256 contradict each other"
		}
		found = d
	}
	if found == "" {
		return "", "it has no digest"
	}
	return found, ""
}

// resolve returns the absolute address that an entry names (RFC 3986, 5), or why
// it is none that is asked.
func (x *index) resolve(text string) (*url.URL, string) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return nil, "it has no url"
	case len(text) > maxURL:
		return nil, "its url is too long"
	}
	u, err := x.url.Parse(text)
	switch {
	case err != nil:
		return nil, "its url cannot be parsed"
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, "its url is neither http nor https but " + quote(u.Scheme)
	case u.User != nil:
		return nil, "its url holds a user name or password"
	case u.Hostname() == "" || u.Opaque != "":
		return nil, "its url names no host"
	case x.url.Scheme == "https" && u.Scheme == "http":
		return nil, "its url leaves https"
	}
	u.Fragment, u.RawFragment = "", ""
	return u, ""
}

// treeOf returns the digest of the tree that has nothing but a SKILL.md, given
// the sha256 digest of that.
func treeOf(d digest.Digest) digest.Digest {
	sum, err := hex.DecodeString(d.Hex())
	if err != nil || len(sum) != 32 {
		return ""
	}
	return digest.OfTree([]digest.File{{Path: skill.FileName, Sum: [32]byte(sum)}})
}
