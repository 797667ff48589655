package install_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// A repository is a place with revisions, in memory.
type repository struct {
	heads   map[string]string   // branch or tag, "" for the head, to revision
	trees   map[string][]string // revision to the skills in it
	bodies  map[string]string   // of all skills, by revision
	asked   atomic.Int64        // Resolve
	fetched atomic.Int64
}

func (r *repository) Versions(context.Context, ref.Ref) ([]version.Info, error) {
	var infos []version.Info
	for name := range r.heads {
		if v, ok := strings.CutPrefix(name, "v"); ok && version.Valid(v) {
			infos = append(infos, version.Info{Version: v})
		}
	}
	return infos, nil
}

func (r *repository) Resolve(ctx context.Context, rf ref.Ref, current string) (source.Pin, error) {
	r.asked.Add(1)
	p := source.Pin{Ref: rf, Slug: "pdf", Trust: source.FirstUse, Revision: r.heads[rf.Rev]}
	if rf.Query.Kind() != version.Any {
		infos, _ := r.Versions(ctx, rf)
		chosen, err := version.Select(rf.Query, infos, current)
		if err != nil {
			return source.Pin{}, err
		}
		p.Version, p.Revision = chosen.Version, r.heads["v"+chosen.Version]
	}
	if p.Revision == "" {
		return source.Pin{}, source.ErrNotFound
	}
	place := rf
	place.Rev, place.Query = "", version.Query{}
	p.URL = place.String()
	return p, nil
}

func (r *repository) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	r.fetched.Add(1)
	name := p.Ref.Subdir
	if !slices.Contains(r.trees[p.Revision], name) {
		return source.Receipt{}, source.ErrNotFound
	}
	var packed bytes.Buffer
	files := fstest.MapFS{"SKILL.md": {Data: []byte(skillText(name, r.bodies[p.Revision])), Mode: 0o644}}
	if _, err := archive.Pack(ctx, &packed, files); err != nil {
		return source.Receipt{}, err
	}
	_, err := dst.Write(packed.Bytes())
	return source.Receipt{}, err
}

func (r *repository) List(_ context.Context, rf ref.Ref) ([]source.Listing, error) {
	var list []source.Listing
	for _, name := range r.trees[r.heads[rf.Rev]] {
		l := source.Listing{Ref: rf, Name: name}
		l.Ref.Subdir = name
		list = append(list, l)
	}
	if list == nil {
		return nil, source.ErrNotFound
	}
	return list, nil
}

func newRepositoryBench(t *testing.T) (*bench, *repository) {
	t.Helper()
	b := newBench(t)
	r := &repository{
		heads:  map[string]string{"": "c1", "main": "c1", "v1.0.0": "c1", "v1.1.0": "c2"},
		trees:  map[string][]string{"c1": {"pdf", "docx"}, "c2": {"pdf", "docx"}, "c3": {"pdf"}},
		bodies: map[string]string{"c1": "one", "c2": "two", "c3": "three"},
	}
	b.Source.Git = r
	return b, r
}

// again is the next command, in another process.
func (b *bench) again(r *repository) {
	b.Engine = b.engine()
	b.Source.Git = r
	r.asked.Store(0)
	r.fetched.Store(0)
}

func TestRepositoryIsLockedByRevision(t *testing.T) {
	b, r := newRepositoryBench(t)
	out := b.one(b.install(install.Options{}, "github.com/o/r//pdf"), install.Installed)
	if entry := b.locked("pdf"); entry.Revision != "c1" || entry.URL != "github.com/o/r//pdf" || entry.Ref != "github.com/o/r//pdf" || entry.Registry != "" {
		t.Fatalf("locked %+v", entry)
	}
	if out.Version == "" {
		t.Error("no version was made for it")
	}

	// The branch moves: nobody is told until update.
	r.heads[""] = "c3"
	b.again(r)
	b.one(b.install(install.Options{}, "github.com/o/r//pdf"), install.Unchanged)
	if n := r.asked.Load(); n != 0 {
		t.Errorf("what is installed was asked for %d times", n)
	}
	b.again(r)
	if err := os.RemoveAll(b.Store.Dir()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(b.root + "/claude-code"); err != nil {
		t.Fatal(err)
	}
	b.one(b.restore(), install.Installed)
	if got := b.body("claude-code", "pdf"); got != "one" || r.asked.Load() != 0 || r.fetched.Load() != 1 {
		t.Errorf("restored %q, with %d questions and %d fetches; want the locked revision with one fetch", got, r.asked.Load(), r.fetched.Load())
	}
	b.again(r)
	b.one(b.update("pdf"), install.Updated)
	if got := b.body("claude-code", "pdf"); got != "three" || b.locked("pdf").Revision != "c3" {
		t.Errorf("updated to %q of %s", got, b.locked("pdf").Revision)
	}
	b.again(r)
	b.one(b.update("pdf"), install.Unchanged)
	if r.fetched.Load() != 0 {
		t.Error("the same revision was fetched to compare it")
	}
	b.sound()
}

func TestRepositoryAnotherRevision(t *testing.T) {
	b, r := newRepositoryBench(t)
	b.one(b.install(install.Options{}, "github.com/o/r//pdf@v1.0.0"), install.Installed)
	b.again(r)
	b.one(b.install(install.Options{}, "github.com/o/r//pdf"), install.Unchanged)
	if entry := b.locked("pdf"); entry.Ref != "github.com/o/r//pdf@v1.0.0" {
		t.Errorf("the lock says %s now", entry.Ref)
	}
	b.again(r)
	b.one(b.install(install.Options{}, "github.com/o/r//pdf@v1.1.0"), install.Updated)
	if entry := b.locked("pdf"); entry.Ref != "github.com/o/r//pdf@v1.1.0" || entry.Revision != "c2" || b.body("claude-code", "pdf") != "two" {
		t.Errorf("locked %+v with %q", entry, b.body("claude-code", "pdf"))
	}
	// Another skill of the repository is another skill.
	b.again(r)
	b.one(b.install(install.Options{}, "github.com/o/r//docx@v1.1.0"), install.Installed)
	b.sound()
}

// A tag that moved is a version with other bytes; one that moved to the same
// files is none.
func TestRepositoryMovedTag(t *testing.T) {
	b, r := newRepositoryBench(t)
	r.bodies["c4"], r.trees["c4"] = "two", []string{"pdf"}
	out := b.one(b.install(install.Options{}, "github.com/o/r//pdf@^1.0"), install.Installed)
	if out.Version != "1.1.0" {
		t.Fatalf("chose %s", out.Version)
	}
	r.heads["v1.1.0"] = "c4"
	b.again(r)
	b.one(b.update("pdf"), install.Unchanged)
	if b.locked("pdf").Revision != "c4" {
		t.Errorf("locked %s, want the revision that can still be had", b.locked("pdf").Revision)
	}
	r.heads["v1.1.0"] = "c3"
	b.again(r)
	outs := b.update("pdf")
	failsAs[*install.VersionBytesError](t, outs[0])
	if b.body("claude-code", "pdf") != "two" {
		t.Error("the files changed")
	}
}

func TestExpand(t *testing.T) {
	b, _ := newRepositoryBench(t)
	for _, c := range []struct {
		name   string
		typed  string
		choice install.Choice
		want   string // references, or the error
	}{
		{"one by name", "github.com/o/r@v1.0.0", install.Choice{Names: []string{"docx"}}, "github.com/o/r//docx@v1.0.0"},
		{"all", "github.com/o/r", install.Choice{All: true}, "github.com/o/r//pdf github.com/o/r//docx"},
		{"nobody chose", "github.com/o/r", install.Choice{}, "github.com/o/r"},
		{"who can ask looks", "github.com/o/r", install.Choice{Look: true}, `"github.com/o/r" has 2 skills: "pdf", "docx"`},
		{"a folder is one", "github.com/o/r//pdf", install.Choice{Look: true}, "github.com/o/r//pdf"},
		{"no such name", "github.com/o/r", install.Choice{Names: []string{"pdg"}}, `"github.com/o/r" has no skill "pdg"`},
		{"a slug leaves nothing to choose", "pdf", install.Choice{All: true}, `list "pdf": a reference to one skill leaves nothing to choose`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := b.Expand(t.Context(), wants(t, c.typed), c.choice)
			var text string
			if err != nil {
				text = err.Error()
			}
			for _, w := range got {
				text = strings.TrimSpace(text + " " + w.Typed)
			}
			if text != c.want {
				t.Errorf("Expand = %s\nwant %s", text, c.want)
			}
			if missing, ok := errors.AsType[*install.NotListedError](err); ok && !slices.Contains(missing.Near, "pdf") {
				t.Errorf("nothing near: %v", missing.Near)
			}
		})
	}
}
