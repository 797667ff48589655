package transport

import (
	"context"
	"errors"
	"io"
	"net/url"
	"sync"
	"time"
)

// Under minRate bytes a second over rateTime, an answer counts as stalled.
const (
	minRate  = 1 << 10
	rateTime = 10 * time.Second
)

// A watch cancels an attempt on which nothing moves. It reads the body, since
// only the time that is spent waiting for the network counts, not what the
// caller does in between. One timer serves the whole attempt: reading does not
// touch it, and when it fires too early it goes off again later.
type watch struct {
	cancel context.CancelFunc
	url    *url.URL
	stall  time.Duration
	body   io.Reader

	// Of the bytes that came, over the time that was spent waiting for them. Only
	// the reader touches these.
	bytes int64
	spent time.Duration

	mu      sync.Mutex
	timer   *time.Timer
	waiting bool
	since   time.Time
	limit   time.Duration
	stopped bool
	stalled *StalledError // why the watch canceled, if it did
}

// newWatch returns a watch, and the context that it cancels.
func newWatch(ctx context.Context, u *url.URL, stall time.Duration) (context.Context, *watch) {
	w := &watch{url: u, stall: stall}
	ctx, w.cancel = context.WithCancel(ctx)
	return ctx, w
}

// begin says that from now on something must come within limit.
func (w *watch) begin(limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting, w.since = true, time.Now()
	if w.timer == nil {
		w.timer = time.AfterFunc(limit, w.tick)
	} else if limit != w.limit {
		w.timer.Reset(limit)
	}
	w.limit = limit
}

// end says that something came, and returns after how long.
func (w *watch) end() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = false
	return time.Since(w.since)
}

// pace counts n bytes that took so long, and returns whether that is enough.
func (w *watch) pace(n int, took time.Duration) error {
	w.bytes += int64(n)
	w.spent += took
	if w.spent < rateTime {
		return nil
	}
	if float64(w.bytes) < minRate*w.spent.Seconds() {
		return &StalledError{URL: place(w.url), For: w.spent.Round(time.Second), Slow: true}
	}
	w.bytes, w.spent = 0, 0
	return nil
}

func (w *watch) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	left := w.limit
	if w.waiting {
		left -= time.Since(w.since)
	}
	if left <= 0 {
		w.stalled = &StalledError{URL: place(w.url), For: w.limit}
		w.cancel()
		return
	}
	w.timer.Reset(left)
}

func (w *watch) Read(p []byte) (int, error) {
	w.begin(w.stall)
	n, err := w.body.Read(p)
	if slow := w.pace(n, w.end()); slow != nil && err == nil {
		err = slow
	}
	return n, err
}

// stop ends the attempt. Nothing is read after it.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
	w.cancel()
}

// networkError makes an error of what broke an answer off: err, or the watch.
// A StalledError among them passes; for others, pass says so.
func (w *watch) networkError(u *url.URL, err error, pass bool) error {
	if stalled, ok := errors.AsType[*StalledError](err); ok {
		return stalled
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stalled != nil {
		return w.stalled
	}
	return &NetworkError{URL: place(u), Err: err, pass: pass}
}
