package server

import (
	"context"
	"time"

	"github.com/openskills-go/skills/registry/internal/meta"
)

const (
	flushEvery = 10 * time.Second // downloads that were counted
	sweepEvery = time.Hour
	// staleUpload is how long parts of a publish are kept that never came.
	staleUpload = 24 * time.Hour
)

// Maintain does what is to be done from time to time until ctx ends: it writes the
// downloads that were counted, and deletes uploads and logins that nobody came back
// for. Any number of processes may do it for one registry.
func (s *Server) Maintain(ctx context.Context) {
	flush, sweep := time.NewTicker(flushEvery), time.NewTicker(sweepEvery)
	defer flush.Stop()
	defer sweep.Stop()
	s.sweep(ctx) // what a crash left
	for {
		select {
		case <-flush.C:
			if err := s.catalog.Flush(ctx); err != nil {
				s.log.WarnContext(ctx, "maintain", "error", err)
			}
		case <-sweep.C:
			s.sweep(ctx)
		case <-ctx.Done():
			// Those of the last moments too, if there is a database still.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			if err := s.catalog.Flush(last); err != nil {
				s.log.WarnContext(ctx, "maintain", "error", err)
			}
			return
		}
	}
}

func (s *Server) sweep(ctx context.Context) {
	now := s.options.Now()
	if err := s.blobs.Sweep(ctx, now.Add(-staleUpload)); err != nil {
		s.log.WarnContext(ctx, "sweep uploads", "error", err)
	}
	err := s.db.Update(ctx, func(tx *meta.Tx) error { return tx.DeleteDevicesBefore(ctx, now) })
	if err != nil {
		s.log.WarnContext(ctx, "sweep logins", "error", err)
	}
}
