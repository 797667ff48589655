package wellknown_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/wellknown"
)

// A vector is one site; testdata/protocol/wellknown/README.md says how it is
// written.
type vector struct {
	*site
	path     string
	skill    string
	want     string
	says     []string
	warns    []string
	lists    []string
	asks     []string
	expected []byte
}

func TestSites(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/protocol/wellknown/*.txtar")
	if err != nil || len(paths) < 30 {
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
	r := open(t, v.URL+v.path)
	var data []byte
	pin, err := r.Resolve(t.Context(), named(v.skill), "")
	if err == nil {
		var sink sourcetest.Sink
		var receipt source.Receipt
		receipt, err = r.Fetch(t.Context(), pin, &sink)
		if data = sink.Bytes(); err == nil && receipt.Artifact != "" && receipt.Artifact != digest.Of(data) {
			t.Errorf("the receipt claims %s of %s", receipt.Artifact, digest.Of(data))
		}
	}
	asked := v.requests()
	slices.Sort(asked[min(len(asked), 2):])
	slices.Sort(v.asks[min(len(v.asks), 2):])
	if v.asks != nil {
		if diff := cmp.Diff(v.asks, asked); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	}
	var result *archive.Result
	if err == nil {
		result, err = archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), nil, archive.Options{Slug: v.skill})
	}
	if got := outcome(err); got != v.want {
		t.Fatalf("%s, want %s: %v", got, v.want, err)
	}
	for _, text := range v.says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
	if err != nil && (len(err.Error()) > 500 || strings.ContainsFunc(err.Error(), func(c rune) bool { return c < ' ' || c > '~' })) {
		t.Errorf("not fit for a line on a terminal: %q", err)
	}
	if err == nil && !bytes.Equal(result.Skill, v.expected) {
		t.Errorf("SKILL.md is %q, want %q", result.Skill, v.expected)
	}
	if diff := cmp.Diff(v.warns, r.Warnings()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	v.checkList(t, r)
}

func (v *vector) checkList(t *testing.T, r *wellknown.Registry) {
	if v.lists == nil {
		return
	}
	listings, err := r.List(t.Context(), ref.Ref{Kind: ref.Registry})
	var names []string
	for _, l := range listings {
		names = append(names, l.Name)
	}
	if err != nil || !slices.Equal(names, v.lists) {
		t.Errorf("the index lists %q, %v; want %q", names, err, v.lists)
	}
}

// outcome is the word for an error.
func outcome(err error) string {
	var (
		schema   *wellknown.SchemaError
		index    *wellknown.IndexError
		mismatch *digest.MismatchError
		status   *transport.StatusError
	)
	switch {
	case err == nil:
		return "fetched"
	case errors.Is(err, source.ErrNotFound):
		return "not-found"
	case errors.Is(err, source.ErrAuth):
		return "auth"
	case errors.Is(err, source.ErrWithheld):
		return "withheld"
	case errors.Is(err, transport.ErrWebPage):
		return "web-page"
	case errors.Is(err, transport.ErrNotJSON):
		return "not-json"
	case errors.Is(err, archive.ErrRefused):
		return "refused"
	case errors.As(err, &schema):
		return "schema"
	case errors.As(err, &index):
		return "index"
	case errors.As(err, &mismatch):
		return "digest"
	case errors.As(err, &status):
		return "status"
	}
	return "another error"
}

func readVector(t *testing.T, path string) *vector {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	v := &vector{site: newSite(t, fstest.MapFS{}), skill: "demo"}
	for _, f := range a.Files {
		if strings.HasSuffix(strings.ToLower(f.Name), "demo.md") || strings.HasSuffix(f.Name, "SKILL.md") {
			if v.expected == nil || strings.HasPrefix(f.Name, "expected/") {
				v.expected = f.Data
			}
		}
	}
	files := a.Files
	_, lines, _ := strings.Cut(string(a.Comment), "\n")
	for line := range strings.Lines(lines) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		first, second, _ := strings.Cut(rest, " ")
		switch word {
		case "":
		case "site":
			v.path = rest
		case "zip", "tar", "tar.gz":
			var data []byte
			if data, files, err = build(word, rest, files); err == nil {
				v.put(rest, data)
			}
		case "status":
			var n int
			n, err = strconv.Atoi(second)
			v.handle(first, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(n) })
		case "type":
			v.handle(first, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", second)
				_, _ = w.Write(v.files[first[1:]].Data)
			})
		case "redirect":
			v.handle(first, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, second, http.StatusFound) })
		case "skill":
			v.skill = rest
		case "want":
			v.want = rest
		case "says":
			v.says = append(v.says, rest)
		case "warns":
			v.warns = append(v.warns, rest)
		case "lists":
			v.lists = strings.Fields(rest)
		case "asks":
			v.asks = append(v.asks, rest)
		default:
			err = fmt.Errorf("unknown word %q", word)
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	for _, f := range files {
		v.put(f.Name, f.Data)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name, "index.json") {
			v.put(f.Name, v.fill(t, f.Data))
		}
	}
	return v
}

// fill puts digests into an index.
func (v *vector) fill(t *testing.T, text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("{v0.2}"), []byte(schema))
	return regexp.MustCompile(`\{(sha256|SHA256) ([^}]*)\}`).ReplaceAllFunc(text, func(word []byte) []byte {
		kind, name, _ := strings.Cut(strings.Trim(string(word), "{}"), " ")
		data, err := fs.ReadFile(v.files, name)
		if err != nil {
			t.Fatal(err)
		}
		if kind == "SHA256" {
			return []byte(strings.ToUpper(sha(data)))
		}
		return []byte("sha256:" + sha(data))
	})
}

// build makes an archive of the files below a path, and returns it and the others.
func build(kind, below string, files []txtar.File) (data []byte, others []txtar.File, err error) {
	var b bytes.Buffer
	zw, tw := zip.NewWriter(&b), tar.NewWriter(&b)
	for _, f := range files {
		name, ok := strings.CutPrefix(f.Name, below+"/")
		switch {
		case !ok:
			others = append(others, f)
		case kind == "zip":
			w, createErr := zw.Create(name)
			if createErr != nil {
				return nil, nil, createErr
			}
			_, err = w.Write(f.Data)
		default:
			err = errors.Join(tw.WriteHeader(&tar.Header{Name: name, Size: int64(len(f.Data)), Mode: 0o644}))
			_, _ = tw.Write(f.Data)
		}
	}
	if kind == "zip" {
		err = errors.Join(err, zw.Close())
		return b.Bytes(), others, err
	}
	if err = errors.Join(err, tw.Close()); kind == "tar" || err != nil {
		return b.Bytes(), others, err
	}
	var packed bytes.Buffer
	gz := gzip.NewWriter(&packed)
	_, _ = gz.Write(b.Bytes())
	err = gz.Close()
	return packed.Bytes(), others, err
}
