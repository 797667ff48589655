package catalog

import (
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/internal/meta"
)

const (
	maxOwner  = 39   // characters of a handle
	maxTag    = 64   // bytes
	maxReason = 1000 // bytes of a reason or a message
	maxTitle  = 200  // bytes of a name for people
	maxNotes  = 64 << 10
	maxTopics = 20
	maxTags   = 20
)

// reservedOwners are the first segments of the addresses that the registry has for
// itself, and names that people would take for the registry.
var reservedOwners = []string{
	"api", "assets", "blobs", "catalog", "cli", "config", "files", "healthz", "index", "livez", "log", "login", "logout", "metrics", "new",
	"owners", "readyz", "search", "settings", "skills", "static", "upload", "v1", "v2", "zh", "en",
	"about", "abuse", "administrator", "help", "official", "registry", "root", "security", "support", "system",
}

// reservedSlugs cannot be slugs: they mean something in addresses and references.
var reservedSlugs = []string{
	"-", "api", "files", "latest", "new", "search", "settings", "skills", "versions",
}

// checkOwner says what is wrong with the handle of a user or an organisation.
func checkOwner(handle string) error {
	switch {
	case !skill.ValidName(handle):
		return &InvalidError{What: "handle", Faults: []string{"use 1 to 39 of a-z, 0-9 and single hyphens"}}
	case len(handle) > maxOwner:
		return &InvalidError{What: "handle", Faults: []string{"is longer than 39 characters"}}
	case slices.Contains(reservedOwners, handle):
		return &InvalidError{What: "handle", Faults: []string{handle + " is reserved"}}
	}
	return nil
}

// checkSlug says what is wrong with the slug of a new skill.
func checkSlug(slug string) error {
	switch {
	case !skill.ValidName(slug):
		return &InvalidError{What: "slug", Faults: []string{"use 1 to 64 of a-z, 0-9 and single hyphens"}}
	case slices.Contains(reservedSlugs, slug):
		return &InvalidError{What: "slug", Faults: []string{slug + " is reserved"}}
	}
	return nil
}

// checkVersion says what is wrong with the version of a release.
func checkVersion(v string) error {
	switch {
	case !version.Valid(v) || len(v) > maxTag:
		return &InvalidError{What: "version", Faults: []string{"is not a semantic version such as 1.2.0"}}
	case strings.Contains(v, "+"):
		return &InvalidError{What: "version", Faults: []string{"has build metadata (what follows +), by which versions do not differ"}}
	}
	return nil
}

// checkTag says what is wrong with a tag. One that reads as a version or as a
// constraint could not be asked for.
func checkTag(tag string) error {
	if !validTag(tag) {
		return &InvalidError{What: "tag", Faults: []string{"use up to 64 of a-z, 0-9, and . _ - inside, beginning with a letter"}}
	}
	if q, err := version.ParseQuery(tag); err != nil || q.Kind() != version.Tag {
		return &InvalidError{What: "tag", Faults: []string{"reads as a version"}}
	}
	return nil
}

func validTag(tag string) bool {
	if tag == "" || len(tag) > maxTag || tag[0] < 'a' || tag[0] > 'z' {
		return false
	}
	for _, c := range []byte(tag) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// checkText says what is wrong with a text for people.
func checkText(what, text string, most int, lines bool) error {
	if len(text) > most {
		return &InvalidError{What: what, Faults: []string{"is too long"}}
	}
	if hidden := hiddenIn([]byte(text)); hidden != "" {
		return &InvalidError{What: what, Faults: []string{"holds text that people do not see: " + hidden}}
	}
	control := func(r rune) bool {
		return r < ' ' && (!lines || r != '\n' && r != '\t' && r != '\r') || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\uFFFD'
	}
	if strings.ContainsFunc(text, control) {
		return &InvalidError{What: what, Faults: []string{"holds control characters or is not UTF-8"}}
	}
	return nil
}

// hiddenIn returns the first hidden text that has no honest use, or "".
func hiddenIn(data []byte) string {
	var s skill.Scanner
	_, _ = s.Write(data)
	for _, h := range s.Findings() {
		if h.Block {
			return h.String()
		}
	}
	return ""
}

// roleAt reports whether a role for an owner is enough for what wants another.
func roleAt(have, want meta.Role) bool {
	return have == meta.Admin || have == want && have != ""
}
