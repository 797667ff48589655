package archive

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// appendCaseless appends s in the form in which a file system compares names
// that ignores case and canonical form: full case folding between two
// normalisations (Unicode, 3.13, D145). The cases package of x/text does the same,
// and drags in language tables that every start of the program would pay for; a
// test holds the two against each other.
func appendCaseless(dst []byte, s string) []byte {
	folded := make([]byte, 0, 2*len(s))
	for _, r := range norm.NFD.String(s) {
		if several := foldsToSeveral(r); several != "" {
			folded = append(folded, several...)
			continue
		}
		if r != '\u0131' { // dotless i, whose upper case is that of another letter
			r = unicode.ToLower(unicode.ToUpper(r))
		}
		folded = utf8.AppendRune(folded, r)
	}
	return norm.NFC.Append(dst, folded...)
}

// foldsToSeveral returns what r becomes when case is ignored, if that is more than
// one character (CaseFolding.txt, status F). Those that decompose are left out:
// they have done so by then.
func foldsToSeveral(r rune) string {
	switch r {
	case '\u00df', '\u1e9e':
		return "ss"
	case '\u0149':
		return "\u02bcn"
	case '\u1e9a':
		return "a\u02be"
	case '\u0587':
		return "\u0565\u0582"
	case '\ufb00':
		return "ff"
	case '\ufb01':
		return "fi"
	case '\ufb02':
		return "fl"
	case '\ufb03':
		return "ffi"
	case '\ufb04':
		return "ffl"
	case '\ufb05', '\ufb06':
		return "st"
	case '\ufb13':
		return "\u0574\u0576"
	case '\ufb14':
		return "\u0574\u0565"
	case '\ufb15':
		return "\u0574\u056b"
	case '\ufb16':
		return "\u057e\u0576"
	case '\ufb17':
		return "\u0574\u056d"
	}
	return ""
}
