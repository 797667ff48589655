package skill

import (
	"math/rand/v2"
	"testing"
)

// A picture, an archive or a model is no text, and what chance spells in it is no
// message: about one tag character in each MiB.
func TestScannerRandomBytes(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	chunk := make([]byte, 1<<20)
	var s Scanner
	for range 24 {
		_, _ = random.Read(chunk)
		_, _ = s.Write(chunk)
	}
	if found := s.Findings(); len(found) > 0 {
		t.Errorf("%d findings in random bytes, the first: %v", len(found), found[0])
	}
	if s.astral() == 0 {
		t.Error("chance brought no tag character: this test proves nothing")
	}
}
