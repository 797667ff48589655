package static_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/static"
)

// owned is a registry where two owners have one slug.
func owned(t *testing.T) *publisher {
	p := newPublisher(t, "alice", "bob")
	p.text("alice", "pdf", "1.0.0", "Reads documents.")
	p.text("alice", "pdf", "1.1.0", "Reads documents.")
	p.text("alice", "pdf-tools", "1.0.0", "Cuts and joins pages.")
	p.text("bob", "pdf", "3.0.0", "Prints.")
	p.text("bob", "notes", "0.1.0", "记录会议内容, and a PDF of it.")
	p.build()
	return p
}

// An owner makes one file enough, and a lock makes none needed.
func TestRequests(t *testing.T) {
	p := owned(t)
	r := open(t, p.web.URL)
	pin, err := r.Resolve(t.Context(), slug("alice/pdf@^1"), "")
	if err != nil || pin.Version != "1.1.0" || pin.Owner != "alice" || pin.Trust != source.FromRegistry || pin.Tree == "" || pin.Size == 0 {
		t.Fatalf("%+v, %v", pin, err)
	}
	if got, want := p.web.since(), "/config.json /index/2b/d8/alice/pdf.ndjson"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	var sink sourcetest.Sink
	receipt, err := r.Fetch(t.Context(), pin, &sink)
	if err != nil || digest.Of(sink.Bytes()) != pin.Artifact || receipt.URL != pin.URL {
		t.Errorf("%+v, %v", receipt, err)
	}
	blob := "/blobs/sha256/" + pin.Artifact.Hex()[:2] + "/" + pin.Artifact.Hex()
	if got := p.web.since(); got != blob {
		t.Errorf("asked %s, want %s", got, blob)
	}
	// As a lock has it, in another process.
	locked := source.Pin{Slug: "pdf", Owner: "alice", Version: "1.1.0", Artifact: pin.Artifact}
	if _, err := open(t, p.web.URL).Fetch(t.Context(), locked, new(sourcetest.Sink)); err != nil {
		t.Error(err)
	}
	if got := p.web.since(); got != blob {
		t.Errorf("asked %s, want %s", got, blob)
	}
	// The catalogue is read once, and config.json.
	for _, text := range []string{"notes", "pdf-tools", "notes@0.1.0"} {
		if _, err := r.Resolve(t.Context(), slug(text), ""); err != nil {
			t.Error(err)
		}
	}
	if got := p.web.since(); strings.Count(got, "catalog") != 1 || strings.Contains(got, "config") || strings.Contains(got, "full") {
		t.Errorf("asked %s", got)
	}
}

func TestSlugWithoutOwner(t *testing.T) {
	p := owned(t)
	r := open(t, p.web.URL)
	if pin, err := r.Resolve(t.Context(), slug("notes"), ""); err != nil || pin.Owner != "bob" {
		t.Errorf("%+v, %v", pin, err)
	}
	_, err := r.Resolve(t.Context(), slug("pdf"), "")
	several, ok := errors.AsType[*source.AmbiguousError](err)
	if !ok || !errors.Is(err, source.ErrAmbiguous) || strings.Join(several.Owners(), " ") != "alice bob" {
		t.Errorf("%v", err)
	}
	_, err = r.Resolve(t.Context(), slug("pdf-tool"), "")
	if e, ok := errors.AsType[*static.NotFoundError](err); !ok || !errors.Is(err, source.ErrNotFound) || cmp.Diff([]string{"pdf-tools"}, e.Near) != "" {
		t.Error(err)
	}
	if near := r.Suggest(t.Context(), "pdf-tool"); cmp.Diff([]string{"pdf-tools"}, near) != "" {
		t.Errorf("%q", near)
	}
	if near := open(t, p.web.URL).Suggest(t.Context(), "pdf-tool"); near != nil {
		t.Errorf("%q, of a catalogue that nobody read", near)
	}
	// An owner tells what else they have.
	_, err = r.Resolve(t.Context(), slug("alice/pfd"), "")
	if e, ok := errors.AsType[*static.NotFoundError](err); !ok || !errors.Is(err, source.ErrNotFound) || cmp.Diff([]string{"alice/pdf"}, e.Near) != "" {
		t.Errorf("%v", err)
	}
	if _, err = r.Resolve(t.Context(), slug("nobody/pdf"), ""); !errors.Is(err, source.ErrNotFound) {
		t.Error(err)
	}
}

func TestSearch(t *testing.T) {
	r := open(t, owned(t).web.URL)
	for query, want := range map[string]string{
		"pdf":          "alice/pdf bob/pdf alice/pdf-tools bob/notes",
		"bob/pdf":      "bob/pdf",
		"@bob/pdf":     "bob/pdf",
		"PDF tools":    "alice/pdf-tools",
		"alice":        "alice/pdf alice/pdf-tools",
		"会议":           "bob/notes",
		"会议 pdf":       "bob/notes",
		"reads":        "alice/pdf",
		"pages nobody": "",
		"":             "bob/notes alice/pdf bob/pdf alice/pdf-tools",
	} {
		hits, err := r.Search(t.Context(), query, 10)
		var got []string
		for _, h := range hits {
			got = append(got, h.Owner+"/"+h.Slug)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q finds %q, %v; want %q", query, got, err, want)
		}
	}
	if hits, err := r.Search(t.Context(), "pdf", 1); err != nil || len(hits) != 1 || hits[0].Version != "1.1.0" || hits[0].Description != "Reads documents." {
		t.Errorf("%+v, %v", hits, err)
	}
	if hits, err := r.Search(t.Context(), "pdf", -1); err != nil || len(hits) != 0 {
		t.Errorf("%+v, %v", hits, err)
	}
}

// What is yanked is kept by who has it, and chosen by nobody.
func TestYanked(t *testing.T) {
	p := owned(t)
	p.yank("alice", "pdf", "1.1.0", "loses pages")
	p.yank("bob", "pdf", "3.0.0", "prints nothing")
	p.build()
	r := open(t, p.web.URL)
	for _, c := range []struct{ text, current, want, yanked string }{
		{"alice/pdf", "", "1.0.0", ""},
		{"alice/pdf", "1.1.0", "1.1.0", "loses pages"},
		{"alice/pdf@^1", "1.1.0", "1.1.0", "loses pages"},
		{"alice/pdf@latest", "", "1.0.0", ""},
		{"bob/pdf", "3.0.0", "3.0.0", "prints nothing"},
	} {
		pin, err := r.Resolve(t.Context(), slug(c.text), c.current)
		if err != nil || pin.Version != c.want || pin.Yanked != c.yanked {
			t.Errorf("%+v: %s, %q, %v", c, pin.Version, pin.Yanked, err)
			continue
		}
		if receipt, err := r.Fetch(t.Context(), pin, new(sourcetest.Sink)); err != nil || receipt.Yanked != c.yanked {
			t.Errorf("%+v: %+v, %v", c, receipt, err)
		}
	}
	for _, text := range []string{"alice/pdf@1.1.0", "bob/pdf"} {
		_, err := r.Resolve(t.Context(), slug(text), "")
		if _, ok := errors.AsType[*version.YankedError](err); !ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The files of a version are told by their tree.
func TestRecognize(t *testing.T) {
	r := open(t, owned(t).web.URL)
	file := func(number string) source.File {
		return source.File{Path: "SKILL.md", Digest: digest.Of([]byte("---\nname: pdf\ndescription: Reads documents.\n---\n" + number + "\n"))}
	}
	for number, want := range map[string]string{"1.0.0": "1.0.0", "1.1.0": "1.1.0", "2.0.0": ""} {
		if got, err := r.Recognize(t.Context(), slug("alice/pdf@9"), []source.File{file(number)}); err != nil || got != want {
			t.Errorf("%s: %q, %v", number, got, err)
		}
	}
	if got, err := r.Recognize(t.Context(), slug("alice/pdf"), []source.File{{Path: "SKILL.md"}}); err != nil || got != "" {
		t.Errorf("without digests: %q, %v", got, err)
	}
}

// Artifacts that are elsewhere are found there without a lock that says so.
func TestBlobsElsewhere(t *testing.T) {
	p := owned(t)
	if err := os.Rename(filepath.Join(p.dir, "blobs"), filepath.Join(p.dir, "cdn")); err != nil {
		t.Fatal(err)
	}
	cdn := serve(t, http.FileServer(http.Dir(filepath.Join(p.dir, "cdn"))))
	rewrite(t, p, "config.json", `"blobs":"blobs/"`, `"blobs":"`+cdn.URL+`"`)
	pin, err := open(t, p.web.URL).Resolve(t.Context(), slug("alice/pdf"), "")
	if err != nil || !strings.HasPrefix(pin.URL, cdn.URL+"/sha256/") {
		t.Fatalf("%+v, %v", pin, err)
	}
	p.web.since()
	r := open(t, p.web.URL)
	for range 2 {
		var sink sourcetest.Sink
		if _, err := r.Fetch(t.Context(), pin, &sink); err != nil || digest.Of(sink.Bytes()) != pin.Artifact {
			t.Error(err)
		}
	}
	if got := p.web.since(); !strings.HasSuffix(got, "/config.json") || strings.Count(got, "/blobs/") != 1 {
		t.Errorf("asked %s", got)
	}
	// One that is nowhere is not found, and no page in place of it is taken.
	pin.Artifact = digest.Of([]byte("nothing"))
	if _, err := r.Fetch(t.Context(), pin, new(sourcetest.Sink)); !errors.Is(err, source.ErrNotFound) {
		t.Error(err)
	}
}

func rewrite(t *testing.T, p *publisher, file, from, to string) {
	t.Helper()
	path := filepath.Join(p.dir, filepath.FromSlash(file))
	data, err := os.ReadFile(path)
	if err == nil && !strings.Contains(string(data), from) {
		err = fmt.Errorf("%s does not hold %s", data, from)
	}
	if err == nil {
		err = os.WriteFile(path, []byte(strings.Replace(string(data), from, to, 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A bucket that may not be listed says 403 of what is not there. That is an answer
// only if the registry can be read without being anyone.
func TestForbidden(t *testing.T) {
	p := owned(t)
	forbid := func(config bool) *web {
		files := http.FileServer(http.Dir(p.dir))
		return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := os.Stat(filepath.Join(p.dir, filepath.FromSlash(r.URL.Path)))
			if err != nil || config && r.URL.Path == "/config.json" {
				w.Header().Set("Content-Type", "application/xml")
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, "<Error><Code>AccessDenied</Code></Error>")
				return
			}
			files.ServeHTTP(w, r)
		}))
	}
	missing := source.Pin{Slug: "pdf", Owner: "alice", Version: "1.0.0", Artifact: digest.Of(nil)}
	check := func(what, url string, want error) {
		t.Helper()
		_, err := open(t, url).Resolve(t.Context(), slug("alice/none"), "")
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := open(t, url).Fetch(t.Context(), missing, new(sourcetest.Sink)); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("public", forbid(false).URL, source.ErrNotFound)
	check("nothing can be read", forbid(true).URL, source.ErrAuth)
	rewrite(t, p, "config.json", `"auth":false`, `"auth":true`)
	check("it says so", forbid(false).URL, source.ErrAuth)

	// With a token, it may be that which is not enough.
	rewrite(t, p, "config.json", `"auth":true`, `"auth":false`)
	c, err := transport.New(transport.Options{Credential: func(context.Context, string) (string, error) { return "token", nil }})
	if err != nil {
		t.Fatal(err)
	}
	r, err := static.New(static.Options{URL: forbid(false).URL, Client: c})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Resolve(t.Context(), slug("alice/none"), ""); !errors.Is(err, source.ErrAuth) {
		t.Errorf("with a token: %v", err)
	}
}

// What did not change is not sent again, in another process either.
func TestValidators(t *testing.T) {
	p := owned(t)
	long := time.Now().Add(-time.Hour) // a time tells a file from a later one only after its second
	err := filepath.WalkDir(p.dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, long, long))
	})
	if err != nil {
		t.Fatal(err)
	}
	cache := transport.NewCache(t.TempDir())
	files, sent := http.FileServer(http.Dir(p.dir)), 0
	web := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-Modified-Since") == "" {
			sent++
		}
		files.ServeHTTP(w, r)
	}))
	for range 2 {
		c, err := transport.New(transport.Options{Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		r, err := static.New(static.Options{URL: web.URL, Client: c})
		if err != nil {
			t.Fatal(err)
		}
		if pin, err := r.Resolve(t.Context(), slug("pdf-tools"), ""); err != nil || pin.Version != "1.0.0" {
			t.Errorf("%+v, %v", pin, err)
		}
		if hits, err := r.Search(t.Context(), "pdf", 10); err != nil || len(hits) != 4 {
			t.Errorf("%+v, %v", hits, err)
		}
	}
	if asked := len(strings.Fields(web.since())); asked != 8 || sent != 4 {
		t.Errorf("%d requests, %d without validators", asked, sent)
	}
}

// A download that broke off goes on where it ended.
func TestResume(t *testing.T) {
	p := owned(t)
	asked := ""
	web := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("Range")
		w.Header().Set("Etag", `"`+strings.ReplaceAll(r.URL.Path, "/", "")+`"`)
		http.FileServer(http.Dir(p.dir)).ServeHTTP(w, r)
	}))
	r := open(t, web.URL)
	pin, err := r.Resolve(t.Context(), slug("alice/pdf"), "")
	if err != nil {
		t.Fatal(err)
	}
	var sink sourcetest.Sink
	receipt, err := r.Fetch(t.Context(), pin, &sink)
	if err != nil {
		t.Fatal(err)
	}
	part := sourcetest.Sink{Data: bytes.Clone(sink.Data[:100]), Tag: receipt.Validators.ETag}
	if _, err := r.Fetch(t.Context(), pin, &part); err != nil || !bytes.Equal(part.Data, sink.Data) || asked != "bytes=100-" {
		t.Errorf("asked for %q, %v", asked, err)
	}
}

func TestMatch(t *testing.T) {
	c, err := transport.New(transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := static.New(static.Options{Name: "acme", URL: "static+https://host.example/base/config.json", Client: c})
	if err != nil || r.URL() != "static+https://host.example/base" {
		t.Fatal(r.URL(), err)
	}
	const base = "https://host.example/base/"
	for url, want := range map[string]string{
		base + "alice/pdf/1.2.0.zip":                               "acme:alice/pdf@1.2.0",
		base + "alice/pdf/1.2.0/SKILL.md":                          "acme:alice/pdf@1.2.0",
		base + "index/2b/d8/alice/pdf.ndjson":                      "acme:alice/pdf",
		base + "alice/pdf/.well-known/agent-skills/index.json":     "acme:alice/pdf",
		base + "alice@pdf/.well-known/skills/pdf/SKILL.md":         "acme:alice/pdf",
		"http://host.example/base/alice/pdf/1.2.0.zip?x=1#y":       "acme:alice/pdf@1.2.0",
		base + "alice/.well-known/agent-skills/index.json":         "",
		base + "alice/pdf":                                         "",
		base + "alice/pdf/latest.zip":                              "",
		base + "alice/pdf/1.2.0.tar":                               "",
		base + "alice/%2e%2e/1.2.0.zip":                            "",
		base + "a/b/%zz/SKILL.md":                                  "",
		base:                                                       "",
		base + "blobs/sha256/00/" + strings.Repeat("0", 64):        "",
		"https://host.example/alice/pdf/1.2.0.zip":                 "",
		"https://other.example/base/alice/pdf/1.2.0.zip":           "",
		"https://u:p@host.example/base/alice/pdf/1.2.0.zip":        "",
		"https://host.example.evil.org/base/alice/pdf/1.2.0.zip":   "",
		"https://host.example/base/index/2b/d8/alice/pdf.json":     "",
		"https://host.example/base/alice/pdf/1.2.0/scripts/r.sh":   "",
		"https://host.example/base/catalog/full.ndjson.zst":        "",
		"https://host.example/base/owners/2b/alice.json":           "",
		"https://host.example/base/alice@pdf/x/1.0.0.zip/SKILL.md": "",
	} {
		got, ok := r.Match(url)
		if ok != (want != "") || ok && got.String() != want || ok && got.Kind != ref.Registry {
			t.Errorf("%s: %v, %v; want %s", url, got, ok, want)
		}
	}
}

func TestURL(t *testing.T) {
	for url, want := range map[string]string{
		"https://Host.Example:443/base/":    "static+https://host.example/base",
		"STATIC+http://127.0.0.1:80":        "static+http://127.0.0.1",
		"static+https://host.example/a/../": "static+https://host.example",
		"static+https://u:secret@host":      "",
		"static+ftp://host":                 "",
		"static+https://":                   "",
		"https://host/?q":                   "",
	} {
		r, err := static.New(static.Options{URL: url})
		if want == "" && (!errors.Is(err, static.ErrURL) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v", url, err)
		}
		if want != "" && (err != nil || r.URL() != want) {
			t.Errorf("%s: %v", url, err)
		}
	}
}
