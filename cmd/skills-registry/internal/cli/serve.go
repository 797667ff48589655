package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/registry/folder"
	"github.com/openskills-go/skills/registry/folderserver"
)

// Times of a connection. A client that is slower than the largest artifact at
// 128 KiB/s is cut off, and may continue with a Range.
const (
	headerTime = 10 * time.Second
	readTime   = 30 * time.Second
	writeTime  = 10 * time.Minute
	idleTime   = 2 * time.Minute
	drainTime  = 30 * time.Second

	maxHeader = 32 << 10
)

type serveOptions struct {
	dir   string
	addr  string
	title string
	url   string
}

func newServe(stderr io.Writer) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve DIR",
		Short: "Serve a folder of skills, read-only",
		Long: `Serve a folder of skills over HTTP, read-only. What changes in the folder is
served at once. The folder holds any of

  SLUG/SKILL.md             a skill
  SLUG/VERSION/SKILL.md     a skill with several versions
  SLUG@LOCALE/…             the same skill in another language
  SLUG.zip, SLUG.tar.gz     an archive instead of a folder

The server speaks plain HTTP; put a proxy with TLS before it to serve others.
The first line on standard error is the address that it listens on. SIGTERM and
Ctrl-C end it after the requests that are under way.`,
		Example: `  skills-registry serve ./skills
  skills-registry serve ./skills --addr 127.0.0.1:0
  skills install SLUG --registry http://127.0.0.1:8080`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Errorf("serve needs one folder, %d were given", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.dir = args[0]
			return serve(cmd.Context(), o, stderr)
		},
	}
	cmd.Flags().StringVar(&o.addr, "addr", "127.0.0.1:8080", "listen on `HOST:PORT`; port 0 chooses a free one")
	cmd.Flags().StringVar(&o.title, "title", "", "heading of the pages")
	cmd.Flags().StringVar(&o.url, "url", "", "address that clients use, if there is a proxy before the server")
	return cmd
}

func serve(ctx context.Context, o serveOptions, stderr io.Writer) error {
	catalog, err := folder.Open(folder.Options{Dir: o.dir})
	if err != nil {
		return err
	}
	defer func() { _ = catalog.Close() }()
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", o.addr)
	if err != nil {
		return err
	}
	address := "http://" + listener.Addr().String()
	if o.url == "" {
		o.url = address
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	handler, err := folderserver.New(folderserver.Options{Catalog: catalog, Title: o.title, URL: o.url, Log: log})
	if err != nil {
		_ = listener.Close()
		return err
	}
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	_, _ = fmt.Fprintln(stderr, "listening on "+address)
	return run(ctx, s, listener)
}

// run serves until ctx ends, and then until the requests that are under way
// are answered.
func run(ctx context.Context, s *http.Server, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := s.Shutdown(drain); err != nil {
		return errors.Join(fmt.Errorf("stop serving: %w", err), s.Close())
	}
	return nil
}
