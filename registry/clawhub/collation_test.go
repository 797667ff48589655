package clawhub

import (
	"strings"
	"testing"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"pgregory.net/rapid"
)

// The order of ASCII is that of the whole collation.
func TestCompareLocale(t *testing.T) {
	order := collate.New(language.Und)
	for c := rune(' '); c < 0x7f; c++ {
		if isForeign(c) {
			t.Errorf("%q is not in the table", c)
		}
	}
	text := rapid.StringOfN(rapid.SampledFrom([]rune(collation)), 0, 6, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		if rapid.Bool().Draw(t, "case") {
			b = strings.ToUpper(a)
		}
		if got, want := compareLocale(a, b), order.CompareString(a, b); got != want {
			t.Fatalf("compareLocale(%q, %q) = %d, want %d", a, b, got, want)
		}
	})
}
