package git

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// A GitMissingError says that there is no git that can be used. It matches
// source.ErrUnsupported.
type GitMissingError struct {
	Version string // of the one that is there and too old; "" if none is
	Err     error  // why the one that is there does not start, or nil
}

func (e *GitMissingError) Error() string {
	switch {
	case e.Err != nil:
		return "git does not work: " + e.Err.Error()
	case e.Version != "":
		return fmt.Sprintf("git %.40q is older than 2.32 and cannot be used", e.Version)
	}
	return "git is not installed"
}

func (e *GitMissingError) Unwrap() error { return e.Err }

// Is makes a GitMissingError match source.ErrUnsupported.
func (*GitMissingError) Is(target error) bool { return target == source.ErrUnsupported }

// A ManyError says that a repository has several skills where one was asked for.
// It matches source.ErrAmbiguous.
type ManyError struct {
	Repo   string
	Skills []string // their folders, sorted: untrusted
}

func (e *ManyError) Error() string {
	return fmt.Sprintf("%.200q has %d skills: %s", e.Repo, len(e.Skills), listed(e.Skills))
}

// Is makes a ManyError match source.ErrAmbiguous.
func (*ManyError) Is(target error) bool { return target == source.ErrAmbiguous }

// A FolderError says that a folder of a repository is not there, or holds no
// SKILL.md. It matches source.ErrNotFound.
type FolderError struct {
	Repo   string
	Subdir string   // "" is the whole repository
	Skills []string // folders of the repository that are skills: untrusted
}

func (e *FolderError) Error() string {
	if e.Subdir == "" {
		return fmt.Sprintf("%.200q holds no SKILL.md", e.Repo)
	}
	text := fmt.Sprintf("%.200q has no skill in the folder %.200q", e.Repo, e.Subdir)
	if len(e.Skills) > 0 {
		text += "; its skills are " + listed(e.Skills)
	}
	return text
}

// Is makes a FolderError match source.ErrNotFound.
func (*FolderError) Is(target error) bool { return target == source.ErrNotFound }

// listed quotes the first ten of names.
func listed(names []string) string {
	const most = 10
	var b strings.Builder
	for i, name := range names[:min(len(names), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		if name == "" {
			name = "."
		}
		fmt.Fprintf(&b, "%.100q", name)
	}
	if len(names) > most {
		fmt.Fprintf(&b, " and %d more", len(names)-most)
	}
	return b.String()
}

// A RevError says that a repository has no such branch, tag or commit. It matches
// source.ErrNotFound.
type RevError struct {
	Repo string
	Rev  string
	Why  string
}

func (e *RevError) Error() string {
	return fmt.Sprintf("%.200q: %.80q %s", e.Repo, e.Rev, e.Why)
}

// Is makes a RevError match source.ErrNotFound.
func (*RevError) Is(target error) bool { return target == source.ErrNotFound }

// A MovedError says that the server of a repository sends whoever asks for it to
// another host. That host was not asked.
type MovedError struct{ Repo, To string }

func (e *MovedError) Error() string {
	if e.To == "" {
		return fmt.Sprintf("%.200q has moved", e.Repo)
	}
	return fmt.Sprintf("%.200q has moved to %.200q", e.Repo, e.To)
}

// A PointerError says that a file of a skill is kept by Git LFS, outside of the
// repository.
type PointerError struct{ Path string }

func (e *PointerError) Error() string {
	return fmt.Sprintf("the repository has only a Git LFS pointer instead of %.200q", e.Path)
}

// Is makes a PointerError match source.ErrUnsupported.
func (*PointerError) Is(target error) bool { return target == source.ErrUnsupported }

// A CommandError says in git's words why it failed. It matches source.ErrNotFound
// or source.ErrAuth where the words say so.
type CommandError struct {
	Op, Repo string // ls-remote, fetch, …
	Text     string // one line, without credentials: untrusted
	Err      error  // the sentinel, or what the process ended with
}

func (e *CommandError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("git %s of %.200q: %v", e.Op, e.Repo, e.Err)
	}
	return fmt.Sprintf("git %s of %.200q: %.300q", e.Op, e.Repo, e.Text)
}

func (e *CommandError) Unwrap() error { return e.Err }

// What only repo looks at.
var (
	errRefused  = errors.New("the server does not hand out commits by their id")
	errRedirect = errors.New("the server redirects")
	errDumb     = errors.New("the server cannot leave out history")
)

// failure makes an error of what git said before it failed.
func (s *Source) failure(c command, stderr string, ended error) error {
	lines := lines(stderr)
	text := ""
	for _, line := range lines {
		// The first complaint is the cause; what follows is of those who depended on it.
		for _, prefix := range []string{"fatal: ", "error: ", "ERROR: "} {
			if rest, ok := strings.CutPrefix(line, prefix); ok && text == "" {
				text = rest
			}
		}
	}
	if text == "" && len(lines) > 0 {
		text = lines[len(lines)-1]
	}
	e := &CommandError{Op: c.args[0], Repo: c.url, Text: text, Err: ended}
	if c.protocols == "" {
		return e
	}
	all := strings.ReplaceAll(strings.Join(lines, "\n"), strings.TrimPrefix(c.url, "file://"), "") // its words are not git's
	for _, known := range []struct {
		err   error
		words []string
	}{
		{archive.ErrUnsafe, []string{"fsck error", "invalid path", "disallowed"}},
		{errRedirect, []string{"returned error: 301", "returned error: 302", "returned error: 303", "returned error: 307", "returned error: 308"}},
		{errRefused, []string{"not our ref", "unadvertised object", "no such remote ref", "couldn't find remote ref"}},
		{errDumb, []string{"dumb http transport does not support"}},
		{source.ErrAuth, []string{"could not read Username", "could not read Password", "Authentication failed", "Permission denied", "returned error: 401", "returned error: 403"}},
		{source.ErrNotFound, []string{"does not appear to be a git repository", "Repository not found", "' not found", "does not exist", "returned error: 404", "returned error: 410"}},
		{errNetwork, []string{
			"Could not resolve", "Failed to connect", "Connection refused", "timed out", "Network is unreachable",
			"No route to host", "certificate", "SSL", "TLS", "Connection reset", "Empty reply from server", "returned error: 5", "returned error: 429",
		}},
	} {
		for _, words := range known.words {
			if !strings.Contains(all, words) {
				continue
			}
			e.Err = known.err
			if errors.Is(known.err, errNetwork) {
				return &transport.NetworkError{URL: c.url, Err: errors.New(text)}
			}
			if errors.Is(known.err, archive.ErrUnsafe) {
				return &archive.UnsafeError{Why: fmt.Sprintf("is refused by git: %.200q", text)}
			}
			return e
		}
	}
	return e
}

var errNetwork = errors.New("network")

// lines returns what git said, without the progress, without what it says in the
// name of the server, and without credentials.
func lines(stderr string) []string {
	userinfo := regexp.MustCompile(`://[^/\s'"]*@`)
	var said []string
	for line := range strings.FieldsFuncSeq(stderr, func(c rune) bool { return c == '\n' || c == '\r' }) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "remote: ") && !strings.HasPrefix(line, "remote: Repository not found") {
			continue
		}
		said = append(said, userinfo.ReplaceAllString(line, "://...@"))
	}
	return said
}
