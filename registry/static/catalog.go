package static

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// What is read of a catalogue. 400,000 skills are about 25 MiB, and 128 as text.
const (
	maxPacked = 32 << 20
	maxText   = 128 << 20
	maxWindow = 32 << 20 // of the decompression
	maxSkills = 500_000
)

// An entry is a skill of the catalogue. Its names can stand in a reference.
type entry struct {
	skillName
	version     string // valid, or ""
	description string // untrusted
}

// allNames returns the names of all skills, by slug and owner.
func (r *Registry) allNames(ctx context.Context) ([]skillName, error) {
	return r.names.get(ctx, func(ctx context.Context) ([]skillName, error) {
		body, at, err := r.catalogue(ctx, "names.txt.zst")
		if err != nil {
			return nil, err
		}
		return parseNames(ctx, body, at)
	})
}

// all returns all skills, by slug and owner.
func (r *Registry) all(ctx context.Context) ([]entry, error) {
	return r.entries.get(ctx, func(ctx context.Context) ([]entry, error) {
		body, at, err := r.catalogue(ctx, "full.ndjson.zst")
		if err != nil {
			return nil, err
		}
		return parseEntries(ctx, body, at)
	})
}

// catalogue asks for a file of the catalogue.
func (r *Registry) catalogue(ctx context.Context, name string) (body []byte, at string, err error) {
	c, err := r.read(ctx)
	if err != nil {
		return nil, "", err
	}
	none := fmt.Errorf("the registry has no catalogue, and a skill is only found by owner/slug: %w", source.ErrUnsupported)
	if c.catalog == "" {
		return nil, "", none
	}
	resp, err := r.get(ctx, c, c.catalog+name, maxPacked)
	if errors.Is(err, source.ErrNotFound) {
		return nil, "", none
	}
	if err != nil {
		return nil, "", fmt.Errorf("read catalogue: %w", err)
	}
	return resp.Body, resp.URL, nil
}

// parseNames reads a list of owner/slug.
func parseNames(ctx context.Context, body []byte, at string) ([]skillName, error) {
	var names []skillName
	err := eachPacked(ctx, body, at, func(line []byte, whole bool) string {
		owner, slug, ok := strings.Cut(string(line), "/")
		n := skillName{owner, slug}
		switch {
		case !whole:
			return "it is cut off" // what is left of it may be another name
		case !ok:
			return "it is no owner/slug: " + quote(string(line))
		case len(names) == maxSkills:
			return fmt.Sprintf("there are more than %d skills", maxSkills)
		case n.valid():
			names = append(names, n)
		}
		return ""
	})
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	slices.SortFunc(names, compareNames)
	return slices.Compact(names), nil
}

// parseEntries reads a list of skills. Those that no reference can name are left
// out: they could not be installed.
func parseEntries(ctx context.Context, body []byte, at string) ([]entry, error) {
	var entries []entry
	err := eachPacked(ctx, body, at, func(line []byte, _ bool) string {
		var said struct {
			Owner   string `json:"owner"`
			Slug    string `json:"name"`
			Version string `json:"version"`
			Summary string `json:"description"`
		}
		if err := json.Unmarshal(line, &said); err != nil {
			return typeFault(err)
		}
		if len(entries) == maxSkills {
			return fmt.Sprintf("there are more than %d skills", maxSkills)
		}
		if !version.Valid(said.Version) {
			said.Version = ""
		}
		if n := (skillName{said.Owner, said.Slug}); n.valid() {
			entries = append(entries, entry{n, said.Version, said.Summary})
		}
		return ""
	})
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return compareNames(a.skillName, b.skillName) })
	return slices.CompactFunc(entries, func(a, b entry) bool { return a.skillName == b.skillName }), nil
}

func (n skillName) valid() bool { return ref.ValidSlug(n.owner) && ref.ValidSlug(n.slug) }

func compareNames(a, b skillName) int {
	return cmp.Or(strings.Compare(a.slug, b.slug), strings.Compare(a.owner, b.owner))
}

// eachPacked is eachLine for a file that is compressed, whatever it decompresses
// to. One that a server has decompressed on the way is taken as it is.
func eachPacked(ctx context.Context, body []byte, at string, do func(line []byte, whole bool) (why string)) error {
	text := io.Reader(bytes.NewReader(body))
	if bytes.HasPrefix(body, []byte{0x28, 0xb5, 0x2f, 0xfd}) { // RFC 8878, 3.1.1
		z, err := zstd.NewReader(text, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
		defer z.Close()
		text = z
	}
	return eachLine(ctx, &bounded{from: text, left: maxText}, at, do)
}

// A bounded reader fails where there is more than may be.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("it holds more than %d bytes of text", int64(maxText))
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("it cannot be decompressed: %w", err)
	}
	return n, err
}
