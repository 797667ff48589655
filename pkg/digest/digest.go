// Package digest names bytes by what they are. A Digest is either
// "sha256:<64 hex digits>", the hash of an artifact's bytes as they were
// transferred, or "h1:<base64>", the hash of a tree: the same skill as a zip, a
// tar or a folder has one tree digest. The second form is that of
// golang.org/x/mod/sumdb/dirhash over slash-separated paths.
package digest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
)

// ErrInvalid says that a text is no digest of a kind known here.
var ErrInvalid = errors.New("digest is invalid")

// A Digest is a checked digest, or "" where there is none.
type Digest string

// Parse checks that s is a digest in its only spelling: lower-case hex for
// sha256, padded standard base64 for h1.
func Parse(s string) (Digest, error) {
	algorithm, value, _ := strings.Cut(s, ":")
	switch algorithm {
	case "sha256":
		sum, err := hex.DecodeString(value)
		if err == nil && len(sum) == sha256.Size && strings.ToLower(value) == value {
			return Digest(s), nil
		}
	case "h1":
		sum, err := base64.StdEncoding.Strict().DecodeString(value)
		if err == nil && len(sum) == sha256.Size && base64.StdEncoding.EncodeToString(sum) == value {
			return Digest(s), nil
		}
	}
	return "", fmt.Errorf("parse %.100q: %w", s, ErrInvalid)
}

// Of returns the sha256 digest of b.
func Of(b []byte) Digest { return FromSum(sha256.Sum256(b)) }

// FromSum returns the digest that a finished sha256 hash stands for.
func FromSum(sum [sha256.Size]byte) Digest {
	return Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// Hex returns the hexadecimal digits of a sha256 digest, and "" for any other.
func (d Digest) Hex() string {
	value, ok := strings.CutPrefix(string(d), "sha256:")
	if !ok {
		return ""
	}
	return value
}

// Short returns the first 12 characters of the value, for people.
func (d Digest) Short() string {
	_, value, _ := strings.Cut(string(d), ":")
	return value[:min(12, len(value))]
}

// A MismatchError says that something has another digest than it should.
type MismatchError struct {
	What      string // the artifact of pdf, the tree of pdf
	Want, Got Digest
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s has digest %s, expected %s", e.What, e.Got, e.Want)
}

// A Hasher computes the sha256 digest of what is written to it. The zero value
// is not usable; call NewHasher.
type Hasher struct{ h hash.Hash }

// NewHasher returns a Hasher that has seen nothing.
func NewHasher() *Hasher { return &Hasher{sha256.New()} }

func (h *Hasher) Write(p []byte) (int, error) { return h.h.Write(p) }

// Reset forgets what was written.
func (h *Hasher) Reset() { h.h.Reset() }

// Digest returns the digest of what was written so far.
func (h *Hasher) Digest() Digest {
	var sum [sha256.Size]byte
	h.h.Sum(sum[:0])
	return FromSum(sum)
}

// A File is one line of a tree digest: a slash path relative to the root of the
// tree, and the sha256 of the file's bytes.
type File struct {
	Path string
	Sum  [sha256.Size]byte
}

// OfTree returns the h1 digest of files, in whatever order they come. Paths
// must be unique and hold no newline.
func OfTree(files []File) Digest {
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	h := sha256.New()
	line := make([]byte, 0, 256)
	for _, f := range sorted {
		line = hex.AppendEncode(line[:0], f.Sum[:])
		line = append(line, "  "...)
		line = append(line, f.Path...)
		line = append(line, '\n')
		_, _ = h.Write(line)
	}
	return Digest("h1:" + base64.StdEncoding.EncodeToString(h.Sum(nil)))
}

// NewReader returns a reader of r that fails where r ends, instead of io.EOF,
// unless exactly size bytes with digest want were read. A negative size is not
// checked, nor is an empty want.
func NewReader(r io.Reader, want Digest, size int64) io.Reader {
	return &reader{r: r, want: want, size: size, h: NewHasher()}
}

type reader struct {
	r    io.Reader
	want Digest
	size int64
	n    int64
	h    *Hasher
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.n += int64(n)
	_, _ = r.h.Write(p[:n])
	if r.size >= 0 && r.n > r.size {
		return n, fmt.Errorf("read %d bytes, expected %d: %w", r.n, r.size, ErrSize)
	}
	if err != io.EOF {
		return n, err
	}
	if r.size >= 0 && r.n != r.size {
		return n, fmt.Errorf("read %d bytes, expected %d: %w", r.n, r.size, ErrSize)
	}
	if got := r.h.Digest(); r.want != "" && got != r.want {
		return n, &MismatchError{What: "artifact", Want: r.want, Got: got}
	}
	return n, io.EOF
}

// ErrSize says that a stream was longer or shorter than promised.
var ErrSize = errors.New("size is wrong")
