package archive

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/flate"
)

// An inflater inflates one small content after another, out of memory. The archives
// package reads through a buffer that it makes anew for each file, which takes a
// quarter longer and makes a fifth of an install's garbage.
type inflater struct {
	packed bytes.Reader
	r      io.ReadCloser // nil until first used
}

// open returns a reader of what packed inflates to.
func (f *inflater) open(packed []byte) (io.Reader, error) {
	f.packed.Reset(packed)
	if f.r == nil {
		f.r = flate.NewReader(&f.packed)
		return f.r, nil
	}
	if err := f.r.(flate.Resetter).Reset(&f.packed, nil); err != nil { // which it is, by its documentation
		return nil, err
	}
	return f.r, nil
}

// used reports whether all of packed was needed: of a bytes.Reader no byte is read
// ahead.
func (f *inflater) used() bool { return f.packed.Len() == 0 }

// forget lets go of packed.
func (f *inflater) forget() { f.packed.Reset(nil) }

// inflatable reports whether the content of e may be inflated in memory.
func inflatable(format Format, e *entry) bool {
	return format == Zip && e.zip.method == methodDeflate && e.size < memorySize && e.zip.packed > 0 && e.zip.packed <= windowSize
}

// extractInflated is extract for what is inflatable: the pre-flight has found where
// the packed bytes are.
func (u *unpacker) extractInflated(x *extraction) error {
	packed, err := u.in.view(x.e.zip.data, int(x.e.zip.packed))
	if err != nil {
		return err
	}
	if x.r, err = u.inflater.open(packed); err != nil {
		return err
	}
	defer u.inflater.forget()
	x.inflated = true
	return u.extractSmall(x)
}
