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
	"sync/atomic"
	"syscall"
)

// A Body is what a request carries.
type Body struct {
	Type string // media type; "" is JSON
	Data []byte
	// Repeatable says that sending it twice does what sending it once does. It is
	// then sent again where Get would ask again.
	Repeatable bool
}

// Post sends a body, and holds the small answer in memory by the rules of Get: if
// the Accept option is empty or names JSON, the answer is valid JSON. Any status
// other than 200 and 201 is a StatusError. What is not Repeatable is sent again only
// if it was not heard: nobody took the connection, or the server said when to come
// back. It is sent to no other origin. The answer is never kept.
func (c *Client) Post(ctx context.Context, rawURL string, b Body, o GetOptions) (*Response, error) {
	return c.change(ctx, http.MethodPost, rawURL, b, o)
}

// Delete is Post without a body, and with another method.
func (c *Client) Delete(ctx context.Context, rawURL string, o GetOptions) (*Response, error) {
	return c.change(ctx, http.MethodDelete, rawURL, Body{}, o)
}

func (c *Client) change(ctx context.Context, method, rawURL string, b Body, o GetOptions) (*Response, error) {
	q, err := c.ask(ctx, rawURL, o)
	if err != nil {
		return nil, err
	}
	q.method, q.body = method, b
	if o.Accept == "" {
		o.Accept = "application/json"
	}
	if o.Limit <= 0 {
		o.Limit = DefaultGetLimit
	}
	var resp *Response
	err = c.retry(ctx, q, func(ctx context.Context) (err error) {
		resp, err = c.changeOnce(ctx, q, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return resp, nil
}

func (c *Client) changeOnce(ctx context.Context, q question, o GetOptions) (*Response, error) {
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

// changes reports whether a request is one that does something.
func (q question) changes() bool { return q.method == http.MethodPost || q.method == http.MethodDelete }

// setBody gives a request what it carries, whose sending w watches, and returns how to
// say that the answer is there. A connection that had ended before anything was
// written on it is replaced by net/http, which then needs the body anew.
func (q question) setBody(r *http.Request, w *watch) (answered func()) {
	if len(q.body.Data) == 0 {
		return func() {}
	}
	done := new(atomic.Bool)
	r.ContentLength = int64(len(q.body.Data))
	r.GetBody = func() (io.ReadCloser, error) {
		return &sending{io.NopCloser(bytes.NewReader(q.body.Data)), w, done}, nil
	}
	r.Body, _ = r.GetBody()
	return func() { done.Store(true) }
}

// mayRepost says whether a change may follow the redirect a to next: only if that
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
