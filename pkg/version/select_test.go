package version_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/openskills-go/skills/pkg/version"
)

// published reads versions written as 1.2.3, with #tag for each tag and ! if it
// is yanked.
func published(s string) []version.Info {
	var all []version.Info
	for field := range strings.FieldsSeq(s) {
		field, yanked := strings.CutSuffix(field, "!")
		parts := strings.Split(field, "#")
		info := version.Info{Version: parts[0], Tags: parts[1:], Yanked: yanked}
		if yanked {
			info.Reason = "leaks\x1b[2J"
		}
		all = append(all, info)
	}
	return all
}

func query(tb testing.TB, s string) version.Query {
	tb.Helper()
	q, err := version.ParseQuery(s)
	if err != nil {
		tb.Fatal(err)
	}
	return q
}

func TestSelect(t *testing.T) {
	for _, c := range []struct{ name, query, published, current, want string }{
		{"the highest", "", "1.0.0 1.10.0 1.9.0", "", "1.10.0"},
		{"no prerelease", "", "1.0.0 2.0.0-rc.1", "", "1.0.0"},
		{"what the publisher recommends", "", "1.9.0#latest 2.0.0", "", "1.9.0"},
		{"a recommended prerelease is not asked for", "", "1.0.0 2.0.0-rc.1#latest", "", "1.0.0"},
		{"a constraint takes the highest", "^1", "1.0.0#latest 1.2.0 2.0.0", "", "1.2.0"},
		{"exact", "1.0.0", "1.0.0 1.0.1", "", "1.0.0"},
		{"exact prerelease", "2.0.0-rc.1", "1.0.0 2.0.0-rc.1", "", "2.0.0-rc.1"},
		{"exact without its build", "1.0.0", "1.0.0+a 1.0.0+b", "", "1.0.0+b"},
		{"exact before one with a build", "1.0.0", "1.0.0 1.0.0+b", "", "1.0.0"},
		{"a tag", "beta", "1.0.0#latest 2.0.0-rc.1#beta", "", "2.0.0-rc.1"},
		{"a tag on several", "lts", "1.0.0#lts 1.2.0#lts 2.0.0", "", "1.2.0"},
		{"latest", "latest", "1.9.0#latest 2.0.0", "", "1.9.0"},
		{"latest may be a prerelease", "latest", "1.0.0 2.0.0-rc.1#latest", "", "2.0.0-rc.1"},
		{"latest without tags", "latest", "1.0.0 1.2.0 2.0.0-rc.1", "", "1.2.0"},
		{"latest was yanked", "latest", "1.0.0 1.2.0 1.3.0#latest!", "", "1.2.0"},
		{"a version that is not semantic, by name", "2024-01-05", "2024-01-05 2024-02-01", "", "2024-01-05"},
		{"only such versions", "", "2024-01-05 2024-02-01", "", "2024-02-01"},
		{"semantic before others", "", "2024-01-05 0.1.0", "", "0.1.0"},
		{"a skill without versions", "", "0.0.0-t97d6280ae7c9", "", "0.0.0-t97d6280ae7c9"},

		{"the lock stays", "^1", "1.0.0 1.2.0", "1.0.0", "1.0.0"},
		{"the lock stays against a recommendation", "", "1.0.0 1.2.0#latest", "1.0.0", "1.0.0"},
		{"the lock does not satisfy", "^2", "1.0.0 2.1.0 2.0.0", "1.0.0", "2.1.0"},
		{"the lock is gone", "^1", "1.1.0 1.2.0", "1.0.0", "1.2.0"},
		{"a tag moves", "beta", "1.0.0 1.1.0#beta", "1.0.0", "1.1.0"},
		{"a tag stays", "beta", "1.0.0#beta 1.1.0#beta", "1.0.0", "1.0.0"},
		{"a yanked lock stays", "^1", "1.0.0 1.2.0!", "1.2.0", "1.2.0"},
		{"an exact yanked lock stays", "1.2.0", "1.0.0 1.2.0!", "1.2.0", "1.2.0"},
		{"a yanked latest lock stays", "latest", "1.0.0 1.2.0#latest!", "1.2.0", "1.2.0"},

		{"yanked is passed over", "^1", "1.0.0 1.2.0!", "", "1.0.0"},
		{"a yanked recommendation is passed over", "", "1.0.0 1.2.0 1.1.0#latest!", "", "1.2.0"},
		{"a tag on a yanked and another", "lts", "1.0.0#lts 1.2.0#lts!", "", "1.0.0"},
		{"exact yanked", "1.2.0", "1.0.0 1.2.0!", "1.0.0", "yanked 1.2.0"},
		{"all that matches is yanked", "^1", "1.0.0! 1.2.0! 2.0.0", "", "yanked 1.2.0"},
		{"all is yanked", "", "1.0.0! 1.2.0!", "", "yanked 1.2.0"},
		{"a tag on a yanked one", "lts", "1.0.0#lts! 1.2.0", "", "yanked 1.0.0"},

		{"nothing there", "", "", "", "none of"},
		{"nothing there that was locked", "", "", "1.0.0", "none of"},
		{"only prereleases", "", "1.0.0-rc.1 1.0.0-rc.2", "", "none of 1.0.0-rc.2 1.0.0-rc.1"},
		{"out of range", "^3", "1.0.0 2.0.0 4.0.0!", "", "none of 2.0.0 1.0.0"},
		{"an unknown tag", "beta", "1.0.0#latest", "", "none of 1.0.0"},
		{"tags are case-sensitive", "Latest", "1.0.0#latest", "", "none of 1.0.0"},
	} {
		all := published(c.published)
		before := slices.Clone(all)
		got, err := version.Select(query(t, c.query), all, c.current)
		if answer := outcome(got, err); answer != c.want {
			t.Errorf("%s: %q of %q, locked %q: got %s, want %s", c.name, c.query, c.published, c.current, answer, c.want)
		}
		if !slices.EqualFunc(all, before, func(a, b version.Info) bool { return a.Version == b.Version }) {
			t.Errorf("%s: the versions were reordered", c.name)
		}
	}
}

func outcome(got version.Info, err error) string {
	var none *version.NoMatchError
	var yanked *version.YankedError
	switch {
	case errors.As(err, &none) && errors.Is(err, version.ErrNoMatch):
		return strings.TrimSpace("none of " + strings.Join(none.Have, " "))
	case errors.As(err, &yanked) && !errors.Is(err, version.ErrNoMatch):
		return "yanked " + yanked.Version
	case err != nil:
		return err.Error()
	}
	return got.Version
}

func TestSelectErrorsArePrintable(t *testing.T) {
	for query, want := range map[string]string{
		"^9":    `no version matches ^9: there is 4.0.0, 3.0.0, 2.0.0, 1.1.0, 1.0.0, and 1 more`,
		"0.1.0": `version 0.1.0 is yanked: "leaks\x1b[2J"`,
	} {
		q, err := version.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		_, err = version.Select(q, published("1.0.0 1.1.0 2.0.0 3.0.0 4.0.0 0.1.0! \x1b[2J"), "")
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", query, err, want)
		}
	}
	_, err := version.Select(version.Query{}, nil, "")
	if err == nil || err.Error() != "no version matches any release: there are no versions" {
		t.Errorf("%v", err)
	}
	err = &version.NoMatchError{Have: []string{"\x1b[2J"}}
	if want := `no version matches any release: there is "\x1b[2J"`; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// Whatever is published, in whatever order: the answer is the same, is there,
// satisfies the query, and is only yanked if it was locked.
func TestSelectProperties(t *testing.T) {
	infos := rapid.Custom(func(t *rapid.T) version.Info {
		return version.Info{
			Version: rapid.SampledFrom([]string{
				"0.1.0", "1.0.0", "1.0.0+b", "1.1.0-rc.1", "1.1.0", "1.2.0", "2.0.0-rc.1", "2.0.0", "nightly", "0.0.0-t97d6280ae7c9",
			}).Draw(t, "version"),
			Tags:   rapid.SliceOfN(rapid.SampledFrom([]string{"latest", "beta"}), 0, 1).Draw(t, "tags"),
			Yanked: rapid.Bool().Draw(t, "yanked"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfNDistinct(infos, 0, 8, func(i version.Info) string { return i.Version }).Draw(t, "all")
		q, err := version.ParseQuery(rapid.SampledFrom([]string{"", "1.0.0", "^1", "^1.1.0-rc.1", "latest", "beta", ">=2", "nightly"}).Draw(t, "query"))
		if err != nil {
			t.Fatal(err)
		}
		current := rapid.SampledFrom([]string{"", "1.0.0", "1.2.0", "2.0.0-rc.1"}).Draw(t, "current")
		got, err := version.Select(q, all, current)

		shuffled := rapid.Permutation(all).Draw(t, "shuffled")
		again, errAgain := version.Select(q, shuffled, current)
		if outcome(got, err) != outcome(again, errAgain) {
			t.Fatalf("the order decides: %s or %s", outcome(got, err), outcome(again, errAgain))
		}
		if err != nil {
			if !errors.Is(err, version.ErrNoMatch) && !errors.As(err, new(*version.YankedError)) {
				t.Fatal(err)
			}
			return
		}
		i := slices.IndexFunc(all, func(i version.Info) bool { return i.Version == got.Version })
		if i < 0 || all[i].Yanked != got.Yanked {
			t.Fatalf("%+v is not published", got)
		}
		if got.Yanked && got.Version != current {
			t.Fatalf("%s is yanked and was not locked", got.Version)
		}
		if q.Kind() != version.Tag && !q.Match(got.Version) {
			t.Fatalf("%s does not satisfy %s", got.Version, q)
		}
		if got.Version == current || current == "" {
			return
		}
		if q.Kind() != version.Tag && q.Match(current) && slices.ContainsFunc(all, func(i version.Info) bool { return i.Version == current }) {
			t.Fatalf("%s was left for %s", current, got.Version)
		}
	})
}

func BenchmarkSelect(b *testing.B) {
	q := query(b, "^1.2")
	all := published(strings.Repeat("1.0.0 1.2.0 1.3.0-rc.1 2.0.0 1.2.1 ", 20))
	for b.Loop() {
		if _, err := version.Select(q, all, ""); err != nil {
			b.Fatal(err)
		}
	}
}
