package ui

import (
	"golang.org/x/term"
)

// file is what *os.File has and a buffer has not.
type file interface{ Fd() uintptr }

// IsTerminal says whether a standard stream is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(file)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width returns the columns of the terminal that stream is, or 0.
func Width(stream any) int {
	f, ok := stream.(file)
	if !ok {
		return 0
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return w
}
