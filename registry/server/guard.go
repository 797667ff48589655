package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openskills-go/skills/registry/internal/authn"
	"github.com/openskills-go/skills/registry/internal/catalog"
)

// Requests a minute that one address or token may make of each kind.
const (
	defaultReads     = 3000
	defaultWrites    = 600
	uploadsAWrite    = 10 // files are sent one by one, each with a ticket
	defaultDownloads = 3000
)

// A body has to come with at least slowest bytes a second, after a while.
const (
	patience = 10 * time.Second
	slowest  = 1600
)

type limiters struct{ read, write, upload, download *authn.Limiter }

func (s *Server) newLimiters() limiters {
	limit := func(n, otherwise int) *authn.Limiter {
		if n == 0 {
			n = otherwise
		}
		return authn.NewLimiter(n, s.options.Now)
	}
	r := s.options.Rates
	return limiters{
		limit(r.Read, defaultReads), limit(r.Write, defaultWrites),
		limit(uploadsAWrite*r.Write, uploadsAWrite*defaultWrites), limit(r.Download, defaultDownloads),
	}
}

// guard does what holds for every request.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.options.Now()
		seen := &seen{ResponseWriter: w, request: r}
		h := seen.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		defer func() {
			p := recover()
			if p != nil && p != http.ErrAbortHandler { //nolint:errorlint // it is panicked with itself
				s.log.ErrorContext(r.Context(), "panic", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				if seen.status == 0 {
					s.fail(seen, r, errors.New("panic"))
				}
			}
			s.observe(r, seen, s.options.Now().Sub(began))
			if p == http.ErrAbortHandler { //nolint:errorlint // see above
				panic(p)
			}
		}()
		s.admit(seen, r, next)
	})
}

func (s *Server) admit(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if !sanePath(r) {
		s.refuse(w, r, &fault{http.StatusBadRequest, "bad_request", "the path is not one that is asked for"})
		return
	}
	h := w.Header()
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	if reads {
		h.Set("Access-Control-Allow-Origin", "*")
	}
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "Authorization, If-None-Match, Range")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	a, err := s.identify(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), actorKey{}, a))
	if !s.allowed(w, r, a.Actor) {
		s.limited.Add(1)
		s.refuse(w, r, &fault{http.StatusTooManyRequests, "rate_limited", "Rate limit exceeded"})
		return
	}
	if s.options.Private {
		h.Set("Cache-Control", "private")
		h.Set("Vary", "Authorization")
		if !a.Has(catalog.ScopeRead) && !openPath(r.URL.Path) {
			s.refuse(w, r, &catalog.DeniedError{Why: "this registry is read with a token", Anonymous: a.Anonymous()})
			return
		}
	}
	if r.Body != nil && !reads {
		r.Body = &timed{body: r.Body, controller: http.NewResponseController(w), began: time.Now()}
	}
	next.ServeHTTP(w, r)
}

// refuse answers with err before it is known who would have answered, as that one
// would.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if strings.HasPrefix(r.URL.Path, "/v2/") || r.URL.Path == "/v2" {
		s.failOCI(w, r, err)
		return
	}
	s.fail(w, r, err)
}

// sanePath holds a path to what every reader of it, before or behind, reads alike.
func sanePath(r *http.Request) bool {
	escaped := strings.ToLower(r.URL.EscapedPath())
	if strings.ContainsAny(r.URL.Path, "\x00\\") || strings.Contains(r.URL.Path, "..;") || strings.Contains(r.URL.Path, "//") {
		return false
	}
	for part := range strings.SplitSeq(r.URL.Path, "/") {
		if part == ".." || part == "." {
			return false
		}
	}
	// ClawHub's clients up to 0.20 ask for /api/v1/skills/%40owner%2Fslug.
	slash := strings.Contains(escaped, "%2f")
	return !slash || strings.HasPrefix(escaped, "/api/v1/skills/%40") || strings.HasPrefix(escaped, "/api/v1/stars/%40")
}

// openPath reports what of a private registry is open: what leads to a token.
func openPath(path string) bool {
	switch path {
	case "/.well-known/clawhub.json", "/.well-known/clawdhub.json", "/healthz", "/readyz", "/metrics", "/cli/device", "/v2/":
		return true
	}
	return strings.HasPrefix(path, "/api/cli/device/") || strings.HasPrefix(path, "/assets/")
}

type actorKey struct{}

// An asker is who makes a request.
type asker struct {
	catalog.Actor
	bad bool // it has a token, which is none
}

func askerOf(r *http.Request) asker {
	a, _ := r.Context().Value(actorKey{}).(asker)
	return a
}

// identify tells who asks. A token that is none makes one a stranger, who is told
// where a token is needed.
func (s *Server) identify(r *http.Request) (asker, error) {
	address := s.address(r)
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch strings.ToLower(scheme) {
	case "bearer":
	case "basic": // of OCI clients: the token is the password
		_, text, _ = r.BasicAuth()
	default:
		text = ""
	}
	if text == "" {
		return asker{Actor: catalog.Actor{Address: address}}, nil
	}
	a, err := s.desk.Actor(r.Context(), strings.TrimSpace(text))
	if err != nil && !errors.Is(err, authn.ErrUnauthorized) {
		return asker{}, err
	}
	a.Address = address
	return asker{a, err != nil}, nil
}

// address is where a request comes from. What it says itself is believed only of
// proxies that are trusted.
func (s *Server) address(r *http.Request) string {
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	trusted := func(text string) bool {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return false
		}
		for _, p := range s.options.Proxies {
			if p.Contains(a.Unmap()) {
				return true
			}
		}
		return false
	}
	if !trusted(peer) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		hop = strings.TrimSpace(hop)
		if _, err := netip.ParseAddr(hop); err != nil {
			break
		}
		if peer = hop; !trusted(hop) {
			break
		}
	}
	return peer
}

// allowed counts a request, and says in headers how many more there may be.
func (s *Server) allowed(w http.ResponseWriter, r *http.Request, a catalog.Actor) bool {
	limiter := s.limits.read
	switch kind(r) {
	case "ops":
		return true
	case "write":
		limiter = s.limits.write
	case "upload":
		limiter = s.limits.upload
	case "download":
		limiter = s.limits.download
	}
	key := "address " + a.Address
	if a.Token != "" {
		key = "token " + a.Token
	}
	v := limiter.Allow(key)
	if v.Limit == 0 {
		return true
	}
	h := w.Header()
	limit, remaining, reset := strconv.Itoa(v.Limit), strconv.Itoa(v.Remaining), int64(v.Reset/time.Second)
	h["RateLimit-Limit"], h["RateLimit-Remaining"], h["RateLimit-Reset"] = []string{limit}, []string{remaining}, []string{strconv.FormatInt(reset, 10)}
	h["X-RateLimit-Limit"], h["X-RateLimit-Remaining"] = []string{limit}, []string{remaining}
	h["X-RateLimit-Reset"] = []string{strconv.FormatInt(s.options.Now().Unix()+reset, 10)}
	if !v.OK {
		h.Set("Retry-After", strconv.FormatInt(int64(v.RetryAfter/time.Second), 10))
	}
	return v.OK
}

// kind is what a request counts as, for limits and metrics.
func kind(r *http.Request) string {
	path := r.URL.Path
	switch {
	case path == "/healthz" || path == "/readyz" || path == "/metrics":
		return "ops"
	case r.Method == http.MethodPost && (strings.HasPrefix(path, "/upload/") || strings.HasSuffix(path, "/upload-url")):
		return "upload"
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return "write"
	case path == "/api/v1/download" || path == "/api/download" || strings.HasPrefix(path, "/blobs/") || strings.Contains(path, "/blobs/sha256:") ||
		strings.HasSuffix(path, ".zip"):
		return "download"
	case path == "/api/search" || path == "/api/v1/search" || path == "/search":
		return "search"
	}
	return "read"
}

// A timed body is cut off when it comes too slowly.
type timed struct {
	body interface {
		Read(p []byte) (int, error)
		Close() error
	}
	controller *http.ResponseController
	began      time.Time
	read       int64
	slow       *fault // why it was cut off
}

func (t *timed) Read(p []byte) (int, error) {
	until := t.began.Add(patience + time.Duration(t.read/slowest)*time.Second)
	_ = t.controller.SetReadDeadline(until) // where there is none to set, the server's own holds
	n, err := t.body.Read(p)
	t.read += int64(n)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.slow = &fault{http.StatusRequestTimeout, "too_slow", fmt.Sprintf("the body comes with less than %d bytes a second", slowest)}
		err = t.slow
	}
	return n, err
}

func (t *timed) Close() error { return t.body.Close() }

// A seen answer is one whose status and size are noted.
type seen struct {
	http.ResponseWriter
	request *http.Request
	status  int
	bytes   int64
}

func (s *seen) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
		gather(s.request, status, s.Header())
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *seen) Write(p []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	n, err := s.ResponseWriter.Write(p)
	s.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (s *seen) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *Server) observe(r *http.Request, w *seen, took time.Duration) {
	s.metrics.observe(kind(r), w.status, w.bytes, took)
	level := slog.LevelDebug
	if kind(r) == "write" {
		level = slog.LevelInfo
	}
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	a := askerOf(r)
	s.log.Log(r.Context(), level, "request", "method", r.Method, "path", logPath(r), "status", w.status, "bytes", w.bytes, "took", took, "address", s.address(r), "user", a.User)
}

// logPath is a path without what a ticket says.
func logPath(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, "/upload/") {
		return "/upload/…"
	}
	return r.URL.Path
}
