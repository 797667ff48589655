package folder_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/folder"
)

func text(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s), Mode: 0o644} }

func TestYanked(t *testing.T) {
	dir := write(t, fstest.MapFS{
		"v/1.0.0/SKILL.md":       md("v"),
		"v/1.1.0/SKILL.md":       md("v"),
		"v/1.1.0.yanked":         text("it leaks\nmore"),
		"v@zh/1.0.0/SKILL.md":    md("v"),
		"v@zh/1.0.0.yanked":      text("badly translated"),
		"v@zh/1.1.0/SKILL.md":    md("v"),
		"v@zh/0.9.0/SKILL.md":    md("v"),
		"all/1.0.0/SKILL.md":     md("all"),
		"all/2.0.0/SKILL.md":     md("all"),
		"all.yanked":             text(""),
		"flat/SKILL.md":          md("flat", "version: 1.2.0"),
		"flat.yanked":            text(strings.Repeat("x", 10_000)),
		"bare/SKILL.md":          md("bare"),
		"bare.yanked":            text("\x00\x1b"),
		"inside/SKILL.md":        md("inside"),
		"inside/1.0.0.yanked":    text("a file of the skill"),
		"made/1.0.0/SKILL.md":    md("made"),
		"made/1.0.0.yanked/note": text("a folder is a mark as well"),
	})
	reg := open(t, folder.Options{Dir: dir})
	for _, test := range []struct {
		slug, locale, query, current string
		want, reason                 string // the version; or "", and the reason that it is yanked for
	}{
		{"v", "", "", "", "1.0.0", ""},
		{"v", "", ">=1.1", "", "", "it leaks"},
		{"v", "", "1.1.0", "", "", "it leaks"},
		{"v", "", "", "1.1.0", "1.1.0", "it leaks"},
		{"v", "zh", "", "", "0.9.0", ""},
		{"v", "zh", "1.0.0", "", "", "badly translated"},
		{"v", "zh", "1.1.0", "", "", "it leaks"},
		{"all", "", "", "", "", source.NoReason},
		{"all", "", "1.0.0", "1.0.0", "1.0.0", source.NoReason},
		{"flat", "", "", "", "", strings.Repeat("x", 200)},
		{"flat", "", "latest", "", "", strings.Repeat("x", 200)},
		{"bare", "", "", "", "", source.NoReason},
		{"made", "", "", "", "", source.NoReason},
	} {
		r := slug(test.slug)
		r.Locale, r.Query = test.locale, query(t, test.query)
		pin, err := reg.Resolve(t.Context(), r, test.current)
		if test.want == "" {
			yanked, ok := errors.AsType[*version.YankedError](err)
			if !ok || yanked.Reason != test.reason {
				t.Errorf("%+v: %v", test, err)
			}
			continue
		}
		if err != nil || pin.Version != test.want || pin.Yanked != test.reason {
			t.Errorf("%+v: %q %q %v", test, pin.Version, pin.Yanked, err)
		}
	}
	if _, _, err := get(t, reg, slug("inside")); err != nil {
		t.Errorf("what is in a skill marks nothing: %v", err)
	}

	// What has no version of the layout is found by what it says, or is.
	for _, v := range []string{"1.2.0", "0.0.0-t0123456789ab"} {
		name := map[bool]string{true: "flat", false: "bare"}[v == "1.2.0"]
		receipt, err := reg.Fetch(t.Context(), source.Pin{Slug: name, Version: v}, new(sourcetest.Sink))
		if err != nil || receipt.Yanked == "" {
			t.Errorf("Fetch of locked %s: %+v, %v", name, receipt, err)
		}
	}

	hits, err := reg.Search(t.Context(), "", 20)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, h := range hits {
		found[h.Slug] = h.Version
	}
	if len(found) != 2 || found["v"] == "1.1.0" {
		t.Errorf("Search finds %v", found)
	}
}

func TestRenamed(t *testing.T) {
	dir := write(t, fstest.MapFS{
		"new/SKILL.md":         md("new"),
		"new@zh/SKILL.md":      md("zh"),
		"old.renamed":          text("  new \n"),
		"older.renamed":        text("old"),
		"partly@zh/SKILL.md":   md("partly"),
		"partly.renamed":       text("new"),
		"both/SKILL.md":        md("both"),
		"both.renamed":         text("new"),
		"self.renamed":         text("self"),
		"ping.renamed":         text("pong"),
		"pong.renamed":         text("ping"),
		"l0.renamed":           text("l1"),
		"l1.renamed":           text("l2"),
		"l2.renamed":           text("l3"),
		"l3.renamed":           text("l4"),
		"l4.renamed":           text("new"),
		"up.renamed":           text("../x"),
		"abs.renamed":          text("/etc"),
		"nothing.renamed":      text(""),
		"gone.renamed":         text("not-there"),
		"lines.renamed":        text("new\nold"),
		"locale.renamed":       text("new@zh"),
		"control.renamed":      text("new\x00"),
		"long.renamed":         text(strings.Repeat("x", 10_000)),
		"folder.renamed/new":   text(""),
		"elsewhere/x.renamed":  text("new"),
		"elsewhere/1.0.0/READ": text("no skill"),
	})
	if err := os.Symlink(filepath.Join(dir, "old.renamed"), filepath.Join(dir, "linked.renamed")); err != nil {
		t.Fatal(err)
	}
	reg := open(t, folder.Options{Dir: dir})
	for _, test := range []struct{ slug, locale, want string }{
		{"old", "", "new"},
		{"older", "", "new"},
		{"old", "zh", "new"},
		{"partly", "zh", "partly"},
		{"partly", "", "new"},
		{"both", "", "both"},
		{"l1", "", "new"},
		{"l0", "", ""},
		{"self", "", ""},
		{"ping", "", ""},
		{"up", "", ""},
		{"abs", "", ""},
		{"nothing", "", ""},
		{"gone", "", ""},
		{"lines", "", ""},
		{"locale", "", ""},
		{"control", "", ""},
		{"long", "", ""},
		{"folder", "", ""},
		{"../escape", "", ""},
		{"elsewhere/x", "", ""},
		{"elsewhere", "", ""},
	} {
		r := slug(test.slug)
		r.Locale = test.locale
		_, pin, err := get(t, reg, r)
		if test.want == "" && !errors.Is(err, source.ErrNotFound) || test.want != "" && (err != nil || pin.Slug != test.want || pin.Locale != test.locale) {
			t.Errorf("%+v: %+v, %v", test, pin, err)
		}
		if err != nil && len(err.Error()) > 500 {
			t.Errorf("%+v: the error is %d bytes long", test, len(err.Error()))
		}
	}
	var link *folder.LinkError
	if _, _, err := get(t, reg, slug("linked")); !errors.As(err, &link) {
		t.Errorf("a mark that is a link: %v", err)
	}
	_, err := reg.Fetch(t.Context(), source.Pin{Slug: "ping"}, new(sourcetest.Sink))
	if mark, ok := errors.AsType[*folder.MarkError](err); !ok || mark.Path != "ping.renamed" {
		t.Errorf("a circle: %v", err)
	}
}
