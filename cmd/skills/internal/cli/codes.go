package cli

// The exit codes. They are the same for every command.
const (
	exitDone         = 0
	exitError        = 1
	exitUsage        = 2
	exitPartly       = 3
	exitUnauthorized = 4
	exitNotFound     = 5
	exitRefused      = 6
	exitDisagree     = 7
	exitUnreachable  = 8
	exitInterrupted  = 130
)

// An ExitCode is one exit code and what it means.
type ExitCode struct {
	Exit    int    `json:"exit"`
	Meaning string `json:"meaning"`
}

// ExitCodes returns all exit codes, for the documentation.
func ExitCodes() []ExitCode {
	return []ExitCode{
		{exitDone, "done, or there was nothing left to do"},
		{exitError, "error: the disk, the system, or this program"},
		{exitUsage, "the command line is wrong, or a decision is needed that a flag makes"},
		{exitPartly, "some of what was asked for is done, some is not"},
		{exitUnauthorized, "the registry wants a credential, or refused the one it got"},
		{exitNotFound, "not found, no version matches, or several skills do"},
		{exitRefused, "refused: a digest is wrong, or the artifact is unsafe or damaged"},
		{exitDisagree, "manifest, lock and disk disagree, or one of them cannot be read"},
		{exitUnreachable, "offline, unreachable, or rate limited: it may work later"},
		{exitInterrupted, "interrupted"},
	}
}

// A Code is one kind of error: its name in --json, its exit code, whether the
// same command may work later, and what it means.
type Code struct {
	Code      string `json:"code"`
	Exit      int    `json:"exit"`
	Retryable bool   `json:"retryable"`
	Meaning   string `json:"meaning"`
}

// Codes returns every kind of error, for the documentation.
func Codes() []Code {
	var codes []Code
	for _, r := range append(rules(), unknown) {
		if r.Meaning != "" {
			codes = append(codes, r.Code)
		}
	}
	return codes
}
