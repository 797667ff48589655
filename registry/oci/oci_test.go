package oci_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"
	godigest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/oci"
)

const (
	mediaManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaIndex    = "application/vnd.oci.image.index.v1+json"
	mediaImage    = "application/vnd.oci.image.config.v1+json"
	mediaLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
	typeSkill     = "application/vnd.agentskills.skill.v1"
	typeConfig    = "application/vnd.agentskills.skill.config.v1+json"
	typeContent   = "application/vnd.agentskills.skill.content.v1.tar+gzip"
)

// A server is a registry in this process. What before does to a request comes
// before the registry sees it; true ends the request.
type server struct {
	*httptest.Server
	t      *testing.T
	host   string
	before func(w http.ResponseWriter, r *http.Request) bool

	mu   sync.Mutex
	seen []string
}

// asked returns the requests since it was called last.
func (s *server) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		if s.before == nil || !s.before(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	s.host = strings.TrimPrefix(s.URL, "http://")
	return s
}

func (s *server) ref(name string) ref.Ref {
	s.t.Helper()
	r, err := ref.Parse("oci://" + s.host + "/" + name)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// An item is what a descriptor points to, for fixtures.
type item map[string]any

// push puts bytes into a repository and returns their descriptor.
func (s *server) push(repo, mediaType string, data []byte, tags ...string) item {
	s.t.Helper()
	r, err := remote.NewRepository(s.host + "/" + repo)
	if err != nil {
		s.t.Fatal(err)
	}
	r.PlainHTTP = true
	desc := ocispec.Descriptor{MediaType: mediaType, Digest: godigest.FromBytes(data), Size: int64(len(data))}
	if err := r.Push(s.t.Context(), desc, bytes.NewReader(data)); err != nil {
		s.t.Fatal(err)
	}
	for _, tag := range tags {
		if err := r.PushReference(s.t.Context(), desc, bytes.NewReader(data), tag); err != nil {
			s.t.Fatal(err)
		}
	}
	return item{"mediaType": mediaType, "digest": string(desc.Digest), "size": desc.Size}
}

func (s *server) pushJSON(repo, mediaType string, v item, tags ...string) item {
	s.t.Helper()
	v["schemaVersion"] = 2
	if _, ok := v["mediaType"]; !ok {
		v["mediaType"] = mediaType
	}
	data, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.push(repo, mediaType, data, tags...)
}

// skill puts an artifact into a repository: one config, and layers of one type.
func (s *server) skill(repo, artifactType, configType string, layers []item, annotations map[string]string, tags ...string) item {
	s.t.Helper()
	m := item{"config": s.push(repo, configType, []byte("{}")), "layers": layers, "annotations": annotations}
	if artifactType != "" {
		m["artifactType"] = artifactType
	}
	return s.pushJSON(repo, mediaManifest, m, tags...)
}

func with(a item, key string, value any) item {
	a = maps.Clone(a)
	a[key] = value
	return a
}

const skillText = "---\nname: pdf\ndescription: Reads PDF files.\n---\n# PDF\n"

func tarOf(t *testing.T, prefix, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name, text string
		mode       int64
	}{{"SKILL.md", text, 0o644}, {"scripts/run.sh", "#!/bin/sh\n", 0o755}} {
		if err := w.WriteHeader(&tar.Header{Name: prefix + f.name, Mode: f.mode, Size: int64(len(f.text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, f.text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gz(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

func client(t *testing.T, o transport.Options) *transport.Client {
	t.Helper()
	o.MaxWait = -1
	c, err := transport.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func open(t *testing.T) *oci.Source {
	t.Helper()
	return oci.New(oci.Options{Client: client(t, transport.Options{})})
}

// usual puts a skill as this program writes it into a repository.
func (s *server) usual(repo, text string, tags ...string) item {
	layer := s.push(repo, typeContent, gz(tarOf(s.t, "pdf/", text)))
	return s.skill(repo, typeSkill, typeConfig, []item{layer}, nil, tags...)
}

func TestIsASource(t *testing.T) {
	s := newServer(t)
	for _, v := range []string{"1.0.0", "1.2.0", "v1.2.3", "2.0.0-rc.1", "1.2.3_build.7", "not-a-version"} {
		s.usual("o/pdf", skillText+v+"\n", v)
	}
	s.usual("o/pdf", skillText, "latest")
	tree := treeOf(t, gz(tarOf(t, "", skillText)))
	versioned := s.ref("o/pdf")
	sourcetest.Run(t, func(t *testing.T) source.Source { return open(t) }, sourcetest.Expect{
		Found: s.ref("o/pdf:latest"), Name: "pdf", Tree: tree,
		Versioned: versioned, Versions: []string{"1.0.0", "1.2.0", "1.2.3", "1.2.3+build.7", "2.0.0-rc.1"},
		Picks: map[string]string{
			"1.0.0": "1.0.0", "~1.2.0": "1.2.3+build.7", "^1.0": "1.2.3+build.7", "2.0.0-rc.1": "2.0.0-rc.1",
			"^3": "", "1.2.3+build.7": "1.2.3+build.7",
		},
		Missing: s.ref("o/none"),
		Foreign: ref.Ref{Kind: ref.Git, URL: "https://github.com/a/b"},
	})
}

func treeOf(t *testing.T, data []byte) digest.Digest {
	t.Helper()
	result, err := archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), nil, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return result.Tree.Digest()
}

// Every form of artifact that is in use is one skill with the same tree.
func TestForms(t *testing.T) {
	s := newServer(t)
	rooted, flat := gz(tarOf(t, "pdf/", skillText)), gz(tarOf(t, "", skillText))
	tree := treeOf(t, flat)
	type row struct {
		repo, wantVersion, wantSlug string
		layer                       []byte
	}
	var rows []row
	add := func(repo, artifactType, config, layerType string, layer []byte, annotations map[string]string, wantVersion, wantSlug string) {
		s.skill(repo, artifactType, config, []item{s.push(repo, layerType, layer)}, annotations, "latest")
		rows = append(rows, row{repo, wantVersion, wantSlug, layer})
	}
	const image = "org.opencontainers.image."
	add("agentskills/x", typeSkill, typeConfig, typeContent, rooted,
		map[string]string{image + "version": "1.2.0", "io.agentskills.skill.name": "pdf"}, "1.2.0", "pdf")
	add("early/pdf", "application/vnd.agent-skills.skill.v1", "application/vnd.agent-skills.skill.config.v1+json",
		"application/vnd.agent-skills.skill.content.v1.tar+gzip", rooted, map[string]string{image + "version": "v1.2.0"}, "1.2.0", "pdf")
	add("toolhive/one", "dev.toolhive.skills.v1", mediaImage, mediaLayer, flat,
		map[string]string{"dev.toolhive.skills.name": "pdf", "dev.toolhive.skills.version": "0.1.0"}, "0.1.0", "pdf")
	add("alibaba/x", "application/vnd.agent.skill.v1+json", "application/vnd.oci.empty.v1+json",
		"application/vnd.agent.skill.content.v1.tar+gzip", flat, map[string]string{"org.agent.skill.name": "pdf", "org.agent.skill.version": "3.0.0"}, "3.0.0", "pdf")
	add("skillimage/pdf", "", mediaImage, mediaLayer, rooted, nil, "", "pdf")
	add("cncf/pdf", "application/vnd.cncf.skill.manifest.v1+json", "application/vnd.cncf.skill.config.v1+json",
		"application/vnd.cncf.skill.bundle.v1.tar+gzip", rooted, nil, "", "pdf")
	add("plain/tar", typeSkill, typeConfig, "application/vnd.oci.image.layer.v1.tar", tarOf(t, "pdf/", skillText),
		map[string]string{image + "version": "one", "io.agentskills.skill.name": "../Not a Name"}, "", "tar")
	add("docker/pdf", "", "application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip", rooted, nil, "", "pdf")

	// Of several layers the first that is an archive.
	layers := []item{s.push("several/pdf", "application/vnd.example.readme.v1+markdown", []byte("# Hello")), s.push("several/pdf", typeContent, rooted), s.push("several/pdf", typeContent, flat)}
	s.skill("several/pdf", typeSkill, typeConfig, layers, nil, "latest")
	rows = append(rows, row{"several/pdf", "", "pdf", rooted})

	// ToolHive's index: one layer for all platforms, and an attestation that is none.
	shared := s.push("toolhive/pdf", mediaLayer, flat)
	var entries []item
	for _, arch := range []string{"amd64", "arm64"} {
		m := s.skill("toolhive/pdf", "dev.toolhive.skills.v1", mediaImage, []item{shared}, map[string]string{"arch": arch})
		entries = append(entries, with(m, "platform", item{"os": "linux", "architecture": arch}))
	}
	entries = append(entries, with(s.skill("toolhive/pdf", "", mediaImage, nil, nil), "platform", item{"os": "unknown", "architecture": "unknown"}))
	s.pushJSON("toolhive/pdf", mediaIndex, item{
		"artifactType": "dev.toolhive.skills.v1", "manifests": entries,
		"annotations": map[string]string{"dev.toolhive.skills.version": "0.2.0"},
	}, "latest")
	rows = append(rows, row{"toolhive/pdf", "0.2.0", "pdf", flat})

	for _, want := range rows {
		src, r := open(t), s.ref(want.repo)
		p, err := src.Resolve(t.Context(), r, "")
		if err != nil {
			t.Errorf("%s: %v", want.repo, err)
			continue
		}
		sum := digest.Of(want.layer)
		if p.Version != want.wantVersion || p.Slug != want.wantSlug || p.Artifact != sum || p.Size != int64(len(want.layer)) ||
			p.URL != "oci://"+s.host+"/"+want.repo || p.Trust != source.FromRegistry || !strings.HasPrefix(p.Revision, "sha256:") {
			t.Errorf("%s: pin is %+v", want.repo, p)
		}
		var sink sourcetest.Sink
		receipt, err := src.Fetch(t.Context(), p, &sink)
		if err != nil || receipt.Artifact != sum || treeOf(t, sink.Bytes()) != tree {
			t.Errorf("%s: %+v, %v", want.repo, receipt, err)
		}
		// With the manifest's digest alone, as another program may have noted it.
		p.Artifact, p.Size = "", 0
		sink = sourcetest.Sink{}
		if _, err := src.Fetch(t.Context(), p, &sink); err != nil || digest.Of(sink.Bytes()) != sum {
			t.Errorf("%s by its manifest: %v", want.repo, err)
		}
	}
}

// A locked install is one request, with and without the size.
func TestRequests(t *testing.T) {
	s := newServer(t)
	s.usual("o/pdf", skillText, "1.0.0")
	src := open(t)
	s.asked()
	p, err := src.Resolve(t.Context(), s.ref("o/pdf:1.0.0"), "")
	if asked := s.asked(); err != nil || len(asked) != 1 {
		t.Fatalf("Resolve asked %q: %v", asked, err)
	}
	for _, size := range []int64{p.Size, 0} {
		p.Size = size
		var sink sourcetest.Sink
		_, err := src.Fetch(t.Context(), p, &sink)
		if asked := s.asked(); err != nil || len(asked) != 1 || digest.Of(sink.Bytes()) != p.Artifact {
			t.Errorf("Fetch asked %q: %v", asked, err)
		}
	}
}

func TestResolvePicks(t *testing.T) {
	s := newServer(t)
	all := map[string]item{}
	for _, v := range []string{"1.0.0", "2.0.0", "3.0.0-rc.1"} {
		all[v] = s.usual("o/versions", skillText+v, v)
		s.usual("o/tagged", skillText+v, v)
	}
	s.usual("o/tagged", skillText+"latest", "latest")
	s.usual("o/edge", skillText, "edge")
	src := open(t)
	for _, test := range []struct {
		name, current, query string
		version              string
		err                  error
	}{
		{"o/versions", "", "", "2.0.0", nil},
		{"o/versions", "1.0.0", "", "1.0.0", nil},
		{"o/versions", "0.9.0", "", "2.0.0", nil},
		{"o/versions", "not a version", "", "2.0.0", nil},
		{"o/versions", "", "latest", "2.0.0", nil},
		{"o/versions", "", "<2", "1.0.0", nil},
		{"o/versions", "", "^9", "", version.ErrNoMatch},
		{"o/versions:3.0.0-rc.1", "", "", "3.0.0-rc.1", nil},
		{"o/versions@" + all["1.0.0"]["digest"].(string), "", "", "", nil},
		{"o/tagged", "", "", "", nil},
		{"o/edge", "", "", "", source.ErrNotFound},
		{"o/edge", "", "edge", "", nil},
		{"o/edge:none", "", "", "", source.ErrNotFound},
	} {
		r := s.ref(test.name)
		var err error
		if r.Query, err = version.ParseQuery(test.query); err != nil {
			t.Fatal(err)
		}
		p, err := src.Resolve(t.Context(), r, test.current)
		if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) || p.Version != test.version {
			t.Errorf("%s@%s with %q: %q, %v", test.name, test.query, test.current, p.Version, err)
		}
	}
}

// A collection is several skills, each of which resolves by itself.
func TestCollections(t *testing.T) {
	s := newServer(t)
	for name, artifactType := range map[string]string{"o/marked": "application/vnd.agentskills.collection.v1", "o/unmarked": ""} {
		one := s.usual(name, skillText)
		two := s.usual(name, strings.ReplaceAll(skillText, "pdf", "docx"))
		three := s.usual(name, skillText+"3")
		index := item{"manifests": []item{
			with(one, "annotations", map[string]string{"io.agentskills.skill.name": "pdf", "org.opencontainers.image.description": "Reads."}),
			with(two, "annotations", map[string]string{"org.opencontainers.image.ref.name": "ghcr.io/o/docx:1.0"}),
			three,
		}}
		if artifactType != "" {
			index["artifactType"] = artifactType
		}
		s.pushJSON(name, mediaIndex, index, "latest")
		src := open(t)
		list, err := src.List(t.Context(), s.ref(name))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, l := range list {
			names = append(names, l.Name)
			p, err := src.Resolve(t.Context(), l.Ref, "")
			if err != nil || !slices.Contains([]any{one["digest"], two["digest"], three["digest"]}, any(p.Revision)) {
				t.Errorf("Resolve(%s) = %+v, %v", l.Ref, p, err)
			}
			again, err := ref.Parse(l.Ref.String())
			if err != nil || again != l.Ref {
				t.Errorf("%s is read as %+v, %v", l.Ref, again, err)
			}
		}
		if want := []string{three["digest"].(string)[7:19], "docx", "pdf"}; !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(want))) || !slices.IsSorted(names) {
			t.Errorf("%s has %q, want %q", name, names, want)
		}
		_, err = src.Resolve(t.Context(), s.ref(name), "")
		collection, ok := errors.AsType[*oci.CollectionError](err)
		if !ok || !errors.Is(err, source.ErrAmbiguous) || len(collection.Skills) != 3 {
			t.Errorf("Resolve = %v", err)
		}
	}
	s.usual("o/pdf", skillText, "1.0.0")
	r := s.ref("o/pdf")
	list, err := open(t).List(t.Context(), r)
	if diff := cmp.Diff([]source.Listing{{Ref: r, Name: "pdf"}}, list, cmp.AllowUnexported(version.Query{})); err != nil || diff != "" {
		t.Errorf("List of one skill: %v\n%s", err, diff)
	}
	s.pushJSON("o/empty", mediaIndex, item{"artifactType": "application/vnd.agentskills.collection.v1", "manifests": []item{}}, "latest")
	if _, err := open(t).List(t.Context(), s.ref("o/empty")); !errors.Is(err, source.ErrNotFound) {
		t.Errorf("List of an empty collection: %v", err)
	}
	if _, err := open(t).List(t.Context(), s.ref("o/none")); !errors.Is(err, source.ErrNotFound) {
		t.Errorf("List of nothing: %v", err)
	}
}

func TestOffline(t *testing.T) {
	s := newServer(t)
	src := oci.New(oci.Options{Client: client(t, transport.Options{Offline: true})})
	if _, err := src.Resolve(t.Context(), s.ref("o/pdf"), ""); !errors.Is(err, transport.ErrOffline) || len(s.asked()) > 0 {
		t.Errorf("Resolve = %v", err)
	}
	if _, err := oci.New(oci.Options{}).Resolve(t.Context(), s.ref("o/pdf"), ""); !errors.Is(err, source.ErrUnsupported) {
		t.Errorf("Resolve without a client = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t).List(ctx, s.ref("o/pdf")); !errors.Is(err, context.Canceled) {
		t.Errorf("List = %v", err)
	}
}
