package transport

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

var (
	// ErrOffline says that the network was not asked, since it must not be.
	ErrOffline = errors.New("offline")
	// ErrNotModified says that what the Known validators stand for is current.
	ErrNotModified = errors.New("not modified")
	// ErrWebPage says that a page for people came where data was expected: a
	// captive portal, a login, a site that answers every path with its front page.
	ErrWebPage = errors.New("the server answered with a web page")
	// ErrNotJSON says that an answer with status 200 was not JSON.
	ErrNotJSON = errors.New("the answer is not JSON")
	// ErrEmpty says that an answer with status 200 held nothing.
	ErrEmpty = errors.New("the answer is empty")
)

// The URL fields of the errors below are host and path, without the query.
// Texts that came from a server are escaped and cut to a line.

// A NetworkError says that there was no answer, or not all of one. It unwraps
// to what net, crypto/tls and crypto/x509 say.
type NetworkError struct {
	URL  string
	Err  error
	pass bool
}

func (e *NetworkError) Error() string { return "get " + e.URL + ": " + clip(e.Err.Error(), clipText) }
func (e *NetworkError) Unwrap() error { return e.Err }
func (e *NetworkError) again() bool   { return e.pass }

// A StatusError is an answer with a status that is no success here.
type StatusError struct {
	URL         string
	Status      int
	ContentType string
	Body        []byte        // its first 4 KiB, as sent
	RetryAfter  time.Duration // how long the server asks to be left alone; 0 if it does not
	Token       bool          // a token was sent to it
	Dropped     bool          // there was a token, and a redirect led to where it is not for
	Moved       string        // the origin that denied access, if it differs from the one with the token by www. alone
	pass        bool
}

func (e *StatusError) Error() string {
	// A 2xx or 3xx that is an error here needs a word why.
	word := "status"
	if e.Status < 400 {
		word = "unexpected status"
	}
	text := fmt.Sprintf("get %s: %s %d", e.URL, word, e.Status)
	if s := http.StatusText(e.Status); s != "" {
		text += " " + s
	}
	if s := e.Excerpt(); s != "" {
		text += `: "` + s + `"`
	}
	return text
}

// Excerpt returns the beginning of the body for people: escaped, at most 200
// bytes.
func (e *StatusError) Excerpt() string { return clip(strings.TrimSpace(string(e.Body)), clipText) }

// Retryable says whether the same request may do better another time. The Client
// itself has tried some of these again, and some not: a 500 for instance may be
// long.
func (e *StatusError) Retryable() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return e.Status >= 500
}

func (e *StatusError) again() bool {
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.pass
}

// A WaitError says that a server asks for a longer wait than is allowed.
type WaitError struct {
	URL   string
	Wait  time.Duration
	Until time.Time
	Err   *StatusError
}

func (e *WaitError) Error() string {
	return fmt.Sprintf("get %s: the server asks to wait until %s (%v): %s", e.URL,
		e.Until.Format(time.RFC3339), e.Wait.Round(time.Second), http.StatusText(e.Err.Status))
}
func (e *WaitError) Unwrap() error { return e.Err }

// A ContentError is an answer with status 200 that is not what was asked for. It
// is ErrWebPage, ErrNotJSON or ErrEmpty.
type ContentError struct {
	URL         string
	Status      int
	ContentType string
	Excerpt     string // escaped, at most 200 bytes
	Err         error
}

func (e *ContentError) Error() string {
	text := fmt.Sprintf("get %s: %v (status %d)", e.URL, e.Err, e.Status)
	if e.Excerpt != "" {
		text += `: "` + e.Excerpt + `"`
	}
	return text
}
func (e *ContentError) Unwrap() error { return e.Err }

// A LimitError says that an answer is larger than is allowed.
type LimitError struct {
	URL   string
	Limit int64
	Got   int64 // as the server declared it; -1 if it did not
}

func (e *LimitError) Error() string {
	if e.Got < 0 {
		return fmt.Sprintf("get %s: answer is over the limit of %d bytes", e.URL, e.Limit)
	}
	return fmt.Sprintf("get %s: answer of %d bytes is over the limit of %d", e.URL, e.Got, e.Limit)
}

// A StalledError says that an answer stopped coming, or hardly came.
type StalledError struct {
	URL  string
	For  time.Duration
	Slow bool // bytes came, but under 1 KiB a second
}

func (e *StalledError) Error() string {
	if e.Slow {
		return fmt.Sprintf("get %s: under 1 KiB a second came for %v", e.URL, e.For)
	}
	return fmt.Sprintf("get %s: nothing came for %v", e.URL, e.For)
}

// Timeout makes a StalledError one for those who ask by net.Error's method.
func (*StalledError) Timeout() bool { return true }
func (*StalledError) again() bool   { return true }

// A RedirectError is a redirect that is not followed.
type RedirectError struct {
	URL      string
	Location string // escaped, at most 80 bytes
	Why      string
}

func (e *RedirectError) Error() string {
	return fmt.Sprintf("get %s: redirect to \"%s\" is refused: %s", e.URL, e.Location, e.Why)
}

// A HeaderError is an answer whose header contradicts itself or the request.
type HeaderError struct {
	URL    string
	Header string
	Value  string // escaped, at most 80 bytes
	Why    string
	pass   bool
}

func (e *HeaderError) Error() string {
	return fmt.Sprintf("get %s: header %s \"%s\": %s", e.URL, e.Header, e.Value, e.Why)
}
func (e *HeaderError) again() bool { return e.pass }

// A URLError is a URL that is not asked for.
type URLError struct {
	URL string // escaped, without query and user information
	Why string
}

func (e *URLError) Error() string { return fmt.Sprintf("url \"%s\": %s", e.URL, e.Why) }

// An AddressError says that a host is at an address that must not be reached
// from where its name came.
type AddressError struct {
	Host string
	Addr netip.Addr
	Why  string
}

func (e *AddressError) Error() string {
	return fmt.Sprintf("host %s is at %s, which is refused: %s", e.Host, e.Addr, e.Why)
}

// A ProxyError says that a proxy refused to connect.
type ProxyError struct {
	Proxy  string
	Status int
}

func (e *ProxyError) Error() string {
	return fmt.Sprintf("proxy %s answered with status %d %s", e.Proxy, e.Status, http.StatusText(e.Status))
}

// An OfflineError is a request that was not made. It is ErrOffline.
type OfflineError struct{ URL string }

func (e *OfflineError) Error() string { return "get " + e.URL + ": " + ErrOffline.Error() }
func (*OfflineError) Unwrap() error   { return ErrOffline }

const (
	clipName = 80
	clipText = 200
)

// clip returns the beginning of s in printable ASCII, in at most n bytes.
func clip(s string, n int) string {
	var b strings.Builder
	for len(s) > 0 {
		_, size := utf8.DecodeRuneInString(s)
		piece := s[:size]
		if size > 1 || piece[0] < ' ' || piece[0] > '~' {
			piece = strconv.QuoteToASCII(piece)
			piece = piece[1 : len(piece)-1]
		}
		if b.Len()+len(piece) > n {
			break
		}
		b.WriteString(piece)
		s = s[size:]
	}
	return b.String()
}

// place names what was asked for, without the query, where secrets would be.
func place(u *url.URL) string { return clip(u.Host+u.EscapedPath(), clipName) }
