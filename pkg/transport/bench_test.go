package transport

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A small artifact over loopback, beside what net/http alone makes of it.
func BenchmarkDownload(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 4<<10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	defer server.Close()

	b.Run("transport", func(b *testing.B) {
		c, err := New(Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer c.CloseIdleConnections()
		var dst part
		for b.Loop() {
			if _, err := c.Download(b.Context(), server.URL+"/x", GetOptions{}, &dst); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportAllocs()
	})
	b.Run("net-http", func(b *testing.B) {
		var dst bytes.Buffer
		for b.Loop() {
			resp, err := server.Client().Get(server.URL + "/x")
			if err != nil {
				b.Fatal(err)
			}
			dst.Reset()
			_, err = dst.ReadFrom(resp.Body)
			if err != nil {
				b.Fatal(err)
			}
			_ = resp.Body.Close()
		}
		b.ReportAllocs()
	})
}
