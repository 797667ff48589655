package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/digest"
)

func TestAWriterSpillsOnlyWhatIsLarge(t *testing.T) {
	for _, size := range sizes() {
		for _, piece := range []int{1000, inMemory, 4 * inMemory} {
			s := newStore(t)
			w := s.Create(0, nil)
			for p := range slices.Chunk(content(size), piece) {
				if n, err := w.Write(p); n != len(p) || err != nil {
					t.Fatal(n, err)
				}
			}
			onDisk := len(files(t, s.Dir())) > 0
			if onDisk != (size > inMemory) || s.Used() != onDisk {
				t.Errorf("%d bytes: on disk %v, used %v", size, onDisk, s.Used())
			}
			checkHolds(t, fmt.Sprintf("%d bytes in pieces of %d", size, piece), w, content(size))
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func checkHolds(t *testing.T, name string, w *Writer, want []byte) {
	t.Helper()
	got, err := io.ReadAll(io.NewSectionReader(w, 0, int64(len(want))+1))
	if err != nil || !bytes.Equal(got, want) || w.Offset() != int64(len(want)) || w.Digest() != digest.Of(want) {
		t.Errorf("%s: it holds %d bytes (%v), says %d with %s; want %d", name, len(got), err, w.Offset(), w.Digest(), len(want))
	}
}

// However often and wherever a transfer starts over, what is kept is the last
// round and nothing else.
func TestRestart(t *testing.T) {
	for _, first := range sizes() {
		for _, second := range sizes() {
			s := newStore(t)
			w := s.Create(0, nil)
			name := fmt.Sprintf("%d bytes, then %d", first, second)
			if w.Validator() != "" {
				t.Errorf("%s: a new Writer has a validator", name)
			}
			if err := w.Restart(`"one"`); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(bytes.Repeat([]byte("Z"), first)); err != nil {
				t.Fatal(err)
			}
			for _, validator := range []string{`"two"`, ""} {
				if err := w.Restart(validator); err != nil || w.Validator() != validator {
					t.Errorf("%s: Restart = %v, validator %q", name, err, w.Validator())
				}
				checkHolds(t, name+", restarted", w, nil)
			}
			if _, err := w.Write(content(second)); err != nil {
				t.Fatal(err)
			}
			checkHolds(t, name, w, content(second))
			if err := w.Commit(); err != nil {
				t.Fatal(err)
			}
			checkHolds(t, name+", committed", w, content(second))
			if got, err := read(s, digest.Of(content(second))); err != nil || !bytes.Equal(got, content(second)) {
				t.Errorf("%s: the store has %d bytes, %v", name, len(got), err)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Buffers are used again: what one artifact left must not show in another.
func TestBuffersAreForgotten(t *testing.T) {
	s := newStore(t)
	for i := range 50 {
		w := s.Create(0, nil)
		checkHolds(t, "new", w, nil)
		data := bytes.Repeat([]byte{byte(i)}, 1000+i*13%700)
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		checkHolds(t, "written", w, data)
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Errorf("closed twice: %v", err)
		}
	}
}

func TestLimit(t *testing.T) {
	errTooLarge := errors.New("too large")
	for _, limit := range []int{1, 100, inMemory, inMemory + 100} {
		s := newStore(t)
		var limits, gots []int64
		w := s.Create(int64(limit), func(limit, got int64) error {
			limits, gots = append(limits, limit), append(gots, got)
			return errTooLarge
		})
		data := content(limit)
		if _, err := w.Write(data[:limit/2]); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data[limit/2:]); err != nil {
			t.Errorf("exactly %d bytes: %v", limit, err)
		}
		if n, err := w.Write([]byte("xy")); n != 0 || !errors.Is(err, errTooLarge) {
			t.Errorf("limit %d: a write over it = %d, %v", limit, n, err)
		}
		if !slices.Equal(limits, []int64{int64(limit)}) || !slices.Equal(gots, []int64{int64(limit) + 2}) {
			t.Errorf("limit %d: the error is made of %d and %d", limit, limits, gots)
		}
		if _, err := w.Write(nil); !errors.Is(err, errTooLarge) {
			t.Errorf("limit %d: after the error: %v", limit, err)
		}
		if err := w.Commit(); !errors.Is(err, errTooLarge) {
			t.Errorf("limit %d: Commit = %v", limit, err)
		}
		if err := w.Restart(""); err != nil {
			t.Error(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Errorf("limit %d: after Restart: %v", limit, err)
		}
		checkHolds(t, "after Restart", w, data)
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A write that fails, as on a full disk, leaves the Writer with less than it was
// given. Nothing of that may be committed, and Restart begins with nothing.
func TestAWriteThatFails(t *testing.T) {
	s := newStore(t)
	if err := os.MkdirAll(filepath.Dir(s.Dir()), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.Dir(), nil, 0o644); err != nil { // no folder can be made there
		t.Fatal(err)
	}
	w := s.Create(0, nil)
	if n, err := w.Write(content(inMemory + 1)); n != 0 || err == nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
	if _, err := w.Write([]byte("the rest")); err == nil {
		t.Error("a write after one that failed succeeds")
	}
	if err := w.Commit(); err == nil || !strings.Contains(err.Error(), "commit artifact") {
		t.Errorf("Commit = %v", err)
	}
	if err := os.Remove(s.Dir()); err != nil {
		t.Fatal(err)
	}
	if err := w.Restart(""); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"whole", string(content(inMemory))} {
		if _, err := w.Write([]byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	want := append([]byte("whole"), content(inMemory)...)
	checkHolds(t, "after Restart", w, want)
	if err := errors.Join(w.Commit(), w.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := read(s, digest.Of(want)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the store has %d bytes, %v", len(got), err)
	}
}

func TestACommitThatFailsIsStillReadable(t *testing.T) {
	for _, size := range []int{100, 2 * inMemory} {
		s := newStore(t)
		w := s.Create(0, nil)
		if _, err := w.Write(content(size)); err != nil {
			t.Fatal(err)
		}
		blocked := filepath.Join(s.Dir(), "sha256", w.Digest().Hex())
		if err := os.MkdirAll(filepath.Join(blocked, "x"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(); err == nil {
			t.Errorf("%d bytes: Commit succeeds over a folder", size)
		}
		checkHolds(t, "after a Commit that failed", w, content(size))
		if err := errors.Join(w.Close(), s.Close()); err != nil {
			t.Error(err)
		}
		if got := files(t, s.Dir()); len(got) != 0 {
			t.Errorf("%d bytes: there is still %q", size, got)
		}
	}
}

func TestWhatIsNotCommittedLeavesNothing(t *testing.T) {
	for _, size := range sizes() {
		s := newStore(t)
		w := s.Create(0, nil)
		if _, err := w.Write(content(size)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if s.Has(digest.Of(content(size))) {
			t.Errorf("%d bytes: they are there", size)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got := files(t, s.Dir()); len(got) != 0 {
			t.Errorf("%d bytes: there is still %q", size, got)
		}
	}
}

func BenchmarkCommit(b *testing.B) {
	s := New(b.TempDir())
	defer func() { _ = s.Close() }()
	data := content(4000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		data[0], data[1], data[2] = byte(i), byte(i>>8), byte(i>>16)
		if _, err := commit(s, data); err != nil {
			b.Fatal(err)
		}
	}
}
