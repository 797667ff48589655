package archivetest

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A zipHeader is the fields of a local or a central header.
type zipHeader struct {
	name, comment       string
	host                byte
	method, flags, disk uint16
	crc, attrs          uint32
	size, csize, offset uint64
	extra               []byte
	zip64               bool
}

func (h *zipHeader) setWith(prefix string, o options) error {
	sub := options{}
	var keys []string
	for key, value := range o {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			sub[rest] = value
			keys = append(keys, rest)
		}
	}
	return h.set(sub, keys...)
}

// set takes the named fields from o, where they are there.
func (h *zipHeader) set(o options, keys ...string) error {
	for _, key := range keys {
		value, ok := o[key]
		if !ok {
			continue
		}
		switch key {
		case "name":
			h.name = value
			continue
		case "comment":
			h.comment = value
			continue
		case "extra":
			b, err := (&words{list: []word{{text: "hex:" + value}}}).content()
			if err != nil {
				return err
			}
			h.extra = b
			continue
		}
		n, err := named(value)
		if err != nil {
			return fmt.Errorf("option %s: %w", key, err)
		}
		switch key {
		case "method":
			h.method = uint16(n)
		case "flags":
			h.flags = uint16(n)
		case "host":
			h.host = byte(n)
		case "disk":
			h.disk = uint16(n)
		case "crc":
			h.crc = uint32(n)
		case "attrs":
			h.attrs = uint32(n)
		case "size":
			h.size = n
		case "csize":
			h.csize = n
		case "offset":
			h.offset = n
		default:
			return fmt.Errorf("unknown option %s", key)
		}
	}
	return nil
}

func named(value string) (uint64, error) {
	switch value {
	case "store", "dos":
		return 0, nil
	case "deflate":
		return 8, nil
	case "unix":
		return 3, nil
	}
	return strconv.ParseUint(value, 0, 64)
}

// sizes returns the 32-bit sizes and the extra fields that hold the real ones.
func (h *zipHeader) sizes() (csize, size uint32, extra []byte) {
	if !h.zip64 && h.size <= math.MaxUint32 && h.csize <= math.MaxUint32 {
		return uint32(h.csize), uint32(h.size), h.extra
	}
	extra = append(extra, 1, 0, 16, 0)
	extra = binary.LittleEndian.AppendUint64(extra, h.size)
	extra = binary.LittleEndian.AppendUint64(extra, h.csize)
	return math.MaxUint32, math.MaxUint32, append(extra, h.extra...)
}

func (h *zipHeader) local(out []byte) []byte {
	csize, size, extra := h.sizes()
	out = append(out, 'P', 'K', 3, 4, 20, 0)
	out = h.common(out, csize, size, extra)
	out = append(out, h.name...)
	return append(out, extra...)
}

func (h *zipHeader) directory(out []byte) []byte {
	le := binary.LittleEndian
	csize, size, extra := h.sizes()
	out = append(out, 'P', 'K', 1, 2, 20, h.host, 20, 0)
	out = h.common(out, csize, size, extra)
	out = le.AppendUint16(out, uint16(len(h.comment)))
	out = le.AppendUint16(out, h.disk)
	out = le.AppendUint16(out, 0)
	out = le.AppendUint32(out, h.attrs)
	out = le.AppendUint32(out, uint32(h.offset))
	out = append(out, h.name...)
	out = append(out, extra...)
	return append(out, h.comment...)
}

func (h *zipHeader) common(out []byte, csize, size uint32, extra []byte) []byte {
	le := binary.LittleEndian
	out = le.AppendUint16(out, h.flags)
	out = le.AppendUint16(out, h.method)
	out = append(out, 0, 0, 0x21, 0) // the first of January 1980
	out = le.AppendUint32(out, h.crc)
	out = le.AppendUint32(out, csize)
	out = le.AppendUint32(out, size)
	out = le.AppendUint16(out, uint16(len(h.name)))
	return le.AppendUint16(out, uint16(len(extra)))
}

func (h *zipHeader) descriptor(length string) ([]byte, error) {
	le := binary.LittleEndian
	var out []byte
	if length == "16" || length == "24" {
		out = append(out, 'P', 'K', 7, 8)
	}
	out = le.AppendUint32(out, h.crc)
	switch length {
	case "12", "16":
		out = le.AppendUint32(out, uint32(h.csize))
		return le.AppendUint32(out, uint32(h.size)), nil
	case "20", "24":
		out = le.AppendUint64(out, h.csize)
		return le.AppendUint64(out, h.size), nil
	}
	return nil, fmt.Errorf("no descriptor has %s bytes", length)
}

func deflate(b []byte) []byte {
	var out bytes.Buffer
	level := flate.BestCompression
	if len(b) > 1<<20 {
		level = flate.BestSpeed
	}
	w, err := flate.NewWriter(&out, level)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}
