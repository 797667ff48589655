package install

import (
	"fmt"
	"slices"

	"github.com/openskills-go/skills/pkg/source"
)

// A FlaggedError says that a registry has doubts about a version.
type FlaggedError struct {
	Owner, Slug, Version string
	Reason               string // see source.FlagReason
}

func (e *FlaggedError) Error() string {
	return fmt.Sprintf("%s is flagged by its registry: %s", quote(e.Risk()), e.Reason)
}

// Risk is what Options.AcceptRisk has to hold for the version to be taken.
func (e *FlaggedError) Risk() string {
	risk := e.Slug
	if e.Owner != "" {
		risk = e.Owner + "/" + e.Slug
	}
	if e.Version != "" {
		risk += "@" + e.Version
	}
	return risk
}

// doubted decides what the doubts of the registry about the pin of s mean. What is
// installed already is not new, and stays.
func (s *step) doubted(o Options) error {
	if s.pin.Flagged == "" {
		return nil
	}
	e := &FlaggedError{Owner: s.pin.Owner, Slug: s.pin.Slug, Version: s.pin.Version, Reason: source.FlagReason(s.pin.Flagged)}
	same := s.entry != nil && s.pin.Version != "" && s.entry.Version == s.pin.Version && s.entry.Locale == s.pin.Locale
	if !same && !o.looking && !slices.Contains(o.AcceptRisk, e.Risk()) {
		return e
	}
	s.doubts = e.Error()
	return nil
}
