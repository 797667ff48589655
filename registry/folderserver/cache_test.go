package folderserver_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/registry/folder"
	"github.com/openskills-go/skills/registry/folderserver"
	"github.com/openskills-go/skills/registry/registrytest"
)

// What changes in the folder is served at once, and under another ETag.
func TestChange(t *testing.T) {
	s := registrytest.NewServerFS(t, fstest.MapFS{"a/SKILL.md": {Data: []byte("---\nname: a\ndescription: one\n---\n")}})
	seen := map[string]bool{}
	for i, word := range []string{"one", "two", "six"} {
		path := filepath.Join(s.Dir, "a", "SKILL.md")
		if err := os.WriteFile(path, []byte("---\nname: a\ndescription: "+word+"\n---\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Date(2020, 1, 1, i, 0, 0, 0, time.UTC)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			resp, err := s.Client().Head(s.URL + "/api/download?slug=a")
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			seen[resp.Header.Get("Etag")] = true
		}
	}
	if len(seen) != 3 {
		t.Errorf("ETags %v, want three", seen)
	}
	if n := len(s.Requests()); n != 6 {
		t.Errorf("%d requests were recorded", n)
	}
}

// A counting catalog counts what is fetched from it.
type counting struct {
	folderserver.Catalog
	fetches atomic.Int64
	gate    chan struct{} // if set, Fetch waits for it to be closed
	fail    atomic.Bool
}

var errDisk = errors.New("input/output error on /secret/disk")

func (c *counting) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	c.fetches.Add(1)
	if c.gate != nil {
		<-c.gate
	}
	if c.fail.Load() {
		return source.Receipt{}, errDisk
	}
	return c.Catalog.Fetch(ctx, p, dst)
}

func aged(t *testing.T, files fstest.MapFS) *folder.Registry {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, old, old))
	})
	if err != nil {
		t.Fatal(err)
	}
	reg, err := folder.Open(folder.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reg.Close() })
	return reg
}

func skillOf(name string, size int) *fstest.MapFile {
	text := "---\nname: " + name + "\ndescription: d\n---\n"
	for i := 0; len(text) < size; i++ {
		text += digest.Of([]byte{byte(i), byte(i >> 8)}).Hex()
	}
	return &fstest.MapFile{Data: []byte(text)}
}

// An artifact is packed once for all who ask at the same time, and not again
// while it is remembered.
func TestPackedOnce(t *testing.T) {
	catalog := aged(t, fstest.MapFS{"a/SKILL.md": skillOf("a", 100)})
	synctest.Test(t, func(t *testing.T) {
		c := &counting{Catalog: catalog, gate: make(chan struct{})}
		h := handler(t, sample, folderserver.Options{Catalog: c})
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if resp := ask(t, h, "GET", "/api/download?slug=a"); resp.StatusCode != 200 {
					t.Errorf("status %d", resp.StatusCode)
				}
			})
		}
		synctest.Wait() // all of them are there
		close(c.gate)
		wg.Wait()
		ask(t, h, "GET", "/skills/a")
		if n := c.fetches.Load(); n != 1 {
			t.Errorf("fetched %d times", n)
		}
	})
}

// One who waits too long for a turn is told to come back.
func TestBusy(t *testing.T) {
	files := fstest.MapFS{}
	for i := range 3 * runtime.GOMAXPROCS(0) {
		files["s"+strconv.Itoa(i)+"/SKILL.md"] = skillOf("s", 100)
	}
	catalog := aged(t, files)
	synctest.Test(t, func(t *testing.T) {
		c := &counting{Catalog: catalog, gate: make(chan struct{})}
		h := handler(t, sample, folderserver.Options{Catalog: c})
		var busy, served atomic.Int64
		var wg sync.WaitGroup
		for name := range files {
			slug, _, _ := strings.Cut(name, "/")
			wg.Go(func() {
				switch resp := ask(t, h, "GET", "/api/download?slug="+slug); resp.StatusCode {
				case 200:
					served.Add(1)
				case 503:
					busy.Add(1)
					if resp.Header.Get("Retry-After") == "" {
						t.Error("no Retry-After")
					}
				default:
					t.Errorf("status %d", resp.StatusCode)
				}
			})
		}
		synctest.Wait()
		time.Sleep(10 * time.Second) // of the bubble's clock
		close(c.gate)
		wg.Wait()
		if want := int64(2 * runtime.GOMAXPROCS(0)); served.Load() != want || busy.Load() != int64(len(files))-want {
			t.Errorf("%d were served, %d told to come back; want %d served", served.Load(), busy.Load(), want)
		}
	})
}

// Memory is bounded: what was used longest ago is packed again.
func TestCacheIsBounded(t *testing.T) {
	c := &counting{Catalog: aged(t, fstest.MapFS{
		"a/SKILL.md": skillOf("a", 4000), "b/SKILL.md": skillOf("b", 4000), "c/SKILL.md": skillOf("c", 4000),
	})}
	h := handler(t, sample, folderserver.Options{Catalog: c, Cache: 16 << 10})
	for _, step := range []struct {
		slug    string
		fetches int64
	}{{"a", 1}, {"b", 2}, {"a", 2}, {"c", 3}, {"a", 3}, {"b", 4}, {"c", 5}} {
		if resp := ask(t, h, "GET", "/api/download?slug="+step.slug); resp.StatusCode != 200 {
			t.Fatalf("%s: status %d", step.slug, resp.StatusCode)
		}
		if got := c.fetches.Load(); got != step.fetches {
			t.Errorf("after %s: %d fetches, want %d", step.slug, got, step.fetches)
		}
	}
}

// A fault is not remembered, and what it is about is not given away.
func TestFaultPasses(t *testing.T) {
	c := &counting{Catalog: aged(t, fstest.MapFS{"a/SKILL.md": skillOf("a", 100)})}
	h := handler(t, sample, folderserver.Options{Catalog: c})
	c.fail.Store(true)
	resp := ask(t, h, "GET", "/api/download?slug=a")
	if text := body(t, resp); resp.StatusCode != 500 || strings.Contains(text, "secret") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	c.fail.Store(false)
	if resp := ask(t, h, "GET", "/api/download?slug=a"); resp.StatusCode != 200 {
		t.Errorf("after the fault: %d", resp.StatusCode)
	}
}
