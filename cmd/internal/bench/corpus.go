package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/openskills-go/skills/pkg/skill"
)

// A tree is one skill before it is on disk.
type tree struct {
	slug  string
	files []file
}

type file struct {
	path string // slash-separated
	data []byte
	mode fs.FileMode
}

// A corpus is a folder of skills, one folder each, named by slug.
type corpus struct {
	dir   string
	slugs []string
	files int
	bytes int64
	left  int // skills that were left out

	sample string // the slug of a skill of a few files
}

// generate makes up skills that hold files files in all, always the same ones.
// Two thirds are a single file; the rest share out the other files, with folders.
func generate(skills, files int) iter.Seq2[tree, error] {
	return func(yield func(tree, error) bool) {
		r := rand.New(rand.NewPCG(2025, uint64(skills)))
		words := vocabulary(r)
		counts := fileCounts(r, skills, files)
		written := 0
		for i, n := range counts {
			t := tree{slug: fmt.Sprintf("bench-%s-%03d", words[r.IntN(len(words))], i)}
			for j := range n {
				size := fileSize(r)
				if written%(files/5+1) == 7 {
					size = 100_000
				}
				written++
				t.files = append(t.files, newFile(r, words, t.slug, j, size))
			}
			if !yield(t, nil) {
				return
			}
		}
	}
}

// fileCounts says how many files each skill has.
func fileCounts(r *rand.Rand, skills, files int) []int {
	counts := make([]int, skills)
	var many []int
	sum := 0
	for i := range counts {
		counts[i] = 1
		if i%3 == 2 {
			counts[i] = 2 + min(int(r.ExpFloat64()*9.4), 58)
			many = append(many, i)
		}
		sum += counts[i]
	}
	for k := 0; sum != files; k++ {
		i := many[k%len(many)]
		switch {
		case sum < files:
			counts[i]++
			sum++
		case counts[i] > 2:
			counts[i]--
			sum--
		}
	}
	return counts
}

// readZips reads the skills of a folder of zips, each named by its slug, with
// SKILL.md at its root. The zips are trusted.
func readZips(dir string) iter.Seq2[tree, error] {
	return func(yield func(tree, error) bool) {
		names, err := filepath.Glob(filepath.Join(dir, "*.zip"))
		if err == nil && len(names) == 0 {
			err = fmt.Errorf("read corpus: no zips in %s", dir)
		}
		if err != nil {
			yield(tree{}, err)
			return
		}
		for _, name := range names {
			t, err := readZip(name)
			if !yield(t, err) || err != nil {
				return
			}
		}
	}
}

func readZip(name string) (tree, error) {
	t := tree{slug: strings.TrimSuffix(filepath.Base(name), ".zip")}
	z, err := zip.OpenReader(name)
	if err != nil {
		return t, fmt.Errorf("read %s: %w", name, err)
	}
	defer z.Close()
	for _, entry := range z.File {
		if strings.HasSuffix(entry.Name, "/") {
			continue
		}
		if !filepath.IsLocal(entry.Name) {
			return t, fmt.Errorf("read %s: unsafe entry %q", name, entry.Name)
		}
		r, err := entry.Open()
		if err != nil {
			return t, fmt.Errorf("read %s: %w", name, err)
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			return t, fmt.Errorf("read %s: %w", name, err)
		}
		t.files = append(t.files, file{entry.Name, data, 0o644 | entry.Mode()&0o111})
	}
	return t, nil
}

// twice is the skills of c, and each of them once more under another name.
func twice(c corpus) iter.Seq2[tree, error] {
	return func(yield func(tree, error) bool) {
		for _, slug := range c.slugs {
			t, err := readTree(filepath.Join(c.dir, slug))
			if !yield(t, err) || err != nil {
				return
			}
			t.slug += "-again"
			for i, f := range t.files {
				if f.path == "SKILL.md" {
					t.files[i].data = rename(f.data, "-again")
				}
			}
			if !yield(t, nil) {
				return
			}
		}
	}
}

// rename adds suffix to the name in the front matter of a SKILL.md.
func rename(data []byte, suffix string) []byte {
	before, rest, ok := bytes.Cut(data, []byte("\nname:"))
	if !ok {
		return data
	}
	name, after, _ := bytes.Cut(rest, []byte("\n"))
	name = bytes.Trim(bytes.TrimSpace(name), `"'`)
	return fmt.Appendf(nil, "%s\nname: %s%s\n%s", before, name, suffix, after)
}

func readTree(dir string) (tree, error) {
	t := tree{slug: filepath.Base(dir)}
	fsys := os.DirFS(dir)
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		t.files = append(t.files, file{name, data, info.Mode().Perm()})
		return err
	})
	return t, err
}

// writeTrees puts skills into folders under dir. It leaves out a skill that
// cannot be installed beside the others because it wants the name of one.
func writeTrees(dir string, skills iter.Seq2[tree, error]) (corpus, error) {
	c := corpus{dir: dir}
	taken := map[string]bool{}
	for t, err := range skills {
		if err != nil {
			return c, err
		}
		name, ok := installedName(t)
		if !ok || taken[name] {
			c.left++
			continue
		}
		taken[name] = true
		if err := writeTree(filepath.Join(dir, t.slug), t.files); err != nil {
			return c, fmt.Errorf("write corpus: %w", err)
		}
		c.slugs = append(c.slugs, t.slug)
		c.files += len(t.files)
		for _, f := range t.files {
			c.bytes += int64(len(f.data))
		}
		if n := len(t.files); c.sample == "" && n > 2 && n < 8 {
			c.sample = t.slug
		}
	}
	return c, nil
}

// installedName says in which folder a skill ends up.
func installedName(t tree) (string, bool) {
	for _, f := range t.files {
		if f.path != "SKILL.md" {
			continue
		}
		s, _, err := skill.Parse(f.data)
		if err != nil {
			return "", false
		}
		if skill.ValidName(s.Name) {
			return s.Name, true
		}
		return t.slug, true
	}
	return "", false
}

func writeTree(dir string, files []file) error {
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.data, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// writeBig makes a corpus of one skill of 60 MB that does not compress.
func writeBig(dir string) (corpus, error) {
	const slug, parts, size, chunk = "bench-big", 2, 30_000_000, 1_000_000
	c := corpus{dir: dir, slugs: []string{slug}, files: 1 + parts, bytes: parts * size, sample: slug}
	head := "---\nname: bench-big\ndescription: One skill with as many bytes as a registry lets through.\n---\n"
	if err := writeTree(filepath.Join(dir, slug), []file{{"SKILL.md", []byte(head), 0o644}}); err != nil {
		return c, err
	}
	r := rand.NewChaCha8([32]byte{1})
	buf := make([]byte, chunk)
	for i := range parts {
		name := filepath.Join(dir, slug, fmt.Sprintf("part-%d.bin", i))
		f, err := os.Create(name)
		if err != nil {
			return c, err
		}
		for range size / chunk {
			_, _ = r.Read(buf)
			if _, err = f.Write(buf); err != nil {
				break
			}
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return c, err
		}
	}
	return c, nil
}
