package install

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// holderOf returns who has the file at path locked, as far as the kernel tells
// this process: a holder in another PID namespace has no number here.
func holderOf(file string) Holder {
	var st unix.Stat_t
	if unix.Stat(file, &st) != nil {
		return Holder{}
	}
	locks, err := readSome("/proc/locks", 1<<20)
	if err != nil {
		return Holder{}
	}
	pid := lockedBy(locks, fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino))
	if pid <= 0 {
		return Holder{}
	}
	args, err := readSome(fmt.Sprintf("/proc/%d/cmdline", pid), 4<<10)
	command := commandOf(args)
	if err != nil || command == "" {
		return Holder{} // it ended meanwhile, or is none of our business
	}
	return Holder{PID: pid, Command: command}
}

// lockedBy finds the process that holds a lock of flock(2) on a file, in what
// /proc/locks says; 0 if there is none. A line is
//
//	1: FLOCK  ADVISORY  WRITE 4242 08:01:131074 0 EOF
//
// and one with "->" after its number is of a process that waits.
func lockedBy(locks []byte, file string) int {
	for line := range bytes.Lines(locks) {
		f := strings.Fields(string(line))
		if len(f) < 6 || f[1] != "FLOCK" || f[5] != file {
			continue
		}
		pid, err := strconv.Atoi(f[4])
		if err != nil {
			return 0
		}
		return pid
	}
	return 0
}

// commandOf makes "skills update" of the arguments of a process, each of which
// ends in a NUL. Of those after the program only one that looks like the name of a
// command is taken: others are nobody's business, and may be secret.
func commandOf(args []byte) string {
	const most = 40 // bytes
	list := strings.Split(strings.TrimSuffix(string(args), "\x00"), "\x00")
	if list[0] == "" {
		return ""
	}
	command := path.Base(list[0])
	command = strings.ToValidUTF8(command[:min(len(command), most)], "?")
	for _, arg := range list[1:] {
		if strings.HasPrefix(arg, "-") {
			continue
		}
		if strings.Trim(arg, "abcdefghijklmnopqrstuvwxyz-") == "" && len(arg) <= most {
			command += " " + arg
		}
		break
	}
	return command
}

// readSome reads a file that has no size of its own, up to most bytes.
func readSome(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, most))
}
