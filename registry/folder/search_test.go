package folder_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/registry/folder"
)

func section(data []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data)))
}

func TestSearch(t *testing.T) {
	reg := open(t, folder.Options{Dir: write(t, fstest.MapFS{
		"acme-pdf-forms/SKILL.md": md("pdf"),
		"pdf/1.0.0/SKILL.md":      md("portable"),
		"pdf/2.0.0-rc.1/SKILL.md": md("portable"),
		"reader/SKILL.md":         {Data: []byte("---\nname: reader\ndescription: Reads PDF files and Größe.\n---\n")},
		"backend/SKILL.md":        md("backend"),
		"backend@zh/SKILL.md":     {Data: []byte("---\nname: backend\ndescription: 设计后端系统的服务边界\n---\n")},
		"secret/SKILL.md":         md("secret", "metadata:", "  internal: true"),
		"broken/SKILL.md":         {Data: []byte("no front matter")},
	})})
	for text, want := range map[string][]string{
		"pdf":           {"pdf", "acme-pdf-forms", "reader"},
		"PDF":           {"pdf", "acme-pdf-forms", "reader"},
		" pdf  reads ":  {"reader"},
		"größe":         {"reader"},
		"acme pdf":      {"acme-pdf-forms"},
		"portable":      {"pdf"},
		"服务边界":          {"backend"},
		"后端 边界":         {"backend"},
		"secret":        {"secret"},
		"secre":         {},
		"broken":        {"broken"},
		"no such thing": {},
		"":              {"acme-pdf-forms", "backend", "broken", "pdf", "reader"},
	} {
		hits, err := reg.Search(t.Context(), text, 10)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]string, len(hits))
		for i, h := range hits {
			got[i] = h.Slug
			if h.Slug == "pdf" && h.Version != "1.0.0" {
				t.Errorf("pdf is found in version %s", h.Version)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("Search(%q) = %q, want %q", text, got, want)
		}
	}
	for _, limit := range []int{-1, 0, 1, 3} {
		if hits, err := reg.Search(t.Context(), "", limit); err != nil || len(hits) != max(limit, 0) {
			t.Errorf("limit %d: %d hits, %v", limit, len(hits), err)
		}
	}
}

// A change is seen at once, even one that keeps the size.
func TestStamp(t *testing.T) {
	dir := write(t, fstest.MapFS{
		"a/SKILL.md":      md("one"),
		"a/refs/more.txt": {Data: []byte("more"), Mode: 0o644},
		"b.zip":           {Data: []byte("PK\x03\x04 one")},
	})
	reg := open(t, folder.Options{Dir: dir})
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	age := func(name string, when time.Time) {
		t.Helper()
		if err := os.Chtimes(filepath.Join(dir, name), when, when); err != nil {
			t.Fatal(err)
		}
	}
	stamp := func(slug string) string {
		t.Helper()
		_, s, err := reg.Current(t.Context(), ref.Ref{Slug: slug})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	settle := func() {
		for _, name := range []string{"a", "a/SKILL.md", "a/refs", "a/refs/more.txt", "b.zip"} {
			age(name, old)
		}
	}
	settle()
	seen := map[string]string{}
	check := func(slug, what string) {
		t.Helper()
		s := stamp(slug)
		if s == "" || s != stamp(slug) {
			t.Errorf("%s: the stamp %q is not stable", what, s)
		}
		if before, ok := seen[s]; ok {
			t.Errorf("%s: the stamp is that of %s", what, before)
		}
		seen[s] = what
	}
	check("a", "a")
	check("b", "b")
	age("a/refs/more.txt", old.Add(time.Second))
	check("a", "a changed file")
	if err := os.Chmod(filepath.Join(dir, "a/refs/more.txt"), 0o600); err != nil {
		t.Fatal(err)
	}
	check("a", "a changed mode")
	if err := os.WriteFile(filepath.Join(dir, "a/new"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s := stamp("a"); s != "" {
		t.Errorf("a file that was written just now gives the stamp %q", s)
	}
	age("a/new", old)
	age("a", old)
	check("a", "a new file")
	age("b.zip", old.Add(time.Hour))
	check("b", "a changed archive")
}

// What is described is what lies there now.
func TestSearchAfterChange(t *testing.T) {
	dir := write(t, fstest.MapFS{"a/SKILL.md": md("first")})
	reg := open(t, folder.Options{Dir: dir})
	for i, name := range []string{"first", "other", "third"} {
		path := filepath.Join(dir, "a", "SKILL.md")
		if err := os.WriteFile(path, md(name).Data, 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Date(2020, 1, 1, i, 0, 0, 0, time.UTC)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
		hits, err := reg.Search(t.Context(), "a", 1)
		if err != nil || len(hits) != 1 || hits[0].Name != name {
			t.Errorf("Search = %+v, %v; want %s", hits, err, name)
		}
	}
}
