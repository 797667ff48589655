package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// Post sends JSON, and holds the small answer in memory by the rules of Get: if
// the Accept option is empty or names JSON, Body is valid JSON. Any status other
// than 200 and 201 is a StatusError. Since what a server does with a POST is not
// known, it is sent again only if it was not heard: nobody took the connection,
// or the server said when to come back. It is sent to no other origin. The answer
// is never kept.
func (c *Client) Post(ctx context.Context, rawURL string, body []byte, o GetOptions) (*Response, error) {
	q, err := c.ask(ctx, rawURL, o)
	if err != nil {
		return nil, err
	}
	q.method, q.body = http.MethodPost, body
	if o.Accept == "" {
		o.Accept = "application/json"
	}
	if o.Limit <= 0 {
		o.Limit = DefaultGetLimit
	}
	var resp *Response
	err = c.retry(ctx, q, func(ctx context.Context) (err error) {
		resp, err = c.postOnce(ctx, q, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return resp, nil
}

func (c *Client) postOnce(ctx context.Context, q question, o GetOptions) (*Response, error) {
	a, err := c.exchange(ctx, q, q.header(c.userAgent, o.Accept))
	if err != nil {
		return nil, err
	}
	defer a.close()
	if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusCreated {
		return nil, a.statusError()
	}
	return a.response(o)
}

// response reads the whole of an answer that is a success.
func (a *answer) response(o GetOptions) (*Response, error) {
	if err := a.checkEncoding(); err != nil {
		return nil, err
	}
	body, err := a.readAll(o.Limit)
	if err != nil {
		return nil, err
	}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if err := a.checkContent(body, strings.Contains(o.Accept, "json")); err != nil {
		return nil, err
	}
	return &Response{URL: a.url.String(), Status: a.StatusCode, Header: a.Header, Body: body}, nil
}

// setBody gives a request what a POST carries. A connection that had ended before
// anything was written on it is replaced by net/http, which then needs it anew.
func (q question) setBody(r *http.Request) {
	if len(q.body) == 0 {
		return
	}
	r.ContentLength = int64(len(q.body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(q.body)), nil }
	r.Body = io.NopCloser(bytes.NewReader(q.body))
}

// mayRepost says whether a POST may follow the redirect a to next: only if that
// means the same request (RFC 9110, 15.4), and the same server.
func (a *answer) mayRepost(next *url.URL) error {
	var why string
	switch {
	case a.StatusCode != http.StatusTemporaryRedirect && a.StatusCode != http.StatusPermanentRedirect:
		why = "it would lose what was sent"
	case !sameOrigin(a.url, next):
		why = "what was sent is for no other server"
	default:
		return nil
	}
	return &RedirectError{URL: place(a.url), Location: place(next), Why: why}
}

// wasNotHeard says whether a server did nothing with a request: it said when to
// come back, or nobody was there.
func wasNotHeard(err error) bool {
	if status, ok := errors.AsType[*StatusError](err); ok {
		busy := status.Status == http.StatusTooManyRequests || status.Status == http.StatusServiceUnavailable
		return busy && status.RetryAfter > 0
	}
	const refusedOnWindows = syscall.Errno(10061)
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial" && (errors.Is(op, syscall.ECONNREFUSED) || errors.Is(op, refusedOnWindows))
}
