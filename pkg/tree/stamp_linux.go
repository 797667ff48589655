package tree

import (
	"errors"

	"golang.org/x/sys/unix"
)

func (f *rawFile) stamp() Stamp {
	var st unix.Stat_t
	if f.fd < 0 || unix.Fstat(f.fd, &st) != nil {
		return Stamp{}
	}
	return stampFrom(&st)
}

func stampAt(path string) Stamp {
	var st unix.Stat_t
	for {
		err := unix.Lstat(path, &st)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return Stamp{}
		}
		return stampFrom(&st)
	}
}

func stampFrom(st *unix.Stat_t) Stamp {
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Stamp{}
	}
	return Stamp{
		known: true, dev: uint64(st.Dev), ino: st.Ino, size: st.Size, //nolint:unconvert // narrower on some platforms
		changed: st.Ctim.Nano(), written: st.Mtim.Nano(),
	}
}
