package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// How a registry is asked while it is measured.
const (
	askers   = 8
	askFor   = 3 * time.Second
	publishN = 40
)

// hosted measures a registry that people publish to: as one process on loopback,
// beside nginx where that is installed.
func (b *bench) hosted(ctx context.Context, c corpora, t *table) error {
	b.say("a registry of one's own")
	zips := filepath.Join(b.dir, "zips")
	if err := b.pack(ctx, c.one, zips); err != nil {
		return err
	}
	data := filepath.Join(b.dir, "hosted")
	registry := b.program("skills-registry")
	if _, err := b.command(ctx, task{args: []string{registry, "user", "add", "bench", "--data", data}}); err != nil {
		return err
	}
	imported, err := b.command(ctx, task{args: []string{registry, "import", zips, "--owner", "bench", "--data", data}})
	if err != nil {
		return err
	}
	token, err := b.output(ctx, registry, "token", "create", "bench", "--data", data)
	if err != nil {
		return err
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return err
	}
	stop, pid, err := b.daemon(ctx, "http://"+addr+"/healthz", registry, "serve", "--data", data, "--addr", addr, "--rate-read", "-1", "--rate-write", "-1", "--rate-download", "-1")
	if err != nil {
		return err
	}
	defer stop()
	t.number(fmt.Sprintf("import of %d zips", len(c.one.slugs)), imported.wall.Seconds(), "s").atMost(10, "s")
	if err := b.published(ctx, t, "http://"+addr, strings.TrimSpace(token)); err != nil {
		return err
	}
	var reads, downloads, files []string
	for _, slug := range c.one.slugs {
		reads = append(reads, "http://"+addr+"/api/v1/skills/"+slug)
		downloads = append(downloads, "http://"+addr+"/api/v1/download?slug="+slug)
	}
	read, err := ask(ctx, reads)
	if err != nil {
		return err
	}
	t.number("metadata reads, 8 at once", read.perSecond, "/s").atLeast(3000, "/s")
	t.number("  99 of 100 within", read.p99, "ms").atMost(10, "ms")
	ours, err := ask(ctx, downloads)
	if err != nil {
		return err
	}
	if r := t.number("downloads, 8 at once", ours.perSecond, "/s"); r != nil {
		base, err := b.nginx(ctx, zips)
		switch {
		case errors.Is(err, exec.ErrNotFound):
			t.notes = append(t.notes, "There is no nginx here to compare downloads with.")
		case err != nil:
			return err
		default:
			for _, slug := range c.one.slugs {
				files = append(files, base.url+"/"+slug+".zip")
			}
			theirs, err := ask(ctx, files)
			base.stop()
			if err != nil {
				return err
			}
			r.quotient, r.judgeRatio = ours.perSecond/theirs.perSecond, true
			r.ratio = fmt.Sprintf("%.2f nginx", r.quotient)
			r.atLeast(0.6, "x")
			r.judgeRatio = true
		}
	}
	peak, err := peakOf(pid)
	if err == nil {
		t.number("memory of the registry under that load", peak, "MB").atMost(150, "MB")
	}
	return nil
}

// pack writes the corpus as zips.
func (b *bench) pack(ctx context.Context, c corpus, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, slug := range c.slugs {
		if _, err := b.command(ctx, task{args: []string{b.program("skills"), "pack", filepath.Join(c.dir, slug), "--output", filepath.Join(dir, slug+".zip")}, home: filepath.Join(b.dir, "none")}); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) output(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = b.dir, b.env("")
	out, err := cmd.Output()
	return string(out), err
}

// daemon starts a program and returns when an address answers.
func (b *bench) daemon(ctx context.Context, ready string, args ...string) (stop func(), pid int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = b.dir, b.env("")
	errs := &tail{}
	cmd.Stderr = errs
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, 0, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it ends by being killed
		close(ended)
	}()
	stop = func() {
		cancel()
		<-ended
	}
	for tries := time.NewTicker(20 * time.Millisecond); ; {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, ready, nil)
		if err != nil {
			stop()
			return nil, 0, err
		}
		if resp, err := (&http.Client{Timeout: time.Second}).Do(req); err == nil {
			_ = resp.Body.Close()
			tries.Stop()
			return stop, cmd.Process.Pid, nil
		}
		select {
		case <-tries.C:
		case <-ended:
			cancel()
			return nil, 0, fmt.Errorf("%s ended: %s", shorten(args), errs)
		}
	}
}

// nginx serves a folder as it comes, with what its manual says for files.
func (b *bench) nginx(ctx context.Context, dir string) (*server, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		return nil, exec.ErrNotFound
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	home := b.freshDir()
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, err
	}
	config := filepath.Join(home, "nginx.conf")
	text := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log stderr error;
events { worker_connections 256; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; types { application/zip zip; }
  client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
  server { listen %[2]s; root %[3]s; } }
`, home, addr, dir)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	stop, _, err := b.daemon(ctx, "http://"+addr+"/", program, "-c", config, "-p", home)
	return &server{addr: addr, url: "http://" + addr, stop: stop}, err
}

// published measures a publish of one small skill, one after the other.
func (b *bench) published(ctx context.Context, t *table, url, token string) error {
	var s samples
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for i := range publishN {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		payload, err := json.Marshal(map[string]string{"slug": "published", "version": fmt.Sprintf("1.0.%d", i)})
		if err != nil {
			return err
		}
		_ = w.WriteField("payload", string(payload))
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="files"; filename="SKILL.md"`}})
		if err != nil {
			return err
		}
		fmt.Fprintf(part, "---\nname: published\ndescription: The %dth.\n---\n%s\n", i, strings.Repeat("Do this, and then that. ", 200))
		_ = w.Close()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/v1/skills", &body)
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", w.FormDataContentType())
		req.Header.Set("Authorization", "Bearer "+token)
		began := time.Now()
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		answer, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			return fmt.Errorf("publish: %s %s: %w", resp.Status, answer, err)
		}
		s = append(s, sample{wall: time.Since(began)})
	}
	t.time("publish of one skill", s, nil, "").atMost(25, "ms")
	return nil
}

// search measures what a registry of 100,000 skills answers to searches for words that
// few, many and nearly all of them have, each of which is new to it.
func (b *bench) search(ctx context.Context, _ corpora, t *table) error {
	const skills = 100_000
	b.say("a search of 100,000 skills")
	data := filepath.Join(b.dir, "searched")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	if _, err := b.command(ctx, task{args: []string{b.program("fill"), filepath.Join(data, "registry.db"), fmt.Sprint(skills)}}); err != nil {
		return err
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return err
	}
	stop, _, err := b.daemon(ctx, "http://"+addr+"/healthz", b.program("skills-registry"), "serve", "--data", data, "--addr", addr, "--rate-read", "-1")
	if err != nil {
		return err
	}
	defer stop()
	found, err := askAnew(ctx, runtime.NumCPU(), func(n int) string {
		queries := []string{"agent word%d", "word%d", "skill-%d", "word%d word7", "数据 word%d", "agent wor %d", "nothing%d"}
		return "http://" + addr + "/api/v1/search?limit=25&q=" + url.QueryEscape(fmt.Sprintf(queries[n%len(queries)], n))
	})
	if err != nil {
		return err
	}
	t.number("searches of 100,000 skills, one a processor", found.perSecond, "/s")
	t.number("  99 of 100 within", found.p99, "ms").atMost(50, "ms")
	return nil
}
