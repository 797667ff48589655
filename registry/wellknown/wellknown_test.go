package wellknown_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/registry/wellknown"
)

func named(name string) ref.Ref { return ref.Ref{Kind: ref.Registry, Slug: name} }

func TestRegistryIsASource(t *testing.T) {
	for name, at := range map[string]string{"root": "", "path": "/team/a"} {
		s := sample(t, at)
		for _, skill := range []string{"pdf", "bare", "kept"} {
			t.Run(name+" "+skill, func(t *testing.T) {
				want := sourcetest.Expect{
					Found: named(skill), Name: skill, Missing: named("no-such-skill"),
					Foreign: ref.Ref{Kind: ref.Dir, Path: "./pdf"}, Validates: true,
				}
				if skill == "kept" {
					want.Versioned, want.Versions = want.Found, []string{"1.2.0"}
					want.Picks = map[string]string{"": "1.2.0", "latest": "1.2.0", "^1": "1.2.0", "1.2.0": "1.2.0", "^2": "", "stable": ""}
				}
				sourcetest.Run(t, func(t *testing.T) source.Source { return open(t, s.URL+at) }, want)
			})
		}
	}
}

func TestLooseFilesAreASource(t *testing.T) {
	s := newSite(t, fstest.MapFS{})
	s.put(oldSkills+"old/SKILL.md", []byte(skillText("old", "one")))
	s.put(oldSkills+"old/scripts/run.sh", []byte("#!/bin/sh\n"))
	s.put(oldSkills+"index.json", indexOf(t, "", object{"name": "old", "description": "d", "files": []string{"scripts/run.sh", "SKILL.md"}}))
	sourcetest.Run(t, func(t *testing.T) source.Source { return open(t, s.URL) }, sourcetest.Expect{
		Found: named("old"), Name: "old", Missing: named("no-such-skill"), Foreign: ref.Ref{Kind: ref.Dir, Path: "."},
		Tree: digest.OfTree([]digest.File{
			{Path: "SKILL.md", Sum: sum(skillText("old", "one"))}, {Path: "scripts/run.sh", Sum: sum("#!/bin/sh\n")},
		}),
	})
}

// What was not chosen is not downloaded: this is what the protocol is for.
func TestOneOfManyIsOneDownload(t *testing.T) {
	s := newSite(t, fstest.MapFS{})
	var entries []object
	for i := range 550 {
		name := fmt.Sprintf("skill-%d", i)
		data := []byte(skillText(name, "one"))
		s.put(agentSkills+name+"/SKILL.md", data)
		entries = append(entries, entry(name, "skill-md", name+"/SKILL.md", data))
	}
	s.put(agentSkills+"index.json", indexOf(t, schema, entries...))

	r := open(t, s.URL)
	listings, err := r.List(t.Context(), ref.Ref{Kind: ref.Registry})
	if err != nil || len(listings) != 550 {
		t.Fatalf("%d listings, %v", len(listings), err)
	}
	if _, err := r.Search(t.Context(), "thing", 20); err != nil {
		t.Fatal(err)
	}
	pin, err := r.Resolve(t.Context(), listings[7].Ref, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Fetch(t.Context(), pin, new(sourcetest.Sink)); err != nil {
		t.Fatal(err)
	}
	want := []string{agentSkills + "index.json", agentSkills + listings[7].Name + "/SKILL.md"}
	if diff := cmp.Diff(want, s.requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestAddress(t *testing.T) {
	for url, want := range map[string]string{
		"https://example.com/a/../b/./":                                     "wellknown+https://example.com/b",
		"https://example.com/a/../..":                                       "wellknown+https://example.com",
		"https://Docs.Example.com:443/":                                     "wellknown+https://docs.example.com",
		"wellknown+https://docs.example.com/a/b/":                           "wellknown+https://docs.example.com/a/b",
		"WELLKNOWN+HTTP://localhost:8080":                                   "wellknown+http://localhost:8080",
		"https://example.com/a/.well-known/agent-skills/index.json":         "wellknown+https://example.com/a",
		"wellknown+https://example.com/.well-known/skills/index.json":       "wellknown+https://example.com",
		"https://example.com/" + "%61%2Fb":                                  "wellknown+https://example.com/%61%2Fb",
		"wellknown+https://example.com:8443/.well-known/agent-skills/other": "wellknown+https://example.com:8443/.well-known/agent-skills/other",
	} {
		r, err := wellknown.New(wellknown.Options{URL: url})
		if err != nil || r.URL() != want {
			t.Errorf("New(%s) = %v, %v; want %s", url, r, err, want)
		}
	}
	for _, url := range []string{
		"", "docs.example.com", "ftp://example.com", "wellknown+ftp://example.com", "https://", "https://user:secret@example.com",
		"https://example.com/?q=1", "https://example.com/#a", "wellknown+", "wellknown+wellknown+https://a", "https:a", "https://user:secret@[",
	} {
		r, err := wellknown.New(wellknown.Options{URL: url})
		if !errors.Is(err, wellknown.ErrURL) || strings.Contains(err.Error(), "secret") {
			t.Errorf("New(%q) = %v, %v", url, r, err)
		}
	}
	if got, err := wellknown.SiteURL("https://example.com/docs/?page=1#top"); got != "wellknown+https://example.com/docs" || err != nil {
		t.Errorf("SiteURL = %q, %v", got, err)
	}
}

func TestListAndSearch(t *testing.T) {
	s := sample(t, "")
	r := open(t, s.URL)
	if got := r.Suggest(t.Context(), "pdg"); got != nil {
		t.Errorf("an index that was not read suggests %q", got)
	}
	listings, err := r.List(t.Context(), ref.Ref{Kind: ref.Registry, Registry: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range listings {
		names = append(names, l.Name)
		if l.Ref != (ref.Ref{Kind: ref.Registry, Registry: "acme", Slug: l.Name}) || l.Description == "" {
			t.Errorf("the listing is %+v", l)
		}
	}
	if !slices.Equal(names, []string{"bare", "kept", "pdf"}) {
		t.Errorf("the names are %q", names)
	}
	if one, err := r.List(t.Context(), named("pdf")); err != nil || len(one) != 1 || one[0].Ref != named("pdf") {
		t.Errorf("List of one = %+v, %v", one, err)
	}
	if _, err := r.List(t.Context(), named("none")); !errors.Is(err, source.ErrNotFound) {
		t.Errorf("List of none: %v", err)
	}
	for _, foreign := range []ref.Ref{{Kind: ref.Git, URL: s.URL}, {Owner: "alice"}, {Owner: "alice", Slug: "pdf"}} {
		if _, err := r.List(t.Context(), foreign); !errors.Is(err, source.ErrUnsupported) {
			t.Errorf("List(%+v): %v", foreign, err)
		}
	}
	for query, want := range map[string]string{"PDF": "pdf", "thing kept": "kept", "one THING": "bare kept pdf", "e": "bare kept pdf", "xyz": "", "": "bare kept pdf"} {
		hits, err := r.Search(t.Context(), query, 10)
		var got []string
		for _, h := range hits {
			got = append(got, h.Slug)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("Search(%q) = %q, %v; want %q", query, got, err, want)
		}
	}
	if got := r.Suggest(t.Context(), "pdg"); !slices.Equal(got, []string{"pdf"}) {
		t.Errorf("Suggest = %q", got)
	}
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d requests, want that of the index", n)
	}
}

// The second process has the index in its cache, and asks whether it still holds.
func TestIndexIsAskedAboutAgain(t *testing.T) {
	s := sample(t, "")
	c := client(t)
	for _, want := range []string{agentSkills + "index.json", agentSkills + "index.json 304"} {
		registryURL, listings, err := wellknown.Find(t.Context(), c, s.URL+"/?utm=1")
		if err != nil || len(listings) != 3 || registryURL != "wellknown+"+s.URL {
			t.Fatalf("Find = %s, %d, %v", registryURL, len(listings), err)
		}
		if got := s.requests(); !slices.Equal(got, []string{want}) {
			t.Errorf("requests: %q, want %q", got, want)
		}
	}
}
