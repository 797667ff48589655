package static_test

import (
	"errors"
	"net/http"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/static"
)

// A vector is one registry; testdata/protocol/static/README.md says how it is
// written.
type vector struct {
	at, ref, current, want, yanked string
	says, asks                     []string
	status                         map[string]int
	files                          map[string]string
}

const (
	indexFile = "/index/2b/d8/alice/pdf.ndjson"
	someHex   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	someTree  = "h1:l9YoCufJAl0h8wbcf5mjtNkjByB3kN//3fNDuCE683c="
	page      = "<!doctype html><title>Welcome</title>"
)

func TestRegistries(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/protocol/static/*.txtar")
	if err != nil || len(paths) < 40 {
		t.Fatalf("%d vectors, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			readVector(t, path).check(t)
		})
	}
}

func readVector(t *testing.T, file string) *vector {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	v := &vector{ref: "alice/pdf", status: map[string]int{}, files: map[string]string{
		"/config.json": `{"protocol":"skills-registry/1","index":"index/","blobs":"blobs/","owners":"owners/","catalog":"catalog/"}`,
	}}
	place := func(p string) string { return strings.Replace(path.Clean("/"+p), "/INDEX", indexFile, 1) }
	for line := range strings.Lines(strings.SplitAfterN(string(a.Comment), "\n", 2)[1]) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		one := map[string]*string{"at": &v.at, "ref": &v.ref, "current": &v.current, "want": &v.want, "yanked": &v.yanked}[word]
		switch {
		case one != nil:
			*one = rest
		case word == "says":
			v.says = append(v.says, rest)
		case word == "asks":
			v.asks = append(v.asks, rest)
		case word == "page":
			v.files[place(rest)] = page
		case word == "status":
			p, number, _ := strings.Cut(rest, " ")
			if v.status[place(p)], err = strconv.Atoi(number); err != nil {
				t.Fatal(err)
			}
		case word != "":
			t.Fatalf("%s is no word of a vector", word)
		}
	}
	for _, f := range a.Files {
		text := strings.NewReplacer("{d}", someHex, "{h}", someTree).Replace(string(f.Data))
		name, cut := strings.CutSuffix(place(f.Name), ".cut")
		if cut {
			text = strings.TrimSuffix(text, "\n")
		}
		name, plain := strings.CutSuffix(name, ".plain")
		if strings.HasSuffix(name, ".zst") && !plain {
			text = packed(t, text)
		}
		v.files[name] = text
	}
	return v
}

func packed(t testing.TB, text string) string {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(z.EncodeAll([]byte(text), nil))
}

func (v *vector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, ok := v.files[r.URL.Path]
	switch status := v.status[r.URL.Path]; {
	case status != 0:
		http.Error(w, "no", status)
	case !ok:
		http.NotFound(w, r)
	default:
		_, _ = w.Write([]byte(text))
	}
}

func (v *vector) check(t *testing.T) {
	s := serve(t, v)
	pin, err := open(t, s.URL+v.at).Resolve(t.Context(), slug(v.ref), v.current)
	got := pin.Version
	if err != nil {
		got = kindOf(err)
	}
	if got != v.want || pin.Yanked != v.yanked {
		t.Errorf("%s, yanked %q, %v; want %s", got, pin.Yanked, err, v.want)
	}
	for _, text := range v.says {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v does not say %q", err, text)
		}
	}
	if err != nil && (len(err.Error()) > 600 || strings.ContainsFunc(err.Error(), func(c rune) bool { return c < ' ' || c > '~' })) {
		t.Errorf("the error cannot be printed: %q", err.Error())
	}
	if asked := strings.Fields(s.since()); v.asks != nil && cmp.Diff(v.asks, asked) != "" {
		t.Errorf("asked %s", asked)
	}
}

// kindOf says in one word how something failed.
func kindOf(err error) string {
	is := func(target error) bool { return errors.Is(err, target) }
	_, format := errors.AsType[*static.FormatError](err)
	_, protocol := errors.AsType[*static.ProtocolError](err)
	_, yanked := errors.AsType[*version.YankedError](err)
	_, status := errors.AsType[*transport.StatusError](err)
	_, long := errors.AsType[*transport.LimitError](err)
	for _, k := range []struct {
		word string
		is   bool
	}{
		{"format", format},
		{"protocol", protocol},
		{"yanked", yanked},
		{"limit", long},
		{"not-found", is(source.ErrNotFound)},
		{"auth", is(source.ErrAuth)},
		{"withheld", is(source.ErrWithheld)},
		{"ambiguous", is(source.ErrAmbiguous)},
		{"no-match", is(version.ErrNoMatch)},
		{"unsupported", is(source.ErrUnsupported)},
		{"web-page", is(transport.ErrWebPage)},
		{"not-json", is(transport.ErrNotJSON)},
		{"empty", is(transport.ErrEmpty)},
		{"status", status},
	} {
		if k.is {
			return k.word
		}
	}
	return err.Error()
}
