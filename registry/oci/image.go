package oci

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/tree"
)

// An Image is a skill as an OCI registry has it: three blobs, of which the manifest
// names the others.
type Image struct{ Manifest, Config, Layer []byte }

// A BuildFile is one file of a skill that is in memory.
type BuildFile struct {
	Path       string
	Data       []byte
	Executable bool
}

// BuildOptions say what an image is made of.
type BuildOptions struct {
	Name    string // of the folder in the layer, and of the skill
	Version string
	Files   []BuildFile // checked, as archive.Pack checks them; SKILL.md is among them
	Push    PushOptions // Created, Source and Revision count
}

// Build makes the image of a skill that a registry serves. Equal options make equal
// bytes.
func Build(ctx context.Context, o BuildOptions) (*Image, error) {
	a := &artifact{name: o.Name, version: o.Version}
	packed := &archive.Result{}
	files := memory{}
	for _, f := range o.Files {
		mode := fs.FileMode(0o644)
		if f.Executable {
			mode = 0o755
		}
		files[f.Path] = f.Data
		packed.Tree.Files = append(packed.Tree.Files, tree.File{Path: f.Path, Mode: mode, Size: int64(len(f.Data)), Sum: sha256.Sum256(f.Data)})
	}
	parsed, _, err := skill.Parse(files[skill.FileName])
	if err != nil {
		return nil, fmt.Errorf("read SKILL.md: %w", err)
	}
	parsed.Name = o.Name // which is a folder's
	var layer bytes.Buffer
	if err := writeLayer(ctx, &layer, files, packed, a.name); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	a.layer = layer.Bytes()
	if err := a.finish(parsed, o.Push); err != nil {
		return nil, err
	}
	return &Image{Manifest: a.manifest, Config: a.config, Layer: a.layer}, nil
}

// A memory is files that can be opened by their paths.
type memory map[string][]byte

// opener is what writeLayer reads files from.
type opener interface {
	Open(name string) (io.ReadCloser, error)
}

func (m memory) Open(name string) (io.ReadCloser, error) {
	data, ok := m[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// A disk is a folder whose files can be opened.
type disk struct{ fs.FS }

func (d disk) Open(name string) (io.ReadCloser, error) { return d.FS.Open(name) }
