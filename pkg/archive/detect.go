package archive

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Format is a kind of archive that can be unpacked.
type Format int

const (
	Zip Format = iota + 1
	Tar
	TarGz
)

func (f Format) String() string {
	switch f {
	case Zip:
		return "zip"
	case Tar:
		return "tar"
	case TarGz:
		return "tar.gz"
	}
	return "unknown"
}

// detectSize is how many first bytes tell one format from another.
const detectSize = 512

// Detect tells the format of an artifact from its first 512 bytes, or all of it
// if it is shorter. Its error says what the bytes are instead. That a gzip stream
// holds a tar is found out by unpacking it.
func Detect(head []byte) (Format, error) {
	switch {
	case hasAnyPrefix(head, "PK\x03\x04", "PK\x05\x06", "PK\x07\x08"):
		return Zip, nil
	case hasAnyPrefix(head, "\x1f\x8b"):
		return TarGz, nil
	case isTarHeader(head):
		return Tar, nil
	}
	return 0, &FormatError{Why: "not a zip, tar.gz or tar archive but " + describe(head)}
}

// isTarHeader reports whether block begins with a tar header of any age: the
// oldest has no magic, but all have a sum over their bytes.
func isTarHeader(block []byte) bool {
	const sumStart, sumEnd = 148, 156
	if len(block) < detectSize {
		return false
	}
	want, err := strconv.ParseUint(strings.Trim(string(block[sumStart:sumEnd]), " \x00"), 8, 32)
	if err != nil {
		return false
	}
	var plain, signed int64 // some old writers summed signed bytes
	for i, c := range block[:detectSize] {
		if i >= sumStart && i < sumEnd {
			c = ' '
		}
		plain += int64(c)
		signed += int64(int8(c))
	}
	return int64(want) == plain || int64(want) == signed
}

// describe says what bytes that are no archive of ours are.
func describe(head []byte) string {
	if len(head) == 0 {
		return "an empty file"
	}
	for _, k := range [...]struct{ magic, is string }{
		{"Rar!\x1a\x07", "a RAR archive"},
		{"7z\xbc\xaf\x27\x1c", "a 7z archive"},
		{"\xfd7zXZ\x00", "an xz stream"},
		{"BZh", "a bzip2 stream"},
		{"\x28\xb5\x2f\xfd", "a zstd stream"},
		{"\x04\x22\x4d\x18", "an lz4 stream"},
		{"LZIP", "an lzip stream"},
		{"MSCF", "a cabinet archive"},
		{"!<arch>\n", "an ar archive"},
		{"070701", "a cpio archive"},
		{"%PDF-", "a PDF file"},
		{"\x89PNG", "a PNG image"},
		{"\xff\xd8\xff", "a JPEG image"},
		{"GIF8", "a GIF image"},
		{"MZ", "a Windows program"},
		{"#!", "a script"},
		{"SQLite format 3", "a SQLite database"},
		{"version https://git-lfs", "a Git LFS pointer"},
	} {
		if bytes.HasPrefix(head, []byte(k.magic)) {
			return k.is
		}
	}
	if executable(head) {
		return "a program"
	}
	return describeText(head)
}

func describeText(head []byte) string {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	lower := bytes.ToLower(text)
	switch {
	case bytes.HasPrefix(lower, []byte("<!doctype html")), bytes.HasPrefix(lower, []byte("<html")),
		bytes.HasPrefix(lower, []byte("<head")), bytes.HasPrefix(lower, []byte("<body")):
		return "a web page"
	case bytes.HasPrefix(text, []byte("<")):
		return "XML or a web page"
	case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")):
		return "JSON"
	case bytes.HasPrefix(text, []byte("---")):
		return "a text file with front matter"
	case bytes.Count(head, []byte{0}) == len(head):
		return "only zero bytes"
	case isText(head):
		return "text that begins with " + quote(string(head[:min(24, len(head))]))
	}
	return "unknown data that begins with " + strconv.QuoteToASCII(string(head[:min(8, len(head))]))
}

// isText reports whether head, which may end inside a rune, is printable UTF-8.
func isText(head []byte) bool {
	for i := 0; i < len(head); {
		r, n := utf8.DecodeRune(head[i:])
		if r == utf8.RuneError && n == 1 {
			return len(head)-i < utf8.UTFMax && i > 0
		}
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' {
			return false
		}
		i += n
	}
	return true
}

// executable reports whether a file that begins with head is one that an
// operating system runs: a script with an interpreter line, ELF, or Mach-O of
// either word size and byte order, thin or fat.
func executable(head []byte) bool {
	if len(head) >= 2 && head[0] == '#' && head[1] == '!' {
		return true
	}
	if len(head) < 4 {
		return false
	}
	switch binary.BigEndian.Uint32(head) {
	case 0x7f454c46, // ELF
		0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe,
		0xcafebabe, 0xcafebabf, 0xbebafeca, 0xbfbafeca:
		return true
	}
	return false
}

func hasAnyPrefix(b []byte, prefixes ...string) bool {
	for _, p := range prefixes {
		if len(b) >= len(p) && string(b[:len(p)]) == p {
			return true
		}
	}
	return false
}
