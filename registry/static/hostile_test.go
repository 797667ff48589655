package static_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/static"
)

// registryOf is one of files, with the usual config.json.
func registryOf(t *testing.T, files map[string]string) string {
	t.Helper()
	v := &vector{files: map[string]string{"/config.json": `{"protocol":"skills-registry/1"}`}}
	maps.Copy(v.files, files)
	return serve(t, v).URL
}

const goodLine = `{"v":"1.0.0","zip":{"sha256":"` + someHex + `"}}` + "\n"

// What is huge is refused before it is held, or read on.
func TestHuge(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	for what, c := range map[string]struct {
		files map[string]string
		ref   string // "" is a search
		says  string
	}{
		"a line of the index":       {map[string]string{indexFile: goodLine + `{"v":"1.1.0","desc":"` + long + `"}` + "\n"}, "alice/pdf", "line 2: it is longer than 1048576 bytes"},
		"an index":                  {map[string]string{indexFile: strings.Repeat(goodLine, 17<<20/len(goodLine))}, "alice/pdf", "limit of 16777216"},
		"config.json":               {map[string]string{"/config.json": `{"protocol":"skills-registry/1","name":"` + long + `"}`}, "alice/pdf", "limit of 65536"},
		"an address in config.json": {map[string]string{"/config.json": `{"protocol":"skills-registry/1","index":"` + long[:3000] + `"}`}, "alice/pdf", "too long"},
		"a line of the catalogue":   {map[string]string{"/catalog/full.ndjson.zst": packed(t, `{"name":"`+long+`"}`)}, "", "line 1: it is longer"},
		"a name":                    {map[string]string{"/catalog/names.txt.zst": packed(t, long)}, "pdf", "line 1: it is longer"},
		"deep JSON":                 {map[string]string{indexFile: strings.Repeat("[", 1<<19) + "\n"}, "alice/pdf", "line 1: it is no JSON"},
		"no zstd":                   {map[string]string{"/catalog/names.txt.zst": "\x28\xb5\x2f\xfd" + long[:100]}, "pdf", "cannot be decompressed"},
		"half of a zstd":            {map[string]string{"/catalog/names.txt.zst": half(packed(t, strings.Repeat("alice/pdf\nbob/notes\n", 1000)))}, "pdf", "cannot be decompressed"},
		"a window of gigabytes":     {map[string]string{"/catalog/names.txt.zst": "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00"}, "pdf", "cannot be decompressed"},
		"line breaks":               {map[string]string{"/catalog/names.txt.zst": packed(t, strings.Repeat("\n", 2<<20))}, "pdf", "there are more than 1048576 lines"},
		"too many":                  {map[string]string{"/catalog/names.txt.zst": packed(t, strings.Repeat("a/b\n", 500_001))}, "pdf", "there are more than 500000 skills"},
	} {
		t.Run(what, func(t *testing.T) {
			r := open(t, registryOf(t, c.files))
			var err error
			if c.ref == "" {
				_, err = r.Search(t.Context(), "pdf", 10)
			} else {
				_, err = r.Resolve(t.Context(), slug(c.ref), "")
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 500 {
				t.Errorf("%.600v", err)
			}
		})
	}
}

func half(s string) string { return s[:len(s)/2] }

// A few kilobytes that decompress into gigabytes are read to the bound and held in
// no place at once.
func TestBomb(t *testing.T) {
	var b strings.Builder
	z, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	blank := []byte(strings.Repeat(strings.Repeat(" ", 1023)+"\n", 1<<10))
	for range 1 << 10 {
		if _, err := z.Write(blank); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r := open(t, registryOf(t, map[string]string{"/catalog/names.txt.zst": b.String(), "/catalog/full.ndjson.zst": b.String()}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = r.Search(t.Context(), "pdf", 10)
	runtime.ReadMemStats(&after)
	if _, ok := errors.AsType[*static.FormatError](err); !ok || !strings.Contains(err.Error(), "it holds more than 134217728 bytes") {
		t.Errorf("%d bytes packed: %v", b.Len(), err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 64<<20 {
		t.Errorf("%d bytes were allocated for %d", got, b.Len())
	}
	if _, err := r.Resolve(t.Context(), slug("pdf"), ""); !strings.Contains(err.Error(), "it holds more than") {
		t.Error(err)
	}
}

// The host that config.json names is not one that the user has a token for.
func TestTokenStaysHome(t *testing.T) {
	elsewhere := ""
	other := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere = r.Header.Get("Authorization")
		http.NotFound(w, r)
	}))
	home := ""
	web := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		home = r.Header.Get("Authorization")
		_, _ = w.Write([]byte(`{"protocol":"skills-registry/1","index":"` + other.URL + `/","owners":null}`))
	}))
	c, err := transport.New(transport.Options{Credential: func(context.Context, string) (string, error) { return "secret", nil }})
	if err != nil {
		t.Fatal(err)
	}
	r, err := static.New(static.Options{URL: web.URL, Client: c})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Resolve(t.Context(), slug("alice/pdf"), ""); !errors.Is(err, source.ErrNotFound) {
		t.Error(err)
	}
	if home == "" || elsewhere != "" || !strings.Contains(other.since(), "/alice/pdf.ndjson") {
		t.Errorf("at home %q, elsewhere %q", home, elsewhere)
	}
}
