package transport

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// HTTP returns the Client as one of net/http, for a protocol whose library makes
// its own requests. The rules are those of Get and Download: no request where the
// Client is offline, its user agent and no other, the addresses that may be
// reached, the redirects that may be followed and what they drop, an end to what
// stalls. GET and HEAD are tried again as for Get; if the last attempt is answered
// with a status that is worth another one, that is a StatusError or a WaitError.
// What a body brings, and how much of it, is for the library to bound.
//
// Errors come inside a *url.Error, whose text repeats the URL with its query:
// print what it unwraps to.
func (c *Client) HTTP() *http.Client {
	return &http.Client{
		Transport: roundTripper{c},
		// That a redirect may be followed is seen where its request is made: a
		// library may replace this function.
		CheckRedirect: func(*http.Request, []*http.Request) error { return nil },
	}
}

type viaKey struct{}

// Via returns a context for requests of HTTP to URLs that the answers of rawURL
// named, such as where it gives tokens. As for GetOptions.Via they may reach
// nothing private unless rawURL is, and no http after https. Unlike there, what
// authorizes such a request is left to the library, which knows for whom it is.
func Via(ctx context.Context, rawURL string) context.Context {
	return context.WithValue(ctx, viaKey{}, rawURL)
}

type roundTripper struct{ client *Client }

// RoundTrip makes one request of a chain of redirects, which net/http follows.
func (t roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	c := t.client
	resp, err := c.roundTrip(req)
	if err != nil && req.Body != nil {
		_ = req.Body.Close() // by contract; a second time does no harm
	}
	return resp, err
}

func (c *Client) roundTrip(req *http.Request) (*http.Response, error) {
	q := question{url: req.URL, first: req.URL}
	if why := unaskable(req.URL); why != "" {
		return nil, &URLError{URL: place(req.URL), Why: why}
	}
	left, err := checkChain(req)
	if err != nil {
		return nil, err
	}
	if root := rootOf(req); root != req {
		q.first = root.URL
	}
	if via, ok := req.Context().Value(viaKey{}).(string); ok {
		if q.first, err = parse(via); err != nil {
			return nil, err
		}
		if why := downgrade(q.first, req.URL); why != "" {
			return nil, &RedirectError{URL: place(q.first), Location: place(req.URL), Why: why}
		}
	}
	if c.offline {
		return nil, &OfflineError{URL: place(req.URL)}
	}

	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Del("Referer") // its query is nobody else's business
	if req.Header.Get("Accept-Encoding") == "" {
		req.Header.Set("Accept-Encoding", "identity") // digests are of the stored bytes
	}
	if left {
		for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization"} {
			req.Header.Del(name)
		}
	}
	if req.Method != http.MethodGet && req.Method != http.MethodHead || hasBody(req) {
		return c.send(req, q)
	}
	var resp *http.Response
	err = c.retry(req.Context(), q, func(ctx context.Context) (err error) {
		if resp, err = c.send(req.WithContext(ctx), q); err != nil { //nolint:bodyclose // net/http passes it on to who asked
			return err
		}
		if status := (&StatusError{Status: resp.StatusCode}); !status.again() {
			return nil
		}
		a, ok := resp.Body.(received)
		if !ok {
			return nil // send makes no other
		}
		defer a.close()
		return a.statusError()
	})
	if err != nil {
		return nil, err
	}
	return resp, nil
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// rootOf returns the request whose redirects led to req: itself, if none did.
func rootOf(req *http.Request) *http.Request {
	for hops := 0; req.Response != nil && req.Response.Request != nil && hops <= maxRedirects; hops++ {
		req = req.Response.Request
	}
	return req
}

// checkChain refuses what may not be followed of the redirects that led to req,
// and says whether they ever left the origin of the first request: what was meant
// for that is not sent then, even where a later one leads back.
func checkChain(req *http.Request) (left bool, err error) {
	origin := rootOf(req).URL
	hops := 0
	for ; req.Response != nil && req.Response.Request != nil; hops++ {
		from := req.Response.Request
		refuse := func(why string) (bool, error) {
			return false, &RedirectError{URL: place(from.URL), Location: place(req.URL), Why: why}
		}
		if why := downgrade(from.URL, req.URL); why != "" {
			return refuse(why)
		}
		if hops >= maxRedirects {
			return refuse("it is one of more than 10")
		}
		if !sameOrigin(origin, req.URL) {
			left = true
			if hasBody(req) {
				return refuse("it sends what was meant for one host to another")
			}
		}
		req = from
	}
	return left, nil
}

// send makes one attempt. The body of the answer is watched.
func (c *Client) send(req *http.Request, q question) (*http.Response, error) {
	ctx, w := newWatch(req.Context(), q.url, c.stall)
	header := min(headerTime, c.stall)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { w.begin(header) }})
	req = req.WithContext(ctx)
	var body *sending
	if hasBody(req) {
		body = &sending{req.Body, w, new(atomic.Bool)}
		req.Body = body
	}
	pool, err := c.route(req, q.first)
	if err != nil {
		w.stop()
		return nil, &NetworkError{URL: place(q.url), Err: err}
	}
	start := time.Now()
	w.begin(connectTime + tlsTime + header)
	resp, err := pool.RoundTrip(req)
	if body != nil {
		body.answered.Store(true)
	}
	w.end()
	if err != nil {
		err = w.networkError(q.url, err, mayPass(err))
		w.stop()
		if c.log != nil {
			c.log("%s %s: %v", req.Method, redact(q.url), err)
		}
		return nil, err
	}
	if c.log != nil {
		c.log("%s %s: %d %s, %d bytes, %v", req.Method, redact(q.url), resp.StatusCode,
			clip(resp.Header.Get("Content-Type"), clipName), resp.ContentLength, time.Since(start).Round(time.Millisecond))
	}
	if resp.StatusCode == http.StatusProxyAuthRequired {
		_ = resp.Body.Close()
		w.stop()
		return nil, &NetworkError{URL: place(q.url), Err: &ProxyError{Proxy: c.proxyName(req), Status: resp.StatusCode}}
	}
	raw := *resp // the answer keeps the body that net/http gave
	w.body = raw.Body
	resp.Body = received{&answer{Response: &raw, url: q.url, watch: w}}
	return resp, nil
}

// A received body gives errors that say what broke it off.
type received struct{ *answer }

func (r received) Read(p []byte) (int, error) {
	n, err := r.answer.Read(p)
	if err != nil && err != io.EOF {
		err = r.bodyError(err)
	}
	return n, err
}

func (r received) Close() error {
	r.close()
	return nil
}

// A sending body tells the watch that what was read from it is on its way. The
// other side may take its time over the end of it, when it has to store the whole.
type sending struct {
	io.ReadCloser
	watch    *watch
	answered *atomic.Bool // the rest is nobody's business
}

func (s *sending) Read(p []byte) (int, error) {
	// Little at a time, since what is read has so long to be sent.
	n, err := s.ReadCloser.Read(p[:min(len(p), 4<<10)])
	switch {
	case s.answered.Load():
	case err != nil:
		s.watch.begin(max(headerTime, 2*s.watch.stall))
	default:
		s.watch.begin(s.watch.stall)
	}
	return n, err
}
