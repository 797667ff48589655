package tree

import (
	"errors"
	"io"
	"io/fs"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// rawDir creates files with openat2, which refuses to leave the folder or to
// follow a link, in one call where os.Root takes one per component. It spares the
// call by which os.File asks whether a regular file can be polled, too.
type rawDir struct {
	fd    int
	state *atomic.Bool // false once the kernel was seen to lack openat2
}

func openRaw(path string) rawDir {
	fd, err := unix.Open(path, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return rawDir{fd: -1, state: new(atomic.Bool)}
	}
	d := rawDir{fd: fd, state: new(atomic.Bool)}
	d.state.Store(true)
	return d
}

func (d rawDir) close() {
	if d.fd >= 0 {
		_ = unix.Close(d.fd)
	}
}

// mkdir needs no guard of its own: the folder is ours and private while it is
// written to, and every component of path was created by an earlier call.
func (d rawDir) mkdir(path string) error {
	if !d.state.Load() {
		return errNoRaw
	}
	if err := unix.Mkdirat(d.fd, path, 0o755); err != nil {
		return &fs.PathError{Op: "mkdir", Path: path, Err: err}
	}
	return nil
}

func (d rawDir) create(path string, mode fs.FileMode) (io.WriteCloser, error) {
	if !d.state.Load() {
		return nil, errNoRaw
	}
	how := unix.OpenHow{
		Flags:   unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_CLOEXEC,
		Mode:    uint64(mode.Perm()),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	for {
		fd, err := unix.Openat2(d.fd, path, &how)
		switch {
		case err == nil:
			return &rawFile{fd: fd, path: path}, nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
			// An old kernel, or a sandbox that answers EPERM to calls it does not know.
			d.state.Store(false)
			return nil, errNoRaw
		}
		return nil, &fs.PathError{Op: "create", Path: path, Err: err}
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

func (f *rawFile) Close() error {
	if err := unix.Close(f.fd); err != nil && !errors.Is(err, unix.EINTR) {
		return &fs.PathError{Op: "close", Path: f.path, Err: err}
	}
	return nil
}

// openRead opens a file to be read, and fails if it is a link. A fifo that took
// the place of a file does not block it.
func openRead(path string) (io.ReadCloser, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return &rawFile{fd: fd, path: path}, nil
	}
}
