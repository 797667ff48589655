package install

import (
	"context"
	"errors"

	"github.com/openskills-go/skills/pkg/lockfile"
)

// Pin holds the named skills at what they are: no update moves them, whatever its
// flags, until Unpin. A skill that is pinned already gets the new reason, if there is one.
func (e *Engine) Pin(ctx context.Context, names []string, reason string, o Options) ([]Outcome, error) {
	return e.editEntries(ctx, names, o, func(entry *lockfile.Skill) {
		if entry.Pin == nil {
			entry.Pin = &lockfile.Pin{}
		}
		pin := *entry.Pin
		if reason != "" {
			pin.Reason = reason
		}
		entry.Pin = &pin
	})
}

// Unpin lets the named skills be updated again.
func (e *Engine) Unpin(ctx context.Context, names []string, o Options) ([]Outcome, error) {
	return e.editEntries(ctx, names, o, func(entry *lockfile.Skill) { entry.Pin = nil })
}

// editEntries changes what the lock says of the named skills, and nothing on disk
// besides. An unknown name has its error in its outcome.
func (e *Engine) editEntries(ctx context.Context, names []string, o Options, edit func(*lockfile.Skill)) ([]Outcome, error) {
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
			if o.DryRun {
				continue
			}
			if err := st.lock.Put(entry); err != nil {
				return err
			}
		}
		return nil
	})
	return outs, err
}

// editLock changes the lock alone, under the lock of the scope. What changed is a
// generation, and by the journal both or neither.
func (e *Engine) editLock(ctx context.Context, edit func(*state) error) error {
	return e.exclusively(ctx, func(st *state) error { return e.changeLock(st, edit) })
}

func (e *Engine) changeLock(st *state, edit func(*state) error) error {
	was := st.lock.Clone()
	if err := edit(st); err != nil {
		return err
	}
	changed := newChronicle()
	for _, name := range union(was.Names(), st.lock.Names()) {
		changed.note(name, entryIn(was, name), entryIn(st.lock, name))
	}
	j := &journal{next: changed.after, was: changed.before, Command: e.Command, Generation: e.generation()}
	for _, name := range union(changed.before.Names(), changed.after.Names()) {
		j.Steps = append(j.Steps, journalStep{Name: name})
	}
	if len(j.Steps) == 0 {
		return nil
	}
	if err := e.writeJournal(j, nil); err != nil {
		return err
	}
	if saved, err := e.save(st, []string{e.Scope.Root}); err != nil {
		if !saved {
			err = errors.Join(err, e.endJournal())
		}
		return err
	}
	_ = e.remember(changed, j.Generation, e.Command) // the lock is what counts
	return e.endJournal()
}
