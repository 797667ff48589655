package source

import "context"

// An Auditor is a Source that says what it thinks of skills that were installed
// from it, by now.
type Auditor interface {
	// Verdicts returns one Verdict for each release, in their order. What the source
	// does not know is a Verdict that says so, and no error.
	Verdicts(ctx context.Context, releases []Release) ([]Verdict, error)
}

// A Release is an exact version of a skill.
type Release struct {
	Owner   string // "" if it is not known
	Slug    string
	Version string
}

// A Verdict is what a source thinks of a release. Texts are as it gave them:
// untrusted.
type Verdict struct {
	Release Release
	Known   bool     // the source has the release, and said something about it
	Passed  bool     // it has no objection
	Status  string   // clean, suspicious, malicious, pending, or another word; "" if nothing was scanned
	Reasons []string // codes of the source
	Message string   // why nothing is known
	URL     string   // of a report, for people
}
