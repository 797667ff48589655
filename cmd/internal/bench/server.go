package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// A server is a skills-registry that serves a corpus on loopback.
type server struct {
	addr string // host and port
	url  string
	stop func()
}

// serve starts a registry for c and returns when it has answered for every skill
// once: what it packs and keeps is not what is measured.
func (b *bench) serve(ctx context.Context, c corpus) (*server, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, b.program("skills-registry"), "serve", c.dir, "--addr", addr)
	cmd.Dir = b.dir
	cmd.Env = b.env("")
	errs := &tail{}
	cmd.Stderr = errs
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start registry: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it ends by being killed
		close(ended)
	}()
	s := &server{addr: addr, url: "http://" + addr, stop: func() {
		cancel()
		<-ended
	}}
	if err := s.ready(ctx, ended); err != nil {
		s.stop()
		return nil, fmt.Errorf("start registry: %w\n%s", err, errs)
	}
	if err := s.warm(ctx, c.slugs); err != nil {
		s.stop()
		return nil, fmt.Errorf("ask registry: %w\n%s", err, errs)
	}
	return s, nil
}

// ready waits until the server takes connections.
func (s *server) ready(ctx context.Context, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", s.addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ended:
			return errors.New("it ended")
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// warm downloads every skill once.
func (s *server) warm(ctx context.Context, slugs []string) error {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for _, slug := range slugs {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/download?slug="+url.QueryEscape(slug), nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", slug, resp.Status)
		}
	}
	return nil
}

// A sentry stands where a server was, and counts who comes.
type sentry struct {
	listener net.Listener
	visits   atomic.Int64
	done     sync.WaitGroup
}

func newSentry(ctx context.Context, addr string) (*sentry, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen in place of the registry: %w", err)
	}
	s := &sentry{listener: l}
	s.done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.visits.Add(1)
			conn.Close()
		}
	})
	return s, nil
}

func (s *sentry) close() {
	s.listener.Close()
	s.done.Wait()
}

func freeAddr(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
