package server_test

import (
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/api"
	"github.com/openskills-go/skills/registry/server"
)

// A site that is built is, file by file, what the server answers.
func TestBuild(t *testing.T) {
	s, base := start(t)
	alice := &client{t, base, issue(t, s, "alice")}
	for _, v := range []string{"1.0.0", "1.1.0", "1.2.0-rc.1"} {
		into[api.Published](t, alice.upload("demo", v, tree(v)))
	}
	into[api.Published](t, alice.form(`{"slug":"single","version":"0.1.0"}`, map[string]string{"SKILL.md": tree("x")["SKILL.md"]}))
	alice.want(200, "", "POST", "/api/v1/skills/demo/versions/1.0.0/yank", api.Change{Reason: "old"})
	dir := t.TempDir()
	built, err := s.Build(t.Context(), dir)
	if err != nil || built.Skills != 2 || built.Versions != 4 || built.Written != built.Files {
		t.Fatalf("%+v, %v", built, err)
	}
	c := &client{t, base, ""}
	files, yanked := 0, false
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		want, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		yanked = yanked || strings.Contains(string(want), `"yanked":true,"reason":"old"`)
		a := c.get("/" + (&url.URL{Path: filepath.ToSlash(rel)}).EscapedPath())
		if a.status != http.StatusOK || a.body != string(want) || a.header.Get("Etag") == "" || a.header.Get("Cache-Control") == "" {
			t.Errorf("%s: %d, %d bytes, want %d; %v", rel, a.status, len(a.body), len(want), a.header)
		}
		return nil
	})
	if err != nil || files != built.Files || !yanked {
		t.Errorf("%d files of %d, yanked %v, %v", files, built.Files, yanked, err)
	}
	if again, err := s.Build(t.Context(), dir); err != nil || again.Written > 0 {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	for _, scope := range []string{"/alice", "/alice/demo", "/alice@demo", "/alice/single"} {
		checkIndex(t, c, scope+"/.well-known/agent-skills/index.json")
	}
	// As files on any web server, too.
	plain := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer plain.Close()
	if a := (&client{t, plain.URL, ""}).get("/alice/.well-known/agent-skills/index.json"); a.status != 200 || !strings.Contains(a.body, `"demo"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := c.get("/.well-known/agent-skills/index.json"); a.status != 404 {
		t.Errorf("there is an index of all: %d", a.status)
	}
}

// What is yanked, deleted or removed since is so in what was built before.
func TestBuildWithdraws(t *testing.T) {
	s, base := start(t)
	alice := &client{t, base, issue(t, s, "alice")}
	for _, name := range []string{"yanked", "deleted", "removed", "partly", "kept"} {
		into[api.Published](t, alice.upload(name, "1.0.0", tree(name)))
	}
	into[api.Published](t, alice.upload("partly", "1.1.0", tree("harmful")))
	into[api.Published](t, (&client{t, base, issue(t, s, "bob")}).upload("only", "1.0.0", tree("only")))
	dir := t.TempDir()
	build := func() server.Built {
		t.Helper()
		built, err := s.Build(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return built
	}
	build()
	ctx, actor := t.Context(), server.Operator()
	name := func(owner, slug string) server.Name { return server.Name{Owner: owner, Slug: slug} }
	for _, err := range []error{
		s.Catalog().Yank(ctx, actor, name("alice", "yanked"), "1.0.0", "loses pages"),
		s.Catalog().Delete(ctx, actor, name("alice", "deleted"), ""),
		s.Catalog().Remove(ctx, actor, name("alice", "removed"), "", "harmful"),
		s.Catalog().Remove(ctx, actor, name("alice", "partly"), "1.1.0", "harmful"),
		s.Catalog().Delete(ctx, actor, name("bob", "only"), ""),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if built := build(); built.Skills != 3 || built.Versions != 3 {
		t.Errorf("%+v", built)
	}
	var there []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(path, "log/") {
			there = append(there, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(there, "\n")
	for path, want := range map[string]bool{
		"/alice/yanked.ndjson": true, "alice/yanked/1.0.0.zip": true, "alice/yanked/.well-known": false, "alice@yanked/": false,
		"/alice/deleted.ndjson": false, "alice/deleted/": false, "alice@deleted/": false,
		"/alice/removed.ndjson": false, "alice/removed/": false, "skills/removed/": false,
		"/alice/partly.ndjson": true, "alice/partly/1.0.0.zip": true, "alice/partly/1.1.0": false,
		"alice/kept/1.0.0.zip": true, "bob": false,
	} {
		if strings.Contains(all, path) != want {
			t.Errorf("%s is there: %v", path, !want)
		}
	}
	if n := strings.Count(all, "blobs/") - strings.Count(all, ".proof"); n != 3 {
		t.Errorf("%d blobs", n)
	}
	index, err := os.ReadFile(filepath.Join(dir, "index/2b/d8/alice/yanked.ndjson"))
	if err != nil || !strings.Contains(string(index), `"yanked":true,"reason":"loses pages"`) {
		t.Errorf("%s, %v", index, err)
	}
	if built := build(); built.Written != 0 {
		t.Errorf("the same again: %+v", built)
	}
	// What comes back is there again.
	if err := s.Catalog().Undelete(ctx, actor, name("bob", "only"), ""); err != nil {
		t.Fatal(err)
	}
	build()
	if _, err := os.Stat(filepath.Join(dir, "bob/only/1.0.0.zip")); err != nil {
		t.Error(err)
	}
}

// checkIndex holds an index of the RFC to what it names: it is there, with its
// digest and type.
func checkIndex(t *testing.T, c *client, at string) {
	t.Helper()
	index := into[struct {
		Schema string `json:"$schema"`
		Skills []struct{ Name, Type, URL, Digest string }
	}](t, c.get(at))
	if !strings.HasSuffix(index.Schema, "/0.2.0/schema.json") || len(index.Skills) == 0 {
		t.Errorf("%s: %+v", at, index)
	}
	from, _ := url.Parse(c.url + at)
	for _, e := range index.Skills {
		to, err := from.Parse(e.URL)
		if err != nil {
			t.Fatal(err)
		}
		a := c.get(to.String())
		if a.status != 200 || string(digest.Of([]byte(a.body))) != e.Digest {
			t.Errorf("%s: %s: %d, %s", at, to, a.status, digest.Of([]byte(a.body)))
		}
		want := map[string][2]string{"demo": {"archive", "application/zip"}, "single": {"skill-md", "text/markdown; charset=utf-8"}}[e.Name]
		if got := [2]string{e.Type, a.header.Get("Content-Type")}; got != want {
			t.Errorf("%s is %v", e.Name, got)
		}
	}
}

func TestFeatured(t *testing.T) {
	s, base := start(t, func(o *server.Options) { o.Featured = []string{"alice/demo", "alice/gone"} })
	alice := &client{t, base, issue(t, s, "alice")}
	into[api.Published](t, alice.upload("demo", "1.0.0", tree("x")))
	into[api.Published](t, alice.upload("other", "1.0.0", tree("y")))
	a := (&client{t, base, ""}).get("/.well-known/agent-skills/index.json")
	if a.status != 200 || !strings.Contains(a.body, `"demo"`) || strings.Contains(a.body, `"other"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// The log can be verified by whoever has only what is public: every line is in the
// tree that was signed, and a later tree holds an earlier one.
func TestLog(t *testing.T) {
	s, base := start(t)
	alice := &client{t, base, issue(t, s, "alice")}
	c := &client{t, base, ""}
	config := into[struct{ Log struct{ Origin, Vkey string } }](t, c.get("/config.json"))
	verifier, err := note.NewVerifier(config.Log.Vkey)
	if err != nil {
		t.Fatal(err)
	}
	signed := func() (size int64, root tlog.Hash) {
		t.Helper()
		n, err := note.Open([]byte(c.get("/log/checkpoint").body), note.VerifierList(verifier))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(n.Text, "\n")
		size, err = strconv.ParseInt(lines[1], 10, 64)
		raw, err2 := base64.StdEncoding.DecodeString(lines[2])
		if lines[0] != config.Log.Origin || err != nil || err2 != nil {
			t.Fatalf("%q", lines)
		}
		return size, tlog.Hash(raw)
	}
	if size, _ := signed(); size != 0 {
		t.Errorf("an empty log has %d lines", size)
	}
	var published []api.Published
	for i := range 5 {
		published = append(published, into[api.Published](t, alice.upload("demo", "1.0."+strconv.Itoa(i), tree(strconv.Itoa(i)))))
	}
	before, beforeRoot := signed()
	alice.want(200, "", "POST", "/api/v1/skills/demo/versions/1.0.0/yank", api.Change{Reason: "a reason of words"})
	size, root := signed()
	if before != 5 || size != 6 {
		t.Fatalf("%d, then %d lines", before, size)
	}
	hashes := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tiles{c})
	proof, err := tlog.ProveTree(size, before, hashes)
	if err == nil {
		err = tlog.CheckTree(proof, size, root, before, beforeRoot)
	}
	if err != nil {
		t.Error(err)
	}
	entries := []byte(c.get("/log/tile/entries/000.p/6").body)
	for i := range size {
		n := int(entries[0])<<8 | int(entries[1])
		line := string(entries[2 : 2+n])
		entries = entries[2+n:]
		proof, err := tlog.ProveRecord(size, i, hashes)
		if err == nil {
			err = tlog.CheckRecord(proof, size, root, i, tlog.RecordHash([]byte(line)))
		}
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
		if i < 5 && (!strings.HasPrefix(line, "publish alice/demo 1.0."+strconv.Itoa(int(i))+" ") || !strings.Contains(line, published[i].Artifact.SHA256)) {
			t.Errorf("line %d is %q", i, line)
		}
	}
	for _, path := range []string{"entries/000", "entries/000.p/7", "0/001", "1/000", "x", "0/-1", "0/000.p/0"} {
		if a := c.get("/log/tile/" + path); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	sum := published[2].Artifact.SHA256
	if a := c.get("/blobs/sha256/" + sum[:2] + "/" + sum + ".proof"); a.status != 200 || !strings.HasPrefix(a.body, "c2sp.org/tlog-proof@v1\nindex 2\n") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// tiles reads tiles as anyone does.
type tiles struct{ c *client }

func (tiles) Height() int { return 8 }

func (t tiles) ReadTiles(list []tlog.Tile) (out [][]byte, err error) {
	for _, tile := range list {
		a := t.c.get("/log/tile/" + strings.TrimPrefix(tile.Path(), "tile/8/"))
		if a.status != 200 {
			return nil, fs.ErrNotExist
		}
		out = append(out, []byte(a.body))
	}
	return out, nil
}

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// Another's client of OCI pulls a skill by tag, version and digest.
func TestOCI(t *testing.T) {
	s, base := start(t)
	alice := &client{t, base, issue(t, s, "alice")}
	for version, text := range map[string]string{"1.0.0": "one", "1.1.0": "two"} {
		into[api.Published](t, alice.upload("demo", version, tree(text)))
	}
	into[api.Published](t, alice.upload("other", "1.0.0", tree("three")))
	repo := strings.TrimPrefix(base, "http://") + "/alice/demo"
	pull := func(reference string) string {
		t.Helper()
		r, err := name.ParseReference(reference)
		if err != nil {
			t.Fatal(err)
		}
		head, err := remote.Head(r, remote.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		image, err := remote.Image(r, remote.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		layers, err := image.Layers()
		if err != nil || len(layers) != 1 {
			t.Fatal(layers, err)
		}
		blob, err := layers[0].Compressed()
		if err != nil {
			t.Fatal(err)
		}
		_ = blob.Close()
		return head.Digest.String()
	}
	one, latest := pull(repo+":1.0.0"), pull(repo+":latest")
	if two := pull(repo + ":1.1.0"); two != latest || one == latest || pull(repo+"@"+one) != one {
		t.Errorf("%s, %s, %s", one, two, latest)
	}
	r, _ := name.NewRepository(repo)
	if tags, err := remote.List(r, remote.WithContext(t.Context())); err != nil || strings.Join(tags, " ") != "1.0.0 1.1.0 beta latest" && strings.Join(tags, " ") != "1.0.0 1.1.0 latest" {
		t.Errorf("%v, %v", tags, err)
	}
	c := &client{t, base, ""}
	c.want(200, "{}", "GET", "/v2/", nil)
	c.want(200, `"manifests":[]`, "GET", "/v2/alice/demo/referrers/"+one, nil)
	c.want(200, `"tags":["1.1.0"]`, "GET", "/v2/alice/demo/tags/list?n=1&last=1.0.0", nil)
	for path, code := range map[string]string{
		"/v2/alice/none/manifests/latest": "MANIFEST_UNKNOWN", "/v2/alice/demo/manifests/9.9.9": "MANIFEST_UNKNOWN",
		"/v2/alice/demo/blobs/" + string(digest.Of(nil)): "BLOB_UNKNOWN", "/v2/alice/other/manifests/" + one: "MANIFEST_UNKNOWN", "/v2/x": "NAME_UNKNOWN",
	} {
		a := c.get(path)
		var e struct{ Errors []struct{ Code string } }
		if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.status != 404 || len(e.Errors) != 1 || e.Errors[0].Code != code {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := c.do("PUT", "/v2/alice/demo/manifests/x", "x"); a.status != 405 {
		t.Errorf("%d", a.status)
	}
}
