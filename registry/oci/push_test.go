package oci_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/oci"
)

const fullText = `---
name: pdf
description: Reads <PDF> files.
license: MIT
compatibility: any
allowed-tools: Bash Read
metadata:
  version: 1.2.0+build.7
  author: me
---
# PDF
`

func files(text string) fstest.MapFS {
	return fstest.MapFS{
		"SKILL.md":       {Data: []byte(text), ModTime: time.Now()},
		"scripts/run.sh": {Data: []byte("#!/bin/sh\n"), Mode: 0o600},
		"a-b.txt":        {Data: []byte("x"), Mode: 0o777},
		".git/config":    {Data: []byte("x")},
	}
}

// What is pushed is read back as what it was, and looks as the draft wants it.
func TestPush(t *testing.T) {
	s := newServer(t)
	src := open(t)
	p, err := src.Push(t.Context(), files(fullText), s.ref("o/pdf"), oci.PushOptions{Source: "https://example.com/o/r", Revision: "abc"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Ref != s.ref("o/pdf:1.2.0_build.7") || p.Name != "pdf" || p.Version != "1.2.0+build.7" || p.Unchanged || p.Replaced != "" || p.Files != 3 {
		t.Errorf("pushed %+v", p)
	}
	pin, err := src.Resolve(t.Context(), s.ref("o/pdf"), "")
	if err != nil || pin.Artifact != p.Artifact || pin.Size != p.Size || pin.Revision != string(p.Manifest) || pin.Version != p.Version || pin.Slug != "pdf" {
		t.Fatalf("resolved %+v, %v", pin, err)
	}
	var sink sourcetest.Sink
	if _, err := src.Fetch(t.Context(), pin, &sink); err != nil || treeOf(t, sink.Bytes()) != p.Tree {
		t.Fatalf("fetched %v", err)
	}

	z, err := gzip.NewReader(bytes.NewReader(sink.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name+" "+h.FileInfo().Mode().String())
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || !h.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("header is %+v", h)
		}
	}
	want := []string{"pdf/ drwxr-xr-x", "pdf/SKILL.md -rw-r--r--", "pdf/a-b.txt -rwxr-xr-x", "pdf/scripts/ drwxr-xr-x", "pdf/scripts/run.sh -rwxr-xr-x"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("layer (-want +got):\n%s", diff)
	}

	var m struct {
		ArtifactType string
		Config       struct{ MediaType, Digest string }
		Layers       []struct{ MediaType string }
		Annotations  map[string]string
	}
	s.get("/v2/o/pdf/manifests/1.2.0_build.7", &m)
	const image = "org.opencontainers.image."
	wantAnnotations := map[string]string{
		image + "created": "1970-01-01T00:00:00Z", image + "title": "pdf", image + "version": "1.2.0+build.7",
		image + "description": "Reads <PDF> files.", image + "licenses": "MIT", image + "source": "https://example.com/o/r",
		image + "revision": "abc", "io.agentskills.skill.name": "pdf", "io.agentskills.skill.compatibility": "any",
	}
	if diff := cmp.Diff(wantAnnotations, m.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if m.ArtifactType != typeSkill || m.Config.MediaType != typeConfig || len(m.Layers) != 1 || m.Layers[0].MediaType != typeContent {
		t.Errorf("manifest is %+v", m)
	}
	var config any
	s.get("/v2/o/pdf/blobs/"+m.Config.Digest, &config)
	wantConfig := map[string]any{
		"schemaVersion": "1", "name": "pdf", "version": "1.2.0+build.7", "description": "Reads <PDF> files.", "license": "MIT",
		"compatibility": "any", "allowedTools": []any{"Bash", "Read"}, "metadata": map[string]any{"version": "1.2.0+build.7", "author": "me"},
	}
	if diff := cmp.Diff(any(wantConfig), config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func (s *server) get(path string, v any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
}

// The same files are the same artifact, from wherever and whenever they are
// pushed, and pushing them again writes nothing.
func TestPushAgain(t *testing.T) {
	s := newServer(t)
	src := open(t)
	dir := t.TempDir()
	for name, f := range files(fullText) {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, f.Data, f.Mode|0o600)); err != nil {
			t.Fatal(err)
		}
	}
	first, err := src.Push(t.Context(), files(fullText), s.ref("o/pdf"), oci.PushOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.asked()
	again, err := src.Push(t.Context(), os.DirFS(dir), s.ref("o/pdf"), oci.PushOptions{})
	if err != nil || !again.Unchanged || again.Manifest != first.Manifest {
		t.Errorf("again: %+v, %v", again, err)
	}
	if asked := s.asked(); len(asked) != 1 || !strings.HasPrefix(asked[0], http.MethodGet) {
		t.Errorf("again asks %q", asked)
	}
	later, err := src.Push(t.Context(), files(fullText), s.ref("o/pdf:later"), oci.PushOptions{Created: time.Unix(1e9, 0)})
	if err != nil || later.Artifact != first.Artifact || later.Manifest == first.Manifest {
		t.Errorf("later: %+v, %v", later, err)
	}
	for _, line := range s.asked() {
		if strings.HasPrefix(line, http.MethodPost) {
			t.Errorf("a blob that is there was sent again: %s", line)
		}
	}
}

// A tag stands for what it stood for, unless it is said that it may move.
func TestPushTaken(t *testing.T) {
	s := newServer(t)
	src := open(t)
	first, err := src.Push(t.Context(), files(fullText), s.ref("o/pdf"), oci.PushOptions{})
	if err != nil {
		t.Fatal(err)
	}
	other := files(fullText + "more\n")
	for _, o := range []oci.PushOptions{{}, {DryRun: true}} {
		s.asked()
		_, err = src.Push(t.Context(), other, s.ref("o/pdf"), o)
		taken, ok := errors.AsType[*oci.TagTakenError](err)
		if !ok || taken.Have != first.Manifest || taken.Tag != "1.2.0_build.7" || len(s.asked()) != 1 {
			t.Errorf("Push = %v", err)
		}
	}
	dry, err := src.Push(t.Context(), other, s.ref("o/pdf"), oci.PushOptions{DryRun: true, ReplaceTag: true})
	if asked := s.asked(); err != nil || dry.Replaced != first.Manifest || len(asked) != 1 {
		t.Errorf("dry run: %+v, %v, %q", dry, err, asked)
	}
	second, err := src.Push(t.Context(), other, s.ref("o/pdf"), oci.PushOptions{ReplaceTag: true})
	if err != nil || second.Replaced != first.Manifest {
		t.Errorf("Push = %+v, %v", second, err)
	}
	if pin, err := src.Resolve(t.Context(), s.ref("o/pdf"), ""); err != nil || pin.Revision != string(second.Manifest) {
		t.Errorf("Resolve = %+v, %v", pin, err)
	}
}

func TestPushRefuses(t *testing.T) {
	s := newServer(t)
	isTag := func(err error) bool { _, ok := errors.AsType[*oci.TagError](err); return ok }
	is := func(target error) func(error) bool {
		return func(err error) bool { return errors.Is(err, target) }
	}
	for name, test := range map[string]struct {
		files fstest.MapFS
		ref   string
		want  func(error) bool
	}{
		"no version, no tag":  {files(skillText), "o/pdf", isTag},
		"a digest":            {files(fullText), "o/pdf@sha256:" + strings.Repeat("0", 64), isTag},
		"another version":     {files(fullText), "o/pdf:1.2.1", isTag},
		"no skill":            {fstest.MapFS{"README.md": {}}, "o/pdf:1.0.0", is(archive.ErrRefused)},
		"a link":              {fstest.MapFS{"SKILL.md": {Data: []byte(skillText)}, "x": {Mode: os.ModeSymlink, Data: []byte("/etc/passwd")}}, "o/pdf:1.0.0", is(archive.ErrUnsafe)},
		"a name that is none": {files(strings.ReplaceAll(fullText, "name: pdf", "name: PDF Reader")), "o/pdf", func(err error) bool { _, ok := errors.AsType[*oci.NameError](err); return ok }},
	} {
		_, err := open(t).Push(t.Context(), test.files, s.ref(test.ref), oci.PushOptions{})
		if err == nil || !test.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked := s.asked(); len(asked) > 0 {
		t.Errorf("asked %q", asked)
	}
	for _, r := range []ref.Ref{{Kind: ref.Dir, Path: "./x"}, {Kind: ref.OCI, URL: "oci+file:///x", Rev: "v1"}} {
		if _, err := open(t).Push(t.Context(), files(fullText), r, oci.PushOptions{}); !errors.Is(err, source.ErrUnsupported) {
			t.Errorf("Push to %s: %v", r, err)
		}
	}
	small := oci.New(oci.Options{Client: client(t, transport.Options{}), Limits: archive.Limits{Download: 10}})
	if _, err := small.Push(t.Context(), files(fullText), s.ref("o/pdf"), oci.PushOptions{}); !errors.Is(err, archive.ErrRefused) {
		t.Errorf("Push of much: %v", err)
	}
}

// With a tag that is a version the SKILL.md needs none; a tag that is none says
// nothing about it.
func TestPushVersions(t *testing.T) {
	s := newServer(t)
	for tag, want := range map[string]string{"2.0.0": "2.0.0", "v2.0.0": "2.0.0", "2.0.0_x": "2.0.0+x", "edge": ""} {
		p, err := open(t).Push(t.Context(), files(skillText), s.ref("o/pdf:"+tag), oci.PushOptions{})
		if err != nil || p.Version != want || p.Ref.Rev != tag {
			t.Errorf("%s: %+v, %v", tag, p, err)
		}
	}
}
