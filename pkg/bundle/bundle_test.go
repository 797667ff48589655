package bundle

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/store"
)

// A shelf is artifacts by digest.
type shelf map[digest.Digest]string

func (s shelf) open(d digest.Digest) (*store.Artifact, error) {
	text, ok := s[d]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &store.Artifact{ReaderAt: strings.NewReader(text), Size: int64(len(text)), Digest: d}, nil
}

// sample returns contents with an artifact for each text, under its own name.
func sample(tb testing.TB, texts ...string) (*Contents, shelf) {
	tb.Helper()
	c, s := &Contents{Lock: lockfile.New()}, shelf{}
	for i, text := range texts {
		d := digest.Of([]byte(text))
		s[d] = text
		name := fmt.Sprintf("skill-%d", i)
		if err := c.Lock.Put(lockfile.Skill{Name: name, Ref: name, Artifact: d, Tree: digest.OfTree(nil)}); err != nil {
			tb.Fatal(err)
		}
	}
	return c, s
}

func written(tb testing.TB, c *Contents, s shelf) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := Write(tb.Context(), &b, c, s.open); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func read(data []byte) (*Bundle, error) { return New(bytes.NewReader(data), int64(len(data))) }

func TestRoundTrip(t *testing.T) {
	for _, c := range []struct {
		name     string
		manifest []byte
		texts    []string
	}{
		{"nothing", nil, nil},
		{"one", []byte("skills:\n"), []string{"one artifact"}},
		{"an empty manifest and an empty artifact", []byte{}, []string{""}},
		{"several, and one for two skills", nil, []string{"b", "a", strings.Repeat("large", 1<<17), "a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			contents, s := sample(t, c.texts...)
			contents.Manifest = c.manifest
			data := written(t, contents, s)
			if !bytes.Equal(data, written(t, contents, s)) {
				t.Error("equal contents are other bytes")
			}
			path := filepath.Join(t.TempDir(), Name)
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			b, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(contents.Lock.Bytes()), string(b.Lock.Bytes())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !bytes.Equal(b.Manifest, c.manifest) || (b.Manifest == nil) != (c.manifest == nil) {
				t.Errorf("the manifest is %q, was %q", b.Manifest, c.manifest)
			}
			for d, text := range s {
				var got strings.Builder
				if err := b.Copy(&got, d); err != nil || got.String() != text {
					t.Errorf("%s: %v", d, err)
				}
			}
			if err := b.Copy(io.Discard, digest.Of([]byte("another"))); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("an artifact that is not there: %v", err)
			}
		})
	}
}

// Any program that reads zips reads a bundle.
func TestIsZip(t *testing.T) {
	contents, s := sample(t, "one")
	contents.Manifest = []byte("skills:\n")
	data := written(t, contents, s)
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if got := f.Modified.Format("2006-01-02"); got != "1980-01-01" {
			t.Errorf("%s is of %s", f.Name, got)
		}
	}
	want := []string{"bundle.json", "skills.lock", "skills.yaml", "artifacts/sha256/" + digest.Of([]byte("one")).Hex()}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestInstead(t *testing.T) {
	contents, s := sample(t, "as locked")
	locked := digest.Of([]byte("as locked"))
	other := digest.Of([]byte("packed anew"))
	contents.Instead = map[digest.Digest]digest.Digest{locked: other}
	s[other] = "packed anew"
	b, err := read(written(t, contents, s))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := b.Copy(&got, locked); err != nil || got.String() != "packed anew" {
		t.Errorf("got %q, %v", got.String(), err)
	}
}

func TestWriteFails(t *testing.T) {
	contents, s := sample(t, "one")
	if err := Write(t.Context(), io.Discard, contents, shelf{}.open); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing artifact: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Write(ctx, io.Discard, contents, s.open); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	wrong := func(digest.Digest) (*store.Artifact, error) {
		return &store.Artifact{ReaderAt: strings.NewReader(""), Digest: digest.Of(nil)}, nil
	}
	if _, ok := errors.AsType[*digest.MismatchError](Write(t.Context(), io.Discard, contents, wrong)); !ok {
		t.Error("another artifact than the lock names is written")
	}
	huge := func(d digest.Digest) (*store.Artifact, error) {
		return &store.Artifact{ReaderAt: strings.NewReader(""), Digest: d, Size: MaxSize}, nil
	}
	if _, ok := errors.AsType[*SizeError](Write(t.Context(), io.Discard, contents, huge)); !ok {
		t.Error("more than fits is written")
	}
}

// A bundle that is cut off anywhere is refused.
func TestCutOff(t *testing.T) {
	contents, s := sample(t, "one", "two")
	data := written(t, contents, s)
	for n := range data {
		if _, err := read(data[:n]); err == nil {
			t.Errorf("%d of %d bytes are accepted", n, len(data))
		}
	}
}

// Whatever byte is damaged: no artifact comes out with other bytes.
func TestDamaged(t *testing.T) {
	contents, s := sample(t, "one", "two")
	contents.Manifest = []byte("skills:\n")
	data := written(t, contents, s)
	harmless := 0
	for i := range data {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			damaged := bytes.Clone(data)
			damaged[i] ^= flip
			b, err := read(damaged)
			if err != nil {
				if _, ok := errors.AsType[*FormatError](err); !ok {
					if _, ok := errors.AsType[*NewerError](err); !ok {
						t.Errorf("byte %d: %v is neither of the errors", i, err)
					}
				}
				continue
			}
			all := true
			for d, text := range s {
				var got strings.Builder
				if err := b.Copy(&got, d); err == nil && got.String() != text {
					t.Fatalf("byte %d: %s is %q", i, d, got.String())
				} else if err != nil {
					all = false
				}
			}
			if all {
				harmless++
			}
		}
	}
	// What a zip says of a member beside its name, place and content: times, which
	// program can read it, whether it is text, and on which disk it begins.
	perMember := 3 * ((2 + 4) + (2 + 4 + 2 + 2))
	if most := 5 * perMember; harmless > most {
		t.Errorf("%d changes go unnoticed, and at most %d do not matter", harmless, most)
	}
}

// hostile makes a zip that is not written by this package.
func hostile(tb testing.TB, members ...*zip.FileHeader) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		text := m.Comment
		m.Comment = ""
		f, err := w.CreateHeader(m)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// raw makes a zip of stored members as this package does, whatever they are.
func raw(tb testing.TB, members ...string) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := &writer{zip: zip.NewWriter(&b)}
	for _, m := range members {
		name, text, _ := strings.Cut(m, "\n")
		if err := z.bytes(name, []byte(text)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.zip.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestRefused(t *testing.T) {
	contents, s := sample(t, "one")
	good := written(t, contents, s)
	const head = "bundle.json\n{\"bundleVersion\":1}\n"
	lock := "skills.lock\n" + string(contents.Lock.Bytes())
	name := "artifacts/sha256/" + digest.Of([]byte("one")).Hex()
	one := name + "\none"
	edit := func(change func(data []byte)) []byte {
		data := bytes.Clone(good)
		change(data)
		return data
	}
	end := len(good) - lenEnd
	for _, c := range []struct {
		what string
		data []byte
		want string
	}{
		{"nothing", nil, "it is too short"},
		{"a page", []byte("<!doctype html><title>Please log in</title>"), "it is no zip, or is cut off"},
		{"a zip of a skill", hostile(t, &zip.FileHeader{Name: "SKILL.md", Comment: "x"}), "it does not begin with bundle.json"},
		{"an empty zip", raw(t), "it has 0 members in a directory of 0 bytes"},
		{"something in front", append([]byte("#!/bin/sh\n"), good...), "its end record does not fit it"},
		{"something behind", append(bytes.Clone(good), "more"...), "it is no zip, or is cut off"},
		{"a zip behind", append(bytes.Clone(good), good...), "its end record does not fit it"},
		{"a comment", edit(func(d []byte) { d[end+20] = 1 }), "its end record does not fit it"},
		{"too many members", edit(func(d []byte) {
			binary.LittleEndian.PutUint16(d[end+8:], 0xffff)
			binary.LittleEndian.PutUint16(d[end+10:], 0xffff)
		}), "it has 65535 members in a directory of"},
		{"fewer members than there are", edit(func(d []byte) { d[end+8], d[end+10] = 2, 2 }), "its directory is damaged"},
		{"no version", raw(t, "bundle.json\n{}", lock, one), "bundle.json names no version"},
		{"version 0", raw(t, "bundle.json\n{\"bundleVersion\":0}", lock, one), "bundle.json names no version"},
		{"a version that is no number", raw(t, "bundle.json\n{\"bundleVersion\":\"1\"}", lock, one), "bundle.json names no version"},
		{"no lock", raw(t, head, one), "skills.lock is not in its place"},
		{"nothing but a version", raw(t, head), "skills.lock is not in its place"},
		{"a lock in another place", raw(t, head, one, lock), "skills.lock is not in its place"},
		{"a lock that is none", raw(t, head, "skills.lock\n{", one), "skills.lock: line 1, column 1: unexpected end of JSON input"},
		{"a newer lock", raw(t, head, "skills.lock\n{\"lockVersion\":2}", one), "skills.lock: lockVersion is 2, the newest known is 1"},
		{"an artifact is missing", raw(t, head, lock), "its artifacts are not those that its lock names"},
		{"an artifact more", raw(t, head, lock, one, "artifacts/sha256/"+strings.Repeat("f", 64)+"\n"), "its artifacts are not those that its lock names"},
		{"an artifact twice", raw(t, head, lock, one, one), `it holds "` + name + `" twice`},
		{"a manifest twice", raw(t, head, lock, "skills.yaml\n", "skills.yaml\n", one), `it holds "skills.yaml"`},
		{"another file", raw(t, head, lock, one, "README\n"), `it holds "README"`},
		{"a name that climbs", raw(t, head, lock, one, "artifacts/sha256/../../../etc/passwd\n"), `it holds "artifacts/sha256/../../../etc/passwd"`},
		{"a name with escapes", raw(t, head, lock, one, "\x1b[2J\u202e\n"), `it holds "\x1b[2J\u202e"`},
		{"a long name", raw(t, head, lock, one, strings.Repeat("x", 101)+"\n"), "a member exceeds the limits"},
		{"a folder", hostile(t, &zip.FileHeader{Name: "bundle.json", Comment: "{\"bundleVersion\":1}"}, &zip.FileHeader{Name: "artifacts/"}), `"bundle.json" is not stored as a bundle stores it`},
		{"an artifact in upper case", raw(t, head, lock, "artifacts/sha256/"+strings.ToUpper(digest.Of([]byte("one")).Hex())+"\none"), `it holds "artifacts/sha256/` + strings.ToUpper(digest.Of([]byte("one")).Hex())},
		{"instead of nothing", raw(t, "bundle.json\n{\"bundleVersion\":1,\"instead\":{\"sha256:x\":\"sha256:y\"}}", lock, one), `bundle.json names an artifact instead of "sha256:x"`},
		{"instead of an artifact a text", raw(t, "bundle.json\n{\"bundleVersion\":1,\"instead\":{\""+string(digest.Of([]byte("one")))+"\":\"../x\"}}", lock, one), "bundle.json names an artifact instead of"},
	} {
		t.Run(c.what, func(t *testing.T) {
			b, err := read(c.data)
			if _, ok := errors.AsType[*FormatError](err); !ok || b != nil || !strings.HasPrefix(err.Error(), "not a usable bundle: "+c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
	// What deflates is not stored, and the reader has no such code to be attacked.
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	for _, m := range []string{head, lock, one} {
		name, text, _ := strings.Cut(m, "\n")
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		if name == headName {
			h.Method = zip.Store
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(f, text)
	}
	_ = w.Close()
	if _, err := read(packed.Bytes()); err == nil {
		t.Error("a zip as other programs make it is accepted")
	}
	var newer *NewerError
	_, err := read(hostile(t, &zip.FileHeader{Name: "bundle.json", Comment: `{"bundleVersion":2}`}, &zip.FileHeader{Name: "new", Comment: "x"}))
	if !errors.As(err, &newer) || *newer != (NewerError{Have: 2, Know: 1}) {
		t.Errorf("newer: got %v", err)
	}
}

// An artifact that is changed after the bundle was opened is noticed.
func TestChangedMeanwhile(t *testing.T) {
	contents, s := sample(t, "one")
	data := written(t, contents, s)
	path := filepath.Join(t.TempDir(), Name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(data, []byte("one"))
	data[at] = 'O'
	for _, text := range [][]byte{data, data[:at+1]} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		err = b.Copy(io.Discard, digest.Of([]byte("one")))
		if _, ok := errors.AsType[*FormatError](err); !ok {
			t.Errorf("got %v", err)
		}
	}
}

func TestOpenNoFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "it is no regular file") {
		t.Errorf("a folder: %v", err)
	}
}

func FuzzNew(f *testing.F) {
	contents, s := sample(f, "one", "two")
	f.Add(written(f, contents, s))
	contents.Manifest = []byte("skills:\n")
	f.Add(written(f, contents, s))
	f.Add(raw(f, "bundle.json\n{\"bundleVersion\":1}\n", "skills.lock\n{\"lockVersion\":1,\"skills\":{}}"))
	f.Add(hostile(f, &zip.FileHeader{Name: "bundle.json", Comment: `{"bundleVersion":2}`}))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := read(data)
		if err != nil {
			return
		}
		kept := shelf{}
		for _, d := range b.Artifacts() {
			var got strings.Builder
			if err := b.Copy(&got, d); err != nil {
				return // damaged, and noticed
			}
			if digest.Of([]byte(got.String())) != d {
				t.Fatalf("%s has other bytes", d)
			}
			kept[d] = got.String()
		}
		again := written(t, &b.Contents, kept)
		if _, err := read(again); err != nil {
			t.Fatalf("wrote what it does not read: %v", err)
		}
	})
}
