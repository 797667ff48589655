package install

import (
	"bytes"
	"context"
	"io"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/merge"
)

// foresee finds out for a dry run what a merge of the edits of s would come to.
func (e *Engine) foresee(ctx context.Context, s *step) error {
	var next *merge.Side
	for _, p := range s.spots {
		if p.state != edited || p.edits == nil || p.link != "" {
			continue
		}
		if next == nil {
			var err error
			if next, err = e.next(ctx, s); next == nil || err != nil {
				return err
			}
		}
		m, _, err := e.threeWay(ctx, s, p, *next)
		if err != nil {
			return err
		}
		if len(m.Conflicts) > 0 {
			return conflictOf(s, p, m)
		}
		s.keeps(m)
	}
	return nil
}

// next returns the files that s is to place; nil if they are not at hand.
func (e *Engine) next(ctx context.Context, s *step) (*merge.Side, error) {
	var r io.ReaderAt
	var size int64
	if s.body != nil {
		r, size = s.body, s.body.Offset()
	} else {
		a, err := e.openStored(s.pin.Artifact, s.pin.Tree)
		if err != nil {
			return nil, nil //nolint:nilnil // it would be fetched, and is not for this
		}
		defer func() { _ = a.Close() }()
		r, size = a, a.Size
	}
	files := map[string]*bytes.Buffer{}
	result, err := archive.Unpack(ctx, r, size, nil, archive.Options{Limits: e.Limits, Slug: s.pin.Slug, Path: s.path, Tap: func(path string) io.Writer {
		files[path] = &bytes.Buffer{}
		return files[path]
	}})
	if err != nil {
		return nil, err
	}
	return &merge.Side{Files: result.Tree.Files, Read: func(path string) ([]byte, error) { return files[path].Bytes(), nil }}, nil
}
