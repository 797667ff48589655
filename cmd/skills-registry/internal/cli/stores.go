package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/pkg/config"
	"github.com/openskills-go/skills/registry/server"
)

// storeOptions say where a registry is kept.
type storeOptions struct{ data, db, blobs string }

// The environment that stands for flags that are not given.
const (
	envData  = "SKILLS_REGISTRY_DATA"
	envDB    = "SKILLS_REGISTRY_DB"
	envBlobs = "SKILLS_REGISTRY_BLOBS"
	envURL   = "SKILLS_REGISTRY_URL"
)

func (a *app) storeFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.o.data, "data", "", "keep everything in `DIR` ($"+envData+"; else skills-registry in the folder for data)")
	f.StringVar(&a.o.db, "db", "", "keep the database at `URL`: postgres://… or sqlite:///file ($"+envDB+")")
	f.StringVar(&a.o.blobs, "blobs", "", "keep artifacts at `URL`: s3://bucket?… or file:///folder ($"+envBlobs+")")
}

// where returns the addresses of database and blobs, and makes the folder for what
// is in neither.
func (a *app) where() (db, blobs string, err error) {
	or := func(flag, variable string) string {
		if flag != "" {
			return flag
		}
		return a.Getenv(variable)
	}
	db, blobs = or(a.o.db, envDB), or(a.o.blobs, envBlobs)
	if db != "" && blobs != "" {
		return db, blobs, nil
	}
	dir, err := a.dataDir(or(a.o.data, envData))
	if err != nil {
		return "", "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", err
	}
	if db == "" {
		db = "sqlite://" + filepath.ToSlash(filepath.Join(dir, "registry.db"))
	}
	if blobs == "" {
		blobs = folderURL(filepath.Join(dir, "blobs"))
	}
	return db, blobs, nil
}

func folderURL(path string) string {
	path = filepath.ToSlash(path)
	if path[0] != '/' {
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

func (a *app) dataDir(dir string) (string, error) {
	if dir == "" {
		base := a.Getenv("XDG_DATA_HOME")
		if base == "" {
			home, err := config.Home(a.Getenv)
			if err != nil {
				return "", &usageError{errors.New("there is no home folder: say where to keep the registry with --data DIR")}
			}
			base = filepath.Join(home, ".local", "share")
		}
		dir = filepath.Join(base, "skills-registry")
	}
	return filepath.Abs(dir)
}

// open opens the registry for a command that works beside the one that serves it.
func (a *app) open(ctx context.Context) (*server.Server, error) {
	db, blobs, err := a.where()
	if err != nil {
		return nil, err
	}
	return server.Open(ctx, server.Options{DB: db, Blobs: blobs, URL: a.Getenv(envURL)})
}

// with runs f on the registry, and closes it.
func (a *app) with(cmd *cobra.Command, f func(ctx context.Context, s *server.Server) error) error {
	s, err := a.open(cmd.Context())
	if err != nil {
		return err
	}
	err = f(cmd.Context(), s)
	if closed := s.Close(); err == nil && closed != nil {
		err = fmt.Errorf("close registry: %w", closed)
	}
	return err
}
