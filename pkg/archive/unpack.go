package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"math"
	"sync"

	"github.com/mholt/archives"

	"github.com/openskills-go/skills/pkg/tree"
)

// An entry is a file or folder of an archive, as far as the first look tells.
type entry struct {
	name   string // as the archive has it
	path   string // checked and normalised; "" for the top
	rel    string // in the tree; "" if it is not taken
	size   int64
	folder bool
	junk   bool
	exec   bool
	zip    zipEntry
}

// An unpacker is the working memory of one call of Unpack. It is pooled, since
// making it anew costs more than unpacking an ordinary skill.
type unpacker struct {
	in       input
	limits   Limits
	o        Options
	dst      tree.Writer
	entries  []entry
	order    []int // of zip entries, by offset
	names    nameTable
	folders  map[string]struct{} // made in dst
	unpacked int64               // sum of declared sizes
	stream   tarStream
	gz       gunzip
	inflater inflater
	content  []byte // of one small file, or a chunk of a large one
	hash     hash.Hash
	result   *Result
	// failure is what stopped the current walk. It is kept beside the error that
	// the archives package returns, which repeats the names of entries raw.
	failure error
}

// Unpack checks the artifact that src holds, finds the skill in it and writes its
// tree to dst. Nothing is written before names, kinds and declared sizes of all
// entries were checked; a wrong checksum is found only while writing, so what dst
// received counts only if the error is nil. If dst is nil, everything is checked
// and hashed, and nothing written.
//
// An error that is the artifact's fault matches ErrRefused.
func Unpack(ctx context.Context, src io.ReaderAt, size int64, dst tree.Writer, o Options) (*Result, error) {
	u, _ := pool.Get().(*unpacker)
	if u == nil {
		u = &unpacker{folders: make(map[string]struct{}), hash: sha256.New()}
	}
	u.reset(src, size, dst, o)
	result, err := u.unpack(ctx)
	if u.in.err != nil {
		err = u.in.err // whatever a parser made of it
	}
	u.release()
	if err != nil {
		return nil, err
	}
	return result, nil
}

// pool holds no state: an unpacker from it is as good as a new one.
var pool sync.Pool //nolint:gochecknoglobals // a free list

func (u *unpacker) reset(src io.ReaderAt, size int64, dst tree.Writer, o Options) {
	u.in.reset(src, size)
	u.limits, u.o, u.dst = o.Limits.withDefaults(), o, dst
	u.unpacked, u.failure = 0, nil
	u.names.reset()
	u.result = &Result{}
}

// release forgets what belongs to the caller, and keeps no more memory than an
// ordinary artifact needs.
func (u *unpacker) release() {
	const mostEntries = 1024
	if cap(u.entries) > mostEntries {
		*u = unpacker{folders: make(map[string]struct{}), hash: u.hash, content: u.content, in: input{win: u.in.win}, inflater: u.inflater}
	}
	clear(u.entries)
	u.entries, u.order = u.entries[:0], u.order[:0]
	clear(u.folders)
	u.names.reset()
	u.in.reset(nil, 0)
	u.stream.reset(nil, 0)
	u.o, u.dst, u.result, u.failure = Options{}, nil, nil, nil
	pool.Put(u)
}

func (u *unpacker) unpack(ctx context.Context) (*Result, error) {
	if u.in.size > u.limits.Download {
		return nil, &LimitError{What: "bytes", Got: u.in.size, Limit: u.limits.Download, Flag: flagDownload}
	}
	head, err := u.in.view(0, int(min(u.in.size, detectSize)))
	if err != nil {
		return nil, err
	}
	format, err := Detect(head)
	if err != nil {
		return nil, err
	}
	if err := u.check(ctx, format); err != nil {
		return nil, err
	}
	root, err := findRoot(u.entries, &u.o)
	if err != nil {
		return nil, err
	}
	if err := u.place(root); err != nil {
		return nil, err
	}
	if err := u.walk(ctx, format); err != nil {
		return nil, err
	}
	r := u.result
	r.Root = root
	r.Tree.Sort()
	for i := range u.entries {
		if e := &u.entries[i]; e.junk && !e.folder {
			r.Dropped = append(r.Dropped, e.path)
		}
	}
	return r, nil
}

// check fills u.entries, or refuses.
func (u *unpacker) check(ctx context.Context, format Format) error {
	if format == Zip {
		return u.checkZip(ctx)
	}
	return u.checkTar(ctx, format)
}

// add checks what every entry must obey, and keeps it.
func (u *unpacker) add(e entry) error {
	if len(u.entries) >= u.limits.Entries {
		return &LimitError{What: "entries", Got: int64(len(u.entries)) + 1, Limit: int64(u.limits.Entries), Flag: flagEntries}
	}
	if e.path != "" || !e.folder {
		if err := checkPath(e.path, &u.limits); err != nil {
			return err
		}
	}
	if e.size > u.limits.File {
		return &LimitError{What: "bytes", Entry: e.name, Got: e.size, Limit: u.limits.File, Flag: flagFile}
	}
	// Both terms are below 2^63, so the sum is right as an unsigned number.
	if sum := uint64(u.unpacked) + uint64(e.size); sum > uint64(u.limits.Unpacked) {
		return &LimitError{What: "unpacked bytes", Got: saturate(sum), Limit: u.limits.Unpacked, Flag: flagUnpacked}
	}
	u.unpacked += e.size
	e.junk = junk(e.path)
	if !e.junk && e.path != "" {
		if err := u.names.add(e.path, e.folder); err != nil {
			return err
		}
	}
	u.entries = append(u.entries, e)
	return nil
}

// walk reads the archive through the archives package and writes what is taken.
func (u *unpacker) walk(ctx context.Context, format Format) error {
	taken := 0
	for i := range u.entries {
		if u.entries[i].rel != "" {
			taken++
		}
	}
	u.result.Tree.Files = make([]tree.File, 0, taken)
	next := 0
	visit := func(ctx context.Context, f archives.FileInfo) error {
		if next >= len(u.entries) {
			return u.fail(&UnsafeError{Entry: f.NameInArchive, Why: "appeared after the archive was checked"})
		}
		e := &u.entries[next]
		next++
		if f.NameInArchive != e.name || !e.folder && f.Size() != e.size {
			return u.fail(&UnsafeError{Entry: f.NameInArchive, Why: "changed after the archive was checked"})
		}
		if e.rel == "" {
			return nil
		}
		return u.fail(u.extract(ctx, format, e, f))
	}
	var err error
	if format == Zip {
		_, _ = u.in.Seek(0, io.SeekStart)
		err = archives.Zip{}.Extract(ctx, &u.in, visit)
	} else {
		err = u.rereadTar(ctx, format, visit)
	}
	if err = u.reason(format, "", err); err != nil {
		return err
	}
	if next != len(u.entries) {
		return &UnsafeError{Why: "it has fewer entries than when it was checked"}
	}
	return nil
}

func (u *unpacker) fail(err error) error {
	if u.failure == nil {
		u.failure = err
	}
	return err
}

// reason turns an error of a walk into the one to report.
func (u *unpacker) reason(format Format, name string, err error) error {
	switch {
	case u.in.err != nil:
		return u.in.err
	case u.failure != nil:
		return u.failure
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrRefused):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &FormatError{Format: format, Entry: name, Why: "is cut off"}
	}
	// What is left comes from the decoders; they do not repeat names.
	return &FormatError{Format: format, Entry: name, Why: "is damaged: " + err.Error()}
}

func saturate(n uint64) int64 { return int64(min(n, math.MaxInt64)) }
