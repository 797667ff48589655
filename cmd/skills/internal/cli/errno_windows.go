package cli

import (
	"errors"
	"syscall"
)

// isQuota says whether err is ERROR_DISK_FULL or ERROR_HANDLE_DISK_FULL, which
// the syscall package does not take for ENOSPC.
func isQuota(err error) bool {
	return errors.Is(err, syscall.Errno(112)) || errors.Is(err, syscall.Errno(39))
}
