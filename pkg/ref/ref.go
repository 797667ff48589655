// Package ref reads what people type to name a skill: a slug of a registry, a
// folder, an archive file, a web address, a git repository or an OCI artifact.
// It decides by the text alone. It asks no file system and no network, so that a
// reference means the same everywhere; what a web address stands for is for the
// registries to say.
package ref

import (
	"strconv"
	"strings"

	"github.com/openskills-go/skills/pkg/version"
)

// A Kind says where a reference points.
type Kind int

// The kinds of references.
const (
	Registry Kind = iota // Registry, Owner, Slug, Query
	Dir                  // Path
	File                 // Path, of an archive
	URL                  // URL
	Git                  // URL, Subdir, and Rev or Query
	OCI                  // URL, Rev
)

func (k Kind) String() string {
	switch k {
	case Registry:
		return "registry"
	case Dir:
		return "dir"
	case File:
		return "file"
	case URL:
		return "url"
	case Git:
		return "git"
	case OCI:
		return "oci"
	}
	return "kind " + strconv.Itoa(int(k))
}

// A Ref is a reference. Fields that its Kind does not name are empty, except
// Locale. Refs that point to the same in the same words are equal under ==.
type Ref struct {
	Kind Kind

	Registry string // name of a configured registry; "" is the default one
	Owner    string // without @; "" if none was given
	Slug     string
	Query    version.Query // for Git a constraint on its version tags

	// Path is as it was typed, of this or another operating system: relative
	// ones are relative to where they were read.
	Path string

	// URL is as it was typed for URL. For Git it is the address of the repository
	// (https, ssh or file), for OCI that of the repository (oci)
	// or of the folder of a layout (oci+file).
	URL    string
	Subdir string // slash path in the repository; "" is its root
	Rev    string // branch, tag or commit; for OCI a tag or digest

	// Locale is set by who knows one (a page URL may say it). It is not part of
	// the text form.
	Locale string
}

// String returns the reference in its shortest spelling. Parse reads it again,
// into an equal Ref if Parse made this one.
func (r Ref) String() string {
	switch r.Kind {
	case Registry:
		return r.registryString()
	case Dir, File:
		return r.Path
	case URL:
		return r.URL
	case Git:
		return r.gitString()
	case OCI:
		switch {
		case r.Rev == "":
			return r.URL
		case strings.Contains(r.Rev, ":"):
			return r.URL + "@" + r.Rev
		}
		return r.URL + ":" + r.Rev
	}
	return ""
}

func (r Ref) registryString() string {
	s := r.Slug
	if r.Owner != "" {
		s = r.Owner + "/" + r.Slug
	}
	if q := r.Query.String(); q != "" {
		s += "@" + q
	}
	if r.Registry != "" {
		return r.Registry + ":" + s
	}
	// The @ is for what would be read as something else without it.
	if r.Owner != "" && (isArchive(s) || isGitHub(s)) {
		return "@" + s
	}
	return s
}

func (r Ref) gitString() string {
	s, ok := strings.CutPrefix(r.URL, "https://"+gitHub)
	if ok {
		s = gitHub + s
	} else {
		s = "git+" + r.URL
	}
	if r.Subdir != "" {
		s += "//" + r.Subdir
	}
	switch q := r.Query.String(); {
	case r.Rev != "":
		s += "@" + r.Rev
	case q == "":
	case isConstraint(q) || r.Query.Kind() == version.Tag:
		s += "@" + q
	default:
		s += "@=" + q // 1.2 alone would be the name of a branch or tag
	}
	return s
}
