package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What servers say about waiting, and how long the client then waits. The clock
// of a bubble begins with the year 2000.
func TestWaitAsAsked(t *testing.T) {
	const backoff = 300 * time.Millisecond
	for _, test := range []struct {
		name   string
		status string
		lines  []string
		want   time.Duration // 0: no attempt after the first
		told   time.Duration // of the WaitError
	}{
		{name: "seconds", lines: []string{"Retry-After: 7"}, want: 7 * time.Second},
		{name: "seconds with 503", status: "503 x", lines: []string{"Retry-After: 7"}, want: 7 * time.Second},
		{name: "date", lines: []string{"Retry-After: Sat, 01 Jan 2000 00:00:06 GMT"}, want: 6 * time.Second},
		{name: "date by the server's clock", lines: []string{"Date: Tue, 01 Sep 2026 12:00:00 GMT", "Retry-After: Tue, 01 Sep 2026 12:00:05 GMT"}, want: 5 * time.Second},
		{name: "date that is past", lines: []string{"Retry-After: Wed, 21 Oct 1998 07:28:00 GMT"}, want: backoff},
		{name: "epoch", lines: []string{"Retry-After: 946684804"}, want: 4 * time.Second},
		{name: "zero", lines: []string{"Retry-After: 0"}, want: backoff},
		{name: "negative", lines: []string{"Retry-After: -5"}, want: backoff},
		{name: "a word", lines: []string{"Retry-After: soon"}, want: backoff},
		{name: "a float", lines: []string{"Retry-After: 1e99"}, want: backoff},
		{name: "more digits than a number", lines: []string{"Retry-After: " + strings.Repeat("9", 40)}, want: backoff},
		{name: "the year 5138", lines: []string{"Retry-After: 99999999999"}, want: backoff},
		{name: "nonsense, then a reset", lines: []string{"Retry-After: soon", "RateLimit-Reset: 3"}, want: 3 * time.Second},
		{name: "retry-after before resets", lines: []string{"X-RateLimit-Reset: 946684809", "RateLimit-Reset: 8", "Retry-After: 2"}, want: 2 * time.Second},
		{name: "reset before x-reset", lines: []string{"X-RateLimit-Reset: 946684809", "RateLimit-Reset: 8"}, want: 8 * time.Second},
		{name: "x-reset", lines: []string{"X-RateLimit-Reset: 946684809"}, want: 9 * time.Second},
		{name: "reset that is not why", status: "503 x", lines: []string{"RateLimit-Reset: 3600"}, want: backoff},
		{name: "reset that is why", status: "503 x", lines: []string{"RateLimit-Remaining: 0", "RateLimit-Reset: 5"}, want: 5 * time.Second},
		{name: "just what is allowed", lines: []string{"Retry-After: 10"}, want: 10 * time.Second},
		{name: "a second too long", lines: []string{"Retry-After: 11"}, told: 11 * time.Second},
		{name: "an hour", lines: []string{"X-RateLimit-Reset: 946688400"}, told: time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.status == "" {
				test.status = "429 Too Many Requests"
			}
			onWire(t, []reply{status(test.status, "slow down", test.lines...), ok("{}")}, func(w *wire) {
				t := w.t
				var events []WaitEvent
				c := w.client(Options{Wait: func(e WaitEvent) { events = append(events, e) }})
				start := time.Now()
				_, err := c.Get(t.Context(), "http://registry.test/x?token=hunter2", GetOptions{})
				took := time.Since(start)
				checkText(t, err)
				var wait *WaitError
				if test.want == 0 {
					if !errors.As(err, &wait) || wait.Wait != test.told || !wait.Until.Equal(start.Add(test.told)) || took > 0 || !hasStatus(429)(err) {
						t.Errorf("after %v: %v", took, err)
					}
					return
				}
				if err != nil || took < test.want || took > test.want+250*time.Millisecond {
					t.Errorf("took %v, want %v: %v", took, test.want, err)
				}
				if len(events) != 1 || events[0].Wait != took || events[0].Attempt != 1 || events[0].Attempts != 4 || events[0].URL != "registry.test/x" {
					t.Errorf("told of %+v", events)
				}
			})
		})
	}
}

// The waits of one request together are not longer than allowed.
func TestMaxWaitIsASum(t *testing.T) {
	slow := status("429 x", "", "Retry-After: 6")
	for _, test := range []struct {
		name     string
		max      time.Duration
		reply    reply
		requests int
		want     func(error) bool
	}{
		{"two waits of six seconds", 0, slow, 2, is[*WaitError]()},
		{"four attempts", time.Minute, slow, 4, hasStatus(429)},
		{"no wait", -1, status("502 x", ""), 1, hasStatus(502)},
		{"a short one", 800 * time.Millisecond, status("502 x", ""), 2, hasStatus(502)}, // the first wait is at most 450 ms, the second at least 600
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, []reply{test.reply}, func(w *wire) {
				t := w.t
				_, err := w.client(Options{MaxWait: test.max}).Get(t.Context(), "http://registry.test/x", GetOptions{})
				if len(w.asked()) != test.requests || !test.want(err) {
					t.Errorf("%d requests: %v", len(w.asked()), err)
				}
			})
		})
	}
}

// Waiting ends when the caller gives up.
func TestCancel(t *testing.T) {
	for _, test := range []struct {
		name  string
		reply reply
	}{
		{"waiting to ask again", status("429 x", "", "Retry-After: 9")},
		{"waiting for a header", silent("")},
		{"waiting for a body", silent(okHead + "Content-Length: 5\r\n\r\n")},
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, []reply{test.reply}, func(w *wire) {
				t := w.t
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				start := time.Now()
				_, err := w.client(Options{}).Download(ctx, "http://registry.test/x", GetOptions{}, new(part))
				if !errors.Is(err, context.Canceled) || time.Since(start) != time.Second || len(w.asked()) != 1 || is[*NetworkError]()(err) {
					t.Errorf("after %v and %d requests: %v", time.Since(start), len(w.asked()), err)
				}
			})
		})
	}
}

// An attempt lives as long as bytes come, and no longer.
func TestStall(t *testing.T) {
	length := func(n int) string { return okHead + "Content-Length: " + itoa(n) + "\r\n\r\n" }
	for _, test := range []struct {
		name    string
		replies []reply
		stall   time.Duration
		want    func(error) bool
		atLeast time.Duration
		atMost  time.Duration
	}{
		{name: "no header", replies: []reply{silent("")},
			want: stalledFor(headerTime), atLeast: 4 * headerTime, atMost: 4*headerTime + 5*time.Second},
		{name: "half a header", replies: []reply{silent(okHead)},
			want: stalledFor(headerTime), atLeast: 4 * headerTime, atMost: 4*headerTime + 5*time.Second},
		{name: "no header, and little patience", replies: []reply{silent("")}, stall: 2 * time.Second,
			want: stalledFor(2 * time.Second), atLeast: 8 * time.Second, atMost: 13 * time.Second},
		{name: "half a header, and little patience", replies: []reply{silent(okHead)}, stall: 2 * time.Second,
			want: stalledFor(2 * time.Second), atLeast: 8 * time.Second, atMost: 13 * time.Second},
		{name: "a header that drips", replies: []reply{endless(okHead, "X: x\r\n", time.Second)}, stall: 2500 * time.Millisecond,
			want: stalledFor(2500 * time.Millisecond), atLeast: 10 * time.Second, atMost: 15 * time.Second},
		{name: "no header, and much patience", replies: []reply{silent("")}, stall: time.Minute,
			want: stalledFor(headerTime), atLeast: 4 * headerTime, atMost: 4*headerTime + 5*time.Second},
		{name: "no header after a redirect", replies: []reply{to("/y"), silent("")}, stall: 2 * time.Second,
			want: stalledFor(2 * time.Second), atLeast: 8 * time.Second, atMost: 13 * time.Second},
		{name: "no header once", replies: []reply{silent(""), ok("artifact")}, stall: 2 * time.Second,
			atLeast: 2 * time.Second, atMost: 3 * time.Second},
		{name: "a header just in time", replies: []reply{func(c net.Conn, r *http.Request) bool {
			time.Sleep(1900 * time.Millisecond)
			return ok("artifact")(c, r)
		}}, stall: 2 * time.Second, atLeast: 1900 * time.Millisecond, atMost: 1900 * time.Millisecond},
		{name: "no body", replies: []reply{silent(length(5))},
			want: stalledFor(DefaultStall), atLeast: 4 * DefaultStall, atMost: 4*DefaultStall + 5*time.Second},
		{name: "half a body", replies: []reply{silent(length(5) + "ar")}, stall: 3 * time.Second,
			want: is[*StalledError](), atLeast: 12 * time.Second, atMost: 17 * time.Second},
		{name: "no body once", replies: []reply{silent(length(5)), ok("artifact")}, atLeast: DefaultStall, atMost: DefaultStall + time.Second},
		{name: "dripping", replies: []reply{endless(length(1<<20), "x", 100*time.Millisecond)},
			want: is(func(e *StalledError) bool { return e.Slow }), atLeast: 4 * rateTime, atMost: 4*rateTime + 5*time.Second},
		{name: "dripping chunks", replies: []reply{endless(chunked, "1\r\nx\r\n", 10*time.Millisecond)},
			want: is(func(e *StalledError) bool { return e.Slow }), atLeast: 4 * rateTime, atMost: 4*rateTime + 5*time.Second},
		{name: "fast, then dripping", replies: []reply{func(c net.Conn, r *http.Request) bool {
			_, _ = io.WriteString(c, length(1<<24)+strings.Repeat("x", 1<<20))
			time.Sleep(10 * time.Second)
			return endless("", "x", 100*time.Millisecond)(c, r)
		}}, want: is(func(e *StalledError) bool { return e.Slow }), atLeast: 4 * 2 * rateTime, atMost: 4*2*rateTime + 5*time.Second},
		{name: "slow but steady", replies: []reply{func(c net.Conn, _ *http.Request) bool {
			_, err := io.WriteString(c, length(600*1100))
			for i := 0; i < 600 && err == nil; i++ {
				time.Sleep(time.Second)
				_, err = io.WriteString(c, strings.Repeat("x", 1100))
			}
			return false
		}}, atLeast: 10 * time.Minute, atMost: 10 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, test.replies, func(w *wire) {
				t := w.t
				start := time.Now()
				_, err := w.client(Options{Stall: test.stall}).Download(t.Context(), "http://registry.test/x", GetOptions{}, new(part))
				took := time.Since(start)
				if test.want == nil && err != nil || test.want != nil && (err == nil || !test.want(err)) {
					t.Errorf("error is %T %v", err, err)
				}
				if took < test.atLeast || took > test.atMost {
					t.Errorf("took %v", took)
				}
				checkText(t, err)
			})
		})
	}
}

func stalledFor(d time.Duration) func(error) bool {
	return is(func(e *StalledError) bool { return !e.Slow && e.For == d })
}

// A sink that takes its time is no stalled network.
func TestSlowSinkIsNoStall(t *testing.T) {
	onWire(t, []reply{ok(strings.Repeat("x", 3*bufferSize))}, func(w *wire) {
		t := w.t
		dst := &slowSink{}
		if _, err := w.client(Options{}).Download(t.Context(), "http://registry.test/x", GetOptions{}, dst); err != nil || dst.Len() != 3*bufferSize {
			t.Errorf("%d bytes, error %v", dst.Len(), err)
		}
	})
}

type slowSink struct{ part }

func (s *slowSink) Write(p []byte) (int, error) {
	time.Sleep(time.Hour)
	return s.part.Write(p)
}

// A host that nobody answers at costs one connect timeout, not four.
func TestConnectFails(t *testing.T) {
	calls := 0
	c, err := New(Options{Proxy: direct, Dial: func(context.Context, string, string) (net.Conn, error) {
		calls++
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), "http://registry.test/", GetOptions{}); !errors.Is(err, context.DeadlineExceeded) || !is[*NetworkError]()(err) || calls != 1 {
		t.Errorf("%d calls: %v", calls, err)
	}
}

// A server that takes the connection and says nothing when it should say hello.
func TestTLSHandshakeStalls(t *testing.T) {
	for _, test := range []struct{ stall, want time.Duration }{{0, tlsTime}, {2 * time.Second, 2 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			c, err := New(Options{Proxy: direct, Stall: test.stall, Dial: func(context.Context, string, string) (net.Conn, error) {
				near, far := net.Pipe()
				go func() { _, _ = io.Copy(io.Discard, far) }()
				return near, nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = c.Get(t.Context(), "https://registry.test/", GetOptions{})
			took := time.Since(start)
			if !is[net.Error](net.Error.Timeout)(err) || took < 4*test.want || took > 4*test.want+5*time.Second {
				t.Errorf("stall %v: after %v: %v", test.stall, took, err)
			}
		})
	}
}
