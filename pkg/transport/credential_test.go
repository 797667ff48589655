package transport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const secret = "hunter2-hunter2" // what checkText looks for

func TestOrigin(t *testing.T) {
	for _, test := range []struct{ url, want string }{
		{"https://Registry.test/a?b#c", "https://registry.test"},
		{"https://registry.test:443", "https://registry.test"},
		{"https://registry.test:80", "https://registry.test:80"},
		{"http://registry.test:80/", "http://registry.test"},
		{"HTTP://registry.test:8080", "http://registry.test:8080"},
		{"https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443"},
		{"https://[::1]", "https://[::1]"},
		{"https://registry.test.", "https://registry.test."},
		{"https://me:hunter2@registry.test", ""},
		{"ftp://registry.test", ""},
		{"/srv/skills", ""},
		{"", ""},
	} {
		got, err := Origin(test.url)
		checkText(t, err)
		if got != test.want || (err == nil) == (test.want == "") {
			t.Errorf("%q: %q, %v", test.url, got, err)
		}
	}
}

func TestMayCarryToken(t *testing.T) {
	for url, want := range map[string]bool{
		"https://registry.test": true, "https://10.0.0.1:8443": true, "http://localhost:81": true, "http://LOCALHOST": true,
		"http://127.0.0.1": true, "http://127.9.9.9:1": true, "http://[::1]:1": true, "http://[::ffff:127.0.0.1]": true,
		"http://registry.test": false, "http://localhost.evil.test": false, "http://cdn.localhost": false, "http://10.0.0.1": false,
		"http://2130706433": false, "http://127.1": false, "http://0.0.0.0": false, "http://[::]": false,
		"ftp://localhost": false, "": false,
	} {
		if err := MayCarryToken(url); (err == nil) != want {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestIsTwin(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"https://acme.test", "https://www.acme.test/x", true},
		{"https://WWW.acme.test", "https://acme.test:443", true},
		{"https://acme.test", "https://acme.test", false},
		{"https://acme.test", "https://www2.acme.test", false},
		{"https://acme.test", "https://www.evil.test", false},
		{"https://acme.test", "https://www.acme.test.evil.test", false},
		{"https://acme.test", "https://www.acme.test:8443", false},
		{"http://acme.test:443", "https://www.acme.test", false},
	} {
		a, errA := parse(test.a)
		b, errB := parse(test.b)
		if errA != nil || errB != nil || isTwin(a, b) != test.want {
			t.Errorf("%s and %s: %v, %v, %v", test.a, test.b, !test.want, errA, errB)
		}
	}
}

// tokenFor answers with the token for one origin, and counts how often it was asked.
func tokenFor(at string, asked *atomic.Int64) func(context.Context, string) (string, error) {
	return func(_ context.Context, origin string) (string, error) {
		asked.Add(1)
		if origin == at {
			return secret, nil
		}
		return "", nil
	}
}

// The token of an origin goes there, in each kind of request, and nowhere else,
// whoever says so.
func TestCredentialStaysHome(t *testing.T) {
	const home = "http://localhost:81"
	for _, test := range []struct {
		name string
		url  string
		via  string
		hops []string
		want string // y or n for each request
	}{
		{"named by the user", home + "/x", "", nil, "y"},
		{"in another case", "http://LOCALHOST:81/x", "", nil, "y"},
		{"another port", "http://localhost/x", "", nil, "n"},
		{"another host", "http://registry.test:81/x", "", nil, "n"},
		{"a host below", "http://cdn.localhost:81/x", "", nil, "n"},
		{"named by the same origin", home + "/x", home + "/api", nil, "y"},
		{"named by another origin", home + "/x", "http://localhost/api", nil, "n"},
		{"redirected within", home + "/x", "", []string{"/y"}, "yy"},
		{"redirected away", home + "/x", "", []string{"http://registry.test/y"}, "yn"},
		{"redirected to another port", home + "/x", "", []string{"http://localhost:82/y"}, "yn"},
		{"there and back", home + "/x", "", []string{"http://registry.test/y", home + "/x"}, "ynn"},
		{"redirected here", "http://localhost/x", "", []string{home + "/x"}, "nn"},
	} {
		for _, method := range []string{"Get", "Download", "Post"} {
			t.Run(test.name+" "+method, func(t *testing.T) {
				var replies []reply
				for _, hop := range test.hops {
					replies = append(replies, status("307 x", "", "Location: "+hop))
				}
				onWire(t, append(replies, ok("{}", `ETag: "v1"`)), func(w *wire) {
					t := w.t
					var asked atomic.Int64
					var lines []string
					dir := t.TempDir()
					c := w.client(Options{Credential: tokenFor(home, &asked), Cache: NewCache(dir),
						Log: func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }})
					o := GetOptions{Via: test.via}
					var err error
					want := test.want
					switch method {
					case "Get":
						_, err = c.Get(t.Context(), test.url, o)
					case "Download":
						_, err = c.Download(t.Context(), test.url, o, new(part))
					case "Post":
						if _, err = c.Post(t.Context(), test.url, Body{Data: []byte("{}")}, o); is[*RedirectError]()(err) {
							err, want = nil, want[:1] // it goes nowhere else at all
						}
					}
					got := ""
					for _, r := range w.asked() {
						switch r.Header.Get("Authorization") {
						case "Bearer " + secret:
							got += "y"
						case "":
							got += "n"
						}
					}
					if err != nil || got != want {
						t.Errorf("sent %s, want %s; error %v", got, want, err)
					}
					if n := asked.Load(); n > 1 {
						t.Errorf("asked for a credential %d times", n)
					}
					if strings.Contains(strings.Join(lines, "\n"), "hunter2") {
						t.Errorf("log reads %q", lines)
					}
					if kept := files(t, dir); strings.HasPrefix(want, "y") && len(kept) > 0 {
						t.Errorf("kept %q", kept)
					}
				})
			})
		}
	}
}

// Unencrypted, a token would be everyone's. What has none may be asked.
func TestCredentialIsNotSentPlain(t *testing.T) {
	for _, test := range []struct {
		url   string
		token string // of GetOptions
		sent  bool
	}{
		{"http://registry.test/", "", false},
		{"http://registry.test/", secret, false},
		{"http://10.1.2.3/", "", false},
		{"http://localhost.registry.test/", "", false},
		{"http://127.0.0.1:81/", "", true},
		{"http://[::1]/", "", true},
		{"http://localhost/", secret, true},
	} {
		onWire(t, []reply{ok("{}")}, func(w *wire) {
			t := w.t
			c := w.client(Options{Credential: func(context.Context, string) (string, error) { return secret, nil }})
			_, err := c.Get(t.Context(), test.url, GetOptions{Token: test.token})
			checkText(t, err)
			if is[*PlainError]()(err) == test.sent || len(w.asked()) > 0 != test.sent {
				t.Errorf("%s: %d requests, error %v", test.url, len(w.asked()), err)
			}
		})
	}
	onWire(t, []reply{ok("{}")}, func(w *wire) {
		c := w.client(Options{Credential: func(context.Context, string) (string, error) { return "", nil }})
		if _, err := c.Get(w.t.Context(), "http://registry.test/", GetOptions{}); err != nil {
			w.t.Error(err)
		}
	})
}

// Many requests at once ask for one credential once, and all get it. An error is
// that of each, except when the one who asked had no more time.
func TestCredentialIsAskedOnce(t *testing.T) {
	onWire(t, []reply{ok("{}")}, func(w *wire) {
		t := w.t
		var asked atomic.Int64
		c := w.client(Options{Credential: tokenFor("http://localhost", &asked)})
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := c.Get(t.Context(), "http://localhost/x", GetOptions{}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, r := range w.asked() {
			if r.Header.Get("Authorization") == "" {
				t.Error("asked without a token")
			}
		}
		if asked.Load() != 1 || len(w.asked()) != 8 {
			t.Errorf("asked for a credential %d times in %d requests", asked.Load(), len(w.asked()))
		}
	})
	onWire(t, []reply{ok("{}")}, func(w *wire) {
		t := w.t
		broken := errors.New("no such helper")
		asked := 0
		c := w.client(Options{Credential: func(ctx context.Context, _ string) (string, error) {
			asked++
			return "", errors.Join(broken, ctx.Err())
		}})
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Get(ended, "http://localhost/", GetOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		before := asked // the race between the end and the turn decides whether it was asked
		for range 2 {
			if _, err := c.Get(t.Context(), "http://localhost/", GetOptions{}); !errors.Is(err, broken) {
				t.Errorf("error is %v", err)
			}
		}
		if asked != before+1 || len(w.asked()) > 0 {
			t.Errorf("asked for a credential %d times, %d requests", asked, len(w.asked()))
		}
	})
	onWire(t, []reply{ok("{}")}, func(w *wire) {
		t := w.t
		var asked atomic.Int64
		c := w.client(Options{Offline: true, Credential: tokenFor("http://localhost", &asked)})
		if _, err := c.Get(t.Context(), "http://localhost/", GetOptions{}); !errors.Is(err, ErrOffline) || asked.Load() > 0 {
			t.Errorf("offline: asked %d times, %v", asked.Load(), err)
		}
	})
}

// A StatusError says what became of the token, and no text of a server says the
// token itself.
func TestDenied(t *testing.T) {
	for _, test := range []struct {
		name    string
		url     string
		replies []reply
		want    StatusError
	}{
		{"none was sent", "http://registry.test/", []reply{status("401 x", "")}, StatusError{Status: 401}},
		{"one was refused", "http://localhost/", []reply{status("401 x", "")}, StatusError{Status: 401, Token: true}},
		{"one was not enough", "http://localhost/", []reply{status("403 x", "")}, StatusError{Status: 403, Token: true}},
		{"one did not matter", "http://localhost/", []reply{status("404 x", "")}, StatusError{Status: 404, Token: true}},
		{"within", "http://localhost/", []reply{to("/y"), status("401 x", "")}, StatusError{Status: 401, Token: true}},
		{"to www", "http://localhost/", []reply{to("http://www.localhost/"), status("401 x", "")}, StatusError{Status: 401, Dropped: true, Moved: "http://www.localhost"}},
		{"to www, 403", "http://localhost/", []reply{to("http://www.localhost/"), status("403 x", "")}, StatusError{Status: 403, Dropped: true, Moved: "http://www.localhost"}},
		{"to www, 404", "http://localhost/", []reply{to("http://www.localhost/"), status("404 x", "")}, StatusError{Status: 404, Dropped: true}},
		{"to www on another port", "http://localhost/", []reply{to("http://www.localhost:81/"), status("401 x", "")}, StatusError{Status: 401, Dropped: true}},
		{"elsewhere", "http://localhost/", []reply{to("http://evil.test/"), status("401 x", "")}, StatusError{Status: 401, Dropped: true}},
		{"without one to www", "http://registry.test/", []reply{to("http://www.registry.test/"), status("401 x", "")}, StatusError{Status: 401}},
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, test.replies, func(w *wire) {
				t := w.t
				c := w.client(Options{Credential: func(_ context.Context, origin string) (string, error) {
					if origin == "http://localhost" {
						return secret, nil
					}
					return "", nil
				}})
				_, err := c.Get(t.Context(), test.url, GetOptions{})
				var got *StatusError
				if !errors.As(err, &got) {
					t.Fatalf("error is %v", err)
				}
				if got.Status != test.want.Status || got.Token != test.want.Token || got.Dropped != test.want.Dropped || got.Moved != test.want.Moved {
					t.Errorf("error is %+v", got)
				}
			})
		})
	}
}

// A server that repeats the token does not get it printed, kept, or carried off.
func TestEchoedToken(t *testing.T) {
	for name, answer := range map[string]reply{
		"an error":            status("401 x", "bad token "+secret, "Content-Type: text/"+secret),
		"a page":              ok("<html>"+secret, "Content-Type: text/html"),
		"no JSON":             ok("you sent " + secret),
		"an encoding":         ok("{}", "Content-Encoding: "+secret),
		"a redirect":          to("http://cdn.test/?t=" + secret),
		"a redirect in code":  to("http://cdn.test/%68unter2-hunter2"),
		"a redirect that is":  to("gopher://" + secret),
		"a redirect with two": status("302 x", "", "Location: /"+secret, "Location: /"),
	} {
		t.Run(name, func(t *testing.T) {
			onWire(t, []reply{answer, ok("{}")}, func(w *wire) {
				t := w.t
				var lines []string
				c := w.client(Options{
					Credential: func(context.Context, string) (string, error) { return secret, nil },
					Log:        func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) },
				})
				_, err := c.Get(t.Context(), "http://localhost/x", GetOptions{})
				checkText(t, err)
				if err == nil || len(w.asked()) != 1 {
					t.Errorf("%d requests, error %v", len(w.asked()), err)
				}
				if e, ok := errors.AsType[*StatusError](err); ok && strings.Contains(string(e.Body)+e.ContentType, secret) {
					t.Errorf("error is %+v", e)
				}
				if strings.Contains(strings.Join(lines, "\n"), secret) {
					t.Errorf("log reads %q", lines)
				}
			})
		})
	}
}
