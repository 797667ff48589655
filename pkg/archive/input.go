package archive

import (
	"fmt"
	"io"
	"io/fs"
	"math"
)

const (
	// memorySize is the size up to which an artifact, or a file in one, is held
	// in memory as a whole.
	memorySize = 1 << 20
	// windowSize is how much of a larger artifact is read at once. It exceeds
	// what one zip header can take, with a name, extra fields and comment of the
	// largest size.
	windowSize = 256 << 10
)

// An input reads an artifact: a small one with a single call, a large one
// through a window that slides over it.
type input struct {
	src  io.ReaderAt
	size int64
	pos  int64  // where Read continues
	base int64  // where the window begins
	win  []byte // the window; its memory is kept between artifacts

	// barrier is the offset of one byte at which ReadAt stops short, so that
	// passed tells whether a reader wanted that byte. Decompressors read ahead
	// through a buffer; this is how to know that one needed all its input.
	barrier int64
	passed  bool

	// err is the first failure of src. It is not the artifact's fault, so it has
	// to win over whatever a parser makes of it.
	err error
}

func (in *input) reset(src io.ReaderAt, size int64) {
	*in = input{src: src, size: size, win: in.win[:0], barrier: math.MaxInt64}
}

// fill moves the window to off.
func (in *input) fill(off int64) error {
	if in.err != nil {
		return in.err
	}
	most := int64(windowSize)
	if in.size <= memorySize {
		most = memorySize
	}
	n := int(min(most, in.size-off))
	in.base, in.win = off, resize(in.win, n)
	got, err := in.src.ReadAt(in.win, off)
	if got == n {
		return nil
	}
	in.win = in.win[:0]
	if err == io.EOF || err == nil {
		err = io.ErrUnexpectedEOF
	}
	in.err = fmt.Errorf("read archive: %w", err)
	return in.err
}

// view returns n bytes at off without copying; they are valid until the next
// call of any method. The range must be inside the artifact, n at most windowSize.
func (in *input) view(off int64, n int) ([]byte, error) {
	if off < in.base || off+int64(n) > in.base+int64(len(in.win)) {
		if err := in.fill(off); err != nil {
			return nil, err
		}
	}
	start := int(off - in.base)
	return in.win[start : start+n], nil
}

// ReadAt is io.ReaderAt, but for the short read without an error at the barrier.
func (in *input) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= in.size {
		return 0, io.EOF
	}
	if off < in.barrier && off+int64(len(p)) > in.barrier {
		p = p[:in.barrier-off]
	} else if off == in.barrier {
		in.passed = true
	}
	done := 0
	for done < len(p) && off < in.size {
		if off < in.base || off >= in.base+int64(len(in.win)) {
			if err := in.fill(off); err != nil {
				return done, err
			}
		}
		n := copy(p[done:], in.win[off-in.base:])
		done += n
		off += int64(n)
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

func (in *input) Read(p []byte) (int, error) {
	n, err := in.ReadAt(p, in.pos)
	in.pos += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (in *input) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += in.pos
	case io.SeekEnd:
		offset += in.size
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek to %d: %w", offset, fs.ErrInvalid)
	}
	in.pos = offset
	return offset, nil
}

// resize returns a slice of length n, in the memory of b if that suffices.
func resize(b []byte, n int) []byte {
	if cap(b) >= n {
		return b[:n]
	}
	c := 64 << 10
	for c < n {
		c *= 2
	}
	return make([]byte, n, c)
}
