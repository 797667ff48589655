package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// GetOptions say how to ask for one URL. The zero value works.
type GetOptions struct {
	Accept string     // "" is application/json for Get, anything for Download
	Limit  int64      // of the body in bytes; 0 is the default
	Token  string     // sent as a bearer token to the URL's scheme, host and port only; "" is that of Options.Credential
	Known  Validators // Download: if they still hold, the answer is ErrNotModified

	// Via is the URL whose answer named this one, if it was not the user. The
	// rules for redirects then apply: nothing private unless Via is, no http after
	// https, and no Token unless the origin is the same.
	Via string
	// RefusePages makes Download answer ErrWebPage for what looks like one.
	RefusePages bool
}

// Validators are what an answer can be asked about again with.
type Validators struct {
	ETag         string
	LastModified string
}

func (v Validators) isZero() bool { return v == Validators{} }

func (v Validators) set(h http.Header) {
	if v.ETag != "" {
		h.Set("If-None-Match", v.ETag)
	}
	if v.LastModified != "" {
		h.Set("If-Modified-Since", v.LastModified)
	}
}

func validators(h http.Header) Validators {
	return Validators{ETag: h.Get("Etag"), LastModified: h.Get("Last-Modified")}
}

// A Response is a whole answer to Get.
type Response struct {
	URL       string // after redirects
	Status    int    // 200, or 304 if the body is from the cache
	Header    http.Header
	Body      []byte // without a byte order mark
	FromCache bool
}

// Get asks for a small answer and holds it in memory. If the Accept option is
// empty or names JSON, Body is valid JSON; else it is whatever was sent, but no
// web page. Any status other than 200 is a StatusError.
func (c *Client) Get(ctx context.Context, rawURL string, o GetOptions) (*Response, error) {
	q, err := c.ask(ctx, rawURL, o)
	if err != nil {
		return nil, err
	}
	if o.Accept == "" {
		o.Accept = "application/json"
	}
	if o.Limit <= 0 {
		o.Limit = DefaultGetLimit
	}
	var cached *entry
	if q.token == "" { // answers to a credential are never on disk
		cached = c.cache.load(rawURL, o.Accept, o.Limit)
	}
	var resp *Response
	err = c.retry(ctx, q, func(ctx context.Context) (err error) {
		resp, err = c.getOnce(ctx, q, o, cached)
		return err
	})
	if err != nil {
		return nil, err
	}
	if q.token == "" && !resp.FromCache {
		c.cache.store(rawURL, o.Accept, resp)
	}
	return resp, nil
}

func (c *Client) getOnce(ctx context.Context, q question, o GetOptions, cached *entry) (*Response, error) {
	h := q.header(c.userAgent, o.Accept)
	if cached != nil {
		cached.validators().set(h)
	}
	a, err := c.exchange(ctx, q, h)
	if err != nil {
		return nil, err
	}
	defer a.close()
	if a.StatusCode == http.StatusNotModified && cached != nil {
		return &Response{URL: a.url.String(), Status: a.StatusCode, Header: a.Header, Body: cached.body, FromCache: true}, nil
	}
	if a.StatusCode != http.StatusOK {
		return nil, a.statusError()
	}
	return a.response(o)
}

// readAll reads the body, which may be limit bytes long.
func (a *answer) readAll(limit int64) ([]byte, error) {
	if a.ContentLength > limit {
		return nil, &LimitError{URL: place(a.url), Limit: limit, Got: a.ContentLength}
	}
	var b bytes.Buffer
	if a.ContentLength > 0 {
		b.Grow(int(a.ContentLength) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(a, limit+1))
	if err != nil {
		return nil, a.bodyError(err)
	}
	if n > limit {
		return nil, &LimitError{URL: place(a.url), Limit: limit, Got: -1}
	}
	return b.Bytes(), nil
}

// checkContent refuses a body with status 200 that is not what was asked for.
// The bytes decide, not the header: PHP calls JSON text/html unless told not to.
func (a *answer) checkContent(body []byte, wantJSON bool) error {
	var kind error
	switch {
	case wantJSON && json.Valid(body):
	case isPage(a.Header.Get("Content-Type"), body):
		kind = ErrWebPage
	case len(bytes.TrimSpace(body)) == 0:
		kind = ErrEmpty
	case wantJSON:
		kind = ErrNotJSON
	}
	if kind == nil {
		return nil
	}
	return a.contentError(kind, body)
}

// isPage says whether a body is meant for a browser, given its beginning.
func isPage(contentType string, head []byte) bool {
	head = bytes.TrimLeft(head[:min(len(head), 512)], "\ufeff \t\r\n")
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body"} {
		if len(head) >= len(tag) && strings.EqualFold(string(head[:len(tag)]), tag) {
			return true
		}
	}
	return strings.HasPrefix(strings.ToLower(contentType), "text/html") && bytes.HasPrefix(head, []byte("<"))
}
