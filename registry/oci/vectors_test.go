package oci_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/registry/oci"
)

// A vector is one artifact of a registry; testdata/protocol/oci/README.md says how
// it is written.
type vector struct {
	want  string
	says  []string
	gives []string
	files []txtar.File      // of the skill
	named map[string][]byte // layers, manifests and other blobs
	types map[string]string // of what is a manifest
}

func TestArtifacts(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../testdata/protocol/oci/*.txtar")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d vectors, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			readVector(t, path).check(t)
		})
	}
}

func (v *vector) check(t *testing.T) {
	s := httptest.NewServer(v)
	t.Cleanup(s.Close)
	r, err := ref.Parse("oci://" + strings.TrimPrefix(s.URL, "http://") + "/o/pdf:latest")
	if err != nil {
		t.Fatal(err)
	}
	gives, err := v.take(t, r)
	if got := outcome(err); got != v.want {
		t.Errorf("%s, want %s: %v", got, v.want, err)
	}
	if diff := cmp.Diff(v.gives, gives); diff != "" {
		t.Errorf("it gives (-want +got):\n%s", diff)
	}
	checkText(t, err)
	for _, text := range v.says {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v does not say %q", err, text)
		}
	}
}

// take fetches the skill, and returns what is known of it.
func (v *vector) take(t *testing.T, r ref.Ref) (gives []string, err error) {
	t.Helper()
	src := open(t)
	pin, err := src.Resolve(t.Context(), r, "")
	if err != nil {
		return nil, err
	}
	gives = append(gives, "skill "+pin.Slug+"@"+pin.Version)
	var sink sourcetest.Sink
	if _, err := src.Fetch(t.Context(), pin, &sink); err != nil {
		return gives, err
	}
	data := sink.Bytes()
	if pin.Artifact != "" && pin.Artifact != digest.Of(data) {
		t.Errorf("the pin claims %s of %s", pin.Artifact, digest.Of(data))
	}
	result, err := archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), nil, archive.Options{Slug: pin.Slug})
	if err != nil {
		return gives, err
	}
	for _, f := range v.files {
		if got, ok := result.Tree.Lookup(f.Name); !ok || digest.FromSum(got.Sum) != digest.Of(f.Data) {
			t.Errorf("%s is %+v", f.Name, got)
		}
	}
	if len(result.Tree.Files) != len(v.files) {
		t.Errorf("the tree is %v", result.Tree.Files)
	}
	return gives, nil
}

// outcome is the word for an error.
func outcome(err error) string {
	switch {
	case err == nil:
		return "fetched"
	case isA[*oci.NoSkillError](err):
		return "no-skill"
	case errors.Is(err, source.ErrAmbiguous):
		return "ambiguous"
	case errors.Is(err, source.ErrNotFound):
		return "not-found"
	case errors.Is(err, archive.ErrRefused):
		return "refused"
	case isA[*digest.MismatchError](err):
		return "digest"
	case isA[*oci.AnswerError](err):
		return "answer"
	}
	return "another error"
}

// ServeHTTP is the part of the distribution protocol that a pull needs.
func (v *vector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/o/pdf/"), "/")
	for at, data := range v.named {
		mediaType, isManifest := v.types[at]
		if isManifest != (kind == "manifests") || name != at && name != string(digest.Of(data)) {
			continue
		}
		if !isManifest {
			mediaType = "application/octet-stream"
		}
		answer(w, mediaType, string(digest.Of(data)), string(data))
		return
	}
	http.Error(w, `{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}`, http.StatusNotFound)
}

func readVector(t *testing.T, path string) *vector {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	v := &vector{want: "fetched", named: make(map[string][]byte), types: make(map[string]string)}
	var blobs []txtar.File
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, "skill/"); ok {
			v.files = append(v.files, txtar.File{Name: name, Data: f.Data})
		} else {
			blobs = append(blobs, f)
		}
	}
	_, lines, _ := strings.Cut(string(a.Comment), "\n")
	for line := range strings.Lines(lines) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "":
		case "want":
			v.want = rest
		case "says":
			v.says = append(v.says, rest)
		case "gives":
			v.gives = append(v.gives, rest)
		case "tar", "tar.gz":
			name, prefix, _ := strings.Cut(rest, " ")
			if v.named[name] = v.layer(t, prefix); word == "tar.gz" {
				v.named[name] = gz(v.named[name])
			}
		default:
			t.Fatalf("%s: unknown word %q", path, word)
		}
	}
	for _, f := range blobs {
		v.add(t, f)
	}
	return v
}

func (v *vector) layer(t *testing.T, prefix string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range v.files {
		if err := w.WriteHeader(&tar.Header{Name: prefix + f.Name, Mode: 0o644, Size: int64(len(f.Data)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(f.Data) // into memory
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// add fills in the digests and sizes of what came before.
func (v *vector) add(t *testing.T, f txtar.File) {
	t.Helper()
	data := regexp.MustCompile(`\{(digest|size) ([^}]*)\}`).ReplaceAllFunc(f.Data, func(word []byte) []byte {
		kind, name, _ := strings.Cut(strings.Trim(string(word), "{}"), " ")
		of, ok := v.named[name]
		if !ok {
			t.Fatalf("%s: nothing before is called %q", f.Name, name)
		}
		if kind == "size" {
			return []byte(strconv.Itoa(len(of)))
		}
		return []byte(digest.Of(of))
	})
	v.named[f.Name] = data
	var m struct {
		MediaType string `json:"mediaType"`
	}
	if json.Unmarshal(data, &m) == nil && m.MediaType != "" {
		v.types[f.Name] = m.MediaType
	}
}
