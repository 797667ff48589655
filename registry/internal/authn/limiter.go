package authn

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A Limiter bounds how often each of many keys may ask, by a bucket that fills
// evenly. Its methods may be called at once.
type Limiter struct {
	perMinute int
	now       func() time.Time

	mu  sync.Mutex
	by  map[string]*rate.Limiter
	old map[string]*rate.Limiter // those of the generation before; by turns into it when it is full
}

const maxKeys = 50000

// NewLimiter returns a limiter; perMinute 0 or less limits nothing.
func NewLimiter(perMinute int, now func() time.Time) *Limiter {
	return &Limiter{perMinute: perMinute, now: now, by: map[string]*rate.Limiter{}}
}

// A Verdict says whether one may ask, and how often still.
type Verdict struct {
	OK               bool
	Limit, Remaining int
	Reset            time.Duration // until the bucket is full
	RetryAfter       time.Duration // until one may ask again, if not OK
}

// Allow takes one from the bucket of a key.
func (l *Limiter) Allow(key string) Verdict {
	if l.perMinute <= 0 {
		return Verdict{OK: true}
	}
	now := l.now()
	b := l.bucket(key)
	v := Verdict{OK: b.AllowN(now, 1), Limit: l.perMinute}
	tokens := b.TokensAt(now)
	v.Remaining = max(0, int(tokens))
	perSecond := float64(l.perMinute) / 60
	v.Reset = seconds((float64(l.perMinute) - tokens) / perSecond)
	if !v.OK {
		v.RetryAfter = max(time.Second, seconds((1-tokens)/perSecond))
	}
	return v
}

func seconds(s float64) time.Duration {
	return time.Duration(math.Ceil(max(0, s))) * time.Second
}

func (l *Limiter) bucket(key string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.by[key]; ok {
		return b
	}
	b, ok := l.old[key]
	if !ok {
		b = rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute)
	}
	if len(l.by) >= maxKeys {
		l.old, l.by = l.by, map[string]*rate.Limiter{}
	}
	l.by[key] = b
	return b
}
