package install

import (
	"cmp"
	"context"
	"slices"

	"github.com/openskills-go/skills/pkg/source"
)

// A Verdict is what the registry of an installed skill thinks of it by now.
type Verdict string

const (
	Clean      Verdict = "clean"
	Pending    Verdict = "pending"    // the registry has not made up its mind
	Suspicious Verdict = "suspicious" // the registry has an objection
	Malicious  Verdict = "malicious"
	NoVerdict  Verdict = "unknown" // the registry could not be asked, or does not know the version
	Unaudited  Verdict = "none"    // it comes from where no verdicts are given
)

// An Audit is an installed skill, and what its registry thinks of it.
type Audit struct {
	Name     string   `json:"name"`
	Registry string   `json:"registry,omitempty"`
	Owner    string   `json:"owner,omitempty"`
	Slug     string   `json:"slug,omitempty"`
	Version  string   `json:"version"`
	Verdict  Verdict  `json:"verdict"`
	Reasons  []string `json:"reasons,omitempty"`
	URL      string   `json:"url,omitempty"`     // of a report
	Message  string   `json:"message,omitempty"` // why it is unknown
	Err      error    `json:"-"`                 // of the question
}

// Audit asks the registries of the named skills, or of all if there are no names,
// what they think of the installed versions. It writes nothing.
func (e *Engine) Audit(ctx context.Context, names []string) ([]Audit, error) {
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		names = st.lock.Names()
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	audits := make([]Audit, len(names))
	asked := map[string][]int{} // registry to audits
	for i, name := range names {
		entry, ok := st.lock.Skills[name]
		if !ok {
			return nil, &UnknownError{Name: name, Near: near(st.lock, name)}
		}
		audits[i] = Audit{
			Name: name, Registry: e.absolute(entry.Registry), Owner: entry.Owner, Slug: entry.Slug,
			Version: entry.Version, Verdict: Unaudited,
		}
		if entry.Registry != "" {
			asked[audits[i].Registry] = append(asked[audits[i].Registry], i)
		}
	}
	for registry, which := range asked {
		e.auditAt(ctx, registry, audits, which)
	}
	return audits, ctx.Err()
}

// auditAt fills in what one registry says.
func (e *Engine) auditAt(ctx context.Context, registry string, audits []Audit, which []int) {
	src, err := e.Source.At(registry)
	auditor, ok := source.As[source.Auditor](src)
	if err == nil && !ok {
		return
	}
	releases := make([]source.Release, len(which))
	for i, at := range which {
		releases[i] = source.Release{Owner: audits[at].Owner, Slug: audits[at].Slug, Version: audits[at].Version}
	}
	var verdicts []source.Verdict
	if err == nil {
		verdicts, err = auditor.Verdicts(ctx, releases)
	}
	for i, at := range which {
		if err != nil {
			audits[at].Verdict, audits[at].Err = NoVerdict, err
			continue
		}
		audits[at].take(verdicts[i])
	}
}

func (a *Audit) take(v source.Verdict) {
	a.Reasons, a.URL = v.Reasons, v.URL
	switch {
	case !v.Known:
		a.Verdict, a.Message = NoVerdict, cmp.Or(source.FlagReason(v.Message), source.NoReason)
	case v.Status == "malicious":
		a.Verdict = Malicious
	case v.Status == "pending":
		a.Verdict = Pending
	case v.Passed:
		a.Verdict = Clean
	default:
		a.Verdict = Suspicious
	}
}
