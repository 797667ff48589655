package gitmerge

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"path/filepath"
)

// idSize is that of SHA-1. Repositories with the other format are not read: what
// their index says does not lead to an object.
const idSize = 20

type id [idSize]byte

func (i id) String() string { return hex.EncodeToString(i[:]) }

var errIndex = errors.New("index is not in a form that is known here")

// stages returns the objects of an unmerged file: 1 the base, 2 ours, 3 theirs.
func (r *repository) stages(name string) (map[int]id, error) {
	data, err := readFile(filepath.Join(r.dir, "index"), maxIndex)
	if err != nil {
		return nil, err
	}
	return stagesOf(data, name)
}

func stagesOf(data []byte, name string) (map[int]id, error) {
	const (
		lenHead  = 12
		lenStat  = 40 // what stat said of the file
		lenEntry = lenStat + idSize + 2
		extended = 1 << 14
	)
	if len(data) < lenHead || string(data[:4]) != "DIRC" {
		return nil, errIndex
	}
	version, count := binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:])
	if version < 2 || version > 4 {
		return nil, errIndex
	}
	found := map[int]id{}
	var path []byte
	data = data[lenHead:]
	for range count {
		if len(data) < lenEntry {
			return nil, errIndex
		}
		flags := binary.BigEndian.Uint16(data[lenEntry-2:])
		var object id
		copy(object[:], data[lenStat:])
		at := lenEntry
		if flags&extended != 0 {
			at += 2
		}
		if version == 4 {
			// The name is that of the entry before, without its last bytes, and more.
			drop, n := offset(data[min(at, len(data)):])
			if n == 0 || drop > int64(len(path)) {
				return nil, errIndex
			}
			path, at = path[:int64(len(path))-drop], at+n
		} else {
			path = path[:0]
		}
		end := bytes.IndexByte(data[min(at, len(data)):], 0)
		if end < 0 {
			return nil, errIndex
		}
		path = append(path, data[at:at+end]...)
		at += end + 1
		if version != 4 {
			at = (at + 7) &^ 7
		}
		if at > len(data) {
			return nil, errIndex
		}
		data = data[at:]
		if stage := int(flags >> 12 & 3); stage > 0 && string(path) == name {
			found[stage] = object
		}
	}
	return found, nil
}

// offset reads a number as the index and packs write distances, and returns how
// many bytes it takes; 0 if it is none.
func offset(data []byte) (value int64, n int) {
	for n < len(data) && n < 8 {
		b := data[n]
		n++
		value = value<<7 | int64(b&0x7f)
		if b&0x80 == 0 {
			return value, n
		}
		value++
	}
	return 0, 0
}
