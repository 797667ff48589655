package main

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// vocabulary makes words of a few syllables. Text from them compresses to about
// two fifths, like that of published skills.
func vocabulary(r *rand.Rand) []string {
	const onsets, vowels, codas = "bcdfghjklmnprstvwz", "aeiou", "nrslt"
	words := make([]string, 2500)
	for i := range words {
		var w strings.Builder
		for range 1 + r.IntN(4) {
			w.WriteByte(onsets[r.IntN(len(onsets))])
			w.WriteByte(vowels[r.IntN(len(vowels))])
			if r.IntN(3) == 0 {
				w.WriteByte(codas[r.IntN(len(codas))])
			}
		}
		words[i] = w.String()
	}
	return words
}

// pick returns a word, the first ones more often, as in any language.
func pick(r *rand.Rand, words []string) string {
	f := r.Float64()
	return words[int(f*f*f*float64(len(words)))]
}

// fileSize draws the size of a file: the median is 4 kB, the mean about 7.
func fileSize(r *rand.Rand) int {
	return min(max(int(4000*math.Exp(r.NormFloat64())), 250), 60_000)
}

// newFile makes up the i-th file of a skill; the first is its SKILL.md.
func newFile(r *rand.Rand, words []string, slug string, i, size int) file {
	var b bytes.Buffer
	if i == 0 {
		fmt.Fprintf(&b, "---\nname: %s\ndescription: %s\n---\n\n", slug, sentence(r, words))
		prose(r, words, &b, size)
		return file{"SKILL.md", b.Bytes(), 0o644}
	}
	name := pick(r, words)
	switch i % 4 {
	case 1:
		b.WriteString("#!/bin/sh\nset -eu\n")
		prose(r, words, &b, size)
		return file{fmt.Sprintf("scripts/%s-%d.sh", name, i), b.Bytes(), 0o755}
	case 2:
		prose(r, words, &b, size)
		return file{fmt.Sprintf("assets/%s-%d.txt", name, i), b.Bytes(), 0o644}
	default:
		prose(r, words, &b, size)
		return file{fmt.Sprintf("references/%s-%d.md", name, i), b.Bytes(), 0o644}
	}
}

// prose fills b up to size with headings, paragraphs and lists.
func prose(r *rand.Rand, words []string, b *bytes.Buffer, size int) {
	for b.Len() < size {
		switch r.IntN(6) {
		case 0:
			fmt.Fprintf(b, "\n## %s %s\n\n", pick(r, words), pick(r, words))
		case 1, 2:
			fmt.Fprintf(b, "- `%s`: %s\n", pick(r, words), sentence(r, words))
		default:
			fmt.Fprintf(b, "%s %s\n", sentence(r, words), sentence(r, words))
		}
	}
	if b.Len() > size {
		b.Truncate(size - 1)
		b.WriteByte('\n')
	}
}

func sentence(r *rand.Rand, words []string) string {
	var s strings.Builder
	for i := range 6 + r.IntN(10) {
		if i > 0 {
			s.WriteByte(' ')
		}
		s.WriteString(pick(r, words))
	}
	s.WriteByte('.')
	return s.String()
}
