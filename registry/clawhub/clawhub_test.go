package clawhub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/clawhub"
	"github.com/openskills-go/skills/registry/clawhub/clawhubtest"
)

func client(t *testing.T) *transport.Client {
	t.Helper()
	c, err := transport.New(transport.Options{Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func open(t *testing.T, url string) *clawhub.Registry {
	t.Helper()
	r, err := clawhub.New(clawhub.Options{Name: "hub", URL: url, Client: client(t)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func files(name string, more ...string) map[string]string {
	m := map[string]string{"SKILL.md": "---\nname: " + name + "\ndescription: A skill.\n---\n# " + name + "\n"}
	for i, text := range more {
		m[fmt.Sprintf("references/%d.md", i)] = text
	}
	return m
}

// refer reads a reference to a skill of the registry.
func refer(t *testing.T, text string) ref.Ref {
	t.Helper()
	r, err := ref.Parse(text)
	if err != nil || r.Kind != ref.Registry {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

// catalogue has a skill of each sort.
func catalogue() []clawhubtest.Skill {
	noise := strings.Repeat("of some length, so that parts of it are something. ", 200)
	many := clawhubtest.Skill{Owner: "carol", Slug: "many"}
	for i := range 60 {
		many.Versions = append(many.Versions, clawhubtest.Version{Version: fmt.Sprintf("1.%d.0", i), Files: files("many")})
	}
	return []clawhubtest.Skill{
		{Owner: "eve", Slug: "pdf-tools", Summary: "About demo and pdf.", Versions: []clawhubtest.Version{{Version: "1.0.0", Files: files("pdf-tools")}}},
		{Owner: "alice", Slug: "demo", Summary: "A demo.", Tags: map[string]string{"beta": "2.0.0-rc.1", "latest": "1.1.0"}, Versions: []clawhubtest.Version{
			{Version: "1.0.0", Files: files("demo")},
			{Version: "1.1.0", Files: files("demo", noise)},
			{Version: "2.0.0-rc.1", Files: files("demo", "new")},
		}},
		{Owner: "alice", Slug: "pdf", Versions: []clawhubtest.Version{{Version: "1.0.0", Files: files("pdf", "alice")}}},
		{Owner: "bob", Slug: "pdf", Versions: []clawhubtest.Version{{Version: "3.0.0", Files: files("pdf", "bob")}}},
		{Owner: "alice", Slug: "early", Versions: []clawhubtest.Version{
			{Version: "1.0.0", Files: files("early")}, {Version: "2.0.0-beta.1", Files: files("early", "beta")},
		}},
		{Owner: "alice", Slug: "new-name", Aliases: []string{"old-name"}, Versions: []clawhubtest.Version{{Version: "1.0.0", Files: files("new-name")}}},
		{Owner: "mallory", Slug: "evil", Moderation: &clawhubtest.Moderation{Malware: true, Summary: "It steals keys."}, Versions: []clawhubtest.Version{{Version: "1.0.0", Files: files("evil")}}},
		{Owner: "mallory", Slug: "wicked", Moderation: &clawhubtest.Moderation{Verdict: "malicious"}, Versions: []clawhubtest.Version{{Version: "1.0.0", Files: files("wicked")}}},
		{Owner: "dan", Slug: "odd", Moderation: &clawhubtest.Moderation{
			Suspicious: true, Verdict: "suspicious", Summary: "Runs code.\x1b[2J\nand more", Reasons: []string{"suspicious.exec"},
		}, Versions: []clawhubtest.Version{{Version: "1.0.0", Files: files("odd")}}},
		{Owner: "dan", Slug: "gone", Versions: []clawhubtest.Version{
			{Version: "1.0.0", Files: files("gone")}, {Version: "1.1.0", Files: files("gone", "x"), Deleted: true},
		}},
		{Owner: "dan", Slug: "cut", Versions: []clawhubtest.Version{{Version: "1.0.0", Files: files("cut", noise), Truncated: true}}},
		{Owner: "dan", Slug: "meta", Versions: []clawhubtest.Version{{Version: "1.0.0", Files: files("meta"), Meta: true}}},
		{Owner: "dan", Slug: "empty"},
		{Owner: "dan", Slug: "elsewhere", GitHub: &clawhubtest.GitHub{Repo: "dan/skills", Path: "skills/elsewhere", Commit: commit}},
		{Owner: "dan", Slug: "held", Install: &clawhubtest.Refusal{Status: 423, Reason: "scan_pending", Text: "A scan is under way."}},
		{Owner: "dan", Slug: "hidden", Refuse: &clawhubtest.Refusal{Status: 403, Text: "This skill is currently unavailable."}},
		{Owner: "dan", Slug: "locked", Refuse: &clawhubtest.Refusal{Status: 423, Text: "This skill is pending a security scan."}},
		{Owner: "dan", Slug: "removed", Refuse: &clawhubtest.Refusal{Status: 410, Text: "This skill has been removed by a moderator."}},
		{Owner: "dan", Slug: "virus", Refuse: &clawhubtest.Refusal{Status: 403, Text: "Blocked: flagged as malicious by a scan."}},
		{Owner: "dan", Slug: "mine", Refuse: &clawhubtest.Refusal{Status: 403, Text: "Forbidden"}},
		many,
	}
}

const commit = "0123456789abcdef0123456789abcdef01234567"

func serve(t *testing.T) *clawhubtest.Server {
	t.Helper()
	return clawhubtest.New(t, clawhubtest.Options{Skills: catalogue(), Base: "/base", Tokens: map[string]string{"clh_secret": "alice"}})
}

func TestIsASource(t *testing.T) {
	s := serve(t)
	twice, err := transport.New(transport.Options{Attempts: 2}) // a part that is the whole is asked for again
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(twice.CloseIdleConnections)
	sourcetest.Run(t, func(t *testing.T) source.Source {
		r, err := clawhub.New(clawhub.Options{URL: "clawhub+" + s.Registry() + "/", Client: twice})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}, sourcetest.Expect{
		Found: refer(t, "demo"), Name: "demo",
		Versioned: refer(t, "alice/demo"), Versions: []string{"1.0.0", "1.1.0", "2.0.0-rc.1"},
		Picks: map[string]string{
			"": "1.1.0", "latest": "1.1.0", "beta": "2.0.0-rc.1", "^1.0": "1.1.0", "1.0.0": "1.0.0", ">=2": "",
			"^2.0.0-rc.0": "2.0.0-rc.1", "7.0.0": "", "nightly": "", "2.0.0-rc.1": "2.0.0-rc.1",
		},
		Missing: refer(t, "nowhere"), Foreign: ref.Ref{Kind: ref.Git, URL: "https://github.com/a/b"}, Validates: true,
		Renamed: refer(t, "old-name"), NewSlug: "new-name",
	})
}

// What each command asks for, and no more.
func TestRequests(t *testing.T) {
	s := serve(t)
	r := open(t, s.Registry())
	resolve := func(text, current string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := r.Resolve(ctx, refer(t, text), current)
			return err
		}
	}
	const owned = "?ownerHandle=alice&owner=alice"
	for _, test := range []struct {
		name string
		do   func(context.Context) error
		want []string
	}{
		{"newest", resolve("demo", ""), []string{"GET /base/api/v1/skills/demo", "GET /base/api/v1/skills/demo/versions/1.1.0" + owned}},
		{"of an owner", resolve("@alice/demo@latest", ""), []string{"GET /base/api/v1/skills/demo" + owned, "GET /base/api/v1/skills/demo/versions/1.1.0" + owned}},
		{"a tag", resolve("demo@beta", ""), []string{"GET /base/api/v1/skills/demo", "GET /base/api/v1/skills/demo/versions/2.0.0-rc.1" + owned}},
		{"a version", resolve("demo@1.0.0", ""), []string{"GET /base/api/v1/skills/demo", "GET /base/api/v1/skills/demo/versions/1.0.0" + owned}},
		{"the locked one", resolve("demo", "1.0.0"), []string{"GET /base/api/v1/skills/demo", "GET /base/api/v1/skills/demo/versions/1.0.0" + owned}},
		{"the locked one in a range", resolve("demo@^1", "1.0.0"), []string{"GET /base/api/v1/skills/demo", "GET /base/api/v1/skills/demo/versions/1.0.0" + owned}},
		{"a range", resolve("demo@^1", ""), []string{
			"GET /base/api/v1/skills/demo", "GET /base/api/v1/skills/demo/versions" + owned + "&limit=100", "GET /base/api/v1/skills/demo/versions/1.1.0" + owned,
		}},
		{"a lock", func(ctx context.Context) error {
			_, err := r.Fetch(ctx, source.Pin{Registry: r.URL(), Owner: "alice", Slug: "demo", Version: "1.0.0"}, new(sourcetest.Sink))
			return err
		}, []string{"GET /base/api/v1/download?slug=demo&ownerHandle=alice&owner=alice&version=1.0.0"}},
		{"a search", func(ctx context.Context) error {
			_, err := r.Search(ctx, "pdf", 10)
			return err
		}, []string{"GET /base/api/v1/search?q=pdf&limit=10"}},
		{"all there is", func(ctx context.Context) error {
			_, err := r.Search(ctx, " ", 3)
			return err
		}, []string{"GET /base/api/v1/skills?limit=3"}},
		{"many versions", func(ctx context.Context) error {
			_, err := r.Versions(ctx, refer(t, "carol/many"))
			return err
		}, []string{
			"GET /base/api/v1/skills/many?ownerHandle=carol&owner=carol",
			"GET /base/api/v1/skills/many/versions?ownerHandle=carol&owner=carol&limit=100",
			"GET /base/api/v1/skills/many/versions?ownerHandle=carol&owner=carol&limit=100&cursor=25",
			"GET /base/api/v1/skills/many/versions?ownerHandle=carol&owner=carol&limit=100&cursor=50",
		}},
	} {
		s.Requests()
		if err := test.do(t.Context()); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		var got []string
		for _, asked := range s.Requests() {
			got = append(got, asked.String())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestPin(t *testing.T) {
	s := serve(t)
	r := open(t, "clawhub+"+s.Registry()+"/")
	pin, err := r.Resolve(t.Context(), refer(t, "demo"), "")
	if err != nil {
		t.Fatal(err)
	}
	want := source.Pin{
		Ref: refer(t, "demo"), Registry: "clawhub+" + s.Registry(), Slug: "demo", Owner: "alice", Version: "1.1.0",
		URL: s.Registry() + "/alice/skills/demo", Trust: source.FromRegistry,
	}
	for _, path := range []string{"SKILL.md", "references/0.md"} {
		text := catalogue()[1].Versions[1].Files[path]
		want.Files = append(want.Files, source.File{Path: path, Size: int64(len(text)), Digest: digest.Of([]byte(text))})
	}
	if diff := cmp.Diff(want, pin, cmp.Comparer(func(a, b ref.Ref) bool { return a == b })); diff != "" {
		t.Errorf("Resolve (-want +got):\n%s", diff)
	}
	if matched, ok := r.Match(pin.URL); !ok || matched.Owner != "alice" || matched.Slug != "demo" {
		t.Errorf("the page of the Pin is that of %+v", matched)
	}
}

func TestPrereleaseAsLatest(t *testing.T) {
	r := open(t, serve(t).Registry())
	for text, want := range map[string]string{"early": "1.0.0", "early@latest": "2.0.0-beta.1", "gone@1.0.0": "1.0.0", "gone": "1.0.0"} {
		if pin, err := r.Resolve(t.Context(), refer(t, text), ""); err != nil || pin.Version != want {
			t.Errorf("%s: version %q, %v; want %s", text, pin.Version, err, want)
		}
	}
	// What the lock has was taken away: another one is found.
	for _, text := range []string{"gone", "gone@^1"} {
		if pin, err := r.Resolve(t.Context(), refer(t, text), "1.1.0"); err != nil || pin.Version != "1.0.0" {
			t.Errorf("%s, locked at 1.1.0: version %q, %v", text, pin.Version, err)
		}
	}
}

func TestOwners(t *testing.T) {
	r := open(t, serve(t).Registry())
	for name, ask := range map[string]func() error{
		"Resolve":  func() error { _, err := r.Resolve(t.Context(), refer(t, "pdf"), ""); return err },
		"Versions": func() error { _, err := r.Versions(t.Context(), refer(t, "pdf")); return err },
		"Fetch": func() error {
			_, err := r.Fetch(t.Context(), source.Pin{Slug: "pdf", Version: "1.0.0"}, new(sourcetest.Sink))
			return err
		},
	} {
		err := ask()
		ambiguous, ok := errors.AsType[*source.AmbiguousError](err)
		if !ok || ambiguous.Slug != "pdf" || !errors.Is(err, source.ErrAmbiguous) || !cmp.Equal(ambiguous.Owners(), []string{"alice", "bob"}) {
			t.Errorf("%s: %v, want an AmbiguousError", name, err)
		}
	}
	pin, err := r.Resolve(t.Context(), refer(t, "bob/pdf"), "")
	if err != nil || pin.Owner != "bob" || pin.Version != "3.0.0" {
		t.Errorf("bob/pdf: %+v, %v", pin, err)
	}
	if _, err := r.Resolve(t.Context(), refer(t, "carol/pdf"), ""); !errors.Is(err, source.ErrNotFound) {
		t.Errorf("carol/pdf: %v, want ErrNotFound", err)
	}
}

func TestModeration(t *testing.T) {
	r := open(t, serve(t).Registry())
	for slug, want := range map[string]error{
		"hidden": source.ErrWithheld, "locked": source.ErrWithheld, "removed": source.ErrNotFound, "mine": source.ErrAuth,
		"held": source.ErrWithheld, "empty": source.ErrNotFound,
	} {
		_, err := r.Resolve(t.Context(), refer(t, slug), "")
		if !errors.Is(err, want) {
			t.Errorf("Resolve of %s: %v, want %v", slug, err, want)
		}
		if slug == "held" || slug == "empty" {
			continue
		}
		_, err = r.Fetch(t.Context(), source.Pin{Slug: slug, Version: "1.0.0"}, new(sourcetest.Sink))
		if !errors.Is(err, want) {
			t.Errorf("Fetch of %s: %v, want %v", slug, err, want)
		}
	}
	for slug, reason := range map[string]string{"evil": "It steals keys.", "wicked": source.NoReason, "virus": "Blocked: flagged as malicious by a scan."} {
		_, err := r.Resolve(t.Context(), refer(t, slug), "")
		if blocked, ok := errors.AsType[*source.BlockedError](err); !ok || blocked.Slug != slug || blocked.Reason != reason {
			t.Errorf("Resolve of %s: %v, want a BlockedError", slug, err)
		}
		_, err = r.Fetch(t.Context(), source.Pin{Slug: slug, Version: "1.0.0"}, new(sourcetest.Sink))
		if blocked, ok := errors.AsType[*source.BlockedError](err); !ok || blocked.Slug != slug {
			t.Errorf("Fetch of %s: %v, want a BlockedError", slug, err)
		}
	}
	pin, err := r.Resolve(t.Context(), refer(t, "odd"), "")
	if err != nil || pin.Flagged != "Runs code.[2J: suspicious.exec" {
		t.Errorf("odd: %q, %v", pin.Flagged, err)
	}
}

// A zip that is cut in half and sent as whole is no error of the network. What the
// registry publishes of its files shows it to who unpacks it.
func TestTruncated(t *testing.T) {
	s := serve(t)
	r := open(t, s.Registry())
	pin, err := r.Resolve(t.Context(), refer(t, "cut"), "")
	if err != nil || len(pin.Files) != 2 {
		t.Fatalf("%+v, %v", pin, err)
	}
	var sink sourcetest.Sink
	receipt, err := r.Fetch(t.Context(), pin, &sink)
	if err != nil || !bytes.Equal(sink.Bytes(), s.Artifact("dan", "cut", "1.0.0")) || receipt.Artifact != "" {
		t.Errorf("%+v, %v", receipt, err)
	}
}

func TestSearch(t *testing.T) {
	s := serve(t)
	r := open(t, s.Registry())
	for q, want := range map[string][]string{
		"pdf":       {"alice/pdf@1.0.0", "bob/pdf@3.0.0", "eve/pdf-tools@1.0.0"},
		"demo":      {"alice/demo@1.1.0", "eve/pdf-tools@1.0.0"},
		"@bob/pdf":  {"bob/pdf@3.0.0"},
		"elsewhere": {"dan/elsewhere@"},
		"evil":      nil,
		"a&b=c d":   nil,
	} {
		hits, err := r.Search(t.Context(), q, 10)
		if err != nil {
			t.Errorf("%s: %v", q, err)
		}
		var got []string
		for _, h := range hits {
			got = append(got, h.Owner+"/"+h.Slug+"@"+h.Version)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", q, diff)
		}
	}
	all, err := r.Search(t.Context(), "", 1000)
	if err != nil || len(all) != 14 {
		t.Errorf("all there is: %d, %v", len(all), err)
	}
	few, err := r.Search(t.Context(), "", 2)
	if err != nil || len(few) != 2 {
		t.Errorf("two of them: %d, %v", len(few), err)
	}
}
