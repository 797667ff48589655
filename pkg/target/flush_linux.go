package target

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// Flush makes durable all that is below the folders trees, and the files and
// folders of paths themselves: here with one call for each file system they are
// on.
func Flush(trees, paths []string) error {
	seen := map[uint64]bool{}
	for _, path := range slices.Concat(trees, paths) {
		if err := flush(path, seen); err != nil {
			return fmt.Errorf("flush %s: %w", path, err)
		}
	}
	return nil
}

func flush(path string, seen map[uint64]bool) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if seen[st.Dev] {
		return nil
	}
	seen[st.Dev] = true
	return unix.Syncfs(fd)
}

// sameMount reports whether a rename can lead from one folder to another. Two
// mounts of one file system, as containers have them, have one device number and
// still no rename between them; kernels before 5.8 do not tell mounts apart.
func sameMount(a, b string) bool {
	var x, y unix.Statx_t
	const mask = unix.STATX_MNT_ID
	if unix.Statx(unix.AT_FDCWD, a, 0, mask, &x) != nil || unix.Statx(unix.AT_FDCWD, b, 0, mask, &y) != nil {
		return true // place finds out
	}
	return x.Dev_major == y.Dev_major && x.Dev_minor == y.Dev_minor && x.Mnt_id == y.Mnt_id
}
