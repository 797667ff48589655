package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

const sampleSkill = "---\nname: sample\ndescription: A sample for tests.\n---\nDo it.\n"

// makeArchive writes one archive. Of a folder:
//
//	zip, tar, tar.gz          with the files of DIR at the top
//	zip-wrapped               with one folder around them
//
// and, without a folder, those that must be refused: see hostile.
func makeArchive(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: archive FILE WHAT [DIR]")
	}
	var data []byte
	if len(args) == 3 {
		files := filesOf(ts, args[2])
		switch args[1] {
		case "zip":
			data = zipOf(ts, files)
		case "zip-wrapped":
			wrapped := map[string]string{}
			for path, text := range files {
				wrapped["wrapper/"+path] = text
			}
			data = zipOf(ts, wrapped)
		case "tar":
			data = tarOf(ts, files)
		case "tar.gz":
			data = gzipOf(ts, tarOf(ts, files))
		default:
			ts.Fatalf("archive: %s is no format", args[1])
		}
	} else {
		data = hostile(ts, args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o666))
}

// hostile returns an archive, or what calls itself one, that must be refused.
func hostile(ts *testscript.TestScript, what string) []byte {
	files := map[string]string{"SKILL.md": sampleSkill}
	switch what {
	case "dotdot":
		files["../escaped.txt"] = "out"
	case "absolute":
		files["/tmp/escaped.txt"] = "out"
	case "case":
		files["a.txt"], files["A.txt"] = "1", "2"
	case "control":
		files["a\x1b[31m.txt"] = "red"
	case "link":
		return linkTar(ts)
	case "bomb":
		files["zeros"] = strings.Repeat("\x00", 60<<20)
	case "several":
		files = map[string]string{"one/SKILL.md": sampleSkill, "two/SKILL.md": sampleSkill}
	case "none":
		files = map[string]string{"README.md": "no skill here"}
	case "syntax":
		files["SKILL.md"] = "---\nname: sample\ndescription: [\n---\n"
	case "hidden":
		files["SKILL.md"] = sampleSkill + "\U000e0069\U000e0067\U000e006e\U000e006f\U000e0072\U000e0065\n"
	case "truncated":
		data := zipOf(ts, files)
		return data[:len(data)/2]
	case "page":
		return []byte("<!doctype html><title>not found</title>")
	case "rar":
		return []byte("Rar!\x1a\x07\x01\x00 and so on")
	case "empty":
		return nil
	default:
		ts.Fatalf("archive: %s is none of those that are known", what)
	}
	return zipOf(ts, files)
}

func zipOf(ts *testscript.TestScript, files map[string]string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		f, err := w.Create(path)
		ts.Check(err)
		_, err = io.WriteString(f, files[path])
		ts.Check(err)
	}
	ts.Check(w.Close())
	return b.Bytes()
}

func tarOf(ts *testscript.TestScript, files map[string]string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		ts.Check(w.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(files[path]))}))
		_, err := io.WriteString(w, files[path])
		ts.Check(err)
	}
	ts.Check(w.Close())
	return b.Bytes()
}

func linkTar(ts *testscript.TestScript) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	ts.Check(w.WriteHeader(&tar.Header{Name: "SKILL.md", Mode: 0o644, Size: int64(len(sampleSkill))}))
	_, err := io.WriteString(w, sampleSkill)
	ts.Check(err)
	ts.Check(w.WriteHeader(&tar.Header{Name: "passwd", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}))
	ts.Check(w.Close())
	return b.Bytes()
}

func gzipOf(ts *testscript.TestScript, data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	ts.Check(err)
	ts.Check(w.Close())
	return b.Bytes()
}

func filesOf(ts *testscript.TestScript, dir string) map[string]string {
	files := map[string]string{}
	root := os.DirFS(ts.MkAbs(dir))
	ts.Check(fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, path)
		files[filepath.ToSlash(path)] = string(data)
		return err
	}))
	return files
}
