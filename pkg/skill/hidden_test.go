package skill

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scan returns what a Scanner finds in data written in pieces that end at cuts.
func scan(data []byte, cuts ...int) []Hidden {
	var s Scanner
	start := 0
	for _, end := range cuts {
		_, _ = s.Write(data[start:end])
		start = end
	}
	_, _ = s.Write(data[start:])
	return s.Findings()
}

func TestScanner(t *testing.T) {
	runVectors(t, filepath.Join(vectors, "hidden.txtar"), func(v vector) string {
		found := scan(v.input)
		var each []int
		for i := range v.input {
			each = append(each, i)
			if diff := cmp.Diff(found, scan(v.input, i)); diff != "" {
				t.Errorf("%s cut at %d (-whole +cut):\n%s", v.name, i, diff)
			}
		}
		if diff := cmp.Diff(found, scan(v.input, each...)); diff != "" {
			t.Errorf("%s by bytes (-whole +cut):\n%s", v.name, diff)
		}
		var b strings.Builder
		for _, h := range found {
			word := "warn"
			if h.Block {
				word = "block"
			}
			fmt.Fprintf(&b, "%s %s %s\n", word, h.Kind, h)
		}
		return b.String()
	})
}

// TestScannerWidth puts hidden text at every place around the width that plain
// text is skipped in.
func TestScannerWidth(t *testing.T) {
	for n := range 100 {
		for _, hidden := range []string{"\u202e", "\U000e0041", "\x00\U000e0041\U000e0042"} {
			data := []byte(strings.Repeat("a", n) + hidden + strings.Repeat("b", 70))
			found := scan(data)
			want := int64(n + strings.IndexAny(hidden, "\u202e\U000e0041"))
			if len(found) != 1 || found[0].Offset != want {
				t.Fatalf("%q after %d letters: found %v, want one at %d", hidden, n, found, want)
			}
		}
	}
}

// TestScannerCrowd shows that a crowd of harmless findings hides no other, and
// that a hostile file costs no memory.
func TestScannerCrowd(t *testing.T) {
	crowd := strings.Repeat("a\u200b", 5000) + strings.Repeat("b\ufe01", 5000) + strings.Repeat("\U0001f3f4\U000e0075\U000e0073\U000e0074\U000e0078\U000e007f", 500)
	for name, hidden := range map[string]string{
		"tag": "\U000e0041\U000e0042", "bidi": "\u202e", "variation": "x\ufe06\ufe08\ufe06",
	} {
		found := scan([]byte(crowd + hidden))
		last := found[len(found)-1]
		if len(found) > 4*maxHiddenOfKind || last.Kind != name || !last.Block {
			t.Errorf("%s after a crowd: %d findings, the last is %v", name, len(found), last)
		}
	}
	long := scan([]byte(strings.Repeat("\U000e0041", 100_000)))
	if len(long) != 1 || long[0].Count != 100_000 || len(long[0].Text) != maxHiddenText || len(long[0].String()) > 300 {
		t.Errorf("a long text: %v", long)
	}
}

func TestScannerReset(t *testing.T) {
	var s Scanner
	_, _ = s.Write([]byte("\x00\u202e\xe2"))
	s.Reset()
	_, _ = s.Write([]byte("\ufeffok\u202e"))
	if found := s.Findings(); len(found) != 1 || found[0].Offset != 5 {
		t.Errorf("after a reset: %v", found)
	}
	if !cmp.Equal(s.Findings(), s.Findings()) {
		t.Error("two calls of Findings differ")
	}
}

func TestScannerMidway(t *testing.T) {
	var s Scanner
	_, _ = s.Write([]byte("a\U000e0041"))
	if found := s.Findings(); len(found) != 1 || found[0].Count != 1 {
		t.Errorf("midway: %v", found)
	}
	_, _ = s.Write([]byte("\U000e0042"))
	if found := s.Findings(); len(found) != 1 || found[0].Count != 2 || found[0].Text != "AB" {
		t.Errorf("at the end: %v", found)
	}
}

func FuzzScanner(f *testing.F) {
	f.Add([]byte("a\u200d\U0001f468\u200d\U0001f469\ufe0f\ufe0f"), uint16(3))
	f.Add([]byte("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"), uint16(5))
	f.Add([]byte("\x00\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f\xf3"), uint16(9))
	f.Add([]byte("\ufeff\u202e\xe2\x80\xf3\xa0\x81\xf3\xa0\x81\x81"), uint16(7))
	f.Add([]byte(strings.Repeat("a", 40)+"\U000e0158\ufe06\u2066\U000e0041"), uint16(41))
	f.Fuzz(func(t *testing.T, data []byte, cut uint16) {
		whole := scan(data)
		at := int(cut) % (len(data) + 1)
		if got := scan(data, at); !slices.Equal(whole, got) {
			t.Fatalf("cut at %d: %v, whole: %v", at, got, whole)
		}
		var each []int
		for i := range data {
			each = append(each, i)
		}
		if got := scan(data, each...); !slices.Equal(whole, got) {
			t.Fatalf("by bytes: %v, whole: %v", got, whole)
		}
		for _, h := range whole {
			if !bytes.HasPrefix(data[h.Offset:], []byte(string(h.Rune))) {
				t.Fatalf("%v is not there", h)
			}
			if s := h.String(); strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("%q is not safe to print", s)
			}
		}
	})
}
