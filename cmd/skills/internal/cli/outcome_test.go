package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/install"
)

// TestManyFoldersAtATerminal holds that a terminal is not flooded, that what is
// piped has a line for each folder, and that every folder is named in both.
func TestManyFoldersAtATerminal(t *testing.T) {
	var outcomes []install.Outcome
	for i := range 7 {
		name := fmt.Sprintf("skill-%d", i)
		outcomes = append(outcomes, install.Outcome{Name: name, Version: "1.0.0", Action: install.Installed, Targets: []install.Placement{
			{Agents: []string{"claude-code"}, Path: "/a/" + name, Status: install.Installed},
			{Agents: []string{"codex"}, Path: "/b/" + name, Status: install.Installed},
		}})
	}
	outcomes[6].Targets[1].Status = install.Unchanged // cannot be told in one line
	for _, c := range []struct {
		name         string
		tty, verbose bool
		outcomes     []install.Outcome
		lines        int
	}{
		{"many", true, false, outcomes, 8},
		{"few", true, false, outcomes[:6], 12},
		{"verbose", true, true, outcomes, 14},
		{"piped", false, false, outcomes, 14},
	} {
		var out, talk bytes.Buffer
		p := ui.New(ui.Screen{Out: &out, Err: &talk, OutTTY: c.tty, ErrTTY: c.tty, Getenv: func(string) string { return "" }})
		p.Verbose = c.verbose
		printChanges(p, c.outcomes, false)
		if err := p.Flush(); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), "\n"); n != c.lines {
			t.Errorf("%s: %d lines, want %d:\n%s", c.name, n, c.lines, &out)
		}
		said := out.String() + talk.String()
		if !strings.Contains(said, "/a") || !strings.Contains(said, "/b") {
			t.Errorf("%s: a folder is not named:\n%s", c.name, said)
		}
	}
}
