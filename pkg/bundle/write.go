package bundle

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/store"
)

// Write writes a bundle to w, with the artifacts that open returns. The error is
// that of open or w, or a *SizeError; what was written by then is of no use.
func Write(ctx context.Context, w io.Writer, c *Contents, open func(digest.Digest) (*store.Artifact, error)) error {
	z := &writer{zip: zip.NewWriter(w)}
	names := c.Artifacts()
	if len(names)+3 > maxMembers {
		return &SizeError{What: "artifacts", Got: int64(len(names)), Limit: maxMembers - 3}
	}
	first, err := json.Marshal(head{Version: Version, Instead: c.Instead})
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	if err := z.bytes(headName, append(first, '\n')); err != nil {
		return err
	}
	if err := z.bytes(lockName, c.Lock.Bytes()); err != nil {
		return err
	}
	if c.Manifest != nil {
		if err := z.bytes(manifestName, c.Manifest); err != nil {
			return err
		}
	}
	for _, d := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := z.artifact(d, open); err != nil {
			return err
		}
	}
	if err := z.zip.Close(); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

type writer struct {
	zip  *zip.Writer
	size int64 // of the file, as far as it is known
}

func (z *writer) artifact(d digest.Digest, open func(digest.Digest) (*store.Artifact, error)) (err error) {
	a, err := open(d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if a.Digest != d {
		return &digest.MismatchError{What: "the artifact to be bundled", Want: d, Got: a.Digest}
	}
	return z.member(artifacts+d.Hex(), a, a.Size)
}

func (z *writer) bytes(name string, data []byte) error {
	return z.member(name, bytes.NewReader(data), int64(len(data)))
}

// member adds a file. Its checksum stands before it, so that it is read twice.
func (z *writer) member(name string, r io.ReaderAt, size int64) error {
	z.size += lenLocal + lenCentral + 2*int64(len(name)) + size
	if z.size+lenEnd > MaxSize {
		return &SizeError{What: "bytes or more", Got: z.size + lenEnd, Limit: MaxSize}
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, io.NewSectionReader(r, 0, size)); err != nil {
		return fmt.Errorf("bundle %s: %w", name, err)
	}
	h := &zip.FileHeader{
		Name: name, Method: zip.Store, CreatorVersion: creatorVersion, ReaderVersion: 10, CRC32: sum.Sum32(),
		CompressedSize64: uint64(size), UncompressedSize64: uint64(size),
	}
	h.ModifiedDate = dosEpoch //nolint:staticcheck // a raw header takes no other
	w, err := z.zip.CreateRaw(h)
	if err == nil {
		_, err = io.Copy(w, io.NewSectionReader(r, 0, size))
	}
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

// creatorVersion says that a member has no attributes of an operating system.
const creatorVersion = 20

// dosEpoch is the first day that a zip can name, 1 January 1980.
const dosEpoch = 1<<5 | 1

// unique returns digests sorted, each once.
func unique(all []digest.Digest) []digest.Digest {
	slices.Sort(all)
	return slices.Compact(all)
}
