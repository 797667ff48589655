package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/digest"
)

func record() Record {
	return Record{
		Registry: "https://openskills.cc", Owner: "acme", Slug: "pdf", Locale: "en", Version: "1.2.3",
		Artifact: digest.Of([]byte("zip")), Tree: digest.OfTree(nil), ETag: `"x y"`, LastModified: "Mon, 01 Jan 2024 00:00:00 GMT",
	}
}

func lookup(t *testing.T, s *Store, r Record) (Record, bool) {
	t.Helper()
	x, err := s.Records()
	if err != nil {
		t.Fatal(err)
	}
	return x.Version(r.Registry, r.Owner, r.Slug, r.Locale, r.Version)
}

func indexStore(t *testing.T) *Store {
	t.Helper()
	s := newStore(t)
	mustCommit(t, s, []byte("makes the folder"))
	return s
}

func TestIndexRoundTrip(t *testing.T) {
	s := indexStore(t)
	full := record()
	bare := Record{Slug: "日本語", Artifact: digest.Of([]byte("b")), Tree: digest.OfTree([]digest.File{{Path: "b"}})}
	newer := full
	newer.Version, newer.Artifact = "1.3.0", digest.Of([]byte("newer"))
	again := full
	again.Artifact, again.ETag = digest.Of([]byte("packed anew")), ""
	if _, ok := lookup(t, s, full); ok {
		t.Error("it is there before")
	}
	for _, batch := range [][]Record{nil, {}, {full, bare}, {newer}, {again}} {
		if err := s.Remember(batch); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []Record{again, bare, newer} {
		got, ok := lookup(t, New(s.Dir()), want)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("Version (-want +got):\n%s", diff)
		}
	}
	x, err := s.Records()
	if err != nil {
		t.Fatal(err)
	}
	want := again
	want.Version = ""
	got, ok := x.Latest(full.Registry, full.Owner, full.Slug, full.Locale)
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("Latest (-want +got):\n%s", diff)
	}
	if d, ok := x.Artifact(full.Tree); d != again.Artifact || !ok {
		t.Errorf("Artifact = %s, %v", d, ok)
	}
	for _, other := range []Record{{Registry: "https://other", Owner: "acme", Slug: "pdf", Locale: "en"}, {Registry: full.Registry, Slug: "pdf"}, {}} {
		if _, ok := x.Latest(other.Registry, other.Owner, other.Slug, other.Locale); ok {
			t.Errorf("%+v is found", other)
		}
	}
}

func TestTheIndexOfNone(t *testing.T) {
	x := &Index{}
	if _, ok := x.Version("", "", "", "", ""); ok {
		t.Error("Version")
	}
	if _, ok := x.Latest("", "", "", ""); ok {
		t.Error("Latest")
	}
	if _, ok := x.Artifact(""); ok {
		t.Error("Artifact")
	}
}

// What would break a line, or make two of it, is left out; the rest is kept.
func TestRecordsThatDoNotFitALine(t *testing.T) {
	for _, evil := range []string{"\t", "\n", "a\tb", "a\nb", "x\n" + strings.TrimSuffix(record().line(), "\n")} {
		for i := range 7 {
			s := indexStore(t)
			good, bad := record(), record()
			good.Slug = "good"
			bad.Slug = "bad"
			field := [...]*string{&bad.Registry, &bad.Owner, &bad.Slug, &bad.Locale, &bad.Version, &bad.ETag, &bad.LastModified}[i]
			*field = evil
			if err := s.Remember([]Record{bad, good}); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join(s.Dir(), "index.tsv"))
			if err != nil || string(data) != good.line() {
				t.Errorf("%q in field %d: the index is %q, %v", evil, i, data, err)
			}
		}
	}
	s := indexStore(t)
	bad := record()
	bad.Slug = "\n"
	if err := s.Remember([]Record{bad}); err != nil {
		t.Fatal(err)
	}
	if got := files(t, s.Dir()); len(got) != 2 { // the artifact, and the owner of what is written
		for _, f := range got {
			if f == "index.tsv" {
				t.Error("an index is made for nothing")
			}
		}
	}
}

func TestLinesThatAreDamaged(t *testing.T) {
	good := record()
	line := strings.TrimSuffix(good.line(), "\n")
	f := strings.Split(line, "\t")
	bad := func(i int, text string) string {
		g := append([]string{}, f...)
		g[2], g[i] = "bad", text
		return strings.Join(g, "\t")
	}
	lines := []string{
		"", "\t", strings.Repeat("\t", fields-1), strings.Repeat("\t", 100), "\x00\xff", strings.Join(f[:8], "\t"), line + "\t", "\t" + line,
		bad(5, ""), bad(5, "sha256:x"), bad(5, strings.ToUpper(f[5])), bad(5, "sha256:../../etc/passwd"), bad(6, ""), bad(6, "h1:"), bad(6, f[6]+"\r"),
		strings.Repeat("x", 1<<20),
	}
	for _, end := range []string{"\n", "\r\n", ""} {
		s := indexStore(t)
		text := strings.Join(lines, "\n") + "\n" + line + "\n" + bad(4, "cut") + end
		if end == "\n" {
			text = strings.TrimSuffix(text, bad(4, "cut")+end)
		}
		if err := os.WriteFile(filepath.Join(s.Dir(), "index.tsv"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		x, err := s.Records()
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := x.Version(good.Registry, good.Owner, good.Slug, good.Locale, good.Version); !ok || got != good {
			t.Errorf("end %q: the good line is %+v, %v", end, got, ok)
		}
		if want := 1 + len(end)/2; len(x.byKey) != want { // \r belongs to the last field
			t.Errorf("end %q: %d records, want %d", end, len(x.byKey), want)
		}
	}
}

// The index is bounded, on disk and in memory, and what is cut from it is no
// record of something else.
func TestTheIndexIsBounded(t *testing.T) {
	s := indexStore(t)
	// A line in which any cut leaves as many fields, all of them well-formed.
	trap := record()
	trap.Registry = strings.Repeat("https://trap ", 1000)
	var b bytes.Buffer
	for b.Len() < indexLimit-len(trap.line()) {
		b.WriteString(trap.line())
	}
	path := filepath.Join(s.Dir(), "index.tsv")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	last := record()
	for i := range 200 {
		last.Version = fmt.Sprint(i)
		if err := s.Remember([]Record{last}); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > indexLimit*3/4 {
		t.Errorf("the index has %d bytes, %v", info.Size(), err)
	}
	x, err := s.Records()
	if err != nil {
		t.Fatal(err)
	}
	if len(x.byKey) != 201 {
		t.Errorf("there are %d records, want 201", len(x.byKey))
	}
	if _, ok := lookup(t, s, trap); !ok {
		t.Error("the long record is gone")
	}
	// One that someone else let grow is read in part.
	if err := os.Truncate(path, 1<<40); err != nil { // a hole
		t.Fatal(err)
	}
	if _, err := s.Records(); err != nil {
		t.Error(err)
	}
	for range 2 { // the first goes with the line that it ends
		if err := s.Remember([]Record{last}); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() > indexLimit {
		t.Errorf("the index has %d bytes, %v", info.Size(), err)
	}
	if _, ok := lookup(t, s, last); !ok {
		t.Error("what was remembered after the hole is gone")
	}
}

func TestManyRememberAtOnce(t *testing.T) {
	s := indexStore(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			var batch []Record
			for j := range 100 {
				r := record()
				r.Slug, r.Version = fmt.Sprint("slug", i), fmt.Sprint(j)
				batch = append(batch, r)
			}
			if err := New(s.Dir()).Remember(batch); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	x, err := s.Records()
	if err != nil || len(x.byKey) != 1600 || len(x.latest) != 16 {
		t.Errorf("%d records of %d skills, %v", len(x.byKey), len(x.latest), err)
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(record().line()))
	f.Add([]byte("\t\t\t\t\t\t\t\t\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		x := &Index{byKey: map[string]Record{}, byTree: map[digest.Digest]digest.Digest{}, latest: map[string]Record{}}
		for line := range bytes.Lines(data) {
			x.add(string(line))
		}
		for key, r := range x.byKey {
			// What was read can be written, and is read as the same.
			y := &Index{byKey: map[string]Record{}, byTree: map[digest.Digest]digest.Digest{}, latest: map[string]Record{}}
			y.add(r.line())
			if y.byKey[key] != r {
				t.Errorf("%+v is read as %+v", r, y.byKey[key])
			}
			if _, err := digest.Parse(string(r.Artifact)); err != nil {
				t.Error(err)
			}
		}
	})
}
