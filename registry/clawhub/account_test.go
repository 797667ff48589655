package clawhub_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/clawhub"
	"github.com/openskills-go/skills/registry/clawhub/clawhubtest"
)

// answer serves one answer to everything.
func answer(t *testing.T, status int, contentType, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestWhoami(t *testing.T) {
	if _, err := open(t, serve(t).Registry()).Whoami(t.Context()); !errors.Is(err, source.ErrAuth) {
		t.Errorf("without a token: %v, want ErrAuth", err)
	}
	for body, want := range map[string]source.Account{
		`{"user":{"handle":"alice","displayName":"Alice","image":null,"role":null}}`: {Handle: "alice", Name: "Alice"},
		`{"user":{"handle":null,"displayName":"Alice"},"more":[1]}`:                  {Name: "Alice"},
	} {
		got, err := open(t, answer(t, 200, "application/json", body)).Whoami(t.Context())
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	for body, want := range map[string]error{
		`{"user":null}`:                        source.ErrAuth,
		`{"user":{"handle":null}}`:             source.ErrAuth,
		`<!doctype html><title>Log in</title>`: transport.ErrWebPage,
	} {
		if _, err := open(t, answer(t, 200, "text/html", body)).Whoami(t.Context()); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", body, err, want)
		}
	}
}

// A private registry is nothing to those without a token, and says so.
func TestPrivate(t *testing.T) {
	r := open(t, clawhubtest.New(t, clawhubtest.Options{Skills: catalogue(), Private: true}).Registry())
	for name, ask := range map[string]func() error{
		"Search":   func() error { _, err := r.Search(t.Context(), "demo", 5); return err },
		"Versions": func() error { _, err := r.Versions(t.Context(), refer(t, "demo")); return err },
		"Resolve":  func() error { _, err := r.Resolve(t.Context(), refer(t, "demo"), ""); return err },
		"Verdicts": func() error { _, err := r.Verdicts(t.Context(), []source.Release{{Slug: "demo"}}); return err },
		"Whoami":   func() error { _, err := r.Whoami(t.Context()); return err },
		"Fetch": func() error {
			_, err := r.Fetch(t.Context(), source.Pin{Slug: "demo", Version: "1.0.0"}, new(sourcetest.Sink))
			return err
		},
	} {
		if err := ask(); !errors.Is(err, source.ErrAuth) || !strings.Contains(err.Error(), "Unauthorized") {
			t.Errorf("%s: %v, want ErrAuth", name, err)
		}
	}
}

func TestDeviceLogin(t *testing.T) {
	for name, test := range map[string]struct {
		options clawhubtest.Options
		token   string
	}{
		"approved": {clawhubtest.Options{Pending: 1, Tokens: map[string]string{"clh_secret": "alice"}}, "clh_secret"},
		"private":  {clawhubtest.Options{Private: true, Tokens: map[string]string{"clh_secret": "alice"}}, "clh_secret"},
		"refused":  {clawhubtest.Options{Device: "access_denied"}, ""},
		"expired":  {clawhubtest.Options{Device: "expired_token"}, ""},
	} {
		s := clawhubtest.New(t, test.options)
		r := open(t, s.Registry())
		g, err := r.StartLogin(t.Context(), "skills on a machine")
		want := source.Grant{
			UserCode: "ABCD-EFGH", URL: s.URL + "/cli/device", Expires: 10 * time.Minute, Interval: time.Second, Code: "device-code-of-the-test",
		}
		if diff := cmp.Diff(want, g); err != nil || diff != "" {
			t.Fatalf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		g.Interval = time.Millisecond
		token, err := r.AwaitLogin(t.Context(), g)
		if token != test.token || (err != nil) != (token == "") || err != nil && !errors.Is(err, source.ErrAuth) {
			t.Errorf("%s: %q, %v", name, token, err)
		}
		if text := fmt.Sprint(err); strings.Contains(text, want.Code) {
			t.Errorf("%s: the code is in %s", name, text)
		}
	}
}

func TestDeviceLoginEnds(t *testing.T) {
	r := open(t, answer(t, 400, "application/json", `{"error":"authorization_pending"}`))
	g := source.Grant{Code: "x", Interval: time.Millisecond, Expires: 5 * time.Millisecond}
	if _, err := r.AwaitLogin(t.Context(), g); !errors.Is(err, source.ErrAuth) {
		t.Errorf("nobody approves: %v, want ErrAuth", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.AwaitLogin(ctx, g); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestDeviceLoginsThatCannotBe(t *testing.T) {
	code := func(device, user, uri, rest string) string {
		data, err := json.Marshal(map[string]string{"device_code": device, "user_code": user, "verification_uri": uri})
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(string(data), "}") + rest + "}"
	}
	for _, body := range []string{
		`{}`, `null`, `[]`, `"x"`,
		code("", "AB", "https://h/", ""),
		code("d\n", "AB", "https://h/", ""),
		code(strings.Repeat("d", 5000), "AB", "https://h/", ""),
		code("d", "", "https://h/", ""),
		code("d", "A\u001b[2J", "https://h/", ""),
		code("d", "AB", "", ""),
		code("d", "AB", "javascript:alert(1)", ""),
		code("d", "AB", "file:///etc/passwd", ""),
		code("d", "AB", "https://user:secret@h/", ""),
		code("d", "AB", "https:///x", ""),
		code("d", "AB", "https://h/", `,"expires_in":"soon"`),
	} {
		_, err := open(t, answer(t, 200, "application/json", body)).StartLogin(t.Context(), "x")
		if _, ok := errors.AsType[*clawhub.AnswerError](err); !ok || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%.80s: %v, want an AnswerError", body, err)
		}
	}
	for rest, want := range map[string][2]time.Duration{
		"":                                         {time.Hour, 5 * time.Second},
		`,"expires_in":0,"interval":0`:             {time.Hour, 5 * time.Second},
		`,"expires_in":-5,"interval":-5`:           {time.Hour, 5 * time.Second},
		`,"expires_in":1e300,"interval":1e300`:     {time.Hour, time.Minute},
		`,"expires_in":0.001,"interval":0.001`:     {time.Second, time.Second},
		`,"expires_in":null,"interval":null`:       {time.Hour, 5 * time.Second},
		`,"expires_in":900,"interval":2,"more":{}`: {15 * time.Minute, 2 * time.Second},
	} {
		g, err := open(t, answer(t, 200, "application/json", code("d", "AB", "http://h/", rest))).StartLogin(t.Context(), "x")
		if err != nil || g.Expires != want[0] || g.Interval != want[1] {
			t.Errorf("%s: %+v, %v", rest, g, err)
		}
	}
	r := open(t, answer(t, 200, "application/json", `{"access_token":"a b"}`))
	if _, err := r.AwaitLogin(t.Context(), source.Grant{Code: "x", Interval: time.Millisecond}); err == nil {
		t.Error("a token with a space is taken")
	}
	r = open(t, answer(t, 404, "text/plain", "404 page not found"))
	if _, err := r.StartLogin(t.Context(), "x"); !isEndpoint(err) {
		t.Errorf("a registry without logins: %v, want an EndpointError", err)
	}
}

func isEndpoint(err error) bool {
	_, ok := errors.AsType[*clawhub.EndpointError](err)
	return ok
}

func TestVerdicts(t *testing.T) {
	s := serve(t)
	r := open(t, s.Registry())
	items := []source.Release{
		{Owner: "alice", Slug: "demo", Version: "1.0.0"},
		{Owner: "mallory", Slug: "evil", Version: "1.0.0"},
		{Slug: "odd", Version: "1.0.0"},
		{Owner: "alice", Slug: "demo", Version: "9.9.9"},
		// One slug and version of two owners, which do not fit into one request.
		{Owner: "alice", Slug: "pdf", Version: "1.0.0"},
		{Owner: "bob", Slug: "pdf", Version: "1.0.0"},
	}
	for i := range 200 {
		items = append(items, source.Release{Owner: "carol", Slug: "many", Version: fmt.Sprintf("1.%d.0", i)})
	}
	verdicts, err := r.Verdicts(t.Context(), items)
	if err != nil || len(verdicts) != len(items) {
		t.Fatalf("%d verdicts, %v", len(verdicts), err)
	}
	if n := len(s.Requests()); n != 3 {
		t.Errorf("%d requests for %d items, want 3", n, len(items))
	}
	for i, want := range []source.Verdict{
		{Known: true, Passed: true, Status: "clean", Reasons: []string{}},
		{Known: true, Status: "malicious", Reasons: []string{}},
		{Known: true, Status: "suspicious", Reasons: []string{"suspicious.exec"}},
		{Reasons: []string{"version.not_found"}, Message: "Version not found"},
		{Known: true, Passed: true, Status: "clean", Reasons: []string{}},
		{Reasons: []string{"version.not_found"}, Message: "Version not found"},
	} {
		want.Release = items[i]
		if want.Known {
			owner := verdicts[i].Release.Owner
			if owner == "" {
				owner = "dan"
			}
			want.URL = s.Registry() + "/" + owner + "/skills/" + items[i].Slug + "/security-audit?version=1.0.0"
		}
		if diff := cmp.Diff(want, verdicts[i]); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", items[i], diff)
		}
	}
	if none, err := r.Verdicts(t.Context(), nil); err != nil || len(none) != 0 || len(s.Requests()) != 0 {
		t.Errorf("no items: %v, %v", none, err)
	}
}

// What is said about something else is no verdict, and silence is none either.
func TestVerdictsOfOthers(t *testing.T) {
	item := source.Release{Owner: "alice", Slug: "demo", Version: "1.0.0"}
	said := `"requestedSlug":"demo","requestedVersion":"1.0.0","ok":true,"decision":"pass","security":{"status":"clean","passed":true}`
	for body, known := range map[string]bool{
		`{"items":[{` + said + `,"publisherHandle":"alice","version":"1.0.0"}]}`: true,
		`{"items":[{` + said + `,"publisherHandle":"ALICE","version":null}]}`:    true,
		`{"items":[{` + said + `,"publisherHandle":"mallory"}]}`:                 false,
		`{"items":[{` + said + `,"version":"2.0.0"}]}`:                           false,
		`{"items":[{` + said + `,"error":{"code":"skill_not_found"}}]}`:          false,
		`{"items":[]}`: false,
		`{"items":[{"requestedSlug":"other","requestedVersion":"1.0.0","ok":true}]}`: false,
	} {
		got, err := open(t, answer(t, 200, "application/json", body)).Verdicts(t.Context(), []source.Release{item})
		if err != nil || len(got) != 1 || got[0].Known != known || got[0].Passed != known || got[0].Release != item || !known && got[0].Message == "" {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{`{}`, `{"items":null}`, `{"items":{}}`, `[]`, `{"items":[1]}`, `{"items":[{"ok":"yes"}]}`} {
		if _, err := open(t, answer(t, 200, "application/json", body)).Verdicts(t.Context(), []source.Release{item}); err == nil {
			t.Errorf("%s is taken for verdicts", body)
		}
	}
}
