package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/openskills-go/skills/pkg/transport"
)

// A command is one run of git.
type command struct {
	args      []string
	dir       string    // the bare repository; "" is none
	protocols string    // that it may speak, see environment.fence
	url       string    // of the repository that it is about, for errors
	settings  []setting // besides those of the fence
	stdin     string
	limit     int64                         // how many bytes the repository may grow by; 0 is unlimited
	read      func(out *bufio.Reader) error // of what git says; nil drops it
}

var errKilled = errors.New("git was stopped")

// run runs git to its end, or until it makes no progress, takes too much room, or
// ctx ends.
func (s *Source) run(ctx context.Context, c command) error {
	tool, err := s.tool()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	parent := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Git outlives us if we are killed, and would wait for a silent server for ever.
	patience := strconv.Itoa(int(10*s.o.Stall/time.Second) + 1)
	env := s.env.fence(c.protocols, append([]setting{{"http.lowSpeedLimit", "1"}, {"http.lowSpeedTime", patience}}, c.settings...))
	dir := c.dir
	if dir == "" {
		dir = filepath.Dir(tool)
		env = append(env, "GIT_DIR="+filepath.Join(dir, "none.git")) // whatever repository the folder may be in
	} else {
		env = append(env, "GIT_DIR="+dir)
	}
	cmd := exec.CommandContext(ctx, tool, c.args...) //nolint:gosec // every argument is a constant, an id, or follows a --
	cmd.Env, cmd.Dir, cmd.WaitDelay = env, dir, waitDelay
	group(cmd)
	if c.stdin != "" {
		cmd.Stdin = strings.NewReader(c.stdin)
	}
	w := &watched{repo: c.dir, base: sizeOf(c.dir)}
	cmd.Stderr = w
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start git: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start git: %w", err)
	}
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { s.watch(ctx, w, c, cancel, done) })
	unblock := context.AfterFunc(ctx, func() { _ = pipe.Close() })
	out := bufio.NewReaderSize(w.count(pipe), 64<<10)
	var readErr error
	if c.read != nil {
		readErr = c.read(out)
	}
	if readErr != nil {
		cancel(errKilled)
	}
	_, _ = io.Copy(io.Discard, out)
	waitErr := cmd.Wait()
	close(done)
	watching.Wait()
	unblock()
	switch cause := context.Cause(ctx); {
	case parent.Err() != nil:
		return parent.Err()
	case cause != nil && !errors.Is(cause, errKilled):
		return cause
	case waitErr != nil && readErr == nil, errors.Is(readErr, io.ErrUnexpectedEOF):
		return s.failure(c, w.text(), waitErr)
	}
	return readErr
}

// waitDelay is how long the pipes of a killed git may stay open.
const waitDelay = 5 * time.Second

// watch ends a git that makes no progress or takes too much room.
func (s *Source) watch(ctx context.Context, w *watched, c command, cancel context.CancelCauseFunc, done <-chan struct{}) {
	const often = 100 * time.Millisecond
	tick := time.NewTicker(min(often, s.o.Stall/4+1))
	defer tick.Stop()
	last, since := w.progress(0), time.Now()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case now := <-tick.C:
			size := sizeOf(w.repo)
			if c.limit > 0 && size-w.base > c.limit {
				cancel(&transport.LimitError{URL: c.url, Limit: c.limit, Got: -1})
				return
			}
			if p := w.progress(size); p != last {
				last, since = p, now
			} else if now.Sub(since) > s.o.Stall {
				cancel(&transport.StalledError{URL: c.url, For: s.o.Stall})
				return
			}
		}
	}
}

// sizeOf sums up the packs of a repository, and what may become one.
func sizeOf(dir string) int64 {
	var sum int64
	if dir == "" {
		return 0
	}
	_ = filepath.WalkDir(filepath.Join(dir, "objects"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // files come and go while git works
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// A watched holds the end of what git says on stderr, and counts what comes.
type watched struct {
	repo string
	base int64 // size of the repository at the start

	mu   sync.Mutex
	n    int64
	tail []byte
}

func (w *watched) Write(p []byte) (int, error) {
	const most = 8 << 10
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n += int64(len(p))
	w.tail = append(w.tail, p...)
	if len(w.tail) > 2*most {
		w.tail = append(w.tail[:0], w.tail[len(w.tail)-most:]...)
	}
	return len(p), nil
}

func (w *watched) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.tail)
}

func (w *watched) progress(size int64) [2]int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return [2]int64{w.n, size}
}

// count returns r, whose bytes are progress too.
func (w *watched) count(r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		w.mu.Lock()
		w.n += int64(n)
		w.mu.Unlock()
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
