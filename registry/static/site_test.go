package static_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/server"
	"github.com/openskills-go/skills/registry/static"
)

const sample = "../../testdata/registry"

// A publisher has a registry, and builds it into a folder that is served.
type publisher struct {
	*server.Server
	t   testing.TB
	dir string
	web *web
}

// newPublisher returns one whose registry holds nothing, with the owners.
func newPublisher(t testing.TB, owners ...string) *publisher {
	t.Helper()
	s, err := server.Open(t.Context(), server.Options{DB: "sqlite://:memory:", Blobs: "mem://", URL: "http://skills.example"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, owner := range owners {
		if err := s.Catalog().AddUser(t.Context(), server.Operator(), server.User{Handle: owner, Role: server.Plain}); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	return &publisher{s, t, dir, serve(t, http.FileServer(http.Dir(dir)))}
}

// publish takes a folder with a SKILL.md, or with one for each version.
func (p *publisher) publish(owner, slug, dir string) {
	p.t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range entries {
		if version.Valid(e.Name()) {
			p.release(owner, slug, e.Name(), filepath.Join(dir, e.Name()))
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "SKILL.md")); err == nil {
		p.release(owner, slug, "", dir)
	}
}

func (p *publisher) release(owner, slug, number, dir string) {
	p.t.Helper()
	d, err := server.ReadDraft(p.t.Context(), dir)
	if err == nil {
		d.Owner, d.Slug, d.Version = owner, slug, number
		_, err = p.Catalog().Publish(p.t.Context(), server.Operator(), d)
	}
	if err != nil {
		p.t.Fatalf("publish %s: %v", dir, err)
	}
}

// text publishes a skill of one file.
func (p *publisher) text(owner, slug, number, description string) {
	p.t.Helper()
	dir := filepath.Join(p.t.TempDir(), slug)
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		text := "---\nname: " + slug + "\ndescription: " + description + "\n---\n" + number + "\n"
		err = os.WriteFile(filepath.Join(dir, "SKILL.md"), []byte(text), 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.release(owner, slug, number, dir)
}

func (p *publisher) yank(owner, slug, number, reason string) {
	p.t.Helper()
	if err := p.Catalog().Yank(p.t.Context(), server.Operator(), server.Name{Owner: owner, Slug: slug}, number, reason); err != nil {
		p.t.Fatal(err)
	}
}

func (p *publisher) build() {
	p.t.Helper()
	if _, err := p.Build(p.t.Context(), p.dir); err != nil {
		p.t.Fatal(err)
	}
}

// A web is a web server that notes what it is asked.
type web struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func serve(t testing.TB, h http.Handler) *web {
	t.Helper()
	w := &web{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, r.URL.Path)
		w.mu.Unlock()
		h.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.Close)
	return w
}

// since returns what was asked since the last call.
func (w *web) since() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := strings.Join(w.asked, " ")
	w.asked = nil
	return asked
}

func open(t testing.TB, url string) *static.Registry {
	t.Helper()
	c, err := transport.New(transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	r, err := static.New(static.Options{URL: url, Client: c})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func slug(text string) ref.Ref {
	r, err := ref.Parse(text)
	if err != nil {
		panic(err)
	}
	return r
}

// samples is the sample registry as files.
func samples(t *testing.T) *publisher {
	t.Helper()
	p := newPublisher(t, "sample")
	entries, err := os.ReadDir(sample)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.Contains(e.Name(), "@") { // there are no languages here
			p.publish("sample", e.Name(), filepath.Join(sample, e.Name()))
		}
	}
	p.build()
	return p
}

func TestConformance(t *testing.T) {
	p := samples(t)
	for _, owner := range []string{"", "sample/"} {
		t.Run("owner "+owner, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T) source.Source { return open(t, p.web.URL) }, sourcetest.Expect{
				Found:     slug(owner + "sickn33-skills-backend-architect"),
				Name:      "backend-architect",
				Versioned: slug(owner + "conventional-commits"),
				Versions:  []string{"1.0.0", "1.1.0", "2.0.0-beta.1"},
				Picks: map[string]string{
					"": "1.1.0", "latest": "1.1.0", "1.0.0": "1.0.0", "~1.0": "1.0.0", "^1": "1.1.0",
					"2.0.0-beta.1": "2.0.0-beta.1", ">=2": "", "3.0.0": "",
				},
				Missing:   slug(owner + "no-such-skill"),
				Foreign:   slug("./dir"),
				Validates: true,
			})
		})
	}
}

func TestConformanceYanked(t *testing.T) {
	p := samples(t)
	p.yank("sample", "conventional-commits", "1.1.0", "it leaks the index, ünd more")
	p.build()
	sourcetest.Run(t, func(t *testing.T) source.Source { return open(t, p.web.URL) }, sourcetest.Expect{
		Found:     slug("sickn33-skills-backend-architect"),
		Name:      "backend-architect",
		Versioned: slug("conventional-commits"),
		Versions:  []string{"1.0.0", "1.1.0", "2.0.0-beta.1"},
		Missing:   slug("no-such-skill"),
		Foreign:   slug("./dir"),
		Validates: true,
		Yanked:    slug("conventional-commits"), Withdrawn: "1.1.0", Left: "1.0.0",
		Reason: "it leaks the index, ünd more",
	})
}
