package registry_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry"
	"github.com/openskills-go/skills/registry/clawhub"
	"github.com/openskills-go/skills/registry/clawhub/clawhubtest"
	"github.com/openskills-go/skills/registry/folder"
	"github.com/openskills-go/skills/registry/openskills"
	"github.com/openskills-go/skills/registry/registrytest"
	"github.com/openskills-go/skills/registry/static"
	"github.com/openskills-go/skills/registry/wellknown"
)

const sample = "../testdata/registry"

// expect is what the sample registry holds, however it is reached.
func expect() sourcetest.Expect {
	slug := func(s string) ref.Ref { return ref.Ref{Kind: ref.Registry, Slug: s} }
	return sourcetest.Expect{
		Found:     slug("sickn33-skills-backend-architect"),
		Name:      "backend-architect",
		Versioned: slug("conventional-commits"),
		Versions:  []string{"1.0.0", "1.1.0", "2.0.0-beta.1"},
		Picks: map[string]string{
			"": "1.1.0", "latest": "1.1.0", "1.0.0": "1.0.0", "~1.0": "1.0.0", "^1": "1.1.0",
			"2.0.0-beta.1": "2.0.0-beta.1", ">=2": "", "3.0.0": "",
		},
		Missing:   slug("no-such-skill"),
		Foreign:   ref.Ref{Kind: ref.Dir, Path: "./dir"},
		Validates: true,
	}
}

// marked is the sample registry, with what its owner may say of skills.
func marked(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(sample)); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		"conventional-commits/1.1.0.yanked": "it leaks\x1b[2J the \u202eindex, ünd more\nand a second line\n",
		"architect.renamed":                 "backend-architect\n",
		"backend-architect.renamed":         "sickn33-skills-backend-architect",
	} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(file)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func expectMarked() sourcetest.Expect {
	want := expect()
	want.Versioned = ref.Ref{} // as it is without the yank
	want.Picks = nil
	want.Yanked, want.Withdrawn, want.Left = ref.Ref{Slug: "conventional-commits"}, "1.1.0", "1.0.0"
	want.Reason = "it leaks[2J the index, ünd more"
	want.Renamed, want.NewSlug = ref.Ref{Slug: "architect"}, "sickn33-skills-backend-architect"
	return want
}

func TestFolder(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) source.Source { return open(t, registry.Options{URL: sample}) }, expect())
}

func TestFolderMarked(t *testing.T) {
	dir, want := marked(t), expectMarked()
	want.Versioned = want.Yanked
	sourcetest.Run(t, func(t *testing.T) source.Source { return open(t, registry.Options{URL: dir}) }, want)
}

func TestOpenskillsServerMarked(t *testing.T) {
	dir, want := marked(t), expectMarked()
	want.Versions = nil
	sourcetest.Run(t, func(t *testing.T) source.Source {
		return open(t, registry.Options{URL: registrytest.NewServer(t, dir).URL, Client: client(t)})
	}, want)
}

// The same registry over HTTP is the same, but cannot list its versions.
func TestOpenskillsServer(t *testing.T) {
	want := expect()
	want.Versions = nil
	sourcetest.Run(t, func(t *testing.T) source.Source {
		return open(t, registry.Options{URL: registrytest.NewServer(t, sample).URL, Client: client(t)})
	}, want)
}

func open(t *testing.T, o registry.Options) source.Source {
	t.Helper()
	src, err := registry.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func client(t *testing.T) *transport.Client {
	t.Helper()
	c, err := transport.New(transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestOpen(t *testing.T) {
	dir, err := filepath.Abs(sample)
	if err != nil {
		t.Fatal(err)
	}
	fileURL := "file://" + filepath.ToSlash(dir)
	if !strings.HasPrefix(filepath.ToSlash(dir), "/") {
		fileURL = "file:///" + filepath.ToSlash(dir)
	}
	for _, url := range []string{dir, fileURL, strings.Replace(fileURL, "file://", "FILE://localhost", 1), sample} {
		src := open(t, registry.Options{URL: url})
		if f, ok := src.(*folder.Registry); !ok || f.Dir() != dir {
			t.Errorf("Open(%s) = %T, want the folder %s", url, src, dir)
		}
	}
	src := open(t, registry.Options{URL: "registry", Root: filepath.Dir(dir)})
	if f, ok := src.(*folder.Registry); !ok || f.Dir() != dir {
		t.Errorf("a path is not relative to Root")
	}
	for _, url := range []string{"", "https://skills.example.com/base/", "HTTP://localhost:8080"} {
		if _, ok := open(t, registry.Options{URL: url}).(*openskills.Registry); !ok {
			t.Errorf("Open(%q) is not of the openskills protocol", url)
		}
	}
	for _, url := range []string{"wellknown+https://docs.example.com", "WellKnown+HTTP://localhost:8080/team"} {
		if _, ok := open(t, registry.Options{URL: url}).(*wellknown.Registry); !ok {
			t.Errorf("Open(%q) is not a site with an index", url)
		}
	}
	for _, url := range []string{"static+https://skills.example.com", "Static+HTTP://localhost:8080/team"} {
		if _, ok := open(t, registry.Options{URL: url}).(*static.Registry); !ok {
			t.Errorf("Open(%q) is not a registry of files", url)
		}
	}
}

// The prefix of a URL says which protocol a registry speaks, and the Pin keeps it.
func TestClawhub(t *testing.T) {
	s := clawhubtest.New(t, clawhubtest.Options{Skills: []clawhubtest.Skill{{
		Owner: "alice", Slug: "demo", Versions: []clawhubtest.Version{{
			Version: "1.0.0", Files: map[string]string{"SKILL.md": "---\nname: demo\ndescription: d\n---\n"},
		}},
	}}})
	for _, prefix := range []string{"clawhub+", "CLAWHUB+"} {
		src := open(t, registry.Options{URL: prefix + s.Registry() + "/", Client: client(t)})
		pin, err := src.Resolve(t.Context(), ref.Ref{Slug: "demo"}, "")
		if err != nil || pin.Registry != "clawhub+"+s.Registry() || pin.Owner != "alice" || pin.Version != "1.0.0" {
			t.Errorf("%+v, %v", pin, err)
		}
		again := open(t, registry.Options{URL: pin.Registry, Client: client(t)})
		if _, err := again.Fetch(t.Context(), pin, new(sourcetest.Sink)); err != nil {
			t.Errorf("Fetch from the registry of the Pin: %v", err)
		}
	}
}

func TestOpenFaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]error{
		file:                              folder.ErrNotFolder,
		filepath.Join(t.TempDir(), "no"):  fs.ErrNotExist,
		"ftp://example.com/skills":        registry.ErrUnknownProtocol,
		"https://user:secret@example.com": openskills.ErrURL,
		"https://":                        openskills.ErrURL,
		"https://example.com/?q=1":        openskills.ErrURL,
		"wellknown+https://u:secret@a.b":  wellknown.ErrURL,
		"wellknown+file:///dir":           registry.ErrUnknownProtocol,
		"clawhub+https://user:secret@h":   clawhub.ErrURL,
		"clawhub+https://":                clawhub.ErrURL,
		"clawhub+ftp://example.com":       registry.ErrUnknownProtocol,
		"static+https://user:secret@h":    static.ErrURL,
		"static+file:///dir":              registry.ErrUnknownProtocol,
	} {
		_, err := registry.Open(registry.Options{URL: url})
		if !errors.Is(err, want) {
			t.Errorf("Open(%s): %v, want %v", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%s): %v gives the password away", url, err)
		}
	}
	for _, url := range []string{"file://other-host/dir", "file:///dir?x", "file://"} {
		if src, err := registry.Open(registry.Options{URL: url}); err == nil {
			t.Errorf("Open(%s) = %T", url, src)
		}
	}
}
