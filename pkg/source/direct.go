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
// disk, an archive at a URL. They have no versions and no published digests. What
// a path leads to is seen when it is fetched, whatever its Kind says.
type Direct struct {
	// Client transfers what is at a URL.
	Client *transport.Client
	// Cwd is the absolute folder that relative paths are relative to.
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
			return Pin{}, fmt.Errorf("resolve url: %w", err)
		}
		p.URL, p.Slug = r.URL, slugOf(path.Base(u.Path))
	case ref.Dir, ref.File:
		p.URL = d.path(r)
		p.Slug = slugOf(filepath.Base(p.URL))
		if _, err := stat(p); err != nil {
			return Pin{}, err
		}
	default:
		return Pin{}, ErrUnsupported
	}
	return p, nil
}

// A NoFileError says that a reference to a folder or a file leads to nothing. It
// matches ErrNotFound.
type NoFileError struct{ Path string } // as typed

func (e *NoFileError) Error() string {
	return fmt.Sprintf("there is no folder or file %.200q", e.Path)
}

// Is makes a NoFileError match ErrNotFound.
func (e *NoFileError) Is(target error) bool { return target == ErrNotFound }

// stat looks at what p leads to, which must be a folder or a file.
func stat(p Pin) (fs.FileInfo, error) {
	info, err := os.Stat(p.URL)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &NoFileError{Path: p.Ref.Path}
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", p.Ref, err)
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, fmt.Errorf("read %s: neither a folder nor a file: %w", p.Ref, ErrUnsupported)
	}
	return info, nil
}

func (d *Direct) path(r ref.Ref) string {
	p := filepath.FromSlash(r.Path)
	if !filepath.IsAbs(p) {
		p = filepath.Join(d.Cwd, p)
	}
	return filepath.Clean(p)
}

// slugOf makes what can be made of the last element of a path, without the
// endings of archives; "" if that is nothing.
func slugOf(name string) string {
	if strings.Trim(name, `./\`) == "" {
		return ""
	}
	for _, ending := range []string{".zip", ".tar.gz", ".tgz", ".tar", ".skill"} {
		if len(name) > len(ending) && strings.EqualFold(name[len(name)-len(ending):], ending) {
			return name[:len(name)-len(ending)]
		}
	}
	return name
}

// Fetch copies an archive, packs a folder reproducibly, or downloads.
func (d *Direct) Fetch(ctx context.Context, p Pin, dst Sink) (Receipt, error) {
	switch p.Ref.Kind {
	case ref.URL:
		return d.download(ctx, p, dst)
	case ref.Dir, ref.File:
	default:
		return Receipt{}, ErrUnsupported
	}
	info, err := stat(p)
	if err != nil {
		return Receipt{}, err
	}
	if err := dst.Restart(""); err != nil {
		return Receipt{}, err
	}
	if info.IsDir() {
		root, err := os.OpenRoot(p.URL)
		if err != nil {
			return Receipt{}, fmt.Errorf("read %s: %w", p.Ref, err)
		}
		defer func() { _ = root.Close() }()
		if _, err := archive.Pack(ctx, dst, root.FS()); err != nil {
			return Receipt{}, fmt.Errorf("pack %s: %w", p.Ref, err)
		}
		return Receipt{}, nil
	}
	f, err := os.Open(p.URL)
	if err != nil {
		return Receipt{}, fmt.Errorf("read %s: %w", p.Ref, err)
	}
	defer func() { _ = f.Close() }()
	if _, err := io.Copy(dst, readerFunc(func(b []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return f.Read(b)
	})); err != nil {
		return Receipt{}, fmt.Errorf("copy %s: %w", p.Ref, err)
	}
	return Receipt{}, nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

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
// amounts to, for sources whose protocol gives statuses their usual meaning. Any
// other error, and nil, is returned as it is.
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
