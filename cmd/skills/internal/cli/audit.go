package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
)

type auditResult struct {
	Scope  scopeResult     `json:"scope"`
	Skills []install.Audit `json:"skills"`
}

func (a *app) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "audit [NAME]...",
		Short:   "Ask registries what they think of installed skills by now",
		GroupID: groupCare,
		Long: `Ask the registries of the installed skills what they think of exactly the
installed versions by now: registries that speak the API of ClawHub scan what is
published, and may find out later that a skill is harmful. Nothing is changed.

An objection is exit code 6. What a registry could not say is no success either;
skills from where nobody gives verdicts are only named.`,
		Example: `  skills audit
  skills audit pdf --json`,
		ValidArgsFunction: a.completeInstalled,
		RunE: a.run(func(ctx context.Context, names []string) (*answer, error) {
			e, err := a.engine()
			if err != nil {
				return nil, err
			}
			audits, err := e.Audit(ctx, names)
			if err != nil {
				return nil, err
			}
			if len(audits) > 0 && !slices.ContainsFunc(audits, func(s install.Audit) bool { return s.Verdict != install.Unaudited }) {
				return nil, &findingError{codeNoVerdict, "no installed skill comes from a registry that gives verdicts: " + counted(len(audits), "skill") + " from elsewhere", ""}
			}
			out := &answer{result: auditResult{e.scope.result(), audits}}
			var unaudited []string
			bad := 0
			for _, s := range audits {
				switch s.Verdict {
				case install.Clean, install.Pending:
					out.done++
				case install.Malicious, install.Suspicious:
					bad++
				case install.Unaudited:
					unaudited = append(unaudited, s.Name)
				case install.NoVerdict:
					err := s.Err
					if err == nil {
						err = &findingError{codeNoVerdict, s.Registry + " has no verdict on version " + s.Version + ": " + s.Message, ""}
					}
					out.faults = append(out.faults, fault{ref: s.Name, err: err})
				}
			}
			if bad > 0 {
				// That is the exit code, whatever else could not be found out.
				out.done, out.faults = 0, []fault{{err: &findingError{codeHarmful, "registries have objections to " + counted(bad, "installed skill"), "skills disable NAME takes one out of sight, skills remove NAME away"}}}
			}
			out.text = func(p *ui.Printer) { printAudits(p, audits, unaudited) }
			return out, nil
		}),
	}
	a.scopeFlags(cmd)
	a.netFlags(cmd)
	return cmd
}

func printAudits(p *ui.Printer, audits []install.Audit, unaudited []string) {
	t := ui.Table{Head: []string{"NAME", "VERSION", "VERDICT", "REASONS", "REPORT"}}
	for _, s := range audits {
		if s.Verdict == install.Unaudited {
			continue
		}
		row := ui.Text(s.Name, s.Version, string(s.Verdict), strings.Join(s.Reasons, ", "), s.URL)
		switch s.Verdict {
		case install.Clean:
			row[2].Mark = p.Good
		case install.Malicious, install.Suspicious:
			row[2].Mark = p.Bad
		case install.Pending, install.NoVerdict, install.Unaudited:
			row[2].Mark = p.Unsure
		}
		t.Rows = append(t.Rows, row)
	}
	p.Table(t)
	if len(audits) == 0 {
		p.Notef("nothing is installed here")
	}
	if n := len(unaudited); n > 0 {
		p.Notef("%s from where nobody gives verdicts: %s", counted(n, "skill"), ui.Cut(strings.Join(unaudited, ", "), 200))
	}
}
