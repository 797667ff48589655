package cli

import (
	"slices"
	"strings"
	"testing"
)

// TestCommandNames holds that the list of commands calls each by the names that
// it gives itself: the fast way in must find what the slow one finds.
func TestCommandNames(t *testing.T) {
	a := newApp(Env{Getenv: func(string) string { return "" }})
	all := a.root("").Commands()
	if len(all) < 15 {
		t.Fatalf("%d commands", len(all))
	}
	for _, c := range all {
		for _, name := range append([]string{c.Name()}, c.Aliases...) {
			built := a.commands(name)
			if len(built) != 1 {
				t.Errorf("%s builds %d commands", name, len(built))
				continue
			}
			got := built[0]()
			if got.Name() != c.Name() || !slices.Equal(got.Aliases, c.Aliases) {
				t.Errorf("%s builds %s %v", name, got.Name(), got.Aliases)
			}
		}
	}
	for _, first := range []string{"", "--json", "help", "__complete", "nosuch", "add i"} {
		if n := len(a.commands(first)); n != len(all) {
			t.Errorf("%q builds %d commands of %d", first, n, len(all))
		}
	}
	if strings.Contains(a.root("version").UsageString(), "Install skills") {
		t.Error("version builds install")
	}
}
