package tree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A Dir is an open folder that trees are written into, each below a name of its
// own. Where the kernel can promise it (openat2 on Linux) it resolves every path
// beneath the folder and through no link in the one call that creates the file;
// elsewhere os.Root does. Several goroutines may write different trees.
type Dir struct {
	root *os.Root
	raw  rawDir
}

// OpenDir opens the folder at path, which must exist.
func OpenDir(path string) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &Dir{root: root, raw: openRaw(path)}, nil
}

// Close releases the folder, once no tree is written to any more. What was
// written stays.
func (d *Dir) Close() error {
	d.raw.close()
	return d.root.Close()
}

// Writer creates the folder name, which must be new, and returns a Writer of the
// tree below it.
func (d *Dir) Writer(name string) (WriteCloser, error) {
	if strings.Contains(name, "/") {
		return nil, refused("mkdir", name)
	}
	if err := (&writer{dir: d}).Mkdir(name); err != nil {
		return nil, err
	}
	return &writer{dir: d, prefix: name + "/"}, nil
}

type writer struct {
	dir    *Dir
	prefix string // "" or the folder of the tree and a slash
	above  folder // in which Mkdir made one last
}

func (w *writer) Close() error { return w.above.close() }

func (w *writer) Mkdir(path string) error {
	if !isBelow(path) {
		return refused("mkdir", path)
	}
	path = w.prefix + path
	if err := w.dir.raw.mkdir(path, &w.above); !errors.Is(err, errNoRaw) {
		return err
	}
	if err := w.dir.refuseLinks(path); err != nil {
		return err
	}
	return w.dir.root.Mkdir(path, 0o755)
}

func (w *writer) Create(path string, mode fs.FileMode) (io.WriteCloser, error) {
	if !isBelow(path) {
		return nil, refused("create", path)
	}
	path = w.prefix + path
	f, err := w.dir.raw.create(path, mode)
	if !errors.Is(err, errNoRaw) {
		return f, err
	}
	if err := w.dir.refuseLinks(path); err != nil {
		return nil, err
	}
	return w.dir.root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm())
}

// isBelow reports whether path, by its text, leads to something below the folder
// that it is relative to. Without it the path of one tree could lead into another
// one in the same Dir.
func isBelow(path string) bool {
	return fs.ValidPath(path) && path != "." && filepath.IsLocal(filepath.FromSlash(path))
}

func refused(op, path string) error {
	return fmt.Errorf("%s %+.80q: path leads elsewhere: %w", op, path, fs.ErrInvalid)
}

// refuseLinks fails if a folder on the way to path is a link. An os.Root follows
// one that stays in its folder, and so into another tree.
func (d *Dir) refuseLinks(path string) error {
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		info, err := d.root.Lstat(path[:i])
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return &fs.PathError{Op: "open", Path: path[:i], Err: syscall.ENOTDIR}
		}
	}
	return nil
}

// errNoRaw says that the platform has no guarded call of its own.
var errNoRaw = errors.New("not available")
