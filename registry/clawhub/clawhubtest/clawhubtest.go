// Package clawhubtest serves the reading side of the API of ClawHub in a test,
// from memory. It answers as strictly as the real client of ClawHub reads, which
// the tests behind the build tag clients hold it to.
package clawhubtest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A Skill is one of a Server. An owner and a slug name it.
type Skill struct {
	Owner, Slug string
	Name        string // for people; "" is the slug
	Summary     string
	Versions    []Version         // the last is the latest, unless Tags say so
	Tags        map[string]string // to versions
	Aliases     []string          // slugs that it had before
	Former      []string          // owners that it had before, and is still found by
	Moderation  *Moderation
	Refuse      *Refusal // instead of whatever is asked for
	GitHub      *GitHub  // where it is, if it has no Versions
	Install     *Refusal // why it cannot be installed, if it has no Versions
}

// A Version is one release of a Skill.
type Version struct {
	Version   string
	Files     map[string]string // contents by path
	Meta      bool              // the zip has the _meta.json that ClawHub adds
	Stored    bool              // the zip is not compressed: the same files in other bytes
	Truncated bool              // the zip is cut in half, and sent as if it were whole
	Deleted   bool              // it was taken away: 410
}

// A Moderation is what the registry thinks of a Skill.
type Moderation struct {
	Suspicious, Malware bool
	Verdict             string // clean, suspicious, malicious
	Reasons             []string
	Summary             string
}

// A Refusal is an answer in words.
type Refusal struct {
	Status  int
	Text    string
	Reason  string // code, for Install
	Content string // type; "" is plain text
}

// A GitHub is the place of a Skill that the registry only points to.
type GitHub struct{ Repo, Path, Commit string }

// Options say what a Server has and whom it serves.
type Options struct {
	Skills  []Skill
	Base    string            // path that the API lives under, such as /base
	Tokens  map[string]string // handles by token
	Private bool              // nothing is there for those without a token
	// Pending is how often a device login is still pending before it is approved,
	// and Device how it ends instead of with a token: access_denied, expired_token.
	Pending int
	Device  string
	// Page is the largest page of a list; 0 is 25.
	Page int
}

// A Server is a registry on a loopback port.
type Server struct {
	*httptest.Server
	options Options
	handler atomic.Pointer[http.Handler]

	mu       sync.Mutex
	requests []Request
	polls    int
}

// A Request is one that a Server was asked.
type Request struct {
	Method string
	URL    string // path and query
	Header http.Header
	Body   string
}

func (r Request) String() string { return r.Method + " " + r.URL }

// New starts a Server for the time of a test.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s := Start(o)
	t.Cleanup(s.Close)
	return s
}

// Start starts a Server that the caller closes.
func Start(o Options) *Server {
	if o.Page <= 0 {
		o.Page = 25
	}
	s := &Server{options: o}
	h := s.routes()
	s.handler.Store(&h)
	s.Server = httptest.NewUnstartedServer(s.recorded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*s.handler.Load()).ServeHTTP(w, r)
	})))
	s.Start() // not before s knows it: a client of who had the port before may ask at once
	return s
}

// Publish makes skills all that the server has from now on.
func (s *Server) Publish(skills ...Skill) {
	next := &Server{Server: s.Server, options: s.options}
	next.options.Skills = skills
	h := next.routes()
	s.handler.Store(&h)
}

// Registry returns the URL of the registry, with its base path.
func (s *Server) Registry() string { return s.URL + s.options.Base }

// Requests returns what the server was asked since the last call, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.requests
	s.requests = nil
	return asked
}

func (s *Server) routes() http.Handler {
	api := http.NewServeMux()
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /api/v1/search":                           s.search,
		"GET /api/v1/skills":                           s.list,
		"GET /api/v1/skills/{slug}":                    s.skill,
		"GET /api/v1/skills/{slug}/moderation":         s.moderation,
		"GET /api/v1/skills/{slug}/versions":           s.versions,
		"GET /api/v1/skills/{slug}/versions/{version}": s.version,
		"GET /api/v1/skills/{slug}/file":               s.file,
		"GET /api/v1/skills/{slug}/install":            s.install,
		"GET /api/v1/download":                         s.download,
		"GET /api/v1/resolve":                          s.resolve,
		"GET /api/v1/whoami":                           s.whoami,
		"POST /api/v1/skills/-/security-verdicts":      s.verdicts,
		"POST /api/cli/telemetry/install":              s.thanks,
		"POST /api/cli/device/code":                    s.deviceCode,
		"POST /api/cli/device/token":                   s.deviceToken,
	} {
		api.HandleFunc(pattern, h)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/clawhub.json", s.discovery)
	mux.Handle(s.options.Base+"/api/", http.StripPrefix(s.options.Base, s.guarded(api)))
	return mux
}

// recorded keeps what is asked, and says what all answers say.
func (s *Server) recorded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := readBody(r)
		s.mu.Lock()
		s.requests = append(s.requests, Request{r.Method, r.URL.RequestURI(), r.Header.Clone(), body})
		s.mu.Unlock()
		for name, value := range map[string]string{
			"RateLimit-Limit": "3000", "RateLimit-Remaining": "2999", "RateLimit-Reset": "60",
			"X-RateLimit-Limit": "3000", "X-RateLimit-Remaining": "2999", "X-RateLimit-Reset": "4102444800",
			"Access-Control-Allow-Origin": "*",
		} {
			w.Header().Set(name, value)
		}
		h.ServeHTTP(w, r)
	})
}

// guarded keeps those without a token out of a private registry. A token that is
// not known is as good as none, as at ClawHub.
func (s *Server) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.options.Private && s.handle(r) == "" && !strings.HasPrefix(r.URL.Path, "/api/cli/device/") {
			refuse(w, http.StatusUnauthorized, "Unauthorized")
			return
		}
		h.ServeHTTP(w, r)
	})
}

// handle returns whom the token of a request is for, or "".
func (s *Server) handle(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return s.options.Tokens[token]
}

// latest returns the latest version of a skill, or nil.
func (k *Skill) latest() *Version {
	if v := k.find(k.Tags["latest"]); v != nil {
		return v
	}
	for i := len(k.Versions) - 1; i >= 0; i-- {
		if !k.Versions[i].Deleted {
			return &k.Versions[i]
		}
	}
	return nil
}

func (k *Skill) find(version string) *Version {
	for i := range k.Versions {
		if k.Versions[i].Version == version {
			return &k.Versions[i]
		}
	}
	return nil
}

// tags returns the tags of a skill, of which there is always latest.
func (k *Skill) tags() map[string]string {
	tags := map[string]string{}
	if v := k.latest(); v != nil {
		tags["latest"] = v.Version
	}
	maps.Copy(tags, k.Tags)
	return tags
}

func (k *Skill) name() string {
	if k.Name != "" {
		return k.Name
	}
	return k.Slug
}

func (k *Skill) blocked() bool {
	return k.Moderation != nil && (k.Moderation.Malware || k.Moderation.Verdict == "malicious")
}
