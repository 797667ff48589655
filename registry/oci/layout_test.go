package oci_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	godigest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	orasoci "oras.land/oras-go/v2/content/oci"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/registry/oci"
)

// A layoutDir is a layout that oras wrote.
type layoutDir struct {
	t     *testing.T
	dir   string
	store *orasoci.Store
}

func newLayout(t *testing.T) *layoutDir {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pdf")
	store, err := orasoci.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return &layoutDir{t, dir, store}
}

func (l *layoutDir) push(mediaType string, data []byte) ocispec.Descriptor {
	l.t.Helper()
	desc := ocispec.Descriptor{MediaType: mediaType, Digest: godigest.FromBytes(data), Size: int64(len(data))}
	if there, err := l.store.Exists(l.t.Context(), desc); err != nil || there {
		return desc
	}
	if err := l.store.Push(l.t.Context(), desc, bytes.NewReader(data)); err != nil {
		l.t.Fatal(err)
	}
	return desc
}

func (l *layoutDir) skill(text string, tags ...string) ocispec.Descriptor {
	l.t.Helper()
	layer := l.push(typeContent, gz(tarOf(l.t, "pdf/", text)))
	m := ocispec.Manifest{MediaType: mediaManifest, ArtifactType: typeSkill, Config: l.push(typeConfig, []byte("{}")), Layers: []ocispec.Descriptor{layer}}
	m.SchemaVersion = 2
	data, err := json.Marshal(m)
	if err != nil {
		l.t.Fatal(err)
	}
	desc := l.push(mediaManifest, data)
	for _, tag := range tags {
		if err := l.store.Tag(l.t.Context(), desc, tag); err != nil {
			l.t.Fatal(err)
		}
	}
	return desc
}

func (l *layoutDir) ref(rev string) ref.Ref {
	l.t.Helper()
	r, err := ref.Parse("oci+file://" + filepath.ToSlash(l.dir) + rev)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

func TestLayoutIsASource(t *testing.T) {
	l := newLayout(t)
	l.skill(skillText+"1", "1.0.0")
	l.skill(skillText+"2", "1.1.0")
	l.skill(skillText, "latest")
	sourcetest.Run(t, func(*testing.T) source.Source { return oci.New(oci.Options{}) }, sourcetest.Expect{
		Found: l.ref(""), Name: "pdf", Tree: treeOf(t, gz(tarOf(t, "", skillText))),
		Versioned: l.ref(""), Versions: []string{"1.0.0", "1.1.0"},
		Picks:   map[string]string{"^1": "1.1.0", "1.0.0": "1.0.0", "^2": ""},
		Missing: ref.Ref{Kind: ref.OCI, URL: l.ref("").URL + "-none"}, Foreign: ref.Ref{Kind: ref.Dir, Path: l.dir},
	})
	if _, err := oci.New(oci.Options{}).Resolve(t.Context(), l.ref(":none"), ""); !errors.Is(err, source.ErrNotFound) {
		t.Errorf("Resolve of no tag = %v", err)
	}
}

// What a layout has alone needs no tag, and any can be named by its digest.
func TestLayoutOfOne(t *testing.T) {
	l := newLayout(t)
	desc := l.skill(skillText)
	for _, rev := range []string{"", "@" + string(desc.Digest)} {
		p, err := oci.New(oci.Options{}).Resolve(t.Context(), l.ref(rev), "")
		if err != nil || p.Revision != string(desc.Digest) || p.Slug != "pdf" || p.URL != l.ref("").URL {
			t.Errorf("Resolve = %+v, %v", p, err)
		}
	}
}

func TestHostileLayouts(t *testing.T) {
	for name, test := range map[string]struct {
		change func(l *layoutDir) error
		want   func(error) bool
	}{
		"no version":      {func(l *layoutDir) error { return os.Remove(filepath.Join(l.dir, "oci-layout")) }, isErr(source.ErrNotFound)},
		"another version": {func(l *layoutDir) error { return l.write("oci-layout", `{"imageLayoutVersion":"2.0.0"}`) }, isA[*oci.AnswerError]},
		"no index":        {func(l *layoutDir) error { return os.Remove(filepath.Join(l.dir, "index.json")) }, isErr(source.ErrNotFound)},
		"an index of much": {func(l *layoutDir) error {
			return l.write("index.json", `{"manifests":[`+strings.Repeat(" ", 5<<20)+`]}`)
		},
			isA[*oci.AnswerError]},
		"an index that is none": {func(l *layoutDir) error { return l.write("index.json", `{"layers":[]}`) }, isA[*oci.AnswerError]},
		"a folder for an index": {func(l *layoutDir) error {
			return errors.Join(os.Remove(filepath.Join(l.dir, "index.json")), os.Mkdir(filepath.Join(l.dir, "index.json"), 0o700))
		}, isA[*oci.AnswerError]},
		"a link out": {func(l *layoutDir) error {
			return errors.Join(os.Rename(filepath.Join(l.dir, "index.json"), l.dir+"-index"), os.Symlink(l.dir+"-index", filepath.Join(l.dir, "index.json")))
		}, func(err error) bool { return err != nil }},
		"another manifest": {func(l *layoutDir) error {
			return l.change(l.skill(skillText), []byte("{}"))
		}, isA[*digest.MismatchError]},
	} {
		l := newLayout(t)
		l.skill(skillText, "latest")
		if err := test.change(l); err != nil {
			t.Fatal(err)
		}
		if _, err := oci.New(oci.Options{}).Resolve(t.Context(), l.ref(""), ""); err == nil || !test.want(err) {
			t.Errorf("%s: %T %v", name, err, err)
		}
	}
	l := newLayout(t)
	l.skill(skillText, "latest")
	p, err := oci.New(oci.Options{}).Resolve(t.Context(), l.ref(""), "")
	if err != nil {
		t.Fatal(err)
	}
	desc := ocispec.Descriptor{Digest: godigest.Digest(p.Artifact)}
	for text, want := range map[string]func(error) bool{
		strings.Repeat("x", int(p.Size)): isA[*digest.MismatchError], "x": isErr(digest.ErrSize), strings.Repeat("x", int(p.Size)+1): isErr(digest.ErrSize),
	} {
		if err := l.change(desc, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := oci.New(oci.Options{}).Fetch(t.Context(), p, new(sourcetest.Sink)); err == nil || !want(err) {
			t.Errorf("a layer of %d bytes: %v", len(text), err)
		}
	}
}

func (l *layoutDir) write(name, text string) error {
	return os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o600)
}

func (l *layoutDir) change(desc ocispec.Descriptor, data []byte) error {
	file := filepath.Join(l.dir, "blobs", "sha256", desc.Digest.Encoded())
	return errors.Join(os.Chmod(file, 0o600), os.WriteFile(file, data, 0o600))
}
