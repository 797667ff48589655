package skill

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkParse reads 550 files of the size that published ones have: what an
// install of many skills pays for reading them.
func BenchmarkParse(b *testing.B) {
	files := make([][]byte, 550)
	for i := range files {
		description := strings.Repeat("Designs services and their boundaries. ", 4+i%8)
		head := fmt.Sprintf("---\nname: skill-%d\ndescription: %s\nlicense: MIT\nmetadata:\n  author: example\n  version: \"1.%d\"\n---\n", i, description, i)
		files[i] = []byte(head + strings.Repeat("Read the file, then do what it says.\n", 110+i%200))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, data := range files {
			if _, _, err := Parse(data); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkScanner(b *testing.B) {
	for _, test := range []struct{ name, text string }{
		{"ascii", "The quick brown fox jumps over the lazy dog.\n"},
		{"dashes", "The quick brown fox \u2014 it jumps \u2014 over the lazy dog.\n"},
		{"chinese", "设计后端系统，包括接口和数据库。\n"},
		{"binary", "\x00\xff\xd8\xe0JFIF\x89\x9a\x13\xb7\xc4\xf3\xf1\x02\x7f\x81\x90\xa5"},
	} {
		b.Run(test.name, func(b *testing.B) {
			data := []byte(strings.Repeat(test.text, 1<<18/len(test.text)))
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			var s Scanner
			for b.Loop() {
				s.Reset()
				_, _ = s.Write(data)
			}
		})
	}
}
