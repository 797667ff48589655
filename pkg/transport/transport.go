// Package transport is the one HTTP stack of the program. A Client asks and
// downloads with GET, and puts the few questions that are too long for a URL with
// POST: it retries what may pass, waits as
// servers ask it to but not longer than it may, gives up on what stalls rather
// than on what takes long, resumes what broke off, bounds whatever it reads, and
// follows redirects without carrying credentials or reaching into networks that
// the user did not name. What it cannot know is whether the bytes are the right
// ones: a digest that the server claims is in the Receipt, and the caller
// compares.
package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"
)

// Defaults for what Options and GetOptions leave zero.
const (
	DefaultAttempts      = 4
	DefaultJobs          = 8
	DefaultMaxWait       = 10 * time.Second
	DefaultStall         = 15 * time.Second
	DefaultGetLimit      = 4 << 20
	DefaultDownloadLimit = 64 << 20
)

const (
	connectTime  = 10 * time.Second
	tlsTime      = 10 * time.Second
	headerTime   = 15 * time.Second
	idleTime     = 30 * time.Second
	headerLimit  = 256 << 10
	bufferSize   = 64 << 10
	errorBody    = 4 << 10
	maxRedirects = 10
)

// Options configure a Client. The zero value works.
type Options struct {
	UserAgent string                                // "" is "skills"
	CAFile    string                                // PEM certificates, trusted besides the system's
	Offline   bool                                  // every request is an OfflineError
	MaxWait   time.Duration                         // sum of the waits of one request; negative: never wait
	Stall     time.Duration                         // without a byte for so long, an attempt has failed
	Attempts  int                                   // at most so many for one request
	Jobs      int                                   // how many requests the caller makes at once
	Cache     *Cache                                // answers of Get; nil keeps none
	Log       func(format string, args ...any)      // one line an event, without secrets; may be called at once
	Wait      func(WaitEvent)                       // told before each wait; may be called at once
	Proxy     func(*http.Request) (*url.URL, error) // nil is http.ProxyFromEnvironment

	// Credential returns the token for an origin, which is what Origin returns, or
	// "" if there is none. It is asked once an origin, when there is something to
	// send there. The token goes to that origin only, if the user named the URL or
	// Via has the same one; a redirect to another origin loses it for good.
	Credential func(ctx context.Context, origin string) (string, error)

	// Dial replaces the network, for tests and for those who bring their own. The
	// addresses that names resolve to are then its concern: only those that stand
	// in a URL are still checked.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	resolver *net.Resolver
}

// A Client may be used by many goroutines at once.
type Client struct {
	userAgent string
	offline   bool
	maxWait   time.Duration
	stall     time.Duration
	attempts  int
	cache     *Cache
	log       func(format string, args ...any)
	wait      func(WaitEvent)
	proxy     func(*http.Request) (*url.URL, error)
	guard     guard

	credentials credentials

	// Connections are pooled by what they may reach, so that a request which may
	// not reach a host cannot ride on a connection made for one that may.
	named   *http.Transport // hosts that the user named
	public  *http.Transport // hosts that a server named
	proxied *http.Transport // whatever the user's proxy reaches

	buffers sync.Pool
}

// New returns a Client. It touches no network. The error is about the CAFile.
func New(o Options) (*Client, error) {
	c := &Client{
		userAgent: o.UserAgent,
		offline:   o.Offline,
		maxWait:   o.MaxWait,
		stall:     o.Stall,
		attempts:  o.Attempts,
		cache:     o.Cache,
		log:       o.Log,
		wait:      o.Wait,
		proxy:     o.Proxy,
		guard:     guard{dial: o.Dial, resolver: o.resolver, public: make(map[string]bool)},

		credentials: credentials{ask: o.Credential},
	}
	if c.userAgent == "" {
		c.userAgent = "skills"
	}
	if c.maxWait == 0 {
		c.maxWait = DefaultMaxWait
	}
	if c.stall <= 0 {
		c.stall = DefaultStall
	}
	if c.attempts <= 0 {
		c.attempts = DefaultAttempts
	}
	if c.proxy == nil {
		c.proxy = http.ProxyFromEnvironment
	}
	if o.Jobs <= 0 {
		o.Jobs = DefaultJobs
	}

	var roots *x509.CertPool
	if o.CAFile != "" {
		var err error
		if roots, err = systemRootsAnd(o.CAFile); err != nil {
			return nil, fmt.Errorf("read CA file: %w", err)
		}
	}
	c.named = newPool(o.Jobs, roots, c.stall)
	c.named.DialContext = c.guard.dialNamed
	c.public = newPool(o.Jobs, roots, c.stall)
	c.public.DialContext = c.guard.dialPublic
	c.proxied = newPool(o.Jobs, roots, c.stall)
	c.proxied.DialContext = c.guard.dialProxy
	c.proxied.Proxy = c.proxy
	c.proxied.OnProxyConnectResponse = func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
		if resp.StatusCode != http.StatusOK {
			return &ProxyError{Proxy: clip(proxy.Host, clipName), Status: resp.StatusCode}
		}
		return nil
	}
	return c, nil
}

func newPool(jobs int, roots *x509.CertPool, stall time.Duration) *http.Transport {
	return &http.Transport{
		ForceAttemptHTTP2:      true,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    min(tlsTime, stall),
		MaxResponseHeaderBytes: headerLimit,
		MaxIdleConnsPerHost:    jobs,
		IdleConnTimeout:        idleTime,
		ReadBufferSize:         bufferSize, // a small answer is one read, header and body
	}
}

func systemRootsAnd(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no PEM certificate in it", file)
	}
	return roots, nil
}

// CloseIdleConnections ends the connections that no request uses. The Client
// can still be used.
func (c *Client) CloseIdleConnections() {
	for _, t := range []*http.Transport{c.named, c.public, c.proxied} {
		t.CloseIdleConnections()
	}
}
