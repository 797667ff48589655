package server

import (
	"context"
	"maps"
	"slices"

	"github.com/openskills-go/skills/registry/internal/meta"
)

// Waiting returns the code of a login that waits for approval.
func (s *Server) Waiting(ctx context.Context) (code string, err error) {
	err = s.db.View(ctx, func(tx *meta.Tx) error {
		d, err := tx.DeviceWaiting(ctx)
		code = d.UserCode
		return err
	})
	return code, err
}

// LoseBlobs deletes all blobs.
func (s *Server) LoseBlobs(ctx context.Context) error {
	for info, err := range s.blobs.All(ctx) {
		if err != nil {
			return err
		}
		if err := s.blobs.Delete(ctx, info.Digest); err != nil {
			return err
		}
	}
	return nil
}

// APIPatterns returns the routes of the API.
func (s *Server) APIPatterns() []string { return slices.Sorted(maps.Keys(s.apiTable())) }

// LimitStaged bounds what each user may upload in an hour.
func (s *Server) LimitStaged(bytes int64) { s.staged.limit = bytes }
