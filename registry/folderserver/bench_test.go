package folderserver_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/openskills-go/skills/registry/folder"
	"github.com/openskills-go/skills/registry/folderserver"
)

// BenchmarkDownload serves 550 skills over loopback: cold they are packed the
// first time round, warm they are in memory.
func BenchmarkDownload(b *testing.B) {
	const skills = 550
	files := fstest.MapFS{}
	for i := range skills {
		name := fmt.Sprintf("skill-%03d", i)
		files[name+"/SKILL.md"] = skillOf(name, 6000)
		if i%3 == 0 {
			files[name+"/references/more.md"] = skillOf(name, 9000)
		}
	}
	dir := b.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		b.Fatal(err)
	}
	open := func(b *testing.B) http.Handler {
		catalog, err := folder.Open(folder.Options{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = catalog.Close() })
		h, err := folderserver.New(folderserver.Options{Catalog: catalog})
		if err != nil {
			b.Fatal(err)
		}
		return h
	}
	// What net/http takes for answers of that size, whatever they are.
	floor := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 4000)) })

	b.Run("floor", func(b *testing.B) { load(b, floor, skills) })
	b.Run("cold", func(b *testing.B) { load(b, open(b), skills) })
	b.Run("warm", func(b *testing.B) {
		h := open(b)
		for i := range skills {
			ask(b, h, "HEAD", fmt.Sprintf("/api/download?slug=skill-%03d", i))
		}
		b.ResetTimer()
		load(b, h, skills)
	})
}

// load asks h for one skill after the other, from as many clients as there are
// processors.
func load(b *testing.B, h http.Handler, skills int64) {
	s := httptest.NewServer(h)
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := client.Get(fmt.Sprintf("%s/api/download?slug=skill-%03d", s.URL, n.Add(1)%skills))
			if err != nil {
				b.Error(err)
				return
			}
			_, err = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK {
				b.Errorf("status %d, %v", resp.StatusCode, err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
