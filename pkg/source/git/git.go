// Package git obtains skills from git repositories. It drives the git of the
// machine, inside a fence: git is given its arguments and its whole environment by
// us, asks nobody for a password, reads no configuration but ours, and never has
// a work tree, so that no hook, filter, submodule or link of a repository comes
// into being. A repository is fetched without its history; the files of a skill
// are read out of git's own objects, so that no attribute changes them, and are
// packed as those of a folder are.
//
// Where git is not installed, the archives that well-known hosts make of a commit
// stand in for it.
package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/internal/room"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
)

// DefaultStall is how long git may show no progress.
const DefaultStall = 30 * time.Second

// DefaultEager is enough for most repositories of skills.
const DefaultEager = 16 << 20

// Options configure a Source. The zero value has no environment, and so finds
// no git.
type Options struct {
	// Env is the environment of the process, as os.Environ returns it. What git
	// needs for keys, proxies and certificates is taken from it, and nothing else.
	Env []string
	// Git is the path of the program; "" is the git in the PATH of Env.
	Git string
	// Dir is the folder in which repositories are kept until Close; what runs that
	// were killed left there is deleted. "" is that of the system for such, where
	// nothing is; so is one that cannot be written.
	Dir string
	// Client asks where a repository moved to, and transfers archives. Without one
	// neither is done.
	Client *transport.Client
	// Archives takes the archive that a host makes of a commit instead of asking
	// git, wherever Hosts has one. It is done anyway where git is missing.
	Archives bool
	// Hosts are those that make archives; nil is DefaultHosts.
	Hosts   []Host
	Offline bool          // every repository that is not on this machine is a transport.OfflineError
	Stall   time.Duration // 0 is DefaultStall
	// Eager is how many bytes of a repository are fetched in the hope that this is
	// all of it. Beyond, it is begun anew without its files, which are then fetched
	// as they are needed. 0 is DefaultEager; if it is negative, all begins so.
	Eager int64
	// Limits bound a skill as they bound an archive; what is fetched of a
	// repository may be four times as large as an artifact.
	Limits archive.Limits
}

// A Source obtains skills from git repositories. It serves one run: what it
// learned of a repository it does not ask again, and all skills of one commit
// are one fetch. Its methods may be called at once.
type Source struct {
	o   Options
	env environment

	mu    sync.Mutex
	room  *room.Room       // of the repositories; nil while there is none
	repos map[string]*repo // by URL
	tool  func() (string, error)
}

// New returns a Source. It starts nothing.
func New(o Options) *Source {
	s := &Source{o: o, env: newEnvironment(o.Env), repos: make(map[string]*repo)}
	l, defaults := &s.o.Limits, archive.DefaultLimits()
	l.Download, l.Unpacked = cmp.Or(l.Download, defaults.Download), cmp.Or(l.Unpacked, defaults.Unpacked)
	l.File, l.Entries = cmp.Or(l.File, defaults.File), cmp.Or(l.Entries, defaults.Entries)
	if s.o.Stall <= 0 {
		s.o.Stall = DefaultStall
	}
	s.o.Eager = cmp.Or(s.o.Eager, DefaultEager)
	if s.o.Hosts == nil {
		s.o.Hosts = DefaultHosts()
	}
	s.tool = sync.OnceValues(s.findGit)
	return s
}

// Close deletes the repositories that were fetched. The Source can still be used,
// and must then be closed again.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.room
	s.room, s.repos = nil, make(map[string]*repo)
	if held == nil {
		return nil
	}
	if err := held.Close(); err != nil {
		return fmt.Errorf("delete repositories: %w", err)
	}
	return nil
}

// repoOf returns the repository that r is about.
func (s *Source) repoOf(r ref.Ref) (*repo, error) {
	if r.Kind != ref.Git {
		return nil, source.ErrUnsupported
	}
	// A lock can be edited by hand; what git is given was always parsed by us. With
	// a Rev an @ in the folder is one.
	place := ref.Ref{Kind: ref.Git, URL: r.URL, Subdir: r.Subdir, Rev: "x"}
	if again, err := ref.Parse(place.String()); err != nil || again != place {
		return nil, fmt.Errorf("read reference: %.200q is no git repository: %w", r.String(), source.ErrUnsupported)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.repos[r.URL]
	if p == nil {
		p = newRepo(s, r.URL)
		s.repos[r.URL] = p
	}
	return p, nil
}

// Versions lists the tags of a repository that are versions of the skill. It is
// ErrUnsupported if it has none.
func (s *Source) Versions(ctx context.Context, r ref.Ref) ([]version.Info, error) {
	p, err := s.repoOf(r)
	if err != nil {
		return nil, err
	}
	refs, err := p.refs(ctx)
	if err != nil {
		return nil, err
	}
	tags := refs.versions(r)
	if len(tags) == 0 {
		return nil, fmt.Errorf("list versions of %s: no tag is one: %w", p.url, source.ErrUnsupported)
	}
	return infosOf(tags), nil
}

// Resolve asks the repository which commit r means. A branch or tag is looked for
// as git does, tags first; a commit in full is not looked for. Without any it is
// the branch that the repository shows first (HEAD).
func (s *Source) Resolve(ctx context.Context, r ref.Ref, current string) (source.Pin, error) {
	p, err := s.repoOf(r)
	if err != nil {
		return source.Pin{}, err
	}
	pin := source.Pin{Ref: r, Slug: slugOf(r), Trust: source.FirstUse}
	pin.URL = ref.Ref{Kind: ref.Git, URL: r.URL, Subdir: r.Subdir}.String()
	if isCommit(r.Rev) {
		pin.Revision = strings.ToLower(r.Rev)
		return pin, ctx.Err()
	}
	refs, err := p.refs(ctx)
	if err != nil {
		return source.Pin{}, err
	}
	pin.Revision, pin.Version, err = refs.pick(r, current)
	if err != nil {
		return source.Pin{}, err
	}
	return pin, nil
}

// Fetch packs the skill as the commit of p has it. That the commit is still what
// the reference means does not matter.
func (s *Source) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	r := p.Ref
	if r == (ref.Ref{}) {
		var err error
		if r, err = ref.Parse(p.URL); err != nil {
			return source.Receipt{}, fmt.Errorf("read pin: %w", err)
		}
	}
	repo, err := s.repoOf(r)
	if err != nil {
		return source.Receipt{}, err
	}
	if !isCommit(p.Revision) {
		return source.Receipt{}, fmt.Errorf("fetch %s: %.80q is no commit in full", repo.url, p.Revision)
	}
	at, err := repo.snapshot(ctx, strings.ToLower(p.Revision))
	if err != nil {
		return source.Receipt{}, err
	}
	files, err := filesOf(ctx, at, &s.o.Limits, place{repo.url, r.Subdir})
	if err != nil {
		return source.Receipt{}, err
	}
	if err := dst.Restart(""); err != nil {
		return source.Receipt{}, err
	}
	if _, err := archive.PackModes(ctx, dst, files.data, files.exec, s.o.Limits); err != nil {
		return source.Receipt{}, fmt.Errorf("pack %s: %w", p.Ref, err)
	}
	return source.Receipt{}, nil
}

// isCommit reports whether s is the id of a commit in full, of SHA-1 or SHA-256.
func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && isHex(s)
}

func isHex(s string) bool { return s != "" && strings.Trim(s, "0123456789abcdefABCDEF") == "" }

// slugOf is the name that a skill has by its place; "" if that is no name.
func slugOf(r ref.Ref) string {
	name := r.Subdir
	if name == "" {
		name = strings.TrimSuffix(r.URL, ".git")
	}
	name = name[strings.LastIndexByte(name, '/')+1:]
	if !ref.ValidSlug(name) {
		return ""
	}
	return name
}

// giveUp reports whether err is of the caller rather than of the repository, so
// that the next one may fare better.
func giveUp(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
