package transport

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
)

// Origin returns what a token is for: the scheme, host and port of a URL, in lower
// case and without the port that the scheme has anyway.
func Origin(rawURL string) (string, error) {
	u, err := parse(rawURL)
	if err != nil {
		return "", err
	}
	return origin(u), nil
}

func origin(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if p := u.Port(); p != "" && p != defaultPort(u.Scheme) {
		host += ":" + p
	}
	return u.Scheme + "://" + host
}

// A PlainError says that there is a token for an origin that would be sent to it
// unencrypted, for everyone on the way to read.
type PlainError struct{ Origin string }

func (e *PlainError) Error() string {
	return fmt.Sprintf("a token is not sent to %s: over http everyone on the way could read it", clip(e.Origin, clipName))
}

// MayCarryToken returns the PlainError that a request with a token to an origin
// would get, or nil.
func MayCarryToken(originURL string) error {
	u, err := parse(originURL)
	if err != nil {
		return err
	}
	if !mayCarryToken(u) {
		return &PlainError{Origin: origin(u)}
	}
	return nil
}

// mayCarryToken says whether what is sent to u is encrypted, or does not leave
// this machine. Names below localhost do not count: on many systems they are asked
// of a name server.
func mayCarryToken(u *url.URL) bool {
	if u.Scheme == "https" || strings.EqualFold(u.Hostname(), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.Unmap().WithZone("").IsLoopback()
}

// credentials are what Options.Credential said, which is asked once an origin.
type credentials struct {
	ask func(ctx context.Context, origin string) (string, error)

	mu   sync.Mutex
	said map[string]*saidToken
}

type saidToken struct {
	turn  chan struct{} // holds something while one asks
	asked bool
	token string
	err   error
}

// token returns the token for u, or "".
func (c *credentials) token(ctx context.Context, u *url.URL) (string, error) {
	if c.ask == nil {
		return "", nil
	}
	at := origin(u)
	c.mu.Lock()
	s := c.said[at]
	if s == nil {
		s = &saidToken{turn: make(chan struct{}, 1)}
		if c.said == nil {
			c.said = make(map[string]*saidToken)
		}
		c.said[at] = s
	}
	c.mu.Unlock()

	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return "", fmt.Errorf("get %s: %w", place(u), ctx.Err())
	}
	defer func() { <-s.turn }()
	if s.asked {
		return s.token, s.err
	}
	token, err := c.ask(ctx, at)
	if err != nil && ctx.Err() != nil {
		return "", fmt.Errorf("get %s: %w", place(u), ctx.Err()) // the next one may have more time
	}
	if err == nil && token != "" && !mayCarryToken(u) {
		err = &PlainError{Origin: at}
	}
	if err != nil {
		token = ""
	}
	s.asked, s.token, s.err = true, token, err
	return s.token, s.err
}

// authorize gives a question its token, if there is one and it may have it: what
// a server named is asked with the token of that server, or with none.
func (c *Client) authorize(ctx context.Context, q question) (question, error) {
	if !sameOrigin(q.first, q.url) {
		q.token = ""
		return q, nil
	}
	if q.token == "" {
		var err error
		q.token, err = c.credentials.token(ctx, q.url)
		return q, err
	}
	if !mayCarryToken(q.url) {
		return q, &PlainError{Origin: origin(q.url)}
	}
	return q, nil
}

// hide takes the token out of what a server sent, before it is shown to anyone.
func (q question) hide(text string) string {
	if q.token == "" {
		return text
	}
	return strings.ReplaceAll(text, q.token, hidden)
}

func (q question) hideBytes(text []byte) []byte {
	if q.token == "" {
		return text
	}
	return bytes.ReplaceAll(text, []byte(q.token), []byte(hidden))
}

const hidden = "REDACTED"

// holdsToken says whether a location would bring the token to whoever it names,
// and into what is remembered of it.
func (q question) holdsToken(location string) bool {
	if q.token == "" {
		return false
	}
	plain, err := url.QueryUnescape(location)
	path, err2 := url.PathUnescape(location)
	return strings.Contains(location, q.token) ||
		err == nil && strings.Contains(plain, q.token) || err2 == nil && strings.Contains(path, q.token)
}

// sentToken says what became of the token of the question that a answers.
func (a *answer) sentToken() (sent, dropped bool, moved string) {
	if a.question.token == "" {
		return false, false, ""
	}
	if sent = a.sent.Get("Authorization") != ""; sent {
		return true, false, ""
	}
	denied := a.StatusCode == http.StatusUnauthorized || a.StatusCode == http.StatusForbidden
	if denied && isTwin(a.question.url, a.url) {
		moved = origin(a.url)
	}
	return false, true, moved
}

// isTwin says whether two hosts differ by www. alone, as those of one owner do.
func isTwin(a, b *url.URL) bool {
	if a.Scheme != b.Scheme || port(a) != port(b) {
		return false
	}
	one, two := strings.ToLower(a.Hostname()), strings.ToLower(b.Hostname())
	return one == "www."+two || two == "www."+one
}
