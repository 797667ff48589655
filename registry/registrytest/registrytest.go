// Package registrytest runs the real registry server in a test. There is no
// double of it: what a test talks to is what skills-registry serves.
package registrytest

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"github.com/openskills-go/skills/registry/folder"
	"github.com/openskills-go/skills/registry/folderserver"
)

// A Server is a registry on a loopback port, until the test ends.
type Server struct {
	*httptest.Server
	Dir string // the folder that it serves; what is changed there is served at once

	mu       sync.Mutex
	requests []Request
}

// A Request is one that a Server was asked.
type Request struct {
	Method string
	URL    string // path and query
	Header http.Header
}

// NewServer serves the folder dir, which is laid out as registry/folder says.
func NewServer(t testing.TB, dir string) *Server {
	t.Helper()
	catalog, err := folder.Open(folder.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	h, err := folderserver.New(folderserver.Options{Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Dir: catalog.Dir()}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, Request{r.Method, r.URL.RequestURI(), r.Header.Clone()})
		s.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		s.Close()
		_ = catalog.Close()
	})
	return s
}

// NewServerFS serves a copy of fsys, such as an fstest.MapFS.
func NewServerFS(t testing.TB, fsys fs.FS) *Server {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, fsys); err != nil {
		t.Fatal(err)
	}
	return NewServer(t, dir)
}

// Requests returns what the server was asked since the last call, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.requests
	s.requests = nil
	return asked
}
