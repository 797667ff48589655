package openskills_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/openskills"
)

// A vector is one recorded answer; testdata/protocol/openskills/README.md says
// how it is written.
type vector struct {
	status   int
	header   http.Header
	body     []byte
	next     []byte
	ask      string
	want     string
	says     []string
	requests int64
	skill    []byte
}

func TestAnswers(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/protocol/openskills/*.txtar")
	if err != nil || len(paths) < 15 {
		t.Fatalf("%d vectors, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			v := readVector(t, path)
			var asked atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				v.serve(w, r)
			}))
			defer s.Close()
			v.check(t, s.URL, &asked)
		})
	}
}

func (v *vector) serve(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/next":
		_, _ = w.Write(v.next)
	case "/api/download":
		maps.Copy(w.Header(), v.header)
		w.WriteHeader(v.status)
		_, _ = w.Write(v.body)
	default:
		http.NotFound(w, r)
	}
}

func (v *vector) check(t *testing.T, url string, asked *atomic.Int64) {
	r := newRegistry(t, openskills.Options{URL: url})
	q, err := version.ParseQuery(v.ask)
	if err != nil {
		t.Fatal(err)
	}
	pin, err := r.Resolve(t.Context(), ref.Ref{Slug: "demo", Query: q}, "")
	if err != nil {
		t.Fatal(err)
	}
	var sink sourcetest.Sink
	receipt, err := r.Fetch(t.Context(), pin, &sink)
	if n := asked.Load(); n != v.requests {
		t.Errorf("%d requests, want %d", n, v.requests)
	}
	var result *archive.Result
	if err == nil {
		data := sink.Bytes()
		if receipt.Artifact != "" && receipt.Artifact != digest.Of(data) {
			t.Errorf("the receipt claims %s of %s", receipt.Artifact, digest.Of(data))
		}
		result, err = archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), nil, archive.Options{Slug: "demo"})
	}
	if got := outcome(err); got != v.want {
		t.Fatalf("%s, want %s: %v", got, v.want, err)
	}
	for _, text := range v.says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
	if answer, ok := errors.AsType[*openskills.AnswerError](err); ok && "http://"+answer.Host != url {
		t.Errorf("%q does not say who answered", err)
	}
	if err == nil && !bytes.Equal(result.Skill, v.skill) {
		t.Errorf("SKILL.md is %q, want %q", result.Skill, v.skill)
	}
	if err != nil && (len(err.Error()) > 400 || strings.ContainsFunc(err.Error(), func(c rune) bool { return c < ' ' || c > '~' })) {
		t.Errorf("not fit for a line on a terminal: %q", err)
	}
}

// outcome is the word for an error.
func outcome(err error) string {
	var (
		wait     *transport.WaitError
		status   *transport.StatusError
		answer   *openskills.AnswerError
		mismatch *digest.MismatchError
	)
	switch {
	case err == nil:
		return "fetched"
	case errors.Is(err, source.ErrNotFound):
		return "not-found"
	case errors.Is(err, source.ErrAuth):
		return "auth"
	case errors.Is(err, source.ErrAmbiguous):
		return "ambiguous"
	case errors.Is(err, version.ErrNoMatch):
		return "no-match"
	case errors.Is(err, transport.ErrWebPage):
		return "web-page"
	case errors.Is(err, transport.ErrEmpty):
		return "empty"
	case errors.Is(err, transport.ErrNotJSON):
		return "not-json"
	case errors.Is(err, archive.ErrRefused):
		return "refused"
	case errors.As(err, &mismatch):
		return "digest"
	case errors.As(err, &wait):
		return "rate-limited"
	case errors.As(err, &status):
		return "status"
	case errors.As(err, &answer):
		return "answer"
	}
	return "another error"
}

func newRegistry(t *testing.T, o openskills.Options) *openskills.Registry {
	t.Helper()
	client, err := transport.New(transport.Options{MaxWait: 5 * time.Second, Attempts: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	o.Client = client
	r, err := openskills.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func readVector(t *testing.T, path string) *vector {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	v := &vector{status: http.StatusOK, header: http.Header{}, requests: 1}
	var first, next []txtar.File
	for _, f := range a.Files {
		if strings.HasSuffix(f.Name, "SKILL.md") {
			v.skill = f.Data
		}
		if name, ok := strings.CutPrefix(f.Name, "next/"); ok {
			next = append(next, txtar.File{Name: name, Data: f.Data})
		} else {
			first = append(first, f)
		}
	}
	_, lines, _ := strings.Cut(string(a.Comment), "\n")
	for line := range strings.Lines(lines) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "":
		case "status":
			v.status, err = strconv.Atoi(rest)
		case "header":
			name, value, _ := strings.Cut(rest, ": ")
			v.header.Add(name, value)
		case "body":
			v.body, err = build(rest, first)
		case "next":
			v.next, err = build(rest, next)
		case "cut":
			var n int
			n, err = strconv.Atoi(rest)
			v.body = v.body[:len(v.body)-n]
		case "ask":
			v.ask = rest
		case "want":
			v.want = rest
		case "says":
			v.says = append(v.says, rest)
		case "requests":
			v.requests, err = strconv.ParseInt(rest, 10, 64)
		default:
			err = fmt.Errorf("unknown word %q", word)
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	return v
}

// build makes the body of an answer.
func build(kind string, files []txtar.File) ([]byte, error) {
	var b bytes.Buffer
	var err error
	switch kind {
	case "none":
	case "text":
		b.Write(files[0].Data)
	case "zip":
		w := zip.NewWriter(&b)
		for _, f := range files {
			entry, createErr := w.Create(f.Name)
			if createErr != nil {
				return nil, createErr
			}
			_, _ = entry.Write(f.Data)
		}
		err = w.Close()
	case "tar":
		w := tar.NewWriter(&b)
		for _, f := range files {
			_ = w.WriteHeader(&tar.Header{Name: f.Name, Size: int64(len(f.Data)), Mode: 0o644})
			_, _ = w.Write(f.Data)
		}
		err = w.Close()
	case "tar.gz", "gzip":
		data := files[0].Data
		if kind == "tar.gz" {
			if data, err = build("tar", files); err != nil {
				return nil, err
			}
		}
		w := gzip.NewWriter(&b)
		_, _ = w.Write(data)
		err = w.Close()
	default:
		err = fmt.Errorf("unknown kind of body %q", kind)
	}
	return b.Bytes(), err
}
