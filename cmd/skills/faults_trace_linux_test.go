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
// strace) cannot promise. One call is over before the next begins.
type tracer struct {
	// at is called before call number n, from 1, and says what becomes of it. Until
	// it returns nothing on disk changes.
	at   func(n int, c call) fate
	once bool // at makes one call fail at most, and nobody counts those after it

	calls []call
	done  bool // nothing more is to be done: the program goes on by itself
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
	tr.calls, tr.done = nil, false
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

// A stop is what a thread was found to have come to.
type stop struct {
	tid    int
	status unix.WaitStatus
}

func (tr *tracer) follow(pid int) (int, error) {
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL | unix.PTRACE_O_TRACESECCOMP
	begun, code := false, killed
	var others []stop // wait until the call that is under way is over
	busy := 0         // the thread that makes it
	for {
		var at stop
		if busy == 0 && len(others) > 0 {
			at, others = others[0], others[1:]
		} else {
			var err error
			at.tid, err = unix.Wait4(-pid, &at.status, unix.WALL, nil)
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case errors.Is(err, unix.ECHILD):
				return code, nil
			case err != nil:
				return 0, fmt.Errorf("wait: %w", err)
			}
		}
		switch {
		case !at.status.Stopped():
			if at.tid == pid && at.status.Exited() {
				code = at.status.ExitStatus()
			}
			if at.tid == busy {
				busy = 0
			}
			continue
		case busy != 0 && at.tid != busy:
			others = append(others, at)
			continue
		}
		if !begun {
			begun = true
			if err := errors.Join(unix.PtraceSetOptions(pid, options), filter(pid)); err != nil {
				return 0, fmt.Errorf("begin: %w", err)
			}
		}
		resume, signal := unix.PtraceCont, 0
		switch why := at.status.StopSignal(); {
		case at.status.TrapCause() == unix.PTRACE_EVENT_SECCOMP:
			if tr.step(pid, at.tid) {
				busy, resume = at.tid, unix.PtraceSyscall // to its end
			}
		case why == unix.SIGTRAP|0x80:
			busy = 0
		case why == unix.SIGTRAP, why == unix.SIGSTOP:
		default:
			signal = int(why)
			if at.tid == busy {
				resume = unix.PtraceSyscall
			}
		}
		if err := resume(at.tid, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return 0, fmt.Errorf("continue: %w", err)
		}
	}
}

// step looks at a thread that is about to make a system call, and reports whether
// that may change files.
func (tr *tracer) step(pid, tid int) bool {
	if tr.done {
		return false
	}
	info, err := syscallInfo(tid)
	if err != nil {
		return false // killed meanwhile
	}
	c, ok := mutation(tid, info)
	if !ok {
		return false
	}
	tr.calls = append(tr.calls, c)
	if tr.at == nil {
		return true
	}
	switch f := tr.at(len(tr.calls), c); {
	case f.kill:
		_ = unix.Kill(pid, unix.SIGKILL)
	case f.errno != 0:
		tr.done = tr.once
		var regs unix.PtraceRegs
		if unix.PtraceGetRegs(tid, &regs) == nil {
			// No such call: it does nothing, and answers this.
			regs.Orig_rax, regs.Rax = ^uint64(0), uint64(-int64(f.errno))
			_ = unix.PtraceSetRegs(tid, &regs)
		}
		return false
	}
	return true
}

// traced are the calls that a program is stopped at.
var traced = []uint32{
	unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_MKDIRAT, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT,
	unix.SYS_SYMLINKAT, unix.SYS_RENAME, unix.SYS_UNLINK, unix.SYS_MKDIR, unix.SYS_RMDIR, unix.SYS_LINK, unix.SYS_SYMLINK,
	unix.SYS_TRUNCATE, unix.SYS_CHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2, unix.SYS_UTIMENSAT, unix.SYS_WRITE, unix.SYS_PWRITE64,
	unix.SYS_WRITEV, unix.SYS_COPY_FILE_RANGE, unix.SYS_SENDFILE, unix.SYS_SPLICE, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE,
	unix.SYS_FCHMOD, unix.SYS_SYNCFS, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_CLOSE,
}

// filter makes a process that has just begun stop at the calls of traced and at no
// others, which are nine in ten: it makes the process itself set the filter.
func filter(pid int) error {
	var saved unix.PtraceRegs
	if err := unix.PtraceGetRegs(pid, &saved); err != nil {
		return err
	}
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}}
	for i, nr := range traced {
		program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(len(traced) - i), K: nr})
	}
	program = append(program,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_TRACE})
	at := saved.Rsp&^15 - 4096 // what is below the stack is free
	var data bytes.Buffer
	for _, v := range []any{uint64(len(program)), at + 16, program} {
		if err := binary.Write(&data, binary.NativeEndian, v); err != nil {
			return err
		}
	}
	was := make([]byte, 2)
	if _, err := unix.PtracePeekText(pid, uintptr(saved.Rip), was); err != nil {
		return err
	}
	_, err := unix.PtracePokeText(pid, uintptr(saved.Rip), []byte{0x0f, 0x05}) // syscall
	if err == nil {
		_, err = unix.PtracePokeData(pid, uintptr(at), data.Bytes())
	}
	for _, args := range [][4]uint64{
		{unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0}, {unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, at},
	} {
		if err != nil {
			return err
		}
		regs := saved
		regs.Rax, regs.Rdi, regs.Rsi, regs.Rdx, regs.R10, regs.R8 = args[0], args[1], args[2], args[3], 0, 0
		var status unix.WaitStatus
		err = errors.Join(unix.PtraceSetRegs(pid, &regs), unix.PtraceSingleStep(pid))
		if err == nil {
			_, err = unix.Wait4(pid, &status, unix.WALL, nil)
		}
		if err = errors.Join(err, unix.PtraceGetRegs(pid, &regs)); err == nil && regs.Rax != 0 {
			err = unix.Errno(-int64(regs.Rax))
		}
	}
	_, perr := unix.PtracePokeText(pid, uintptr(saved.Rip), was)
	return errors.Join(err, perr, unix.PtraceSetRegs(pid, &saved))
}

// syscallStop is struct ptrace_syscall_info of a call that a filter stopped.
type syscallStop struct {
	Op   uint8
	_    [3]uint8
	Arch uint32
	_    [2]uint64
	Nr   uint64
	Args [6]uint64
}

func syscallInfo(tid int) (*syscallStop, error) {
	var info syscallStop
	n, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 || n == 0 {
		return nil, errno
	}
	return &info, nil
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
