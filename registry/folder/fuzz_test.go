package folder_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/registry/folder"
)

// Nothing outside the folder is read, whatever is asked for.
func FuzzFetch(f *testing.F) {
	dir := f.TempDir()
	text := []byte("---\nname: a\ndescription: d\n---\n")
	for path, data := range map[string][]byte{
		"registry/a/SKILL.md":        text,
		"registry/v/1.0.0/SKILL.md":  text,
		"registry/a@zh/SKILL.md":     text,
		"outside/SKILL.md":           append(text, "outside"...),
		"outside.zip":                []byte("PK\x03\x04outside"),
		"registry/.git/SKILL.md":     append(text, "outside"...),
		"registry/a/nested/SKILL.md": text,
	} {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			f.Fatal(err)
		}
	}
	reg, err := folder.Open(folder.Options{Dir: filepath.Join(dir, "registry")})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = reg.Close() })
	f.Add("a", "zh", "", "a")
	f.Add("v", "", "1.0.0", "v 1")
	f.Add("../outside", "../..", "../../outside", "")
	f.Add("a", "/../../outside", "", "..")
	f.Add(".git", "", "", "\x00")
	f.Fuzz(func(t *testing.T, slug, locale, version, query string) {
		var sink sourcetest.Sink
		_, err := reg.Fetch(t.Context(), source.Pin{Slug: slug, Locale: locale, Version: version}, &sink)
		if bytes.Contains(sink.Bytes(), []byte("outside")) {
			t.Errorf("Fetch(%q, %q, %q) read what is outside", slug, locale, version)
		}
		if err == nil && slug != "a" && slug != "v" {
			t.Errorf("Fetch(%q, %q, %q) found something", slug, locale, version)
		}
		if pin, err := reg.Resolve(t.Context(), ref.Ref{Slug: slug, Locale: locale}, version); err == nil && pin.Slug != "a" && pin.Slug != "v" {
			t.Errorf("Resolve(%q, %q) = %+v", slug, locale, pin)
		}
		if hits, err := reg.Search(t.Context(), query, 10); err != nil || len(hits) > 2 {
			t.Errorf("Search(%q) = %v, %v", query, hits, err)
		}
	})
}
