package transport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A WaitEvent is told before a Client waits.
type WaitEvent struct {
	URL      string // host and path
	Wait     time.Duration
	Attempt  int // that failed, from 1
	Attempts int // at most
	Err      error
}

// retry runs once until it succeeds, or fails in a way that will not pass, or
// the attempts or the time to wait are used up.
func (c *Client) retry(ctx context.Context, q question, once func(context.Context) error) error {
	var waited time.Duration
	for attempt := 1; ; attempt++ {
		err := once(ctx)
		if _, broke := errors.AsType[*NetworkError](err); broke && ctx.Err() != nil {
			return fmt.Errorf("get %s: %w", place(q.url), ctx.Err())
		}
		if !q.mayAskAgain(err) {
			return err
		}
		base := 300 * time.Millisecond << min(attempt-1, 8)
		wait := base + rand.N(base/2)
		status, told := errors.AsType[*StatusError](err)
		told = told && status.RetryAfter > 0
		if told {
			wait = status.RetryAfter + rand.N(250*time.Millisecond)
		}
		switch {
		case told && waited+status.RetryAfter > c.maxWait:
			return &WaitError{URL: place(q.url), Wait: status.RetryAfter, Until: time.Now().Add(status.RetryAfter), Err: status}
		case attempt >= c.attempts, !told && waited+wait > c.maxWait:
			return err
		}
		if c.log != nil {
			c.log("attempt %d of %d: %v; waiting %v", attempt, c.attempts, err, wait.Round(time.Millisecond))
		}
		if c.wait != nil {
			c.wait(WaitEvent{URL: place(q.url), Wait: wait, Attempt: attempt, Attempts: c.attempts, Err: err})
		}
		if err := sleep(ctx, wait); err != nil {
			return fmt.Errorf("get %s: %w", place(q.url), err)
		}
		waited += wait
	}
}

// mayAskAgain says whether the same question after err may get an answer, and
// does no harm.
func (q question) mayAskAgain(err error) bool {
	if q.changes() && !q.body.Repeatable {
		return wasNotHeard(err)
	}
	passing, ok := errors.AsType[interface {
		error
		again() bool
	}](err)
	return ok && passing.again()
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// longestWait is what a server may ask for. What is more is no wait but a
// mistake; as a number of seconds it is a point in time.
const longestWait = 365 * 24 * time.Hour

// askedWait returns how long a server asks to be left alone, or 0. Retry-After
// comes first (RFC 9110, 10.2.3); the rate limits count only if they are what
// the answer is about.
func askedWait(status int, h http.Header, now time.Time) time.Duration {
	// The difference of two times of the server's does not depend on our clock.
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	if d := parseWait(h.Get("Retry-After"), now); d > 0 {
		return d
	}
	for _, prefix := range []string{"Ratelimit-", "X-Ratelimit-"} {
		if status != http.StatusTooManyRequests && h.Get(prefix+"Remaining") != "0" {
			continue
		}
		if d := parseWait(h.Get(prefix+"Reset"), now); d > 0 {
			return d
		}
	}
	return 0
}

// parseWait reads seconds, seconds since 1970, or a date. What is none of these,
// in the past or too far off is 0.
func parseWait(s string, now time.Time) time.Duration {
	s = strings.TrimSpace(s)
	var d time.Duration
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n >= 0 && n <= int64(longestWait/time.Second) {
			return time.Duration(n) * time.Second
		}
		d = time.Unix(n, 0).Sub(now)
	} else if at, err := http.ParseTime(s); err == nil {
		d = at.Sub(now)
	}
	if d < 0 || d > longestWait {
		return 0
	}
	return d
}
