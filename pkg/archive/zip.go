package archive

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
)

// A zip says everything about an entry twice, in front of its content and in a
// directory at the end, and may hold bytes that neither accounts for. Readers
// differ in what they believe, so that one can be shown another archive than the
// next. The check below leaves no room for that: the end record, the directory
// and every local header have to agree, and together with the contents have to
// cover the file, each byte once. It follows APPNOTE 6.3.10, by its sections.

const (
	sigLocal      = 0x04034b50 // 4.3.7
	sigDescriptor = 0x08074b50 // 4.3.9
	sigCentral    = 0x02014b50 // 4.3.12
	sigEnd        = 0x06054b50 // 4.3.16
	sigEnd64      = 0x06064b50 // 4.3.14
	sigLocator64  = 0x07064b50 // 4.3.15

	lenLocal     = 30
	lenCentral   = 46
	lenEnd       = 22
	lenEnd64     = 56
	lenLocator64 = 20

	max16 = math.MaxUint16
	max32 = math.MaxUint32
)

// Bits of the general purpose flags, 4.4.4.
const (
	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3
	flagPatch      = 1 << 5
	flagStrong     = 1 << 6
	flagMasked     = 1 << 13

	// The deflate level is told in two bits that no reader looks at.
	flagsIgnored = 1<<1 | 1<<2
)

// A zipEntry is what the directory says of an entry, beyond what all have.
type zipEntry struct {
	method uint16
	flags  uint16
	crc    uint32
	packed int64
	offset int64 // of the local header
	data   int64 // of the content; known after checkLocals
}

// A zipEnd is the end of a zip: where its directory is.
type zipEnd struct {
	count  int64
	offset int64
	size   int64
}

func unsafeZip(format string, args ...any) error {
	return &UnsafeError{Why: fmt.Sprintf(format, args...)}
}

func brokenZip(why string) error { return &FormatError{Format: Zip, Why: why} }

// checkZip reads the whole structure of a zip, and nothing of its contents.
func (u *unpacker) checkZip(ctx context.Context) error {
	end, err := u.zipEnd()
	if err != nil {
		return err
	}
	if end.count > int64(u.limits.Entries) {
		return &LimitError{What: "entries", Got: end.count, Limit: int64(u.limits.Entries), Flag: flagEntries}
	}
	if end.size > u.limits.TarHeaders {
		return &LimitError{What: "bytes in its directory", Got: end.size, Limit: u.limits.TarHeaders}
	}
	at, stop := end.offset, end.offset+end.size
	for range end.count {
		if err := ctx.Err(); err != nil {
			return err
		}
		e, n, err := u.zipCentral(at, stop)
		if err != nil {
			return err
		}
		if err := u.add(e); err != nil {
			return err
		}
		at += n
	}
	if at != stop {
		return unsafeZip("its directory holds more than the %d entries that its end record counts", end.count)
	}
	return u.checkLocals(ctx, end.offset)
}

// zipEnd finds the end record, with its zip64 form if there is one, and checks
// that the directory, they and nothing else are at the end of the file.
func (u *unpacker) zipEnd() (zipEnd, error) {
	if u.in.size < lenEnd {
		return zipEnd{}, brokenZip("is cut off")
	}
	at, rec, err := u.findEnd()
	if err != nil {
		return zipEnd{}, err
	}
	thisDisk, dirDisk := le16(rec[4:]), le16(rec[6:])
	countHere, count := le16(rec[8:]), le16(rec[10:])
	size, offset := le32(rec[12:]), le32(rec[16:])
	end := zipEnd{count: int64(count), size: int64(size), offset: int64(offset)}
	long, ok, err := u.zipEnd64(at)
	if err != nil {
		return zipEnd{}, err
	}
	switch {
	case ok:
		// Of each pair, the short field is the long one or says that it is too short.
		if count != max16 && int64(count) != long.count || size != max32 && int64(size) != long.size ||
			offset != max32 && int64(offset) != long.offset {
			return zipEnd{}, unsafeZip("its two end records differ")
		}
		end = long
		at -= lenEnd64 + lenLocator64
	case count == max16 && countHere == max16 || size == max32 || offset == max32:
		return zipEnd{}, unsafeZip("its zip64 end record is missing")
	}
	if (thisDisk != 0 || dirDisk != 0 || countHere != count) && (!ok || thisDisk != max16 || dirDisk != max16) {
		return zipEnd{}, brokenZip("is one part of several, which is not supported")
	}
	if end.offset > at || end.size != at-end.offset {
		if end.size <= at && end.offset < at-end.size {
			return zipEnd{}, unsafeZip("there are bytes in front of it, or between its directory and its end")
		}
		return zipEnd{}, unsafeZip("its end record puts the directory where it is not")
	}
	return end, nil
}

// findEnd returns the offset and bytes of the last end record. It must reach to
// the end of the file, with a comment that holds no part of another zip.
func (u *unpacker) findEnd() (int64, []byte, error) {
	n := int(min(u.in.size, lenEnd+max16))
	tail, err := u.in.view(u.in.size-int64(n), n)
	if err != nil {
		return 0, nil, err
	}
	i := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if i < 0 {
		if n > lenEnd+max16-1 {
			return 0, nil, brokenZip("is cut off, or has bytes after its end")
		}
		return 0, nil, brokenZip("is cut off")
	}
	rec := tail[i:]
	if len(rec) < lenEnd {
		return 0, nil, brokenZip("is cut off")
	}
	switch comment := int(le16(rec[20:])); {
	case len(rec)-lenEnd > comment:
		return 0, nil, unsafeZip("there are %d bytes after its end", len(rec)-lenEnd-comment)
	case len(rec)-lenEnd < comment:
		return 0, nil, brokenZip("is cut off in its comment")
	}
	for _, sig := range [...]string{"PK\x01\x02", "PK\x03\x04", "PK\x06\x06", "PK\x06\x07"} {
		if bytes.Contains(rec[lenEnd:], []byte(sig)) {
			return 0, nil, unsafeZip("its comment holds a part of another zip")
		}
	}
	return u.in.size - int64(len(rec)), rec, nil
}

// zipEnd64 reads the zip64 end record and its locator, which stand right before
// the end record at offset at.
func (u *unpacker) zipEnd64(at int64) (zipEnd, bool, error) {
	if at < lenLocator64+lenEnd64 {
		return zipEnd{}, false, nil
	}
	b, err := u.in.view(at-lenLocator64-lenEnd64, lenLocator64+lenEnd64)
	if err != nil {
		return zipEnd{}, false, err
	}
	rec, loc := b[:lenEnd64], b[lenEnd64:]
	if le32(loc) != sigLocator64 {
		return zipEnd{}, false, nil
	}
	switch count, size, offset := le64(rec[32:]), le64(rec[40:]), le64(rec[48:]); {
	case le64(loc[8:]) != uint64(at-lenLocator64-lenEnd64) || le32(rec) != sigEnd64:
		return zipEnd{}, false, unsafeZip("its zip64 end record is not where it should be")
	case le64(rec[4:]) != lenEnd64-12:
		return zipEnd{}, false, unsafeZip("its zip64 end record has another length than it should")
	case le32(loc[4:]) != 0 || le32(loc[16:]) > 1 || le32(rec[16:]) != 0 || le32(rec[20:]) != 0 || le64(rec[24:]) != count:
		return zipEnd{}, false, brokenZip("is one part of several, which is not supported")
	case count > math.MaxInt32 || size > uint64(at) || offset > uint64(at):
		return zipEnd{}, false, unsafeZip("its zip64 end record holds impossible numbers")
	default:
		return zipEnd{count: int64(count), size: int64(size), offset: int64(offset)}, true, nil
	}
}

// zipCentral reads the directory header at offset at, which must end before stop.
// It returns its length too.
func (u *unpacker) zipCentral(at, stop int64) (e entry, length int64, err error) {
	if stop-at < lenCentral {
		return e, 0, shortDirectory()
	}
	h, err := u.in.view(at, lenCentral)
	if err != nil {
		return e, 0, err
	}
	if le32(h) != sigCentral {
		return e, 0, shortDirectory()
	}
	nameLen, extraLen, commentLen := int(le16(h[28:])), int(le16(h[30:])), int(le16(h[32:]))
	length = int64(lenCentral + nameLen + extraLen + commentLen)
	if stop-at < length {
		return e, 0, shortDirectory()
	}
	if h, err = u.in.view(at, int(length)); err != nil {
		return e, 0, err
	}
	name := h[lenCentral : lenCentral+nameLen]
	e.name = string(name)
	e.path, e.folder = normalise(e.name, true)
	e.zip = zipEntry{method: le16(h[10:]), flags: le16(h[8:]), crc: le32(h[16:])}
	n := zipNumbers{count: 3, disk: le16(h[34:]), wide: [...]uint64{
		wideSize: uint64(le32(h[24:])), widePacked: uint64(le32(h[20:])), wideOffset: uint64(le32(h[42:])),
	}}
	if why := n.extra(h[lenCentral+nameLen:lenCentral+nameLen+extraLen], name); why != "" {
		return e, 0, &UnsafeError{Entry: e.name, Why: why}
	}
	if n.disk != 0 {
		return e, 0, brokenZip("is one part of several, which is not supported")
	}
	if err := zipSupported(&e); err != nil {
		return e, 0, err
	}
	if err := zipMode(&e, h[5], le32(h[38:])); err != nil {
		return e, 0, err
	}
	if n.size() > uint64(u.limits.File) {
		return e, 0, &LimitError{What: "bytes", Entry: e.name, Got: saturate(n.size()), Limit: u.limits.File, Flag: flagFile}
	}
	if n.packed() > uint64(u.in.size) || n.offset() > uint64(u.in.size) {
		return e, 0, &UnsafeError{Entry: e.name, Why: "is said to lie outside the file"}
	}
	e.size, e.zip.packed, e.zip.offset = int64(n.size()), int64(n.packed()), int64(n.offset())
	return e, length, zipSizes(&e)
}

func shortDirectory() error { return unsafeZip("its directory holds less than its end record says") }

// zipSizes checks that an entry's sizes fit its kind and method.
func zipSizes(e *entry) error {
	switch {
	case e.folder && e.size != 0:
		return &UnsafeError{Entry: e.name, Why: "is a folder with content"}
	case !e.folder && e.zip.method == methodStore && e.size != e.zip.packed:
		return &UnsafeError{Entry: e.name, Why: "is stored with two different sizes"}
	}
	return nil
}

func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
