package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/registry/clawhub/clawhubtest"
)

const (
	hubSkills  = 50
	repoSkills = 100
)

// hub measures a registry with the API of ClawHub: what it is asked.
func (b *bench) hub(ctx context.Context, c corpora, t *table) error {
	b.say("a registry with the API of ClawHub")
	o := clawhubtest.Options{}
	for _, slug := range c.one.slugs[:min(hubSkills, len(c.one.slugs))] {
		files := map[string]string{}
		if err := walk(filepath.Join(c.one.dir, slug), func(path string, data []byte) { files[path] = string(data) }); err != nil {
			return err
		}
		o.Skills = append(o.Skills, clawhubtest.Skill{
			Owner: "alice", Slug: slug, Versions: []clawhubtest.Version{{Version: "1.0.0", Files: files}},
		})
	}
	hub := clawhubtest.Start(o)
	defer hub.Close()
	url, slug := "clawhub+"+hub.Registry(), c.one.slugs[0]

	install := b.installTask(url, []string{slug})
	if _, err := b.command(ctx, install); err != nil {
		return err
	}
	lock, err := os.ReadFile(filepath.Join(install.dir, "skills.lock"))
	if err != nil {
		return fmt.Errorf("read lock: %w", err)
	}
	rounds := shortRuns * b.runs
	hub.Requests()
	version := func() task {
		return task{args: []string{b.program("skills"), "version"}, home: filepath.Join(b.dir, "none")}
	}
	search, err := b.interleave(ctx, rounds, version, func() task {
		return task{args: []string{b.program("skills"), "search", "bench", "--registry", url}, home: b.freshDir()}
	})
	if err != nil {
		return err
	}
	searched := float64(len(hub.Requests())) / float64(rounds)
	var failed error
	locked, err := b.interleave(ctx, rounds, version, func() task {
		dir := b.freshDir()
		failed = errors.Join(failed, os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "skills.lock"), lock, 0o644))
		return task{args: []string{b.program("skills"), "ci", "--dir", dir}, home: b.freshDir(), dir: dir}
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	t.time("search of a ClawHub registry", search[1], search[0], "version")
	t.number("  requests", searched, "").atMost(1, "")
	t.time("ci of one ClawHub skill, store empty", locked[1], locked[0], "version")
	t.number("  requests", float64(len(hub.Requests()))/float64(rounds), "").atMost(1, "")
	return nil
}

// repository measures many skills of one git repository, which is served as git
// serves it, beside a clone of it.
func (b *bench) repository(ctx context.Context, c corpora, t *table) error {
	b.say("a git repository")
	root := filepath.Join(b.dir, "git")
	work := filepath.Join(root, "repo")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return fmt.Errorf("make repository: %w", err)
	}
	script := `set -e; cd "$0"; git init -q; git add -A
git -c user.name=bench -c user.email=bench@bench.example commit -q -m one
git config uploadpack.allowFilter true; git config http.receivepack false`
	n := min(repoSkills, len(c.one.slugs))
	for _, slug := range c.one.slugs[:n] {
		if err := os.CopyFS(filepath.Join(work, "skills", slug), os.DirFS(filepath.Join(c.one.dir, slug))); err != nil {
			return fmt.Errorf("make repository: %w", err)
		}
	}
	if _, err := b.command(ctx, task{args: []string{"sh", "-c", script, work}}); err != nil {
		return err
	}
	served, err := serveGit(root)
	if err != nil {
		return err
	}
	defer served.server.Close()
	trust := filepath.Join(b.dir, "git.pem")
	if err := os.WriteFile(trust, served.certificate(), 0o644); err != nil {
		return fmt.Errorf("write certificate: %w", err)
	}
	url := served.server.URL + "/repo/.git"
	clone := func() task {
		dir := b.freshDir()
		return task{args: []string{"git", "clone", "-q", "--depth", "1", url, dir}, dir: dir, env: []string{"GIT_SSL_CAINFO=" + trust}}
	}
	all := func() task {
		dir := b.freshDir()
		return task{
			args: []string{b.program("skills"), "install", "git+" + url, "--all", "--dir", dir},
			home: b.freshDir(), dir: dir, env: []string{"SSL_CERT_FILE=" + trust},
		}
	}
	if _, err := b.command(ctx, all()); err != nil {
		return err
	}
	fetches := served.fetches.Load()
	times, err := b.interleave(ctx, b.runs, clone, all)
	if err != nil {
		return err
	}
	t.time(fmt.Sprintf("git clone of a repository of %d skills", n), times[0], nil, "")
	t.time("  install --all of it, flushed", times[1], times[0], "git clone")
	t.number("  fetches", float64(fetches), "").atMost(1, "")
	return nil
}

// A gitServer is git's own, behind TLS.
type gitServer struct {
	server  *httptest.Server
	fetches atomic.Int64 // requests that objects were sent for
}

func serveGit(root string) (*gitServer, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("serve a repository: %w", err)
	}
	backend := &cgi.Handler{
		Path: git, Args: []string{"http-backend"},
		Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1"},
	}
	s := &gitServer{}
	s.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if asksForObjects(r.Header.Get("Content-Encoding"), body) {
			s.fetches.Add(1)
		}
		backend.ServeHTTP(w, r)
	}))
	return s, nil
}

// asksForObjects reports whether the body of a request is a fetch of git's
// protocol, version 2.
func asksForObjects(encoding string, body []byte) bool {
	if encoding == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return false
		}
		if body, err = io.ReadAll(io.LimitReader(z, 16<<20)); err != nil {
			return false
		}
	}
	return bytes.Contains(body, []byte("command=fetch"))
}

func (s *gitServer) certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.Certificate().Raw})
}

// site measures one skill of a website that lists all of them.
func (b *bench) site(ctx context.Context, c corpora, t *table) error {
	b.say("a website that lists skills")
	files, name, err := siteOf(ctx, c.one)
	if err != nil {
		return err
	}
	var indexes, others atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/index.json") {
			indexes.Add(1)
		} else {
			others.Add(1)
		}
		_, _ = w.Write(data)
	}))
	defer server.Close()
	rounds := shortRuns * b.runs
	times, err := b.interleave(ctx, rounds,
		func() task {
			return task{args: []string{b.program("skills"), "version"}, home: filepath.Join(b.dir, "none")}
		},
		func() task {
			dir := b.freshDir()
			return task{args: []string{b.program("skills"), "install", server.URL, "--skill", name, "--dir", dir}, home: b.freshDir(), dir: dir}
		})
	if err != nil {
		return err
	}
	t.time(fmt.Sprintf("install of one of %d skills of a website", len(c.one.slugs)), times[1], times[0], "version")
	t.number("  indexes", float64(indexes.Load())/float64(rounds), "").atMost(1, "")
	t.number("  downloads", float64(others.Load())/float64(rounds), "").atMost(1, "")
	return nil
}

// siteOf returns the files of a website that lists the skills of a corpus, by path,
// and the name of one of the skills.
func siteOf(ctx context.Context, c corpus) (files map[string][]byte, name string, err error) {
	type entry struct {
		Name        string `json:"name"`
		Type        string `json:"type"`
		Description string `json:"description"`
		URL         string `json:"url"`
		Digest      string `json:"digest"`
	}
	index := struct {
		Schema string  `json:"$schema"`
		Skills []entry `json:"skills"`
	}{Schema: "https://schemas.agentskills.io/discovery/0.2.0/schema.json"}
	files = map[string][]byte{}
	for _, slug := range c.slugs {
		dir := os.DirFS(filepath.Join(c.dir, slug))
		text, err := os.ReadFile(filepath.Join(c.dir, slug, "SKILL.md"))
		if err != nil {
			return nil, "", fmt.Errorf("read corpus: %w", err)
		}
		s, _, err := skill.Parse(text)
		if err != nil {
			return nil, "", fmt.Errorf("read corpus: %s: %w", slug, err)
		}
		var packed bytes.Buffer
		if _, err := archive.Pack(ctx, &packed, dir); err != nil {
			return nil, "", fmt.Errorf("pack %s: %w", slug, err)
		}
		e := entry{Name: s.Name, Type: "archive", Description: s.Description, URL: "/" + slug + ".zip"}
		e.Digest = fmt.Sprintf("sha256:%x", sha256.Sum256(packed.Bytes()))
		files[e.URL] = packed.Bytes()
		index.Skills = append(index.Skills, e)
		if slug == c.sample {
			name = s.Name
		}
	}
	files["/.well-known/agent-skills/index.json"], err = json.Marshal(index)
	return files, name, err
}

// walk calls f for each file below root, with its slash path.
func walk(root string, f func(path string, data []byte)) error {
	return filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read corpus: %w", err)
		}
		rel, err := filepath.Rel(root, path)
		f(filepath.ToSlash(rel), data)
		return err
	})
}
