// Package unprivileged lets a test meet the permissions of files, as root too.
package unprivileged

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Run calls f without the right to pass over the permissions of files. What f
// starts in other goroutines still has it. The error says that it could not be
// given up; f was not called then.
func Run(f func()) error {
	done := make(chan error, 1)
	go func() {
		defer close(done) // f may end the goroutine
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		if err := drop(); err != nil {
			done <- err
			return
		}
		f()
	}()
	return <-done
}

func drop() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	sets[0].Effective &^= 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH
	if err := unix.Capset(&header, &sets[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}
