// Package version orders the versions of a skill and picks one of them. A
// version is a semantic version as semver.org 2.0 spells it; other spellings are
// carried along, sort below all of those, and are only ever chosen by name or
// where nothing better is there.
package version

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/openskills-go/skills/pkg/digest"
)

// An Info is one published version of a skill.
type Info struct {
	Version string
	Tags    []string // such as latest
	Yanked  bool     // still there for who has it locked, never chosen anew
	Reason  string   // why it is yanked, as the publisher wrote it: untrusted
}

// Valid reports whether s is a semantic version in its full spelling: three
// numbers, and no leading v.
func Valid(s string) bool {
	_, err := semver.StrictNewVersion(s)
	return err == nil
}

// Compare returns -1, 0 or +1 for a version a that is below, the same as or
// above b. Precedence is that of semver.org; it leaves out build metadata, so
// that versions which differ in nothing else are ordered by their bytes, as are
// those that are no semantic versions. It is 0 for equal texts only.
func Compare(a, b string) int {
	return parse(a).compare(parse(b))
}

// FromTree returns the version of a skill that has none: one that names its
// tree. It is "" if d is no digest of a tree.
func FromTree(d digest.Digest) string {
	value, ok := strings.CutPrefix(string(d), "h1:")
	if !ok {
		return ""
	}
	sum, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(sum) < treeBytes {
		return ""
	}
	return treePrefix + hex.EncodeToString(sum[:treeBytes])
}

const (
	// The letter keeps the version valid where the digits are all decimal and
	// begin with a zero.
	treePrefix = "0.0.0-t"
	treeBytes  = 6
)

// fromTree reports whether s is a version that FromTree made.
func fromTree(s string) bool {
	digits, ok := strings.CutPrefix(s, treePrefix)
	if !ok || len(digits) != hex.EncodedLen(treeBytes) {
		return false
	}
	return strings.Trim(digits, "0123456789abcdef") == ""
}

// A parsed is a version and what can be read out of it.
type parsed struct {
	text string
	sem  *semver.Version // nil if text is no semantic version
}

func parse(s string) parsed {
	sem, err := semver.StrictNewVersion(s)
	if err != nil {
		sem = nil
	}
	return parsed{text: s, sem: sem}
}

func (p parsed) compare(q parsed) int {
	switch {
	case p.sem == nil && q.sem != nil:
		return -1
	case p.sem != nil && q.sem == nil:
		return +1
	case p.sem != nil:
		if c := p.sem.Compare(q.sem); c != 0 {
			return c
		}
	}
	return strings.Compare(p.text, q.text)
}

// prerelease reports whether p has to be asked for. A version made from a tree
// only looks like a prerelease: it is all that its skill has.
func (p parsed) prerelease() bool {
	return p.sem != nil && p.sem.Prerelease() != "" && !fromTree(p.text)
}
