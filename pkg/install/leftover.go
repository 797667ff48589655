package install

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/openskills-go/skills/pkg/target"
)

// Leftovers returns the folders that killed processes of this scope left beside
// the folders of its agents: of those in the lock and of the engine's own.
func (e *Engine) Leftovers(ctx context.Context) ([]string, error) {
	st, err := e.inquire(ctx)
	if err != nil {
		return nil, err
	}
	agents, dirs := slices.Clone(e.Agents), []string(nil)
	if e.Scope.Kind == Dir {
		dirs = append(dirs, ".")
	}
	for _, name := range st.lock.Names() {
		entry := st.lock.Skills[name]
		agents, dirs = union(agents, entry.Agents), union(dirs, entry.Dirs)
	}
	var dead []string
	seen := map[string]bool{}
	for _, r := range e.reachable(agents, dirs) {
		found, err := target.Leftovers(r, e.Scope.Lock)
		if err != nil {
			return nil, err
		}
		for _, dir := range found {
			if !seen[dir] {
				dead, seen[dir] = append(dead, dir), true
			}
		}
	}
	return dead, nil
}

// reachable is roots for those that can be found out: another agent's folder may
// be a link to nowhere.
func (e *Engine) reachable(agents, dirs []string) []target.Root {
	var all []target.Root
	for _, a := range agents {
		if r, err := e.rootsOf([]string{a}, nil); err == nil {
			all = append(all, r...)
		}
	}
	for _, d := range dirs {
		if r, err := e.rootsOf(nil, []string{d}); err == nil {
			all = append(all, r...)
		}
	}
	return all
}

// Sweep removes what Leftovers finds, and what was left in the store, and returns
// the folders that it removed.
func (e *Engine) Sweep(ctx context.Context) ([]string, error) {
	dead, err := e.Leftovers(ctx)
	if err != nil {
		return nil, err
	}
	_ = e.Store.Sweep() // what is left there is in nobody's way
	if len(dead) == 0 {
		return nil, nil
	}
	if err := e.clear(ctx, dead); err != nil {
		return nil, err
	}
	return dead, nil
}

// clear removes staging folders of killed processes, and lock files that they had
// half written.
func (e *Engine) clear(ctx context.Context, dead []string) error {
	hold, err := e.hold(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = hold.Close() }()
	if err := e.recover(ctx); err != nil {
		return err
	}
	for _, temp := range e.unfinished() {
		_ = os.Remove(temp) // nobody writes it while we have the scope; where we cannot, it is in nobody's way
	}
	var errs []error
	for _, dir := range dead {
		errs = append(errs, target.Sweep(dir, e.Scope.Lock))
	}
	return errors.Join(errs...)
}
