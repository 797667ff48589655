package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/openskills-go/skills/pkg/agent"
	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/bundle"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/manifest"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/clawhub"
	"github.com/openskills-go/skills/registry/openskills"
	"github.com/openskills-go/skills/registry/wellknown"
)

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		code string
		exit int
	}{
		{context.Canceled, "interrupted", 130},
		{&usageError{message: "no"}, "usage", 2},
		{&install.NotOursError{Name: "pdf", Path: "/x/pdf"}, "not_ours", 2},
		{&install.EditedError{Name: "pdf", Path: "/x/pdf"}, "edited", 2},
		{&install.IdentityError{Name: "pdf"}, "name_taken", 2},
		{&install.UnknownError{Name: "pdf"}, "not_installed", 5},
		{install.ErrNoLock, "no_lock", 2},
		{source.ErrNotFound, "not_found", 5},
		{source.ErrAmbiguous, "ambiguous", 5},
		{&source.NoDefaultError{}, "no_default", 2},
		{&source.MirrorError{Err: source.ErrNotFound}, "not_found", 5},
		{&source.MirrorError{Err: &transport.StalledError{}}, "stalled", 8},
		{&source.AmbiguousError{Slug: "pdf"}, "ambiguous", 5},
		{&ownersError{several: &source.AmbiguousError{Slug: "pdf"}}, "ambiguous", 5},
		{&source.OwnerError{Slug: "pdf", Have: "alice", Now: "bob"}, "owner_changed", 6},
		{&source.BlockedError{Slug: "pdf"}, "blocked", 6},
		{&install.FlaggedError{Slug: "pdf"}, "flagged", 6},
		{&install.FilesError{Name: "pdf"}, "files", 6},
		{source.ErrAuth, "unauthorized", 4},
		{source.ErrUnsupported, "unsupported", 1},
		{&version.NoMatchError{}, "no_match", 5},
		{&version.YankedError{Version: "1.0.0"}, "yanked", 5},
		{&install.HiddenTextError{File: "SKILL.md", Findings: []skill.Hidden{{}}}, "hidden_text", 6},
		{&digest.MismatchError{}, "digest", 6},
		{&install.VersionBytesError{}, "version_changed", 6},
		{&archive.LimitError{Flag: "--max-file"}, "too_large", 6},
		{&archive.RootError{Candidates: []string{"a", "b"}}, "several_skills", 6},
		{&archive.UnsafeError{Why: "is a link"}, "unsafe", 6},
		{&archive.FormatError{Why: "a web page"}, "bad_artifact", 6},
		{&folderError{path: "v/pdf", err: source.ErrUnsupported}, "not_found", 5},
		{&nearError{near: []string{"pdf"}, err: source.ErrNotFound}, "not_found", 5},
		{&pageError{slug: "pdf", registry: "http://host", err: &archive.FormatError{Why: "a web page"}}, "bad_artifact", 6},
		{&outputError{done: "installed", err: syscall.ENOSPC}, "output", 1},
		{&agent.OverrideError{ID: "x"}, "bad_config", 2},
		{&bundle.FormatError{Why: "it is too short"}, "bad_bundle", 6},
		{&bundle.NewerError{Have: 2, Know: 1}, "bundle_newer", 6},
		{&bundle.SizeError{}, "too_large", 6},
		{&install.NotBundledError{Name: "pdf"}, "not_bundled", 5},
		{&skill.SyntaxError{}, "bad_skill", 6},
		{&lockfile.ConflictError{Line: 3}, "lock_conflict", 7},
		{&lockfile.MarkerError{Line: 3}, "lock_conflict", 7},
		{&lockfile.ClashError{Name: "pdf"}, "lock_conflict", 7},
		{&lockfile.MixedError{Names: []string{"pdf"}}, "lock_conflict", 7},
		{&lockfile.DigestError{Name: "pdf"}, "version_changed", 6},
		{&lockfile.SideError{Side: lockfile.Ours, Err: &lockfile.SyntaxError{}}, "bad_lock", 7},
		{&manifest.ConflictError{Line: 3}, "manifest_conflict", 7},
		{&lockfile.NewerError{}, "lock_newer", 7},
		{&lockfile.SyntaxError{}, "bad_lock", 7},
		{lockfile.ErrEmpty, "bad_lock", 7},
		{&transport.OfflineError{}, "offline", 8},
		{&transport.StalledError{}, "stalled", 8},
		{&transport.StatusError{Status: 500}, "bad_answer", 8},
		{&transport.WaitError{Err: &transport.StatusError{Status: 429}}, "rate_limited", 8},
		{&transport.NetworkError{Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}, "unreachable", 8},
		{&transport.NetworkError{Err: &net.DNSError{Name: "nosuch.example"}}, "dns", 8},
		{&openskills.AnswerError{Status: 404, Err: source.ErrNotFound}, "not_found", 5},
		{&openskills.AnswerError{Status: 200, Err: transport.ErrWebPage}, "web_page", 8},
		{&openskills.AnswerError{Status: 200}, "bad_answer", 8},
		{&wellknown.SchemaError{}, "bad_answer", 8},
		{&wellknown.IndexError{}, "bad_answer", 8},
		{&wellknown.NotListedError{Near: []string{"pdf"}}, "not_found", 5},
		{&wellknown.NoIndexError{Root: "https://a.example"}, "not_found", 5},
		{wellknown.ErrURL, "bad_address", 2},
		{&clawhub.AnswerError{Status: 404, Err: source.ErrNotFound}, "not_found", 5},
		{&clawhub.AnswerError{Status: 200}, "bad_answer", 8},
		{&undetectedError{err: &clawhub.AnswerError{Status: 200}}, "bad_answer", 8},
		{&undetectedError{err: &transport.StalledError{}}, "stalled", 8},
		{&undetectedError{err: &transport.WaitError{Err: &transport.StatusError{Status: 429}}}, "rate_limited", 8},
		{&undetectedError{err: &transport.StatusError{Status: 401}}, "unauthorized", 4},
		{&undetectedError{err: &transport.StatusError{Status: 401, Token: true}}, "token_refused", 4},
		{&undetectedError{err: &transport.ContentError{Err: transport.ErrWebPage}}, "web_page", 8},
		{&clawhub.EndpointError{Status: 404}, "no_endpoint", 8},
		{clawhub.ErrURL, "bad_address", 2},
		{&fs.PathError{Op: "write", Path: "/x", Err: syscall.ENOSPC}, "disk_full", 1},
		{&fs.PathError{Op: "open", Path: "/x", Err: syscall.EROFS}, "read_only", 1},
		{&fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, "permission", 1},
		{&fs.PathError{Op: "open", Path: "/x", Err: syscall.ENOENT}, "no_such_file", 5},
		{errors.New("something else"), "error", 1},
	} {
		for _, err := range []error{c.err, fmt.Errorf("install pdf: %w", c.err), errors.Join(c.err, errors.New("close"))} {
			got := explain(fault{err: err})
			if got.Code != c.code || got.exit != c.exit {
				t.Errorf("explain(%T %v) = %s, exit %d; want %s, exit %d", c.err, err, got.Code, got.exit, c.code, c.exit)
			}
		}
	}
}

// TestRulesAgree holds that a code has one exit code and one meaning, wherever
// it stands in the table.
func TestRulesAgree(t *testing.T) {
	exits := map[int]bool{}
	for _, e := range ExitCodes() {
		exits[e.Exit] = true
	}
	meaning := map[string]Code{}
	for _, c := range Codes() {
		if _, ok := meaning[c.Code]; ok {
			t.Errorf("%s has two meanings", c.Code)
		}
		meaning[c.Code] = c
	}
	for _, r := range rules() {
		c, ok := meaning[r.Code.Code]
		switch {
		case !ok:
			t.Errorf("%s has no meaning", r.Code.Code)
		case c.Exit != r.Exit || c.Retryable != r.Retryable:
			t.Errorf("%s is exit %d and exit %d, or retryable and not", r.Code.Code, c.Exit, r.Exit)
		case !exits[r.Exit]:
			t.Errorf("%s has exit %d, which is not documented", r.Code.Code, r.Exit)
		}
	}
}

func TestMessageIsShortAndSafe(t *testing.T) {
	got := message(errors.New("bad\x1b[2J\nname " + strings.Repeat("長", 1000)))
	if len(got) > maxMessage || strings.ContainsAny(got, "\x1b\n") {
		t.Errorf("message of %d bytes: %.100q", len(got), got)
	}
}

func TestJudge(t *testing.T) {
	notFound, offline := fault{err: source.ErrNotFound}, fault{err: transport.ErrOffline}
	for _, c := range []struct {
		name   string
		faults []fault
		done   int
		want   int
	}{
		{"all done", nil, 2, 0},
		{"nothing to do", nil, 0, 0},
		{"all failed alike", []fault{notFound, notFound}, 0, 5},
		{"all failed differently", []fault{notFound, offline}, 0, 1},
		{"partly", []fault{notFound}, 1, 3},
	} {
		a := newApp(Env{Getenv: func(string) string { return "" }})
		if got, _ := a.judge(&answer{faults: c.faults, done: c.done}); got != c.want {
			t.Errorf("%s: exit code %d, want %d", c.name, got, c.want)
		}
	}
}

func TestMessageOfAMissingFile(t *testing.T) {
	_, err := os.Open("/no/such/file")
	if got, want := message(fmt.Errorf("read bundle: %w", err)), "read bundle: /no/such/file is not there"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLines holds that a registry that is down is told once, and not once a skill.
func TestLines(t *testing.T) {
	down := func(ref, slug string) explained {
		return explained{Ref: ref, Message: fmt.Sprintf("fetch %q: get host: refused", slug)}
	}
	for _, c := range []struct {
		told []explained
		want string
	}{
		{[]explained{down("a", "a")}, "a: get host: refused"},
		{[]explained{down("pdf@^1", "pdf")}, "pdf@^1: get host: refused"},
		{[]explained{down("a", "a"), down("b", "b")}, "a, b: get host: refused"},
		{[]explained{down("a", "a"), down("b", "b"), down("c", "c"), down("d", "d"), down("e", "e")}, "a, b, c and 2 more: get host: refused"},
		{[]explained{down("a", "a"), down("b", "b"), down("c", "c"), down("d", "d")}, "a, b, c, d: get host: refused"},
		{[]explained{down("a", "a"), {Ref: "b", Message: "gone"}, down("c", "c")}, "a: get host: refused\nb: gone\nc: get host: refused"},
		{[]explained{down("a", "z")}, "a: get host: refused"},
		{[]explained{{Message: "no"}, {Message: "no"}}, "no\nno"},
	} {
		if got := strings.Join(lines(c.told), "\n"); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
