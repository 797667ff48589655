package archive

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Compression methods, 4.4.5.
const (
	methodStore   = 0
	methodDeflate = 8
)

// methodName names the methods that are refused, for people.
func methodName(m uint16) string {
	switch m {
	case 1:
		return "shrink"
	case 6:
		return "implode"
	case 9:
		return "deflate64"
	case 12:
		return "bzip2"
	case 14:
		return "LZMA"
	case 93:
		return "zstd"
	case 95:
		return "xz"
	case 98:
		return "PPMd"
	}
	return fmt.Sprintf("number %d", m)
}

// zipSupported refuses what needs a password or another decoder.
func zipSupported(e *entry) error {
	const methodAES = 99
	switch {
	case e.zip.flags&(flagEncrypted|flagStrong|flagMasked) != 0, e.zip.method == methodAES:
		return &FormatError{Format: Zip, Entry: e.name, Why: "is encrypted: password-protected archives are not supported"}
	case e.zip.flags&flagPatch != 0:
		return &FormatError{Format: Zip, Entry: e.name, Why: "is a patch, which is not supported"}
	case e.zip.method != methodStore && e.zip.method != methodDeflate:
		return &FormatError{Format: Zip, Entry: e.name, Why: "is compressed by a method that is not supported: " + methodName(e.zip.method)}
	}
	return nil
}

// zipMode reads the kind and the x bit of an entry from its external attributes.
// Their upper half is a unix mode if a unix made the archive, but a link there is
// a link for some readers whoever made it.
func zipMode(e *entry, host byte, attrs uint32) error {
	const (
		hostUnix, hostDarwin = 3, 19
		dosFolder            = 1 << 4
		typeMask             = 0o170000
		typeFile             = 0o100000
		typeFolder           = 0o040000
		ownerX               = 0o100
	)
	mode := attrs >> 16
	switch mode & typeMask {
	case typeFile:
		if e.folder {
			return &UnsafeError{Entry: e.name, Why: "is a file with the name of a folder"}
		}
	case typeFolder:
		if !e.folder {
			return &UnsafeError{Entry: e.name, Why: "is a folder with the name of a file"}
		}
	case 0:
		if attrs&dosFolder != 0 && !e.folder {
			return &UnsafeError{Entry: e.name, Why: "is a folder with the name of a file"}
		}
	default:
		return &UnsafeError{Entry: e.name, Why: "is " + unixType(mode&typeMask)}
	}
	e.exec = (host == hostUnix || host == hostDarwin) && mode&ownerX != 0
	return nil
}

func unixType(t uint32) string {
	switch t {
	case 0o120000:
		return "a symbolic link"
	case 0o010000:
		return "a named pipe"
	case 0o020000, 0o060000:
		return "a device"
	case 0o140000:
		return "a socket"
	}
	return "neither a file nor a folder"
}

// checkLocals holds every local header against the directory, and sees to it that
// headers, contents and descriptors fill the file from its first byte up to the
// directory without a gap or an overlap.
func (u *unpacker) checkLocals(ctx context.Context, directory int64) error {
	u.order = u.order[:0]
	for i := range u.entries {
		u.order = append(u.order, i)
	}
	byOffset := func(a, b int) int { return cmp.Compare(u.entries[a].zip.offset, u.entries[b].zip.offset) }
	if !slices.IsSortedFunc(u.order, byOffset) {
		slices.SortFunc(u.order, byOffset)
	}
	at := int64(0)
	for i, index := range u.order {
		if err := ctx.Err(); err != nil {
			return err
		}
		e := &u.entries[index]
		next := directory
		if i+1 < len(u.order) {
			next = u.entries[u.order[i+1]].zip.offset
		}
		switch {
		case e.zip.offset > at && at == 0:
			return unsafeZip("there are %d bytes in front of its first entry", e.zip.offset)
		case e.zip.offset != at:
			return &UnsafeError{Entry: e.name, Why: "overlaps another entry"}
		}
		end, err := u.checkLocal(e, next)
		if err != nil {
			return err
		}
		at = end
	}
	if at != directory {
		return unsafeZip("there are %d bytes between its entries", directory-at)
	}
	return nil
}

// checkLocal checks one local header and what follows its content, up to next,
// where the next header is. It returns where the entry ends.
func (u *unpacker) checkLocal(e *entry, next int64) (int64, error) {
	at := e.zip.offset
	if next-at < lenLocal {
		return 0, &UnsafeError{Entry: e.name, Why: "overlaps another entry"}
	}
	h, err := u.in.view(at, lenLocal)
	if err != nil {
		return 0, err
	}
	if le32(h) != sigLocal {
		return 0, &UnsafeError{Entry: e.name, Why: "has no header where the directory says"}
	}
	nameLen, extraLen := int(le16(h[26:])), int(le16(h[28:]))
	length := int64(lenLocal + nameLen + extraLen)
	if next-at < length || next-at-length < e.zip.packed {
		return 0, &UnsafeError{Entry: e.name, Why: "overlaps another entry"}
	}
	if h, err = u.in.view(at, int(length)); err != nil {
		return 0, err
	}
	if why := localDiffers(h, e, nameLen); why != "" {
		return 0, &UnsafeError{Entry: e.name, Why: "has " + why + " in its own header than in the directory"}
	}
	name := h[lenLocal : lenLocal+nameLen]
	crc := le32(h[14:])
	n := zipNumbers{count: 2, wide: [3]uint64{wideSize: uint64(le32(h[22:])), widePacked: uint64(le32(h[18:]))}}
	if why := n.extra(h[lenLocal+nameLen:], name); why != "" {
		return 0, &UnsafeError{Entry: e.name, Why: why}
	}
	if err := u.checkFolder(e, at+length); err != nil {
		return 0, err
	}
	streamed := e.zip.flags&flagDescriptor != 0
	same := crc == e.zip.crc && n.packed() == uint64(e.zip.packed) && n.size() == uint64(e.size)
	later := streamed && zeroOr(uint64(crc), uint64(e.zip.crc)) && zeroOr(n.packed(), uint64(e.zip.packed)) && zeroOr(n.size(), uint64(e.size))
	if !same && !later {
		return 0, &UnsafeError{Entry: e.name, Why: "has another size or checksum in its own header than in the directory"}
	}
	e.zip.data = at + length
	end := e.zip.data + e.zip.packed
	if !streamed {
		return u.checkGap(e, end, next)
	}
	return u.checkDescriptor(e, end, next)
}

// checkFolder lets a folder have content only if it inflates to nothing: some tools
// deflate folders too.
func (u *unpacker) checkFolder(e *entry, at int64) error {
	if !e.folder || e.zip.packed == 0 {
		return nil
	}
	b, err := u.in.view(at, int(min(e.zip.packed, 6)))
	if err != nil {
		return err
	}
	if e.zip.method != methodDeflate || string(b) != "\x03\x00" && string(b) != "\x01\x00\x00\xff\xff" {
		return &UnsafeError{Entry: e.name, Why: "is a folder with content"}
	}
	return nil
}

func localDiffers(h []byte, e *entry, nameLen int) string {
	switch {
	case string(h[lenLocal:lenLocal+nameLen]) != e.name:
		return "another name"
	case le16(h[8:]) != e.zip.method:
		return "another method"
	case (le16(h[6:])^e.zip.flags)&^flagsIgnored != 0:
		return "other flags"
	}
	return ""
}

// checkDescriptor checks the record after a content whose size was not known when
// its header was written (4.3.9): with or without signature, sizes of 4 or 8 bytes.
func (u *unpacker) checkDescriptor(e *entry, at, next int64) (int64, error) {
	n := next - at
	if n == 0 {
		if e.folder && e.zip.packed == 0 {
			return at, nil // some writers set the flag for all entries
		}
		return 0, &UnsafeError{Entry: e.name, Why: "lacks its data descriptor"}
	}
	if n != 12 && n != 16 && n != 20 && n != 24 {
		return u.checkGap(e, at, next)
	}
	d, err := u.in.view(at, int(n))
	if err != nil {
		return 0, err
	}
	if n == 16 || n == 24 {
		if le32(d) != sigDescriptor {
			return u.checkGap(e, at, next)
		}
		d = d[4:]
	}
	crc := le32(d)
	packed, size := uint64(le32(d[4:])), uint64(le32(d[8:]))
	if len(d) == 20 {
		packed, size = le64(d[4:]), le64(d[12:])
	}
	if crc != e.zip.crc || packed != uint64(e.zip.packed) || size != uint64(e.size) {
		return 0, &UnsafeError{Entry: e.name, Why: "has another size or checksum in its data descriptor than in the directory"}
	}
	return next, nil
}

func (u *unpacker) checkGap(e *entry, end, next int64) (int64, error) {
	if end != next {
		return 0, &UnsafeError{Entry: e.name, Why: fmt.Sprintf("is followed by %d bytes that belong to nothing", next-end)}
	}
	return end, nil
}

func zeroOr(n, want uint64) bool { return n == 0 || n == want }
