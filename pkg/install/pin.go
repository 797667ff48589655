package install

import (
	"context"

	"github.com/openskills-go/skills/pkg/lockfile"
)

// Pin holds the named skills at what they are: no update moves them, whatever its
// flags, until Unpin. A skill that is pinned already gets the new reason.
func (e *Engine) Pin(ctx context.Context, names []string, reason string) ([]Outcome, error) {
	return e.editEntries(ctx, names, func(entry *lockfile.Skill) {
		if entry.Pin == nil {
			entry.Pin = &lockfile.Pin{}
		}
		pin := *entry.Pin
		pin.Reason = reason
		entry.Pin = &pin
	})
}

// Unpin lets the named skills be updated again.
func (e *Engine) Unpin(ctx context.Context, names []string) ([]Outcome, error) {
	return e.editEntries(ctx, names, func(entry *lockfile.Skill) { entry.Pin = nil })
}

// editEntries changes what the lock says of the named skills, and nothing on disk
// besides. An unknown name has its error in its outcome.
func (e *Engine) editEntries(ctx context.Context, names []string, edit func(*lockfile.Skill)) ([]Outcome, error) {
	var outs []Outcome
	err := e.editLock(ctx, func(st *state) error {
		for _, name := range names {
			entry, ok := st.lock.Skills[name]
			if !ok {
				outs = append(outs, unknown(st.lock, name).out)
				continue
			}
			was := entry
			edit(&entry)
			out := e.outcomeOf(&entry)
			if !was.Equal(entry) {
				out.Action = Updated
			}
			outs = append(outs, out)
			if err := st.lock.Put(entry); err != nil {
				return err
			}
		}
		return nil
	})
	return outs, err
}

// editLock changes the lock alone, under the lock of the scope. What changed is a
// generation.
func (e *Engine) editLock(ctx context.Context, edit func(*state) error) error {
	hold, err := e.hold(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = hold.Close() }()
	if err := e.recover(ctx); err != nil {
		return err
	}
	st, err := e.load()
	if err != nil {
		return err
	}
	was := st.lock.Clone()
	if err := edit(st); err != nil {
		return err
	}
	if _, err := e.save(st, []string{e.Scope.Root}); err != nil {
		return err
	}
	changed := newChronicle()
	for _, name := range union(was.Names(), st.lock.Names()) {
		changed.note(name, entryIn(was, name), entryIn(st.lock, name))
	}
	_ = e.remember(changed, e.generation(), e.Command) // the lock is what counts
	return nil
}
