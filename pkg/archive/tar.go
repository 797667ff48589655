package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mholt/archives"
)

const tarBlock = 512

// checkTar reads a whole tar once, without keeping any of it but its names: there
// is no directory to know them from. A small one is kept inflated for the second
// reading.
func (u *unpacker) checkTar(ctx context.Context, format Format) error {
	u.failure = nil
	source, err := u.tarSource(format)
	if err != nil {
		return u.reason(format, "", err)
	}
	u.stream.reset(source, u.limits.TarHeaders)
	u.stream.keep = format == TarGz
	err = archives.Tar{}.Extract(ctx, &u.stream, func(_ context.Context, f archives.FileInfo) error {
		return u.fail(u.checkTarEntry(f))
	})
	if err == nil {
		err = u.stream.finish()
	}
	err = u.reason(format, "", err)
	// What is no tar at all says more about itself than the tar reader does.
	head := u.stream.memory[:min(tarBlock, len(u.stream.memory))]
	if broken := (*FormatError)(nil); errors.As(err, &broken) && len(head) > 0 && len(u.entries) == 0 && !isTarHeader(head) {
		return notTar(head)
	}
	return err
}

// notTar says what a gzip stream that begins with head holds.
func notTar(head []byte) error {
	is := describe(head)
	if f, err := Detect(head); err == nil {
		is = "a " + f.String() + " archive"
	}
	return &FormatError{Why: "not a tar.gz archive but a gzip stream of " + is}
}

func (u *unpacker) checkTarEntry(f archives.FileInfo) error {
	h, ok := f.Header.(*tar.Header)
	if !ok {
		return &FormatError{Format: Tar, Entry: f.NameInArchive, Why: "has no header"}
	}
	path, slash := normalise(h.Name, false)
	e := entry{name: h.Name, path: path, size: h.Size}
	switch h.Typeflag {
	case tar.TypeReg:
		if slash {
			return &UnsafeError{Entry: h.Name, Why: "is a file with the name of a folder"}
		}
		if h.Linkname != "" {
			return &UnsafeError{Entry: h.Name, Why: "is a file with the target of a link"}
		}
		e.exec = h.Mode&0o100 != 0
	case tar.TypeDir:
		e.folder = true
		if h.Size != 0 {
			return &UnsafeError{Entry: h.Name, Why: "is a folder with content"}
		}
	default:
		return &UnsafeError{Entry: h.Name, Why: "is " + tarType(h.Typeflag)}
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return &UnsafeError{Entry: h.Name, Why: "is " + tarType(tar.TypeGNUSparse)}
		}
	}
	if err := u.add(e); err != nil {
		return err
	}
	u.stream.content(h.Size)
	return nil
}

func tarType(t byte) string {
	switch t {
	case tar.TypeLink:
		return "a hard link"
	case tar.TypeSymlink:
		return "a symbolic link"
	case tar.TypeChar, tar.TypeBlock:
		return "a device"
	case tar.TypeFifo:
		return "a named pipe"
	case tar.TypeGNUSparse:
		return "a sparse file"
	}
	return fmt.Sprintf("of an unknown type %+q", t)
}

// tarSource returns the tar's bytes, from the start.
func (u *unpacker) tarSource(format Format) (io.Reader, error) {
	u.in.pos = 0
	if format == Tar {
		return &u.in, nil
	}
	return &u.gz, u.gz.reset(&u.in)
}

// rereadTar is the second reading of a tar that checkTar accepted.
func (u *unpacker) rereadTar(ctx context.Context, format Format, visit archives.FileHandler) error {
	if u.stream.keep {
		u.stream.rewind()
	} else {
		source, err := u.tarSource(format)
		if err != nil {
			return err
		}
		u.stream.reset(source, u.limits.TarHeaders)
	}
	return archives.Tar{}.Extract(ctx, &u.stream, func(ctx context.Context, f archives.FileInfo) error {
		// What was right the first time may be wrong now if the file is being written to.
		u.stream.content(f.Size())
		return visit(ctx, f)
	})
}

// A tarStream counts what a tar reader takes: content was accounted for by the
// sizes of the entries, so that the rest, which is headers, can be bounded.
type tarStream struct {
	r       io.Reader
	read    int64 // so far
	end     int64 // of the last entry's content, with its padding
	headers int64 // bytes that were no content, up to end
	most    int64 // that headers may become

	keep   bool // all that was read is in memory
	memory []byte
	again  bytes.Reader
}

func (s *tarStream) reset(r io.Reader, mostHeaders int64) {
	s.again.Reset(nil)
	*s = tarStream{r: r, most: mostHeaders, memory: s.memory[:0], again: s.again}
}

// content says that a header was read and size bytes of content follow. It is
// called for sizes that were checked.
func (s *tarStream) content(size int64) {
	s.headers += s.read - s.end
	s.end = s.read + (size+tarBlock-1)/tarBlock*tarBlock
}

func (s *tarStream) Read(p []byte) (int, error) {
	room := s.end + s.most - s.headers - s.read
	if room <= 0 {
		return 0, &LimitError{What: "bytes of headers", Got: s.headers + s.read - s.end + 1, Limit: s.most}
	}
	n, err := s.r.Read(p[:min(int64(len(p)), room)])
	s.read += int64(n)
	if s.keep {
		if s.keep = s.read <= memorySize; s.keep {
			s.memory = append(s.memory, p[:n]...)
		}
	}
	return n, err
}

// finish reads on after the end of the archive, where only zeros may be, until
// the source has compared its checksums.
func (s *tarStream) finish() error {
	if s.read <= s.end {
		return io.ErrUnexpectedEOF // no block of zeros marked the end
	}
	var block [4096]byte
	for total := int64(0); ; {
		n, err := s.r.Read(block[:])
		total += int64(n)
		for _, c := range block[:n] {
			if c != 0 {
				return &UnsafeError{Why: "there are bytes after its end"}
			}
		}
		if total > maxTrailer {
			return &LimitError{What: "bytes after its end", Got: total, Limit: maxTrailer}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// rewind makes the stream begin again, from memory.
func (s *tarStream) rewind() {
	s.again.Reset(s.memory)
	s.r, s.keep = &s.again, false
	s.read, s.end, s.headers = 0, 0, 0
}

// A gunzip reads the members of a gzip file one after the other (RFC 1952, 2.2).
// The reader would do that itself, but takes what follows the last one for a
// broken member, and any number of empty ones.
type gunzip struct {
	br      *bufio.Reader
	z       gzipReader
	members int
}

// A gzipReader is what archives.Gz opens.
type gzipReader interface {
	io.Reader
	Reset(io.Reader) error
	Multistream(bool)
}

func (g *gunzip) reset(r io.Reader) error {
	g.members = 1
	if g.br == nil {
		g.br = bufio.NewReaderSize(r, 32<<10)
	} else {
		g.br.Reset(r)
	}
	if g.z != nil {
		return g.next()
	}
	z, err := archives.Gz{DisableMultistream: true}.OpenReader(g.br)
	if err != nil {
		return err
	}
	reader, ok := z.(gzipReader)
	if !ok {
		return fmt.Errorf("open gzip: unexpected reader %T", z)
	}
	g.z = reader
	return nil
}

func (g *gunzip) next() error {
	if err := g.z.Reset(g.br); err != nil {
		return err
	}
	g.z.Multistream(false)
	return nil
}

func (g *gunzip) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if n > 0 || err != io.EOF {
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
		head, err := g.br.Peek(2)
		if len(head) == 0 {
			return 0, err
		}
		if string(head) != "\x1f\x8b" {
			return 0, &UnsafeError{Why: "there are bytes after the end of its gzip stream"}
		}
		if g.members++; g.members > maxMembers {
			return 0, &LimitError{What: "gzip members", Got: int64(g.members), Limit: maxMembers}
		}
		if err := g.next(); err != nil {
			return 0, err
		}
	}
}
