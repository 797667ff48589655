package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/internal/blobs"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

// A registry is a catalog in memory with the users alice and bob.
type registry struct {
	*catalog.Catalog
	meta  *meta.DB
	blobs *blobs.Store
}

func open(t testing.TB) *registry {
	t.Helper()
	db, err := meta.Open(t.Context(), "sqlite://:memory:")
	if err != nil {
		t.Fatal(err)
	}
	store, err := blobs.Open(t.Context(), blobs.Options{URL: "mem://"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close(); _ = db.Close() })
	c, err := catalog.New(catalog.Options{Meta: db, Blobs: store})
	if err != nil {
		t.Fatal(err)
	}
	for _, handle := range []string{"alice", "bob"} {
		if err := c.AddUser(t.Context(), catalog.Operator(), meta.User{Handle: handle}); err != nil {
			t.Fatal(err)
		}
	}
	return &registry{c, db, store}
}

func actor(user string, scopes ...string) catalog.Actor {
	if scopes == nil {
		scopes = []string{catalog.ScopePublish}
	}
	return catalog.Actor{User: user, Role: meta.Plain, Scopes: scopes}
}

var alice, bob = actor("alice"), actor("bob")

// files is a skill with a text that makes it another.
func files(text string) map[string][]byte {
	return map[string][]byte{
		"SKILL.md":       []byte("---\nname: pdf\ndescription: Reads PDFs.\n---\n" + text + "\n"),
		"scripts/run.sh": []byte("#!/bin/sh\necho " + text + "\n"),
	}
}

func draft(version, text string) catalog.Draft {
	return catalog.Draft{Slug: "pdf", Version: version, Files: files(text)}
}

func (r *registry) publish(t testing.TB, a catalog.Actor, d catalog.Draft) catalog.Release {
	t.Helper()
	out, err := r.Publish(t.Context(), a, d)
	if err != nil {
		t.Fatalf("publish %s@%s: %v", d.Slug, d.Version, err)
	}
	return out
}

func as[E error](t testing.TB, err error) E {
	t.Helper()
	e, ok := errors.AsType[E](err)
	if !ok {
		t.Fatalf("the error is %T: %v", err, err)
	}
	return e
}

// What is published is what comes back, as one zip that every client can take.
func TestPublish(t *testing.T) {
	r := open(t)
	out := r.publish(t, alice, catalog.Draft{
		Slug: "pdf", Version: "1.0.0", Files: files("one"), Tags: []string{"beta", "latest"}, Topics: []string{"office"}, Changelog: "first\nlines",
	})
	if !out.Created || out.Skill.Owner != "alice" || out.Skill.Latest != "1.0.0" {
		t.Errorf("released %+v", out.Skill)
	}
	if diff := cmp.Diff(map[string]string{"latest": "1.0.0", "beta": "1.0.0"}, out.Skill.Tags); diff != "" {
		t.Error(diff)
	}
	s, err := r.Find(t.Context(), catalog.Name{Slug: "pdf"})
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.Select(t.Context(), s, catalog.Want{})
	if err != nil {
		t.Fatal(err)
	}
	blob, size, err := r.Blob(t.Context(), v.Artifact)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(blob)
	if err != nil || digest.Of(data) != v.Artifact || int64(len(data)) != size || size != v.Size {
		t.Fatalf("%d bytes of %d, %v", len(data), size, err)
	}
	result, err := archive.Unpack(t.Context(), bytes.NewReader(data), size, nil, archive.Options{})
	if err != nil || len(result.Tree.Files) != 2 || result.Root != "" {
		t.Fatalf("%+v, %v", result, err)
	}
	for _, d := range []digest.Digest{v.Manifest, v.Config, v.Layer} {
		if blob, _, err := r.Blob(t.Context(), d); err != nil {
			t.Errorf("%s: %v", d, err)
		} else {
			_ = blob.Close()
		}
	}
	got, file, err := r.File(t.Context(), v, "scripts/run.sh")
	if err != nil || string(got) != "#!/bin/sh\necho one\n" || !file.Executable {
		t.Errorf("%q, %+v, %v", got, file, err)
	}
	_, _, err = r.File(t.Context(), v, "../SKILL.md")
	as[*catalog.NotFoundError](t, err)
	hits, err := r.Search(t.Context(), meta.SearchQuery{Text: "pdfs", Limit: 10})
	if err != nil || len(hits) != 1 {
		t.Errorf("%v, %v", hits, err)
	}
	if lines, err := r.Log(t.Context(), 0, 10); err != nil || len(lines) != 1 {
		t.Errorf("%q, %v", lines, err)
	}
}

// The same again is a success and changes nothing; anything else under the same
// version is refused.
func TestImmutable(t *testing.T) {
	r := open(t)
	first := r.publish(t, alice, draft("1.0.0", "one"))
	again := r.publish(t, alice, draft("1.0.0", "one"))
	if again.Created || again.Version.ID != first.Version.ID || again.Version.Artifact != first.Version.Artifact {
		t.Errorf("again: %+v", again)
	}
	unnamed := r.publish(t, alice, draft("", "one"))
	if unnamed.Created || unnamed.Version.Version != "1.0.0" {
		t.Errorf("without a version: %+v", unnamed.Version)
	}
	_, err := r.Publish(t.Context(), alice, draft("1.0.0", "two"))
	as[*catalog.ConflictError](t, err)
	if err := r.Delete(t.Context(), alice, catalog.Name{Slug: "pdf"}, "1.0.0"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two"} {
		_, err = r.Publish(t.Context(), alice, draft("1.0.0", text))
		as[*catalog.ConflictError](t, err)
	}
	if lines, _ := r.Log(t.Context(), 0, 10); len(lines) != 1 {
		t.Errorf("the log has %q", lines)
	}
}

func TestVersions(t *testing.T) {
	r := open(t)
	for _, test := range []struct{ version, text, is, latest string }{
		{"", "a", "1.0.0", "1.0.0"},
		{"", "b", "1.0.1", "1.0.1"},
		{"2.0.0-rc.1", "c", "2.0.0-rc.1", "1.0.1"},
		{"", "d", "2.0.0", "2.0.0"},
		{"1.5.0", "e", "1.5.0", "2.0.0"},
		{"10.0.0", "f", "10.0.0", "10.0.0"},
	} {
		out := r.publish(t, alice, draft(test.version, test.text))
		if out.Version.Version != test.is || out.Skill.Latest != test.latest {
			t.Errorf("%q became %s, latest %s; want %s, %s", test.version, out.Version.Version, out.Skill.Latest, test.is, test.latest)
		}
	}
	s, err := r.Find(t.Context(), catalog.Name{Owner: "alice", Slug: "pdf"})
	if err != nil {
		t.Fatal(err)
	}
	list, err := r.Versions(t.Context(), s)
	var got []string
	for _, v := range list {
		got = append(got, v.Version)
	}
	if diff := cmp.Diff([]string{"10.0.0", "2.0.0", "2.0.0-rc.1", "1.5.0", "1.0.1", "1.0.0"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestRights(t *testing.T) {
	r := open(t)
	op := catalog.Operator()
	if err := r.AddOwner(t.Context(), op, meta.Owner{Handle: "acme"}, "alice"); err != nil {
		t.Fatal(err)
	}
	of := func(owner string) catalog.Draft {
		d := draft("1.0.0", "one")
		d.Owner = owner
		return d
	}
	for name, test := range map[string]struct {
		actor catalog.Actor
		owner string
		ok    bool
	}{
		"anonymous":      {catalog.Actor{}, "alice", false},
		"read only":      {actor("alice", catalog.ScopeRead), "alice", false},
		"own":            {alice, "alice", true},
		"another's":      {bob, "alice", false},
		"admin":          {alice, "acme", true},
		"no member":      {bob, "acme", false},
		"operator":       {op, "bob", true},
		"role no scope":  {catalog.Actor{User: "root2", Role: meta.Admin, Scopes: []string{catalog.ScopePublish}}, "bob", false},
		"scope, no role": {actor("bob", catalog.ScopeAdmin), "alice", false},
	} {
		_, err := r.Publish(t.Context(), test.actor, of(test.owner))
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
		if !test.ok {
			as[*catalog.DeniedError](t, err)
		}
	}
	if err := r.SetMember(t.Context(), actor("alice", catalog.ScopeAdmin), meta.Member{Owner: "acme", User: "bob", Role: meta.Publisher}); err != nil {
		t.Fatal(err)
	}
	d := of("acme")
	d.Version, d.Files = "1.1.0", files("two")
	r.publish(t, bob, d)
	// A publisher may not take away, and not give what it has.
	as[*catalog.DeniedError](t, r.Delete(t.Context(), bob, catalog.Name{Owner: "acme", Slug: "pdf"}, ""))
	as[*catalog.DeniedError](t, r.SetMember(t.Context(), actor("bob", catalog.ScopeAdmin), meta.Member{Owner: "acme", User: "bob", Role: meta.Admin}))
	// The last admin stays.
	as[*catalog.ConflictError](t, r.SetMember(t.Context(), actor("alice", catalog.ScopeAdmin), meta.Member{Owner: "acme", User: "alice"}))
	as[*catalog.ConflictError](t, r.SetMember(t.Context(), actor("alice", catalog.ScopeAdmin), meta.Member{Owner: "alice", User: "alice", Role: meta.Publisher}))
	as[*catalog.DeniedError](t, r.AddUser(t.Context(), actor("alice", catalog.ScopeAdmin), meta.User{Handle: "eve"}))
	as[*catalog.DeniedError](t, r.Remove(t.Context(), actor("alice", catalog.ScopeAdmin), catalog.Name{Owner: "alice", Slug: "pdf"}, "", "no"))
}

func TestNames(t *testing.T) {
	r := open(t)
	for _, slug := range []string{"", "..", "a/b", "A", "a--b", "-a", "a-", "con", "api", "latest", "ü", "a\x00b", string(bytes.Repeat([]byte("a"), 65))} {
		d := draft("1.0.0", "one")
		d.Slug = slug
		_, err := r.Publish(t.Context(), alice, d)
		as[*catalog.InvalidError](t, err)
	}
	for _, v := range []string{"1", "v1.0.0", "1.0", "1.0.0+1", "../1.0.0", "1.0.0/..", "01.0.0", "1.0.0-", "latest", "1.0.0\n"} {
		_, err := r.Publish(t.Context(), alice, draft(v, "one"))
		as[*catalog.InvalidError](t, err)
	}
	for _, handle := range []string{"api", "v2", "zh", "", "a b", "Alice", ".well-known", "con", "0123456789012345678901234567890123456789"} {
		as[*catalog.InvalidError](t, r.AddUser(t.Context(), catalog.Operator(), meta.User{Handle: handle}))
	}
	as[*catalog.ConflictError](t, r.AddUser(t.Context(), catalog.Operator(), meta.User{Handle: "alice"}))
	r.publish(t, alice, draft("1.0.0", "one"))
	for _, tag := range []string{"1", "1.0.0", "x", "^1", "a b", "", "-a", "A"} {
		as[*catalog.InvalidError](t, r.Tag(t.Context(), alice, catalog.Name{Slug: "pdf"}, tag, "1.0.0"))
	}
}

// What a client would refuse is refused before anything is kept.
func TestRefused(t *testing.T) {
	r := open(t)
	with := func(path, text string) map[string][]byte {
		m := files("one")
		m[path] = []byte(text)
		return m
	}
	skill := func(text string) map[string][]byte { return with("SKILL.md", text) }
	for name, list := range map[string]map[string][]byte{
		"no files":       {},
		"no SKILL.md":    {"README.md": []byte("x")},
		"deeper":         {"a/SKILL.md": files("one")["SKILL.md"]},
		"dots":           with("../x", "x"),
		"inner dots":     with("a/../x", "x"),
		"absolute":       with("/etc/x", "x"),
		"drive":          with("C:/x", "x"),
		"device":         with("a/NUL", "x"),
		"case":           with("skill.md", "x"),
		"control":        with("a\nb", "x"),
		"bidi":           with("a\u202eb", "x"),
		"git":            with(".git/config", "x"),
		"folder":         with("scripts", "x"),
		"empty":          skill(""),
		"no front":       skill("# x"),
		"no name":        skill("---\ndescription: x\n---\n"),
		"no description": skill("---\nname: pdf\n---\n"),
		"blank":          skill("---\nname: pdf\ndescription: '  '\n---\n"),
		"not UTF-8":      skill("---\nname: pdf\ndescription: \xff\n---\n"),
		"hidden beside":  with("notes.md", "a\u202eb"),
		"hidden":         skill("---\nname: pdf\ndescription: x\n---\n\U000E0041\U000E0042\U000E0043\n"),
	} {
		_, err := r.Publish(t.Context(), alice, catalog.Draft{Slug: "pdf", Version: "1.0.0", Files: list})
		if err == nil && name == "git" {
			continue // what a repository keeps beside a skill may be left out
		}
		as[*catalog.InvalidError](t, err)
	}
	for name, data := range map[string]string{"empty": "", "no zip": "<html>", "cut": "PK\x03\x04"} {
		_, err := r.Publish(t.Context(), alice, catalog.Draft{Slug: "pdf", Version: "1.0.0", Archive: []byte(data)})
		if _, ok := errors.AsType[*catalog.InvalidError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	for info := range r.blobs.All(t.Context()) {
		t.Errorf("%s was kept", info.Digest)
	}
}

func TestYank(t *testing.T) {
	r := open(t)
	n := catalog.Name{Slug: "pdf"}
	r.publish(t, alice, draft("1.0.0", "one"))
	r.publish(t, alice, draft("2.0.0", "two"))
	as[*catalog.InvalidError](t, r.Yank(t.Context(), alice, n, "2.0.0", ""))
	as[*catalog.NotFoundError](t, r.Yank(t.Context(), alice, n, "3.0.0", "bad"))
	as[*catalog.DeniedError](t, r.Yank(t.Context(), bob, n, "2.0.0", "bad"))
	latest := func() string {
		s, err := r.Find(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		return s.Latest
	}
	for range 2 { // the second changes nothing
		if err := r.Yank(t.Context(), alice, n, "2.0.0", "bad"); err != nil {
			t.Fatal(err)
		}
	}
	if latest() != "1.0.0" {
		t.Errorf("latest is %s", latest())
	}
	s, _ := r.Find(t.Context(), n)
	if v, err := r.Select(t.Context(), s, catalog.Want{Version: "2.0.0"}); err != nil || !v.Yanked || v.YankReason != "bad" {
		t.Errorf("%+v, %v", v, err)
	}
	if err := r.Yank(t.Context(), alice, n, "1.0.0", "bad"); err != nil || latest() != "" {
		t.Errorf("%v, latest %q", err, latest())
	}
	if err := r.Unyank(t.Context(), alice, n, "2.0.0"); err != nil || latest() != "2.0.0" {
		t.Errorf("%v, latest %q", err, latest())
	}
	lines, _ := r.Log(t.Context(), 0, 10)
	if len(lines) != 5 {
		t.Errorf("the log has %q", lines)
	}
}

func TestDelete(t *testing.T) {
	r := open(t)
	n := catalog.Name{Slug: "pdf"}
	r.publish(t, alice, draft("1.0.0", "one"))
	out := r.publish(t, alice, draft("2.0.0", "two"))
	if err := r.Tag(t.Context(), alice, n, "beta", "2.0.0"); err != nil {
		t.Fatal(err)
	}
	if err := r.Delete(t.Context(), alice, n, "2.0.0"); err != nil {
		t.Fatal(err)
	}
	s, err := r.Find(t.Context(), n)
	if err != nil || s.Latest != "1.0.0" || s.Tags["beta"] != "" {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = r.Select(t.Context(), s, catalog.Want{Version: "2.0.0"})
	as[*catalog.GoneError](t, err)
	_, _, err = r.Blob(t.Context(), out.Version.Artifact)
	as[*catalog.NotFoundError](t, err)
	if err := r.Undelete(t.Context(), alice, n, "2.0.0"); err != nil {
		t.Fatal(err)
	}
	if s, _ := r.Find(t.Context(), n); s.Latest != "2.0.0" {
		t.Errorf("latest is %s", s.Latest)
	}
	if err := r.Delete(t.Context(), alice, n, ""); err != nil {
		t.Fatal(err)
	}
	_, err = r.Find(t.Context(), n)
	as[*catalog.GoneError](t, err)
	_, err = r.Publish(t.Context(), alice, draft("3.0.0", "three"))
	as[*catalog.ConflictError](t, err)
	if err := r.Undelete(t.Context(), alice, n, ""); err != nil {
		t.Fatal(err)
	}
	if err := r.Remove(t.Context(), catalog.Operator(), n, "", "malware"); err != nil {
		t.Fatal(err)
	}
	_, err = r.Find(t.Context(), n)
	if e := as[*catalog.GoneError](t, err); !e.Removed || e.Reason != "malware" {
		t.Errorf("%+v", e)
	}
	// Its owner cannot undo what a moderator did.
	as[*catalog.DeniedError](t, r.Restore(t.Context(), actor("alice", catalog.ScopeAdmin), n, ""))
	if err := r.Restore(t.Context(), catalog.Operator(), n, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Find(t.Context(), n); err != nil {
		t.Error(err)
	}
}

func TestAmbiguous(t *testing.T) {
	r := open(t)
	r.publish(t, alice, draft("1.0.0", "one"))
	if s, err := r.FindFlat(t.Context(), "alice-pdf"); err != nil || s.Owner != "alice" {
		t.Errorf("%+v, %v", s, err)
	}
	r.publish(t, bob, draft("1.0.0", "two"))
	_, err := r.Find(t.Context(), catalog.Name{Slug: "pdf"})
	if e := as[*catalog.AmbiguousError](t, err); len(e.Matches) != 2 || e.Matches[0].Owner != "alice" {
		t.Errorf("%+v", e)
	}
	// An ambiguous name changes nothing.
	_, ok := errors.AsType[*catalog.AmbiguousError](r.Delete(t.Context(), alice, catalog.Name{Slug: "pdf"}, ""))
	if !ok {
		t.Error("an ambiguous name was deleted")
	}
	for _, text := range []string{"alice-pdf", "@alice/pdf", "alice/pdf"} {
		if s, err := r.FindFlat(t.Context(), text); err != nil || s.Owner != "alice" {
			t.Errorf("%s: %+v, %v", text, s, err)
		}
	}
}

// Of many that publish one version with files of their own, one succeeds.
func TestRace(t *testing.T) {
	r := open(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { _, errs[i] = r.Publish(t.Context(), alice, draft("1.0.0", fmt.Sprint(i))) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		as[*catalog.ConflictError](t, err)
	}
	if won != 1 {
		t.Errorf("%d succeeded: %v", won, errs)
	}
	if lines, _ := r.Log(t.Context(), 0, 10); len(lines) != 1 {
		t.Errorf("the log has %q", lines)
	}
}

func TestFsck(t *testing.T) {
	r := open(t)
	out := r.publish(t, alice, draft("1.0.0", "one"))
	faults := func(repair bool, grace time.Duration) (list []string) {
		for f, err := range r.Fsck(t.Context(), repair, grace) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, f.Subject+" "+f.Why+" "+f.Repair)
		}
		slices.Sort(list)
		return list
	}
	if got := faults(true, 0); got != nil {
		t.Fatalf("a sound registry has %q", got)
	}
	stray := []byte("nobody's")
	if err := r.blobs.Put(t.Context(), digest.Of(stray), stray); err != nil {
		t.Fatal(err)
	}
	if got := faults(true, time.Hour); got != nil {
		t.Errorf("what is under way is at fault: %q", got)
	}
	want := []string{string(digest.Of(stray)) + " no version has this blob deleted"}
	if diff := cmp.Diff(want, faults(true, -time.Second)); diff != "" {
		t.Error(diff)
	}
	if err := r.blobs.Delete(t.Context(), out.Version.Layer); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"alice/pdf@1.0.0 its layer is lost "}, faults(true, 0)); diff != "" {
		t.Error(diff)
	}
}

// What an interrupted publish left is not taken away from the publish that comes for
// it while the registry is being checked.
func TestFsckWhilePublishing(t *testing.T) {
	r, elsewhere := open(t), open(t)
	for _, text := range []string{"one", "two", "three"} {
		v := elsewhere.publish(t, alice, catalog.Draft{Slug: text, Version: "1.0.0", Files: files(text)}).Version
		for _, d := range []digest.Digest{v.Artifact, v.Manifest, v.Config, v.Layer} {
			data, err := elsewhere.blobs.Get(t.Context(), d)
			if err == nil {
				err = r.blobs.Put(t.Context(), d, data)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	published := false
	for _, err := range r.Fsck(t.Context(), true, -time.Second) {
		if err != nil {
			t.Fatal(err)
		}
		if published {
			continue
		}
		published = true
		for _, text := range []string{"one", "two", "three"} {
			r.publish(t, alice, catalog.Draft{Slug: text, Version: "1.0.0", Files: files(text)})
		}
	}
	if !published {
		t.Fatal("nothing was found")
	}
	for f, err := range r.Fsck(t.Context(), false, time.Hour) {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestDownloads(t *testing.T) {
	r := open(t)
	out := r.publish(t, alice, draft("1.0.0", "one"))
	for range 3 {
		r.Downloaded(out.Skill.ID)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Flush(gone); err == nil {
		t.Fatal("nothing was written, and that is no error")
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, _, err := r.List(t.Context(), meta.ListQuery{Sort: meta.ByDownloads, Limit: 1})
	if err != nil || len(list) != 1 || list[0].Downloads != 3 {
		t.Errorf("%+v, %v", list, err)
	}
}
