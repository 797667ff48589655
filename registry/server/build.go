package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/site"
	"github.com/openskills-go/skills/registry/internal/translog"
)

// A Built says what Build did.
type Built struct {
	Skills, Versions int
	Files            int // of the site
	Written          int // that were new or another
}

// Build writes the registry as files into a folder: with any web server, or in a
// bucket, it is a registry that is read. The folder may hold one from before; only
// what changed is written, each file at once, and what others name before what
// names it, so that who reads meanwhile finds all that it is told of. What was
// deleted or removed is taken out in the end.
func (s *Server) Build(ctx context.Context, dir string) (Built, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Built{}, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Built{}, err
	}
	defer func() { _ = root.Close() }()
	b := &builder{site: s.site, catalog: s.catalog, root: root}
	if err := b.run(ctx); err != nil {
		return b.Built, fmt.Errorf("build site: %w", err)
	}
	return b.Built, nil
}

type builder struct {
	Built
	site    *site.Site
	catalog *catalog.Catalog
	root    *os.Root
}

func (b *builder) run(ctx context.Context) error {
	// Passes over all, so that no more than one skill is held: what is named, then
	// what names it, then what is named no more.
	if err := b.each(ctx, b.artifacts); err != nil {
		return err
	}
	size, err := b.catalog.LogSize(ctx)
	if err != nil {
		return err
	}
	for _, tile := range translog.Tiles(size) {
		if err := b.write(ctx, "log/tile/"+tile); err != nil {
			return err
		}
	}
	owner := ""
	err = b.each(ctx, func(ctx context.Context, e catalog.Entry) error {
		if e.Skill.Owner != owner {
			owner = e.Skill.Owner
			if err := b.lists(ctx, owner); err != nil {
				return err
			}
		}
		return b.indexes(ctx, e)
	})
	if err != nil {
		return err
	}
	if err := b.each(ctx, b.withdraw); err != nil {
		return err
	}
	for _, path := range []string{"catalog/names.txt.zst", "catalog/full.ndjson.zst", "log/checkpoint", "catalog/head.json", "config.json"} {
		if err := b.write(ctx, path); err != nil {
			return err
		}
	}
	if len(b.site.Featured) > 0 {
		return b.write(ctx, ".well-known/agent-skills/index.json")
	}
	return nil
}

func (b *builder) each(ctx context.Context, do func(context.Context, catalog.Entry) error) error {
	for e, err := range b.catalog.All(ctx) {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = do(ctx, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) artifacts(ctx context.Context, e catalog.Entry) error {
	if !e.There() {
		return nil
	}
	b.Skills++
	name := e.Skill.Owner + "/" + e.Skill.Slug + "/"
	for _, v := range e.Versions {
		if catalog.Lost(v) {
			continue
		}
		b.Versions++
		blob := site.BlobPath(v.Artifact)
		for _, path := range []string{blob, name + v.Version + ".zip", name + v.Version + "/SKILL.md", blob + ".proof"} {
			if err := b.write(ctx, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// withdraw takes out what is to be had no more. Of a skill all of whose versions
// are yanked the index stays, and says so.
func (b *builder) withdraw(ctx context.Context, e catalog.Entry) error {
	k := e.Skill
	at := k.Owner + "/" + k.Slug
	var paths []string
	for _, v := range e.Versions {
		if !catalog.Lost(v) && e.There() {
			continue
		}
		paths = append(paths, at+"/"+v.Version, at+"/"+v.Version+".zip")
		if blob := site.BlobPath(v.Artifact); v.Artifact != "" {
			_, err := b.site.Render(ctx, blob)
			if err == nil {
				continue // another skill has it
			}
			if !isNone(err) {
				return err
			}
			paths = append(paths, blob, blob+".proof")
		}
	}
	if k.Latest == "" || !e.There() {
		paths = append(paths, k.Owner+"@"+k.Slug, at+"/.well-known", k.Owner+"/.well-known/skills/"+k.Slug)
	}
	if !e.There() {
		paths = append(paths, at, site.IndexPath(k.Owner, k.Slug))
	}
	for _, path := range paths {
		if err := b.root.RemoveAll(filepath.FromSlash(path)); err != nil {
			return err
		}
	}
	return nil
}

func isNone(err error) bool {
	return errors.As(err, new(*catalog.NotFoundError)) || errors.As(err, new(*catalog.GoneError))
}

func (b *builder) indexes(ctx context.Context, e catalog.Entry) error {
	k := e.Skill
	at := k.Owner + "/" + k.Slug
	if !e.There() {
		return nil
	}
	if k.Latest == "" {
		return b.write(ctx, site.IndexPath(k.Owner, k.Slug))
	}
	if err := b.scoped(ctx, at); err != nil {
		return err
	}
	if err := b.scoped(ctx, k.Owner+"@"+k.Slug); err != nil {
		return err
	}
	return b.write(ctx, site.IndexPath(k.Owner, k.Slug))
}

func (b *builder) lists(ctx context.Context, owner string) error {
	err := b.scoped(ctx, owner)
	if isNone(err) {
		// It has none, or too many for such an index.
		err = b.root.RemoveAll(filepath.FromSlash(owner + "/.well-known"))
	}
	if err != nil {
		return err
	}
	if err = b.write(ctx, site.OwnerPath(owner)); isNone(err) {
		err = remove(b.root, filepath.FromSlash(site.OwnerPath(owner)))
	}
	return err
}

// scoped writes both indexes of the RFC at a path, and the files that the older one
// names.
func (b *builder) scoped(ctx context.Context, at string) error {
	index := at + "/.well-known/skills/index.json"
	f, err := b.site.Render(ctx, index)
	if err != nil {
		return err
	}
	paths, err := site.Listed(f)
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := b.write(ctx, at+"/.well-known/skills/"+path); err != nil {
			return err
		}
	}
	for _, path := range []string{index, at + "/.well-known/agent-skills/index.json"} {
		if err := b.write(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

// write renders a file and puts it in its place, if it is another there.
func (b *builder) write(ctx context.Context, path string) error {
	f, err := b.site.Render(ctx, path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	b.Files++
	name := filepath.FromSlash(path)
	if f.Blob != "" {
		blob, size, err := b.catalog.Blob(ctx, f.Blob)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		defer func() { _ = blob.Close() }()
		// Its name says what is in it, or that of a version, which never changes.
		if info, err := b.root.Stat(name); err == nil && info.Size() == size {
			return nil
		}
		if f.Data, err = io.ReadAll(blob); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	} else if there, err := b.root.ReadFile(name); err == nil && (bytes.Equal(there, f.Data) || strings.HasSuffix(path, ".proof")) {
		return nil // a proof of before proves it still
	}
	b.Written++
	if err := b.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	temporary := name + ".part"
	if err := b.root.WriteFile(temporary, f.Data, 0o644); err != nil {
		return errors.Join(err, remove(b.root, temporary))
	}
	return b.root.Rename(temporary, name)
}

func remove(root *os.Root, name string) error {
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
