package bundle

import (
	"archive/zip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/lockfile"
)

// Sizes of the records of a zip (APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.16),
// without names.
const (
	lenLocal   = 30
	lenCentral = 46
	lenEnd     = 22

	sigLocal = 0x04034b50
	sigEnd   = 0x06054b50

	maxName = 100 // bytes; ours are shorter
)

// A Bundle is a bundle whose structure was checked. Artifacts are checked as they
// are copied. It keeps no file open, and may be used by several goroutines.
type Bundle struct {
	Contents

	open func() (readerAtCloser, error)
	at   map[digest.Digest]extent
}

type readerAtCloser interface {
	io.ReaderAt
	io.Closer
}

// An extent is where the bytes of a member are.
type extent struct{ offset, size int64 }

// Open reads the bundle at path. The error is a *FormatError or a *NewerError, or
// says why the file cannot be read: it matches fs.ErrNotExist if there is none.
func Open(path string) (*Bundle, error) {
	b, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("read bundle %s: %w", path, err)
	}
	return b, nil
}

func openFile(path string) (*Bundle, error) {
	info, err := os.Stat(path) // a pipe would block, and cannot be read twice
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &FormatError{"it is no regular file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	b, err := New(f, info.Size())
	if err != nil {
		return nil, err
	}
	b.open = func() (readerAtCloser, error) { return os.Open(path) }
	return b, nil
}

// New reads the bundle of size bytes in r, as Open does.
func New(r io.ReaderAt, size int64) (*Bundle, error) {
	members, directory, err := layout(r, size)
	if err != nil {
		return nil, err
	}
	b := &Bundle{at: map[digest.Digest]extent{}}
	b.open = func() (readerAtCloser, error) { return unclosed{r}, nil }
	if err := b.head(r, members[0]); err != nil {
		return nil, err
	}
	if err := adjacent(r, members, size, directory); err != nil {
		return nil, err
	}
	rest := members[1:]
	if len(rest) == 0 || rest[0].Name != lockName {
		return nil, &FormatError{lockName + " is not in its place"}
	}
	data, err := content(r, rest[0], maxLock)
	if err != nil {
		return nil, err
	}
	if b.Lock, err = lockfile.Parse(data); err != nil {
		return nil, &FormatError{lockName + ": " + err.Error()}
	}
	rest = rest[1:]
	if len(rest) > 0 && rest[0].Name == manifestName {
		if b.Manifest, err = content(r, rest[0], maxManifest); err != nil {
			return nil, err
		}
		rest = rest[1:]
	}
	if err := b.index(rest); err != nil {
		return nil, err
	}
	return b, nil
}

type unclosed struct{ io.ReaderAt }

func (unclosed) Close() error { return nil }

// A member is one file of the zip, and where its bytes are.
type member struct {
	*zip.File
	extent
}

// layout reads the directory of the zip, and returns where it is. It is bounded
// before it is read: what reads it would take any amount. What a newer version may
// do in another way is not looked at yet.
func layout(r io.ReaderAt, size int64) (members []member, dirAt int64, err error) {
	if size < lenEnd {
		return nil, 0, &FormatError{"it is too short"}
	}
	if size > MaxSize {
		return nil, 0, &FormatError{fmt.Sprintf("it has %d bytes, the limit is %d", size, int64(MaxSize))}
	}
	var end [lenEnd]byte
	if err := readAt(r, end[:], size-lenEnd); err != nil {
		return nil, 0, err
	}
	le16, le32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	count := int64(le16(end[8:]))
	dirSize := int64(le32(end[12:]))
	dirAt = int64(le32(end[16:]))
	switch {
	case le32(end[:]) != sigEnd:
		return nil, 0, &FormatError{"it is no zip, or is cut off"}
	case le32(end[4:]) != 0 || count != int64(le16(end[10:])) || le16(end[20:]) != 0 || dirAt+dirSize+lenEnd != size:
		return nil, 0, &FormatError{"its end record does not fit it"}
	case count == 0 || count > maxMembers || dirSize > count*(lenCentral+maxName):
		return nil, 0, &FormatError{fmt.Sprintf("it has %d members in a directory of %d bytes", count, dirSize)}
	}
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are looked at below
		if isFormat(err) {
			return nil, 0, &FormatError{"its directory is damaged"}
		}
		return nil, 0, err
	}
	if int64(len(z.File)) != count {
		return nil, 0, &FormatError{"its directory is damaged"}
	}
	members = make([]member, len(z.File))
	at := int64(0)
	for i, f := range z.File {
		if f.UncompressedSize64 > MaxSize || len(f.Name) > maxName {
			return nil, 0, &FormatError{"a member exceeds the limits"}
		}
		members[i] = member{f, extent{at + lenLocal + int64(len(f.Name)), int64(f.UncompressedSize64)}}
		at = members[i].offset + members[i].size
		if at > dirAt {
			return nil, 0, &FormatError{"its members do not fit it"}
		}
	}
	if members[0].Name != headName {
		return nil, 0, &FormatError{"it does not begin with " + headName}
	}
	return members, dirAt, nil
}

func isFormat(err error) bool {
	return errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrAlgorithm) || errors.Is(err, zip.ErrChecksum) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// adjacent checks that the members are all of the file, each after the other, and
// that what stands before each of them says what the directory says.
func adjacent(r io.ReaderAt, members []member, size, dirAt int64) error {
	dirSize := int64(0)
	for _, m := range members {
		name := quote(m.Name)
		if m.Method != zip.Store || m.Flags != 0 || m.CompressedSize64 != m.UncompressedSize64 || len(m.Extra) > 0 || m.Comment != "" ||
			m.CreatorVersion != creatorVersion || m.ExternalAttrs != 0 { // those may make a link of it where others unpack it
			return &FormatError{name + " is not stored as a bundle stores it"}
		}
		if at, err := m.DataOffset(); err != nil || at != m.offset {
			return &FormatError{name + " is not where it should be"}
		}
		want := make([]byte, lenLocal, lenLocal+maxName)
		le := binary.LittleEndian
		le.PutUint32(want, sigLocal)
		le.PutUint32(want[14:], m.CRC32)
		le.PutUint32(want[18:], uint32(m.size))
		le.PutUint32(want[22:], uint32(m.size))
		le.PutUint16(want[26:], uint16(len(m.Name)))
		want = append(want, m.Name...)
		got := make([]byte, len(want))
		if err := readAt(r, got, m.offset-int64(len(want))); err != nil {
			return err
		}
		clear(got[4:6])   // the version that is needed
		clear(got[10:14]) // the time
		if string(got) != string(want) {
			return &FormatError{name + " is said to be something else where it begins than in the directory"}
		}
		dirSize += lenCentral + int64(len(m.Name))
	}
	last := members[len(members)-1]
	if last.offset+last.size != dirAt || dirAt+dirSize+lenEnd != size {
		return &FormatError{"it holds bytes that belong to no member"}
	}
	return nil
}

// head reads bundle.json, before anything is refused that a newer version may
// have for good reasons.
func (b *Bundle) head(r io.ReaderAt, m member) error {
	data, err := content(r, m, maxHeader)
	if err != nil {
		return err
	}
	var h head
	if err := json.Unmarshal(data, &h); err != nil || h.Version < 1 {
		return &FormatError{headName + " names no version"}
	}
	if h.Version > Version {
		return &NewerError{Have: h.Version, Know: Version}
	}
	b.Instead = h.Instead
	return nil
}

// index takes in the artifacts, which must be those that the lock names.
func (b *Bundle) index(members []member) error {
	named := map[digest.Digest]bool{}
	for _, s := range b.Lock.Skills {
		named[s.Artifact] = true
	}
	for d, other := range b.Instead {
		if _, err := digest.Parse(string(other)); !named[d] || err != nil || other.Hex() == "" {
			return &FormatError{headName + " names an artifact instead of " + quote(string(d)) + ", which the lock does not"}
		}
	}
	for _, m := range members {
		hex, ok := strings.CutPrefix(m.Name, artifacts)
		d, err := digest.Parse("sha256:" + hex)
		if !ok || err != nil {
			return &FormatError{"it holds " + quote(m.Name)}
		}
		if _, twice := b.at[d]; twice {
			return &FormatError{"it holds " + quote(m.Name) + " twice"}
		}
		b.at[d] = m.extent
	}
	want := b.Artifacts()
	have := make([]digest.Digest, 0, len(b.at))
	for d := range b.at {
		have = append(have, d)
	}
	slices.Sort(have)
	if !slices.Equal(have, want) {
		return &FormatError{"its artifacts are not those that its lock names"}
	}
	return nil
}

// Copy writes the artifact d to w, or what is in the bundle instead of it. What was
// written counts only if the error is nil. It matches fs.ErrNotExist if the bundle
// has no such artifact, is a *FormatError if it is damaged, and else that of w.
func (b *Bundle) Copy(w io.Writer, d digest.Digest) error {
	stored := b.stored(d)
	at, ok := b.at[stored]
	if !ok {
		return fmt.Errorf("bundle has no artifact %s: %w", quote(string(d)), fs.ErrNotExist)
	}
	r, err := b.open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	_, err = io.Copy(w, digest.NewReader(io.NewSectionReader(r, at.offset, at.size), stored, at.size))
	if _, damaged := errors.AsType[*digest.MismatchError](err); damaged || errors.Is(err, digest.ErrSize) {
		return &FormatError{"artifact " + string(stored) + " is damaged"}
	}
	return err
}

// content reads a small member whole.
func content(r io.ReaderAt, m member, limit int64) ([]byte, error) {
	if m.size > limit {
		return nil, &FormatError{fmt.Sprintf("%s has %d bytes, the limit is %d", quote(m.Name), m.size, limit)}
	}
	data := make([]byte, m.size)
	if err := readAt(r, data, m.offset); err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(data) != m.CRC32 {
		return nil, &FormatError{quote(m.Name) + " is damaged"}
	}
	return data, nil
}

func readAt(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == io.EOF:
		return &FormatError{"it is cut off"}
	}
	return err
}

// quote returns text that is not ours in a form that is safe to print.
func quote(s string) string { return fmt.Sprintf("%+q", s[:min(len(s), maxName)]) }
