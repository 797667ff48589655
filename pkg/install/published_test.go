package install_test

import (
	"context"
	"crypto/sha256"
	"os"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
)

// A publisher is a registry without versions that publishes the digest of what
// it has: that of the artifact, or that of the tree where it packs here.
type publisher struct {
	*shelf
	trees   bool
	fetched int
}

func (r *publisher) Resolve(ctx context.Context, rf ref.Ref, current string) (source.Pin, error) {
	p, err := r.shelf.Resolve(ctx, rf, current)
	if err != nil {
		return p, err
	}
	p.Trust = source.FromRegistry
	if r.trees {
		p.Tree = digest.OfTree([]digest.File{{Path: "SKILL.md", Sum: sha256.Sum256([]byte(r.skills[rf.Slug][0].files["SKILL.md"]))}})
		return p, nil
	}
	var sink sourcetest.Sink
	_, err = r.shelf.Fetch(ctx, p, &sink)
	p.Artifact = digest.Of(sink.Bytes())
	return p, err
}

func (r *publisher) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	r.fetched++
	_, err := r.shelf.Fetch(ctx, p, dst)
	return source.Receipt{Repacked: r.trees}, err
}

func TestPublishedDigest(t *testing.T) {
	for name, trees := range map[string]bool{"of the artifact": false, "of the tree": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.publish("pdf", "")
			r := &publisher{shelf: b.shelf, trees: trees}
			again := func() *bench {
				b.Source.Open = func(string) (source.Source, error) { return r, nil }
				return b
			}
			out := b.one(again().install(install.Options{}, "pdf"), install.Installed)
			if out.Trust != source.FromRegistry || b.locked("pdf").Trust != string(source.FromRegistry) {
				t.Errorf("trust is %s, that of the lock %s", out.Trust, b.locked("pdf").Trust)
			}
			if r.fetched = 0; b.one(again().update(), install.Unchanged).Err == nil && r.fetched != 0 {
				t.Errorf("to see that nothing changed took %d fetches", r.fetched)
			}
			b.shelf.skills["pdf"][0].files["SKILL.md"] = skillText("pdf", "second")
			b.one(again().update(), install.Updated)
			if r.fetched != 1 || b.body("claude-code", "pdf") != "second" {
				t.Errorf("%d fetches, and there is %q", r.fetched, b.body("claude-code", "pdf"))
			}
			b.sound()
		})
	}
}

// What the registry published is not what it sends.
func TestPublishedTreeIsHeldTo(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "")
	b.shelf.skills["pdf"][0].files["more.md"] = "more"
	r := &publisher{shelf: b.shelf, trees: true}
	b.Source.Open = func(string) (source.Source, error) { return r, nil }
	out := b.install(install.Options{}, "pdf")
	if len(out) != 1 {
		t.Fatalf("outcomes are %+v", out)
	}
	failsAs[*digest.MismatchError](t, out[0])
}

// Another packer makes other bytes of the files that the lock names. That is no
// reason to refuse them where the packing was done here, and one where the
// registry itself sent other bytes.
func TestRestoreOfWhatIsPackedHere(t *testing.T) {
	for _, packed := range []bool{true, false} {
		b := newBench(t)
		b.publish("pdf", "")
		r := &publisher{shelf: b.shelf, trees: true}
		b.Source.Open = func(string) (source.Source, error) { return r, nil }
		b.one(b.install(install.Options{}, "pdf"), install.Installed)
		b.emptyStore()
		if err := os.RemoveAll(b.skill("claude-code", "pdf")); err != nil {
			t.Fatal(err)
		}
		other := b.repacking()
		other.times = 7
		b.Source.Open = func(string) (source.Source, error) { return &packsHere{other, packed}, nil }
		out := b.restore()
		if packed {
			if got := b.one(out, install.Installed).Trust; got != source.FromRegistry {
				t.Errorf("trust became %s", got)
			}
			b.sound()
			continue
		}
		if failed := failsAs[*digest.MismatchError](t, out[0]); !strings.Contains(failed.What, "artifact") {
			t.Errorf("what differs is %s", failed.What)
		}
	}
}

type packsHere struct {
	*repacker
	packed bool
}

func (r *packsHere) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	_, err := r.repacker.Fetch(ctx, p, dst)
	return source.Receipt{Repacked: r.packed}, err
}
