package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
)

// A person at a terminal is asked about a rename; no is the answer where nobody
// is asked, whatever --yes says.
func TestRenameIsAsked(t *testing.T) {
	renamed := []install.Outcome{{Name: "pdf", Action: install.Failed, Err: &install.RenamedError{
		Registry: "https://registry.example", From: "old", To: "new\x1b[2J",
	}}}
	for _, test := range []struct {
		answer   string
		terminal bool
		outcomes []install.Outcome
		want     bool
		asked    int
	}{
		{"y\n", true, renamed, true, 1},
		{"\n", true, renamed, false, 1},
		{"n\n", true, renamed, false, 1},
		{"y\n", false, renamed, false, 0},
		{"y\n", true, []install.Outcome{{Err: errors.New("other")}}, false, 0},
	} {
		var talk bytes.Buffer
		a := newApp(Env{Getenv: func(string) string { return "" }})
		a.ui = ui.New(ui.Screen{
			In: strings.NewReader(test.answer), Out: &bytes.Buffer{}, Err: &talk, InTTY: test.terminal, ErrTTY: test.terminal,
			Getenv: func(string) string { return "" },
		})
		a.ui.Yes = true
		got := a.mayOverwrite(request{deed: "Replace"}, test.outcomes)
		if got != test.want || a.flags.acceptRename != test.want || strings.Count(talk.String(), "Take the new name?") != test.asked {
			t.Errorf("%+v: %v\n%s", test, got, talk.String())
		}
		if strings.Contains(talk.String(), "\x1b[2J") {
			t.Errorf("a slug cleared the screen: %q", talk.String())
		}
	}
}
