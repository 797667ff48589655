//go:build unix

package git

import (
	"os/exec"
	"syscall"
)

// group makes cmd the head of a process group, which is killed as one: git starts
// ssh and helpers that talk to the network.
func group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
