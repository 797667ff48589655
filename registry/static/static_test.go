package static_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/server"
	"github.com/openskills-go/skills/registry/static"
)

// A site is what skills-registry build wrote, as files on a web server.
type site struct {
	dir, url string

	mu    sync.Mutex
	asked []string
}

func (s *site) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// build makes a site of skills with several versions and owners.
func build(t *testing.T) *site {
	t.Helper()
	s, err := server.Open(t.Context(), server.Options{DB: "sqlite://:memory:", Blobs: "mem://", URL: "https://skills.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, user := range []string{"alice", "bob"} {
		if err := s.Catalog().AddUser(t.Context(), server.Operator(), server.User{Handle: user}); err != nil {
			t.Fatal(err)
		}
	}
	publish := func(owner, slug, v, about string) {
		t.Helper()
		d := server.Draft{Owner: owner, Slug: slug, Version: v, Files: map[string][]byte{
			"SKILL.md":       []byte("---\nname: " + slug + "\ndescription: " + about + "\n---\nVersion " + v + ".\n"),
			"scripts/run.sh": []byte("#!/bin/sh\n"),
		}}
		if _, err := s.Catalog().Publish(t.Context(), server.Operator(), d); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range []string{"1.0.0", "1.1.0", "2.0.0-rc.1", "1.2.0"} {
		publish("alice", "demo", v, "Shows what can be shown.")
	}
	publish("alice", "pdf", "1.0.0", "Reads PDF files.")
	publish("bob", "pdf", "3.0.0", "Reads PDF files, too.")
	publish("alice", "zhongwen", "1.0.0", "用于撰写中文技术文档。")
	demo := server.Name{Owner: "alice", Slug: "demo"}
	for _, err := range []error{
		s.Catalog().Yank(t.Context(), server.Operator(), demo, "1.2.0", "it loses the last page"),
		s.Catalog().Tag(t.Context(), server.Operator(), demo, "beta", "2.0.0-rc.1"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	b := &site{dir: t.TempDir()}
	if _, err := s.Build(t.Context(), b.dir); err != nil {
		t.Fatal(err)
	}
	b.url = b.serve(t, "").URL
	return b
}

func (s *site) serve(t *testing.T, below string) *httptest.Server {
	t.Helper()
	files := http.StripPrefix(below, http.FileServer(http.Dir(s.dir)))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.Path)
		s.mu.Unlock()
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	return web
}

func open(t *testing.T, url string) *static.Registry {
	t.Helper()
	client, err := transport.New(transport.Options{Attempts: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	r, err := static.New(static.Options{URL: url, Client: client})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func refer(t *testing.T, text string) ref.Ref {
	t.Helper()
	r, err := ref.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestConformance(t *testing.T) {
	s := build(t)
	sourcetest.Run(t, func(t *testing.T) source.Source { return open(t, s.url) }, sourcetest.Expect{
		Found: refer(t, "demo"), Name: "demo",
		Versioned: refer(t, "alice/demo"), Versions: []string{"1.0.0", "1.1.0", "1.2.0", "2.0.0-rc.1"},
		Picks: map[string]string{
			"": "1.1.0", "latest": "1.1.0", "beta": "2.0.0-rc.1", "^1.0": "1.1.0", "1.0.0": "1.0.0", ">=2": "",
			"^2.0.0-rc.0": "2.0.0-rc.1", "7.0.0": "", "nightly": "", "2.0.0-rc.1": "2.0.0-rc.1",
		},
		Missing: refer(t, "nowhere"), Foreign: ref.Ref{Kind: ref.Git, URL: "https://github.com/a/b"}, Validates: true,
	})
}

// A version that is yanked is chosen by nobody but who has it.
func TestYanked(t *testing.T) {
	r := open(t, build(t).url)
	if pin, err := r.Resolve(t.Context(), refer(t, "alice/demo@^1"), "1.2.0"); err != nil || pin.Version != "1.2.0" || pin.Yanked != "it loses the last page" {
		t.Errorf("who has it gets %+v, %v", pin, err)
	}
	_, err := r.Resolve(t.Context(), refer(t, "alice/demo@1.2.0"), "")
	if e, ok := errors.AsType[*version.YankedError](err); !ok || e.Reason != "it loses the last page" {
		t.Errorf("who asks for it gets %v", err)
	}
	infos, err := r.Versions(t.Context(), refer(t, "alice/demo"))
	if i := slices.IndexFunc(infos, func(i version.Info) bool { return i.Yanked }); err != nil || i < 0 || infos[i].Version != "1.2.0" {
		t.Errorf("listed are %+v, %v", infos, err)
	}
}

// What each question costs, and no more.
func TestRequests(t *testing.T) {
	s := build(t)
	r := open(t, s.url)
	pin, err := r.Resolve(t.Context(), refer(t, "alice/demo@^1"), "")
	if err != nil {
		t.Fatal(err)
	}
	if asked := s.requests(); len(asked) != 2 || asked[0] != "/config.json" || !strings.HasPrefix(asked[1], "/index/") {
		t.Errorf("a version is picked with %q", asked)
	}
	if _, err := r.Fetch(t.Context(), pin, new(sourcetest.Sink)); err != nil {
		t.Fatal(err)
	}
	if asked := s.requests(); len(asked) != 1 || !strings.HasPrefix(asked[0], "/blobs/sha256/") {
		t.Errorf("it is fetched with %q", asked)
	}
	// As a lock has it, in another process.
	locked := source.Pin{Owner: "alice", Slug: "demo", Version: pin.Version, Artifact: pin.Artifact, Tree: pin.Tree}
	var sink sourcetest.Sink
	if _, err := open(t, s.url).Fetch(t.Context(), locked, &sink); err != nil || int64(len(sink.Data)) != pin.Size {
		t.Errorf("%d bytes, %v", len(sink.Data), err)
	}
	if asked := s.requests(); len(asked) != 1 {
		t.Errorf("restored with %q", asked)
	}
}

// A skill whose owner nobody named is found by the catalogue, if there is one of it.
func TestOwners(t *testing.T) {
	s := build(t)
	r := open(t, s.url)
	if pin, err := r.Resolve(t.Context(), refer(t, "zhongwen"), ""); err != nil || pin.Owner != "alice" {
		t.Errorf("%+v, %v", pin, err)
	}
	_, err := r.Resolve(t.Context(), refer(t, "pdf"), "")
	if several, ok := errors.AsType[*source.AmbiguousError](err); !ok || !slices.Equal(several.Owners(), []string{"alice", "bob"}) {
		t.Errorf("error is %T %v", err, err)
	}
	if pin, err := r.Resolve(t.Context(), refer(t, "bob/pdf"), ""); err != nil || pin.Version != "3.0.0" {
		t.Errorf("%+v, %v", pin, err)
	}
	_, err = r.Resolve(t.Context(), refer(t, "zhonqwen"), "")
	if e, ok := errors.AsType[*static.NotListedError](err); !ok || !slices.Equal(e.Near, []string{"zhongwen"}) || !errors.Is(err, source.ErrNotFound) {
		t.Errorf("error is %T %v", err, err)
	}
}

func TestSearch(t *testing.T) {
	s := build(t)
	r := open(t, s.url)
	for query, want := range map[string][]string{
		"pdf": {"alice/pdf", "bob/pdf"}, "PDF too": {"bob/pdf"}, "技术文档": {"alice/zhongwen"}, "bob": {"bob/pdf"}, "shown": {"alice/demo"},
		"alice/pdf": {"alice/pdf"}, "nothing-like-it": nil, "": {"alice/demo", "alice/pdf", "alice/zhongwen", "bob/pdf"},
	} {
		hits, err := r.Search(t.Context(), query, 10)
		var got []string
		for _, h := range hits {
			got = append(got, h.Owner+"/"+h.Slug)
		}
		if slices.Sort(got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q finds %q, %v", query, got, err)
		}
	}
}

// A registry may be anywhere on a host, and a copied address is one of its skills.
func TestBelow(t *testing.T) {
	s := build(t)
	web := s.serve(t, "/teams/a")
	r := open(t, "static+"+web.URL+"/teams/a/")
	pin, err := r.Resolve(t.Context(), refer(t, "alice/demo"), "")
	if err != nil || r.URL() != "static+"+web.URL+"/teams/a" || pin.Registry != r.URL() {
		t.Errorf("%s, %+v, %v", r.URL(), pin, err)
	}
	if found, ok := r.Match(web.URL + "/teams/a/alice/demo/1.0.0.zip"); !ok || found.String() != "alice/demo@1.0.0" {
		t.Errorf("found %s, %v", found, ok)
	}
	for _, other := range []string{"/teams/a/index/ab", "/alice/demo", "/teams/a/alice/demo/1.0.0.tar", "/teams/a/alice", "/teams/a/alice/demo/1.0.0.zip/x"} {
		if found, ok := r.Match(web.URL + other); ok {
			t.Errorf("%s is %s", other, found)
		}
	}
}

// Each row is files that hold something else, and what is made of it.
func TestHostile(t *testing.T) {
	answer := func(err error) bool { _, ok := errors.AsType[*static.AnswerError](err); return ok }
	gone := func(err error) bool { return errors.Is(err, source.ErrNotFound) }
	const good = `{"v":"1.0.0","h1":"h1:l9YoCufJAl0h8wbcf5mjtNkjByB3kN//3fNDuCE683c=","zip":{"sha256":"%s","size":9}}` + "\n"
	sum := strings.Repeat("ab", 32)
	line := fmt.Sprintf(good, sum)
	for _, test := range []struct {
		name, config, index string
		status              int // of the index; 0 is 200
		want                func(error) bool
	}{
		{name: "good", index: line, want: func(err error) bool { return err == nil }},
		{name: "fields that are not known", config: `{"protocol":"skills-registry/1","search":{"a":1},"publish":7}`, index: strings.Replace(line, `{"v"`, `{"req":{"a":[1]},"v"`, 1), want: func(err error) bool { return err == nil }},
		{name: "a later protocol", config: `{"protocol":"skills-registry/2"}`, want: func(err error) bool { _, ok := errors.AsType[*static.VersionError](err); return ok }},
		{name: "the config of something else", config: `{"name":"app"}`, want: gone},
		{name: "a list for a config", config: `[]`, want: answer},
		{name: "a number for an address", config: `{"protocol":"skills-registry/1","index":7}`, want: answer},
		{name: "an address of files", config: `{"protocol":"skills-registry/1","index":"file:///etc/"}`, want: answer},
		{name: "an address with a password", config: `{"protocol":"skills-registry/1","index":"https://a:b@elsewhere.test/"}`, want: answer},
		{name: "an address with a query", config: `{"protocol":"skills-registry/1","index":"index/?a="}`, want: answer},
		{name: "a huge config", config: `{"protocol":"skills-registry/1","a":"` + strings.Repeat("x", 1<<20) + `"}`, want: func(err error) bool { _, ok := errors.AsType[*transport.LimitError](err); return ok }},
		{name: "no such skill", status: 404, want: gone},
		{name: "a bucket that may not be listed", status: 403, want: gone},
		{name: "a skill that was taken away", status: 410, want: gone},
		{name: "a server that is ill", status: 500, want: func(err error) bool { return err != nil && !gone(err) }},
		{name: "a web page", index: "<!doctype html>", want: func(err error) bool { return errors.Is(err, transport.ErrWebPage) }},
		{name: "a torn line", index: line + line[:40], want: answer},
		{name: "no lines", index: "\n\n", want: func(err error) bool { return errors.Is(err, transport.ErrEmpty) }},
		{name: "a version that is none", index: strings.Replace(line, "1.0.0", "../../x", 1), want: answer},
		{name: "a number for a version", index: strings.Replace(line, `"1.0.0"`, "1", 1), want: answer},
		{name: "no artifact", index: `{"v":"1.0.0","h1":"h1:l9YoCufJAl0h8wbcf5mjtNkjByB3kN//3fNDuCE683c="}` + "\n", want: answer},
		{name: "a digest that is none", index: fmt.Sprintf(good, "../../etc/passwd"), want: answer},
		{name: "a tree that is none", index: strings.Replace(line, "h1:l9", "md5:", 1), want: answer},
		{name: "a size below nothing", index: strings.Replace(line, "9}", "-9}", 1), want: answer},
		{name: "everything deleted", index: `{"v":"1.0.0","gone":true}` + "\n", want: gone},
		{name: "deleted later", index: line + `{"v":"1.0.0","gone":true}` + "\n", want: gone},
		{name: "yanked later", index: line + strings.Replace(line, `{"v"`, `{"yanked":true,"v"`, 1), want: func(err error) bool { _, ok := errors.AsType[*version.YankedError](err); return ok }},
		{name: "a line without end", index: `{"v":"` + strings.Repeat("1", 2<<20) + "\"}\n", want: answer},
		{name: "nested without end", index: strings.Repeat("[", 100_000) + "\n", want: answer},
	} {
		t.Run(test.name, func(t *testing.T) {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/config.json" && test.config != "":
					_, _ = io.WriteString(w, test.config)
				case r.URL.Path == "/config.json":
					_, _ = io.WriteString(w, `{"protocol":"skills-registry/1"}`)
				case test.status != 0:
					w.WriteHeader(test.status)
				default:
					_, _ = io.WriteString(w, test.index)
				}
			}))
			defer web.Close()
			client, err := transport.New(transport.Options{Attempts: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer client.CloseIdleConnections()
			r, err := static.New(static.Options{URL: web.URL, Client: client})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Resolve(t.Context(), refer(t, "alice/demo"), ""); !test.want(err) {
				t.Errorf("error is %T %v", err, err)
			} else if err != nil && len(err.Error()) > 500 {
				t.Errorf("error has %d bytes", len(err.Error()))
			}
		})
	}
}

// A catalogue is bounded, whatever it unpacks to.
func TestHostileCatalogue(t *testing.T) {
	packed := func(text string, times int) []byte {
		var b bytes.Buffer
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		for range times {
			_, _ = io.WriteString(z, text)
		}
		_ = z.Close()
		return b.Bytes()
	}
	for name, data := range map[string][]byte{
		"not compressed": []byte(`{"owner":"a","name":"b"}` + "\n"),
		"cut short":      packed(`{"owner":"alice","name":"b"}`+"\n", 100_000)[:40],
		"a bomb":         packed(strings.Repeat(" ", 1<<20)+"\n", 600),
		"one long line":  packed(strings.Repeat("x", 1<<20), 100),
		"no JSON":        packed("names\n", 1),
	} {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/config.json" {
					_, _ = io.WriteString(w, `{"protocol":"skills-registry/1"}`)
					return
				}
				w.Header().Set("Content-Type", "application/zstd")
				_, _ = w.Write(data)
			}))
			defer web.Close()
			_, err := open(t, web.URL).Search(t.Context(), "b", 1)
			if _, ok := errors.AsType[*static.AnswerError](err); !ok {
				t.Errorf("error is %T %v", err, err)
			}
		})
	}
}

// An artifact that is not what its index says is found out by whoever asked for it;
// one that is not there is not found.
func TestLostBlob(t *testing.T) {
	s := build(t)
	if err := os.RemoveAll(filepath.Join(s.dir, "blobs")); err != nil {
		t.Fatal(err)
	}
	r := open(t, s.url)
	pin, err := r.Resolve(t.Context(), refer(t, "alice/demo"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Fetch(t.Context(), pin, new(sourcetest.Sink)); !errors.Is(err, source.ErrNotFound) {
		t.Errorf("error is %v", err)
	}
	if _, err := r.Fetch(t.Context(), source.Pin{Owner: "alice", Slug: "demo", Version: "1.0.0"}, new(sourcetest.Sink)); !errors.Is(err, source.ErrUnsupported) {
		t.Errorf("without a digest: %v", err)
	}
}

// Who gives up does not wait for the others.
func TestCancelled(t *testing.T) {
	s := build(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, s.url).Resolve(ctx, refer(t, "alice/demo"), ""); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
