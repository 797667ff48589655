package install

import (
	"time"

	"github.com/openskills-go/skills/pkg/history"
	"github.com/openskills-go/skills/pkg/lockfile"
)

// A chronicle collects how entries of the lock change, for the history.
type chronicle struct {
	before, after *lockfile.Lock
}

func newChronicle() *chronicle {
	return &chronicle{before: lockfile.New(), after: lockfile.New()}
}

// note compares an entry with what it was; nil says that there is or was none. Of
// several changes to one skill the first before and the last after count.
func (c *chronicle) note(name string, was, is *lockfile.Skill) {
	switch {
	case was == nil && is == nil, was != nil && is != nil && was.Equal(*is):
		return
	}
	_, known := c.before.Skills[name]
	if _, twice := c.after.Skills[name]; !known && !twice && was != nil {
		c.before.Skills[name] = *was
	}
	delete(c.after.Skills, name)
	if is != nil {
		c.after.Skills[name] = *is
	}
}

// entryIn returns the entry of a lock, nil if there is none.
func entryIn(l *lockfile.Lock, name string) *lockfile.Skill {
	if s, ok := l.Skills[name]; ok {
		return &s
	}
	return nil
}

// remember makes a generation of what changed, if anything did.
func (e *Engine) remember(c *chronicle, number int, command string) error {
	if e.History == nil || len(c.before.Skills)+len(c.after.Skills) == 0 {
		return nil
	}
	return e.History.Append(history.Generation{
		Number: number, Time: e.now(), Command: command, Before: c.before, After: c.after,
	})
}

// rememberOnce is remember for who finishes an interrupted run, which may have come
// as far as to remember it. It believes no number but the next and the last: a
// journal may have come with a project.
func (e *Engine) rememberOnce(c *chronicle, number int, command string) error {
	next := e.generation()
	if next > 1 && number == next-1 {
		all, err := e.History.Generations()
		if err != nil {
			return err
		}
		last := &all[len(all)-1]
		if sameEntries(last.Before, c.before) && sameEntries(last.After, c.after) {
			return nil
		}
	}
	return e.remember(c, next, command)
}

// past returns what is remembered, read once; nothing if it cannot be read.
func (e *Engine) past() []history.Generation {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.generations == nil && e.History != nil {
		e.generations, _ = e.History.Generations() // who wants to go back is told what is wrong
	}
	return e.generations
}

// generation returns the number of the generation to come, 0 if there is no
// history or it cannot be read.
func (e *Engine) generation() int {
	if e.History == nil {
		return 0
	}
	n, err := e.History.Next()
	if err != nil {
		return 0
	}
	return n
}

func (e *Engine) now() time.Time {
	if e.Now != nil {
		return e.Now()
	}
	return time.Now()
}
