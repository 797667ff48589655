package archive

import (
	"bytes"
	"hash/crc32"
)

// zipNumbers are those fields of a header that its extra fields may replace.
type zipNumbers struct {
	wide  [3]uint64 // in the order in which zip64 has them (4.5.3)
	count int       // of wide; a local header has no offset
	disk  uint16    // 0 in a local header
}

// What stands where in zipNumbers.wide.
const (
	wideSize = iota
	widePacked
	wideOffset
)

func (n *zipNumbers) size() uint64   { return n.wide[wideSize] }
func (n *zipNumbers) packed() uint64 { return n.wide[widePacked] }
func (n *zipNumbers) offset() uint64 { return n.wide[wideOffset] }

// extra reads the extra fields of a header (4.5): it replaces values that the
// header says are in the zip64 field, and refuses what would give the entry
// another name or size than the header for some readers. It returns why.
func (n *zipNumbers) extra(fields, name []byte) string {
	const (
		idZip64       = 0x0001
		idUnicodePath = 0x7075
		lenUnicode    = 5 // version and checksum in front of the name
	)
	seen := false
	for len(fields) >= 4 {
		id, length := le16(fields), int(le16(fields[2:]))
		if length > len(fields)-4 {
			return "has a broken extra field"
		}
		field := fields[4 : 4+length]
		fields = fields[4+length:]
		switch id {
		case idZip64:
			if seen {
				return "has two zip64 fields"
			}
			seen = true
			if why := n.zip64(field); why != "" {
				return why
			}
		case idUnicodePath:
			if length < lenUnicode || field[0] != 1 || le32(field[1:]) != crc32.ChecksumIEEE(name) ||
				!bytes.Equal(field[lenUnicode:], name) {
				return "has two different names"
			}
		}
	}
	// Tools that align contents pad with a few zero bytes.
	if bytes.Count(fields, []byte{0}) != len(fields) {
		return "has a broken extra field"
	}
	if !seen && n.widened() > 0 {
		return "lacks its zip64 field"
	}
	return ""
}

// widened returns how many bytes the zip64 field has to have.
func (n *zipNumbers) widened() int {
	bytes := 0
	for _, v := range n.wide[:n.count] {
		if v == max32 {
			bytes += 8
		}
	}
	if n.disk == max16 {
		bytes += 4
	}
	return bytes
}

func (n *zipNumbers) zip64(field []byte) string {
	need := n.widened()
	if len(field) == need {
		for i, v := range n.wide[:n.count] {
			if v == max32 {
				n.wide[i], field = le64(field), field[8:]
			}
		}
		if n.disk == max16 {
			n.disk = uint16(min(le32(field), max16))
		}
		return ""
	}
	// Some writers add the field though nothing needs it. It has to agree then.
	if need != 0 || len(field)%8 != 0 || len(field) > 24 {
		return "has a zip64 field that does not fit its header"
	}
	for _, v := range n.wide[:n.count] {
		if len(field) == 0 {
			break
		}
		if le64(field) != v {
			return "has two different sizes"
		}
		field = field[8:]
	}
	return ""
}
