package ui

// A style is the number of an SGR sequence.
type style string

const (
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

// coloured says whether talk may be coloured; data is where it also goes to a
// terminal.
func (p *Printer) coloured(tty bool) bool {
	return tty && p.screen.Getenv("NO_COLOR") == "" && p.screen.Getenv("TERM") != "dumb"
}

func (p *Printer) paint(s style, text string) string {
	if !p.coloured(p.screen.ErrTTY) {
		return text
	}
	return wrap(s, text)
}

func (p *Printer) paintOut(s style, text string) string {
	if !p.coloured(p.screen.OutTTY) {
		return text
	}
	return wrap(s, text)
}

func wrap(s style, text string) string { return "\x1b[" + string(s) + "m" + text + "\x1b[0m" }

// Bold marks talk that matters.
func (p *Printer) Bold(text string) string { return p.paint(bold, text) }

// Dim marks talk that matters less.
func (p *Printer) Dim(text string) string { return p.paint(dim, text) }

// Good marks data that is as it should be.
func (p *Printer) Good(text string) string { return p.paintOut(green, text) }

// Bad marks data that should not be so.
func (p *Printer) Bad(text string) string { return p.paintOut(red, text) }

// Unsure marks data that wants attention.
func (p *Printer) Unsure(text string) string { return p.paintOut(yellow, text) }

// Faint marks data that matters less.
func (p *Printer) Faint(text string) string { return p.paintOut(dim, text) }

// Strong marks data that matters more.
func (p *Printer) Strong(text string) string { return p.paintOut(bold, text) }
