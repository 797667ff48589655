package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/openskills-go/skills/pkg/internal/gitmerge"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/manifest"
	"github.com/openskills-go/skills/pkg/target"
)

// A Resolution is what ResolveLock did, or would do.
type Resolution struct {
	// Conflict says that there were conflict markers; without any nothing was done.
	Conflict bool
	// FromGit says that the sides are those of the repository, and not what the
	// markers leave of them.
	FromGit bool
	// Decisions are about what the sides do not agree on. With an error some have
	// their Err set, and nothing was written.
	Decisions []lockfile.Decision
}

// ResolveLock merges both sides of a lock that version control left with conflict
// markers, by what the manifest accepts. It fetches nothing and places nothing. The
// error is ErrNoLock where there is no lock, and otherwise one of lockfile.Resolve
// or about the manifest.
func (e *Engine) ResolveLock(ctx context.Context, dryRun bool) (*Resolution, error) {
	if _, err := os.Lstat(e.Scope.Lock); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoLock // and the folder, which hold would make, may not be there
	}
	if !dryRun {
		hold, err := e.hold(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { _ = hold.Close() }()
	}
	judge, err := e.judge()
	if err != nil {
		return nil, err
	}
	lock, r, err := e.mergeLock(judge)
	if err != nil || dryRun || !r.Conflict {
		return r, err
	}
	return r, e.writeLock(lock)
}

// mergeLock merges the sides that the repository has, else those that the markers
// tell.
func (e *Engine) mergeLock(judge func(*lockfile.Skill) lockfile.Verdict) (*lockfile.Lock, *Resolution, error) {
	_, err := lockfile.Load(e.Scope.Lock)
	if _, conflict := errors.AsType[*lockfile.ConflictError](err); !conflict {
		return nil, &Resolution{}, err
	}
	r := &Resolution{Conflict: true}
	var lock *lockfile.Lock
	if sides, gitErr := gitmerge.Read(e.Scope.Lock); gitErr == nil {
		r.FromGit = true
		lock, r.Decisions, err = lockfile.Merge(sides.Base, sides.Ours, sides.Theirs, judge)
		if err != nil {
			err = fmt.Errorf("resolve lock %s: %w", e.Scope.Lock, err)
		}
	} else {
		lock, r.Decisions, err = lockfile.ResolveFile(e.Scope.Lock, judge)
	}
	return lock, r, err
}

// judge returns what tells whether the manifest accepts an entry of the lock, nil
// if there is no manifest.
func (e *Engine) judge() (func(*lockfile.Skill) lockfile.Verdict, error) {
	if e.Scope.Manifest == "" {
		return nil, nil //nolint:nilnil // no manifest is no error
	}
	m, err := manifest.Load(e.Scope.Manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // the same
	}
	if err != nil {
		return nil, err
	}
	return func(s *lockfile.Skill) lockfile.Verdict {
		typed, listed := m.Ref(s.Name)
		if !listed {
			return lockfile.Unlisted
		}
		if e.moved(&state{lock: &lockfile.Lock{Skills: map[string]lockfile.Skill{s.Name: *s}}}, s.Name, typed) {
			return lockfile.Refused
		}
		return lockfile.Accepted
	}, nil
}

// writeLock replaces the lock and nothing else, flushed as save does it.
func (e *Engine) writeLock(lock *lockfile.Lock) error {
	p, err := prepare(e.Scope.Lock, lock.Bytes())
	if p == nil {
		return err
	}
	if err := target.Flush(nil, []string{e.Scope.Root, p.temp}); err != nil {
		return errors.Join(err, p.drop())
	}
	return errors.Join(p.commit(), p.drop())
}
