package tree

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// rawDir creates files with openat2, which refuses to leave the folder or to
// follow a link, in one call where os.Root takes one per component. It spares the
// call by which os.File asks whether a regular file can be polled, too. The zero
// value leaves everything to os.Root.
type rawDir struct {
	fd    int
	works *atomic.Bool // false once the kernel was seen to lack openat2; nil: there is no fd
}

func openRaw(path string) rawDir {
	fd, err := unix.Open(path, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return rawDir{}
	}
	d := rawDir{fd: fd, works: new(atomic.Bool)}
	d.works.Store(true)
	return d
}

// close may come twice: the number of the descriptor may be another file's by
// then.
func (d *rawDir) close() {
	if d.works != nil {
		_ = unix.Close(d.fd)
		*d = rawDir{}
	}
}

// A folder is open, to make folders in it. The zero value is none.
type folder struct {
	path string
	fd   int
}

func (f *folder) close() error {
	if f.path == "" {
		return nil
	}
	was := *f
	*f = folder{}
	if err := unix.Close(was.fd); err != nil && !errors.Is(err, unix.EINTR) {
		return &fs.PathError{Op: "close", Path: was.path, Err: err}
	}
	return nil
}

// mkdir needs the folder above open, since no call both makes a folder and refuses
// links. It stays open, in above, for the next: one name in an open folder leads
// through no link, and where there is a link of that name the call fails. What
// happens to the path of that folder meanwhile is of no matter, as with the Dir.
func (d *rawDir) mkdir(path string, above *folder) error {
	if d.works == nil || !d.works.Load() {
		return errNoRaw
	}
	fd, name := d.fd, path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		if above.path != path[:i] {
			_ = above.close()
			opened, err := d.open("mkdir", path[:i], unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC})
			if err != nil {
				return err
			}
			*above = folder{path: path[:i], fd: opened}
		}
		fd, name = above.fd, path[i+1:]
	}
	if err := unix.Mkdirat(fd, name, 0o755); err != nil {
		return &fs.PathError{Op: "mkdir", Path: path, Err: err}
	}
	return nil
}

func (d *rawDir) create(path string, mode fs.FileMode) (io.WriteCloser, error) {
	if d.works == nil || !d.works.Load() {
		return nil, errNoRaw
	}
	fd, err := d.open("create", path, unix.OpenHow{
		Flags: unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_CLOEXEC,
		Mode:  uint64(mode.Perm()),
	})
	if err != nil {
		return nil, err
	}
	return &rawFile{fd: fd, path: path}, nil
}

// open resolves path beneath the folder and through no link.
func (d *rawDir) open(op, path string, how unix.OpenHow) (int, error) {
	how.Resolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS
	for {
		fd, err := unix.Openat2(d.fd, path, &how)
		switch {
		case err == nil:
			return fd, nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
			// An old kernel, or a sandbox that answers EPERM to calls it does not know.
			d.works.Store(false)
			return -1, errNoRaw
		}
		return -1, &fs.PathError{Op: op, Path: path, Err: err}
	}
}

type rawFile struct {
	fd   int
	path string
}

func (f *rawFile) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := unix.Write(f.fd, p[done:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return done, &fs.PathError{Op: "write", Path: f.path, Err: err}
		}
		done += n
	}
	return done, nil
}

func (f *rawFile) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(f.fd, p)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, &fs.PathError{Op: "read", Path: f.path, Err: err}
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// Close may come twice: the number of the descriptor may be another file's by
// then.
func (f *rawFile) Close() error {
	if f.fd < 0 {
		return &fs.PathError{Op: "close", Path: f.path, Err: fs.ErrClosed}
	}
	defer func() { f.fd = -1 }()
	if err := unix.Close(f.fd); err != nil && !errors.Is(err, unix.EINTR) {
		return &fs.PathError{Op: "close", Path: f.path, Err: err}
	}
	return nil
}

// openFolder opens a folder to be listed, and fails if it is a link.
func openFolder(path string) (*os.File, error) {
	for {
		// os.OpenFile would take five calls to find out that a folder cannot be polled.
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return os.NewFile(uintptr(fd), path), nil
	}
}

// openRead opens a regular file to be read, and returns its size. It fails if
// the file is a link or anything else, and does not block on a fifo.
func openRead(path string) (io.ReadCloser, int64, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, 0, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		f := &rawFile{fd: fd, path: path}
		var st unix.Stat_t
		if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
			err = errNotFile
		}
		if err != nil {
			_ = f.Close()
			return nil, 0, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return f, st.Size, nil
	}
}
