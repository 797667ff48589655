package fingerprint_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/openskills-go/skills/registry/internal/fingerprint"
)

// lines is the hash of paths in the order that they have to come in.
func lines(paths ...string) string {
	sum := func(s string) string {
		h := sha256.Sum256([]byte(s))
		return hex.EncodeToString(h[:])
	}
	for i, p := range paths {
		paths[i] = p + ":" + sum(p)
	}
	return sum(strings.Join(paths, "\n"))
}

func files(paths ...string) map[string][]byte {
	m := map[string][]byte{}
	for _, p := range paths {
		m[p] = []byte(p)
	}
	return m
}

// The order is that of JavaScript's localeCompare, and what the client leaves out
// is left out.
func TestOf(t *testing.T) {
	all := files("B.md", "a.md", "_x.md", "é.md", "e.md", "f.md", "10.md", "2.md", "LICENSE", "logo.PNG", ".git/x", "a/.hidden", "node_modules/x.md")
	if got, want := fingerprint.Of(all), lines("_x.md", "10.md", "2.md", "a.md", "B.md", "e.md", "é.md", "f.md", "LICENSE", "logo.PNG"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := fingerprint.OfText(all), lines("_x.md", "10.md", "2.md", "a.md", "B.md", "e.md", "é.md", "f.md", "LICENSE"); got != want {
		t.Errorf("text: %s, want %s", got, want)
	}
}
