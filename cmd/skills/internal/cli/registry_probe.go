package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/registry"
)

type registryTestResult struct {
	URL      string              `json:"url"` // with the protocol before it
	Protocol registry.Protocol   `json:"protocol"`
	Assumed  bool                `json:"assumed,omitempty"` // nothing said so
	Search   bool                `json:"search"`            // it can be searched
	Account  *source.Account     `json:"account,omitempty"` // of the token that is sent
	Limit    *registry.RateLimit `json:"rateLimit,omitempty"`
	Clock    float64             `json:"clockSeconds"` // by how much its clock is ahead of this one
}

// oddClock is a difference between two clocks that makes certificates and waits
// go wrong.
const oddClock = time.Minute

func (a *app) registryTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test [NAME | ADDRESS]",
		Short: "Ask a registry whether it is there, what it speaks, and for whom it takes you",
		Example: `  skills registry test
  skills registry test acme
  skills registry test https://skills.example.com --verbose`,
		Args:              args(0, 1, "one registry"),
		ValidArgsFunction: a.completeRegistryArg,
		RunE: a.run(func(ctx context.Context, args []string) (*answer, error) {
			if len(args) > 0 {
				if a.flags.registry != "" {
					return nil, &usageError{message: "the registry is given twice"}
				}
				a.flags.registry = args[0]
			}
			address, src, err := a.registry()
			if err != nil {
				return nil, err
			}
			client, err := a.client()
			if err != nil {
				return nil, err
			}
			report, err := registry.Test(ctx, registry.Options{URL: address, Client: client}, time.Now)
			if err != nil {
				return nil, fmt.Errorf("test %s: %w", address, err)
			}
			result := registryTestResult{
				URL: report.URL, Protocol: report.Protocol, Assumed: report.Assumed, Search: report.Search,
				Limit: report.Limit, Clock: report.Clock.Seconds(),
			}
			if identifier, ok := source.As[source.Identifier](src); ok {
				if account, err := identifier.Whoami(ctx); err == nil {
					result.Account = &account
				}
			}
			return &answer{result: result, done: 1, text: func(p *ui.Printer) { printRegistryTest(p, address, &result, report) }}, nil
		}),
	}
	a.registryFlag(cmd)
	a.netFlags(cmd)
	return cmd
}

func printRegistryTest(p *ui.Printer, address string, r *registryTestResult, report registry.Report) {
	p.Printf("%s  %s  %s", p.Good("ok"), ui.Line(r.URL), r.Protocol)
	_ = p.Flush() // what follows is talk about it; the last Flush tells what broke
	if r.URL != address {
		p.Notef("the registry is %s: skills registry add NAME %s records that", ui.Line(r.URL), ui.Line(address))
	}
	if r.Assumed {
		p.Notef("nothing there says what it speaks")
	}
	if !r.Search {
		p.Notef("it cannot be searched")
	}
	if r.Account != nil {
		p.Notef("it knows you as %s", ui.Line(r.Account.Handle))
	}
	if r.Limit != nil {
		p.Notef("it answers %d more of %s", r.Limit.Remaining, counted(r.Limit.Limit, "request"))
	}
	if report.Clock.Abs() > oddClock {
		p.Warnf("its clock is %s %s this one", ui.Span(report.Clock.Abs()), aheadOf(report.Clock))
	}
}

func aheadOf(d time.Duration) string {
	if d < 0 {
		return "behind"
	}
	return "ahead of"
}
