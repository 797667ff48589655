package git_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/git"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
)

// hundred are skills of one repository, and what else it has.
func hundred(more map[string]node) map[string]node {
	files := under("docs", map[string]node{"x": file("x")}, more)
	for i := range 100 {
		name := fmt.Sprintf("s%d", i)
		files = under("skills/"+name, skillFiles(name, map[string]node{"n": file(name)}), files)
	}
	return files
}

// noise is text that does not compress.
func noise(n int, seed byte) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return string(b)
}

// fetchAll resolves and fetches so many of a hundred skills, eight at once.
func fetchAll(t *testing.T, s *git.Source, at string, count int) {
	t.Helper()
	var wg sync.WaitGroup
	turns := make(chan struct{}, 8)
	for i := range count {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			p, err := s.Resolve(t.Context(), parse(t, fmt.Sprintf("%s//skills/s%d", at, i)), "")
			if err == nil {
				_, err = s.Fetch(t.Context(), p, new(sourcetest.Sink))
			}
			if err != nil {
				t.Errorf("s%d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

// A hundred skills of one repository are one list of its refs and one fetch.
func TestOneFetchForAllSkills(t *testing.T) {
	t.Parallel()
	served := serve(t, nil)
	filtering := newRepository(t, served.dir+"/filtering.git")
	filtering.git(nil, "config", "uploadpack.allowFilter", "true")
	filtering.commit("main", hundred(nil))
	plain := newRepository(t, served.dir+"/plain.git")
	plain.commit("main", hundred(nil))

	// A repository that is too large to be fetched in passing is fetched without
	// its files, then with those of the first skill, then with those of all others.
	// Of one that turns out to be so a beginning came before.
	for _, c := range []struct {
		name  string
		eager int64
		most  int
	}{{"filtering.git", 0, 1}, {"plain.git", 0, 1}, {"filtering.git", -1, 3}, {"filtering.git", 1, 4}, {"plain.git", -1, 1}} {
		for _, listed := range []bool{true, false} {
			if listed && c.eager == 1 {
				continue
			}
			before, greeted := served.objects(c.name), len(served.asked("GET "))
			s := newSource(t, git.Options{Env: served.env, Eager: c.eager})
			if listed {
				if got, err := s.List(t.Context(), parse(t, served.at(c.name))); err != nil || len(got) != 100 {
					t.Fatalf("%s: List = %d, %v", c.name, len(got), err)
				}
			}
			count := 100
			if listed || c.eager != 0 {
				count = 12 // more than at once; what is fetched is the same
			}
			fetchAll(t, s, served.at(c.name), count)
			if n := served.objects(c.name) - before; n > c.most || n == 0 {
				t.Errorf("%s (listed: %v, eager: %d): %d fetches, want %d", c.name, listed, c.eager, n, c.most)
			}
			if n := len(served.asked("GET ")) - greeted; n > c.most+1 {
				t.Errorf("%s (listed: %v, eager: %d): the server was greeted %d times", c.name, listed, c.eager, n)
			}
		}
	}
}

// From a lock the commit is taken without a question for the refs, whatever they
// are by now.
func TestFetchOfALockedCommit(t *testing.T) {
	t.Parallel()
	once := newRepository(t, filepath.Join(t.TempDir(), "r.git"))
	id := once.commit("main", under("pdf", pdf()))
	once.git(nil, "tag", "v1.0.0", "main")
	newer := once.commit("main", under("pdf", skillFiles("new", nil)))
	trees := map[string]digest.Digest{id: treeOf(t, pdf()), newer: treeOf(t, skillFiles("new", nil))}
	// What an old server understands, and what it hands out.
	v0 := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Git-Protocol")
			h.ServeHTTP(w, r)
		})
	}
	for name, c := range map[string]struct {
		wrap     func(http.Handler) http.Handler
		config   string
		untagged bool
	}{
		"today":                         {nil, "uploadpack.allowFilter=true", false},
		"without filters":               {nil, "uploadpack.allowFilter=false", false},
		"v0 of tips":                    {v0, "uploadpack.allowFilter=true", false},
		"v0 without filters":            {v0, "uploadpack.allowFilter=false", false},
		"v0 of what is reachable":       {v0, "uploadpack.allowReachableSHA1InWant=true", true},
		"v0 of anything":                {v0, "uploadpack.allowAnySHA1InWant=true", true},
		"v0 that has only history":      {v0, "uploadpack.allowFilter=false", true},
		"v0 that has only history, f":   {v0, "uploadpack.allowFilter=true", true},
		"today, of what has no name":    {nil, "uploadpack.allowFilter=true", true},
		"today, without a name, filter": {nil, "uploadpack.allowFilter=false", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			served := serve(t, c.wrap)
			r := &repository{t, served.dir + "/r.git"}
			if err := os.CopyFS(r.path, os.DirFS(once.path)); err != nil {
				t.Fatal(err)
			}
			key, value, _ := strings.Cut(c.config, "=")
			r.git(nil, "config", key, value)
			if c.untagged {
				r.git(nil, "tag", "-d", "v1.0.0")
			}
			at := served.at("r.git") + "//pdf"
			s := newSource(t, git.Options{Env: served.env, Eager: -1})
			for _, pin := range []source.Pin{
				{Ref: parse(t, at+"@main"), URL: at, Revision: id},
				{Ref: parse(t, at), Revision: newer},
				{URL: at, Revision: id},
			} {
				var sink sourcetest.Sink
				if _, err := s.Fetch(t.Context(), pin, &sink); err != nil {
					t.Fatal(err)
				}
				data := sink.Bytes()
				got, err := archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), nil, archive.Options{})
				if err != nil || got.Tree.Digest() != trees[pin.Revision] {
					t.Errorf("another skill came: %v", err)
				}
			}
			if _, err := s.Fetch(t.Context(), source.Pin{Ref: parse(t, at), Revision: strings.Repeat("a", 40)}, new(sourcetest.Sink)); err == nil {
				t.Error("a commit that is not there is fetched")
			}
		})
	}
}

// A server that takes its time is left, with all that was started for it.
func TestStalls(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for _, where := range []string{"info/refs", "git-upload-pack"} {
		served := serve(t, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, where) {
					_, _ = w.Write([]byte("0"))
					w.(http.Flusher).Flush()
					select {
					case <-hang:
					case <-r.Context().Done():
					}
					return
				}
				h.ServeHTTP(w, r)
			})
		})
		r := newRepository(t, served.dir+"/r.git")
		id := r.commit("main", under("pdf", pdf()))
		dir := t.TempDir()
		s := newSource(t, git.Options{Env: served.env, Stall: 300 * time.Millisecond, Dir: dir})
		_, err := s.Fetch(t.Context(), source.Pin{Ref: parse(t, served.at("r.git")), Revision: id}, new(sourcetest.Sink))
		if stalled, ok := errors.AsType[*transport.StalledError](err); !ok || stalled.URL == "" {
			t.Errorf("%s: %v, want a StalledError", where, err)
		}
		if _, err := s.Resolve(t.Context(), parse(t, served.at("r.git")), ""); err == nil {
			t.Errorf("%s: Resolve of what stalls", where)
		}

		// The same with somebody who does not wait.
		s = newSource(t, git.Options{Env: served.env, Dir: dir})
		ctx, cancel := context.WithCancel(t.Context())
		before := len(served.asked(""))
		go func() {
			for len(served.asked("")) == before {
				select {
				case <-hang:
				case <-time.After(time.Millisecond):
				}
			}
			cancel()
		}()
		if _, err := s.Fetch(ctx, source.Pin{Ref: parse(t, served.at("r.git")), Revision: id}, new(sourcetest.Sink)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", where, err)
		}
		cancel()
	}
}

// One caller that gives up spoils nothing for the next.
func TestGivingUpIsNotRemembered(t *testing.T) {
	t.Parallel()
	_, at := hostile(t, under("pdf", pdf()))
	s := newSource(t, git.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Resolve(ctx, parse(t, at), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Resolve = %v", err)
	}
	if _, _, err := get(t, s, at+"//pdf"); err != nil {
		t.Error(err)
	}
}

// A repository larger than it may be is not fetched to its end.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	r, at := hostile(t, nil)
	r.git(nil, "config", "core.compression", "0")
	r.commit("main", under("pdf", skillFiles("pdf", map[string]node{"big": file(noise(5<<20, 1))})))
	s := newSource(t, git.Options{Limits: archive.Limits{Download: 1 << 20}})
	_, _, err := get(t, s, at+"//pdf")
	if _, ok := errors.AsType[*transport.LimitError](err); !ok {
		t.Errorf("%v, want a LimitError", err)
	}
}

// Servers that answer with something else.
func TestAnswers(t *testing.T) {
	t.Parallel()
	other := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other host is asked for %s", r.URL)
	}))
	t.Cleanup(other.Close)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		is     error
	}{
		"not there": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 404) }, source.ErrNotFound},
		"login": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", "Basic realm=x")
			w.WriteHeader(401)
		}, source.ErrAuth},
		"forbidden": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, source.ErrAuth},
		"web page":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>\x1b[2J")) }, nil},
		"nothing":   {func(http.ResponseWriter, *http.Request) {}, nil},
		"broken":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, nil},
		"other host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
		}, nil},
		"file": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, nil},
		"endless": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"/x", http.StatusFound) }, nil},
		"server says": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			said := "ERR \x1b[2J https://user:hunter2@example.com/ is gone\n"
			_, _ = fmt.Fprintf(w, "001e# service=git-upload-pack\n0000%04x%s", len(said)+4, said)
		}, nil},
	} {
		served := serve(t, func(http.Handler) http.Handler { return c.answer })
		_, err := newSource(t, git.Options{Env: served.env}).Resolve(t.Context(), parse(t, served.at("r.git")), "")
		if err == nil || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want one that matches %v", name, err, c.is)
			continue
		}
		if text := err.Error(); strings.ContainsAny(text, "\x1b\n\r") || strings.Contains(text, "hunter2") || len(text) > 800 {
			t.Errorf("%s: the text is %q", name, text)
		}
		if name == "other host" {
			if _, ok := errors.AsType[*git.MovedError](err); !ok {
				t.Errorf("%s: %v, want a MovedError", name, err)
			}
		}
	}
}

// A repository that was renamed is found where the same host says it is; another
// host is not believed.
func TestMoved(t *testing.T) {
	t.Parallel()
	var to atomic.Pointer[string]
	served := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if rest, ok := strings.CutPrefix(r.URL.Path, "/old.git"); ok {
				http.Redirect(w, r, *to.Load()+rest+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	other := serve(t, nil)
	for _, s := range []*server{served, other} {
		newRepository(t, s.dir+"/new.git").commit("main", under("pdf", pdf()))
	}
	ca := ""
	for _, v := range served.env {
		if file, ok := strings.CutPrefix(v, "SSL_CERT_FILE="); ok {
			ca = file
		}
	}
	client, err := transport.New(transport.Options{CAFile: ca, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		to     string
		client *transport.Client
		moved  bool
	}{{served.URL + "/new.git", client, false}, {served.URL + "/new.git", nil, true}, {other.URL + "/new.git", client, true}} {
		to.Store(&c.to)
		for _, rev := range []string{"", "@" + strings.TrimSpace((&repository{t, served.dir + "/new.git"}).git(nil, "rev-parse", "main"))} {
			p, got, err := get(t, newSource(t, git.Options{Env: served.env, Client: c.client}), served.at("old.git")+"//pdf"+rev)
			moved, isMoved := errors.AsType[*git.MovedError](err)
			switch {
			case c.moved != isMoved || !c.moved && err != nil:
				t.Errorf("to %s: %v, want MovedError: %v", c.to, err, c.moved)
			case c.moved && c.client != nil && moved.To != c.to:
				t.Errorf("to %s: it says %q", c.to, moved.To)
			case !c.moved && (got.Tree.Digest() != treeOf(t, pdf()) || p.Ref.URL != served.URL+"/old.git"):
				t.Errorf("to %s: %+v", c.to, p)
			}
		}
	}
}

func TestOffline(t *testing.T) {
	t.Parallel()
	s := newSource(t, git.Options{Offline: true})
	for _, text := range []string{"github.com/o/r", "git@example.com:o/r.git"} {
		if _, err := s.Resolve(t.Context(), parse(t, text), ""); !errors.Is(err, transport.ErrOffline) {
			t.Errorf("Resolve(%s) = %v", text, err)
		}
		pin, err := s.Resolve(t.Context(), parse(t, text+"@"+strings.Repeat("1", 40)), "")
		if err != nil {
			t.Errorf("a commit needs no network: %v", err)
		}
		if _, err := s.Fetch(t.Context(), pin, new(sourcetest.Sink)); !errors.Is(err, transport.ErrOffline) {
			t.Errorf("Fetch(%s) = %v", text, err)
		}
	}
	if _, at := hostile(t, under("pdf", pdf())); true {
		if _, _, err := get(t, s, at); err != nil {
			t.Errorf("a repository on this machine needs no network: %v", err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	_, err := newSource(t, git.Options{}).Resolve(t.Context(), ref.Ref{Kind: ref.Git, URL: "https://127.0.0.1:1/r.git"}, "")
	if _, ok := errors.AsType[*transport.NetworkError](err); !ok {
		t.Errorf("%v, want a NetworkError", err)
	}
	served := serve(t, nil) // whose certificate nobody vouches for
	_, err = newSource(t, git.Options{}).Resolve(t.Context(), parse(t, served.at("r.git")), "")
	if _, ok := errors.AsType[*transport.NetworkError](err); !ok || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v, want a NetworkError about the certificate", err)
	}
}

func TestGitMissing(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	for name, script := range map[string]string{
		"none":   "",
		"old":    "#!/bin/sh\necho git version 2.31.9\n",
		"broken": "#!/bin/sh\nexit 1\n",
		"odd":    "#!/bin/sh\nprintf 'git version \\033[2J'\n",
	} {
		dir := filepath.Join(bin, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if script != "" {
			if err := os.WriteFile(dir+"/git", []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		s := newSource(t, git.Options{Env: []string{"PATH=" + dir}})
		_, err := s.Resolve(t.Context(), parse(t, "git+file:///x.git"), "")
		if _, ok := errors.AsType[*git.GitMissingError](err); !ok || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: %v, want a GitMissingError", name, err)
		}
	}
}

// Nothing is left behind, not even by a run that was killed, and what another run
// is at stays.
func TestClose(t *testing.T) {
	t.Parallel()
	_, at := hostile(t, under("pdf", pdf()))
	dir := filepath.Join(t.TempDir(), "new", "folder")
	other := newSource(t, git.Options{Dir: dir})
	if _, _, err := get(t, other, at); err != nil {
		t.Fatal(err)
	}
	living, err := os.ReadDir(dir)
	if err != nil || len(living) != 1 {
		t.Fatalf("ReadDir = %v, %v; want one folder", living, err)
	}
	dead := filepath.Join(dir, "skills-git-1")
	if err := os.MkdirAll(filepath.Join(dead, "r", "objects"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"lock": "", "owner": "repositories", "r/HEAD": "x"} {
		if err := os.WriteFile(filepath.Join(dead, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := git.New(git.Options{Env: env(t), Dir: dir})
	for range 2 {
		if _, _, err := get(t, s, at); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != living[0].Name() {
			t.Errorf("left are %v, %v; want %s", left, err, living[0].Name())
		}
	}
}

// Where our folder cannot be made there is that of the system.
func TestDirThatCannotBe(t *testing.T) {
	_, at := hostile(t, under("pdf", pdf()))
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := get(t, newSource(t, git.Options{Dir: filepath.Join(file, "x")}), at); err != nil {
		t.Error(err)
	}
}
