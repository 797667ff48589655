package cli

import (
	"errors"
	"strings"
)

// An outputError says that standard output could not be written.
type outputError struct {
	done string // to the skills all the same: "installed"; "" for nothing
	err  error
}

func (e *outputError) Error() string {
	text := "output could not be written: " + strings.TrimPrefix(e.err.Error(), "write standard output: ")
	if e.done != "" {
		text += "; the skills are " + e.done
	}
	return text
}

func (e *outputError) Unwrap() error { return e.err }

// A findingError says how much a command found that should not be so. What it
// is in particular the command prints.
type findingError struct{ code, message, hint string }

func (e *findingError) Error() string { return e.message }

// found matches the findings of one code.
func found(code string) func(error) (string, bool) {
	return func(err error) (string, bool) {
		e, ok := errors.AsType[*findingError](err)
		return hintOf(e), ok && e.code == code
	}
}

func hintOf(e *findingError) string {
	if e == nil {
		return ""
	}
	return e.hint
}

// A disagreeError says that something on disk is not as the lock says.
type disagreeError struct {
	message string
	hint    string
}

func (e *disagreeError) Error() string { return e.message }
