package cli

import (
	"fmt"
	"strings"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
)

// parts are what is printed: the reference, unless the message begins with it, and
// the message, without saying once more which skill was to be fetched.
func (e explained) parts() (about, message string) {
	if e.Ref == "" || strings.HasPrefix(strings.TrimLeft(e.Message, `"`), e.Ref) {
		return "", e.Message
	}
	message = e.Message
	if rest, ok := strings.CutPrefix(message, `fetch "`); ok {
		if _, why, ok := strings.Cut(rest, `": `); ok {
			message = why
		}
	}
	return ui.Cut(ui.Escape(e.Ref), 80), message
}

// lines are what is printed of several errors: a line each, but one for those that
// follow each other and differ only in what they are about.
func lines(told []explained) []string {
	const most = 3 // are named on one line
	var all []string
	for i := 0; i < len(told); {
		about, text := told[i].parts()
		abouts := []string{about}
		for i++; i < len(told) && about != ""; i++ {
			next, same := told[i].parts()
			if next == "" || same != text {
				break
			}
			abouts = append(abouts, next)
		}
		if n := len(abouts) - most; n > 1 {
			abouts = append(abouts[:most], fmt.Sprintf("and %d more", n))
		}
		if about != "" {
			text = strings.Replace(strings.Join(abouts, ", "), ", and ", " and ", 1) + ": " + text
		}
		all = append(all, text)
	}
	return all
}
