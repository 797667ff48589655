package install

import (
	"context"
	"io"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/merge"
	"github.com/openskills-go/skills/pkg/tree"
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
	unpack := func(tap func(string) io.Writer) (*tree.Tree, error) {
		var r io.ReaderAt = s.body
		var size int64
		if s.body != nil {
			size = s.body.Offset()
		} else {
			a, err := e.openStored(s.pin.Artifact, s.pin.Tree)
			if err != nil {
				return nil, err
			}
			defer func() { _ = a.Close() }()
			r, size = a, a.Size
		}
		result, err := archive.Unpack(ctx, r, size, nil, archive.Options{Limits: e.Limits, Slug: s.pin.Slug, Path: s.path, Tap: tap})
		if err != nil {
			return nil, err
		}
		return &result.Tree, nil
	}
	if s.body == nil {
		a, err := e.openStored(s.pin.Artifact, s.pin.Tree)
		if err != nil {
			return nil, nil //nolint:nilerr,nilnil // it would be fetched, and is not for this
		}
		_ = a.Close()
	}
	t, err := unpack(nil)
	if err != nil {
		return nil, err
	}
	side := sideOf(t, func(tap func(string) io.Writer) error {
		_, err := unpack(tap)
		return err
	})
	return &side, nil
}
