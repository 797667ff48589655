package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
)

func severalOwners(owners ...string) *source.AmbiguousError {
	e := &source.AmbiguousError{Slug: "pdf"}
	for _, o := range owners {
		e.Matches = append(e.Matches, source.Hit{Slug: "pdf", Owner: o})
	}
	return e
}

// The commands can be pasted: they keep the registry and the version that were
// typed, and no owner can be more than a name.
func TestSayWhichOwner(t *testing.T) {
	many := make([]string, 12)
	for i := range many {
		many[i] = fmt.Sprintf("o%02d", i)
	}
	for _, test := range []struct {
		typed  string
		owners []string
		want   string
	}{
		{"pdf", []string{"bob", "alice", "bob"}, "say which one: skills install alice/pdf, or skills install bob/pdf"},
		{"acme:pdf@^1.2", []string{"alice", "bob"}, "say which one: skills install acme:alice/pdf@^1.2, or skills install acme:bob/pdf@^1.2"},
		{"pdf", []string{"a; rm -rf ~", "alice", "x/y", "", "\x1b[2J"}, "say which one: skills install alice/pdf"},
		{"pdf", []string{"--replace"}, "say which one: owner/slug"},
		{"pdf", many, "say which one: skills install o00/pdf, or skills install o01/pdf, or skills install o02/pdf, or skills install o03/pdf, or skills install o04/pdf, and so on"},
	} {
		a := &app{}
		err := a.mistaken(t.Context(), test.typed, fmt.Errorf("resolve: %w", severalOwners(test.owners...)))
		got := explain(fault{err: err})
		if got.Code != "ambiguous" || got.exit != exitNotFound || got.Hint != test.want {
			t.Errorf("%s of %q: %s, %q; want %q", test.typed, test.owners, got.Code, got.Hint, test.want)
		}
	}
}

func TestRiskHint(t *testing.T) {
	for _, test := range []struct {
		e    install.FlaggedError
		flag string
	}{
		{install.FlaggedError{Owner: "alice", Slug: "pdf", Version: "1.2.0"}, "--accept-risk alice/pdf@1.2.0"},
		{install.FlaggedError{Slug: "pdf", Version: "1.2.0"}, "--accept-risk pdf@1.2.0"},
		{install.FlaggedError{Owner: "alice --yes", Slug: "pdf", Version: "1.2.0"}, ""},
		{install.FlaggedError{Owner: "../x", Slug: "pdf", Version: "1.2.0"}, ""},
		{install.FlaggedError{Owner: "alice", Slug: "pdf", Version: "1 || 2"}, ""},
	} {
		test.e.Reason = "it reads keys"
		got := explain(fault{err: &test.e})
		_, flag, _ := strings.Cut(got.Hint, "; if you trust it: ")
		if flag != test.flag || !strings.Contains(got.Message, "it reads keys") {
			t.Errorf("%+v: %q, %q", test.e, got.Message, got.Hint)
		}
		if _, err := ref.Parse(strings.TrimPrefix(flag, "--accept-risk ")); flag != "" && err != nil {
			t.Error(err)
		}
	}
}

func TestOwnerHint(t *testing.T) {
	long := "\x1b[2J" + strings.Repeat("x", 5000)
	for _, err := range []error{&source.OwnerError{Slug: long, Have: long, Now: long}, &source.OwnerError{Slug: "pdf", Have: "alice"}} {
		got := explain(fault{err: errors.Join(err)})
		if len(got.Message)+len(got.Hint) > 900 || strings.Contains(got.Message+got.Hint, "\x1b") {
			t.Errorf("%q, %q", got.Message, got.Hint)
		}
	}
}
