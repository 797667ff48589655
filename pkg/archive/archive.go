// Package archive unpacks the artifacts that skills come in, and packs folders
// into them. Nothing about an artifact is believed: which format it is follows
// from its first bytes, every name, kind and size in it is checked before the
// first byte is written, and what is then produced is counted again.
//
// What an artifact may hold is regular files with portable names. Links, devices,
// paths that lead anywhere else, names that some file system would confuse, and
// archives that two readers could read in two ways are refused as a whole. What
// merely varies between tools is accepted: one folder around the skill, any kind
// of timestamp, owners, modes, the folders that macOS adds.
//
// Unpack reads an artifact of less than 1 MiB at once and any other through a
// window, so that memory does not grow with the artifact.
package archive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/openskills-go/skills/pkg/tree"
)

// Options say what to take out of an artifact. The zero value takes the skill
// that is nearest to the top, under the default limits.
type Options struct {
	Limits Limits // zero fields mean the defaults
	// Slug decides between several skills at one depth: the folder whose name
	// ends the slug is taken.
	Slug string
	// Path names the folder of the skill inside the artifact; it may leave out
	// folders at its front where only one skill is meant all the same.
	Path string
	// Tap, if set, is asked for a writer that sees the bytes of the file at path,
	// in order, before they are written. It may return nil; its error ends Unpack.
	Tap func(path string) io.Writer
}

// A Result says what Unpack took, or Pack put in.
type Result struct {
	Tree    tree.Tree
	Skill   []byte   // the bytes of SKILL.md
	Root    string   // the folder inside the archive that became the tree; "" for its top
	Dropped []string // paths of files that systems add on their own, and that were left out
}

// ReadFile returns the bytes of one file of the tree that Unpack would write. It
// checks the artifact as Unpack does. An error matches fs.ErrNotExist if the tree
// has no such file.
func ReadFile(ctx context.Context, src *io.SectionReader, path string, o Options) ([]byte, error) {
	var content bytes.Buffer
	o.Tap = func(p string) io.Writer {
		if p == path {
			return &content
		}
		return nil
	}
	result, err := Unpack(ctx, src, src.Size(), nil, o)
	if err != nil {
		return nil, err
	}
	if _, ok := result.Tree.Lookup(path); !ok {
		return nil, fmt.Errorf("read %s: %w", quote(path), fs.ErrNotExist)
	}
	return content.Bytes(), nil
}
