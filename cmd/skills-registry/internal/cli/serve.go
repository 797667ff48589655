package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/registry/folder"
	"github.com/openskills-go/skills/registry/folderserver"
	"github.com/openskills-go/skills/registry/server"
)

// Times of a connection. A client that is slower than the largest artifact at
// 128 KiB/s is cut off, and may continue with a Range.
const (
	headerTime = 10 * time.Second
	readTime   = 15 * time.Minute // of a publish; one that comes too slowly is cut off before
	writeTime  = 10 * time.Minute
	idleTime   = 2 * time.Minute
	drainTime  = 30 * time.Second

	maxHeader = 32 << 10
)

type serveOptions struct {
	addr, url, title string
	private, first   bool
	featured         []string
	cert, key        string
	proxies          []string
	rates            server.Rates
	metricsAddr      string
	logFormat        string
	maxUpload        int64
}

func (a *app) serveCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Serve a registry",
		Long: `Serve the registry that is kept in --data, or at --db and --blobs. The first time it
makes the user admin and prints a token of it, once, on standard output. Several
processes may serve one registry if its database is PostgreSQL and its blobs are in
an object storage.

With DIR it serves a folder of skills instead, read-only, as it is at each moment:

  SLUG/SKILL.md             a skill
  SLUG/VERSION/SKILL.md     a skill with several versions
  SLUG@LOCALE/…             the same skill in another language
  SLUG.zip, SLUG.tar.gz     an archive instead of a folder

It speaks HTTP, or HTTPS with --tls-cert and --tls-key. Behind a proxy, --url is the
address that clients use, and --trusted-proxy says whose X-Forwarded-For is believed.
The first line on standard error is the address that it listens on. SIGTERM and
Ctrl-C end it after the requests that are under way.`,
		Example: `  skills-registry serve
  skills-registry serve --addr 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem --url https://skills.example.com
  skills-registry serve --db 'postgres://skills@db/skills' --blobs 's3://skills?region=eu-central-1'
  skills-registry serve ./skills-of-our-team`,
		Args: args(0, 1, "one folder at most"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.serveFolder(cmd.Context(), args[0], o)
			}
			return a.serve(cmd.Context(), o)
		},
	}
	a.storeFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.addr, "addr", "127.0.0.1:8080", "listen on `HOST:PORT`; port 0 chooses a free one")
	f.StringVar(&o.url, "url", "", "`address` that clients use, if there is a proxy before the server ($"+envURL+")")
	f.StringVar(&o.title, "title", "", "heading of the pages")
	f.BoolVar(&o.private, "private", false, "reading needs a token, too")
	f.BoolVar(&o.first, "first-publisher-wins", false, "a slug that several owners have is that of the first")
	f.StringSliceVar(&o.featured, "featured", nil, "`owner/slug` of the skills in the index of the whole registry")
	f.StringVar(&o.cert, "tls-cert", "", "`file` with the certificate for HTTPS; read again when it changes")
	f.StringVar(&o.key, "tls-key", "", "`file` with its key")
	f.StringSliceVar(&o.proxies, "trusted-proxy", nil, "`networks` (10.0.0.0/8) whose X-Forwarded-For is believed")
	f.IntVar(&o.rates.Read, "rate-read", 0, "reads a minute, by address or token; 0 is the default, -1 no limit")
	f.IntVar(&o.rates.Write, "rate-write", 0, "writes a minute")
	f.IntVar(&o.rates.Download, "rate-download", 0, "downloads a minute")
	f.StringVar(&o.metricsAddr, "metrics-addr", "", "serve metrics on `HOST:PORT` too, to anyone who reaches it")
	f.StringVar(&o.logFormat, "log-format", "text", "text or json")
	f.Int64Var(&o.maxUpload, "max-upload", 0, "`bytes` of one version's files; 0 is the default")
	return cmd
}

// serveFolder serves a folder as it is.
func (a *app) serveFolder(ctx context.Context, dir string, o serveOptions) error {
	catalog, err := folder.Open(folder.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { _ = catalog.Close() }()
	log, err := a.logger(o.logFormat)
	if err != nil {
		return err
	}
	l, err := listen(ctx, o)
	if err != nil {
		return err
	}
	address := o.url
	if address == "" {
		address = l.url
	}
	handler, err := folderserver.New(folderserver.Options{Catalog: catalog, Title: o.title, URL: address, Log: log})
	if err != nil {
		_ = l.Close()
		return err
	}
	a.note("listening on %s", l.url)
	return run(ctx, newServer(handler, log), l, func() {})
}

func (a *app) serve(ctx context.Context, o serveOptions) error {
	log, err := a.logger(o.logFormat)
	if err != nil {
		return err
	}
	proxies, err := networks(o.proxies)
	if err != nil {
		return err
	}
	db, blobs, err := a.where()
	if err != nil {
		return err
	}
	l, err := listen(ctx, o)
	if err != nil {
		return err
	}
	address, err := a.address(o, l)
	if err != nil {
		_ = l.Close()
		return err
	}
	s, err := server.Open(ctx, server.Options{
		DB: db, Blobs: blobs, URL: address, Title: o.title, Private: o.private, FirstWins: o.first, Featured: o.featured,
		Limits: archive.Limits{Unpacked: o.maxUpload}, Rates: o.rates, Proxies: proxies, Log: log,
	})
	if err != nil {
		_ = l.Close()
		return err
	}
	defer func() { _ = s.Close() }()
	if err := a.welcome(ctx, s); err != nil {
		_ = l.Close()
		return err
	}
	var background sync.WaitGroup
	defer background.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	background.Go(func() { s.Maintain(ctx) })
	if o.metricsAddr != "" {
		m, err := listen(ctx, serveOptions{addr: o.metricsAddr})
		if err != nil {
			_ = l.Close()
			return err
		}
		a.note("metrics on %s/metrics", m.url)
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", s.MetricsHandler())
		background.Go(func() { _ = run(ctx, newServer(mux, log), m, func() {}) })
	}
	a.note("listening on %s", l.url)
	return run(ctx, newServer(s, log), l, s.Drain)
}

// welcome makes the first user of a registry, and prints its token, once.
func (a *app) welcome(ctx context.Context, s *server.Server) error {
	const first = "admin"
	users, err := s.Catalog().Users(ctx, server.Operator())
	if err != nil || len(users) > 0 {
		return err
	}
	if err := s.Catalog().AddUser(ctx, server.Operator(), server.User{Handle: first, Role: server.Admin}); err != nil {
		if errors.As(err, new(*server.ConflictError)) {
			return nil // another process was faster, and printed one
		}
		return err
	}
	text, _, err := s.Desk().Issue(ctx, server.Operator(), server.Ask{User: first, Label: "first start", Scopes: []string{"admin"}})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.Stdout, "admin token: "+text)
	return err
}

// address is how clients reach the server.
func (a *app) address(o serveOptions, l *listener) (string, error) {
	text := o.url
	if text == "" {
		text = a.Getenv(envURL)
	}
	if text == "" {
		return l.url, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", &usageError{fmt.Errorf("the address %q is none such as https://skills.example.com", text)}
	}
	return u.Scheme + "://" + u.Host, nil
}

func networks(list []string) (out []netip.Prefix, err error) {
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return nil, &usageError{fmt.Errorf("%q is no network such as 10.0.0.0/8", text)}
			}
			p = netip.PrefixFrom(address, address.BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}

func (a *app) logger(format string) (*slog.Logger, error) {
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(a.Stderr, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.Stderr, nil)), nil
	}
	return nil, &usageError{fmt.Errorf("the log format %q is none of text, json", format)}
}

// A listener is where a server is reached.
type listener struct {
	net.Listener
	url string
}

func listen(ctx context.Context, o serveOptions) (*listener, error) {
	if (o.cert == "") != (o.key == "") {
		return nil, &usageError{errors.New("--tls-cert and --tls-key go together")}
	}
	var pair *certificate
	if o.cert != "" {
		pair = &certificate{cert: o.cert, key: o.key}
		if _, err := pair.get(nil); err != nil {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", o.addr)
	if err != nil {
		return nil, err
	}
	if pair == nil {
		return &listener{server.Gather(l), "http://" + l.Addr().String()}, nil
	}
	address := "https://" + l.Addr().String()
	return &listener{tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get, NextProtos: []string{"h2", "http/1.1"}}), address}, nil
}

// A certificate is read again when its file changes.
type certificate struct {
	cert, key string

	mu       sync.Mutex
	modified time.Time
	pair     *tls.Certificate
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(c.cert)
	if err == nil && c.pair != nil && info.ModTime().Equal(c.modified) {
		return c.pair, nil
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(c.cert, c.key)
	}
	if err != nil {
		if c.pair != nil {
			return c.pair, nil // it is being replaced: the one before serves on
		}
		return nil, err
	}
	c.pair, c.modified = &pair, info.ModTime()
	return c.pair, nil
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ConnContext:       server.ConnContext,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// run serves until ctx ends, and then until the requests that are under way
// are answered.
func run(ctx context.Context, s *http.Server, l *listener, drain func()) error {
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain()
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := s.Shutdown(wait); err != nil {
		return errors.Join(fmt.Errorf("stop serving: %w", err), s.Close())
	}
	return nil
}
