package server_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/api"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/server"
)

// inProcess is a registry that is asked without a network, with a skill alice/demo and
// the token of alice.
func inProcess(f *testing.F) (*server.Server, string) {
	f.Helper()
	s, err := server.Open(f.Context(), server.Options{DB: "sqlite://:memory:", Blobs: "mem://", URL: "http://registry.test", Rates: server.Rates{Read: -1, Write: -1, Download: -1}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	for _, user := range []string{"alice", "bob"} {
		if err := s.Catalog().AddUser(f.Context(), server.Operator(), server.User{Handle: user}); err != nil {
			f.Fatal(err)
		}
	}
	d := server.Draft{Owner: "alice", Slug: "demo", Version: "1.0.0", Files: map[string][]byte{}}
	for path, text := range tree("one") {
		d.Files[path] = []byte(text)
	}
	if _, err := s.Catalog().Publish(f.Context(), server.Operator(), d); err != nil {
		f.Fatal(err)
	}
	token, _, err := s.Desk().Issue(f.Context(), server.Operator(), server.Ask{User: "alice", Scopes: []string{"publish"}})
	if err != nil {
		f.Fatal(err)
	}
	return s, token
}

func ask(t *testing.T, s *server.Server, method, target, kind, token string, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://registry.test/", bytes.NewReader(body))
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return httptest.NewRecorder() // no request has this target
	}
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = u.Path, u.RawPath, u.RawQuery
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// Whatever is asked for is answered, never with a fault of the server's own, and never
// as something that a browser would run.
func FuzzRequest(f *testing.F) {
	s, token := inProcess(f)
	for _, target := range []string{
		"/", "/zh/alice/demo", "/alice/demo/1.0.0/files/scripts/run.sh?raw", "/alice/demo/1.0.0.zip", "/alice@demo/.well-known/agent-skills/index.json", "/search?q=a&page=9999999999",
		"/api/v1/skills/demo/versions?limit=-1&cursor=%00", "/api/v1/skills/%40alice%2Fdemo", "/api/v1/resolve?slug=demo&hash=" + strings.Repeat("0", 64), "/api/search?q=%22%27*(&limit=1",
		"/api/download?slug=alice-demo&version=^1", "/v2/alice/demo/manifests/1.0.0_x", "/v2/alice/demo/tags/list?n=0&last=%ff", "/index/ab/cd/alice/demo.ndjson", "/log/tile/0/x001/234", "/log/tile/entries/000.p/1",
		"/blobs/sha256/ab/" + strings.Repeat("ab", 32), "/cli/device?code=ABCD-EFGH", "/..%2f..%2fetc/passwd", "/alice/..;/demo", "/%00", "/skills?after=%F0%28", "/catalog/head.json",
	} {
		f.Add("GET", target, "")
	}
	f.Add("POST", "/api/v1/skills/demo/versions/1.0.0/yank", `{"reason":1}`)
	f.Add("DELETE", "/api/v1/skills/demo/tags/latest?ownerHandle=alice", "")
	f.Add("PUT", "/api/v1/owners/alice/members/bob", `{"role":"king"}`)
	f.Add("POST", "/api/cli/device/token", `{"device_code":"x"}`)
	f.Add("POST", "/cli/device", "code=x&token=y&answer=approve")
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch, "PROPFIND"}
	f.Fuzz(func(t *testing.T, method, target, body string) {
		if !slices.Contains(methods, method) || !strings.HasPrefix(target, "/") {
			return
		}
		for _, who := range []string{"", token} {
			w := ask(t, s, method, target, "", who, []byte(body))
			if w.Code >= 500 && w.Code != http.StatusNotImplemented {
				t.Fatalf("%s %q: %d %s", method, target, w.Code, w.Body)
			}
			if len(w.Header()) == 0 {
				return
			}
			kind := w.Header().Get("Content-Type")
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || strings.Contains(kind, "svg") && !strings.HasPrefix(target, "/assets/") ||
				strings.Contains(kind, "html") && !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
				t.Fatalf("%s %q: %v", method, target, w.Header())
			}
		}
	})
}

// A form is taken or refused. What is taken is there, under a name that it may have.
func FuzzForm(f *testing.F) {
	s, token := inProcess(f)
	add := func(payload string, files ...string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		_ = w.SetBoundary("x")
		_ = w.WriteField("payload", payload)
		for i := 0; i+1 < len(files); i += 2 {
			part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="files"; filename="` + files[i] + `"`}})
			if err != nil {
				f.Fatal(err)
			}
			_, _ = part.Write([]byte(files[i+1]))
		}
		_ = w.Close()
		f.Add("x", b.Bytes())
	}
	good := tree("two")["SKILL.md"]
	add(`{"slug":"demo","version":"1.0.1"}`, "SKILL.md", good)
	add(`{"slug":"demo","version":"1.0.1","ownerHandle":"bob"}`, "SKILL.md", good)
	add(`{"slug":"demo","version":"latest","tags":["x"]}`, "a/SKILL.md", good, "a/b.md", "b")
	add(`{"slug":"../demo","version":"1.0.0+b"}`, "../SKILL.md", good)
	add(`{"slug":"x"}`, "SKILL.md", "", "skill.md", good, "CON", "x")
	f.Add("", []byte("--\r\n"))
	f.Add("x", []byte("--x\r\nContent-Disposition: form-data; name*=utf-8''payload\r\n\r\n{}\r\n--x--"))
	f.Fuzz(func(t *testing.T, boundary string, body []byte) {
		w := ask(t, s, http.MethodPost, "/api/v1/skills", `multipart/form-data; boundary="`+boundary+`"`, token, body)
		if w.Code >= 500 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if w.Code != http.StatusOK {
			return
		}
		p := into[api.Published](t, answer{w.Code, w.Header(), w.Body.String()})
		if p.Owner != "alice" {
			t.Fatalf("alice published %+v", p)
		}
		k, err := s.Catalog().Find(t.Context(), catalog.Name{Owner: p.Owner, Slug: p.Slug})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Catalog().Select(t.Context(), k, catalog.Want{Version: p.Version}); err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
	})
}

// A ticket is good for what it was given for, and nothing else is one.
func FuzzTicket(f *testing.F) {
	s, token := inProcess(f)
	const text = "# Demo"
	want := api.UploadRequest{Path: "SKILL.md", Size: int64(len(text)), SHA256: digest.Of([]byte(text)).Hex()}
	var good string
	f.Add(uint(0), byte(0), "")
	f.Add(uint(40), byte(1), "x")
	f.Add(uint(9999), byte(0x20), ".")
	f.Fuzz(func(t *testing.T, at uint, flip byte, more string) {
		if good == "" {
			body := []byte(`{"path":"` + want.Path + `","size":6,"sha256":"` + want.SHA256 + `"}`)
			w := ask(t, s, http.MethodPost, "/api/v1/skills/-/upload-url", "application/json", token, body)
			good = into[api.UploadTicket](t, answer{w.Code, w.Header(), w.Body.String()}).Ticket
		}
		bad := []byte(good)
		bad[int(at%uint(len(bad)))] ^= flip
		ticket := string(bad) + more
		w := ask(t, s, http.MethodPost, "/upload/"+url.PathEscape(ticket), "", token, []byte(text))
		switch {
		case w.Code >= 500:
			t.Fatalf("%d %s", w.Code, w.Body)
		case ticket == good && w.Code != http.StatusOK:
			t.Fatalf("the ticket itself: %d %s", w.Code, w.Body)
		case ticket != good && w.Code == http.StatusOK:
			t.Fatalf("%q is taken for %q", ticket, good)
		}
	})
}
