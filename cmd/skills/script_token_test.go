package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/openskills-go/skills/registry/clawhub/clawhubtest"
)

// tokenCommand is the credential command of some scripts: skills-token HOW
// prints a token, or fails, or prints it only for the origins that follow.
func tokenCommand() {
	asked, _ := io.ReadAll(os.Stdin)
	origin, _ := strings.CutPrefix(strings.TrimSpace(string(asked)), "origin=")
	token := os.Getenv("TOKEN_OF_COMMAND")
	switch how := os.Args[1]; {
	case how == "fail":
		fmt.Fprintln(os.Stderr, "the vault is locked, "+token)
		os.Exit(1) //nolint:revive // it is the main of a program
	case how == "for" && !slices.Contains(os.Args[2:], origin):
		return
	}
	fmt.Println(token)
}

// accounts serves the API of ClawHub to those with a token: accounts VAR TOKEN HANDLE.
func accounts(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: accounts VAR TOKEN HANDLE")
	}
	s := clawhubtest.New(state(ts).tb, clawhubtest.Options{
		Private: true,
		Tokens:  map[string]string{args[1]: args[2]},
		Skills: []clawhubtest.Skill{{Owner: "alice", Slug: "pdf", Versions: []clawhubtest.Version{{
			Version: "1.0.0", Files: map[string]string{"SKILL.md": sampleSkill},
		}}}},
	})
	ts.Setenv(args[0], "clawhub+"+s.URL)
	ts.Setenv(args[0]+"_HTTP", s.URL)
}

// guarded serves what answers as HOW says to whoever has the token, and notes
// every Authorization that it is sent in the file FILE: guarded VAR HOW FILE.
func guarded(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: guarded VAR HOW FILE")
	}
	notes := ts.MkAbs(args[2])
	sent := func(r *http.Request) string { return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") }
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note(notes, "elsewhere", sent(r))
		http.Error(w, "a token is wanted here", http.StatusUnauthorized)
	}))
	ts.Defer(other.Close)
	var self *httptest.Server
	answers := map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "unknown token "+sent(r), http.StatusUnauthorized)
		},
		"forbids": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "not for "+sent(r), http.StatusForbidden)
		},
		"away": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		},
		"carries": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/?t="+sent(r), http.StatusTemporaryRedirect)
		},
		"www": func(w http.ResponseWriter, r *http.Request) {
			if host, ok := strings.CutPrefix(r.Host, "www."); !ok {
				http.Redirect(w, r, "http://www."+host+r.URL.RequestURI(), http.StatusTemporaryRedirect)
				return
			}
			http.Error(w, "no", http.StatusUnauthorized)
		},
		"busy": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "86400")
			http.Error(w, "too many by "+sent(r), http.StatusTooManyRequests)
		},
		"hangs": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"missing": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Cannot GET that", http.StatusNotFound)
		},
		"serves": func(w http.ResponseWriter, r *http.Request) {
			if sent(r) == "" {
				http.Error(w, "a token is wanted", http.StatusUnauthorized)
				return
			}
			w.Header().Set("Etag", `"v1"`)
			_, _ = w.Write(zipOf(ts, map[string]string{"SKILL.md": sampleSkill}))
		},
	}
	answer := answers[args[1]]
	if answer == nil {
		ts.Fatalf("guarded: %s is none of those that are known", args[1])
	}
	self = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note(notes, "here", sent(r))
		answer(w, r)
	}))
	ts.Defer(self.Close)
	ts.Setenv(args[0], strings.Replace(self.URL, "127.0.0.1", "localhost", 1))
}

// note appends to a file that nowhere leaves out.
func note(file, where, token string) {
	if token == "" {
		token = "no token"
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return // the script has ended
	}
	defer f.Close()
	fmt.Fprintln(f, where, token)
}

// nowhere checks that a text is in no argument, output and file of the script so
// far, but for the files that are named: nowhere TEXT [FILE...].
func nowhere(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: nowhere TEXT [FILE...]")
	}
	secret, except := args[0], map[string]bool{}
	for _, name := range args[1:] {
		except[ts.MkAbs(name)] = true
	}
	said := state(ts).said.String()
	if strings.Contains(said, secret) {
		ts.Fatalf("the program was told, or said, %s", secret)
	}
	if len(said) == 0 {
		ts.Fatalf("nothing was run")
	}
	err := filepath.WalkDir(ts.MkAbs("."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || except[path] {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && (bytes.Contains(data, []byte(secret)) || strings.Contains(path, secret)) {
			ts.Fatalf("%s holds %s", path, secret)
		}
		return err
	})
	ts.Check(err)
}
