package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/api"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
	"github.com/openskills-go/skills/registry/server"
)

// start serves a registry in memory, with the users alice, bob and boss, who runs
// it.
func start(t *testing.T, change ...func(*server.Options)) (*server.Server, string) {
	t.Helper()
	var s *server.Server
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
	o := server.Options{DB: "sqlite://:memory:", Blobs: "mem://", URL: web.URL, Rates: server.Rates{Read: -1, Write: -1, Download: -1}}
	for _, f := range change {
		f(&o)
	}
	s, err := server.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		web.Close()
		_ = s.Close()
	})
	for handle, role := range map[string]meta.Role{"alice": meta.Plain, "bob": meta.Plain, "boss": meta.Admin} {
		if err := s.Catalog().AddUser(t.Context(), server.Operator(), server.User{Handle: handle, Role: role}); err != nil {
			t.Fatal(err)
		}
	}
	return s, web.URL
}

func issue(t *testing.T, s *server.Server, user string, scopes ...string) string {
	t.Helper()
	text, _, err := s.Desk().Issue(t.Context(), server.Operator(), server.Ask{User: user, Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// An answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
}

// A client asks one registry, with a token or without.
type client struct {
	t          *testing.T
	url, token string
}

func (c *client) do(method, path string, body any, header ...string) answer {
	c.t.Helper()
	var reader io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case []byte:
		reader = bytes.NewReader(b)
	case string:
		reader = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		reader, kind = bytes.NewReader(data), "application/json"
	}
	target := path
	if !strings.HasPrefix(path, "http") {
		target = c.url + path
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, target, reader)
	if err != nil {
		c.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

func (c *client) get(path string, header ...string) answer {
	c.t.Helper()
	return c.do("GET", path, nil, header...)
}

// want asks and checks status and a part of the body.
func (c *client) want(status int, part, method, path string, body any) answer {
	c.t.Helper()
	a := c.do(method, path, body)
	if a.status != status || !strings.Contains(a.body, part) {
		c.t.Errorf("%s %s: %d %.300s\nwant %d %q", method, path, a.status, a.body, status, part)
	}
	return a
}

func into[T any](t *testing.T, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &v); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %.300s: %v", a.status, a.body, err)
	}
	return v
}

// upload publishes by tickets, as ClawHub's client does since 0.21.
func (c *client) upload(slug, version string, files map[string]string) answer {
	c.t.Helper()
	p := api.Publish{Slug: slug, DisplayName: slug, Version: version, Tags: []string{"latest"}}
	for path, text := range files {
		sum := digest.Of([]byte(text)).Hex()
		ticket := into[api.UploadTicket](c.t, c.do("POST", "/api/v1/skills/-/upload-url", api.UploadRequest{Path: path, Size: int64(len(text)), SHA256: sum}))
		stored := into[api.Upload](c.t, c.do("POST", ticket.URL, text, "Content-Type", "text/markdown"))
		p.Files = append(p.Files, api.PublishedFile{Path: path, Size: int64(len(text)), SHA256: sum, StorageID: stored.StorageID, UploadTicket: ticket.Ticket})
	}
	return c.do("POST", "/api/v1/skills", p)
}

// form publishes by a form, as ClawHub's older clients do.
func (c *client) form(payload string, files map[string]string) answer {
	c.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("payload", payload)
	for path, text := range files {
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="files"; filename="` + path + `"`}, "Content-Type": {"text/markdown"}})
		if err != nil {
			c.t.Fatal(err)
		}
		_, _ = io.WriteString(part, text)
	}
	_ = w.Close()
	return c.do("POST", "/api/v1/skills", b.Bytes(), "Content-Type", w.FormDataContentType())
}

func tree(text string) map[string]string {
	return map[string]string{
		"SKILL.md":              "---\nname: demo\ndescription: A demo of things.\n---\n# Demo\n" + text + "\n",
		"references/ünï ode.md": "ü", "references/a.md": text, "scripts/run.sh": "#!/bin/sh\n",
	}
}

// The three shapes of a publish make the same version.
func TestPublish(t *testing.T) {
	s, base := start(t)
	alice := &client{t, base, issue(t, s, "alice")}
	first := into[api.Published](t, alice.upload("demo", "1.0.0", tree("one")))
	if !first.OK || first.Status != "published" || !first.Created || first.Owner != "alice" {
		t.Errorf("%+v", first)
	}
	for name, a := range map[string]answer{
		"again":  alice.upload("demo", "1.0.0", tree("one")),
		"a form": alice.form(`{"slug":"demo","version":"1.0.0","changelog":"","acceptLicenseTerms":true,"tags":["latest"]}`, tree("one")),
		"0.5":    alice.form(`{"slug":"demo","version":"1.0.0","changelog":""}`, tree("one")),
	} {
		if again := into[api.Published](t, a); again.VersionID != first.VersionID || again.Created || *again.Artifact != *first.Artifact {
			t.Errorf("%s: %+v", name, again)
		}
	}
	if a := alice.upload("demo", "1.0.0", tree("two")); a.status != http.StatusConflict || !strings.HasPrefix(a.body, "Version already exists") {
		t.Errorf("%d %s", a.status, a.body)
	}
	anyone := &client{t, base, ""}
	zip := anyone.get("/api/v1/download?slug=demo&version=1.0.0")
	if zip.status != 200 || digest.Of([]byte(zip.body)).Hex() != first.Artifact.SHA256 || zip.header.Get("Content-Type") != "application/zip" {
		t.Errorf("%d, %v", zip.status, zip.header)
	}
	file := anyone.get("/api/v1/skills/demo/file?path=" + url.QueryEscape("references/ünï ode.md") + "&version=1.0.0")
	if file.body != "ü" || file.header.Get("X-Content-SHA256") != digest.Of([]byte("ü")).Hex() {
		t.Errorf("%+v", file)
	}
	if a := into[api.OneVersion](t, anyone.get("/api/v1/skills/demo/versions/1.0.0")); len(a.Version.Files) != 4 || a.Version.License != nil {
		t.Errorf("%+v", a.Version)
	}
}

func TestRead(t *testing.T) {
	s, base := start(t)
	alice := &client{t, base, issue(t, s, "alice")}
	for _, v := range []string{"1.0.0", "1.1.0"} {
		into[api.Published](t, alice.upload("demo", v, tree(v)))
	}
	bob := &client{t, base, issue(t, s, "bob")}
	into[api.Published](t, bob.upload("other", "2.0.0", tree("bob's")))
	c := &client{t, base, ""}
	c.want(200, `"apiBase":"`+base+`"`, "GET", "/.well-known/clawhub.json", nil)
	c.want(200, `"slug":"demo"`, "GET", "/api/v1/search?q=demo&limit=25", nil)
	c.want(200, `"results":[]`, "GET", "/api/v1/search?q=demo&mode=exact&owner=bob", nil)
	c.want(400, "Missing q", "GET", "/api/v1/search", nil)
	c.want(400, "limit", "GET", "/api/v1/search?q=x&limit=1000", nil)
	c.want(400, "more than once", "GET", "/api/v1/search?q=x&q=y", nil)
	c.want(400, "200 bytes", "GET", "/api/v1/search?q="+strings.Repeat("x", 201), nil)
	page := into[api.List](t, c.get("/api/v1/skills?limit=1"))
	if len(page.Items) != 1 || page.NextCursor == nil || page.Items[0].LatestVersion == nil {
		t.Fatalf("%+v", page)
	}
	next := into[api.List](t, c.get("/api/v1/skills?limit=1&cursor="+url.QueryEscape(*page.NextCursor)))
	if len(next.Items) != 1 || next.NextCursor != nil || next.Items[0].Slug == page.Items[0].Slug {
		t.Errorf("%+v", next)
	}
	c.want(200, `"slug":"demo"`, "GET", "/api/v1/skills?prefix=de", nil)
	c.want(400, "cursor", "GET", "/api/v1/skills?cursor=x", nil)
	c.want(400, "sort", "GET", "/api/v1/skills?sort=nonsense", nil)
	one := into[api.Skill](t, c.get("/api/v1/skills/demo"))
	if one.Skill == nil || one.LatestVersion.Version != "1.1.0" || one.Owner.Handle != "alice" || one.Skill.Tags["latest"] != "1.1.0" {
		t.Errorf("%+v", one)
	}
	for _, path := range []string{"/api/v1/skills/%40alice%2Fdemo", "/api/v1/skills/demo?ownerHandle=alice", "/api/skill?slug=demo", "/api/v1/skills/demo?ownerHandle=%40Alice"} {
		c.want(200, `"ownerHandle":"alice"`, "GET", path, nil)
	}
	c.want(404, "Skill not found", "GET", "/api/v1/skills/nothing", nil)
	versions := into[api.Versions](t, c.get("/api/v1/skills/demo/versions?limit=1"))
	if len(versions.Items) != 1 || versions.Items[0].Version != "1.1.0" || versions.NextCursor == nil {
		t.Errorf("%+v", versions)
	}
	c.want(200, `"version":"1.0.0"`, "GET", "/api/v1/skills/demo/versions?limit=1&cursor=1.1.0", nil)
	c.want(404, "Version not found", "GET", "/api/v1/skills/demo/versions/9.9.9", nil)
	c.want(200, `"installKind":"archive"`, "GET", "/api/v1/skills/demo/install", nil)
	c.want(200, `"match":null`, "GET", "/api/v1/resolve?slug=demo&hash=00", nil)
	if a := c.get("/api/v1/resolve?slug=nothing&hash=00"); a.status != 404 || a.body != "Skill not found" {
		t.Errorf("%d %q", a.status, a.body)
	}
	c.want(404, "", "GET", "/api/v1/skills/demo/moderation", nil)
	both := into[api.Found](t, c.get("/api/search?q=demo&limit=20"))
	if len(both.Results) != len(both.Skills) || len(both.Skills) == 0 || both.Skills[0].Source+"@"+both.Skills[0].Name != base+"/alice@demo" {
		t.Errorf("%+v", both)
	}
	if all := into[api.Found](t, c.get("/api/search?q=")); len(all.Skills) != 2 {
		t.Errorf("%+v", all)
	}
	for _, slug := range []string{"demo", "alice-demo", "alice/demo", "@alice/demo"} {
		a := c.get("/api/download?slug=" + url.QueryEscape(slug) + "&locale=en&source=copy")
		if a.status != 200 || a.header.Get("X-Skill-Version") != "1.1.0" || !strings.HasPrefix(a.body, "PK") {
			t.Errorf("%s: %d %.100s", slug, a.status, a.body)
		}
	}
	if a := c.get("/api/download?slug=demo&version=~1.0"); a.header.Get("X-Skill-Version") != "1.0.0" {
		t.Errorf("%d %.100s", a.status, a.body)
	}
	c.want(404, `"code":"no_match"`, "GET", "/api/download?slug=demo&version=%5E3", nil)
	c.want(404, `"code":"not_found"`, "GET", "/api/download?slug=nothing", nil)
	// Validators, ranges, HEAD.
	a := c.get("/api/v1/download?slug=demo")
	if got := c.get("/api/v1/download?slug=demo", "If-None-Match", a.header.Get("Etag")); got.status != http.StatusNotModified {
		t.Errorf("%d", got.status)
	}
	if got := c.get("/api/v1/download?slug=demo", "Range", "bytes=2-5", "If-Range", a.header.Get("Etag")); got.status != http.StatusPartialContent || got.body != a.body[2:6] {
		t.Errorf("%d %q", got.status, got.body)
	}
	if got := c.do("HEAD", "/api/v1/download?slug=demo", nil); got.status != 200 || got.body != "" || got.header.Get("Content-Length") != fmt.Sprint(len(a.body)) {
		t.Errorf("%+v", got)
	}
	meta := c.get("/api/v1/skills/demo")
	if got := c.get("/api/v1/skills/demo", "If-None-Match", meta.header.Get("Etag")); got.status != http.StatusNotModified {
		t.Errorf("%d, etag %q", got.status, meta.header.Get("Etag"))
	}
}

// What is done is seen at once, also by those whose answer was remembered.
func TestChange(t *testing.T) {
	s, base := start(t)
	alice, bob, boss := &client{t, base, issue(t, s, "alice")}, &client{t, base, issue(t, s, "bob")}, &client{t, base, issue(t, s, "boss", "admin")}
	c := &client{t, base, ""}
	for _, v := range []string{"1.0.0", "1.1.0"} {
		into[api.Published](t, alice.upload("demo", v, tree(v)))
	}
	latest := func() string {
		a := into[api.Skill](t, c.get("/api/v1/skills/demo"))
		if a.LatestVersion == nil {
			return ""
		}
		return a.LatestVersion.Version
	}
	for _, who := range []*client{c, bob} {
		status := map[bool]int{true: 401, false: 403}[who == c]
		who.want(status, "", "POST", "/api/v1/skills/demo/versions/1.1.0/yank", api.Change{Reason: "x"})
		who.want(status, "", "POST", "/api/v1/skills/demo/deprecate", api.Change{Message: "x"})
		who.want(status, "", "POST", "/api/v1/skills/demo/tags/beta", api.Change{Version: "1.0.0"})
		who.want(status, "", "DELETE", "/api/v1/skills/demo", nil)
	}
	alice.want(403, "", "POST", "/api/v1/skills/demo/remove", api.Change{Reason: "x"})
	alice.want(400, "reason", "POST", "/api/v1/skills/demo/versions/1.1.0/yank", nil)
	alice.want(200, "", "POST", "/api/v1/skills/demo/versions/1.1.0/yank", api.Change{Reason: "bad"})
	if latest() != "1.0.0" {
		t.Error(latest())
	}
	c.want(200, `"yanked":"bad"`, "GET", "/api/v1/skills/demo/versions", nil)
	if a := c.get("/api/v1/download?slug=demo&version=1.1.0"); a.status != 200 || a.header.Get("X-Skill-Yanked") != "bad" {
		t.Errorf("%d %v", a.status, a.header)
	}
	c.want(410, `"code":"yanked"`, "GET", "/api/download?slug=demo&version=~1.1", nil)
	alice.want(200, "", "POST", "/api/v1/skills/demo/versions/1.1.0/unyank", nil)
	alice.want(200, `"tag":"beta"`, "POST", "/api/v1/skills/demo/tags/beta", api.Change{Version: "1.0.0"})
	if a := c.get("/api/v1/download?slug=demo&tag=beta"); a.header.Get("X-Skill-Version") != "1.0.0" {
		t.Errorf("%d %v", a.status, a.header)
	}
	alice.want(200, "", "DELETE", "/api/v1/skills/demo/tags/beta", nil)
	c.want(404, "", "GET", "/api/v1/download?slug=demo&tag=beta", nil)
	alice.want(200, "", "POST", "/api/v1/skills/demo/deprecate", api.Change{Message: "use other"})
	c.want(200, `"deprecated":"use other"`, "GET", "/api/v1/skills/demo", nil)
	bob.want(200, `"alreadyStarred":false`, "POST", "/api/v1/stars/demo", nil)
	bob.want(200, `"alreadyStarred":true`, "POST", "/api/v1/stars/demo", nil)
	c.want(200, `"stars":1`, "GET", "/api/v1/skills/demo", nil)
	bob.want(200, `"alreadyUnstarred":false`, "DELETE", "/api/v1/stars/demo", nil)
	alice.want(200, "", "DELETE", "/api/v1/skills/demo/versions/1.0.0", api.Change{Version: "1.0.0"})
	c.want(410, "", "GET", "/api/v1/download?slug=demo&version=1.0.0", nil)
	alice.want(200, "", "POST", "/api/v1/skills/demo/versions/1.0.0/restore", nil)
	c.want(200, "", "GET", "/api/v1/download?slug=demo&version=1.0.0", nil)
	alice.want(200, "", "DELETE", "/api/v1/skills/demo", nil)
	c.want(410, "", "GET", "/api/v1/skills/demo", nil)
	c.want(200, `"results":[]`, "GET", "/api/v1/search?q=demo", nil)
	alice.want(200, "", "POST", "/api/v1/skills/demo/undelete", nil)
	boss.want(200, "", "POST", "/api/v1/skills/demo/remove", api.Change{Reason: "malware"})
	c.want(451, "malware", "GET", "/api/v1/download?slug=demo", nil)
	alice.want(403, "", "POST", "/api/v1/skills/demo/restore", nil)
	boss.want(200, "", "POST", "/api/v1/skills/demo/restore", nil)
	c.want(200, "", "GET", "/api/v1/skills/demo", nil)
	// Several owners of a slug.
	into[api.Published](t, bob.upload("demo", "5.0.0", tree("bob")))
	for _, path := range []string{"/api/v1/skills/demo", "/api/v1/download?slug=demo", "/api/v1/resolve?slug=demo&hash=0"} {
		a := c.get(path)
		var e api.Ambiguous
		if json.Unmarshal([]byte(a.body), &e) != nil || a.status != 409 || e.Code != "AMBIGUOUS_SKILL_SLUG" || len(e.Matches) != 2 || e.Matches[0].Ref != "@alice/demo" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	c.want(200, "5.0.0", "GET", "/api/v1/skills/demo?ownerHandle=bob", nil)
	// Organisations.
	admin := &client{t, base, issue(t, s, "alice", "admin")}
	alice.want(403, "scope", "POST", "/api/v1/owners", api.Change{Handle: "acme"})
	admin.want(200, "", "POST", "/api/v1/owners", api.Change{Handle: "acme", DisplayName: "Acme"})
	admin.want(409, "", "POST", "/api/v1/owners", api.Change{Handle: "acme"})
	admin.want(200, "", "PUT", "/api/v1/owners/acme/members/bob", api.Change{Role: "publisher"})
	c.want(200, `{"handle":"bob","role":"publisher"}`, "GET", "/api/v1/owners/acme", nil)
	admin.want(409, "", "DELETE", "/api/v1/owners/acme/members/alice", nil)
	bob.want(403, "", "PUT", "/api/v1/owners/acme/members/bob", api.Change{Role: "admin"})
	alice.want(200, `"handle":"alice"`, "GET", "/api/v1/whoami", nil)
	c.want(401, "", "GET", "/api/v1/whoami", nil)
	(&client{t, base, "clh_nonsense"}).want(401, "not valid", "GET", "/api/v1/whoami", nil)
	(&client{t, base, "clh_nonsense"}).want(200, "", "GET", "/api/v1/skills?limit=5", nil)
}

// Bad uploads get one line, and leave nothing.
func TestHostile(t *testing.T) {
	s, base := start(t)
	alice, bob := &client{t, base, issue(t, s, "alice")}, &client{t, base, issue(t, s, "bob")}
	reader := &client{t, base, issue(t, s, "alice", "read")}
	anyone := &client{t, base, ""}
	payload := `{"slug":"demo","version":"1.0.0","changelog":""}`
	with := func(path string) map[string]string { m := tree("x"); m[path] = "x"; return m }
	for name, test := range map[string]struct {
		a      answer
		status int
	}{
		"no token":        {anyone.form(payload, tree("x")), 401},
		"scope":           {reader.form(payload, tree("x")), 403},
		"another's":       {alice.form(`{"slug":"demo","version":"1.0.0","ownerHandle":"bob"}`, tree("x")), 403},
		"nobody's":        {alice.form(`{"slug":"demo","version":"1.0.0","ownerHandle":"nobody"}`, tree("x")), 404},
		"dots":            {alice.form(payload, with("../x")), 400},
		"dots inside":     {alice.form(payload, with("a/../../x")), 400},
		"absolute":        {alice.form(payload, with("/etc/passwd")), 400},
		"backslash":       {alice.form(payload, with(`..\\x`)), 400},
		"no SKILL.md":     {alice.form(payload, map[string]string{"x.md": "x"}), 400},
		"no payload":      {alice.do("POST", "/api/v1/skills", "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"SKILL.md\"\r\n\r\nx\r\n--b--\r\n", "Content-Type", "multipart/form-data; boundary=b"), 400},
		"no boundary":     {alice.do("POST", "/api/v1/skills", "x", "Content-Type", "multipart/form-data"), 400},
		"no form":         {alice.do("POST", "/api/v1/skills", "garbage", "Content-Type", "multipart/form-data; boundary=b"), 400},
		"no JSON":         {alice.do("POST", "/api/v1/skills", "{", "Content-Type", "application/json"), 400},
		"wrong type":      {alice.do("POST", "/api/v1/skills", `{"slug":1}`, "Content-Type", "application/json"), 400},
		"media type":      {alice.do("POST", "/api/v1/skills", "x", "Content-Type", "application/zip"), 415},
		"bad slug":        {alice.form(`{"slug":"../x","version":"1.0.0"}`, tree("x")), 400},
		"bad version":     {alice.form(`{"slug":"demo","version":"1"}`, tree("x")), 400},
		"build metadata":  {alice.form(`{"slug":"demo","version":"1.0.0+a"}`, tree("x")), 400},
		"reserved":        {alice.form(`{"slug":"api","version":"1.0.0"}`, tree("x")), 400},
		"terms":           {alice.form(`{"slug":"demo","version":"1.0.0","acceptLicenseTerms":false}`, tree("x")), 400},
		"large file":      {alice.form(payload, map[string]string{"SKILL.md": strings.Repeat("x", 11<<20)}), 413},
		"large upload":    {alice.do("POST", "/api/v1/skills/-/upload-url", api.UploadRequest{Path: "x", Size: 1 << 40, SHA256: digest.Of(nil).Hex()}), 413},
		"no digest":       {alice.do("POST", "/api/v1/skills/-/upload-url", api.UploadRequest{Path: "x", Size: 1, SHA256: "../.."}), 400},
		"no ticket":       {alice.do("POST", "/upload/nonsense", "x"), 403},
		"files by digest": {alice.do("POST", "/api/v1/skills", api.Publish{Slug: "demo", Version: "1.0.0", Files: []api.PublishedFile{{Path: "SKILL.md", StorageID: digest.Of(nil).Hex(), SHA256: digest.Of(nil).Hex()}}}), 403},
	} {
		if test.a.status != test.status || strings.Contains(test.a.body, "\n") || len(test.a.body) > 600 {
			t.Errorf("%s: %d %.300s, want %d", name, test.a.status, test.a.body, test.status)
		}
	}
	many := map[string]string{}
	for i := range 1001 {
		many[fmt.Sprint("f", i)] = ""
	}
	if a := alice.form(payload, many); a.status != 413 {
		t.Errorf("many parts: %d %s", a.status, a.body)
	}
	// A ticket is for one user, one file, and the bytes that were announced.
	sum := digest.Of([]byte("data")).Hex()
	ticket := into[api.UploadTicket](t, alice.do("POST", "/api/v1/skills/-/upload-url", api.UploadRequest{Path: "SKILL.md", Size: 4, SHA256: sum}))
	bob.want(403, "ticket", "POST", ticket.URL, "data")
	anyone.want(401, "", "POST", ticket.URL, "data")
	alice.want(400, "announced", "POST", ticket.URL, "dat")
	alice.want(400, "announced", "POST", ticket.URL, "dato")
	alice.want(413, "", "POST", ticket.URL, "data and more")
	alice.want(400, "not uploaded", "POST", "/api/v1/skills", api.Publish{Slug: "demo", Version: "1.0.0", Files: []api.PublishedFile{{Path: "SKILL.md", StorageID: sum, SHA256: sum, UploadTicket: ticket.Ticket}}})
	alice.want(200, sum, "POST", ticket.URL, "data")
	alice.want(403, "ticket", "POST", "/api/v1/skills", api.Publish{Slug: "demo", Version: "1.0.0", Files: []api.PublishedFile{{Path: "other", StorageID: sum, SHA256: sum, UploadTicket: ticket.Ticket}}})
	anyone.want(404, "", "GET", "/api/v1/skills/demo", nil)
	if skills, versions, _, err := s.Catalog().Count(t.Context()); skills != 0 || versions != 0 || err != nil {
		t.Errorf("%d skills, %d versions, %v", skills, versions, err)
	}
}

func TestPaths(t *testing.T) {
	_, base := start(t)
	c := &client{t, base, ""}
	for _, path := range []string{"/../etc/passwd", "/blobs/../x", "/a/%2e%2e/b", "/a%2fb", "/a%00", "/a%5cb", "/a/..;/b", "//a", "/blobs/sha256/%2e%2e/x", "/api/v1/skills/a%2f..%2fb"} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", base+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = strings.TrimPrefix(base, "http:") + path
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	for _, path := range []string{"/blobs/sha256/00/00", "/blobs/sha256/zz/" + strings.Repeat("z", 64), "/index/a/b/c/d.ndjson", "/log/tile/9/9", "/v2/a/b/c/d/e", "/api/none", "/nobody/none/1.0.0.zip", "/nobody/.well-known/agent-skills/index.json", "/.well-known/agent-skills/index.json", "/.well-known/x"} {
		if a := c.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d %.100s", path, a.status, a.body)
		}
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"} {
		if got := c.get("/api/v1/skills").header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func TestPrivate(t *testing.T) {
	s, base := start(t, func(o *server.Options) { o.Private = true })
	alice := &client{t, base, issue(t, s, "alice")}
	into[api.Published](t, alice.upload("demo", "1.0.0", tree("x")))
	anyone := &client{t, base, ""}
	for _, path := range []string{"/api/v1/skills/demo", "/api/v1/download?slug=demo", "/api/search?q=demo", "/alice/.well-known/agent-skills/index.json", "/v2/alice/demo/manifests/latest", "/config.json", "/", "/alice/demo", "/log/checkpoint"} {
		if a := anyone.get(path); a.status != 401 {
			t.Errorf("%s: %d", path, a.status)
		}
		if a := alice.get(path); a.status != 200 && path != "/" && path != "/alice/demo" || a.header.Get("Vary") != "Authorization" || !strings.HasPrefix(a.header.Get("Cache-Control"), "private") && !strings.HasPrefix(a.header.Get("Cache-Control"), "no-") {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
	}
	anyone.want(200, "apiBase", "GET", "/.well-known/clawhub.json", nil)
	anyone.want(200, "ok", "GET", "/healthz", nil)
}

func TestRates(t *testing.T) {
	s, base := start(t, func(o *server.Options) { o.Rates = server.Rates{Read: 3, Write: 2, Download: 2} })
	c := &client{t, base, ""}
	for i := range 4 {
		// What a client says of where it comes from is not believed.
		a := c.get("/api/v1/skills", "X-Forwarded-For", fmt.Sprint("10.0.0.", i))
		want := 200
		if i == 3 {
			want = 429
		}
		if a.status != want || a.header.Get("RateLimit-Limit") != "3" || a.header.Get("X-RateLimit-Remaining") != fmt.Sprint(max(0, 2-i)) {
			t.Errorf("%d: %d %v", i, a.status, a.header)
		}
		if i == 3 && (a.header.Get("Retry-After") == "" || a.body != "Rate limit exceeded") {
			t.Errorf("%v %q", a.header, a.body)
		}
	}
	if a := c.get("/healthz"); a.status != 200 {
		t.Error("health is limited")
	}
	alice := &client{t, base, issue(t, s, "alice")}
	if a := alice.get("/api/v1/whoami"); a.status != 200 {
		t.Errorf("a token pays for an address: %d", a.status)
	}
}

func TestDevice(t *testing.T) {
	s, base := start(t)
	c := &client{t, base, ""}
	code := into[api.DeviceCode](t, c.do("POST", "/api/cli/device/code", `{"scope":"read write","label":"laptop"}`))
	if code.VerificationURI != base+"/cli/device" || code.ExpiresIn <= 0 || code.Interval <= 0 {
		t.Errorf("%+v", code)
	}
	ask := map[string]string{"device_code": code.DeviceCode, "grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
	c.want(400, `"authorization_pending"`, "POST", "/api/cli/device/token", ask)
	c.want(400, `"slow_down"`, "POST", "/api/cli/device/token", ask)
	c.want(400, `"expired_token"`, "POST", "/api/cli/device/token", nil)
	if err := s.Desk().Decide(t.Context(), server.Actor{User: "alice", Scopes: catalog.Scopes()}, code.UserCode, true); err != nil {
		t.Fatal(err)
	}
	token := into[api.DeviceToken](t, c.do("POST", "/api/cli/device/token", ask))
	(&client{t, base, token.AccessToken}).want(200, `"alice"`, "GET", "/api/v1/whoami", nil)
	c.want(400, `"expired_token"`, "POST", "/api/cli/device/token", ask)
}

func TestOps(t *testing.T) {
	s, base := start(t)
	c := &client{t, base, ""}
	c.want(200, `"ok"`, "GET", "/readyz", nil)
	c.want(200, "skills_requests_total", "GET", "/metrics", nil)
	if a := c.get("/metrics", "X-Forwarded-For", "203.0.113.9"); a.status != 403 {
		t.Errorf("metrics through a proxy: %d", a.status)
	}
	s.Drain()
	c.want(503, "stopping", "GET", "/readyz", nil)
	c.want(200, "", "GET", "/healthz", nil)
	if err := s.Catalog().Flush(t.Context()); err != nil {
		t.Error(err)
	}
}

// A registry that cannot write says so, and shows nothing of what it did not keep.
func TestLostBlobs(t *testing.T) {
	dir := t.TempDir()
	s, base := start(t, func(o *server.Options) { o.Blobs, o.Cache = "file://"+dir, -1 })
	alice := &client{t, base, issue(t, s, "alice")}
	into[api.Published](t, alice.upload("demo", "1.0.0", tree("x")))
	if err := s.LoseBlobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := alice.get("/api/v1/download?slug=demo&version=1.0.0")
	if a.status != 500 || strings.Contains(a.body, dir) {
		t.Errorf("%d %s", a.status, a.body)
	}
	var e error
	for f, err := range s.Catalog().Fsck(t.Context(), false, 0) {
		if e = errors.Join(e, err); f.Subject == "alice/demo@1.0.0" {
			return
		}
	}
	t.Errorf("fsck finds nothing: %v", e)
}
