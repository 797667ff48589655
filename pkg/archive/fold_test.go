package archive

import (
	"testing"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

// Whatever two names the cases package takes for one are one here, and no others
// but those in Cherokee, whose two cases it swaps instead of making one of them.
func TestCaselessIsFullCaseFolding(t *testing.T) {
	theirs := func(s string) string { return norm.NFC.String(cases.Fold().String(norm.NFD.String(s))) }
	ours := func(s string) string { return string(appendCaseless(nil, s)) }
	byTheirs, byOurs := map[string]string{}, map[string]string{}
	check := func(fatal func(string, ...any), s string) {
		a, b := theirs(s), ours(s)
		for _, m := range []struct {
			seen     map[string]string
			key, val string
		}{{byTheirs, a, b}, {byOurs, b, a}} {
			if old, ok := m.seen[m.key]; ok && old != m.val {
				fatal("%+q folds to %+q, and to %+q with the cases package, and what folds alike by one of them does not by the other", s, b, a)
			}
			m.seen[m.key] = m.val
		}
	}
	var odd []rune                 // those for which there is more to do than lower case
	for r := range rune(0x20000) { // beyond, nothing has a case
		s := string(r)
		if unicode.Is(unicode.Cherokee, r) {
			if upper := string(unicode.ToUpper(r)); ours(s) != ours(upper) {
				t.Errorf("%+q folds to %+q, and %+q to %+q", s, ours(s), upper, ours(upper))
			}
			continue
		}
		check(t.Fatalf, s)
		if theirs(s) != s || len(norm.NFD.String(s)) > len(s) || norm.NFD.PropertiesString(s).CCC() > 0 {
			odd = append(odd, r)
		}
	}
	if len(odd) < 1000 {
		t.Fatalf("only %d characters fold", len(odd))
	}
	// Marks that follow a character may change places, or become one with it.
	rapid.Check(t, func(t *rapid.T) {
		check(t.Fatalf, string(rapid.SliceOfN(rapid.SampledFrom(odd), 2, 6).Draw(t, "name")))
	})
}
