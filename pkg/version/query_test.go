package version_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/openskills-go/skills/pkg/version"
)

func TestParseQuery(t *testing.T) {
	for _, c := range []struct {
		in   string
		kind version.Kind
		text string
	}{
		{"", version.Any, ""},
		{" \t", version.Any, ""},
		{"*", version.Any, ""},
		{"x", version.Any, ""},
		{"X.*", version.Any, ""},
		{"1.2.3", version.Exact, "1.2.3"},
		{"v1.2.3", version.Exact, "1.2.3"},
		{"=1.2.3", version.Exact, "1.2.3"},
		{" = v1.2.3 ", version.Exact, "1.2.3"},
		{"1.0.0-rc.1+build", version.Exact, "1.0.0-rc.1+build"},
		{"0.0.0-t97d6280ae7c9", version.Exact, "0.0.0-t97d6280ae7c9"},
		{"1", version.Constraint, "1"},
		{"v1", version.Constraint, "1"},
		{"1.2", version.Constraint, "1.2"},
		{"=1.2", version.Constraint, "1.2"},
		{"1.x", version.Constraint, "1.x"},
		{"1.2.X", version.Constraint, "1.2.x"},
		{"1.*", version.Constraint, "1.x"},
		{"^1.2", version.Constraint, "^1.2"},
		{"~1.2", version.Constraint, "~1.2"},
		{">=1 <3", version.Constraint, ">=1 <3"},
		{">= 1,  < 3", version.Constraint, ">=1 <3"},
		{"1.2 - 1.4.5", version.Constraint, ">=1.2 <=1.4.5"},
		{"^1||^3", version.Constraint, "^1 || ^3"},
		{"1.2.3 || 1.3.0", version.Constraint, "=1.2.3 || =1.3.0"},
		{">0.9 !=1.2.3", version.Constraint, ">0.9 !=1.2.3"},
		{"latest", version.Tag, "latest"},
		{"feature/tables_2", version.Tag, "feature/tables_2"},
		{"2024.01.05", version.Tag, "2024.01.05"},
		{"1x", version.Tag, "1x"},
		{"1.2.3.4", version.Tag, "1.2.3.4"},
		{"8f14e45fceea167a5a36dedd4bea2543f1a3c9b1", version.Tag, "8f14e45fceea167a5a36dedd4bea2543f1a3c9b1"},
	} {
		q, err := version.ParseQuery(c.in)
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
			continue
		}
		if q.Kind() != c.kind || q.String() != c.text {
			t.Errorf("%q is %v %q, want %v %q", c.in, q.Kind(), q, c.kind, c.text)
		}
	}
}

func TestParseQueryRefuses(t *testing.T) {
	for _, s := range []string{
		"-rf", "--upload-pack=x", ".", "..", "a..b", "/a", "a/", "a//b", "_a", "a@b", "a b", "a\x00b", "a\nb", "\xff", "é", "a\\b", "a:b", "$(x)",
		"^", ">", "^latest", ">=1 <", "||", "1 ||", "|| 1", "1 | 2", "1|2", "^1x", "==1.2.3", "=>1", "~>1", "<>1", "^*", ">*", "!=x", "^1.2.3.4",
		">=01", "1.x.3 <2", "^1.2-rc", ",", " , ", "1 - ", "0 - X", "* - 1", "- 1", "^1 - ^2", "1 - 2 -", ">=18446744073709551616",
		strings.Repeat("a", 201), strings.Repeat("1 ", 200), strings.Repeat("1||", 33) + "1",
	} {
		q, err := version.ParseQuery(s)
		if _, ok := errors.AsType[*version.QueryError](err); !ok {
			t.Errorf("%q is %v %q, %v", s, q.Kind(), q, err)
			continue
		}
		if text := err.Error(); strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) || len(text) > 400 {
			t.Errorf("%q: the error cannot be printed: %q", s, text)
		}
	}
}

// Each line: a query, the versions it accepts, and the ones it does not.
func TestMatch(t *testing.T) {
	for _, c := range []struct{ query, yes, no string }{
		{"", "0.0.1 1.2.3 2.0.0+build 0.0.0-t97d6280ae7c9 2024-01-05", "1.0.0-rc.1 0.0.0-t97d6280ae7cg 0.0.0-t97d6280ae7c 0.0.0-tx"},
		{"1.2.3", "1.2.3 1.2.3+build", "1.2.4 1.2.3-rc.1 v1.2.3 1.2.30"},
		{"1.2.3+a", "1.2.3+a", "1.2.3 1.2.3+b"},
		{"1.0.0-rc.1", "1.0.0-rc.1", "1.0.0 1.0.0-rc.2"},
		{"1", "1.0.0 1.9.9", "0.9.0 2.0.0 1.0.0-rc.1 2.0.0-rc.1"},
		{"1.2.x", "1.2.0 1.2.9", "1.1.9 1.3.0"},
		{"^1.2", "1.2.0 1.9.0", "1.1.9 2.0.0 2.0.0-rc.1 1.3.0-rc.1 latest"},
		{"^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0 1.0.0"},
		{"^0.0.3", "0.0.3", "0.0.4 0.1.0"},
		{"^0", "0.0.0 0.9.0", "1.0.0"},
		{"^0.0", "0.0.0 0.0.9", "0.1.0"},
		{"~1.2", "1.2.0 1.2.9", "1.3.0 1.1.0"},
		{"~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"},
		{"~1", "1.0.0 1.9.0", "2.0.0 0.9.0"},
		{"~0.0.0", "0.0.0 0.0.9", "0.1.0 1.0.0 9.0.0"},
		{">=1 <3", "1.0.0 2.9.9", "0.9.9 3.0.0 3.0.0-rc.1"},
		{">1", "2.0.0", "1.0.0 1.9.9"},
		{"<=1.2", "0.1.0 1.2.9", "1.3.0"},
		{">1.2.3", "1.2.4", "1.2.3 1.2.3+build"},
		{"!=1.2.3", "1.2.4 0.1.0", "1.2.3"},
		{"1.2 - 1.4", "1.2.0 1.4.9", "1.1.9 1.5.0"},
		{"^1 || ^3", "1.5.0 3.5.0", "2.0.0 4.0.0"},
		// A prerelease is asked for by naming one of the same version.
		{"^1.2.0-rc.1", "1.2.0-rc.1 1.2.0-rc.2 1.2.0 1.3.0", "1.2.0-beta 1.3.0-rc.1 2.0.0-rc.1"},
		{">=1.0.0-0 <2", "1.0.0-alpha 1.0.0", "2.0.0-alpha 1.1.0-alpha"},
		{">=1.0.0 <2.0.0-0", "1.0.0 1.9.9", "2.0.0-alpha 2.0.0 1.0.0-alpha"},
		{">=0", "0.0.0 1.0.0", "0.0.0-t97d6280ae7c9"},
		{"latest", "", "latest 1.0.0"},
	} {
		q, err := version.ParseQuery(c.query)
		if err != nil {
			t.Errorf("%q: %v", c.query, err)
			continue
		}
		for v := range strings.FieldsSeq(c.yes) {
			if !q.Match(v) {
				t.Errorf("%q does not match %s", c.query, v)
			}
		}
		for v := range strings.FieldsSeq(c.no) {
			if q.Match(v) {
				t.Errorf("%q matches %s", c.query, v)
			}
		}
	}
}

// What a comparator says about releases is what Compare says.
func TestMatchAgreesWithCompare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		releases := rapid.StringMatching(`[0-3]\.[0-3]\.[0-3]`)
		a, b, v := releases.Draw(t, "a"), releases.Draw(t, "b"), releases.Draw(t, "v")
		q, err := version.ParseQuery(">=" + a + " <" + b)
		if err != nil {
			t.Fatal(err)
		}
		want := version.Compare(v, a) >= 0 && version.Compare(v, b) < 0
		if got := q.Match(v); got != want {
			t.Fatalf("%q matches %s: %v, want %v", q, v, got, want)
		}
	})
}

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{
		"", "*", "1.2.3", "v1", "^1.2", ">=1 <3", "1.2 - 1.4", "^1 || ^3", "latest", "a/b", "=1.2.3-rc.1+b", "~0.0.0-a", "x.x", "-rf", "\xff", "1 | 2", "!=1.x",
	} {
		f.Add(s, "1.2.3")
	}
	f.Fuzz(func(t *testing.T, s, v string) {
		q, err := version.ParseQuery(s)
		if err != nil {
			return
		}
		again, err := version.ParseQuery(q.String())
		if err != nil || again != q {
			t.Errorf("%q is %v %q, which is read as %v %q, %v", s, q.Kind(), q, again.Kind(), again, err)
		}
		if strings.ContainsAny(q.String(), "@\x00\n\\:") || strings.HasPrefix(q.String(), "-") {
			t.Errorf("%q cannot stand in a reference", q)
		}
		if q.Kind() == version.Exact && !q.Match(q.String()) {
			t.Errorf("%q does not match itself", q)
		}
		if q.Match(v) && q.Kind() == version.Constraint && !version.Valid(v) {
			t.Errorf("%q matches %q", q, v)
		}
	})
}
