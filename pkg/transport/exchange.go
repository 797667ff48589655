package transport

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
)

// A question is a URL that may be asked for, and where it came from.
type question struct {
	method string
	url    *url.URL
	first  *url.URL // what the user named: url itself, unless a server named it
	token  string
	body   Body // of a change
}

func (c *Client) ask(ctx context.Context, rawURL string, o GetOptions) (question, error) {
	u, err := parse(rawURL)
	if err != nil {
		return question{}, err
	}
	q := question{method: http.MethodGet, url: u, first: u, token: o.Token}
	if o.Via != "" {
		via, err := parse(o.Via)
		if err != nil {
			return question{}, err
		}
		if why := downgrade(via, u); why != "" {
			return question{}, &RedirectError{URL: place(via), Location: place(u), Why: why}
		}
		q.first = via
	}
	if c.offline {
		return question{}, &OfflineError{URL: place(u)}
	}
	return c.authorize(ctx, q)
}

func (q question) header(userAgent, accept string) http.Header {
	h := make(http.Header, 8)
	h.Set("User-Agent", userAgent)
	h.Set("Accept", accept)
	if q.token != "" {
		h.Set("Authorization", "Bearer "+q.token)
	}
	if len(q.body.Data) > 0 {
		h.Set("Content-Type", cmp.Or(q.body.Type, "application/json"))
	}
	return h
}

// parse checks that a URL is one that can be asked for.
func parse(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		// What url.Parse says repeats the URL, and with it what secrets it holds.
		shown, _, _ := strings.Cut(rawURL, "?")
		if at := strings.LastIndexByte(shown, '@'); at >= 0 {
			shown = shown[at+1:]
		}
		return nil, &URLError{URL: clip(shown, clipName), Why: "cannot be parsed"}
	}
	if why := unaskable(u); why != "" {
		return nil, &URLError{URL: place(u), Why: why}
	}
	return u, nil
}

func unaskable(u *url.URL) string {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "is neither http nor https"
	case u.User != nil:
		return "holds a user name or password"
	case u.Opaque != "" || u.Hostname() == "":
		return "names no host"
	}
	return ""
}

func downgrade(from, to *url.URL) string {
	if from.Scheme == "https" && to.Scheme == "http" {
		return "it leaves https"
	}
	return ""
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return defaultPort(u.Scheme)
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// An answer is the one at the end of the redirects. Reading it is watched.
type answer struct {
	*http.Response
	question question
	url      *url.URL
	via      []string    // what redirected to url, in order
	sent     http.Header // to url
	watch    *watch
}

// exchange makes one attempt: it asks and follows redirects. The caller closes
// the answer.
func (c *Client) exchange(ctx context.Context, q question, h http.Header) (*answer, error) {
	ctx, w := newWatch(ctx, q.url, c.stall)
	u := q.url
	var via []string
	for hop := 0; ; hop++ {
		a, err := c.hop(ctx, w, q, u, h)
		if err != nil {
			w.stop()
			return nil, err
		}
		if !isRedirect(a.StatusCode) {
			a.via = via
			return a, nil
		}
		next, err := a.redirect(hop)
		if err == nil && q.changes() {
			err = a.mayRepost(next)
		}
		if err != nil {
			a.close()
			return nil, err
		}
		// A connection is kept for the next request only if the body was read.
		_, _ = io.CopyN(io.Discard, a, errorBody)
		_ = a.Body.Close()
		if !sameOrigin(u, next) {
			h = h.Clone() // a server that answers early may still be sent the old one
			h.Del("Authorization")
		}
		via = append(via, u.String())
		u = next
	}
}

// hop makes one request, of q but for u, and waits for the header of the answer.
func (c *Client) hop(ctx context.Context, w *watch, q question, u *url.URL, h http.Header) (*answer, error) {
	header := min(headerTime, c.stall)
	// Unlike the timeout of http.Transport, this ends as what it is, a StalledError.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { w.begin(header) }})
	req := (&http.Request{Method: q.method, URL: u, Host: u.Host, Header: h, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	answered := q.setBody(req, w)
	pool, err := c.route(req, q.first)
	if err != nil {
		return nil, &NetworkError{URL: place(u), Err: err}
	}
	start := time.Now()
	w.begin(connectTime + tlsTime + header) // for what has no limit of its own, such as a proxy
	resp, err := pool.RoundTrip(req)
	answered()
	w.end()
	if err != nil {
		err = w.networkError(u, err, mayPass(err))
		if c.log != nil {
			c.log("%s %s: %v", q.method, redact(u), err)
		}
		return nil, err
	}
	if c.log != nil {
		c.log("%s %s: %d %s, %d bytes, %v", q.method, redact(u), resp.StatusCode,
			clip(q.hide(resp.Header.Get("Content-Type")), clipName), resp.ContentLength, time.Since(start).Round(time.Millisecond))
	}
	if resp.StatusCode == http.StatusProxyAuthRequired {
		_ = resp.Body.Close()
		return nil, &NetworkError{URL: place(u), Err: &ProxyError{Proxy: c.proxyName(req), Status: resp.StatusCode}}
	}
	w.body = resp.Body
	return &answer{Response: resp, question: q, url: u, sent: h, watch: w}, nil
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirect returns where a points to, if it may be gone to.
func (a *answer) redirect(hop int) (*url.URL, error) {
	location := a.Header.Get("Location")
	refuse := func(why string) (*url.URL, error) {
		shown, _, _ := strings.Cut(location, "?")
		if at := strings.LastIndexByte(shown, '@'); at >= 0 {
			shown = shown[at+1:]
		}
		if a.question.holdsToken(shown) {
			shown = hidden
		}
		return nil, &RedirectError{URL: place(a.url), Location: clip(shown, clipName), Why: why}
	}
	if location == "" {
		return refuse("it names no location")
	}
	if len(a.Header.Values("Location")) > 1 {
		return refuse("it names several locations")
	}
	if hop >= maxRedirects {
		return refuse("it is one of more than 10")
	}
	next, err := a.url.Parse(location)
	if err != nil {
		return refuse("it cannot be parsed")
	}
	if why := unaskable(next); why != "" {
		return refuse("it " + why)
	}
	if why := downgrade(a.url, next); why != "" {
		return refuse(why)
	}
	if a.question.holdsToken(location) {
		return refuse("it holds the token that was sent")
	}
	next.Fragment, next.RawFragment = "", ""
	return next, nil
}

// mayPass says whether asking again may help after err instead of an answer.
// That is so unless the other side was never reached, or is not who it should be.
func mayPass(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsTemporary || dns.IsTimeout
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op != "read" && op.Op != "write" {
		return false
	}
	_, byProxy := errors.AsType[*ProxyError](err)
	return !byProxy && !isTLS(err)
}

func (a *answer) Read(p []byte) (int, error) { return a.watch.Read(p) }

func (a *answer) close() {
	_ = a.Body.Close()
	a.watch.stop()
}

// bodyError is for what Read returned. A body that broke off may come whole
// another time.
func (a *answer) bodyError(err error) error { return a.watch.networkError(a.url, err, true) }

// statusError reads a little of the body, and makes an error of the answer.
func (a *answer) statusError() *StatusError {
	var body []byte
	if a.StatusCode != http.StatusSwitchingProtocols { // whose body is the connection
		body, _ = io.ReadAll(io.LimitReader(a, errorBody))
	}
	sent, dropped, moved := a.sentToken()
	return &StatusError{
		URL:         place(a.url),
		Status:      a.StatusCode,
		ContentType: clip(a.question.hide(a.Header.Get("Content-Type")), clipName),
		Body:        a.question.hideBytes(body),
		RetryAfter:  askedWait(a.StatusCode, a.Header, time.Now()),
		Token:       sent,
		Dropped:     dropped,
		Moved:       moved,
	}
}

func (a *answer) contentError(kind error, body []byte) error {
	return &ContentError{
		URL:         place(a.url),
		Status:      a.StatusCode,
		ContentType: clip(a.question.hide(a.Header.Get("Content-Type")), clipName),
		Excerpt:     clip(strings.TrimSpace(a.question.hide(string(body[:min(len(body), errorBody)]))), clipText),
		Err:         kind,
	}
}

func (a *answer) headerError(name, why string) *HeaderError {
	return &HeaderError{URL: place(a.url), Header: name, Value: clip(a.question.hide(a.Header.Get(name)), clipName), Why: why}
}

// checkEncoding refuses an encoding that was not asked for: what net/http asked
// for itself it has undone and taken out of the header.
func (a *answer) checkEncoding() error {
	for _, v := range a.Header.Values("Content-Encoding") {
		if v = strings.TrimSpace(v); v != "" && !strings.EqualFold(v, "identity") {
			return a.headerError("Content-Encoding", "was not asked for")
		}
	}
	return nil
}
