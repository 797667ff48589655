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
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

var digestOf = regexp.MustCompile(`\{sha256 ([^}]*)\}`)

// site serves a folder as a website: site VAR DIR. In a file called index.json
// {sha256 PATH} is the digest of the file at PATH.
func site(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: site VAR DIR")
	}
	dir := ts.MkAbs(args[1])
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.Method+" "+r.URL.Path)
		mu.Unlock()
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
	state(ts).asked[args[0]] = func() []string {
		mu.Lock()
		defer mu.Unlock()
		since := asked
		asked = nil
		return since
	}
	ts.Setenv(args[0], server.URL)
}

func hexOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
