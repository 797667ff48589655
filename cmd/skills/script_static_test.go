package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// buildSite returns what builds testdata/buildsite into dir, once.
func buildSite(dir string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		program := filepath.Join(dir, "buildsite.exe")
		if out, err := exec.Command("go", "build", "-o", program, "./testdata/buildsite").CombinedOutput(); err != nil {
			return "", fmt.Errorf("build buildsite: %w\n%s", err, out)
		}
		return program, nil
	})
}

// staticSite builds a registry into files and serves those: static VAR DIR. Below
// DIR is a folder for each owner, with one for each slug, with one for each version,
// and a file VERSION.yanked that says why that is yanked. With a VAR that is served
// already, what is new in DIR is published and all is built anew.
func staticSite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: static VAR DIR")
	}
	data, site := ts.MkAbs("."+args[0]+"-data"), ts.MkAbs("."+args[0]+"-site")
	if state(ts).asked[args[0]] == nil {
		ts.Check(os.Mkdir(data, 0o700))
		asked := counted(ts, args[0])
		files := http.FileServer(http.Dir(site))
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked(r.Method + " " + r.URL.Path)
			files.ServeHTTP(w, r)
		}))
		ts.Defer(web.Close)
		ts.Setenv(args[0], web.URL)
	}
	program, err := state(ts).buildSite()
	ts.Check(err)
	out, err := exec.CommandContext(state(ts).tb.Context(), program, data, site, ts.MkAbs(args[1])).CombinedOutput()
	if err != nil {
		ts.Fatalf("build site: %v\n%s", err, out)
	}
}
