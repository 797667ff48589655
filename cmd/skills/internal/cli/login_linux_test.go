package cli_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/openskills-go/skills/cmd/skills/internal/cli"
	"github.com/openskills-go/skills/registry/clawhub/clawhubtest"
)

// A terminal is a pseudo-terminal: the side that the program has, and ours.
type terminal struct {
	t            *testing.T
	theirs, ours *os.File

	mu    sync.Mutex
	shown bytes.Buffer
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(ours.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	tty := &terminal{t: t, theirs: theirs, ours: ours}
	go func() {
		buf := make([]byte, 1024)
		for {
			n, err := ours.Read(buf)
			tty.mu.Lock()
			tty.shown.Write(buf[:n])
			tty.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = theirs.Close()
		_ = ours.Close()
	})
	return tty
}

func (tty *terminal) screen() string {
	tty.mu.Lock()
	defer tty.mu.Unlock()
	return tty.shown.String()
}

func (tty *terminal) echoes() bool {
	state, err := unix.IoctlGetTermios(int(tty.theirs.Fd()), unix.TCGETS)
	return err == nil && state.Lflag&unix.ECHO != 0
}

// until waits for what another goroutine does, as long as the test may take.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for !ok() {
		if t.Context().Err() != nil {
			t.Fatalf("no %s", what)
		}
		runtime.Gosched()
	}
}

// login runs skills at a terminal, and act meanwhile, which may end it.
func login(t *testing.T, tty *terminal, act func(interrupt func()), args ...string) (code int, out, home string) {
	t.Helper()
	home = t.TempDir()
	env := map[string]string{"SKILLS_HOME": home, "HOME": home, "SKILLS_KEYRING": "off"}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout bytes.Buffer
	var all sync.WaitGroup
	all.Go(func() {
		code = cli.Main(ctx, cli.Env{
			Args: args, Getenv: func(name string) string { return env[name] }, Getwd: func() (string, error) { return home, nil },
			Stdin: tty.theirs, Stdout: &stdout, Stderr: tty.theirs,
		})
	})
	act(cancel)
	all.Wait()
	return code, stdout.String(), home
}

func kept(t *testing.T, home string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(home, "config", "credentials.json"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

// A registry that offers it is logged in to in the browser: the terminal shows
// where, and never the token.
func TestLoginInTheBrowser(t *testing.T) {
	s := clawhubtest.New(t, clawhubtest.Options{Tokens: map[string]string{"s3cret-alice": "alice"}})
	tty := newTerminal(t)
	code, out, home := login(t, tty, func(func()) {}, "login", "clawhub+"+s.URL)
	if code != 0 || !strings.Contains(out, "as alice") || !strings.Contains(kept(t, home), "s3cret-alice") {
		t.Errorf("code %d, output %q, screen %q", code, out, tty.screen())
	}
	for _, want := range []string{s.URL + "/cli/device", "ABCD-EFGH"} {
		if !strings.Contains(tty.screen(), want) {
			t.Errorf("screen shows %q, and no %s", tty.screen(), want)
		}
	}
	if strings.Contains(tty.screen()+out, "s3cret") {
		t.Errorf("the token is shown: %q", tty.screen())
	}
}

func TestLoginInTheBrowserEnds(t *testing.T) {
	for _, test := range []struct {
		device string // how the registry ends it; "" is Ctrl-C
		code   int
	}{{"access_denied", 4}, {"expired_token", 4}, {"", 130}} {
		s := clawhubtest.New(t, clawhubtest.Options{Device: test.device, Tokens: map[string]string{"s3cret-alice": "alice"}, Pending: map[bool]int{true: 100}[test.device == ""]})
		tty := newTerminal(t)
		code, _, home := login(t, tty, func(interrupt func()) {
			if test.device == "" {
				until(t, "code", func() bool { return strings.Contains(tty.screen(), "Ctrl-C") })
				interrupt()
			}
		}, "login", "clawhub+"+s.URL)
		if code != test.code || kept(t, home) != "" {
			t.Errorf("%q: code %d, kept %q, screen %q", test.device, code, kept(t, home), tty.screen())
		}
	}
}

// What is typed or pasted is not shown, and the terminal shows what is typed again
// when the question is over, however it ended.
func TestLoginByTyping(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	for _, test := range []struct {
		typed string // "" is Ctrl-C
		code  int
		kept  bool
	}{{"s3cret-typed\n", 0, true}, {"s3cret typed\n", 2, false}, {"\n", 2, false}, {"", 130, false}} {
		for _, address := range []string{s.URL, "clawhub+" + s.URL} { // the second tries the browser first
			tty := newTerminal(t)
			code, out, home := login(t, tty, func(interrupt func()) {
				until(t, "question", func() bool { return strings.Contains(tty.screen(), "token for "+s.URL) && !tty.echoes() })
				if test.typed == "" {
					interrupt()
					return
				}
				if _, err := tty.ours.WriteString(test.typed); err != nil {
					t.Error(err)
				}
			}, "login", address)
			if code != test.code || strings.Contains(kept(t, home), "s3cret-typed") != test.kept {
				t.Errorf("%q: code %d, kept %q, screen %q", test.typed, code, kept(t, home), tty.screen())
			}
			if strings.Contains(tty.screen()+out, "s3cret") || !tty.echoes() {
				t.Errorf("%q: screen %q, output %q, echoes: %v", test.typed, tty.screen(), out, tty.echoes())
			}
		}
	}
}
