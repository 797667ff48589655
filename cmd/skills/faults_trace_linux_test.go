//go:build linux && amd64

package main_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A tracer runs a program and sees each system call that may change a file, in
// the order in which they happen whatever the thread: so the program can be
// killed at every one of them in turn, which a count for each thread (that of
// strace) cannot promise.
type tracer struct {
	// at is called before call number n, from 1, and says what becomes of it.
	at   func(n int, c call) fate
	once bool // at makes one call fail at most, and nobody counts those after it

	calls   []call
	done    bool               // nothing more is to be done: the program goes on by itself
	pending map[int]unix.Errno // by thread: what its call is made to answer
}

// A call is a system call that changes files, or the close of one that was
// written to.
type call struct {
	name string
	path string
}

func (c call) String() string { return c.name + " " + c.path }

// A fate is what becomes of a call: nothing special, the end of the process, or
// an error.
type fate struct {
	kill  bool
	errno unix.Errno
}

// run starts cmd and follows it to its end. The error is that of cmd.Wait for
// a program that was not killed.
func (tr *tracer) run(t *testing.T, cmd *exec.Cmd) (code int) {
	t.Helper()
	tr.calls, tr.pending, tr.done = nil, map[int]unix.Errno{}, false
	// What is traced is bound to the thread that began to trace it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s traced: %v (the test needs ptrace)", cmd.Path, err)
	}
	pid := cmd.Process.Pid
	code, err := tr.follow(pid)
	if err != nil {
		_ = unix.Kill(pid, unix.SIGKILL)
		t.Fatalf("trace: %v", err)
	}
	_ = cmd.Process.Release()
	return code
}

func (tr *tracer) follow(pid int) (int, error) {
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	begun, code := false, killed
	for {
		var status unix.WaitStatus
		tid, err := unix.Wait4(-pid, &status, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			return code, nil
		case err != nil:
			return 0, fmt.Errorf("wait: %w", err)
		}
		if !status.Stopped() {
			if tid == pid && status.Exited() {
				code = status.ExitStatus()
			}
			continue
		}
		if !begun {
			begun = true
			if err := unix.PtraceSetOptions(pid, options); err != nil {
				return 0, fmt.Errorf("set options: %w", err)
			}
		}
		signal := 0
		switch stop := status.StopSignal(); stop {
		case unix.SIGTRAP | 0x80:
			tr.step(pid, tid)
		case unix.SIGTRAP, unix.SIGSTOP:
		default:
			signal = int(stop)
		}
		resume := unix.PtraceSyscall
		if tr.done {
			resume = unix.PtraceCont
		}
		if err := resume(tid, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return 0, fmt.Errorf("continue: %w", err)
		}
	}
}

// step looks at one stop of a thread, before or after a system call.
func (tr *tracer) step(pid, tid int) {
	info, err := syscallInfo(tid)
	if err != nil {
		return // killed meanwhile
	}
	if info.Op == opExit {
		if errno, ok := tr.pending[tid]; ok {
			delete(tr.pending, tid)
			tr.done = tr.once
			var regs unix.PtraceRegs
			if unix.PtraceGetRegs(tid, &regs) == nil {
				regs.Rax = uint64(-int64(errno))
				_ = unix.PtraceSetRegs(tid, &regs)
			}
		}
		return
	}
	c, ok := mutation(tid, info)
	if info.Op != opEntry || !ok {
		return
	}
	tr.calls = append(tr.calls, c)
	if tr.at == nil {
		return
	}
	switch f := tr.at(len(tr.calls), c); {
	case f.kill:
		_ = unix.Kill(pid, unix.SIGKILL)
	case f.errno != 0:
		var regs unix.PtraceRegs
		if unix.PtraceGetRegs(tid, &regs) == nil {
			regs.Orig_rax = ^uint64(0) // no such call: it does nothing
			_ = unix.PtraceSetRegs(tid, &regs)
			tr.pending[tid] = f.errno
		}
	}
}

const (
	opEntry = 1
	opExit  = 2
)

// syscallStop is struct ptrace_syscall_info of an entry.
type syscallStop struct {
	Op   uint8
	_    [3]uint8
	Arch uint32
	_    [2]uint64
	Nr   uint64
	Args [6]uint64
}

func syscallInfo(tid int) (*syscallStop, error) {
	var buf [128]byte
	n, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), uintptr(len(buf)), uintptr(unsafe.Pointer(&buf[0])), 0, 0)
	if errno != 0 || n == 0 {
		return nil, errno
	}
	var info syscallStop
	return &info, binary.Read(bytes.NewReader(buf[:]), binary.NativeEndian, &info)
}

// mutation describes the call that a thread is about to make, if it is one that
// may change files.
func mutation(tid int, s *syscallStop) (call, bool) {
	a := s.Args
	writes := func(flags uint64) bool { return flags&(unix.O_WRONLY|unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC) != 0 }
	switch s.Nr {
	case unix.SYS_OPENAT:
		return call{"openat", pathAt(tid, a[0], a[1])}, writes(a[2])
	case unix.SYS_OPENAT2:
		var flags [8]byte
		_, _ = unix.PtracePeekData(tid, uintptr(a[2]), flags[:])
		return call{"openat2", pathAt(tid, a[0], a[1])}, writes(binary.NativeEndian.Uint64(flags[:]))
	case unix.SYS_MKDIRAT:
		return call{"mkdirat", pathAt(tid, a[0], a[1])}, true
	case unix.SYS_UNLINKAT:
		return call{"unlinkat", pathAt(tid, a[0], a[1])}, true
	case unix.SYS_RENAMEAT:
		return call{"renameat", pathAt(tid, a[0], a[1]) + " to " + pathAt(tid, a[2], a[3])}, true
	case unix.SYS_RENAMEAT2:
		return call{"renameat2", pathAt(tid, a[0], a[1]) + " to " + pathAt(tid, a[2], a[3])}, true
	case unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_RENAME, unix.SYS_UNLINK, unix.SYS_MKDIR, unix.SYS_RMDIR,
		unix.SYS_LINK, unix.SYS_SYMLINK, unix.SYS_TRUNCATE, unix.SYS_CHMOD, unix.SYS_FCHMODAT, unix.SYS_UTIMENSAT:
		return call{"call " + strconv.FormatUint(s.Nr, 10), ""}, true
	case unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_WRITEV, unix.SYS_COPY_FILE_RANGE, unix.SYS_SENDFILE, unix.SYS_SPLICE:
		fd := a[0]
		if s.Nr == unix.SYS_COPY_FILE_RANGE || s.Nr == unix.SYS_SPLICE {
			fd = a[2]
		}
		path := fdPath(tid, fd)
		return call{"write", path}, fd > 2 && onDisk(path)
	case unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE, unix.SYS_FCHMOD:
		return call{"ftruncate", fdPath(tid, a[0])}, true
	case unix.SYS_SYNCFS, unix.SYS_FSYNC, unix.SYS_FDATASYNC:
		return call{"sync", fdPath(tid, a[0])}, true
	case unix.SYS_CLOSE:
		path := fdPath(tid, a[0])
		return call{"close", path}, onDisk(path) && openForWriting(tid, a[0])
	}
	return call{}, false
}

func onDisk(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "/dev/") && !strings.HasPrefix(path, "/proc/")
}

func fdPath(tid int, fd uint64) string {
	path, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, int32(fd)))
	return path
}

func openForWriting(tid int, fd uint64) bool {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", tid, int32(fd)))
	for line := range strings.Lines(string(data)) {
		if octal, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, _ := strconv.ParseUint(strings.TrimSpace(octal), 8, 64)
			return flags&unix.O_ACCMODE != unix.O_RDONLY
		}
	}
	return false
}

func pathAt(tid int, dirfd, addr uint64) string {
	path := peekString(tid, uintptr(addr))
	if filepath.IsAbs(path) || int32(dirfd) == unix.AT_FDCWD {
		return path
	}
	return filepath.Join(fdPath(tid, dirfd), path)
}

func peekString(tid int, addr uintptr) string {
	var text []byte
	var word [8]byte
	for len(text) < unix.PathMax {
		if _, err := unix.PtracePeekData(tid, addr+uintptr(len(text)), word[:]); err != nil {
			break
		}
		if i := bytes.IndexByte(word[:], 0); i >= 0 {
			return string(append(text, word[:i]...))
		}
		text = append(text, word[:]...)
	}
	return string(text)
}

// traced runs the program under tr.
func (s *scene) traced(tr *tracer, args ...string) outcome {
	s.t.Helper()
	cmd := s.command(args...)
	cmd.Env = append(cmd.Env, "GOMAXPROCS=1") // fewer threads are fewer stops
	// Files, not pipes: whoever reads a pipe would wait for it in another thread.
	out, errs := s.stream("stdout"), s.stream("stderr")
	cmd.Stdout, cmd.Stderr = out, errs
	code := tr.run(s.t, cmd)
	return outcome{s.t, args, code, s.drain(out), s.drain(errs)}
}

func (s *scene) stream(name string) *os.File {
	s.t.Helper()
	f, err := os.CreateTemp(s.scratch, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

func (s *scene) drain(f *os.File) string {
	s.t.Helper()
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		s.t.Fatal(err)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}
