package archive_test

import (
	"bytes"
	"io"
	"io/fs"
	"testing"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/archive/archivetest"
)

// A discard is a tree.Writer that keeps nothing.
type discard struct{}

func (discard) Mkdir(string) error { return nil }

func (d discard) Create(string, fs.FileMode) (io.WriteCloser, error) { return d, nil }

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (discard) Close() error { return nil }

// typical is a skill like published ones: 3 files, 10 kB.
const typical = `
file SKILL.md "---\nname: sample\ndescription: d\n---\n" fill:7000:Words_of_a_skill_that_are_much_alike.
file references/api.md random:200 fill:2000:more_words.
file scripts/run.sh mode=0755 "#!/bin/sh\n" fill:1000:echo_hello;
`

func BenchmarkUnpack(b *testing.B) {
	for _, c := range []struct{ name, recipe string }{
		{"zip", "zip" + typical},
		{"stored", "zip\nfile SKILL.md method=store fill:10000:x"},
		{"tar", "tar" + typical},
		{"tar.gz", "tar" + typical + "gzip"},
		{"1000 files", "zip\nskill\nrepeat 1000 file dir/f%d fill:1000:abc"},
	} {
		b.Run(c.name, func(b *testing.B) {
			data := archivetest.Build(b, c.recipe)
			src := bytes.NewReader(data)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := archive.Unpack(b.Context(), src, src.Size(), discard{}, archive.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
