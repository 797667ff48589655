package sourcetest

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// testYanked has one who asks for the newest, one who asks for what is yanked,
// and one who has it locked.
func testYanked(t *testing.T, s suite) {
	r, withdrawn := s.want.Yanked, s.want.Withdrawn
	if r == (ref.Ref{}) {
		return
	}
	src := s.open(t)
	for _, text := range []string{"", "latest", ">=0.0.1"} {
		if got, err := pick(t, src, r, text); err != nil || got != s.want.Left {
			t.Errorf("%q: version %q, error %v; want %s", text, got, err, s.want.Left)
		}
	}
	infos, err := src.Versions(t.Context(), r)
	if !errors.Is(err, source.ErrUnsupported) {
		i := slices.IndexFunc(infos, func(v version.Info) bool { return v.Version == withdrawn })
		if err != nil || i < 0 || !infos[i].Yanked || infos[i].Reason != s.want.Reason {
			t.Errorf("Versions: %+v, %v; want %s yanked", infos, err, withdrawn)
		}
	}

	// Asked for by itself it is refused at once, or marked when it comes.
	q, err := version.ParseQuery(withdrawn)
	if err != nil {
		t.Fatal(err)
	}
	asked := r
	asked.Query = q
	pin, err := src.Resolve(t.Context(), asked, "")
	var receipt source.Receipt
	if err == nil {
		receipt, err = src.Fetch(t.Context(), pin, new(Sink))
	}
	refused, ok := errors.AsType[*version.YankedError](err)
	switch {
	case ok && refused.Version != withdrawn:
		t.Errorf("the refusal is of %s", refused.Version)
	case !ok && (err != nil || receipt.Yanked != s.want.Reason):
		t.Errorf("asked for by itself: %+v, %v", receipt, err)
	}

	// To who has it, it is given and marked, again and again.
	if pin, err = src.Resolve(t.Context(), r, ""); err != nil {
		t.Fatal(err)
	}
	pin.Version = withdrawn
	pin.Artifact, pin.Size, pin.Tree, pin.Files = "", 0, "", nil // which are of another version
	var sink Sink
	receipt, err = src.Fetch(t.Context(), pin, &sink)
	if err != nil || receipt.Yanked != s.want.Reason || len(sink.Bytes()) == 0 {
		t.Fatalf("Fetch of a locked version: %+v, %v", receipt, err)
	}
	pin.Known = receipt.Validators
	var again Sink
	receipt, err = src.Fetch(t.Context(), pin, &again)
	if receipt.Yanked != s.want.Reason || err == nil && !bytes.Equal(sink.Bytes(), again.Bytes()) || err != nil && !errors.Is(err, source.ErrNotModified) {
		t.Errorf("Fetch with validators: %+v, %v", receipt, err)
	}
}

// testRenamed asks by the old slug, which must never pass for the new one unsaid.
func testRenamed(t *testing.T, s suite) {
	if s.want.Renamed == (ref.Ref{}) {
		return
	}
	src := s.open(t)
	pin, err := src.Resolve(t.Context(), s.want.Renamed, "")
	if err != nil {
		t.Fatalf("Resolve: %v", err)
	}
	receipt, err := src.Fetch(t.Context(), pin, new(Sink))
	if err != nil || pin.Slug != s.want.NewSlug && receipt.Slug != s.want.NewSlug {
		t.Errorf("Fetch: slug %q, then %q, %v; want %s", pin.Slug, receipt.Slug, err, s.want.NewSlug)
	}
	pin.Slug = s.want.Renamed.Slug // as a lock has it
	if receipt, err = src.Fetch(t.Context(), pin, new(Sink)); err != nil || receipt.Slug != s.want.NewSlug {
		t.Errorf("Fetch by the old slug: slug %q, %v; want %s", receipt.Slug, err, s.want.NewSlug)
	}
	pin.Known = receipt.Validators
	if receipt, err = src.Fetch(t.Context(), pin, new(Sink)); receipt.Slug != s.want.NewSlug || err != nil && !errors.Is(err, source.ErrNotModified) {
		t.Errorf("Fetch with validators: slug %q, %v", receipt.Slug, err)
	}
	pin.Slug, pin.Known = s.want.NewSlug, source.Validators{}
	if receipt, err = src.Fetch(t.Context(), pin, new(Sink)); err != nil || receipt.Slug != "" {
		t.Errorf("Fetch by the new slug: slug %q, %v", receipt.Slug, err)
	}
	if searcher, ok := source.As[source.Searcher](src); ok {
		hits, err := searcher.Search(t.Context(), s.want.Renamed.Slug, 10)
		if err != nil || slices.ContainsFunc(hits, func(h source.Hit) bool { return h.Slug == s.want.Renamed.Slug }) {
			t.Errorf("Search for the old slug: %+v, %v", hits, err)
		}
	}
}
