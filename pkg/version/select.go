package version

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNoMatch says that a skill has no version that a query asks for.
var ErrNoMatch = errors.New("no version matches")

// A NoMatchError says what was asked for and what there is instead.
type NoMatchError struct {
	Query Query
	Have  []string // newest first, without what is yanked
}

func (e *NoMatchError) Error() string {
	wanted := e.Query.String()
	if wanted == "" {
		wanted = "any release"
	}
	if len(e.Have) == 0 {
		return fmt.Sprintf("%v %s: there are no versions", ErrNoMatch, wanted)
	}
	const most = 5
	have := make([]string, 0, most+1)
	for _, v := range e.Have[:min(most, len(e.Have))] {
		if !Valid(v) {
			v = quote(v)
		}
		have = append(have, v)
	}
	if n := len(e.Have) - most; n > 0 {
		have = append(have, fmt.Sprintf("and %d more", n))
	}
	return fmt.Sprintf("%v %s: there is %s", ErrNoMatch, wanted, strings.Join(have, ", "))
}

// Is makes a NoMatchError match ErrNoMatch.
func (e *NoMatchError) Is(target error) bool { return target == ErrNoMatch }

// A YankedError says that the only version which matches was withdrawn.
type YankedError struct {
	Version string // "" if it is not known which
	Reason  string // as the publisher wrote it: untrusted
}

func (e *YankedError) Error() string {
	text := "all that matches is yanked"
	switch {
	case Valid(e.Version):
		text = "version " + e.Version + " is yanked"
	case e.Version != "":
		text = "version " + quote(e.Version) + " is yanked"
	}
	if e.Reason != "" {
		text += ": " + quote(e.Reason)
	}
	return text
}

// Select picks the version that q asks for, out of all in any order. The
// version current, which is the locked one or "", is kept as long as q accepts
// it, yanked or not. Otherwise the highest one wins that is not yanked.
//
// A query for any version takes the one tagged latest, unless that is yanked or
// a prerelease. The tag latest means the highest release where no version has
// it, and a tag that no version has is looked for among the versions.
//
// The error is a *NoMatchError, or a *YankedError if all that matches is yanked.
func Select(q Query, all []Info, current string) (Info, error) {
	matching := candidates(q, all)
	if i := slices.IndexFunc(matching, func(c candidate) bool { return c.text == current }); i >= 0 {
		return matching[i].Info, nil
	}
	if q.Kind() == Any {
		recommended := slices.IndexFunc(matching, func(c candidate) bool {
			return !c.Yanked && slices.Contains(c.Tags, Latest)
		})
		if recommended >= 0 {
			return matching[recommended].Info, nil
		}
	}
	if i := slices.IndexFunc(matching, func(c candidate) bool { return !c.Yanked }); i >= 0 {
		return matching[i].Info, nil
	}
	if len(matching) > 0 {
		return Info{}, &YankedError{Version: matching[0].text, Reason: matching[0].Reason}
	}
	return Info{}, noMatch(q, all)
}

var latest = Query{Tag, Latest}

// A candidate is a published version, read once.
type candidate struct {
	Info
	parsed
}

// candidates returns what q accepts, highest first.
func candidates(q Query, all []Info) []candidate {
	sorted := make([]candidate, len(all))
	for i, info := range all {
		sorted[i] = candidate{info, parse(info.Version)}
	}
	slices.SortFunc(sorted, func(a, b candidate) int { return b.compare(a.parsed) })

	keep := func(accept func(candidate) bool) []candidate {
		var kept []candidate
		for _, c := range sorted {
			if accept(c) {
				kept = append(kept, c)
			}
		}
		return kept
	}
	spelled := func(c candidate) bool { return c.text == q.text }
	if q.Kind() != Tag {
		if q.Kind() == Exact && slices.ContainsFunc(sorted, spelled) {
			return keep(spelled)
		}
		match := q.matcher()
		return keep(func(c candidate) bool { return match(c.parsed) })
	}
	tagged := keep(func(c candidate) bool { return slices.Contains(c.Tags, q.text) })
	usable := slices.ContainsFunc(tagged, func(c candidate) bool { return !c.Yanked })
	switch {
	case q == latest && !usable:
		return candidates(Query{}, all)
	case len(tagged) == 0:
		return keep(spelled)
	}
	return tagged
}

func noMatch(q Query, all []Info) *NoMatchError {
	err := &NoMatchError{Query: q}
	for _, info := range all {
		if !info.Yanked {
			err.Have = append(err.Have, info.Version)
		}
	}
	slices.SortFunc(err.Have, func(a, b string) int { return Compare(b, a) })
	return err
}
