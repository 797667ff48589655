package server_test

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
	"github.com/openskills-go/skills/registry/server"
)

// BenchmarkDownload serves 550 skills over loopback: cold the first time round,
// from memory afterwards.
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
	run := func(b *testing.B, warm bool) {
		catalog, err := folder.Open(folder.Options{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = catalog.Close() }()
		h, err := server.New(server.Options{Catalog: catalog})
		if err != nil {
			b.Fatal(err)
		}
		s := httptest.NewServer(h)
		defer s.Close()
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		get := func(i int64) error {
			resp, err := client.Get(fmt.Sprintf("%s/api/download?slug=skill-%03d", s.URL, i%skills))
			if err != nil {
				return err
			}
			defer func() { _ = resp.Body.Close() }()
			if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
				return fmt.Errorf("status %d, %w", resp.StatusCode, err)
			}
			return nil
		}
		if warm {
			for i := range int64(skills) {
				if err := get(i); err != nil {
					b.Fatal(err)
				}
			}
		}
		var n atomic.Int64
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := get(n.Add(1)); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	}
	b.Run("cold", func(b *testing.B) { run(b, false) })
	b.Run("warm", func(b *testing.B) { run(b, true) })
}
