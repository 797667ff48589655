package version

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// A Kind says what a Query asks for.
type Kind int

// The kinds of queries.
const (
	Any        Kind = iota // the newest version
	Exact                  // one version
	Constraint             // the newest version in a range
	Tag                    // the version that has a tag
)

func (k Kind) String() string {
	switch k {
	case Any:
		return "any"
	case Exact:
		return "exact"
	case Constraint:
		return "constraint"
	case Tag:
		return "tag"
	}
	return "kind " + strconv.Itoa(int(k))
}

// Latest is the tag of the version that a publisher recommends.
const Latest = "latest"

const (
	maxQuery = 256 // bytes of a query
	maxTag   = 200 // bytes of a tag
)

// A Query says which version is wanted. The zero value asks for any. Queries
// that ask for the same in the same words are equal under ==.
type Query struct {
	kind Kind
	text string // canonical; "" for Any only
}

// A QueryError says why a text is no query.
type QueryError struct {
	Input string // quoted, cut, safe to print
	Why   string
}

func (e *QueryError) Error() string { return "parse version " + e.Input + ": " + e.Why }

// ParseQuery reads what follows the @ of a reference: "" or "*" for any
// version, 1.2.3, a constraint (^1.2, ~1.2, 1.x, ">=1 <3", "1.2 - 1.4",
// "^1 || ^3"), or a tag such as latest.
func ParseQuery(s string) (Query, error) {
	s = strings.TrimSpace(s)
	q, why := parseQuery(s)
	if why != "" {
		return Query{}, &QueryError{Input: quote(s), Why: why}
	}
	return q, nil
}

func parseQuery(s string) (Query, string) {
	switch {
	case s == "":
		return Query{}, ""
	case len(s) > maxQuery:
		return Query{}, fmt.Sprintf("it is longer than %d bytes", maxQuery)
	case strings.ContainsAny(s, operators+"|,* \t"):
		return parseConstraint(s)
	}
	if v := strings.TrimPrefix(s, "v"); Valid(v) {
		return Query{Exact, v}, ""
	}
	if v, ok := partial(s); ok {
		return constraint(v), ""
	}
	if validTag(s) {
		return Query{Tag, s}, ""
	}
	return Query{}, "it is no version (1.2.3), constraint (^1.2, ~1.2, 1.x, \">=1 <3\") or tag (latest)"
}

// validTag accepts the names of tags in registries, and of most git refs.
func validTag(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && strings.IndexByte("._/-", c) >= 0:
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxTag && !strings.Contains(s, "..") && !strings.Contains(s, "//") && !strings.HasSuffix(s, "/")
}

// String returns the query in its one spelling, which ParseQuery reads again.
func (q Query) String() string { return q.text }

// Kind returns what q asks for.
func (q Query) Kind() Kind { return q.kind }

// Match reports whether the version v satisfies q. It is false for a tag, which
// says nothing about versions, and for a prerelease that q does not ask for.
func (q Query) Match(v string) bool { return q.matcher()(parse(v)) }

// matcher prepares q for many versions.
func (q Query) matcher() func(parsed) bool {
	switch q.kind {
	case Any:
		return func(v parsed) bool { return !v.prerelease() }
	case Exact:
		return q.exact
	case Constraint:
		return q.constraint()
	case Tag:
	}
	return func(parsed) bool { return false }
}

// exact leaves out the build metadata of v if the query has none.
func (q Query) exact(v parsed) bool {
	if v.text == q.text {
		return true
	}
	core, _, built := strings.Cut(v.text, "+")
	return built && v.sem != nil && core == q.text
}

func (q Query) constraint() func(parsed) bool {
	c, err := semver.NewConstraint(semverSyntax(q.text))
	if err != nil { // parseConstraint has let it through, so it cannot be
		return func(parsed) bool { return false }
	}
	asked := prereleases(q.text)
	return func(v parsed) bool {
		if v.sem == nil {
			return false
		}
		// Like npm and Cargo, and unlike the library, ^1.2.0-rc.1 asks for the
		// prereleases of 1.2.0 and not for those of 1.3.0.
		if v.sem.Prerelease() != "" && !asked[coreOf(v.sem)] {
			return false
		}
		return c.Check(v.sem)
	}
}

// A core is a version without its prerelease.
type core struct{ major, minor, patch uint64 }

func coreOf(v *semver.Version) core { return core{v.Major(), v.Minor(), v.Patch()} }

// prereleases returns the versions whose prereleases a canonical constraint
// asks for, by naming one of them.
func prereleases(constraint string) map[core]bool {
	asked := make(map[core]bool)
	for field := range strings.FieldsSeq(constraint) {
		v, err := semver.StrictNewVersion(strings.TrimLeft(field, operators))
		if err == nil && v.Prerelease() != "" {
			asked[coreOf(v)] = true
		}
	}
	return asked
}

// quote makes what someone typed safe to print.
func quote(s string) string {
	const most = 80
	if len(s) <= most {
		return strconv.QuoteToASCII(s)
	}
	return strconv.QuoteToASCII(s[:most]) + "..."
}
