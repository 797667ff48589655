package credential

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/zalando/go-keyring"
)

const (
	acme   = "https://skills.acme.test"
	public = "https://public.test"
	secret = "s3cret-hunter2"
)

// TestMain makes the test's own program the credential command of its tests.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "answer" {
		os.Exit(helper(os.Args[2]))
	}
	os.Exit(m.Run())
}

func helper(how string) int {
	asked, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	switch how {
	case "origin":
		fmt.Println("token-for-" + strings.TrimPrefix(strings.TrimSpace(asked), "origin="))
	case "crlf":
		fmt.Print(secret + "\r\n")
	case "nothing":
		fmt.Println()
	case "two":
		fmt.Print(secret + "\nand more\n")
	case "space":
		fmt.Print(secret + " x")
	case "much":
		_, _ = os.Stdout.WriteString(strings.Repeat("x", 1<<20))
	case "endless": // whatever becomes of what it prints
		signal.Ignore(syscall.SIGPIPE)
		for {
			_, _ = os.Stdout.WriteString("x")
		}
	case "fail":
		fmt.Print(secret)
		fmt.Fprintf(os.Stderr, "first line\nvault is \x1b[31mlocked, not %s\n", secret)
		return 3
	case "hang":
		select {}
	}
	return 0
}

func command(t *testing.T, how string) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{self, "answer", how}
}

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// bus makes the mocked keyring look reachable.
var bus = []string{"DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere"}

// A heard is what a Store told.
type heard struct{ warned, logged []string }

func newStore(t *testing.T, pairs ...string) (*Store, *heard) {
	t.Helper()
	h := new(heard)
	return &Store{
		Getenv: env(pairs...),
		Registries: []Registry{
			{Name: "acme", Origin: acme},
			{Name: "acme-two", Origin: "https://two.acme.test"},
			{Origin: public, Default: true},
			{Origin: "https://asked.test", Asked: true},
		},
		Path:      filepath.Join(t.TempDir(), "skills", FileName),
		NoKeyring: true,
		Warn:      func(format string, args ...any) { h.warned = append(h.warned, fmt.Sprintf(format, args...)) },
		Log:       func(format string, args ...any) { h.logged = append(h.logged, fmt.Sprintf(format, args...)) },
	}, h
}

// silent checks that nobody was told a secret.
func (h *heard) silent(t *testing.T, more ...error) {
	t.Helper()
	text := strings.Join(append(h.warned, h.logged...), "\n") + fmt.Sprint(more)
	if strings.Contains(text, secret) || strings.Contains(text, "\x1b") {
		t.Errorf("was told %q", text)
	}
}

func TestVariables(t *testing.T) {
	for _, test := range []struct {
		origin string
		env    []string
		from   string // "": no token
	}{
		{public, []string{"SKILLS_TOKEN", secret}, "SKILLS_TOKEN"},
		{public, []string{"SKILLS_TOKEN", secret + "\r\n"}, "SKILLS_TOKEN"},
		{public, []string{"SKILLS_TOKEN", ""}, ""},
		{public, []string{"SKILLS_TOKEN_ACME", secret, "CLAWHUB_TOKEN", secret}, ""},
		{acme, []string{"SKILLS_TOKEN_ACME", secret, "SKILLS_TOKEN", "other"}, "SKILLS_TOKEN_ACME"},
		{acme, []string{"SKILLS_TOKEN", secret, "SKILLS_TOKEN_ACME_TWO", secret}, ""},
		{"https://two.acme.test", []string{"SKILLS_TOKEN_ACME_TWO", secret}, "SKILLS_TOKEN_ACME_TWO"},
		{acme + ":8443", []string{"SKILLS_TOKEN_ACME", secret}, ""},
		{"http://skills.acme.test", []string{"SKILLS_TOKEN_ACME", secret}, ""},
		{"https://evil.test", []string{"SKILLS_TOKEN_ACME", secret, "SKILLS_TOKEN", secret, "CLAWHUB_TOKEN", secret}, ""},
		{"https://asked.test", []string{"SKILLS_TOKEN", secret}, ""},
		{"https://clawhub.ai", []string{"CLAWHUB_TOKEN", secret}, "CLAWHUB_TOKEN"},
		{"https://www.clawhub.ai", []string{"CLAWHUB_TOKEN", secret}, ""},
		{"https://clawhub.ai.evil.test", []string{"CLAWHUB_TOKEN", secret}, ""},
	} {
		s, h := newStore(t, test.env...)
		got, err := s.Find(t.Context(), test.origin)
		if err != nil || got.Where != test.from || (got.Token == secret) != (test.from != "") || (got.From == Environment) != (test.from != "") {
			t.Errorf("%s with %q: %+v, %v", test.origin, test.env, got, err)
		}
		h.silent(t)
	}
}

// What can be no token is an error at its place, and never passed over.
func TestBadTokens(t *testing.T) {
	for _, bad := range []string{"two words", "line\nbreak", "tab\tinside", "nul\x00", "esc\x1b[2J", "ünicode", strings.Repeat("x", MaxToken+1)} {
		s, h := newStore(t, "SKILLS_TOKEN", bad)
		_, err := s.Find(t.Context(), public)
		var token *TokenError
		if !errors.As(err, &token) || token.Where != "SKILLS_TOKEN" || strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
		if _, _, err := s.Save(t.Context(), acme, bad); !errors.As(err, &token) || strings.Contains(err.Error(), bad) {
			t.Errorf("saved %q: %v", bad, err)
		}
		if _, err := os.Stat(s.Path); err == nil {
			t.Errorf("%q: there is a file", bad)
		}
		h.silent(t, err)
	}
	if err := Check(strings.Repeat("x", MaxToken)); err != nil {
		t.Error(err)
	}
}

func TestCommand(t *testing.T) {
	for _, test := range []struct {
		how    string
		origin string
		want   string // token
		fails  string // part of the error
	}{
		{how: "origin", origin: acme, want: "token-for-" + acme},
		{how: "origin", origin: public, want: "token-for-" + public},
		{how: "origin", origin: "https://asked.test", want: "token-for-https://asked.test"},
		{how: "origin", origin: "https://evil.test"}, // nobody named it: it is not run
		{how: "fail", origin: "https://evil.test"},
		{how: "crlf", origin: acme, want: secret},
		{how: "nothing", origin: acme, want: "saved"},
		{how: "two", origin: acme, fails: "control character"},
		{how: "space", origin: acme, fails: "space"},
		{how: "much", origin: acme, fails: "longer"},
		{how: "endless", origin: acme, fails: "longer"},
		{how: "fail", origin: acme, fails: `exit status 3: "vault is \x1b[31mlocked, not REDACTED"`},
	} {
		s, h := newStore(t)
		s.Command = command(t, test.how)
		if _, _, err := s.Save(t.Context(), acme, "saved"); err != nil {
			t.Fatal(err)
		}
		got, err := s.Find(t.Context(), test.origin)
		if test.fails != "" {
			var failed *CommandError
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), test.fails) || got.Token != "" {
				t.Errorf("%s: %+v, %v", test.how, got, err)
			}
		} else if err != nil || got.Token != test.want {
			t.Errorf("%s for %s: %+v, %v", test.how, test.origin, got, err)
		}
		h.silent(t, err)
	}
}

// The environment comes before the command, which is then not run.
func TestEnvironmentBeforeCommand(t *testing.T) {
	s, _ := newStore(t, "SKILLS_TOKEN_ACME", secret)
	s.Command = command(t, "fail")
	if got, err := s.Find(t.Context(), acme); err != nil || got.From != Environment {
		t.Errorf("%+v, %v", got, err)
	}
}

// A program of the current folder is anyone's.
func TestCommandIsNotOfTheFolder(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("PATH", ".")
	for _, name := range []string{"helper", "./helper", "bin/helper", "helper.exe"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho "+secret+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		s, _ := newStore(t)
		s.Command = []string{name}
		var failed *CommandError
		if got, err := s.Find(t.Context(), acme); !errors.As(err, &failed) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestCommandEndsWithItsCaller(t *testing.T) {
	s, _ := newStore(t)
	s.Command = command(t, "hang")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Find(ctx, acme); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// Without a keyring a token is in a file that only its owner reads; it is found
// for its origin and for no other, and is gone after it was deleted.
func TestFile(t *testing.T) {
	s, h := newStore(t)
	in, instead, err := s.Save(t.Context(), acme, secret)
	if err != nil || in.From != File || in.Where != s.Path || instead == nil {
		t.Fatalf("saved in %+v, instead of %v: %v", in, instead, err)
	}
	if _, _, err := s.Save(t.Context(), "https://other.test", "other"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.Path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
	for origin, want := range map[string]string{acme: secret, "https://other.test": "other", public: "", acme + ":8443": "", "http://skills.acme.test": ""} {
		if got, err := s.Find(t.Context(), origin); err != nil || got.Token != want {
			t.Errorf("%s: %+v, %v", origin, got, err)
		}
	}
	for range 2 { // the second finds nothing to delete
		if _, err := s.Delete(t.Context(), acme); err != nil {
			t.Error(err)
		}
		if got, err := s.Find(t.Context(), acme); err != nil || got.From != Nowhere {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if got, err := s.Delete(t.Context(), "https://other.test"); err != nil || got.From != File {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := os.Stat(s.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
	h.silent(t)
	if len(h.warned) > 0 {
		t.Errorf("warned of %q", h.warned)
	}
}

func TestFileFaults(t *testing.T) {
	token := `"token": "` + secret + `"`
	for name, text := range map[string]string{
		"empty":           "",
		"cut":             `{"version": 1, "credentials": {"` + acme + `": {` + token,
		"a wrong type":    `{"version": 1, "credentials": {"` + acme + `": "` + secret + `"}}`,
		"a list":          `[{` + token + `}]`,
		"no version":      `{"credentials": {"` + acme + `": {` + token + `}}}`,
		"a newer version": `{"version": 2, "credentials": {"` + acme + `": {` + token + `}}}`,
		"a bad token":     `{"version": 1, "credentials": {"` + acme + `": {"token": "` + secret + ` x"}}}`,
		"no token":        `{"version": 1, "credentials": {"` + acme + `": {}}}`,
		"too large":       `{"version": 1}` + strings.Repeat(" ", maxFile),
	} {
		s, h := newStore(t)
		write(t, s.Path, text, 0o600)
		_, err := s.Find(t.Context(), acme)
		if err == nil || !strings.Contains(err.Error(), s.Path) {
			t.Errorf("%s: %v", name, err)
		}
		h.silent(t, err)
		if strings.HasPrefix(name, "no token") || name == "a bad token" {
			continue
		}
		// It is not replaced either: what is in it may be all that there is.
		_, _, err = s.Save(t.Context(), public, secret)
		left, readErr := os.ReadFile(s.Path)
		if err == nil || readErr != nil || string(left) != text {
			t.Errorf("%s: saved over it: %v, %v", name, err, readErr)
		}
		h.silent(t, err)
	}
	s, _ := newStore(t)
	if err := os.MkdirAll(s.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(t.Context(), acme); err == nil {
		t.Error("a folder was read")
	}
	s.Path = ""
	if _, _, err := s.Save(t.Context(), acme, secret); !errors.Is(err, ErrNoFolder) {
		t.Errorf("error is %v", err)
	}
	if got, err := s.Find(t.Context(), acme); err != nil || got.Token != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// A file that others can read is used with a warning, and closed to them by the
// next login. A link to it stays one.
func TestFileOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // there are no such modes
	}
	s, h := newStore(t)
	real := filepath.Join(t.TempDir(), "dotfiles.json")
	write(t, real, `{"version": 1, "credentials": {"`+acme+`": {"token": "`+secret+`", "later": 1}}, "later": 2}`, 0o644)
	if err := os.MkdirAll(filepath.Dir(s.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, s.Path); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Find(t.Context(), acme); err != nil || got.Token != secret {
		t.Errorf("%+v, %v", got, err)
	}
	if len(h.warned) != 1 || !strings.Contains(h.warned[0], "chmod 600 "+s.Path) {
		t.Errorf("warned of %q", h.warned)
	}
	if _, _, err := s.Save(t.Context(), public, secret); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(real)
	link, linkErr := os.Lstat(s.Path)
	if err != nil || linkErr != nil || info.Mode().Perm() != 0o600 || link.Mode()&os.ModeSymlink == 0 {
		t.Errorf("file is %v, link is %v: %v, %v", info.Mode(), link.Mode(), err, linkErr)
	}
	h.silent(t)
}

// Logins at once do not lose each other.
func TestManyLogins(t *testing.T) {
	s, _ := newStore(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if _, _, err := s.Save(t.Context(), fmt.Sprintf("https://%d.test", i), secret); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	f, err := s.read()
	if err != nil || len(f.Credentials) != 8 {
		t.Errorf("%d are left: %v", len(f.Credentials), err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(s.Path), ".credentials-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// The keyring here is the library's mock: a real one needs a session bus and
// somebody to unlock it.
func TestKeyring(t *testing.T) {
	keyring.MockInit()
	s, h := newStore(t, bus...)
	s.NoKeyring = false
	in, instead, err := s.Save(t.Context(), acme, secret)
	if err != nil || in.From != Keyring || instead != nil {
		t.Fatalf("saved in %+v, instead of %v: %v", in, instead, err)
	}
	text, err := os.ReadFile(s.Path)
	if err != nil || strings.Contains(string(text), secret) || !strings.Contains(string(text), acme) {
		t.Errorf("the file holds %s, %v", text, err)
	}
	if got, err := s.Find(t.Context(), acme); err != nil || got.Token != secret || got.From != Keyring {
		t.Errorf("%+v, %v", got, err)
	}
	if token, err := keyring.Get("skills", acme); err != nil || token != secret {
		t.Errorf("the keyring holds %q, %v", token, err)
	}
	// Nobody logged in there: the keyring is not asked.
	if err := keyring.Set("skills", public, secret); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Find(t.Context(), public); err != nil || got.Token != "" {
		t.Errorf("%+v, %v", got, err)
	}
	if was, err := s.Delete(t.Context(), acme); err != nil || was.From != Keyring {
		t.Errorf("%+v, %v", was, err)
	}
	if _, err := keyring.Get("skills", acme); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("the keyring still has it: %v", err)
	}
	if got, err := s.Find(t.Context(), acme); err != nil || got.Token != "" {
		t.Errorf("%+v, %v", got, err)
	}
	h.silent(t)
}

// A keyring that does not work: a token goes into the file; one that is in it is
// missed aloud; and one that could not be deleted is not said to be gone.
func TestKeyringThatIsLocked(t *testing.T) {
	keyring.MockInit()
	s, h := newStore(t, bus...)
	s.NoKeyring = false
	if _, _, err := s.Save(t.Context(), acme, secret); err != nil {
		t.Fatal(err)
	}
	locked := errors.New("failed to unlock correct collection")
	keyring.MockInitWithError(locked)
	if got, err := s.Find(t.Context(), acme); err != nil || got.Token != "" || len(h.warned) != 1 || !strings.Contains(h.warned[0], acme) {
		t.Errorf("%+v, %v, warned of %q", got, err, h.warned)
	}
	if _, err := s.Delete(t.Context(), acme); !errors.Is(err, locked) {
		t.Errorf("deleted: %v", err)
	}
	if in, err := s.Saved(acme); err != nil || in.From != Keyring {
		t.Errorf("%+v, %v", in, err)
	}
	in, instead, err := s.Save(t.Context(), acme, secret)
	if err != nil || in.From != File || !errors.Is(instead, locked) {
		t.Errorf("saved in %+v, instead of %v: %v", in, instead, err)
	}
	if got, err := s.Find(t.Context(), acme); err != nil || got.From != File || got.Token != secret {
		t.Errorf("%+v, %v", got, err)
	}
	keyring.MockInit() // and empty: somebody deleted it there
	s2, h2 := newStore(t, bus...)
	s2.NoKeyring = false
	write(t, s2.Path, `{"version": 1, "credentials": {"`+acme+`": {"keyring": true}}}`, 0o600)
	if got, err := s2.Find(t.Context(), acme); err != nil || got.Token != "" || len(h2.warned) != 1 {
		t.Errorf("%+v, %v, warned of %q", got, err, h2.warned)
	}
	if _, err := s2.Delete(t.Context(), acme); err != nil {
		t.Error(err)
	}
	h.silent(t)
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
