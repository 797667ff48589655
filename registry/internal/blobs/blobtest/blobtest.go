// Package blobtest holds stores of blobs to what package blobs says of them.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/internal/blobs"
)

// Run runs the suite. open returns the same store each time, which is empty at
// first, with a cache of its own.
func Run(t *testing.T, open func(t *testing.T, cache int64) *blobs.Store) {
	ctx := t.Context()
	s := open(t, 0)
	little, large := []byte("little"), bytes.Repeat([]byte("large "), 1<<19)
	of := digest.Of
	if _, err := s.Get(ctx, of(little)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
	if _, _, err := s.Open(ctx, of(little)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
	if err := s.Put(ctx, of(little), large); err == nil {
		t.Error("a blob was kept under the digest of another")
	}
	for _, d := range []digest.Digest{"", "sha256:", "sha256:../../etc/passwd", "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "md5:00"} {
		if _, err := s.Get(ctx, d); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", d, err)
		}
	}
	for _, data := range [][]byte{little, large, nil} {
		for range 2 {
			if err := s.Put(ctx, of(data), data); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range []*blobs.Store{s, open(t, -1), open(t, 0)} {
			got, err := s.Get(ctx, of(data))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes of %d, %v", len(got), len(data), err)
			}
			parts(ctx, t, s, data)
		}
	}
	if got := list(ctx, t, s); got != 3 {
		t.Errorf("%d blobs are there, want 3", got)
	}
	staged(ctx, t, s)
	many(ctx, t, s)
	if err := errors.Join(s.Delete(ctx, of(little)), s.Delete(ctx, of(little))); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(ctx, of(little)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was deleted: %v", err)
	}
	if err := s.Ping(ctx); err != nil {
		t.Error(err)
	}
}

// parts reads a blob in part, as a request for a range does.
func parts(ctx context.Context, t *testing.T, s *blobs.Store, data []byte) {
	t.Helper()
	r, size, err := s.Open(ctx, digest.Of(data))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if size != int64(len(data)) {
		t.Errorf("its size is %d, want %d", size, len(data))
	}
	half := size / 2
	if at, err := r.Seek(half, io.SeekStart); err != nil || at != half {
		t.Errorf("at %d, %v", at, err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data[half:]) {
		t.Errorf("its second half has %d bytes, %v", len(got), err)
	}
	if end, err := r.Seek(0, io.SeekEnd); err != nil || end != size {
		t.Errorf("its end is %d, %v", end, err)
	}
}

func list(ctx context.Context, t *testing.T, s *blobs.Store) (n int) {
	t.Helper()
	for info, err := range s.All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if info.Size < 0 || info.Modified.IsZero() {
			t.Errorf("%+v", info)
		}
		n++
	}
	return n
}

// staged is nothing yet.
func staged(ctx context.Context, t *testing.T, s *blobs.Store) {
	t.Helper()
	data := []byte("staged")
	d := digest.Of(data)
	if _, err := s.Staged(ctx, d); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was not staged: %v", err)
	}
	if err := errors.Join(s.Stage(ctx, d, data), s.Stage(ctx, d, data)); err != nil {
		t.Fatal(err)
	}
	if err := s.Stage(ctx, d, []byte("other")); err == nil {
		t.Error("other bytes were staged")
	}
	if _, err := s.Get(ctx, d); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is staged is kept: %v", err)
	}
	if err := s.Sweep(ctx, time.Now().Add(-time.Hour)); err != nil {
		t.Error(err)
	}
	if got, err := s.Staged(ctx, d); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%q, %v", got, err)
	}
	if err := s.Sweep(ctx, time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if _, err := s.Staged(ctx, d); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was swept: %v", err)
	}
	if got := list(ctx, t, s); got != 3 {
		t.Errorf("%d blobs are left, want 3", got)
	}
}

// many put and get one blob at once.
func many(ctx context.Context, t *testing.T, s *blobs.Store) {
	t.Helper()
	data := []byte("many")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := s.Put(ctx, digest.Of(data), data); err != nil {
				t.Error(err)
			}
			if got, err := s.Get(ctx, digest.Of(data)); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
}
