// Package foreign reads the files in which other tools keep note of the skills
// that they installed, so that those can be taken over. It never writes one. A
// file of another tool is as untrusted as the project that it came with: what it
// may hold is bounded, every error names the file and the place, and a path in
// it that leads elsewhere is refused.
//
// A format is one line in the table of formats and one function.
package foreign

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/internal/yamldoc"
)

const (
	maxSize    = 4 << 20 // bytes of a file; yamldoc allows 1 MiB
	maxDepth   = 16
	maxValues  = 100_000
	maxEntries = 5000
	maxText    = 4096 // bytes
	maxName    = 200  // bytes
	maxDirs    = 256  // of one entry
)

var (
	// ErrTooLarge says that a file is larger than any that is read.
	ErrTooLarge = errors.New("file is too large")
	// ErrNotFile says that a folder, a pipe or a device stands in a file's place.
	ErrNotFile = errors.New("not a regular file")
)

// An Entry is one skill that another tool installed. Its texts are as the file
// has them, untrusted, but without control characters.
type Entry struct {
	Tool string // "vercel skills", "clawhub", "apm" or "skillfish"
	File string // where it was read
	Line int    // in File; 0 if there is none

	Name   string // as the tool calls it
	Folder string // the folder that the tool makes of Name
	Source string // where it came from, as the tool wrote it
	// Ref is a reference of ours that means the same, in the form that ref.Parse
	// reads; "" if there is none, and then Why says so.
	Ref string
	Why string
	// Registry is the address of the registry that it came from, if it did, and
	// Owner and Slug are its name there. A reference needs the name that the
	// registry has in the settings, which this package does not know.
	Registry, Owner, Slug string
	Version               string // "" if the file does not say
	Digest                string // as the tool computes it, which is never as we do
	// Dirs are folders in which the tool may have put it: slash paths that stay
	// below Root. There may be others, and none.
	Dirs []string
	Root string // absolute if the path of the file was
}

// A SyntaxError says where a file is not what it must be. Line and Column count
// from 1, columns in bytes of JSON and in characters of YAML.
type SyntaxError struct {
	Path         string
	Line, Column int
	Why          string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: line %d, column %d: %s", e.Path, e.Line, e.Column, e.Why)
}

// A VersionError says that a file is of a version that this package does not
// know.
type VersionError struct {
	Path, Tool string
	Have       string   // quoted and cut
	Know       []string // those that are read
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s: version %s of %s is not known; known: %s", e.Path, e.Have, e.Tool, strings.Join(e.Know, ", "))
}

// An UnknownFileError says that a file has the name of no format.
type UnknownFileError struct {
	Path  string
	Known []string
}

func (e *UnknownFileError) Error() string {
	return e.Path + " has the name of no file that another tool keeps"
}

// A format is one kind of file.
type format struct {
	tool     string
	project  []string // its slash paths in a project
	user     []string // and in the home folder
	yaml     bool
	key      string   // of the version
	versions []string // that are read
	read     func(r *reader, root *yamldoc.Value) error
}

// formats is the table. A file belongs to the first with a path that ends it.
func formats() []format {
	return []format{
		{"vercel skills", []string{"skills-lock.json"}, nil, false, "version", []string{"1"}, vercelProject},
		{"vercel skills", nil, []string{".agents/.skill-lock.json"}, false, "version", []string{"3"}, vercelUser},
		{"clawhub", clawhubFiles(), clawhubFiles(), false, "version", []string{"1"}, clawhub},
		{"apm", nil, []string{".apm/apm.lock.yaml"}, true, "lockfile_version", []string{"1", "2"}, apm},
		{"apm", []string{"apm.lock.yaml"}, nil, true, "lockfile_version", []string{"1", "2"}, apm},
		{"skillfish", skillfishFiles(), skillfishFiles(), false, "version", []string{"1"}, skillfish},
	}
}

func clawhubFiles() []string   { return []string{".clawhub/lock.json", ".clawdhub/lock.json"} }
func skillfishFiles() []string { return []string{"skillfish.json", ".skillfish.json"} }

// vercelState is the path of the vercel tool's user file below XDG_STATE_HOME.
const vercelState = "skills/.skill-lock.json"

// Places are where Find looks. Those that are "" are not looked at.
type Places struct {
	Project string // the folder of a project
	Home    string // of the user
	State   string // XDG_STATE_HOME; one tool looks there instead of at home
}

// Find returns the paths of the files of other tools that are there.
func Find(p Places) []string {
	var found []string
	add := func(root string, paths []string) {
		for _, path := range paths {
			path = filepath.Join(root, filepath.FromSlash(path))
			if _, err := os.Lstat(path); root != "" && err == nil && !slices.Contains(found, path) {
				found = append(found, path)
			}
		}
	}
	for _, f := range formats() {
		add(p.Project, f.project)
		add(p.Home, f.user)
	}
	add(p.State, []string{vercelState})
	return found
}

// Names returns the names by which files are recognised, for messages.
func Names() []string {
	var names []string
	for _, f := range formats() {
		for _, name := range slices.Concat(f.project, f.user) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// formatOf returns the format of the file at path, and the folder that the paths
// in it are relative to.
func formatOf(path string) (format, string, bool) {
	slash := filepath.ToSlash(filepath.Clean(path))
	for _, f := range formats() {
		for _, end := range slices.Concat(f.project, f.user, stateFile(f)) {
			if root, ok := strings.CutSuffix("/"+strings.TrimPrefix(slash, "/"), "/"+end); ok {
				if !strings.HasPrefix(slash, "/") {
					root = strings.TrimPrefix(root, "/")
				}
				return f, filepath.FromSlash(root), true
			}
		}
	}
	return format{}, "", false
}

// stateFile returns the name of a user's file wherever it stands.
func stateFile(f format) []string {
	var names []string
	for _, path := range f.user {
		if name := path[strings.LastIndexByte(path, '/')+1:]; name == ".skill-lock.json" {
			names = append(names, name)
		}
	}
	return names
}

// Read reads the file of another tool; the name tells the format. The error is an
// *UnknownFileError, a *SyntaxError, a *VersionError, or matches ErrTooLarge,
// ErrNotFile or fs.ErrNotExist.
func Read(path string) ([]Entry, error) {
	f, root, ok := formatOf(path)
	if !ok {
		return nil, &UnknownFileError{Path: path, Known: Names()}
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read file of %s: %w", f.tool, err)
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: path, Err: ErrNotFile}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read file of %s: %w", f.tool, err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read file of %s: %w", f.tool, err)
	}
	return f.parse(path, root, data)
}

// parse reads data as the content of the file at path.
func (f format) parse(path, root string, data []byte) ([]Entry, error) {
	if len(data) > maxSize {
		return nil, &fs.PathError{Op: "read", Path: path, Err: ErrTooLarge}
	}
	r := &reader{format: f, path: path, root: root}
	value, err := r.document(data)
	if err == nil {
		err = r.version(value)
	}
	if err == nil {
		err = f.read(r, value)
	}
	if syntax, ok := errors.AsType[*yamldoc.SyntaxError](err); ok {
		return nil, &SyntaxError{Path: path, Line: syntax.Line, Column: syntax.Column, Why: syntax.Why}
	}
	if errors.Is(err, yamldoc.ErrTooLarge) {
		return nil, &fs.PathError{Op: "read", Path: path, Err: ErrTooLarge}
	}
	if err != nil {
		return nil, err
	}
	return r.entries, nil
}

// IsNote reports whether a file, by its slash path in a skill, is one that another
// tool left there to know the skill again. No registry has it.
func IsNote(path string) bool {
	switch path {
	case ".clawhub/origin.json", ".clawdhub/origin.json", ".skillfish.json":
		return true
	}
	return false
}
