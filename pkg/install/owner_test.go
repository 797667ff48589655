package install_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// A hub is a registry in memory whose skills have owners.
type hub struct {
	skills []work
	moved  map[string]string // owner/slug to its owner now
	asked  []string          // references and fetches, in order
	block  string            // the slug that is blocked

	mu sync.Mutex // of asked
}

type work struct {
	owner, slug, version, flagged, body string
	files                               func([]source.File) []source.File // changes what is listed; nil: nothing is
}

func (h *hub) put(owner, slug, v string) *work {
	h.skills = append(h.skills, work{owner: owner, slug: slug, version: v, body: owner + " " + v})
	return &h.skills[len(h.skills)-1]
}

func (h *hub) of(r ref.Ref) ([]work, error) {
	var found []work
	var owners []string
	for _, w := range h.skills {
		if w.slug == r.Slug && (r.Owner == "" || strings.EqualFold(r.Owner, w.owner)) {
			found = append(found, w)
			if !slices.Contains(owners, w.owner) {
				owners = append(owners, w.owner)
			}
		}
	}
	if now := h.moved[r.Owner+"/"+r.Slug]; len(found) == 0 && now != "" {
		return nil, &source.OwnerError{Slug: r.Slug, Have: r.Owner, Now: now}
	}
	if h.block == r.Slug {
		return nil, &source.BlockedError{Slug: r.Slug, Reason: "malware"}
	}
	if len(owners) > 1 {
		e := &source.AmbiguousError{Slug: r.Slug}
		for _, o := range owners {
			e.Matches = append(e.Matches, source.Hit{Slug: r.Slug, Owner: o})
		}
		return nil, e
	}
	if len(found) == 0 {
		return nil, source.ErrNotFound
	}
	return found, nil
}

func (h *hub) note(asked string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, asked)
}

func (h *hub) Versions(_ context.Context, r ref.Ref) ([]version.Info, error) {
	found, err := h.of(r)
	var infos []version.Info
	for _, w := range found {
		infos = append(infos, version.Info{Version: w.version})
	}
	return infos, err
}

func (h *hub) Resolve(ctx context.Context, r ref.Ref, current string) (source.Pin, error) {
	h.note(r.String())
	infos, err := h.Versions(ctx, r)
	if err != nil {
		return source.Pin{}, err
	}
	chosen, err := version.Select(r.Query, infos, current)
	if err != nil {
		return source.Pin{}, err
	}
	found, _ := h.of(r)
	for _, w := range found {
		if w.version != chosen.Version {
			continue
		}
		p := source.Pin{Ref: r, Slug: w.slug, Owner: w.owner, Version: w.version, Flagged: w.flagged, Trust: source.FirstUse}
		if w.files != nil {
			_, listed := w.pack(ctx)
			p.Files = w.files(listed)
		}
		return p, nil
	}
	return source.Pin{}, source.ErrNotFound
}

func (w work) pack(ctx context.Context) ([]byte, []source.File) {
	files := fstest.MapFS{
		"SKILL.md":   {Data: []byte(skillText(w.slug, w.body)), Mode: 0o644},
		"bin/run.sh": {Data: []byte("#!/bin/sh\n"), Mode: 0o755},
		"_meta.json": {Data: []byte("{}"), Mode: 0o644},
	}
	var packed bytes.Buffer
	result, err := archive.Pack(ctx, &packed, files)
	if err != nil {
		panic(err)
	}
	var listed []source.File
	for _, f := range result.Tree.Files {
		if f.Path != "_meta.json" {
			listed = append(listed, source.File{Path: f.Path, Size: f.Size, Digest: sumOf(f.Sum)})
		}
	}
	return packed.Bytes(), listed
}

func (h *hub) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	h.note("fetch " + p.Owner + "/" + p.Slug)
	for _, w := range h.skills {
		if w.owner == p.Owner && w.slug == p.Slug && w.version == p.Version {
			packed, _ := w.pack(ctx)
			_, err := dst.Write(packed)
			return source.Receipt{}, err
		}
	}
	return source.Receipt{}, source.ErrNotFound
}

// withHub makes a bench whose registry is a hub.
func withHub(t *testing.T) (*bench, *hub) {
	t.Helper()
	b, h := newBench(t), &hub{moved: map[string]string{}}
	b.hub = h
	b.Engine = b.engine()
	return b, h
}

func (b *bench) owned(name, owner string) {
	b.t.Helper()
	if got := b.locked(name); got.Owner != owner {
		b.t.Errorf("the lock has %s of %q, want %q", name, got.Owner, owner)
	}
}

func owner(t *testing.T, o install.Outcome, have, now string) {
	t.Helper()
	if e := failsAs[*source.OwnerError](t, o); e.Have != have || e.Now != now {
		t.Errorf("owners are %q and %q, want %q and %q", e.Have, e.Now, have, now)
	}
}

func TestTheOwnerOfTheLockIsAskedFor(t *testing.T) {
	b, h := withHub(t)
	h.put("alice", "pdf", "1.0.0")
	b.one(b.install(install.Options{}, "pdf"), install.Installed)
	b.owned("pdf", "alice")
	// Another takes the name, and whoever does not say whose it is would get either.
	h.put("bob", "pdf", "9.0.0")
	h.put("alice", "pdf", "1.1.0")
	h.asked = nil
	b.one(b.install(install.Options{}, "pdf"), install.Unchanged)
	b.one(b.install(install.Options{}, "pdf@latest"), install.Updated)
	b.one(b.install(install.Options{}, "pdf@^1.0"), install.Unchanged)
	b.one(b.update(), install.Unchanged)
	if got, err := b.Outdated(t.Context(), nil); err != nil || got[0].State != install.Current {
		t.Errorf("outdated: %+v, %v", got, err)
	}
	if got, err := b.Info(t.Context(), wants(t, "pdf")[0], install.Options{}); err != nil || got.Owner != "alice" || got.Installed != "1.1.0" {
		t.Errorf("info: %+v, %v", got, err)
	}
	if _, err := b.DiffVersion(t.Context(), "pdf", "1.0.0", install.Options{}); err != nil {
		t.Errorf("diff: %v", err)
	}
	if got := b.fetch("pdf@1.0.0"); got[0].Err != nil || got[0].Owner != "alice" {
		t.Errorf("fetch: %+v", got)
	}
	for _, asked := range h.asked {
		if !strings.Contains(asked, "alice/") {
			t.Errorf("the registry was asked for %q", asked)
		}
	}
	b.owned("pdf", "alice")
	if ref := b.locked("pdf").Ref; ref != "pdf@^1.0" {
		t.Errorf("the lock has the reference %q", ref)
	}
	b.sound()
}

func TestANewOwnerIsNotTakenUnasked(t *testing.T) {
	for name, change := range map[string]func(h *hub){
		"the registry says so": func(h *hub) { h.moved["alice/pdf"] = "bob" },
		"another answers":      nil, // see answering
		"nobody answers":       nil,
	} {
		t.Run(name, func(t *testing.T) {
			b, h := withHub(t)
			h.put("alice", "pdf", "1.0.0")
			b.one(b.install(install.Options{}, "pdf"), install.Installed)
			h.skills = nil
			h.put("bob", "pdf", "2.0.0")
			now := "bob"
			if change != nil {
				change(h)
			} else {
				if name == "nobody answers" {
					now = ""
					h.skills[0].owner = ""
				}
				b.answer = &deaf{h}
				b.Engine = b.engine()
			}
			lock := b.read("scope/skills.lock")
			for what, outcomes := range map[string][]install.Outcome{
				"update":        b.update(),
				"update pdf":    b.update("pdf"),
				"install":       b.install(install.Options{}, "pdf@latest"),
				"install alice": b.install(install.Options{}, "alice/pdf@latest"),
				"fetch":         b.fetch("pdf@2.0.0"),
				"dry run":       b.install(install.Options{DryRun: true}, "pdf@^2"),
			} {
				if len(outcomes) != 1 {
					t.Fatalf("%s: %+v", what, outcomes)
				}
				if what == "fetch" {
					if e, ok := errors.AsType[*source.OwnerError](outcomes[0].Err); !ok || e.Now != now {
						t.Errorf("fetch: %v", outcomes[0].Err)
					}
					continue
				}
				owner(t, outcomes[0], "alice", now)
			}
			if got, err := b.Outdated(t.Context(), nil); err != nil || got[0].State != install.Moved || got[0].NewOwner != now || got[0].Owner != "alice" {
				t.Errorf("outdated: %+v, %v", got, err)
			}
			if b.read("scope/skills.lock") != lock || b.body("claude-code", "pdf") != "alice 1.0.0" {
				t.Error("what is installed did not stay")
			}
			b.sound()
			if now == "" {
				return // a flag does not make it anybody's
			}
			got := b.one(b.updateWith(install.Options{AcceptOwner: true}), install.Updated)
			if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], `was of "alice" and is of "bob"`) {
				t.Errorf("warnings are %q", got.Warnings)
			}
			b.owned("pdf", "bob")
			if b.body("claude-code", "pdf") != "bob 2.0.0" || b.locked("pdf").Ref != "pdf" {
				t.Errorf("the lock has %+v", b.locked("pdf"))
			}
			h.asked = nil
			b.one(b.update(), install.Unchanged)
			b.answer = h
			if len(h.asked) != 1 || name == "the registry says so" && h.asked[0] != "bob/pdf" {
				t.Errorf("the registry was asked %q", h.asked)
			}
			b.sound()
		})
	}
}

// A deaf registry answers whatever it has by a slug, whoever was asked for.
type deaf struct{ *hub }

func (d *deaf) Resolve(ctx context.Context, r ref.Ref, current string) (source.Pin, error) {
	r.Owner = ""
	return d.hub.Resolve(ctx, r, current)
}

// An owner who was named is named anew, in the lock and in the manifest; the same
// version is recorded though none of its files changed.
func TestANewOwnerIsRecorded(t *testing.T) {
	b, h := withHub(t)
	h.put("alice", "pdf", "1.0.0")
	b.one(b.install(install.Options{}, "alice/pdf@^1"), install.Installed)
	h.skills[0].owner, h.skills[0].body = "bob", "alice 1.0.0"
	h.moved["alice/pdf"] = "bob"
	owner(t, b.update()[0], "alice", "bob")
	// What is locked is restored by whom it is locked, or not at all.
	placed := filepath.Join(b.root, "claude-code")
	away := placed + "-away"
	b.delete(filepath.Join(b.root, "store"))
	if err := os.Rename(placed, away); err != nil {
		t.Fatal(err)
	}
	frozen := func() install.Outcome {
		p, err := b.PlanFrozen(t.Context(), install.Options{AcceptOwner: true})
		return b.apply(p, err)[0]
	}
	if got := frozen(); got.Err == nil {
		t.Errorf("frozen: %+v", got)
	}
	if err := os.Rename(away, placed); err != nil {
		t.Fatal(err)
	}
	b.one(b.updateWith(install.Options{AcceptOwner: true}), install.Unchanged)
	b.owned("pdf", "bob")
	if got := b.locked("pdf"); got.Ref != "bob/pdf@^1" || got.Version != "1.0.0" {
		t.Errorf("the lock has %+v", got)
	}
	if manifest := b.read("scope/skills.yaml"); !strings.Contains(manifest, "pdf: bob/pdf@^1\n") {
		t.Errorf("the manifest is %q", manifest)
	}
	b.delete(placed)
	b.one(b.restore(), install.Installed)
	b.sound()
	if got := frozen(); got.Err != nil || got.Action != install.Unchanged {
		t.Errorf("frozen: %+v", got)
	}
}

// Names that are no names are never taken, whatever was accepted.
func TestAnOwnerThatIsNone(t *testing.T) {
	for _, now := range []string{"../x", "a b", "x/y", "acme:x", "\x1b[2J", "alice", strings.Repeat("x", 3000)} {
		b, h := withHub(t)
		h.put("alice", "pdf", "1.0.0")
		b.install(install.Options{}, "pdf")
		h.skills = nil
		h.moved["alice/pdf"] = now
		owner(t, b.updateWith(install.Options{AcceptOwner: true})[0], "alice", now)
		if len(h.asked) > 4 {
			t.Errorf("%q: asked %q", now, h.asked)
		}
	}
	// Nor is one that leads on.
	b, h := withHub(t)
	h.put("alice", "pdf", "1.0.0")
	b.install(install.Options{}, "pdf")
	h.skills = nil
	h.moved["alice/pdf"], h.moved["bob/pdf"] = "bob", "alice"
	owner(t, b.updateWith(install.Options{AcceptOwner: true})[0], "bob", "alice")
	b.owned("pdf", "alice")
}

func TestTwoOwnersOfOneName(t *testing.T) {
	b, h := withHub(t)
	h.put("alice", "pdf", "1.0.0")
	h.put("bob", "pdf", "1.0.0")
	if got := failsAs[*source.AmbiguousError](t, b.install(install.Options{}, "pdf")[0]); len(got.Matches) != 2 {
		t.Errorf("%+v", got)
	}
	b.one(b.install(install.Options{}, "alice/pdf"), install.Installed)
	failsAs[*install.IdentityError](t, b.install(install.Options{}, "bob/pdf")[0])
	b.owned("pdf", "alice")
	both := b.install(install.Options{}, "alice/pdf", "bob/pdf@^1")
	if both[0].Err != nil {
		t.Errorf("%+v", both[0])
	}
	failsAs[*install.IdentityError](t, both[1])
	p, err := b.PlanInstall(t.Context(), []install.Want{{Typed: "bob/pdf", Ref: wants(t, "bob/pdf")[0].Ref, As: "pdf-bob"}}, install.Options{})
	b.one(b.apply(p, err), install.Installed)
	b.owned("pdf-bob", "bob")
	b.owned("pdf", "alice")
	// The bare slug is now that of either.
	failsAs[*source.AmbiguousError](t, b.install(install.Options{}, "pdf")[0])
	b.one(b.install(install.Options{}, "Alice/pdf"), install.Unchanged)
	h.put("bob", "pdf", "2.0.0")
	h.put("alice", "pdf", "1.5.0")
	for _, o := range b.update() {
		if o.Err != nil || o.Action != install.Updated {
			t.Errorf("%+v", o)
		}
	}
	if b.body("claude-code", "pdf") != "alice 1.5.0" || b.body("claude-code", "pdf-bob") != "bob 2.0.0" {
		t.Error("one owner's skill took another's place")
	}
	// Only on request does one take the place of the other.
	b.one(b.remove(install.Options{}, "pdf-bob"), install.Removed)
	b.one(b.install(install.Options{Replace: true}, "bob/pdf@1.0.0"), install.Installed)
	b.owned("pdf", "bob")
	b.sound()
}

func TestAnOwnerThatAppears(t *testing.T) {
	b, h := withHub(t)
	h.put("", "pdf", "1.0.0")
	b.one(b.install(install.Options{}, "pdf"), install.Installed)
	h.skills[0].owner = "alice"
	h.put("alice", "pdf", "1.1.0")
	b.one(b.update(), install.Updated)
	b.owned("pdf", "alice")
}
