package merge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/merge"
)

func TestUnified(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"", "", ""},
		{"a\n", "a\n", ""},
		{"\x00", "\x00", ""},
		{"a\n", "b\n", "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n"},
		{"", "a\n", "--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+a\n"},
		{"a\n", "", "--- a/f\n+++ b/f\n@@ -1 +0,0 @@\n-a\n"},
		{"a", "a\n", "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
		{"a", "b", "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n", "--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n"},
		{"a\x00", "a", "Binary files a/f and b/f differ\n"},
		{"a", "\xff", "Binary files a/f and b/f differ\n"},
		{"", "\x00", "Binary files a/f and b/f differ\n"},
	} {
		if got := merge.Unified("a/f", "b/f", []byte(c.from), []byte(c.to)); got != c.want {
			t.Errorf("%q to %q:\n%q, want\n%q", c.from, c.to, got, c.want)
		}
	}
	// A name cannot end its line and add one of its own.
	got := merge.Unified("a/x\n+++ b/y", "b/\"x\\ y", []byte("1\n"), []byte("\x00"))
	if want := "Binary files \"a/x\\012+++ b/y\" and \"b/\\\"x\\\\ y\" differ\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "a": true, "\ufeffa\r\n": true, "é\n": true, "\x1b[2J": true,
		"\x00": false, "\xff\xfea\x00": false, "caf\xe9": false, strings.Repeat("a", 10_000) + "\x00": false,
	} {
		if got := merge.Text([]byte(text)); got != want {
			t.Errorf("Text(%.20q) = %v", text, got)
		}
	}
}

// Texts that could keep a line diff busy: nothing equal, all equal, and many
// small changes, each just below the limit.
func TestHostileTexts(t *testing.T) {
	numbered := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < merge.MaxText-20; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	a, b, c := numbered("a%d\n"), numbered("b%d\n"), numbered("c%d\n")
	empty, blank := strings.Repeat("\n", merge.MaxText-1), strings.Repeat(" \n", merge.MaxText/2)
	every := strings.ReplaceAll(a, "7\n", "x\n")
	for name, texts := range map[string][3]string{
		"nothing equal":    {a, b, c},
		"all equal":        {empty, empty + "\n", "x\n" + empty[1:]},
		"equal and blank":  {empty, blank, blank[2:] + "\n\n"},
		"swapped halves":   {a, a[len(a)/2:] + a[:len(a)/2], "x\n" + a},
		"many changes":     {a, every, "x\n" + a},
		"interleaved":      {a, strings.ReplaceAll(a, "\n", "\n\n")[:merge.MaxText-1], b},
		"shuffled repeats": {strings.Repeat("a\nb\nc\n", 100_000), strings.Repeat("c\nb\na\n", 100_000), strings.Repeat("b\nc\na\n", 100_000)},
	} {
		got, ok := threeTexts(t, texts[0], texts[1], texts[2])
		if ok && (len(got) < len(texts[0])/2 || name == "nothing equal") {
			t.Errorf("%s: merged to %d bytes", name, len(got))
		}
		if merge.Unified("a", "b", []byte(texts[1]), []byte(texts[2])) == "" {
			t.Errorf("%s: no diff", name)
		}
	}
}
