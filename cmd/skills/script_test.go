package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/openskills-go/skills/registry/clawhub/clawhubtest"
	"github.com/openskills-go/skills/registry/registrytest"
)

var update = flag.Bool("update", false, "rewrite what the scripts compare with")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"skills": main, "skills-token": tokenCommand})
}

// TestScript runs testdata/script: each file is one behaviour of the program, and
// its first line says which. Besides the commands of testscript there are
//
//	run [N] ARG...            run skills; its exit code must be N, else 0
//	serve VAR DIR             serve a folder; VAR becomes the address
//	oci VAR                   run an OCI registry in memory; VAR becomes its host
//	collect REPO TAG FROM...  make a collection of what has tags in an OCI repository
//	ocilayout DIR REPO TAG    copy what has a tag into a folder
//	githost VAR DIR           serve git repositories over https
//	skillsin DIR N            write the skills s1 to sN
//	requests VAR N            the server was asked N times since the last look; any: as often as it likes
//	clawhub VAR DIR           serve the API of ClawHub
//	site VAR DIR              serve the files of a folder
//	static VAR DIR            serve a registry that is built into files
//	misbehave VAR HOW         serve what a broken or hostile server does
//	archive FILE WHAT [DIR]   make an archive: see archives
//	json PATH VALUE           the last output is one envelope, with VALUE at PATH
//	jobs FILE                 run what the jobs in a page of the documentation run
//	hosted VAR USER...        run skills-registry; the tokens are in the files USER.token
//	accounts VAR TOKEN HANDLE serve the API of ClawHub to those with the token
//	guarded VAR HOW FILE      serve what wants a token, and note in FILE what it is sent
//	nowhere TEXT [FILE...]    no argument, output or other file so far holds the text
//	remember NAME DIR...      note every file, with content and time
//	unchanged NAME DIR...     nothing was written since
func TestScript(t *testing.T) {
	sample, err := filepath.Abs("../../testdata/registry")
	if err != nil {
		t.Fatal(err)
	}
	registry := registryProgram(t)
	buildSite := buildSite(t.TempDir())
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "home")
			env.Setenv("HOME", home)
			env.Setenv("USERPROFILE", home)
			env.Setenv("SKILLS_KEYRING", "off") // that of whoever runs the tests is not for them
			env.Setenv("SAMPLE", sample)
			env.Setenv("DOCS", filepath.Join(sample, "..", "..", "docs"))
			env.Values[stateKey{}] = &scriptState{
				tb:         env.T().(testing.TB), //nolint:forcetypeassert // testscript passes the *testing.T on
				servers:    map[string]*registrytest.Server{},
				asked:      map[string]func() []string{},
				hubs:       map[string]*clawhubtest.Server{},
				buildSite:  buildSite,
				remembered: map[string]string{},
				registry:   registry,
			}
			return os.MkdirAll(home, 0o777) // a script may have files in it
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"run":       runSkills,
			"serve":     serve,
			"requests":  requests,
			"oci":       serveOCI,
			"githost":   githost,
			"collect":   collect,
			"ocilayout": ociLayout,
			"skillsin":  skillsIn,
			"clawhub":   clawhub,
			"site":      site,
			"static":    staticSite,
			"misbehave": misbehave,
			"archive":   makeArchive,
			"json":      checkJSON,
			"jobs":      jobs,
			"hosted":    hosted,
			"accounts":  accounts,
			"guarded":   guarded,
			"nowhere":   nowhere,
			"remember":  remember,
			"unchanged": unchanged,
		},
	})
}

type stateKey struct{}

type scriptState struct {
	tb         testing.TB
	servers    map[string]*registrytest.Server
	asked      map[string]func() []string // what other servers were asked since the last call
	hubs       map[string]*clawhubtest.Server
	buildSite  func() (program string, err error)
	remembered map[string]string
	registry   func() (string, error) // the program of skills-registry
	said       strings.Builder        // arguments and output of every run
}

func state(ts *testscript.TestScript) *scriptState {
	s, ok := ts.Value(stateKey{}).(*scriptState)
	if !ok {
		ts.Fatalf("the script has no state")
	}
	return s
}

func runSkills(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("say which exit code: run N ARG...")
	}
	want := 0
	if len(args) > 0 {
		if n, err := strconv.Atoi(args[0]); err == nil {
			want, args = n, args[1:]
		}
	}
	err := ts.Exec("skills", args...)
	fmt.Fprintln(&state(ts).said, args, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("run skills: %v", err)
	}
	if got != want {
		ts.Fatalf("exit code is %d, want %d", got, want)
	}
	if strings.Contains(ts.ReadFile("stderr"), "goroutine ") {
		ts.Fatalf("a stack trace was printed")
	}
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: serve VAR DIR")
	}
	s := registrytest.NewServer(state(ts).tb, ts.MkAbs(args[1]))
	state(ts).servers[args[0]] = s
	ts.Setenv(args[0], s.URL)
}

func requests(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: requests VAR N")
	}
	var asked []string
	if s := state(ts).servers[args[0]]; s != nil {
		for _, r := range s.Requests() {
			asked = append(asked, r.Method+" "+r.URL)
		}
	} else if since := state(ts).asked[args[0]]; since != nil {
		asked = since()
	} else {
		ts.Fatalf("no server %s", args[0])
	}
	if got := strconv.Itoa(len(asked)); got != args[1] && args[1] != "any" {
		for _, r := range asked {
			ts.Logf("%s", r)
		}
		ts.Fatalf("the server was asked %s times, want %s", got, args[1])
	}
}

func misbehave(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: misbehave VAR HOW")
	}
	answers := map[string]http.HandlerFunc{
		"page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<!doctype html><title>Please log in</title>")
		},
		"busy": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "86400")
			http.Error(w, "too many requests", http.StatusTooManyRequests)
		},
		"missing": http.NotFound,
		"broken": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "database is down", http.StatusInternalServerError)
		},
		"private": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "token wanted", http.StatusUnauthorized)
		},
		"colours": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "\x1b[2J\x1b]0;owned\x07 \u202etxt.exe", http.StatusBadRequest)
		},
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "PK\x03\x04")
		},
		"digest": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Digest", "sha-256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
			_, _ = w.Write(zipOf(ts, map[string]string{"SKILL.md": sampleSkill}))
		},
		"empty": func(http.ResponseWriter, *http.Request) {},
		"circle": func(w http.ResponseWriter, r *http.Request) {
			next := map[string]string{"ping": "pong", "pong": "ping"}
			http.Redirect(w, r, "/api/download?slug="+next[r.URL.Query().Get("slug")], http.StatusPermanentRedirect)
		},
		"upwards": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("slug") != "../x" {
				http.Redirect(w, r, "/api/download?slug=../x", http.StatusPermanentRedirect)
				return
			}
			_, _ = w.Write(zipOf(ts, map[string]string{"SKILL.md": sampleSkill}))
		},
		"shouting": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Skill-Slug", "../\u202e")
			w.Header().Set("X-Skill-Yanked", "%1B[2J%E2%80%AE"+strings.Repeat("x", 10_000))
			_, _ = w.Write(zipOf(ts, map[string]string{"SKILL.md": sampleSkill}))
		},
		"other": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Skill-Slug", "other")
			_, _ = w.Write(zipOf(ts, map[string]string{"SKILL.md": sampleSkill}))
		},
	}
	answer := answers[args[1]]
	if answer == nil {
		ts.Fatalf("misbehave: %s is none of those that are known", args[1])
	}
	s := httptest.NewServer(answer)
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL)
}

// jobCommand is a command of ours in a job of GitHub or GitLab.
var jobCommand = regexp.MustCompile(`(?m)^ *- (?:run: )?skills (.*)$`)

// jobs runs the commands of ours in the jobs of a page: what people copy must work.
func jobs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: jobs FILE")
	}
	for i, block := range strings.Split(ts.ReadFile(args[0]), "```yaml\n")[1:] {
		job, _, _ := strings.Cut(block, "```")
		commands := jobCommand.FindAllStringSubmatch(job, -1)
		if len(commands) == 0 {
			ts.Fatalf("job %d runs nothing of ours", i+1)
		}
		for _, c := range commands {
			runSkills(ts, false, strings.Fields(c[1]))
		}
	}
}

// checkJSON checks that the last output is exactly one envelope, and what is at
// a path in it: errors.0.code.
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH VALUE")
	}
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	var envelope map[string]any
	ts.Check(dec.Decode(&envelope))
	if _, err := dec.Token(); err != io.EOF {
		ts.Fatalf("something follows the object: %v", err)
	}
	for _, key := range []string{"schema", "command", "ok", "result", "errors"} {
		if _, ok := envelope[key]; !ok {
			ts.Fatalf("the envelope has no %s", key)
		}
	}
	var at any = envelope
	for key := range strings.SplitSeq(args[0], ".") {
		switch node := at.(type) {
		case map[string]any:
			at = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			switch {
			case key == "len":
				at = len(node)
			case err == nil && i < len(node):
				at = node[i]
			default:
				at = nil
			}
		default:
			at = nil
		}
	}
	if got := fmt.Sprint(at); (got == args[1]) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

func remember(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: remember NAME DIR...")
	}
	state(ts).remembered[args[0]] = snapshot(ts, args[1:])
}

func unchanged(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: unchanged NAME DIR...")
	}
	before, after := state(ts).remembered[args[0]], snapshot(ts, args[1:])
	if (before == after) == neg {
		ts.Fatalf("before:\n%s\nafter:\n%s", before, after)
	}
}

// snapshot lists every file below dirs, with its mode, time and content.
func snapshot(ts *testscript.TestScript, dirs []string) string {
	var b strings.Builder
	for _, dir := range dirs {
		root := ts.MkAbs(dir)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s %s %d", path, info.Mode(), info.ModTime().UnixNano())
			if info.Mode().IsRegular() {
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				fmt.Fprintf(&b, " %q", data)
			}
			b.WriteByte('\n')
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			ts.Fatalf("list %s: %v", dir, err)
		}
	}
	return b.String()
}
