//go:build !windows

package install_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"github.com/openskills-go/skills/pkg/install"
)

// held is a bench whose scope another process has, with something to finish in it.
func held(t *testing.T) (b *bench, release func()) {
	t.Helper()
	b = newBench(t)
	if err := os.MkdirAll(b.Scope.Root, 0o755); err != nil {
		t.Fatal(err)
	}
	b.writeJournal(map[string]any{})
	l := flock.New(b.Scope.Root, flock.SetFlag(os.O_RDONLY))
	if ok, err := l.TryLock(); !ok {
		t.Fatalf("lock: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return b, func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWaitingIsToldOnce(t *testing.T) {
	b, release := held(t)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var events []install.Event
		b.OnEvent = func(ev install.Event) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, ev)
		}
		sofar := func() []install.Event {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(events)
		}
		done := make(chan error, 1)
		go func() { done <- b.Recover(t.Context()) }()
		time.Sleep(900 * time.Millisecond)
		synctest.Wait()
		if told := sofar(); len(told) > 0 {
			t.Errorf("after less than a second: %+v", told)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		told := sofar()
		if len(told) != 1 || told[0].Kind != install.Waiting || told[0].Holder.Path != b.Scope.Root {
			t.Fatalf("after four seconds: %+v", told)
		}
		if h := told[0].Holder; runtime.GOOS == "linux" && h.PID != os.Getpid() {
			t.Errorf("the holder is %+v, want process %d", h, os.Getpid())
		}
		release()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	b, _ := held(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Recover(ctx) }()
		time.Sleep(3 * time.Second)
		cancelled := time.Now()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) || time.Since(cancelled) > 0 {
			t.Errorf("Recover = %v after %s", err, time.Since(cancelled))
		}
	})
}
