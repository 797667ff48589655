package lockfile

import (
	"io/fs"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openskills-go/skills/pkg/agent"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
)

const (
	maxText = 4096 // bytes of any text in an entry
	maxList = 256  // agents or folders of one entry
)

// check returns the field of s that cannot stand in a lock, and why, or "". A
// lock comes with a project that may be anyone's: what it says must not lead
// outside its folder, nor smuggle anything to a terminal.
func (s *Skill) check() (bad, why string) {
	if !skill.ValidName(s.Name) {
		return "name", "is not a valid name"
	}
	if !isKind(s.Artifact, "sha256:") {
		return "artifact", "must be a sha256: digest"
	}
	if !isKind(s.Tree, "h1:") {
		return "tree", "must be an h1: digest"
	}
	if s.Size < 0 {
		return "size", "must not be negative"
	}
	if _, err := ref.Parse(s.Ref); err != nil {
		return "ref", "is no reference"
	}
	for _, t := range [...]struct{ key, value string }{
		{"ref", s.Ref}, {"registry", s.Registry}, {"slug", s.Slug}, {"owner", s.Owner}, {"version", s.Version},
		{"trust", s.Trust}, {"locale", s.Locale}, {"url", s.URL}, {"revision", s.Revision}, {"path", s.Path},
	} {
		if !plain(t.value) {
			return t.key, "holds control characters, or is too long"
		}
	}
	if s.Placement != "" && s.Placement != Link {
		return "placement", "must be \"link\" or missing"
	}
	if s.Pin != nil && !plain(s.Pin.Reason) {
		return "pin", "holds control characters, or is too long"
	}
	if len(s.Agents) > maxList || len(s.Dirs) > maxList {
		return "agents", "are too many"
	}
	for _, id := range s.Agents {
		if !agent.ValidID(id) {
			return "agents", "name " + quote(id) + ", which is no agent id"
		}
	}
	for _, dir := range s.Dirs {
		if !inside(dir) {
			return "dirs", "name " + quote(dir) + ", which is no folder at or below the lock's"
		}
	}
	return "", ""
}

// isKind reports whether d is a well-formed digest with the prefix.
func isKind(d digest.Digest, prefix string) bool {
	_, err := digest.Parse(string(d))
	return err == nil && len(d) > len(prefix) && string(d[:len(prefix)]) == prefix
}

// inside reports whether dir is a clean slash path that stays below the folder
// it is relative to, on every system.
func inside(dir string) bool {
	return fs.ValidPath(dir) && plain(dir) && !strings.ContainsAny(dir, `\:`)
}

func plain(s string) bool {
	return len(s) <= maxText && utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// quote returns text that is not ours in a form that is safe to print.
func quote(s string) string {
	q := strconv.QuoteToASCII(s[:min(len(s), 80)])
	return q[:min(len(q), 80)]
}
