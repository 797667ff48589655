// Package blobs keeps what is named by its digest: artifacts, layers, manifests.
// What has a digest never changes, so that it is written once and may be kept by
// whoever has read it.
package blobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"
	"gocloud.dev/blob/s3blob"
	"gocloud.dev/gcerrors"
	"golang.org/x/sync/singleflight"

	"github.com/openskills-go/skills/pkg/digest"
)

const (
	small        = 1 << 20 // what is at most this large is verified and kept in memory
	old          = 10 * time.Minute
	defaultCache = 32 << 20

	keptPrefix   = "sha256/"
	stagedPrefix = "staged/"
)

// A Store keeps blobs in a folder, in memory or in a bucket of an object storage.
// Its methods may be called at once.
type Store struct {
	bucket *blob.Bucket
	dir    string // of a store in a folder, whose files are flushed to the disk
	cache  *cache
	reads  singleflight.Group
}

// An Info says what a store has.
type Info struct {
	Digest   digest.Digest
	Size     int64
	Modified time.Time
}

// Options say where blobs are.
type Options struct {
	URL   string // file:///folder, mem://, s3://bucket?endpoint=…&region=…
	Cache int64  // bytes of small blobs to hold in memory; 0 is 32 MiB, less is none
}

// Open opens a store. A folder that is not there is made.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Cache == 0 {
		o.Cache = defaultCache
	}
	s := &Store{cache: newCache(max(0, o.Cache))}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("the address of the blobs is not one")
	}
	switch u.Scheme {
	case "file":
		s.dir = filepath.FromSlash(u.Path)
		if u.Host != "" || !filepath.IsAbs(s.dir) {
			return nil, fmt.Errorf("%s is not file:///folder", o.URL)
		}
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return nil, err
		}
		// A file of its own would say what no blob has: attributes.
		s.bucket, err = fileblob.OpenBucket(s.dir, &fileblob.Options{NoTempDir: true, Metadata: fileblob.MetadataDontWrite, DirFileMode: 0o700})
	case "mem":
		s.bucket = memblob.OpenBucket(nil)
	case "s3":
		s.bucket, err = new(s3blob.URLOpener).OpenBucketURL(ctx, u)
	default:
		return nil, fmt.Errorf("the address of the blobs is none of file:///folder, mem://, s3://bucket")
	}
	if err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	return s, nil
}

func key(d digest.Digest) (string, error) {
	parsed, err := digest.Parse(string(d))
	hex, ok := strings.CutPrefix(string(parsed), keptPrefix[:6]+":")
	if err != nil || !ok {
		return "", fmt.Errorf("blob %q: %w", string(d), digest.ErrInvalid)
	}
	return keptPrefix + hex[:2] + "/" + hex, nil
}

func stagedKey(d digest.Digest) (string, error) {
	k, err := key(d)
	return stagedPrefix + strings.TrimPrefix(k, keptPrefix), err
}

// Put keeps data, which d must be the digest of. When it returns nil the blob is
// durable. It is a success if the blob is there already, and heals one that is
// damaged. One that is old is written anew: whoever collects what nobody names then
// sees that somebody came for it.
func (s *Store) Put(ctx context.Context, d digest.Digest, data []byte) error {
	return s.put(ctx, d, data, func(modified time.Time) bool { return time.Since(modified) < old })
}

// Heal is Put for what is named, so that it may be as old as it is.
func (s *Store) Heal(ctx context.Context, d digest.Digest, data []byte) error {
	return s.put(ctx, d, data, func(time.Time) bool { return true })
}

func (s *Store) put(ctx context.Context, d digest.Digest, data []byte, stays func(modified time.Time) bool) error {
	k, err := key(d)
	if err != nil {
		return err
	}
	if got := digest.Of(data); got != d {
		return &digest.MismatchError{Want: d, Got: got}
	}
	have, err := s.bucket.Attributes(ctx, k)
	if err == nil && have.Size == int64(len(data)) && stays(have.ModTime) {
		if len(data) > small {
			return s.flush(k)
		}
		if there, err := s.bucket.ReadAll(ctx, k); err == nil && bytes.Equal(there, data) {
			return s.flush(k) // it may be another's, who did not come that far
		}
	}
	return s.write(ctx, k, data)
}

func (s *Store) write(ctx context.Context, k string, data []byte) error {
	if err := s.bucket.WriteAll(ctx, k, data, &blob.WriterOptions{ContentType: "application/octet-stream"}); err != nil {
		return fmt.Errorf("write blob: %w", err)
	}
	return s.flush(k)
}

// flush makes a file, its name and the names of its new folders durable. Object
// storages are when they answer.
func (s *Store) flush(k string) error {
	if s.dir == "" {
		return nil
	}
	path := filepath.Join(s.dir, filepath.FromSlash(k))
	for _, name := range []string{path, filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		if err := syncPath(name); err != nil {
			return fmt.Errorf("flush blob: %w", err)
		}
	}
	return nil
}

// missing makes an error about what is not there match fs.ErrNotExist.
func missing(err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

// Get returns a blob, which the caller must not change. An error matches
// fs.ErrNotExist if there is none, and is a digest.MismatchError if it is damaged.
func (s *Store) Get(ctx context.Context, d digest.Digest) ([]byte, error) {
	k, err := key(d)
	if err != nil {
		return nil, err
	}
	if data, ok := s.cache.get(d); ok {
		return data, nil
	}
	// Who came first may leave without taking it from the others.
	done := s.reads.DoChan(k, func() (any, error) {
		data, err := s.bucket.ReadAll(context.WithoutCancel(ctx), k)
		if err != nil {
			return nil, fmt.Errorf("read blob: %w", missing(err))
		}
		if got := digest.Of(data); got != d {
			return nil, &digest.MismatchError{Want: d, Got: got}
		}
		if len(data) <= small {
			s.cache.put(d, data)
		}
		return data, nil
	})
	select {
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.([]byte), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Open returns a blob to be read in part, and its size. Small ones are verified
// first; of others the reader has to.
func (s *Store) Open(ctx context.Context, d digest.Digest) (io.ReadSeekCloser, int64, error) {
	k, err := key(d)
	if err != nil {
		return nil, 0, err
	}
	if data, ok := s.cache.get(d); ok {
		return held{bytes.NewReader(data)}, int64(len(data)), nil
	}
	have, err := s.bucket.Attributes(ctx, k)
	if err != nil {
		return nil, 0, fmt.Errorf("read blob: %w", missing(err))
	}
	if have.Size <= small {
		data, err := s.Get(ctx, d)
		return held{bytes.NewReader(data)}, int64(len(data)), err
	}
	r, err := s.bucket.NewReader(ctx, k, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("read blob: %w", missing(err))
	}
	return r, r.Size(), nil
}

type held struct{ *bytes.Reader }

func (held) Close() error { return nil }

// Modified returns when a blob was written last. An error matches fs.ErrNotExist if
// there is none.
func (s *Store) Modified(ctx context.Context, d digest.Digest) (time.Time, error) {
	k, err := key(d)
	if err != nil {
		return time.Time{}, err
	}
	have, err := s.bucket.Attributes(ctx, k)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask about blob: %w", missing(err))
	}
	return have.ModTime, nil
}

// Delete deletes a blob, if it is there.
func (s *Store) Delete(ctx context.Context, d digest.Digest) error {
	k, err := key(d)
	if err != nil {
		return err
	}
	s.cache.drop(d)
	if err := s.bucket.Delete(ctx, k); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("delete blob: %w", err)
	}
	return nil
}

// All yields what there is, in no order. The error, if there is one, comes last.
func (s *Store) All(ctx context.Context) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for o, err := range s.list(ctx, keptPrefix) {
			if err != nil {
				yield(Info{}, err)
				return
			}
			d, err := digest.Parse("sha256:" + o.Key[strings.LastIndexByte(o.Key, '/')+1:])
			if err != nil {
				continue // no blob of ours
			}
			if !yield(Info{d, o.Size, o.ModTime}, nil) {
				return
			}
		}
	}
}

func (s *Store) list(ctx context.Context, prefix string) iter.Seq2[*blob.ListObject, error] {
	return func(yield func(*blob.ListObject, error) bool) {
		for it := s.bucket.List(&blob.ListOptions{Prefix: prefix}); ; {
			o, err := it.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("list blobs: %w", err))
				return
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

// Stage keeps a part of an upload under its digest, where any process that serves
// the same store finds it. What is staged is nothing yet: it is not among All, and
// Sweep deletes it.
func (s *Store) Stage(ctx context.Context, d digest.Digest, data []byte) error {
	k, err := stagedKey(d)
	if err != nil {
		return err
	}
	if got := digest.Of(data); got != d {
		return &digest.MismatchError{Want: d, Got: got}
	}
	// It need not be durable: who lost it sends it again.
	if err := s.bucket.WriteAll(ctx, k, data, &blob.WriterOptions{ContentType: "application/octet-stream"}); err != nil {
		return fmt.Errorf("stage upload: %w", err)
	}
	return nil
}

// Staged returns what was staged. An error matches fs.ErrNotExist if it was not.
func (s *Store) Staged(ctx context.Context, d digest.Digest) ([]byte, error) {
	k, err := stagedKey(d)
	if err != nil {
		return nil, err
	}
	data, err := s.bucket.ReadAll(ctx, k)
	if err != nil {
		return nil, fmt.Errorf("read upload: %w", missing(err))
	}
	if got := digest.Of(data); got != d {
		return nil, &digest.MismatchError{Want: d, Got: got}
	}
	return data, nil
}

// Sweep deletes what was staged before a time, and what a crash left half written.
func (s *Store) Sweep(ctx context.Context, before time.Time) error {
	for o, err := range s.list(ctx, stagedPrefix) {
		if err != nil {
			return err
		}
		if o.ModTime.Before(before) {
			if err := s.bucket.Delete(ctx, o.Key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
				return fmt.Errorf("delete upload: %w", err)
			}
		}
	}
	return s.sweepParts(before)
}

// sweepParts deletes the files that fileblob writes before it gives them their
// names.
func (s *Store) sweepParts(before time.Time) error {
	if s.dir == "" {
		return nil
	}
	return filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(d.Name(), "fileblob") {
			return err
		}
		if info, err := d.Info(); err == nil && info.ModTime().Before(before) {
			_ = os.Remove(path)
		}
		return nil
	})
}

// Ping reports whether the store answers.
func (s *Store) Ping(ctx context.Context) error {
	ok, err := s.bucket.IsAccessible(ctx)
	if err == nil && !ok {
		err = errors.New("the place of the blobs cannot be reached")
	}
	return err
}

// Close closes the store.
func (s *Store) Close() error { return s.bucket.Close() }
