package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/archive/archivetest"
)

// TestVectors holds Unpack to every archive in testdata/archive, twice: into a
// folder, and with nowhere to write.
func TestVectors(t *testing.T) {
	vectors := archivetest.Vectors(t, "../../testdata/archive")
	if len(vectors) < 250 {
		t.Fatalf("found %d vectors", len(vectors))
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			data := archivetest.Build(t, v.Recipe)
			outer := t.TempDir()
			dir := filepath.Join(outer, "skills")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			result, err := unpackInto(t.Context(), data, dir, options(t, v))
			files := readTree(t, dir)
			if all, err := os.ReadDir(outer); err != nil || len(all) != 1 {
				t.Errorf("beside the folder there is something: %v, %v", all, err)
			}
			if !v.Accept {
				checkRefusal(t, err, v.Refusal)
				if len(files) > 0 && v.Options["late"] != "yes" {
					t.Errorf("refused, but wrote %v", files)
				}
			} else {
				if err != nil {
					t.Fatalf("Unpack: %v", err)
				}
				checkTree(t, v, result, files)
			}
			again, err2 := archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), nil, options(t, v))
			if fmt.Sprint(err) != fmt.Sprint(err2) {
				t.Errorf("without a writer: error %v, with one %v", err2, err)
			}
			if diff := cmp.Diff(result, again); diff != "" {
				t.Errorf("without a writer another result (-with +without):\n%s", diff)
			}
		})
	}
}

func options(t *testing.T, v archivetest.Vector) archive.Options {
	t.Helper()
	number := func(key string) int64 {
		if v.Options[key] == "" {
			return 0
		}
		n, err := strconv.ParseInt(v.Options[key], 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return archive.Options{
		Slug: v.Options["slug"],
		Path: v.Options["path"],
		Limits: archive.Limits{
			Download:   number("download"),
			Unpacked:   number("unpacked"),
			File:       number("file"),
			Entries:    int(number("entries")),
			TarHeaders: number("headers"),
		},
	}
}

func checkRefusal(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil:
		t.Fatalf("accepted, want refusal %q", want)
	case !errors.Is(err, archive.ErrRefused):
		t.Errorf("error %v does not match ErrRefused", err)
	case !strings.Contains(err.Error(), want):
		t.Errorf("error %q does not contain %q", err, want)
	}
	checkMessage(t, err)
}

// checkMessage holds an error to what may be shown: one short line of ASCII.
func checkMessage(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	if len(text) > 380 {
		t.Errorf("message has %d bytes: %s", len(text), text)
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			t.Fatalf("message holds byte %#x: %q", text[i], text)
		}
	}
}

func checkTree(t *testing.T, v archivetest.Vector, result *archive.Result, files map[string]diskFile) {
	t.Helper()
	want := map[string]diskFile{}
	var order []string
	for _, f := range v.Tree {
		switch {
		case f.Any:
			f.Content = files[f.Path].content
		case f.Content == "" && f.Path == "SKILL.md":
			f.Content = archivetest.Skill
		}
		want[f.Path] = diskFile{mode: "-rw-r--r--", content: f.Content}
		if f.Mode == "0755" {
			want[f.Path] = diskFile{mode: "-rwxr-xr-x", content: f.Content}
		}
		order = append(order, f.Path)
	}
	if diff := cmp.Diff(want, files, cmp.AllowUnexported(diskFile{})); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	var got []string
	for _, f := range result.Tree.Files {
		got = append(got, f.Path)
		onDisk := files[f.Path]
		if f.Mode.String() != onDisk.mode || f.Size != int64(len(onDisk.content)) {
			t.Errorf("result has %s %v with %d bytes, the disk %s with %d", f.Path, f.Mode, f.Size, onDisk.mode, len(onDisk.content))
		}
	}
	if diff := cmp.Diff(sorted(order), got); diff != "" {
		t.Errorf("order of the tree (-want +got):\n%s", diff)
	}
	if string(result.Skill) != files["SKILL.md"].content {
		t.Errorf("Skill is %q", result.Skill)
	}
	if result.Root != v.Root {
		t.Errorf("root %q, want %q", result.Root, v.Root)
	}
	if diff := cmp.Diff(sorted(v.Dropped), sorted(result.Dropped)); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
}

// A diskFile is what stands in a folder after Unpack.
type diskFile struct{ mode, content string }

// readTree reads a folder. It fails the test for a link, or a folder that holds
// nothing.
func readTree(t *testing.T, dir string) map[string]diskFile {
	t.Helper()
	files := map[string]diskFile{}
	fsys := os.DirFS(dir)
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(dir + "/" + path)
		switch {
		case err != nil:
			return err
		case info.IsDir():
			if in, err := fs.ReadDir(fsys, path); err != nil || len(in) == 0 && path != "." {
				return fmt.Errorf("folder %s is empty: %w", path, err)
			}
			return nil
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is %v", path, info.Mode())
		}
		content, err := fs.ReadFile(fsys, path)
		files[path] = diskFile{info.Mode().String(), string(content)}
		return err
	})
	if err != nil {
		t.Errorf("read what was written: %v", err)
	}
	return files
}

func unpackInto(ctx context.Context, data []byte, dir string, o archive.Options) (*archive.Result, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return archive.Unpack(ctx, bytes.NewReader(data), int64(len(data)), rootWriter{root}, o)
}

// A rootWriter is a plain tree.Writer over an os.Root.
type rootWriter struct{ root *os.Root }

func (w rootWriter) Mkdir(path string) error { return w.root.Mkdir(path, 0o755) }

func (w rootWriter) Create(path string, mode fs.FileMode) (io.WriteCloser, error) {
	return w.root.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }
