package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
)

// A Direct obtains skills that come from no registry: a folder, an archive on
// disk, an archive at a URL. They have no versions and no published digests.
type Direct struct {
	// Client transfers what is at a URL.
	Client *transport.Client
	// Cwd is what relative paths are relative to.
	Cwd string
	// Limit bounds an artifact; 0 is the transport's default.
	Limit int64
}

// Versions answers ErrUnsupported.
func (d *Direct) Versions(context.Context, ref.Ref) ([]version.Info, error) {
	return nil, ErrUnsupported
}

// Resolve looks whether a folder or a file is there; a URL is not asked.
func (d *Direct) Resolve(_ context.Context, r ref.Ref, _ string) (Pin, error) {
	p := Pin{Ref: r, Trust: FirstUse}
	switch r.Kind {
	case ref.URL:
		u, err := url.Parse(r.URL)
		if err != nil {
			return Pin{}, fmt.Errorf("resolve %.200q: %w", r.URL, err)
		}
		p.URL, p.Slug = r.URL, slugOf(path.Base(u.Path))
	case ref.Dir, ref.File:
		p.URL = d.path(r)
		p.Slug = slugOf(filepath.Base(p.URL))
		info, err := os.Stat(p.URL)
		if errors.Is(err, fs.ErrNotExist) {
			return Pin{}, fmt.Errorf("%s: %w", r, ErrNotFound)
		}
		if err != nil {
			return Pin{}, fmt.Errorf("resolve %s: %w", r, err)
		}
		if !info.IsDir() && !info.Mode().IsRegular() {
			return Pin{}, fmt.Errorf("resolve %s: neither a folder nor a file: %w", r, ErrUnsupported)
		}
	default:
		return Pin{}, ErrUnsupported
	}
	return p, nil
}

func (d *Direct) path(r ref.Ref) string {
	p := filepath.FromSlash(r.Path)
	if !filepath.IsAbs(p) {
		p = filepath.Join(d.Cwd, p)
	}
	return filepath.Clean(p)
}

// slugOf makes what can be made of the last element of a path, without the
// endings of archives.
func slugOf(name string) string {
	for _, ending := range []string{".zip", ".tar.gz", ".tgz", ".tar", ".skill"} {
		if len(name) > len(ending) && strings.EqualFold(name[len(name)-len(ending):], ending) {
			return name[:len(name)-len(ending)]
		}
	}
	return name
}

// Fetch copies an archive, packs a folder reproducibly, or downloads.
func (d *Direct) Fetch(ctx context.Context, p Pin, dst Sink) (Receipt, error) {
	if p.Ref.Kind == ref.URL {
		return d.download(ctx, p, dst)
	}
	if err := dst.Restart(""); err != nil {
		return Receipt{}, err
	}
	info, err := os.Stat(p.URL)
	if err != nil {
		return Receipt{}, err
	}
	if info.IsDir() {
		root, err := os.OpenRoot(p.URL)
		if err != nil {
			return Receipt{}, err
		}
		defer func() { _ = root.Close() }()
		if _, err := archive.Pack(ctx, dst, root.FS()); err != nil {
			return Receipt{}, fmt.Errorf("pack %s: %w", p.Ref, err)
		}
		return Receipt{}, nil
	}
	f, err := os.Open(p.URL)
	if err != nil {
		return Receipt{}, err
	}
	defer func() { _ = f.Close() }()
	_, err = io.Copy(dst, f)
	return Receipt{}, err
}

func (d *Direct) download(ctx context.Context, p Pin, dst Sink) (Receipt, error) {
	r, err := d.Client.Download(ctx, p.URL, transport.GetOptions{
		Limit: d.Limit,
		Known: transport.Validators{ETag: p.Known.ETag, LastModified: p.Known.LastModified},
	}, dst)
	receipt := Receipt{
		URL:        r.URL,
		Artifact:   r.Digest,
		Validators: Validators{ETag: r.ETag, LastModified: r.LastModified},
	}
	return receipt, FromTransport(err)
}

// FromTransport adds the sentinel of this package that an error of the network
// amounts to, for sources whose protocol gives statuses their usual meaning.
func FromTransport(err error) error {
	var status *transport.StatusError
	switch {
	case errors.Is(err, transport.ErrNotModified):
		return ErrNotModified
	case !errors.As(err, &status):
		return err
	case status.Status == 404 || status.Status == 410:
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case status.Status == 401 || status.Status == 403:
		return fmt.Errorf("%w: %w", ErrAuth, err)
	}
	return err
}
