package install_test

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/source"
)

// A repacker is a registry that packs anew for everyone who asks.
type repacker struct {
	*shelf
	times int
}

func (r *repacker) Fetch(_ context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	r.asked.Add(1)
	r.times++
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	for path, text := range r.skills[p.Slug][0].files {
		f, err := w.CreateHeader(&zip.FileHeader{Name: path, Method: zip.Store, NonUTF8: true, ExternalAttrs: uint32(r.times)})
		if err != nil {
			return source.Receipt{}, err
		}
		_, _ = f.Write([]byte(text))
	}
	if err := w.Close(); err != nil {
		return source.Receipt{}, err
	}
	_, err := dst.Write(packed.Bytes())
	return source.Receipt{}, err
}

// repacking makes the default registry of b one that packs anew.
func (b *bench) repacking() *repacker {
	r := &repacker{shelf: b.shelf}
	b.Source.Open = func(string) (source.Source, error) { return r, nil }
	return r
}

// What is packed anew is another artifact than the one of the lock, with the same
// files: fetched once, it is found.
func TestFetchRepacked(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.repacking()
	first := b.one(b.install(install.Options{}, "pdf"), install.Installed)

	b.emptyStore()
	r := b.repacking()
	r.times = 7
	out := b.one(b.fetch(), install.Fetched)
	if out.Artifact != first.Artifact || b.locked("pdf").Artifact != first.Artifact {
		t.Errorf("the lock's artifact became %s", out.Artifact)
	}
	r.times = 0
	b.one(b.fetch(), install.Present)
	if r.times != 0 {
		t.Error("it was fetched again")
	}
}

// A version that is served with other files than the lock has is refused, and not
// kept.
func TestFetchRefusesOtherBytes(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.install(install.Options{}, "pdf")
	b.emptyStore()
	b.shelf.skills["pdf"][0].files["SKILL.md"] = skillText("pdf", "other")
	out := b.fetch()
	if len(out) != 1 || out[0].Err == nil || out[0].Action != install.Failed {
		t.Fatalf("outcomes are %+v", out)
	}
	if found, err := b.Store.List(); err != nil || len(found) != 0 {
		t.Errorf("the store has %v, %v", found, err)
	}
}

func (b *bench) fetch(typed ...string) []install.Outcome {
	b.t.Helper()
	src := b.Source
	out, err := b.Fetch(b.t.Context(), wants(b.t, typed...), install.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Engine = b.engine()
	b.Source = src
	return out
}

// emptyStore makes it another machine, as far as the store goes.
func (b *bench) emptyStore() {
	b.t.Helper()
	if err := os.RemoveAll(b.Store.Dir()); err != nil {
		b.t.Fatal(err)
	}
	b.Engine = b.engine()
}
