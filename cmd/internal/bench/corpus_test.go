package main

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/openskills-go/skills/pkg/skill"
)

// The figures of a benchmark mean something only if what it installs is like
// what people install.
func TestGeneratedCorpusIsLikePublishedSkills(t *testing.T) {
	var skills, single, files, large, folders, whole, packed int
	var sizes []int
	names := map[string]bool{}
	for tr, err := range generate(corpusSkills, corpusFiles) {
		if err != nil {
			t.Fatal(err)
		}
		skills++
		files += len(tr.files)
		if len(tr.files) == 1 {
			single++
		}
		seen := map[string]bool{}
		for _, f := range tr.files {
			if seen[f.path] {
				t.Errorf("%s has %s twice", tr.slug, f.path)
			}
			seen[f.path] = true
			sizes = append(sizes, len(f.data))
			if len(f.data) == 100_000 {
				large++
			}
			if filepath.Dir(f.path) != "." {
				folders++
			}
			if files%10 == 0 { // a part of them tells, and deflate is slow under the race detector
				whole += len(f.data)
				packed += deflated(t, f.data)
			}
		}
		if tr.files[0].path != "SKILL.md" {
			t.Fatalf("the first file of %s is %s", tr.slug, tr.files[0].path)
		}
		for _, f := range skill.Validate(tr.slug, tr.files[0].data) {
			if f.Severity == skill.Error {
				t.Errorf("%s: %s", tr.slug, f)
			}
		}
		if names[tr.slug] {
			t.Errorf("there are two skills %s", tr.slug)
		}
		names[tr.slug] = true
	}
	slices.Sort(sizes)
	median := sizes[len(sizes)/2]
	ratio := float64(packed) / float64(whole)
	if skills != corpusSkills || files != corpusFiles {
		t.Errorf("%d skills, %d files, want %d and %d", skills, files, corpusSkills, corpusFiles)
	}
	if single*3 < skills*2-3 || single*3 > skills*2+3 {
		t.Errorf("%d of %d skills are a single file, want two thirds", single, skills)
	}
	if median < 3500 || median > 4500 {
		t.Errorf("the median file has %d bytes, want about 4000", median)
	}
	if large < 3 || large > 10 {
		t.Errorf("%d files of 100 kB, want a few", large)
	}
	if folders < files/2 {
		t.Errorf("%d of %d files are in folders, want most", folders, files)
	}
	if ratio < 0.3 || ratio > 0.5 {
		t.Errorf("deflate leaves %.2f of the bytes, want about 0.4", ratio)
	}
}

func TestGeneratedCorpusIsAlwaysTheSame(t *testing.T) {
	sum := func() (s [sha256.Size]byte) {
		h := sha256.New()
		for tr, err := range generate(60, 270) {
			if err != nil {
				t.Fatal(err)
			}
			h.Write([]byte(tr.slug))
			for _, f := range tr.files {
				h.Write([]byte(f.path))
				h.Write(f.data)
			}
		}
		h.Sum(s[:0])
		return s
	}
	if one, two := sum(), sum(); one != two {
		t.Error("two corpora differ")
	}
}

func TestTwiceHasEverySkillAgainUnderAnotherName(t *testing.T) {
	one, err := writeTrees(filepath.Join(t.TempDir(), "one"), generate(30, 130))
	if err != nil {
		t.Fatal(err)
	}
	two, err := writeTrees(filepath.Join(t.TempDir(), "two"), twice(one))
	if err != nil {
		t.Fatal(err)
	}
	if len(two.slugs) != 60 || two.files != 260 || two.left != 0 {
		t.Errorf("%d skills, %d files, %d left out; want 60, 260, 0", len(two.slugs), two.files, two.left)
	}
}

func TestWriteTreesLeavesOutASecondSkillOfOneName(t *testing.T) {
	doc := []byte("---\nname: pdf\ndescription: Reads PDF files.\n---\n")
	dir := t.TempDir()
	c, err := writeTrees(dir, func(yield func(tree, error) bool) {
		for _, slug := range []string{"a-pdf", "b-pdf"} {
			if !yield(tree{slug, []file{{"SKILL.md", doc, 0o644}}}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.slugs, []string{"a-pdf"}) || c.left != 1 {
		t.Errorf("kept %v and left out %d", c.slugs, c.left)
	}
}

func TestRename(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain", "---\nname: pdf\nlicense: MIT\n---\n", "---\nname: pdf-again\nlicense: MIT\n---\n"},
		{"quoted", "---\nname: \"pdf\"\n---\n", "---\nname: pdf-again\n---\n"},
		{"CRLF", "---\r\nname: pdf\r\n---\r\n", "---\r\nname: pdf-again\n---\r\n"},
		{"none", "---\ndescription: x\n---\n", "---\ndescription: x\n---\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := string(rename([]byte(tc.in), "-again")); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestBigIsWithinTheLimitsOfARegistry(t *testing.T) {
	c, err := writeBig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var all int64
	err = filepath.WalkDir(c.dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > 50<<20 {
			t.Errorf("%s has %d bytes", d.Name(), info.Size())
		}
		all += info.Size()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if all < 60_000_000 || all > 64<<20 {
		t.Errorf("%d bytes, want 60 MB and no more than a download may have", all)
	}
	head, err := os.ReadFile(filepath.Join(c.dir, c.sample, "SKILL.md"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := skill.Parse(head); err != nil {
		t.Error(err)
	}
}

func deflated(t *testing.T, data []byte) int {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}
