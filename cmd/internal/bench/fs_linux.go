package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fileSystem names the kind of file system that a path is on.
func fileSystem(path string) string {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return "unknown"
	}
	switch kind := int64(st.Type); kind { //nolint:unconvert // it is an int32 on some machines
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlayfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.RAMFS_MAGIC:
		return "ramfs"
	default:
		return fmt.Sprintf("%#x", kind)
	}
}
