package server

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// maxStaged bounds what one user uploads by tickets in the life of a ticket, published
// or not: what is not published lies there for about as long.
const maxStaged = 1 << 30

// A quota counts bytes by user, in this process.
type quota struct {
	limit int64

	mu sync.Mutex
	by map[string]spent
}

type spent struct {
	since time.Time
	bytes int64
}

// take counts n bytes of a user, or says that they are too many.
func (q *quota) take(user string, n int64, now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.by[user]
	if now.Sub(s.since) >= ticketLife {
		s = spent{since: now}
	}
	if s.bytes += n; s.bytes > q.limit {
		return &fault{http.StatusTooManyRequests, "quota", fmt.Sprintf("Upload quota exceeded: at most %d bytes an hour", q.limit)}
	}
	if q.by == nil {
		q.by = map[string]spent{}
	}
	q.by[user] = s
	return nil
}
