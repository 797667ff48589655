package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/openskills-go/skills/registry/api"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/server"
)

// Answers of every size come whole over connections that gather them, one after the
// other and in a row.
func TestGather(t *testing.T) {
	s, _ := start(t)
	alice := issue(t, s, "alice", "publish")
	web := httptest.NewUnstartedServer(s)
	web.Listener = server.Gather(web.Listener)
	web.Config.ConnContext = server.ConnContext
	web.Start()
	defer web.Close()

	// Digits do not compress to nothing, and a zip of them is some larger than half.
	random := func(n int) string {
		var b bytes.Buffer
		for i := uint64(88172645463325252); b.Len() < n; {
			i ^= i << 13
			i ^= i >> 7
			i ^= i << 17
			b.WriteString(strconv.FormatUint(i, 36))
		}
		return b.String()[:n]
	}
	c := &client{t, web.URL, alice}
	var want [][]byte
	for i, n := range []int{0, 1500, 2500, 5000, 20_000, 90_000, 200_000} {
		slug := fmt.Sprintf("skill-%d", i)
		files := tree("Does the " + slug + ".")
		files["data.txt"] = random(n)
		if a := c.upload(slug, "1.0.0", files); a.status != http.StatusOK {
			t.Fatalf("publish: %d %s", a.status, a.body)
		}
		a := c.do("GET", "/api/v1/download?slug="+slug, nil)
		if a.status != http.StatusOK || a.header.Get("Content-Length") != strconv.Itoa(len(a.body)) {
			t.Fatalf("%s: %d, %d bytes of %s", slug, a.status, len(a.body), a.header.Get("Content-Length"))
		}
		want = append(want, []byte(a.body))
		part := c.do("GET", "/api/v1/download?slug="+slug, nil, "Range", "bytes=100-199")
		if part.status != http.StatusPartialContent || part.body != a.body[100:200] {
			t.Errorf("%s: a part is %d, %d bytes", slug, part.status, len(part.body))
		}
		if head := c.do("HEAD", "/api/v1/download?slug="+slug, nil); head.status != http.StatusOK || head.body != "" {
			t.Errorf("%s: HEAD is %d %q", slug, head.status, head.body)
		}
		if same := c.do("GET", "/api/v1/download?slug="+slug, nil, "If-None-Match", a.header.Get("Etag")); same.status != http.StatusNotModified {
			t.Errorf("%s: unchanged is %d", slug, same.status)
		}
	}

	conn, err := net.Dial("tcp", web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for i := range want {
		_, _ = fmt.Fprintf(conn, "GET /api/v1/download?slug=skill-%d HTTP/1.1\r\nHost: x\r\n\r\n", i)
	}
	in := bufio.NewReader(conn)
	for i := range want {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || !bytes.Equal(got, want[i]) {
			t.Errorf("answer %d of a row: %d bytes, %v", i, len(got), err)
		}
	}
}

// A download is remembered until something changes, counts each time, and is nobody
// else's.
func TestDownloadsRemembered(t *testing.T) {
	s, base := start(t)
	alice := &client{t, base, issue(t, s, "alice", "publish")}
	anyone := &client{t, base, ""}
	into[api.Published](t, alice.upload("demo", "1.0.0", tree("one")))
	for _, path := range []string{"/api/v1/download?slug=demo", "/api/download?slug=demo"} {
		first := anyone.get(path)
		for range 3 {
			again := anyone.get(path)
			if again.status != 200 || again.body != first.body || again.header.Get("Etag") != first.header.Get("Etag") ||
				again.header.Get("Repr-Digest") != first.header.Get("Repr-Digest") || again.header.Get("Content-Disposition") != first.header.Get("Content-Disposition") ||
				again.header.Get("X-Content-Type-Options") != "nosniff" || again.header.Get("Content-Length") != first.header.Get("Content-Length") {
				t.Errorf("%s: %d %v, and before %v", path, again.status, again.header, first.header)
			}
		}
	}
	if err := s.Catalog().Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	k, err := s.Catalog().Find(t.Context(), catalog.Name{Owner: "alice", Slug: "demo"})
	if err != nil || k.Downloads != 8 {
		t.Errorf("%d downloads were counted, %v", k.Downloads, err)
	}
	into[api.Published](t, alice.upload("demo", "1.1.0", tree("two")))
	if a := anyone.get("/api/v1/download?slug=demo"); a.header.Get("X-Skill-Version") != "1.1.0" {
		t.Errorf("after a publish it is %v", a.header)
	}
	alice.want(200, "", "POST", "/api/v1/skills/demo/versions/1.1.0/yank", api.Change{Reason: "why"})
	if a := anyone.get("/api/v1/download?slug=demo"); a.header.Get("X-Skill-Version") != "1.0.0" {
		t.Errorf("after a yank it is %v", a.header)
	}
	alice.want(200, "", "DELETE", "/api/v1/skills/demo", nil)
	if a := anyone.get("/api/v1/download?slug=demo"); a.status == 200 {
		t.Error("after it was deleted it is there")
	}
}
