package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
)

const skillText = "---\nname: pdf\ndescription: Reads PDF files.\n---\n# PDF\n"

// place puts the skill pdf and its archive into a new folder, and returns that
// and the tree of the skill.
func place(t *testing.T) (dir string, tree digest.Digest) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"pdf/SKILL.md": skillText, "pdf/a/run.sh": "#!/bin/sh\n", "pdf/.git/config": "x"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	packed, err := archive.Pack(t.Context(), &b, os.DirFS(filepath.Join(dir, "pdf")))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pdf.zip", "archive"} {
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, packed.Tree.Digest()
}

func client(t *testing.T) *transport.Client {
	t.Helper()
	c, err := transport.New(transport.Options{Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDirectIsASource(t *testing.T) {
	dir, tree := place(t)
	server := httptest.NewServer(http.FileServerFS(os.DirFS(dir)))
	t.Cleanup(server.Close)
	for name, r := range map[string]ref.Ref{
		"folder":               {Kind: ref.Dir, Path: "./pdf"},
		"folder of a file":     {Kind: ref.Dir, Path: "./archive"},
		"file":                 {Kind: ref.File, Path: "pdf.zip"},
		"absolute":             {Kind: ref.File, Path: filepath.Join(dir, "pdf.zip")},
		"URL":                  {Kind: ref.URL, URL: server.URL + "/pdf.zip"},
		"URL without a suffix": {Kind: ref.URL, URL: server.URL + "/archive?x=y"},
	} {
		t.Run(name, func(t *testing.T) {
			missing := r
			if missing.Path += "-none"; r.Kind == ref.URL {
				missing.Path, missing.URL = "", server.URL+"/none"
			}
			sourcetest.Run(t, func(t *testing.T) source.Source {
				return &source.Direct{Client: client(t), Cwd: dir}
			}, sourcetest.Expect{
				Found: r, Name: "pdf", Tree: tree, Missing: missing,
				Foreign: ref.Ref{Kind: ref.Git, URL: "https://github.com/a/b"}, Validates: r.Kind == ref.URL,
			})
		})
	}
}

func TestDirectResolve(t *testing.T) {
	dir, _ := place(t)
	for name, text := range map[string]string{"a.tar.gz": "x", ".zip": "x", "x.TGZ": "x", "b.skill": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := &source.Direct{Cwd: filepath.Join(dir, "pdf")}
	for text, want := range map[string][2]string{ // slug and URL
		"../pdf":                         {"pdf", dir + "/pdf"},
		".":                              {"pdf", dir + "/pdf"},
		"./../pdf/a/..":                  {"pdf", dir + "/pdf"},
		"../a.tar.gz":                    {"a", dir + "/a.tar.gz"},
		"../.zip":                        {".zip", dir + "/.zip"},
		"../x.TGZ":                       {"x", dir + "/x.TGZ"},
		"../b.skill":                     {"b", dir + "/b.skill"},
		"/":                              {"", "/"},
		"https://h/a/pdf.zip?token=x#f":  {"pdf", "https://h/a/pdf.zip?token=x#f"},
		"https://h/a/":                   {"a", "https://h/a/"},
		"https://h/":                     {"", "https://h/"},
		"https://h":                      {"", "https://h"},
		"https://h/a/..":                 {"", "https://h/a/.."},
		"https://h/%2e%2e":               {"", "https://h/%2e%2e"},
		"https://h/%e6%97%a5.zip":        {"日", "https://h/%e6%97%a5.zip"},
		"https://h/pdf%2Fx.zip/download": {"download", "https://h/pdf%2Fx.zip/download"},
	} {
		r := ref.Ref{Kind: ref.Dir, Path: text}
		if strings.HasPrefix(text, "https:") {
			r = ref.Ref{Kind: ref.URL, URL: text}
		}
		p, err := d.Resolve(t.Context(), r, "")
		if err != nil || p.Slug != want[0] || filepath.ToSlash(p.URL) != filepath.ToSlash(want[1]) || p.Trust != source.FirstUse || p.Ref != r {
			t.Errorf("Resolve(%s) = %+v, %v; want slug %q at %s", text, p, err, want[0], want[1])
		}
	}
	for _, text := range []string{"../none", "../none/at/all", "none.zip"} {
		if _, err := d.Resolve(t.Context(), ref.Ref{Kind: ref.Dir, Path: text}, ""); !errors.Is(err, source.ErrNotFound) || !strings.Contains(err.Error(), text) {
			t.Errorf("Resolve(%s) = %v, want ErrNotFound", text, err)
		}
	}
	if _, err := d.Resolve(t.Context(), ref.Ref{Kind: ref.URL, URL: "https://h/%zz?token=secret"}, ""); err == nil {
		t.Error("a URL that is none is resolved")
	}
}

// From the lock a source is fetched without Resolve, long after it was.
func TestDirectFetchOfWhatIsNoSource(t *testing.T) {
	dir, _ := place(t)
	d := &source.Direct{Cwd: dir}
	for path, want := range map[string]error{
		filepath.Join(dir, "none"): source.ErrNotFound,
		os.DevNull:                 source.ErrUnsupported,
		"":                         source.ErrNotFound,
	} {
		sink := &sourcetest.Sink{Data: []byte("kept")}
		_, err := d.Fetch(t.Context(), source.Pin{Ref: ref.Ref{Kind: ref.File, Path: "x.zip"}, URL: path}, sink)
		if !errors.Is(err, want) {
			t.Errorf("Fetch of %q = %v, want %v", path, err, want)
		}
		if string(sink.Bytes()) != "kept" {
			t.Errorf("Fetch of %q empties the sink first", path)
		}
	}
	for _, kind := range []ref.Kind{ref.Registry, ref.Git, ref.OCI} {
		if _, err := d.Fetch(t.Context(), source.Pin{Ref: ref.Ref{Kind: kind}, URL: filepath.Join(dir, "pdf.zip")}, new(sourcetest.Sink)); !errors.Is(err, source.ErrUnsupported) {
			t.Errorf("Fetch of a %v = %v, want ErrUnsupported", kind, err)
		}
	}
	if _, err := d.Fetch(t.Context(), source.Pin{Ref: ref.Ref{Kind: ref.Dir}, URL: filepath.Join(dir, "pdf", "a")}, new(sourcetest.Sink)); !errors.Is(err, archive.ErrRefused) {
		t.Errorf("Fetch of a folder without a skill = %v, want ErrRefused", err)
	}
}

// A changing is a sink that does something at the first byte.
type changing struct {
	sourcetest.Sink
	change func()
}

func (c *changing) Write(p []byte) (int, error) {
	if c.change != nil {
		c.change()
		c.change = nil
	}
	return c.Sink.Write(p)
}

// What is packed is what was checked, or nothing.
func TestAFolderThatChangesWhileItIsPacked(t *testing.T) {
	for name, change := range map[string]func(file string) error{
		"grows":   func(file string) error { return os.WriteFile(file, bytes.Repeat([]byte("x"), 1<<20+1), 0o644) },
		"shrinks": func(file string) error { return os.Truncate(file, 1) },
		"goes":    os.Remove,
		"becomes a link": func(file string) error {
			return errors.Join(os.Remove(file), os.Symlink("/etc/passwd", file))
		},
		"becomes a folder": func(file string) error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o755)) },
	} {
		dir, _ := place(t)
		last := filepath.Join(dir, "pdf", "z")
		// Much that comes before it, so that the sink is written to before it is read.
		for _, file := range []string{filepath.Join(dir, "pdf", "m"), last} {
			data := make([]byte, 1<<20)
			for i := range data {
				data[i] = byte(i * i >> 7)
			}
			if err := os.WriteFile(file, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		d := &source.Direct{Cwd: dir}
		p, err := d.Resolve(t.Context(), ref.Ref{Kind: ref.Dir, Path: "pdf"}, "")
		if err != nil {
			t.Fatal(err)
		}
		sink := &changing{change: func() {
			if err := change(last); err != nil {
				t.Error(err)
			}
		}}
		if _, err := d.Fetch(t.Context(), p, sink); err == nil {
			t.Errorf("a file that %s is packed", name)
		}
		if sink.change != nil {
			t.Errorf("%s: nothing was written before", name)
		}
	}
}

func TestACopyEndsWithItsContext(t *testing.T) {
	dir, _ := place(t)
	if err := os.WriteFile(filepath.Join(dir, "big.zip"), make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	sink := &changing{change: cancel}
	d := &source.Direct{}
	if _, err := d.Fetch(ctx, source.Pin{Ref: ref.Ref{Kind: ref.File}, URL: filepath.Join(dir, "big.zip")}, sink); !errors.Is(err, context.Canceled) {
		t.Errorf("Fetch = %v, want Canceled", err)
	}
	if len(sink.Bytes()) == 1<<20 {
		t.Error("all of it was copied")
	}
}

func TestFromTransport(t *testing.T) {
	status := func(n int) error { return fmt.Errorf("get: %w", &transport.StatusError{URL: "h/x", Status: n}) }
	sentinels := []error{source.ErrNotFound, source.ErrAuth, source.ErrNotModified, source.ErrUnsupported, source.ErrAmbiguous}
	for _, test := range []struct{ err, want error }{
		{nil, nil},
		{status(404), source.ErrNotFound},
		{status(410), source.ErrNotFound},
		{status(401), source.ErrAuth},
		{status(403), source.ErrAuth},
		{status(400), nil},
		{status(429), nil},
		{status(500), nil},
		{fmt.Errorf("get: %w", transport.ErrNotModified), source.ErrNotModified},
		{&transport.OfflineError{URL: "h"}, nil},
		{context.Canceled, nil},
	} {
		got := source.FromTransport(test.err)
		for _, s := range sentinels {
			if want := test.want != nil && errors.Is(test.want, s); errors.Is(got, s) != want {
				t.Errorf("FromTransport(%v) = %v, is %v: %v", test.err, got, s, !want)
			}
		}
		if !errors.Is(test.err, transport.ErrNotModified) && !errors.Is(got, test.err) {
			t.Errorf("FromTransport(%v) = %v, which hides it", test.err, got)
		}
	}
}

// A page in the place of an archive is found by who unpacks it; a status that is
// no success is found here.
func TestDirectURLThatFails(t *testing.T) {
	for status, want := range map[int]error{404: source.ErrNotFound, 410: source.ErrNotFound, 401: source.ErrAuth, 403: source.ErrAuth, 400: nil} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		d := &source.Direct{Client: client(t)}
		_, err := d.Fetch(t.Context(), source.Pin{Ref: ref.Ref{Kind: ref.URL}, URL: server.URL + "/x.zip"}, new(sourcetest.Sink))
		var cause *transport.StatusError
		if !errors.As(err, &cause) || cause.Status != status || want != nil && !errors.Is(err, want) {
			t.Errorf("status %d: %v, want %v", status, err, want)
		}
		server.Close()
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1000)) }))
	defer server.Close()
	d := &source.Direct{Client: client(t), Limit: 999}
	_, err := d.Fetch(t.Context(), source.Pin{Ref: ref.Ref{Kind: ref.URL}, URL: server.URL}, new(sourcetest.Sink))
	if _, ok := errors.AsType[*transport.LimitError](err); !ok {
		t.Errorf("over the limit: %v, want a LimitError", err)
	}
}
