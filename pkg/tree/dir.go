package tree

import (
	"errors"
	"io"
	"io/fs"
	"os"
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

// Close releases the folder. What was written stays.
func (d *Dir) Close() error {
	d.raw.close()
	return d.root.Close()
}

// Writer creates the folder name and returns a Writer of the tree below it.
func (d *Dir) Writer(name string) (Writer, error) {
	w := &writer{dir: d, prefix: name + "/"}
	if err := w.mkdir(name); err != nil {
		return nil, err
	}
	return w, nil
}

type writer struct {
	dir    *Dir
	prefix string
}

func (w *writer) Mkdir(path string) error { return w.mkdir(w.prefix + path) }

func (w *writer) mkdir(path string) error {
	if err := w.dir.raw.mkdir(path); !errors.Is(err, errNoRaw) {
		return err
	}
	return w.dir.root.Mkdir(path, 0o755)
}

func (w *writer) Create(path string, mode fs.FileMode) (io.WriteCloser, error) {
	f, err := w.dir.raw.create(w.prefix+path, mode)
	if !errors.Is(err, errNoRaw) {
		return f, err
	}
	return w.dir.root.OpenFile(w.prefix+path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm())
}

// errNoRaw says that the platform has no guarded call of its own.
var errNoRaw = errors.New("not available")
