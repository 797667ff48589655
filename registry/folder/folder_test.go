package folder_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/folder"
)

// md is a SKILL.md with more lines in its front matter.
func md(name string, more ...string) *fstest.MapFile {
	text := "---\nname: " + name + "\ndescription: About " + name + ".\n" + strings.Join(more, "\n")
	return &fstest.MapFile{Data: []byte(strings.TrimSpace(text) + "\n---\nBody of " + name + ".\n"), Mode: 0o644}
}

func write(t *testing.T, files fstest.MapFS) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, o folder.Options) *folder.Registry {
	t.Helper()
	r, err := folder.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func slug(s string) ref.Ref { return ref.Ref{Kind: ref.Registry, Slug: s} }

func query(t *testing.T, s string) version.Query {
	t.Helper()
	q, err := version.ParseQuery(s)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// get resolves and fetches r, and returns its SKILL.md.
func get(t *testing.T, reg *folder.Registry, r ref.Ref) (string, source.Pin, error) {
	t.Helper()
	pin, err := reg.Resolve(t.Context(), r, "")
	if err != nil {
		return "", pin, err
	}
	var sink sourcetest.Sink
	if _, err := reg.Fetch(t.Context(), pin, &sink); err != nil {
		return "", pin, err
	}
	data, err := archive.ReadFile(t.Context(), section(sink.Bytes()), "SKILL.md", archive.Options{})
	return string(data), pin, err
}

func TestLocales(t *testing.T) {
	dir := write(t, fstest.MapFS{
		"a/SKILL.md":            md("plain"),
		"a@zh/SKILL.md":         md("zh"),
		"a@zh-Hant/SKILL.md":    md("hant"),
		"a@de/1.0.0/SKILL.md":   md("de"),
		"only@fr/SKILL.md":      md("fr"),
		"a@../SKILL.md":         md("never"),
		"a@zh/notes/readme.txt": {Data: []byte("x")},
	})
	for _, test := range []struct {
		slug, locale, registry string
		want                   string // name, or "" for not found
		pinned                 string
	}{
		{"a", "", "", "plain", ""},
		{"a", "en", "", "plain", ""},
		{"a", "zh", "", "zh", "zh"},
		{"a", "zh-CN", "", "zh", "zh"},
		{"a", "zh-Hant-TW", "", "hant", "zh-Hant"},
		{"a", "de", "", "de", "de"},
		{"a", "", "zh", "zh", "zh"},
		{"a", "de", "zh", "de", "de"},
		{"a", "..", "", "plain", ""},
		{"only", "", "", "", ""},
		{"only", "fr", "", "fr", "fr"},
	} {
		r := slug(test.slug)
		r.Locale = test.locale
		text, pin, err := get(t, open(t, folder.Options{Dir: dir, Locale: test.registry}), r)
		if test.want == "" {
			if !errors.Is(err, source.ErrNotFound) {
				t.Errorf("%+v: %v", test, err)
			}
			continue
		}
		if err != nil || !strings.Contains(text, "Body of "+test.want+".") || pin.Locale != test.pinned {
			t.Errorf("%+v: locale %q, %v:\n%s", test, pin.Locale, err, text)
		}
	}
}

// What the Pin of a lock says is fetched, and nothing that is merely like it.
func TestFetchPinned(t *testing.T) {
	dir := write(t, fstest.MapFS{
		"v/1.0.0/SKILL.md":      md("one"),
		"v/1.1.0/SKILL.md":      md("two"),
		"v/v1.2.0/SKILL.md":     md("never"),
		"v/notes/SKILL.md":      md("never"),
		"v/1.3.0/README.md":     {Data: []byte("no skill")},
		"flat/SKILL.md":         md("flat", "metadata:", "  version: 1.4.0"),
		"flat/2.0.0/SKILL.md":   md("data of flat"),
		"bare/SKILL.md":         md("bare"),
		"v@zh/1.0.0/SKILL.md":   md("zh"),
		"empty/notes.txt":       {Data: []byte("x")},
		"loose.txt":             {Data: []byte("x")},
		".hidden/SKILL.md":      md("never"),
		"SKILL.md":              md("never"),
		"v/2.0.0-rc.1/SKILL.md": md("rc"),
	})
	reg := open(t, folder.Options{Dir: dir})
	for _, test := range []struct {
		pin  source.Pin
		want string // a name
		err  error
	}{
		{source.Pin{Slug: "v", Version: "1.0.0"}, "one", nil},
		{source.Pin{Slug: "v"}, "two", nil},
		{source.Pin{Slug: "v", Version: "2.0.0-rc.1"}, "rc", nil},
		{source.Pin{Slug: "v", Version: "1.2.0"}, "", version.ErrNoMatch},
		{source.Pin{Slug: "v", Version: "1.3.0"}, "", version.ErrNoMatch},
		{source.Pin{Slug: "v", Version: "../flat"}, "", version.ErrNoMatch},
		{source.Pin{Slug: "v", Version: "1.1.0", Locale: "zh"}, "", version.ErrNoMatch},
		{source.Pin{Slug: "v", Version: "1.0.0", Locale: "de"}, "", source.ErrNotFound},
		{source.Pin{Slug: "flat"}, "flat", nil},
		{source.Pin{Slug: "flat", Version: "1.4.0"}, "flat", nil},
		{source.Pin{Slug: "flat", Version: "2.0.0"}, "", version.ErrNoMatch},
		{source.Pin{Slug: "bare", Version: "0.0.0-t0123456789ab"}, "bare", nil},
		{source.Pin{Slug: "empty"}, "", source.ErrNotFound},
		{source.Pin{Slug: ".hidden"}, "", source.ErrNotFound},
		{source.Pin{Slug: "loose.txt"}, "", source.ErrNotFound},
		{source.Pin{Slug: "."}, "", source.ErrNotFound},
		{source.Pin{Slug: ""}, "", source.ErrNotFound},
		{source.Pin{Slug: "v/1.0.0"}, "", source.ErrNotFound},
	} {
		var sink sourcetest.Sink
		_, err := reg.Fetch(t.Context(), test.pin, &sink)
		if !errors.Is(err, test.err) {
			t.Errorf("Fetch(%+v): %v, want %v", test.pin, err, test.err)
		}
		if err != nil {
			continue
		}
		data, err := archive.ReadFile(t.Context(), section(sink.Bytes()), "SKILL.md", archive.Options{})
		if err != nil || !strings.Contains(string(data), "name: "+test.want) {
			t.Errorf("Fetch(%+v) gave %v:\n%s", test.pin, err, data)
		}
	}
}

// A skill that is one folder has one version, which a constraint is held to,
// but which the registry does not vouch for.
func TestSingleVersion(t *testing.T) {
	reg := open(t, folder.Options{Dir: write(t, fstest.MapFS{
		"flat/SKILL.md": md("flat", "version: 1.4.0"),
		"rc/SKILL.md":   md("rc", "version: 2.0.0-rc.1"),
		"bare/SKILL.md": md("bare"),
	})})
	for _, test := range []struct{ slug, query, want string }{
		{"flat", "", "1.4.0"}, {"flat", "latest", "1.4.0"}, {"flat", "^1.2", "1.4.0"}, {"flat", "^2", ""}, {"flat", "beta", ""},
		{"rc", "", "2.0.0-rc.1"}, {"rc", "latest", "2.0.0-rc.1"}, {"rc", "2.0.0-rc.1", "2.0.0-rc.1"}, {"rc", ">=1", ""},
		{"bare", "", "0.0.0-t"}, {"bare", "^1", ""},
	} {
		r := slug(test.slug)
		infos, err := reg.Versions(t.Context(), r)
		if err != nil || len(infos) != 1 || test.want != "" && !strings.HasPrefix(infos[0].Version, test.want) {
			t.Errorf("Versions(%s) = %v, %v", test.slug, infos, err)
		}
		r.Query = query(t, test.query)
		pin, err := reg.Resolve(t.Context(), r, "")
		if (test.want == "") != errors.Is(err, version.ErrNoMatch) || test.want != "" && err != nil || pin.Version != "" {
			t.Errorf("Resolve(%s) = %q, %v", r, pin.Version, err)
		}
	}
}

func TestCurrentIsKept(t *testing.T) {
	reg := open(t, folder.Options{Dir: write(t, fstest.MapFS{
		"v/1.0.0/SKILL.md": md("one"), "v/1.1.0/SKILL.md": md("two"), "v/2.0.0/SKILL.md": md("three"),
	})})
	r := slug("v")
	r.Query = query(t, "^1")
	for current, want := range map[string]string{"": "1.1.0", "1.0.0": "1.0.0", "2.0.0": "1.1.0", "1.0.5": "1.1.0"} {
		pin, err := reg.Resolve(t.Context(), r, current)
		if err != nil || pin.Version != want {
			t.Errorf("current %q: %q, %v; want %s", current, pin.Version, err, want)
		}
	}
}

// An archive is a skill as well, and is transferred as the bytes that it is.
func TestArchives(t *testing.T) {
	packed := write(t, fstest.MapFS{"a/SKILL.md": md("a", "version: 1.2.0"), "a/more.txt": {Data: []byte("x")}})
	var zip sourcetest.Sink
	if _, err := open(t, folder.Options{Dir: packed}).Fetch(t.Context(), source.Pin{Slug: "a"}, &zip); err != nil {
		t.Fatal(err)
	}
	dir := write(t, fstest.MapFS{
		"demo.zip":      {Data: zip.Bytes()},
		"demo@zh.zip":   {Data: zip.Bytes()},
		"two.zip":       {Data: zip.Bytes()},
		"two/SKILL.md":  md("two"),
		"three.tar.gz":  {Data: []byte("\x1f\x8b")},
		"three.zip":     {Data: zip.Bytes()},
		"broken.zip":    {Data: []byte("PK\x03\x04")},
		"folder.zip/x":  {Data: []byte("x")},
		"huge.zip":      {Data: append(zip.Bytes(), make([]byte, 1<<16)...)},
		"notes.txt.bak": {Data: []byte("x")},
	})
	reg := open(t, folder.Options{Dir: dir, Limits: archive.Limits{Download: 1 << 16}})
	for _, test := range []struct {
		slug, query string
		err         error
	}{
		{"demo", "", nil},
		{"demo", "^1.0", nil},
		{"demo", "^2", version.ErrNoMatch},
		{"two", "", source.ErrAmbiguous},
		{"three", "", source.ErrAmbiguous},
		{"folder", "", source.ErrNotFound},
		{"broken", "", nil}, // it is what it is; that it is broken is for the one who unpacks it
		{"broken", "^1", archive.ErrRefused},
		{"huge", "", archive.ErrRefused},
	} {
		r := slug(test.slug)
		r.Query = query(t, test.query)
		pin, err := reg.Resolve(t.Context(), r, "")
		var sink sourcetest.Sink
		if err == nil {
			_, err = reg.Fetch(t.Context(), pin, &sink)
		}
		if !errors.Is(err, test.err) {
			t.Errorf("%s@%s: %v, want %v", test.slug, test.query, err, test.err)
		}
		if test.slug == "demo" && err == nil && string(sink.Bytes()) != string(zip.Bytes()) {
			t.Errorf("%s: the bytes are not those of the file", test.slug)
		}
	}
	hits, err := reg.Search(t.Context(), "demo", 10)
	want := []source.Hit{{Slug: "demo", Name: "a", Version: "1.2.0", Description: "About a."}}
	if diff := cmp.Diff(want, hits); err != nil || diff != "" {
		t.Errorf("Search: %v (-want +got):\n%s", err, diff)
	}
}

// Links are not followed, wherever they lead.
func TestLinks(t *testing.T) {
	outside := write(t, fstest.MapFS{"SKILL.md": md("outside"), "secret": {Data: []byte("x")}})
	dir := write(t, fstest.MapFS{"real/SKILL.md": md("real"), "inner/SKILL.md": md("inner"), "v/1.0.0/SKILL.md": md("v")})
	for name, to := range map[string]string{
		"link": outside, "within": "real", "dangling": "nowhere", "file.zip": filepath.Join(outside, "secret"),
		"inner/secret": filepath.Join(outside, "secret"), "v/2.0.0": outside,
	} {
		if err := os.Symlink(to, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Fatal(err)
		}
	}
	reg := open(t, folder.Options{Dir: dir})
	for _, s := range []string{"link", "within", "dangling", "file"} {
		var link *folder.LinkError
		if _, _, err := get(t, reg, slug(s)); !errors.As(err, &link) {
			t.Errorf("%s: %v, want a LinkError", s, err)
		}
	}
	if _, _, err := get(t, reg, slug("inner")); !errors.Is(err, archive.ErrRefused) {
		t.Errorf("a skill with a link in it: %v, want it refused", err)
	}
	if text, pin, err := get(t, reg, slug("v")); err != nil || pin.Version != "1.0.0" {
		t.Errorf("v: %q %v\n%s", pin.Version, err, text)
	}
	hits, err := reg.Search(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	var slugs []string
	for _, h := range hits {
		slugs = append(slugs, h.Slug)
	}
	if want := []string{"inner", "real", "v"}; !slices.Equal(slugs, want) {
		t.Errorf("Search finds %q, want %q", slugs, want)
	}
}

func TestOpenFaults(t *testing.T) {
	dir := write(t, fstest.MapFS{"file": {Data: []byte("x")}})
	if _, err := folder.Open(folder.Options{Dir: filepath.Join(dir, "no")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if _, err := folder.Open(folder.Options{Dir: filepath.Join(dir, "file")}); !errors.Is(err, folder.ErrNotFolder) {
		t.Errorf("a file: %v", err)
	}
	reg := open(t, folder.Options{Dir: dir})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, _, err := get(t, reg, slug("a")); !errors.Is(err, source.ErrNotFound) || !strings.Contains(err.Error(), dir) {
		t.Errorf("after the folder went: %v", err)
	}
}
