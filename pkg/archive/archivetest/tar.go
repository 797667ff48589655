package archivetest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// A tarBuilder writes the blocks of a tar itself.
type tarBuilder struct {
	out []byte
	end int // blocks of zeros at the end
}

func (b *tarBuilder) line(verb string, w words) error {
	o, err := w.options()
	if err != nil {
		return err
	}
	kind := byte('0')
	switch verb {
	case "end":
		if len(w.list) != 1 {
			return fmt.Errorf("end wants a number of blocks")
		}
		b.end, err = strconv.Atoi(w.list[0].text)
		return err
	case "pax":
		return b.add("PaxHeaders/x", 'x', records(o), options{})
	case "global":
		return b.add("pax_global_header", 'g', records(o), options{})
	case "longname", "longlink":
		name, err := w.name()
		if err != nil {
			return err
		}
		if kind = 'L'; verb == "longlink" {
			kind = 'K'
		}
		return b.add("././@LongLink", kind, append([]byte(name), 0), options{"magic": "gnu"})
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
	switch verb {
	case "file":
	case "dir":
		kind, name = '5', name+"/"
		if _, ok := o["mode"]; !ok {
			o["mode"] = "0755"
		}
	case "link", "hardlink":
		if kind = '2'; verb == "hardlink" {
			kind = '1'
		}
		if o["linkname"], err = w.name(); err != nil {
			return err
		}
	case "device":
		kind = '3'
	case "pipe":
		kind = '6'
	default:
		return fmt.Errorf("unknown line %s in a tar", verb)
	}
	c, err := w.content()
	if err != nil {
		return err
	}
	return b.add(name, kind, c, o)
}

// records encodes the records of a PAX header, sorted by key.
func records(o options) []byte {
	var out []byte
	for _, key := range slices.Sorted(maps.Keys(o)) {
		rest := " " + key + "=" + o[key] + "\n"
		n := len(rest)
		for n != len(rest)+len(strconv.Itoa(n)) {
			n = len(rest) + len(strconv.Itoa(n))
		}
		out = append(out, strconv.Itoa(n)+rest...)
	}
	return out
}

// add writes one header block and the content.
func (b *tarBuilder) add(name string, kind byte, content []byte, o options) error {
	if t, ok := o["type"]; ok {
		kind = 0
		if t != "" {
			kind = t[0]
		}
	}
	mode, size := uint64(0o644), uint64(len(content))
	for key, v := range map[string]*uint64{"mode": &mode, "size": &size} {
		if n, ok, err := o.number(key); err != nil {
			return err
		} else if ok {
			*v = n
		}
	}
	h := make([]byte, 512)
	copy(h[0:100], name)
	octal(h[100:108], mode)
	octal(h[108:116], 0)
	octal(h[116:124], 0)
	if size < 1<<33 {
		octal(h[124:136], size)
	} else {
		h[124] = 0x80 // base 256
		for i := range 8 {
			h[135-i] = byte(size >> (8 * i))
		}
	}
	octal(h[136:148], 0)
	h[156] = kind
	copy(h[157:257], o["linkname"])
	switch o["magic"] {
	case "", "ustar":
		copy(h[257:], "ustar\x0000")
		copy(h[345:500], o["prefix"])
	case "gnu":
		copy(h[257:], "ustar  \x00")
	case "v7":
	default:
		return fmt.Errorf("unknown magic %s", o["magic"])
	}
	copy(h[148:156], "        ")
	sum := uint64(0)
	for _, c := range h {
		sum += uint64(c)
	}
	if n, ok, err := o.number("checksum"); err != nil {
		return err
	} else if ok {
		sum = n
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	b.out = append(append(b.out, h...), content...)
	if pad := len(content) % 512; pad != 0 {
		b.out = append(b.out, make([]byte, 512-pad)...)
	}
	return nil
}

func octal(field []byte, n uint64) { copy(field, fmt.Sprintf("%0*o", len(field)-1, n)) }

func (b *tarBuilder) bytes() ([]byte, error) {
	return append(bytes.Clone(b.out), make([]byte, 512*b.end)...), nil
}
