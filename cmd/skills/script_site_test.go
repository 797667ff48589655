package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// A staticSite is a folder as a web server serves it. In a file called index.json
// {sha256 PATH} is the digest of the file at PATH.
type staticSite struct {
	mu    sync.Mutex
	asked []string
}

var digestOf = regexp.MustCompile(`\{sha256 ([^}]*)\}`)

// site serves a folder: site VAR DIR.
func site(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: site VAR DIR")
	}
	dir, s := ts.MkAbs(args[1]), &staticSite{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.Path)
		s.mu.Unlock()
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path.Clean(r.URL.Path))))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		if path.Base(r.URL.Path) == "index.json" {
			data = digestOf.ReplaceAllFunc(data, func(word []byte) []byte {
				file, _ := os.ReadFile(filepath.Join(dir, filepath.FromSlash(string(digestOf.FindSubmatch(word)[1]))))
				return []byte("sha256:" + hexOf(file))
			})
		}
		tag := `"` + hexOf(data)[:16] + `"`
		w.Header().Set("Etag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(data)
	}))
	ts.Defer(server.Close)
	if state(ts).sites == nil {
		state(ts).sites = map[string]*staticSite{}
	}
	state(ts).sites[args[0]] = s
	ts.Setenv(args[0], server.URL)
}

func hexOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// asked counts what a site was asked since the last time: asked VAR N.
func asked(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || state(ts).sites[args[0]] == nil {
		ts.Fatalf("usage: asked VAR N")
	}
	s := state(ts).sites[args[0]]
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strconv.Itoa(len(s.asked)); got != args[1] {
		ts.Fatalf("the site was asked %s times, want %s: %s", got, args[1], strings.Join(s.asked, " "))
	}
	s.asked = nil
}
