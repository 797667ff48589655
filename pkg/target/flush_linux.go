package target

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Flush makes all that was written below the folders durable: one call for each
// file system they are on.
func Flush(dirs []string) error {
	seen := map[uint64]bool{}
	for _, dir := range dirs {
		if err := flush(dir, seen); err != nil {
			return fmt.Errorf("flush %s: %w", dir, err)
		}
	}
	return nil
}

func flush(dir string, seen map[uint64]bool) error {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_CLOEXEC, 0)
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

// sameDevice reports whether two folders are on one file system.
func sameDevice(a, b string) bool {
	var x, y unix.Stat_t
	return unix.Stat(a, &x) == nil && unix.Stat(b, &y) == nil && x.Dev == y.Dev
}
