package cli

import (
	"fmt"
	"strings"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
)

// An ownersError says that a reference that was typed stands for skills of several
// owners.
type ownersError struct {
	ref     ref.Ref
	several *source.AmbiguousError
}

func (e *ownersError) Error() string { return e.several.Error() }
func (e *ownersError) Unwrap() error { return e.several }

// hint gives the commands that say which one.
func (e *ownersError) hint() string {
	const most = 5
	refs := qualified(e.ref, e.several)
	if len(refs) == 0 {
		return "say which one: owner/slug"
	}
	text := "say which one: skills install " + strings.Join(refs[:min(most, len(refs))], ", or skills install ")
	if len(refs) > most {
		text += ", and so on"
	}
	return text
}

// qualified returns r for each of the owners, as it can be typed. What can not is
// left out.
func qualified(r ref.Ref, e *source.AmbiguousError) []string {
	var refs []string
	for _, owner := range e.Owners() {
		one := r
		one.Owner, one.Slug = owner, e.Slug
		if again, err := ref.Parse(one.String()); err == nil && owner != "" && again.Owner == owner && again.Slug == e.Slug {
			refs = append(refs, one.String())
		}
	}
	return refs
}

// noDefaultHint says how to name a registry, with the names that there are.
func noDefaultHint(e *source.NoDefaultError) string {
	const most = 5
	if len(e.Known) == 0 {
		return "skills registry add NAME ADDRESS names one; NAME:SLUG is then a skill in it"
	}
	ways := make([]string, 0, most)
	for _, name := range e.Known[:min(most, len(e.Known))] {
		r := e.Ref
		r.Registry = name
		way := r.String()
		if r.Slug == "" {
			way = "--registry " + name
		}
		ways = append(ways, way)
	}
	text := "say which: " + strings.Join(ways, ", or ")
	if more := len(e.Known) - most; more > 0 {
		text += fmt.Sprintf("; and %d more: skills registry list", more)
	}
	return text
}

func ownerHint(e *source.OwnerError) string {
	if e.Now == "" {
		return "the registry does not say whose it is any more"
	}
	return fmt.Sprintf("find out whether %s handed it over; --accept-owner-change takes it and records %s", ui.Cut(e.Have, 80), ui.Cut(e.Now, 80))
}

// riskHint names the flag only for what can be pasted after it.
func riskHint(e *install.FlaggedError) string {
	odd := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("@/._+-", c)
	}
	r, err := ref.Parse(e.Risk())
	if err != nil || r.Kind != ref.Registry || r.String() != e.Risk() || strings.ContainsFunc(e.Risk(), odd) {
		return "look at it before you trust it: skills info"
	}
	return "look at it first: skills info " + e.Risk() + "; if you trust it: --accept-risk " + e.Risk()
}
