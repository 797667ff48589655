package install_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/bundle"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// otherMachine takes the store and the skills away, and the network.
func (b *bench) otherMachine(shelf install.Shelf) {
	b.t.Helper()
	b.emptyStore()
	if err := os.RemoveAll(filepath.Join(b.root, "claude-code")); err != nil {
		b.t.Fatal(err)
	}
	b.shelf.offline = true
	b.Engine.Bundle = shelf
}

// A registry that packs anew keeps a bundle neither from being made nor from being
// restored from.
func TestBundleRepacked(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.repacking()
	b.install(install.Options{}, "pdf")
	locked := b.locked("pdf")

	b.emptyStore()
	b.repacking().times = 7
	var out bytes.Buffer
	if _, err := b.WriteBundle(t.Context(), &out, install.Options{}); err != nil {
		t.Fatal(err)
	}
	packed, err := bundle.New(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if packed.Instead[locked.Artifact] == "" {
		t.Fatal("it was not packed anew: this test proves nothing")
	}

	b.otherMachine(packed)
	asked := b.shelf.asked.Load()
	b.one(b.restore(), install.Installed)
	if b.body("claude-code", "pdf") != "body 1.0.0" || b.shelf.asked.Load() != asked {
		t.Error("it is not there, or the registry was asked")
	}
	if got := b.locked("pdf"); !got.Equal(locked) {
		t.Errorf("the lock is %+v, was %+v", got, locked)
	}
	// It is in the store now, whatever it is called there.
	b.one(b.fetch(), install.Present)
}

// evil is a bundle that hands out other files than it is asked for.
type evil struct{ t *testing.T }

func (e evil) Copy(w io.Writer, _ digest.Digest) error {
	_, err := archive.Pack(e.t.Context(), w, fstest.MapFS{"SKILL.md": {Data: []byte(skillText("pdf", "evil"))}})
	return err
}

// The lock decides what is restored, and not the bundle.
func TestBundleOfOtherFiles(t *testing.T) {
	for _, trust := range []source.Level{source.FirstUse, source.FromRegistry} {
		b := newBench(t)
		b.publish("pdf", "1.0.0")
		b.install(install.Options{}, "pdf")
		lock, err := lockfile.Load(b.Scope.Lock)
		if err != nil {
			t.Fatal(err)
		}
		entry := lock.Skills["pdf"]
		entry.Trust = string(trust)
		if err := errors.Join(lock.Put(entry), os.WriteFile(b.Scope.Lock, lock.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
		b.otherMachine(evil{t})
		out := b.restore()
		if len(out) != 1 {
			t.Fatalf("outcomes are %+v", out)
		}
		failsAs[*digest.MismatchError](t, out[0])
		if b.body("claude-code", "pdf") != "" {
			t.Errorf("%s: it is installed", trust)
		}
		if found, err := b.Store.List(); err != nil || len(found) != 0 {
			t.Errorf("%s: the store has %v, %v", trust, found, err)
		}
	}
}

// Without one of its artifacts there is no bundle, and what is missing is named.
func TestBundleIncomplete(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.publish("notes", "1.0.0")
	b.install(install.Options{}, "pdf", "notes")
	b.otherMachine(nil)
	var out bytes.Buffer
	outcomes, err := b.WriteBundle(t.Context(), &out, install.Options{})
	incomplete, ok := errors.AsType[*install.IncompleteError](err)
	if !ok || len(incomplete.Names) != 2 || out.Len() != 0 {
		t.Errorf("%d bytes were written, and the error is %v", out.Len(), err)
	}
	for _, o := range outcomes {
		if !errors.Is(o.Err, transport.ErrOffline) {
			t.Errorf("%s: %v", o.Name, o.Err)
		}
	}
}
