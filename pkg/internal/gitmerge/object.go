package gitmerge

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1" //nolint:gosec // git names its objects by it
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
)

var errObject = errors.New("object is not in a form that is known here")

// maxChain bounds how many deltas one object is made of; git makes 50, or 250.
const maxChain = 1000

// blob returns the bytes of a file.
func (r *repository) blob(want id) ([]byte, error) {
	data, err := r.object(want, 0)
	if err != nil {
		return nil, err
	}
	h := sha1.New() //nolint:gosec // the same
	_, _ = fmt.Fprintf(h, "blob %d\x00", len(data))
	_, _ = h.Write(data)
	if id(h.Sum(nil)) != want {
		return nil, errObject
	}
	return data, nil
}

func (r *repository) object(want id, depth int) ([]byte, error) {
	name := want.String()
	for _, dir := range r.objects {
		data, err := loose(filepath.Join(dir, name[:2], name[2:]))
		if !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
		packs, err := filepath.Glob(filepath.Join(escape(dir), "pack", "*.idx"))
		if err != nil {
			return nil, err
		}
		for _, idx := range packs {
			at, ok, err := lookUp(idx, want)
			if err != nil {
				return nil, err
			}
			if ok {
				return r.packed(idx[:len(idx)-len("idx")]+"pack", at, depth)
			}
		}
	}
	return nil, fs.ErrNotExist
}

// escape makes a path safe in front of a pattern.
func escape(dir string) string {
	var b bytes.Buffer
	for _, c := range []byte(dir) {
		if c == '*' || c == '?' || c == '[' || c == '\\' && filepath.Separator != '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

func loose(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	const longest = 64 // "commit 123\x00"
	data, err := inflate(f, -1, maxBlob+longest)
	if err != nil {
		return nil, err
	}
	_, content, ok := bytes.Cut(data, []byte{0})
	if !ok {
		return nil, errObject
	}
	return content, nil
}

// inflate reads a zlib stream of size bytes, or of at most most if size is below 0.
func inflate(r io.Reader, size, most int64) ([]byte, error) {
	if size > most {
		return nil, errObject
	}
	z, err := zlib.NewReader(r)
	if err != nil {
		return nil, errObject
	}
	var data bytes.Buffer
	if size >= 0 {
		most = size
	}
	if _, err := data.ReadFrom(io.LimitReader(z, most+1)); err != nil {
		return nil, errObject
	}
	if n := int64(data.Len()); n > most || size >= 0 && n != size {
		return nil, errObject
	}
	return data.Bytes(), nil
}

// lookUp finds an object in the index of a pack.
func lookUp(path string, want id) (at int64, ok bool, err error) {
	const (
		lenHead = 8
		fanout  = 256 * 4
		far     = 1 << 31
	)
	f, err := os.Open(path)
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = f.Close() }()
	var head [lenHead + fanout]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || string(head[:lenHead]) != "\xfftOc\x00\x00\x00\x02" {
		return 0, false, errObject
	}
	upTo := func(first int) int64 { return int64(binary.BigEndian.Uint32(head[lenHead+4*first:])) }
	count, low, high := upTo(255), int64(0), upTo(int(want[0]))
	if want[0] > 0 {
		low = upTo(int(want[0]) - 1)
	}
	if low > high || high > count {
		return 0, false, errObject
	}
	ids := int64(lenHead + fanout)
	var failed error
	i := low + int64(sort.Search(int(high-low), func(i int) bool {
		var have id
		if _, err := f.ReadAt(have[:], ids+(low+int64(i))*idSize); err != nil {
			failed = errObject
		}
		return bytes.Compare(have[:], want[:]) >= 0
	}))
	var have id
	if failed != nil || i == high {
		return 0, false, failed
	}
	if _, err := f.ReadAt(have[:], ids+i*idSize); err != nil || have != want {
		return 0, false, nil
	}
	offsets := ids + count*(idSize+4)
	var word [8]byte
	if _, err := f.ReadAt(word[:4], offsets+4*i); err != nil {
		return 0, false, errObject
	}
	short := binary.BigEndian.Uint32(word[:])
	if short < far {
		return int64(short), true, nil
	}
	if _, err := f.ReadAt(word[:], offsets+4*count+8*int64(short-far)); err != nil {
		return 0, false, errObject
	}
	long := binary.BigEndian.Uint64(word[:])
	if long > 1<<62 {
		return 0, false, errObject
	}
	return int64(long), true, nil
}

// A piece is one object of a pack as it is kept: whole, or the difference to another.
type piece struct {
	data  []byte
	delta bool
	at    int64 // of the other, in the same pack; 0 if base names it
	base  id
}

// packed reads the object at a place in a pack.
func (r *repository) packed(path string, at int64, depth int) ([]byte, error) {
	var deltas [][]byte
	var whole []byte
	for total := 0; ; {
		p, err := readPiece(path, at)
		if err != nil {
			return nil, err
		}
		if !p.delta {
			whole = p.data
			break
		}
		deltas = append(deltas, p.data)
		if depth, total = depth+1, total+len(p.data); depth > maxChain || total > 4*maxBlob {
			return nil, errObject
		}
		if at = p.at; at == 0 {
			if whole, err = r.object(p.base, depth); err != nil {
				return nil, err
			}
			break
		}
	}
	for _, delta := range slices.Backward(deltas) {
		var err error
		if whole, err = apply(whole, delta); err != nil {
			return nil, err
		}
	}
	return whole, nil
}

func readPiece(path string, at int64) (*piece, error) {
	const (
		blob     = 3
		offDelta = 6
		refDelta = 7
	)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var head [64]byte
	n, err := f.ReadAt(head[:], at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	kind, size, used := header(head[:n])
	rest := head[used:n]
	p := &piece{delta: kind != blob}
	switch {
	case used == 0:
		return nil, errObject
	case kind == blob:
	case kind == offDelta:
		distance, n := offset(rest)
		if n == 0 || distance <= 0 || distance >= at {
			return nil, errObject
		}
		p.at, used = at-distance, used+n
	case kind == refDelta && len(rest) >= idSize:
		p.base, used = id(rest[:idSize]), used+idSize
	default:
		return nil, errObject
	}
	p.data, err = inflate(io.NewSectionReader(f, at+int64(used), 1<<62-at), size, maxBlob)
	return p, err
}

// header reads the kind and the size of a packed object, and returns how many bytes
// they take; 0 if they are none.
func header(data []byte) (kind byte, size int64, n int) {
	shift := 4
	for n < len(data) && n < 8 {
		b := data[n]
		if n++; n == 1 {
			kind, size = b>>4&7, int64(b&15)
		} else {
			size |= int64(b&0x7f) << shift
			shift += 7
		}
		if b&0x80 == 0 {
			return kind, size, n
		}
	}
	return 0, 0, 0
}

// apply makes an object out of another one and the difference.
func apply(base, delta []byte) ([]byte, error) {
	from, n := binary.Uvarint(delta)
	to, m := uint64(0), 0
	if n > 0 {
		to, m = binary.Uvarint(delta[n:])
	}
	if n <= 0 || m <= 0 || from != uint64(len(base)) || to > maxBlob {
		return nil, errObject
	}
	delta = delta[n+m:]
	out := make([]byte, 0, to)
	for len(delta) > 0 {
		op := delta[0]
		delta = delta[1:]
		var piece []byte
		if op&0x80 == 0 { // what follows
			if op == 0 || len(delta) < int(op) {
				return nil, errObject
			}
			piece, delta = delta[:op], delta[op:]
		} else { // a part of the base
			var v [7]int
			for bit := range v {
				if op&(1<<bit) == 0 {
					continue
				}
				if len(delta) == 0 {
					return nil, errObject
				}
				v[bit], delta = int(delta[0]), delta[1:]
			}
			start, size := v[0]|v[1]<<8|v[2]<<16|v[3]<<24, v[4]|v[5]<<8|v[6]<<16
			if size == 0 {
				size = 1 << 16
			}
			if start < 0 || start > len(base) || size > len(base)-start {
				return nil, errObject
			}
			piece = base[start : start+size]
		}
		if uint64(len(out)+len(piece)) > to {
			return nil, errObject
		}
		out = append(out, piece...)
	}
	if uint64(len(out)) != to {
		return nil, errObject
	}
	return out, nil
}
