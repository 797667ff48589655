package archive_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/archive/archivetest"
)

func TestPack(t *testing.T) {
	fsys := fstest.MapFS{
		"docs/café.md":      {Data: []byte("x"), Mode: 0o666, ModTime: time.Unix(1e9, 0)},
		"run":               {Data: []byte("x"), Mode: 0o700},
		"script":            {Data: []byte("#!/bin/sh"), Mode: 0o600},
		"skill.md":          {Data: []byte(archivetest.Skill), Mode: 0o644},
		"empty":             {Mode: fs.ModeDir | 0o755},
		"nothing":           {Mode: 0o644},
		".git/config":       {Data: []byte("secret")},
		"sub/.git":          {Data: []byte("gitdir: /x")},
		".DS_Store":         {Data: []byte("x")},
		"docs/._café.md":    {Data: []byte("x")},
		"__MACOSX/anything": {Data: []byte("x")},
	}
	var out bytes.Buffer
	result, err := archive.Pack(t.Context(), &out, fsys)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.File {
		got = append(got, f.Mode().String()+" "+f.Name)
		if f.Modified.Year() != 1980 {
			t.Errorf("%s has time %v", f.Name, f.Modified)
		}
	}
	want := []string{"-rw-r--r-- SKILL.md", "-rw-r--r-- docs/café.md", "-rw-r--r-- nothing", "-rwxr-xr-x run", "-rwxr-xr-x script"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	dropped := []string{".DS_Store", ".git", "__MACOSX/anything", "docs/._café.md", "sub/.git"}
	if diff := cmp.Diff(dropped, result.Dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	if string(result.Skill) != archivetest.Skill {
		t.Errorf("Skill is %q", result.Skill)
	}
	again, err := archive.Unpack(t.Context(), bytes.NewReader(out.Bytes()), int64(out.Len()), nil, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(result.Tree, again.Tree); diff != "" {
		t.Errorf("tree after Unpack (-packed +unpacked):\n%s", diff)
	}
}

// A folder and an archive of it in any format have one digest, and the artifact
// that Pack makes of each has the same bytes.
func TestPackIsCanonical(t *testing.T) {
	var first []byte
	for _, recipe := range []string{
		"zip\nskill\nfile a/b \"#!x\"\nfile c \"y\"",
		"zip\nfile w/c method=store \"y\"\nskill w/skill.md\nfile w/a/b mode=0700 \"#!x\"",
		"tar\ndir .\nfile ./c \"y\"\ndir ./a\nfile ./a/b \"#!x\"\nskill ./SKILL.md\ngzip",
	} {
		dir := t.TempDir()
		if _, err := unpackInto(t.Context(), archivetest.Build(t, recipe), dir, archive.Options{}); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := archive.Pack(t.Context(), &out, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = out.Bytes()
		}
		if !bytes.Equal(first, out.Bytes()) {
			t.Errorf("%q packs to other bytes", recipe)
		}
	}
}

func TestPackRefusesWhatUnpackWould(t *testing.T) {
	skill := []byte(archivetest.Skill)
	for _, c := range []struct {
		name  string
		files map[string][]byte
	}{
		{"no skill", map[string][]byte{"a": nil}},
		{"empty skill", map[string][]byte{"SKILL.md": nil}},
		{"two skills", map[string][]byte{"a/SKILL.md": skill, "b/SKILL.md": skill}},
		{"collision", map[string][]byte{"SKILL.md": skill, "a": nil, "A": nil}},
		{"dot-dot", map[string][]byte{"SKILL.md": skill, "../a": nil}},
		{"absolute", map[string][]byte{"SKILL.md": skill, "/a": nil}},
		{"folder", map[string][]byte{"SKILL.md": skill, "a/": nil}},
		{"reserved", map[string][]byte{"SKILL.md": skill, "nul": nil}},
		{"large", map[string][]byte{"SKILL.md": make([]byte, 2<<20)}},
	} {
		var out bytes.Buffer
		if _, err := archive.PackFiles(t.Context(), &out, c.files); !errors.Is(err, archive.ErrRefused) || out.Len() > 0 {
			t.Errorf("%s: error %v, %d bytes written", c.name, err, out.Len())
		}
	}
}

func TestPackRefusesLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "SKILL.md"), []byte(archivetest.Skill), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Pack(t.Context(), io.Discard, os.DirFS(dir)); !errors.Is(err, archive.ErrUnsafe) {
		t.Errorf("error %v", err)
	}
}

// growing is a file system whose files are longer, or shorter, than they say.
type growing struct {
	fs.FS
	by int
}

type grownFile struct {
	fs.File
	r io.Reader
}

func (g grownFile) Read(p []byte) (int, error) { return g.r.Read(p) }

func (g growing) Open(name string) (fs.File, error) {
	f, err := g.FS.Open(name)
	if err != nil || name != "a" {
		return f, err
	}
	return grownFile{f, bytes.NewReader(make([]byte, 10+g.by))}, nil
}

func TestPackNoticesChanges(t *testing.T) {
	fsys := fstest.MapFS{"SKILL.md": {Data: []byte(archivetest.Skill)}, "a": {Data: make([]byte, 10)}}
	for _, by := range []int{-10, -1, 1} {
		_, err := archive.Pack(t.Context(), io.Discard, growing{fsys, by})
		if err == nil || errors.Is(err, archive.ErrRefused) {
			t.Errorf("a file that grew by %d: error %v", by, err)
		}
	}
	if _, err := archive.Pack(t.Context(), io.Discard, growing{fsys, 0}); err != nil {
		t.Errorf("a file that did not change: error %v", err)
	}
}

func TestPackReportsWriteErrors(t *testing.T) {
	full := errors.New("no space left on device")
	files := map[string][]byte{"SKILL.md": []byte(archivetest.Skill)}
	if _, err := archive.PackFiles(t.Context(), failing{full}, files); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
	for room := range 200 { // also where only the directory at the end does not fit
		w := &short{room: room, err: full}
		if _, err := archive.PackFiles(t.Context(), w, files); !errors.Is(err, full) {
			t.Fatalf("with room for %d bytes: error %v", room, err)
		}
	}
}

type short struct {
	room int
	err  error
}

func (s *short) Write(p []byte) (int, error) {
	if len(p) > s.room {
		return 0, s.err
	}
	s.room -= len(p)
	return len(p), nil
}
