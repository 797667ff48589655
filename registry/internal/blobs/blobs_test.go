package blobs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/internal/blobs"
	"github.com/openskills-go/skills/registry/internal/blobs/blobtest"
)

func open(t *testing.T, url string, cache int64) *blobs.Store {
	t.Helper()
	s, err := blobs.Open(t.Context(), blobs.Options{URL: url, Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestFolder(t *testing.T) {
	url := "file://" + filepath.ToSlash(filepath.Join(t.TempDir(), "deep", "blobs"))
	blobtest.Run(t, func(t *testing.T, cache int64) *blobs.Store { return open(t, url, cache) })
}

func TestMemory(t *testing.T) {
	s := open(t, "mem://", 0)
	blobtest.Run(t, func(*testing.T, int64) *blobs.Store { return s })
}

// What the disk changed is not served, and healed by whoever has the bytes.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "file://"+filepath.ToSlash(dir), -1)
	data := []byte("some bytes")
	d := digest.Of(data)
	if err := s.Put(t.Context(), d, data); err != nil {
		t.Fatal(err)
	}
	hex := d.Hex()
	path := filepath.Join(dir, "sha256", hex[:2], hex)
	for _, bad := range []string{"some bytez", "", "some bytes and more"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), d); err == nil {
			t.Errorf("%q was served", bad)
		} else if _, ok := errors.AsType[*digest.MismatchError](err); !ok {
			t.Error(err)
		}
		if _, _, err := s.Open(t.Context(), d); err == nil {
			t.Errorf("%q was served", bad)
		}
		if err := s.Put(t.Context(), d, data); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), d); err != nil || string(got) != string(data) {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// Memory stays within its bound, and what is used stays in it.
func TestCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "file://"+filepath.ToSlash(dir), 10)
	a, b, c := []byte("aaaa"), []byte("bbbb"), []byte("cccc")
	for _, data := range [][]byte{a, b, c} {
		if err := s.Put(t.Context(), digest.Of(data), data); err != nil {
			t.Fatal(err)
		}
	}
	for _, data := range [][]byte{a, b, a, c} { // b is what was used least
		if _, err := s.Get(t.Context(), digest.Of(data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, "sha256")); err != nil {
		t.Fatal(err)
	}
	for data, held := range map[string]bool{string(a): true, string(b): false, string(c): true} {
		if _, err := s.Get(t.Context(), digest.Of([]byte(data))); (err == nil) != held {
			t.Errorf("%s: %v", data, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"", "blobs", "file://host/x", "file:relative", "ftp://x", "s3://", "file://" + filepath.ToSlash(file), "file://" + filepath.ToSlash(file) + "/x"} {
		s, err := blobs.Open(t.Context(), blobs.Options{URL: url})
		if err == nil {
			_ = s.Close()
			t.Errorf("%q was opened", url)
		} else if strings.Contains(err.Error(), "\n") {
			t.Error(err)
		}
	}
}

// Who comes for an old blob of nobody makes it young; who has it named leaves it.
func TestPutMakesYoung(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "file://"+filepath.ToSlash(dir), 0)
	data := []byte("a blob")
	d := digest.Of(data)
	if err := s.Put(t.Context(), d, data); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "sha256", d.Hex()[:2], d.Hex())
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
	age := func() time.Duration {
		t.Helper()
		modified, err := s.Modified(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return time.Since(modified)
	}
	if err := s.Heal(t.Context(), d, data); err != nil || age() < 50*time.Minute {
		t.Errorf("healed, it is %v old, %v", age(), err)
	}
	if err := s.Put(t.Context(), d, data); err != nil || age() > time.Minute {
		t.Errorf("put again, it is %v old, %v", age(), err)
	}
	if _, err := s.Modified(t.Context(), digest.Of(nil)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of what is not there: %v", err)
	}
}
