package wellknown_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/wellknown"
)

const (
	schema      = "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
	agentSkills = "/.well-known/agent-skills/"
	oldSkills   = "/.well-known/skills/"
)

// A site is a static website: files by path, as http.FileServer serves them, with
// strong validators. It counts what it is asked.
type site struct {
	*httptest.Server
	files fstest.MapFS

	mu     sync.Mutex
	asked  []string // paths, a 304 with " 304" after it
	answer map[string]http.HandlerFunc
}

func newSite(t testing.TB, files fstest.MapFS) *site {
	t.Helper()
	s := &site{files: files, answer: map[string]http.HandlerFunc{}}
	static := http.FileServerFS(files)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, r.URL.Path)
		if h, ok := s.answer[r.URL.Path]; ok {
			h(w, r)
			return
		}
		if f, ok := s.files[strings.TrimPrefix(r.URL.Path, "/")]; ok {
			tag := `"` + sha(f.Data)[:16] + `"`
			w.Header().Set("Etag", tag)
			if r.Header.Get("If-None-Match") == tag {
				s.asked[len(s.asked)-1] += " 304"
			}
		}
		static.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// requests returns what was asked since the last call.
func (s *site) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// put replaces a file.
func (s *site) put(path string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[strings.TrimPrefix(path, "/")] = &fstest.MapFile{Data: data, Mode: 0o644}
}

func (s *site) handle(path string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer[path] = h
}

func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func skillText(name, body string) string {
	return fmt.Sprintf("---\nname: %s\ndescription: Does one thing.\n---\n%s\n", name, body)
}

// pack makes a zip of files.
func pack(t testing.TB, files map[string]string) []byte {
	t.Helper()
	in := map[string][]byte{}
	for name, text := range files {
		in[name] = []byte(text)
	}
	var b bytes.Buffer
	if _, err := archive.PackFiles(t.Context(), &b, in); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type object = map[string]any

// entry is one of version 0.2.
func entry(name, kind, url string, data []byte) object {
	return object{"name": name, "type": kind, "description": "Does one thing with " + name + ".", "url": url, "digest": "sha256:" + sha(data)}
}

func indexOf(t testing.TB, schema string, entries ...object) []byte {
	t.Helper()
	top := object{"skills": entries}
	if schema != "" {
		top["$schema"] = schema
	}
	data, err := json.Marshal(top)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sample is a site below a path: an archive, a bare SKILL.md, one with a version.
func sample(t testing.TB, at string) *site {
	t.Helper()
	s := newSite(t, fstest.MapFS{})
	pdf := pack(t, map[string]string{"SKILL.md": skillText("pdf", "one"), "scripts/run.sh": "#!/bin/sh\n"})
	bare := []byte(skillText("bare", "one"))
	kept := pack(t, map[string]string{"SKILL.md": skillText("kept", "one")})
	s.put(at+agentSkills+"pdf.zip", pdf)
	s.put(at+agentSkills+"bare/SKILL.md", bare)
	s.put(at+"/files/kept.zip", kept)
	versioned := entry("kept", "archive", "../../files/kept.zip", kept)
	versioned["version"] = "1.2.0"
	versioned["size"] = len(kept)
	s.put(at+agentSkills+"index.json", indexOf(t, schema,
		entry("pdf", "archive", "pdf.zip", pdf), entry("bare", "skill-md", "bare/SKILL.md", bare), versioned))
	return s
}

func client(t testing.TB) *transport.Client {
	t.Helper()
	c, err := transport.New(transport.Options{Attempts: 2, Cache: transport.NewCache(t.TempDir())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func open(t testing.TB, url string) *wellknown.Registry {
	t.Helper()
	r, err := wellknown.New(wellknown.Options{URL: url, Client: client(t)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sum(text string) [32]byte { return sha256.Sum256([]byte(text)) }
