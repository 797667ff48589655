package spelling

import (
	"slices"
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"install", "init", "info", "list", "registry", "registries", "max-wait"}
	for word, want := range map[string][]string{
		"instal":                    {"install"},
		"INSTALL":                   {"install"},
		"isntall":                   {"install"},
		"regist":                    {"registry", "registries"},
		"in":                        {"info", "init"},
		"lsit":                      {"list"},
		"max_wait":                  {"max-wait"},
		"i":                         nil,
		"":                          nil,
		"wholly-other":              nil,
		strings.Repeat("list", 1e4): nil,
	} {
		got := Nearest(word, known, 2)
		slices.Sort(got)
		want = slices.Sorted(slices.Values(want))
		if !slices.Equal(got, want) {
			t.Errorf("%.20q: got %q, want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "axc", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
	} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%q, %q: got %d, want %d", test.a, test.b, got, test.want)
		}
		if got := distance(test.b, test.a); got != test.want {
			t.Errorf("%q, %q: got %d, want %d", test.b, test.a, got, test.want)
		}
	}
}
