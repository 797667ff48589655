package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/mholt/archives"

	"github.com/openskills-go/skills/pkg/tree"
)

// chunkSize is how much of a large file is inflated before it is written.
const chunkSize = 256 << 10

// extract writes one file. Small ones are read whole before the file is made.
func (u *unpacker) extract(ctx context.Context, format Format, e *entry, f archives.FileInfo) error {
	x := extraction{format: format, e: e, file: tree.File{Path: e.rel, Mode: 0o644, Size: e.size}}
	if u.o.Tap != nil {
		x.tap = u.o.Tap(e.rel)
	}
	var err error
	if inflatable(format, e) {
		err = u.extractInflated(&x)
	} else {
		err = u.extractOpened(ctx, &x, f)
	}
	if err != nil {
		return err
	}
	u.result.Tree.Files = append(u.result.Tree.Files, x.file)
	return nil
}

// extractOpened has the archives package read the content.
func (u *unpacker) extractOpened(ctx context.Context, x *extraction, f archives.FileInfo) error {
	u.guard(x.format, x.e)
	defer u.unguard()
	r, err := f.Open()
	if err != nil {
		return u.reason(x.format, x.e.name, err)
	}
	// The error of Close is of no interest: Read has returned io.EOF by then, after
	// the checksum was compared. Closing gives the decompressor back.
	defer func() { _ = r.Close() }()
	x.r = r
	if x.e.size < memorySize {
		return u.extractSmall(x)
	}
	return u.extractLarge(ctx, x)
}

// An extraction is one file on its way out of an archive.
type extraction struct {
	format   Format
	e        *entry
	r        io.Reader
	inflated bool      // r is the inflater
	tap      io.Writer // nil if nobody looks on
	file     tree.File // what it becomes
}

func (u *unpacker) extractSmall(x *extraction) error {
	e := x.e
	// One byte more than expected, to see the end, and what would be beyond it.
	u.content = resize(u.content, int(e.size)+1)
	n, err := readUntilEOF(x.r, u.content)
	if err != nil {
		return u.reason(x.format, e.name, err)
	}
	content := u.content[:n]
	if err := u.settle(x, int64(n), func() uint32 { return crc32.ChecksumIEEE(content) }); err != nil {
		return err
	}
	x.file.Sum = sha256.Sum256(content)
	if e.exec || executable(content) {
		x.file.Mode = 0o755
	}
	if e.rel == skillFile {
		u.result.Skill = slices.Clone(content)
	}
	if x.tap != nil {
		if _, err := x.tap.Write(content); err != nil {
			return fmt.Errorf("read %s: %w", quote(e.rel), err)
		}
	}
	if u.dst == nil {
		return nil
	}
	w, err := u.create(e.rel, x.file.Mode)
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return u.finish(e, w, err)
}

func (u *unpacker) extractLarge(ctx context.Context, x *extraction) (err error) {
	e := x.e
	u.content = resize(u.content, chunkSize)
	u.hash.Reset()
	crc := uint32(0)
	var w io.WriteCloser
	defer func() {
		if err != nil && w != nil {
			_ = w.Close()
		}
	}()
	for total := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, readErr := readUntilEOF(x.r, u.content)
		chunk := u.content[:n]
		full := errors.Is(readErr, errMore)
		if readErr != nil && !full {
			return u.reason(x.format, e.name, readErr)
		}
		if total == 0 {
			if e.exec || executable(chunk) {
				x.file.Mode = 0o755
			}
			if u.dst != nil {
				if w, err = u.create(e.rel, x.file.Mode); err != nil {
					return err
				}
			}
		}
		total += int64(n)
		if total > e.size {
			return &UnsafeError{Entry: e.name, Why: "is longer than it says"}
		}
		crc = crc32.Update(crc, crc32.IEEETable, chunk)
		_, _ = u.hash.Write(chunk)
		for _, to := range [...]io.Writer{x.tap, w} {
			if to == nil {
				continue
			}
			if _, err := to.Write(chunk); err != nil {
				return fmt.Errorf("write %s: %w", quote(e.rel), err)
			}
		}
		if full {
			continue
		}
		if err := u.settle(x, total, func() uint32 { return crc }); err != nil {
			return err
		}
		u.hash.Sum(x.file.Sum[:0])
		if w == nil {
			return nil
		}
		done := w
		w = nil
		return u.finish(e, done, nil)
	}
}

// settle compares what was produced with what was declared.
func (u *unpacker) settle(x *extraction, produced int64, crc func() uint32) error {
	e := x.e
	if produced != e.size {
		return &UnsafeError{Entry: e.name, Why: "has another size than it says"}
	}
	if x.format != Zip {
		return nil
	}
	used := u.in.passed
	if x.inflated {
		used = u.inflater.used()
	}
	if !used && e.zip.packed > 0 {
		return &UnsafeError{Entry: e.name, Why: "has bytes hidden behind its compressed content"}
	}
	// The zip reader compares sums itself, but for one of zero, which it takes for absent.
	if (x.inflated || e.zip.crc == 0) && crc() != e.zip.crc {
		return &FormatError{Format: Zip, Entry: e.name, Why: "is damaged: checksum error"}
	}
	return nil
}

// guard makes the input notice whether the last compressed byte of e is used.
func (u *unpacker) guard(format Format, e *entry) {
	if format == Zip && e.zip.packed > 0 {
		u.in.barrier, u.in.passed = e.zip.data+e.zip.packed-1, false
	}
}

func (u *unpacker) unguard() { u.in.barrier = math.MaxInt64 }

// create makes the folders above a file, then the file.
func (u *unpacker) create(rel string, mode fs.FileMode) (io.WriteCloser, error) {
	if dir := path.Dir(rel); dir != "." {
		if err := u.mkdir(dir); err != nil {
			return nil, err
		}
	}
	w, err := u.dst.Create(rel, mode)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", quote(rel), err)
	}
	return w, nil
}

func (u *unpacker) mkdir(dir string) error {
	if _, ok := u.folders[dir]; ok {
		return nil
	}
	if i := strings.LastIndexByte(dir, '/'); i >= 0 {
		if err := u.mkdir(dir[:i]); err != nil {
			return err
		}
	}
	u.folders[dir] = struct{}{}
	if err := u.dst.Mkdir(dir); err != nil {
		return fmt.Errorf("create folder %s: %w", quote(dir), err)
	}
	return nil
}

func (u *unpacker) finish(e *entry, w io.Closer, err error) error {
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", quote(e.rel), err)
	}
	return nil
}

// errMore says that a buffer was filled before the end was seen.
var errMore = errors.New("content is longer than its buffer")

// readUntilEOF fills b and returns nil at the end of r, or errMore if b is full
// before that.
func readUntilEOF(r io.Reader, b []byte) (int, error) {
	n, idle := 0, 0
	for n < len(b) {
		got, err := r.Read(b[n:])
		n += got
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if got > 0 {
			idle = 0
		} else if idle++; idle > 100 {
			return n, io.ErrNoProgress
		}
	}
	return n, errMore
}
