package meta

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	maxTokens = 2000 // of a text that is indexed
	maxToken  = 64   // bytes
	maxWords  = 16   // of a query
)

// tokens returns what a text is found by: its words, without case, accents or
// compatibility forms; and of the scripts that write no spaces each character and
// each two in a row.
func tokens(text string) (list []string) {
	words(text, func(word []rune, spaced bool) {
		switch {
		case spaced:
			list = append(list, cut(string(word)))
		default:
			for i, r := range word {
				list = append(list, string(r))
				if i+1 < len(word) {
					list = append(list, string(word[i:i+2]))
				}
			}
		}
	})
	slices.Sort(list)
	list = slices.Compact(list)
	return list[:min(len(list), maxTokens)]
}

// A term is one token of a query. The last one may be the beginning of a word.
type term struct {
	text   string
	prefix bool
}

// terms returns the tokens that a text must have to be found by a query.
func terms(query string) (list []term) {
	words(query, func(word []rune, spaced bool) {
		switch {
		case spaced:
			list = append(list, term{text: cut(string(word))})
		case len(word) == 1:
			list = append(list, term{text: string(word)})
		default:
			for i := range len(word) - 1 {
				list = append(list, term{text: string(word[i : i+2])})
			}
		}
	})
	list = list[:min(len(list), maxWords)]
	if n := len(list); n > 0 && !strings.HasSuffix(query, " ") && !unspaced([]rune(list[n-1].text)[0]) {
		list[n-1].prefix = true
	}
	return list
}

func cut(word string) string {
	if len(word) <= maxToken {
		return word
	}
	return strings.ToValidUTF8(word[:maxToken], "")
}

// words calls yield for each run of letters and digits of one kind: those of
// scripts that put spaces between words, or the others.
func words(text string, yield func(word []rune, spaced bool)) {
	text = norm.NFKD.String(cases.Fold().String(norm.NFKC.String(strings.ToValidUTF8(text, " "))))
	var word []rune
	spaced := true
	end := func() {
		if len(word) > 0 {
			yield(word, spaced)
		}
		word = nil
	}
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Mn, r) && !unspaced(r):
			// An accent, which NFKD took off its letter.
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r):
			end()
		default:
			if unspaced(r) == spaced {
				end()
				spaced = !unspaced(r)
			}
			word = append(word, r)
		}
	}
	end()
}

// unspaced reports whether a character is of a script without spaces. NFKD takes
// Hangul apart into its letters, which count as such.
func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}
