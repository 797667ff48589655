// Command buildsite publishes what is below a folder, and builds the registry into
// files: buildsite DATA OUT DIR. It is a program of its own so that the tests of the
// client link no server, either: they run it, and themselves as the client, often.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/server"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, data, out, dir string) error {
	data = filepath.ToSlash(data)
	s, err := server.Open(ctx, server.Options{DB: "sqlite://" + data + "/registry.db", Blobs: "file:///" + strings.TrimPrefix(data, "/") + "/blobs", URL: "http://skills.example"})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	places, err := fs.Glob(os.DirFS(dir), "*/*/*")
	if err != nil {
		return err
	}
	slices.SortFunc(places, func(a, b string) int { return version.Compare(path.Base(a), path.Base(b)) })
	for _, place := range places {
		if err := publish(ctx, s, dir, place); err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
	}
	_, err = s.Build(ctx, out)
	return err
}

// publish takes owner/slug/version, or the note of why that is yanked.
func publish(ctx context.Context, s *server.Server, dir, place string) error {
	name := server.Name{Owner: path.Dir(path.Dir(place)), Slug: path.Base(path.Dir(place))}
	file := filepath.Join(dir, filepath.FromSlash(place))
	if number, yanked := strings.CutSuffix(path.Base(place), ".yanked"); yanked {
		why, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return s.Catalog().Yank(ctx, server.Operator(), name, number, strings.TrimSpace(string(why)))
	}
	err := s.Catalog().AddUser(ctx, server.Operator(), server.User{Handle: name.Owner, Role: server.Plain})
	if err != nil && !errors.As(err, new(*server.ConflictError)) {
		return err
	}
	d, err := server.ReadDraft(ctx, file)
	if err != nil {
		return err
	}
	d.Owner, d.Slug, d.Version = name.Owner, name.Slug, path.Base(place)
	_, err = s.Catalog().Publish(ctx, server.Operator(), d)
	return err
}
