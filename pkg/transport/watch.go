package transport

import (
	"context"
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
	ctx    context.Context
	cancel context.CancelCauseFunc
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
}

func newWatch(ctx context.Context, u *url.URL, stall time.Duration) *watch {
	w := &watch{url: u, stall: stall}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	return w
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

// end says that something came, n bytes of a body or a header. It returns
// whether that is enough.
func (w *watch) end(n int) error {
	w.mu.Lock()
	w.waiting = false
	took := time.Since(w.since)
	w.mu.Unlock()
	if n < 0 {
		return nil
	}
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
	if w.ctx.Err() != nil {
		return
	}
	left := w.limit
	if w.waiting {
		left -= time.Since(w.since)
	}
	if left <= 0 {
		w.cancel(&StalledError{URL: place(w.url), For: w.limit})
		return
	}
	w.timer.Reset(left)
}

func (w *watch) Read(p []byte) (int, error) {
	w.begin(w.stall)
	n, err := w.body.Read(p)
	if slow := w.end(n); slow != nil && err == nil {
		err = slow
	}
	return n, err
}

// stop ends the attempt. Nothing is read after it.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
	w.cancel(nil)
}
