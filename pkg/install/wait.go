package install

import (
	"context"
	"time"

	"github.com/gofrs/flock"
)

// A Holder is the process that has a scope while others wait for it.
type Holder struct {
	Path    string // the folder that it has
	PID     int    // 0 if it cannot be found out
	Command string // its program and the command that it runs, "skills update"; "" if PID is
}

const (
	retry   = 2 * time.Millisecond // holders come and go within milliseconds; the wait is for those who flush
	patient = time.Second          // who waits longer than that is told for whom
)

// await waits for the lock of the scope and tells, once, whom it waits for.
// Nothing is written to find that out.
func (e *Engine) await(ctx context.Context, l *flock.Flock) (bool, error) {
	told := false
	for begun := time.Now(); ; {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if ok, err := l.TryLock(); ok || err != nil {
			return ok, err
		}
		if !told && time.Since(begun) >= patient {
			told = true
			holder := holderOf(l.Path())
			holder.Path = e.Scope.Root
			e.tell(Event{Kind: Waiting, Holder: holder})
		}
		select {
		case <-ctx.Done():
		case <-time.After(retry):
		}
	}
}
