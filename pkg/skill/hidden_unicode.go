package skill

import "unicode"

// A class is what a character is to a Scanner.
type class uint8

const (
	visible class = iota
	tag
	bidi
	variation
	zeroWidth
	numClasses = iota
)

func (c class) String() string {
	return [...]string{"visible", "tag", "bidi", "variation", "zero-width"}[c]
}

const (
	blackFlag = 0x1f3f4 // begins the flag of a part of a country
	cancelTag = 0xe007f // ends it
)

// classOf sorts the characters that Unicode calls Default_Ignorable_Code_Point,
// and the few more that no font shows.
func classOf(r rune) class {
	switch {
	case r < 0xad, r > 0x206f && r < 0xfe00 && r != 0x3164:
		return visible // nearly all text ends here
	case r >= 0x202a && r <= 0x202e, // embeddings, overrides and their end
		r >= 0x2066 && r <= 0x2069: // isolates and their end
		return bidi
	case r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0100 && r <= 0xe01ef:
		return variation
	case r >= 0xe0000 && r <= 0xe0fff: // tags, and what is reserved beside them
		return tag
	}
	switch {
	case r == 0xad, // soft hyphen
		r == 0x34f,               // combining grapheme joiner
		r == 0x61c,               // Arabic letter mark
		r == 0x115f, r == 0x1160, // Hangul fillers
		r == 0x17b4, r == 0x17b5, // Khmer inherent vowels
		r >= 0x180b && r <= 0x180f, // Mongolian selectors and vowel separator
		r >= 0x200b && r <= 0x200f, // zero width space, joiners, direction marks
		r >= 0x2060 && r <= 0x206f, // word joiner, invisible operators, deprecated formats
		r == 0x3164, r == 0xffa0,   // Hangul fillers
		r == 0xfeff,                  // zero width no-break space
		r >= 0xfff0 && r <= 0xfffb,   // reserved, interlinear annotation
		r >= 0x1bca0 && r <= 0x1bca3, // shorthand formats
		r >= 0x1d173 && r <= 0x1d17a: // musical formats
		return zeroWidth
	}
	return visible
}

// spelled returns the byte that a hidden character is known to stand for: tags
// mirror ASCII, and the 256 variation selectors have been used as bytes.
func spelled(r rune) (byte, bool) {
	switch {
	case r >= 0xe0020 && r <= 0xe007e:
		return byte(r - 0xe0000), true
	case r >= 0xfe00 && r <= 0xfe0f:
		return byte(r - 0xfe00), true
	case r >= 0xe0100 && r <= 0xe01ef:
		return byte(r - 0xe0100 + 16), true
	}
	return 0, false
}

// subdivision says whether the tags of a flag have the form of a part of a
// country: two letters, then one to four letters or digits (UTS #51, section C.1).
func subdivision(tags string) bool {
	if len(tags) < 3 || len(tags) > 6 {
		return false
	}
	for i := range len(tags) {
		letter, digit := tags[i] >= 'a' && tags[i] <= 'z', tags[i] >= '0' && tags[i] <= '9'
		if !letter && (i < 2 || !digit) {
			return false
		}
	}
	return true
}

// variesWith says whether a single variation selector after base is of honest
// use: text or emoji style of anything, a standard variant of a sign that is not
// ASCII (the slashed zero excepted), a registered variant of an ideograph.
func variesWith(base, selector rune) bool {
	switch {
	case selector == 0xfe0e || selector == 0xfe0f:
		return true
	case selector < 0xe0000:
		return base > unicode.MaxASCII || base == '0' && selector == 0xfe00
	}
	return unicode.Is(unicode.Han, base)
}

// joins says whether a run of characters without width does what it is for: it
// joins emoji, shapes letters of a script that needs it, or sets the direction
// of text beside letters that run from right to left. base is the visible
// character before the run, and next follows it.
func joins(u run, base, next rune) bool {
	if u.before == 0 || classOf(u.before) != visible && u.before != 0xfe0f && u.before != cancelTag {
		return false
	}
	switch u.first {
	case 0x200d:
		if u.count == 1 && pictographic(base) && pictographic(next) {
			return true
		}
		fallthrough
	case 0x200b, 0x200c:
		return u.count == 1 && u.before == base && shapes(base)
	case 0x61c, 0x200e, 0x200f:
		return u.count == 1 && (rightToLeft(u.before) || rightToLeft(next))
	case 0x180b, 0x180c, 0x180d, 0x180e, 0x180f:
		return u.count <= 2 && unicode.Is(unicode.Mongolian, u.before)
	case 0x115f, 0x1160: // fillers stand for a missing part of a syllable
		return u.count == 1 && (unicode.Is(unicode.Hangul, u.before) || unicode.Is(unicode.Hangul, next))
	}
	return false
}

// shapes says whether r is of a script in which characters without width shape
// letters or mark where a line may break.
func shapes(r rune) bool {
	return r > unicode.MaxLatin1 && (unicode.IsLetter(r) || unicode.IsMark(r)) && unicode.In(r,
		unicode.Arabic, unicode.Syriac, unicode.Nko, unicode.Mongolian, unicode.Phags_Pa,
		unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil,
		unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Tibetan,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

func rightToLeft(r rune) bool {
	return r > unicode.MaxLatin1 && unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko)
}

// pictographic says whether an emoji sequence may be joined at r: the property
// Extended_Pictographic of UTS #51, the skin tones among it.
func pictographic(r rune) bool {
	switch {
	case r < 0x2190:
		return r == 0xa9 || r == 0xae || r == 0x203c || r == 0x2049 || r == 0x2122 || r == 0x2139
	case r <= 0x2bff:
		return r >= 0x2194 && r <= 0x21aa || r >= 0x231a && r <= 0x23ff || r == 0x24c2 ||
			r >= 0x25aa && r <= 0x25fe || r >= 0x2600 && r <= 0x27bf || r == 0x2934 || r == 0x2935 || r >= 0x2b05 && r <= 0x2b55
	}
	return r == 0x3030 || r == 0x303d || r == 0x3297 || r == 0x3299 ||
		r >= 0x1f000 && r <= 0x1faff || r >= 0x1fc00 && r <= 0x1fffd
}
