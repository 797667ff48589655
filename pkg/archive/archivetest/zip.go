package archivetest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
)

// A zipBuilder writes the bytes of a zip itself, so that each field can lie.
type zipBuilder struct {
	body    []byte // local headers and contents
	central []zipHeader
	end     options // of the end record
	end64   options // of its zip64 form; nil if there is none
}

func (b *zipBuilder) line(verb string, w words) error {
	o, err := w.options()
	if err != nil {
		return err
	}
	switch verb {
	case "end":
		b.end = o
		return nil
	case "end64":
		b.end64 = o
		return nil
	case "order":
		return b.order(w)
	case "gap":
		c, err := w.content()
		b.body = append(b.body, c...)
		return err
	case "bomb":
		return b.bomb(w)
	case "skill":
		if len(w.list) == 0 {
			w.list = []word{{text: "SKILL.md"}}
		}
		w.list = append(w.list, word{Skill, true})
		verb = "file"
	}
	name, err := w.name()
	if err != nil {
		return err
	}
	h := zipHeader{name: name, host: 3, method: 8}
	mode := uint64(0o100644)
	switch verb {
	case "file", "hidden":
	case "dir":
		h.name, h.method, mode = name+"/", 0, 0o40755
	case "link":
		if len(w.list) > 0 {
			w.list[0].literal = true
		}
		h.method, mode = 0, 0o120777
	case "again":
		return b.again(name, o)
	default:
		return fmt.Errorf("unknown line %s in a zip", verb)
	}
	c, err := w.content()
	if err != nil {
		return err
	}
	if m, ok, err := o.number("mode"); err != nil {
		return err
	} else if ok {
		if m < 0o10000 {
			m |= mode & 0o170000
		}
		mode = m
	}
	h.attrs = uint32(mode << 16)
	return b.file(h, c, o, verb != "hidden")
}

// file writes a local header with what follows it, and keeps the central one.
func (b *zipBuilder) file(h zipHeader, content []byte, o options, listed bool) error {
	for i := range len(h.name) {
		if h.name[i] >= 0x80 {
			h.flags |= 1 << 11
		}
	}
	if err := h.set(o, "method"); err != nil {
		return err
	}
	packed := content
	if h.method == 8 {
		packed = deflate(content)
	}
	h.crc, h.size, h.csize, h.offset = crc32.ChecksumIEEE(content), uint64(len(content)), uint64(len(packed)), uint64(len(b.body))
	descriptor := o["descriptor"]
	if descriptor != "" {
		h.flags |= 1 << 3
	}
	h.zip64 = o["zip64"] == "yes"
	if err := h.set(o, "name", "flags", "crc", "size", "csize", "extra", "comment", "host", "attrs", "disk", "offset"); err != nil {
		return err
	}
	local, central := h, h
	if descriptor != "" {
		local.crc, local.size, local.csize = 0, 0, 0
	}
	if err := local.setWith("local.", o); err != nil {
		return err
	}
	if err := central.setWith("central.", o); err != nil {
		return err
	}
	b.body = append(local.local(b.body), packed...)
	if descriptor != "" {
		d, err := h.descriptor(descriptor)
		if err != nil {
			return err
		}
		b.body = append(b.body, d...)
	}
	if listed {
		b.central = append(b.central, central)
	}
	return nil
}

// again lists an entry once more, with options for the second listing.
func (b *zipBuilder) again(name string, o options) error {
	for _, h := range b.central {
		if h.name == name {
			err := h.set(o, "name", "flags", "crc", "size", "csize", "offset")
			b.central = append(b.central, h)
			return err
		}
	}
	return fmt.Errorf("there is no entry %s", name)
}

// order lists the entries in the order of the given indexes.
func (b *zipBuilder) order(w words) error {
	var central []zipHeader
	for _, word := range w.list {
		i, err := strconv.Atoi(word.text)
		if err != nil || i >= len(b.central) {
			return fmt.Errorf("there is no entry %s", word.text)
		}
		central = append(central, b.central[i])
	}
	b.central = central
	return nil
}

// bomb writes entries that all end in one compressed content: each deflates the
// header of the next as a stored block, so that every one is a sound stream.
func (b *zipBuilder) bomb(w words) error {
	if len(w.list) != 2 {
		return fmt.Errorf("bomb wants a count and a size")
	}
	count, err := strconv.Atoi(w.list[0].text)
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(w.list[1].text)
	if err != nil {
		return err
	}
	content := make([]byte, size)
	tail := deflate(content)
	start := uint64(len(b.body))
	var headers []zipHeader
	for i := count - 1; i >= 0; i-- {
		h := zipHeader{
			name: fmt.Sprintf("bomb%05d", i), host: 3, method: 8, attrs: 0o100644 << 16,
			crc: crc32.ChecksumIEEE(content), size: uint64(len(content)), csize: uint64(len(tail)),
		}
		head := h.local(nil)
		h.offset = uint64(len(tail)) // from the end, for now
		headers = append(headers, h)
		quoted := append(head, tail...)
		if i > 0 {
			n := uint16(len(head))
			block := binary.LittleEndian.AppendUint16([]byte{0}, n)
			block = binary.LittleEndian.AppendUint16(block, ^n)
			tail = append(block, quoted...)
			content = append(bytes.Clone(head), content...)
			continue
		}
		tail = quoted
	}
	for _, h := range slices.Backward(headers) {
		h.offset = start + uint64(len(tail)) - h.offset - uint64(30+len(h.name))
		b.central = append(b.central, h)
	}
	b.body = append(b.body, tail...)
	return nil
}

func (b *zipBuilder) bytes() ([]byte, error) {
	out := bytes.Clone(b.body)
	offset := uint64(len(out))
	for _, h := range b.central {
		out = h.directory(out)
	}
	size, count := uint64(len(out))-offset, uint64(len(b.central))
	le := binary.LittleEndian
	field := func(o options, key string, n uint64) uint64 {
		if v, ok, err := o.number(key); ok && err == nil {
			return v
		}
		return n
	}
	if o := b.end64; o != nil {
		at := uint64(len(out))
		out = le.AppendUint32(out, 0x06064b50)
		out = le.AppendUint64(out, field(o, "length", 44))
		out = append(out, 45, 3, 45, 0)
		out = le.AppendUint32(out, uint32(field(o, "disk", 0)))
		out = le.AppendUint32(out, uint32(field(o, "disk", 0)))
		out = le.AppendUint64(out, field(o, "here", count))
		out = le.AppendUint64(out, field(o, "count", count))
		out = le.AppendUint64(out, field(o, "size", size))
		out = le.AppendUint64(out, field(o, "offset", offset))
		out = le.AppendUint32(out, 0x07064b50)
		out = le.AppendUint32(out, 0)
		out = le.AppendUint64(out, field(o, "at", at))
		out = le.AppendUint32(out, 1)
	}
	o := b.end
	comment := o["comment"]
	out = le.AppendUint32(out, 0x06054b50)
	out = le.AppendUint16(out, uint16(field(o, "disk", 0)))
	out = le.AppendUint16(out, uint16(field(o, "disk", 0)))
	out = le.AppendUint16(out, uint16(field(o, "here", field(o, "count", count))))
	out = le.AppendUint16(out, uint16(field(o, "count", count)))
	out = le.AppendUint32(out, uint32(field(o, "size", size)))
	out = le.AppendUint32(out, uint32(field(o, "offset", offset)))
	out = le.AppendUint16(out, uint16(field(o, "length", uint64(len(comment)))))
	return append(out, comment...), nil
}
