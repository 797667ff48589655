package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/mholt/archives"

	"github.com/openskills-go/skills/pkg/tree"
)

// Pack writes the skill in fsys to w as a zip whose bytes depend on nothing but
// the tree: its files at the top, sorted, with fixed times and without owners or
// folders. The skill is found as Unpack finds it; what Unpack would refuse, Pack
// refuses before it writes. What a repository or a system keeps beside the files
// (.git, .DS_Store) is left out and listed as dropped.
func Pack(ctx context.Context, w io.Writer, fsys fs.FS) (*Result, error) {
	p := packer{fsys: fsys}
	p.reset(nil, 0, nil, Options{})
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		return p.visit(name, d, err)
	})
	if err != nil {
		return nil, err
	}
	return p.write(ctx, w)
}

// PackFiles is Pack for files that are in memory, by slash-separated path. Modes
// follow from contents alone.
func PackFiles(ctx context.Context, w io.Writer, files map[string][]byte) (*Result, error) {
	return PackModes(ctx, w, files, nil, Limits{})
}

// PackModes is PackFiles where some files also have the x bit of their owner set,
// and under other limits.
func PackModes(ctx context.Context, w io.Writer, files map[string][]byte, x map[string]bool, l Limits) (*Result, error) {
	p := packer{files: files}
	p.reset(nil, 0, nil, Options{Limits: l})
	paths := make([]string, 0, len(files))
	for name := range files {
		paths = append(paths, name)
	}
	slices.Sort(paths)
	for _, name := range paths {
		e := entry{name: name, size: int64(len(files[name])), exec: x[name] || executable(files[name])}
		path, folder := normalise(name, false)
		if e.path = path; folder {
			return nil, &UnsafeError{Entry: name, Why: "is a file with the name of a folder"}
		}
		if err := p.add(e); err != nil {
			return nil, err
		}
	}
	return p.write(ctx, w)
}

// A packer puts files through the checks of an unpacker, then into a zip.
type packer struct {
	unpacker
	fsys  fs.FS
	files map[string][]byte
	git   []string // left out
}

// visit adds what a walk of the folder comes upon.
func (p *packer) visit(name string, d fs.DirEntry, err error) error {
	if err != nil {
		return fmt.Errorf("read %s: %w", quote(name), err)
	}
	if name == "." {
		return nil
	}
	if strings.EqualFold(d.Name(), ".git") {
		p.git = append(p.git, name)
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	info, err := d.Info()
	if err != nil {
		return fmt.Errorf("read %s: %w", quote(name), err)
	}
	e := entry{name: name, path: name, size: info.Size()}
	switch mode := info.Mode(); {
	case mode.IsDir():
		e.folder, e.size = true, 0
	case mode.IsRegular():
		if e.exec = mode&0o100 != 0; !e.exec {
			if e.exec, err = executableFile(p.fsys, name); err != nil {
				return fmt.Errorf("read %s: %w", quote(name), err)
			}
		}
	case mode&fs.ModeSymlink != 0:
		return &UnsafeError{Entry: name, Why: "is a symbolic link"}
	default:
		return &UnsafeError{Entry: name, Why: "is neither a file nor a folder"}
	}
	return p.add(e)
}

func executableFile(fsys fs.FS, name string) (bool, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	var head [4]byte
	n, err := io.ReadFull(f, head[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return false, err
	}
	return executable(head[:n]), nil
}

// write makes the zip out of the entries that were added.
func (p *packer) write(ctx context.Context, w io.Writer) (*Result, error) {
	root, err := findRoot(p.entries, &p.o)
	if err != nil {
		return nil, err
	}
	if err := p.place(root); err != nil {
		return nil, err
	}
	result := &Result{Root: root, Dropped: p.git}
	var taken []*entry
	for i := range p.entries {
		switch e := &p.entries[i]; {
		case e.rel != "":
			taken = append(taken, e)
		case e.junk && !e.folder:
			result.Dropped = append(result.Dropped, e.path)
		}
	}
	slices.SortFunc(taken, func(a, b *entry) int { return strings.Compare(a.rel, b.rel) })
	slices.Sort(result.Dropped)
	result.Tree.Files = make([]tree.File, len(taken))
	infos := make([]archives.FileInfo, len(taken))
	for i, e := range taken {
		infos[i] = p.info(e, result, &result.Tree.Files[i])
	}
	out := &errWriter{w: w}
	err = archives.Zip{Compression: methodDeflate}.Archive(ctx, out, infos)
	switch {
	case out.err != nil: // the zip writer's own Close hides it
		return nil, fmt.Errorf("write archive: %w", out.err)
	case p.failure != nil:
		return nil, p.failure
	case err != nil:
		return nil, fmt.Errorf("write archive: %w", err)
	}
	return result, nil
}

// info describes one file to the zip writer, and fills file as it is read.
func (p *packer) info(e *entry, result *Result, file *tree.File) archives.FileInfo {
	*file = tree.File{Path: e.rel, Mode: 0o644, Size: e.size}
	if e.exec {
		file.Mode = 0o755
	}
	return archives.FileInfo{
		FileInfo:      fileInfo{file},
		NameInArchive: e.rel,
		Open: func() (fs.File, error) {
			r, err := p.open(e)
			if err != nil {
				return nil, p.fail(fmt.Errorf("read %s: %w", quote(e.name), err))
			}
			packed := &packedFile{File: r, p: p, e: e, sum: file.Sum[:0], hash: sha256.New()}
			if e.rel == skillFile {
				packed.keep = &result.Skill
			}
			return packed, nil
		},
	}
}

func (p *packer) open(e *entry) (fs.File, error) {
	if p.files != nil {
		return memoryFile{Reader: bytes.NewReader(p.files[e.name])}, nil
	}
	return p.fsys.Open(e.name)
}

// A packedFile hashes a file while the zip writer reads it, and sees to it that
// the file is what the checks saw.
type packedFile struct {
	fs.File
	p    *packer
	e    *entry
	n    int64
	hash hash.Hash
	sum  []byte
	keep *[]byte
}

func (f *packedFile) Read(b []byte) (int, error) {
	n, err := f.File.Read(b) // CopyN asks for no more than the size
	f.n += int64(n)
	_, _ = f.hash.Write(b[:n])
	if f.keep != nil {
		*f.keep = append(*f.keep, b[:n]...)
	}
	if err != nil && err != io.EOF {
		return n, f.p.fail(fmt.Errorf("read %s: %w", quote(f.e.name), err))
	}
	return n, err
}

// Close looks whether there is more, and finishes the digest.
func (f *packedFile) Close() error {
	var one [1]byte
	if more, _ := f.File.Read(one[:]); more > 0 || f.n != f.e.size {
		_ = f.p.fail(fmt.Errorf("read %s: %w", quote(f.e.name), errChanged))
	}
	f.hash.Sum(f.sum)
	return f.File.Close()
}

var errChanged = errors.New("file changed while it was packed")

// packTime is the first moment that a zip can hold.
func packTime() time.Time { return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC) }

// A fileInfo shows a file of a tree as the zip writer wants it.
type fileInfo struct{ file *tree.File }

func (i fileInfo) Name() string       { return i.file.Path[strings.LastIndexByte(i.file.Path, '/')+1:] }
func (i fileInfo) Size() int64        { return i.file.Size }
func (i fileInfo) Mode() fs.FileMode  { return i.file.Mode }
func (i fileInfo) ModTime() time.Time { return packTime() }
func (i fileInfo) IsDir() bool        { return false }
func (i fileInfo) Sys() any           { return nil }

type memoryFile struct{ *bytes.Reader }

func (memoryFile) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }
func (memoryFile) Close() error               { return nil }

// An errWriter remembers the first error, and that no more is to be written.
type errWriter struct {
	w   io.Writer
	err error
}

func (w *errWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.w.Write(p)
	w.err = err
	return n, err
}
