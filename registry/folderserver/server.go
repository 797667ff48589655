// Package folderserver serves a folder of skills, or any other catalog, over
// HTTP, read-only, in the protocol of openskills.cc that registry/openskills
// speaks:
//
//	GET /api/download?slug=S[&locale=L][&version=Q]   the artifact
//	GET /api/search?q=TEXT[&limit=N]                  {"results":[…],"skills":[…]}
//	GET /skills  /skills/S  /zh/skills/S              pages for people
//	GET /healthz
//
// It is an http.Handler and nothing more: the product and the test double at
// once. Whoever serves it sets the timeouts of the connections.
//
// The artifact of a version has the same bytes at each request and after a
// restart, its strong ETag and its Repr-Digest are the digest of these bytes.
// Version is a query as in a reference (1.2.3, ^1.2, latest); the version that
// was chosen is in X-Skill-Version, if the registry has versions. A fault is {"error":{"code","message"}}.
//
// A yanked version is sent to whom asks for it by itself, with the reason, percent-
// encoded, in X-Skill-Yanked; to whom asks for less, and could have nothing else,
// the answer is 410 with the code yanked. A skill that was renamed is a redirect
// (308) to the same request with its new slug.
package folderserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
)

// A Catalog is what a server serves: a source that can be searched, an empty
// query finding everything, and that can say whether an artifact is still the
// one that it was.
type Catalog interface {
	source.Source
	source.Searcher
	// Current is Resolve, with a stamp that is another whenever the artifact may
	// be. It is called once a request and should cost little. An empty stamp says
	// that the artifact must not be remembered.
	Current(ctx context.Context, r ref.Ref) (pin source.Pin, stamp string, err error)
}

// Options configure a server. Only Catalog is needed.
type Options struct {
	Catalog Catalog
	Title   string         // of the pages; "" is "Skills"
	URL     string         // how clients reach the server, for search results; may be ""
	Cache   int64          // bytes of artifacts to hold in memory; 0 is 64 MiB
	Limits  archive.Limits // of what is served; zero fields mean the defaults
	Log     *slog.Logger   // nil logs nothing
}

const (
	defaultCache = 64 << 20
	// fillTime bounds how long one artifact may take to read and pack.
	fillTime = time.Minute
	// queueTime is how long a request waits for its turn to work on the catalog.
	queueTime = 5 * time.Second
)

type server struct {
	catalog Catalog
	url     string
	limits  archive.Limits
	log     *slog.Logger
	cache   *cache
	pages   *pages
	flights singleflight.Group // fills that are under way, by key
	// turns bounds the searches and the packing that run at once; what is in the
	// cache needs none.
	turns chan struct{}
}

// New returns a handler that serves o.Catalog.
func New(o Options) (http.Handler, error) {
	if o.Catalog == nil {
		return nil, errors.New("create server: no catalog")
	}
	if o.Cache <= 0 {
		o.Cache = defaultCache
	}
	if o.Title == "" {
		o.Title = "Skills"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Limits.Download <= 0 {
		o.Limits.Download = archive.DefaultLimits().Download
	}
	pages, err := newPages(o.Title)
	if err != nil {
		return nil, fmt.Errorf("create server: %w", err)
	}
	s := &server{
		catalog: o.Catalog,
		url:     o.URL,
		limits:  o.Limits,
		log:     o.Log,
		cache:   newCache(o.Cache),
		pages:   pages,
		turns:   make(chan struct{}, 2*runtime.GOMAXPROCS(0)),
	}
	return s.routes(), nil
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	// Patterns without a method, so that a wrong one is answered by us, as JSON.
	mux.HandleFunc("/{$}", s.home)
	mux.HandleFunc("/healthz", s.health)
	mux.HandleFunc("/api/download", s.download)
	mux.HandleFunc("/api/search", s.search)
	mux.HandleFunc("/skills", s.listPage)
	mux.HandleFunc("/skills/{slug}", s.skillPage)
	mux.HandleFunc("/{locale}/{section}", s.localePage)
	mux.HandleFunc("/{locale}/skills/{slug}", s.skillPage)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, errNoPath)
	})
	return s.guard(mux)
}

// guard does what holds for every request.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Content-Security-Policy", "default-src 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				s.log.ErrorContext(r.Context(), "panic", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				s.fail(w, r, &fault{http.StatusInternalServerError, "internal", "internal error"})
			}
		}()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			s.fail(w, r, &fault{http.StatusMethodNotAllowed, "method_not_allowed", "only GET and HEAD are served"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) home(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/skills", http.StatusFound)
}

func (s *server) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, `{"status":"ok"}`+"\n")
}

// turn waits for a turn to work on the catalog. The caller gives it back by
// calling done.
func (s *server) turn(ctx context.Context) (done func(), err error) {
	done = func() { <-s.turns }
	select {
	case s.turns <- struct{}{}:
		return done, nil
	default:
	}
	patience := time.NewTimer(queueTime)
	defer patience.Stop()
	select {
	case s.turns <- struct{}{}:
		return done, nil
	case <-patience.C:
		return nil, errBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
