package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	ociregistry "github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// serveOCI runs an OCI registry in memory: oci VAR. VAR becomes its host. What is
// counted is every request.
func serveOCI(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: oci VAR")
	}
	registry := ociregistry.New(ociregistry.Logger(log.New(io.Discard, "", 0)))
	asked := counted(ts, args[0])
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked(r.Method + " " + r.URL.Path)
		registry.ServeHTTP(w, r)
	}))
	ts.Defer(s.Close)
	ts.Setenv(args[0], strings.TrimPrefix(s.URL, "http://"))
}

// An ociItem is what one thing in an OCI registry says of another.
type ociItem struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// collect makes one collection of what has tags in a repository:
// collect HOST/REPOSITORY TAG FROM...
func collect(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: collect HOST/REPOSITORY TAG FROM...")
	}
	var list []ociItem
	for _, tag := range args[2:] {
		item, data := ociManifest(ts, args[0], tag)
		var m struct{ Annotations map[string]string }
		ts.Check(json.Unmarshal(data, &m))
		item.Annotations = m.Annotations
		list = append(list, item)
	}
	const mediaType = "application/vnd.oci.image.index.v1+json"
	data, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": mediaType, "artifactType": "application/vnd.agentskills.collection.v1", "manifests": list,
	})
	ts.Check(err)
	ociAsk(ts, http.MethodPut, args[0], "manifests/"+args[1], mediaType, data)
}

// ociLayout copies what has a tag into a folder: ocilayout DIR HOST/REPOSITORY TAG.
func ociLayout(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: ocilayout DIR HOST/REPOSITORY TAG")
	}
	item, data := ociManifest(ts, args[1], args[2])
	blobs := map[string][]byte{item.Digest: data}
	var m struct {
		Config ociItem
		Layers []ociItem
	}
	ts.Check(json.Unmarshal(data, &m))
	for _, i := range append(m.Layers, m.Config) {
		blobs[i.Digest], _ = ociAsk(ts, http.MethodGet, args[1], "blobs/"+i.Digest, "", nil)
	}
	item.Annotations = map[string]string{"org.opencontainers.image.ref.name": args[2]}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []ociItem{item}})
	ts.Check(err)
	files := map[string][]byte{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`), "index.json": index}
	for digest, data := range blobs {
		files["blobs/"+strings.ReplaceAll(digest, ":", "/")] = data
	}
	for name, data := range files {
		path := filepath.Join(ts.MkAbs(args[0]), filepath.FromSlash(name))
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o777))
		ts.Check(os.WriteFile(path, data, 0o666))
	}
}

func ociManifest(ts *testscript.TestScript, repository, tag string) (ociItem, []byte) {
	data, mediaType := ociAsk(ts, http.MethodGet, repository, "manifests/"+tag, "", nil)
	return ociItem{MediaType: mediaType, Digest: "sha256:" + hexOf(data), Size: len(data)}, data
}

func ociAsk(ts *testscript.TestScript, method, repository, what, mediaType string, body []byte) (data []byte, answered string) {
	host, name, _ := strings.Cut(repository, "/")
	req, err := http.NewRequest(method, "http://"+host+"/v2/"+name+"/"+what, bytes.NewReader(body))
	ts.Check(err)
	req.Header.Set("Content-Type", mediaType)
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	data, err = io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode >= http.StatusBadRequest {
		ts.Fatalf("%s %s: %s", method, req.URL, resp.Status)
	}
	return data, resp.Header.Get("Content-Type")
}
