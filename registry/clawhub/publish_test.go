package clawhub_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/clawhub"
	"github.com/openskills-go/skills/registry/server"
)

// A hosted registry is the real server, in memory, with the publishers alice and bob.
type hosted struct {
	t     *testing.T
	url   string
	token map[string]string

	mu    sync.Mutex
	asked []string // method and path of each request
}

func host(t *testing.T) *hosted {
	t.Helper()
	h := &hosted{t: t, token: map[string]string{}}
	var s *server.Server
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		path, _, _ := strings.Cut(r.URL.Path[1:], "/")
		if path == "api" {
			path = r.URL.Path[1:]
		}
		h.asked = append(h.asked, r.Method+" "+path)
		h.mu.Unlock()
		s.ServeHTTP(w, r)
	}))
	s, err := server.Open(t.Context(), server.Options{DB: "sqlite://:memory:", Blobs: "mem://", URL: web.URL, Rates: server.Rates{Read: -1, Write: -1, Download: -1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		web.Close()
		_ = s.Close()
	})
	h.url = web.URL
	for _, user := range []string{"alice", "bob"} {
		if err := s.Catalog().AddUser(t.Context(), server.Operator(), server.User{Handle: user}); err != nil {
			t.Fatal(err)
		}
		if h.token[user], _, err = s.Desk().Issue(t.Context(), server.Operator(), server.Ask{User: user, Scopes: []string{"read", "publish"}}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// as is the client of a publisher; of nobody if user is "".
func (h *hosted) as(user string) *clawhub.Registry { return withToken(h.t, h.url, h.token[user]) }

func withToken(t *testing.T, url, token string) *clawhub.Registry {
	t.Helper()
	client, err := transport.New(transport.Options{Credential: func(context.Context, string) (string, error) { return token, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	r, err := clawhub.New(clawhub.Options{URL: "clawhub+" + url, Client: client})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// requests returns what was asked since it was asked before.
func (h *hosted) requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.asked
	h.asked = nil
	return asked
}

const pdfText = "---\nname: pdf\ndescription: Reads PDF files when there are some to read.\n---\nDo it.\n"

func pdfSkill() fstest.MapFS {
	return fstest.MapFS{
		"SKILL.md":          {Data: []byte(pdfText)},
		"scripts/run":       {Data: []byte("no shebang\n"), Mode: 0o755},
		"references/ünï.md": {Data: []byte("# Notes\n")},
		"assets/empty.txt":  {},
	}
}

func draft(files fs.FS, version string) source.Draft {
	return source.Draft{Slug: "pdf", Version: version, Name: "PDF", Changelog: "first", Files: files}
}

// What is published is what is fetched, by the bytes of the zip that pack makes.
func TestPublish(t *testing.T) {
	h := host(t)
	alice := h.as("alice")
	d := draft(pdfSkill(), "1.0.0")
	d.Tags = []string{"stable"}

	d.DryRun = true
	would, err := alice.Publish(t.Context(), d)
	if err != nil || would.Unchanged {
		t.Fatalf("a dry run says %+v, %v", would, err)
	}
	if asked := h.requests(); slices.ContainsFunc(asked, func(r string) bool { return strings.HasPrefix(r, "POST") }) {
		t.Errorf("a dry run asked %q", asked)
	}
	d.DryRun = false
	done, err := alice.Publish(t.Context(), d)
	if err != nil || done.Unchanged || done.Pending {
		t.Fatalf("%+v, %v", done, err)
	}
	if done != would {
		t.Errorf("published %+v, and the dry run said %+v", done, would)
	}
	if done.Release != (source.Release{Owner: "alice", Slug: "pdf", Version: "1.0.0"}) || done.Files != 4 {
		t.Errorf("published %+v", done)
	}
	if asked := h.requests(); len(asked) != 2+2*4+1 {
		t.Errorf("asked %d times: %q", len(asked), asked)
	}

	anyone := h.as("")
	rf, err := ref.Parse("alice/pdf@stable")
	if err != nil {
		t.Fatal(err)
	}
	pin, err := anyone.Resolve(t.Context(), rf, "")
	if err != nil {
		t.Fatal(err)
	}
	var got sourcetest.Sink
	if _, err := anyone.Fetch(t.Context(), pin, &got); err != nil {
		t.Fatal(err)
	}
	if pin.Artifact != done.Artifact || pin.Tree != done.Tree || pin.Size != done.Size || pin.Trust != source.FromRegistry {
		t.Errorf("the pin is %+v; published was %+v", pin, done)
	}
	if digest.Of(got.Data) != done.Artifact {
		t.Errorf("fetched %s", digest.Of(got.Data))
	}

	// Again: whoami and one question, and nothing is sent.
	h.requests()
	again, err := alice.Publish(t.Context(), d)
	if err != nil || !again.Unchanged {
		t.Errorf("again: %+v, %v", again, err)
	}
	if asked := h.requests(); len(asked) != 2 {
		t.Errorf("again asked %q", asked)
	}
}

// A version is there once, and one's own skills are nobody else's.
func TestPublishRefused(t *testing.T) {
	h := host(t)
	alice := h.as("alice")
	if _, err := alice.Publish(t.Context(), draft(pdfSkill(), "1.0.0")); err != nil {
		t.Fatal(err)
	}
	other := pdfSkill()
	other["more.md"] = &fstest.MapFile{Data: []byte("more")}
	link := pdfSkill()
	link["passwd"] = &fstest.MapFile{Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink | 0o777}
	for _, test := range []struct {
		name  string
		user  string
		draft func(*source.Draft)
		want  func(error) bool
		sends bool // files, before it is refused
	}{
		{"other files", "alice", func(d *source.Draft) { d.Files = other }, isType[*source.TakenError], false},
		{"another's", "bob", func(d *source.Draft) { d.Owner, d.Version = "alice", "1.0.1" }, is(source.ErrAuth), true},
		{"nobody", "", func(*source.Draft) {}, is(source.ErrAuth), false},
		{"nobody, who says who", "", func(d *source.Draft) { d.Owner, d.Version = "alice", "2.0.0" }, is(source.ErrAuth), false},
		{"no version", "alice", func(d *source.Draft) { d.Version = "one" }, isType[*source.RejectedError], true},
		{"a reserved slug", "alice", func(d *source.Draft) { d.Slug = "api" }, isType[*source.RejectedError], true},
		{"an owner who is not there", "alice", func(d *source.Draft) { d.Owner = "carol" }, isType[*source.RejectedError], true},
		{"no SKILL.md", "alice", func(d *source.Draft) { d.Files, d.Version = fstest.MapFS{"a.md": {}}, "1.0.1" }, func(err error) bool { return err != nil }, false},
		{"a link", "alice", func(d *source.Draft) { d.Files, d.Version = link, "1.0.1" }, func(err error) bool { return err != nil }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := draft(pdfSkill(), "1.0.0")
			test.draft(&d)
			h.requests()
			_, err := h.as(test.user).Publish(t.Context(), d)
			if err == nil || !test.want(err) {
				t.Errorf("error is %T %v", err, err)
			}
			if sends := slices.Contains(h.requests(), "POST upload"); sends && !test.sends {
				t.Error("files were sent")
			}
		})
	}
}

// What publishers say is what others then see.
func TestCurate(t *testing.T) {
	h := host(t)
	alice, bob, anyone := h.as("alice"), h.as("bob"), h.as("")
	for _, v := range []string{"1.0.0", "1.1.0"} {
		if _, err := alice.Publish(t.Context(), draft(pdfSkill(), v)); err != nil {
			t.Fatal(err)
		}
	}
	rel := source.Release{Owner: "alice", Slug: "pdf", Version: "1.1.0"}
	resolve := func(text, current string) source.Pin {
		t.Helper()
		rf, err := ref.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		pin, err := anyone.Resolve(t.Context(), rf, current)
		if err != nil {
			t.Fatal(err)
		}
		return pin
	}
	for range 2 { // the same again changes nothing
		if err := alice.Yank(t.Context(), rel, "it eats files"); err != nil {
			t.Fatal(err)
		}
	}
	if pin := resolve("alice/pdf", ""); pin.Version != "1.0.0" || pin.Yanked != "" {
		t.Errorf("after the yank anyone gets %+v", pin)
	}
	if pin := resolve("alice/pdf@^1", "1.1.0"); pin.Version != "1.1.0" || pin.Yanked != "it eats files" {
		t.Errorf("who has it locked gets %+v", pin)
	}
	rf, _ := ref.Parse("alice/pdf@1.1.0")
	if _, err := anyone.Resolve(t.Context(), rf, ""); !isType[*version.YankedError](err) {
		t.Errorf("asked for by itself: %v", err)
	}
	infos, err := anyone.Versions(t.Context(), rf)
	i := slices.IndexFunc(infos, func(i version.Info) bool { return i.Version == "1.1.0" })
	if err != nil || i < 0 || !infos[i].Yanked || infos[i].Reason != "it eats files" {
		t.Errorf("listed: %+v, %v", infos, err)
	}
	if err := alice.Yank(t.Context(), rel, ""); err != nil {
		t.Fatal(err)
	}
	if pin := resolve("alice/pdf", ""); pin.Version != "1.1.0" {
		t.Errorf("after that is taken back anyone gets %+v", pin)
	}

	if err := alice.Tag(t.Context(), source.Release{Owner: "alice", Slug: "pdf", Version: "1.0.0"}, "stable"); err != nil {
		t.Fatal(err)
	}
	if pin := resolve("alice/pdf@stable", ""); pin.Version != "1.0.0" {
		t.Errorf("the tag is %+v", pin)
	}
	none := source.Release{Owner: "alice", Slug: "pdf"}
	if err := alice.Tag(t.Context(), none, "stable"); err != nil {
		t.Fatal(err)
	}
	if err := alice.Tag(t.Context(), none, "stable"); !errors.Is(err, source.ErrNotFound) || !isType[*source.MissingError](err) {
		t.Errorf("without the tag: %v", err)
	}

	if err := alice.Deprecate(t.Context(), none, "use pdf2"); err != nil {
		t.Fatal(err)
	}
	if pin := resolve("alice/pdf", ""); pin.Deprecated != "use pdf2" {
		t.Errorf("deprecated, it is %+v", pin)
	}
	if err := alice.Deprecate(t.Context(), none, ""); err != nil {
		t.Fatal(err)
	}
	if pin := resolve("alice/pdf", ""); pin.Deprecated != "" {
		t.Errorf("no more, it is %+v", pin)
	}

	if err := bob.Yank(t.Context(), rel, "mine is better"); !errors.Is(err, source.ErrAuth) {
		t.Errorf("another's yank: %v", err)
	}
	rel.Version = "9.9.9"
	if err := alice.Yank(t.Context(), rel, "it is not there"); !errors.Is(err, source.ErrNotFound) {
		t.Errorf("yank of what is not there: %v", err)
	}
}

// A server that takes what is published, and does not do as it should.
func TestPublishHostile(t *testing.T) {
	ticket := `{"uploadUrl":"/upload/t","uploadTicket":"t"}`
	for _, test := range []struct {
		name                    string
		ticket, upload, publish string // answers; "" is a good one
		want                    func(error) bool
	}{
		{name: "as it should", want: func(err error) bool { return err == nil }},
		{name: "elsewhere", ticket: `{"uploadUrl":"https://elsewhere.test/t","uploadTicket":"t"}`, want: func(err error) bool { return err != nil }},
		{name: "to a file", ticket: `{"uploadUrl":"file:///etc/passwd","uploadTicket":"t"}`, want: isType[*transport.URLError]},
		{name: "nowhere", ticket: `{"uploadTicket":"t"}`, want: isType[*clawhub.AnswerError]},
		{name: "no JSON", ticket: `later`, want: func(err error) bool { return errors.Is(err, transport.ErrNotJSON) }},
		{name: "a number for a URL", ticket: `{"uploadUrl":7}`, want: isType[*clawhub.AnswerError]},
		{name: "nothing stored", upload: `{}`, want: isType[*clawhub.AnswerError]},
		{name: "not published", publish: `{"ok":false}`, want: isType[*clawhub.AnswerError]},
		{name: "another version", publish: `{"ok":true,"version":"2.0.0"}`, want: isType[*clawhub.AnswerError]},
		{name: "another tree", publish: `{"ok":true,"artifact":{"h1":"h1:AAAA","sha256":"00","size":1}}`, want: isType[*source.AlteredError]},
	} {
		t.Run(test.name, func(t *testing.T) {
			or := func(text, otherwise string) string {
				if text == "" {
					return otherwise
				}
				return text
			}
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "application/json")
				switch r.Method + " " + r.URL.Path {
				case "POST /api/v1/skills/-/upload-url":
					_, _ = io.WriteString(w, or(test.ticket, ticket))
				case "POST /upload/t":
					_, _ = io.WriteString(w, or(test.upload, `{"storageId":"s"}`))
				case "POST /api/v1/skills":
					_, _ = io.WriteString(w, or(test.publish, `{"ok":true,"skillId":"1","versionId":"1","publicationStatus":"pending"}`))
				default:
					w.WriteHeader(http.StatusNotFound)
					_, _ = io.WriteString(w, `"Skill not found"`)
				}
			}))
			defer web.Close()
			d := draft(fstest.MapFS{"SKILL.md": {Data: []byte(pdfText)}}, "1.0.0")
			d.Owner = "alice"
			got, err := withToken(t, web.URL, "s3cret").Publish(t.Context(), d)
			if !test.want(err) {
				t.Errorf("%+v, %T %v", got, err, err)
			}
			if err == nil && !got.Pending {
				t.Errorf("it is %+v", got)
			}
		})
	}
}

// A registry without the additions says so.
func TestCurateUnsupported(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	r := withToken(t, web.URL, "s3cret")
	rel := source.Release{Owner: "alice", Slug: "pdf", Version: "1.0.0"}
	for name, err := range map[string]error{
		"yank": r.Yank(t.Context(), rel, "why"), "tag": r.Tag(t.Context(), rel, "stable"), "deprecate": r.Deprecate(t.Context(), rel, "why"),
	} {
		if !errors.Is(err, source.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// Who approves a login on the page of the real server gives a token that publishes.
func TestLoginAndPublish(t *testing.T) {
	h := host(t)
	anyone := h.as("")
	g, err := anyone.StartLogin(t.Context(), "a laptop")
	if err != nil {
		t.Fatal(err)
	}
	if g.URL != h.url+"/cli/device?code="+g.UserCode {
		t.Errorf("the page is %s", g.URL)
	}
	g.Interval = time.Millisecond
	form := url.Values{"code": {g.UserCode}, "token": {h.token["alice"]}, "answer": {"approve"}}
	resp, err := http.PostForm(h.url+"/cli/device", form)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	token, err := anyone.AwaitLogin(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	done, err := withToken(t, h.url, token).Publish(t.Context(), draft(pdfSkill(), "1.0.0"))
	if err != nil || done.Release.Owner != "alice" {
		t.Errorf("%+v, %v", done, err)
	}
}
