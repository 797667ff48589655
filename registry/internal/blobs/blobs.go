// Package blobs keeps what is named by its digest: artifacts, layers, manifests.
// What has a digest never changes, so that it is written once and may be kept by
// whoever has read it.
package blobs

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/openskills-go/skills/pkg/digest"
)

// A Store keeps blobs in a folder, in memory or in a bucket of an object storage.
// Its methods may be called at once.
type Store struct{}

// An Info says what a store has.
type Info struct {
	Digest   digest.Digest
	Size     int64
	Modified time.Time
}

var errTodo = errors.New("todo")

// Options say where blobs are.
type Options struct {
	URL   string // file:///folder, mem://, s3://bucket?endpoint=…&region=…
	Cache int64  // bytes of small blobs to hold in memory; 0 is 32 MiB, less is none
}

// Open opens a store.
func Open(ctx context.Context, o Options) (*Store, error) { return nil, errTodo }

// Put keeps data, which d must be the digest of. When it returns nil the blob is
// durable. It is a success if the blob is there already, and heals one that is
// damaged.
func (s *Store) Put(ctx context.Context, d digest.Digest, data []byte) error { return errTodo }

// Get returns a blob, which the caller must not change. An error matches
// fs.ErrNotExist if there is none, and is a digest.MismatchError if it is damaged.
func (s *Store) Get(ctx context.Context, d digest.Digest) ([]byte, error) { return nil, errTodo }

// Open returns a blob to be read in part, and its size. Small ones are verified
// first; of others the reader has to.
func (s *Store) Open(ctx context.Context, d digest.Digest) (io.ReadSeekCloser, int64, error) {
	return nil, 0, errTodo
}

// Delete deletes a blob, if it is there.
func (s *Store) Delete(ctx context.Context, d digest.Digest) error { return errTodo }

// All yields what there is, in no order. The error, if there is one, comes last.
func (s *Store) All(ctx context.Context) iter.Seq2[Info, error] { return nil }

// Stage keeps a part of an upload under its digest, where any process that serves
// the same store finds it. What is staged is nothing yet: it is not among All, and
// Sweep deletes it.
func (s *Store) Stage(ctx context.Context, d digest.Digest, data []byte) error { return errTodo }

// Staged returns what was staged. An error matches fs.ErrNotExist if it was not.
func (s *Store) Staged(ctx context.Context, d digest.Digest) ([]byte, error) { return nil, errTodo }

// Sweep deletes what was staged before a time, and what a crash left half written.
func (s *Store) Sweep(ctx context.Context, before time.Time) error { return errTodo }

// Ping reports whether the store answers.
func (s *Store) Ping(ctx context.Context) error { return errTodo }

// Close closes the store.
func (s *Store) Close() error { return nil }
