// Package spelling finds what somebody may have meant by a word that is unknown.
package spelling

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest returns at most n of the known words that word may be a slip of, the
// nearest first: those that begin with it, and those a few edits away. Letter
// case does not count.
func Nearest(word string, known []string, n int) []string {
	const maxWord = 64 // the distance costs the product of both lengths
	if word == "" || len(word) > maxWord {
		return nil
	}
	type candidate struct {
		word string
		far  int
	}
	var found []candidate
	folded := strings.ToLower(word)
	for _, k := range known {
		fk := strings.ToLower(k)
		far := distance(folded, fk)
		switch {
		case far <= max(1, min(len(folded), len(fk))/3):
			found = append(found, candidate{k, far})
		case len(folded) > 1 && strings.HasPrefix(fk, folded):
			found = append(found, candidate{k, 1})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.far, b.far), strings.Compare(a.word, b.word))
	})
	var words []string
	for _, c := range found[:min(n, len(found))] {
		words = append(words, c.word)
	}
	return words
}

// distance counts the bytes to insert, delete, replace or swap with their
// neighbour that turn a into b (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
