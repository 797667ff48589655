package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/source"
)

// layoutScheme is that of a folder with an OCI image layout.
const layoutScheme = "oci+file://"

// A layout is such a folder. It is opened for each file, under a guard that no
// link leads out of.
type layout struct{ dir string }

func openLayout(rawURL string) (*layout, error) {
	p, err := url.PathUnescape(strings.TrimPrefix(rawURL, layoutScheme))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", quote(rawURL), source.ErrUnsupported)
	}
	if len(p) > 2 && p[0] == '/' && p[2] == ':' {
		p = p[1:] // of a drive
	}
	return &layout{filepath.FromSlash(p)}, nil
}

// layoutName returns the name of the folder of a layout.
func layoutName(rawURL string) string {
	p, err := url.PathUnescape(strings.TrimPrefix(rawURL, layoutScheme))
	if err != nil {
		return ""
	}
	name := path.Base(p)
	if name == "/" || name == "." {
		return ""
	}
	return name
}

func (l *layout) read(name string) ([]byte, error) {
	f, err := l.file(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > maxManifest {
		return nil, &AnswerError{Why: fmt.Sprintf("%s is over the limit of %d bytes", name, int64(maxManifest))}
	}
	return data, nil
}

// file opens a regular file: anything else could make us wait.
func (l *layout) file(name string) (*os.File, error) {
	root, err := os.OpenRoot(l.dir)
	if err != nil {
		return nil, notThere(err)
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(name)
	if err != nil {
		return nil, notThere(err)
	}
	if !info.Mode().IsRegular() {
		return nil, &AnswerError{Why: name + " is not a regular file"}
	}
	f, err := root.Open(name)
	return f, notThere(err)
}

func notThere(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", source.ErrNotFound, err)
	}
	return err
}

// index reads the index of the layout, which has the tags.
func (l *layout) index(ctx context.Context) (*manifest, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := l.read("oci-layout")
	if err != nil {
		return nil, err
	}
	var version struct {
		Layout string `json:"imageLayoutVersion"`
	}
	if err := json.Unmarshal(data, &version); err != nil || !strings.HasPrefix(version.Layout, "1.") {
		return nil, &AnswerError{Why: "the version of the layout is " + quote(version.Layout) + ", and 1 is known"}
	}
	if data, err = l.read("index.json"); err != nil {
		return nil, err
	}
	m, err := parseManifest(data, "")
	if err == nil && !isIndexType(m.MediaType) {
		err = &AnswerError{Why: "index.json is no index"}
	}
	return m, err
}

func (l *layout) manifest(ctx context.Context, reference string) (*manifest, error) {
	sum, err := digest.Parse(reference)
	if err != nil {
		index, err := l.index(ctx)
		if err != nil {
			return nil, err
		}
		d, ok := withTag(index, reference)
		if !ok {
			return nil, fmt.Errorf("the layout has no %s: %w", quote(reference), source.ErrNotFound)
		}
		return entry(ctx, l, d)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := l.read(blobFile(sum))
	if err != nil {
		return nil, err
	}
	if got := digest.Of(data); got != sum {
		return nil, &digest.MismatchError{What: "the manifest in the layout", Want: sum, Got: got}
	}
	return parseManifest(data, "")
}

// withTag returns the entry with a tag. What a layout has alone needs none.
func withTag(index *manifest, tag string) (descriptor, bool) {
	for _, d := range index.Manifests {
		if layoutTag(d) == tag {
			return d, true
		}
	}
	if entries := index.entries(); tag == latest && len(entries) == 1 {
		return entries[0], true
	}
	return descriptor{}, false
}

// layoutTag returns the tag of an entry. Some tools write the whole reference.
func layoutTag(d descriptor) string {
	name := d.Annotations["org.opencontainers.image.ref.name"]
	return name[strings.LastIndexAny(name, "/:")+1:]
}

func blobFile(sum digest.Digest) string { return "blobs/sha256/" + sum.Hex() }

func (l *layout) blob(ctx context.Context, sum digest.Digest, _ int64) (*blob, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := l.file(blobFile(sum))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &blob{f, info.Size()}, nil
}

func (l *layout) tags(ctx context.Context) ([]string, error) {
	index, err := l.index(ctx)
	if err != nil {
		return nil, err
	}
	var tags []string
	for _, d := range index.Manifests {
		if tag := layoutTag(d); tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags, nil
}
