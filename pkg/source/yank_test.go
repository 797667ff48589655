package source_test

import (
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/source"
)

func TestYankReason(t *testing.T) {
	for text, want := range map[string]string{
		"":                                source.NoReason,
		" \t\n second":                    source.NoReason,
		"\x00\x1b\u202e\xff":              source.NoReason,
		" it deletes files \r\nand more":  "it deletes files",
		"\x1b[2Jit\u202e leaks\x00 keys":  "[2Jit leaks keys",
		strings.Repeat("x", 10_000):       strings.Repeat("x", 200),
		strings.Repeat("漏", 100):          strings.Repeat("漏", 66),
		strings.Repeat("\x00", 900) + "x": source.NoReason,
	} {
		if got := source.YankReason(text); got != want {
			t.Errorf("YankReason(%.40q) = %.80q, want %.80q", text, got, want)
		}
	}
}
