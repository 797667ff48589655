// Package sourcetest holds what every source.Source promises, as tests. An
// implementation runs the suite against a place that holds what Expect says.
package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// Expect says what the source under test has.
type Expect struct {
	// Found is a skill that is there; Name is the name in its SKILL.md.
	Found ref.Ref
	Name  string
	// Versioned is a skill with versions. Versions is the sorted list of them, or
	// nil if the source cannot list any. Picks says which version each query
	// (^1.2, latest) leads to, "" meaning none; the zero Ref skips all of this.
	Versioned ref.Ref
	Versions  []string
	Picks     map[string]string
	// Missing is a skill that is not there.
	Missing ref.Ref
	// Foreign is a reference that the source cannot mean, such as one of another
	// kind.
	Foreign ref.Ref
	// Tree is the tree digest of Found; "" if it is not known.
	Tree digest.Digest
	// Validates says that a second Fetch may be answered by ErrNotModified.
	Validates bool
	// Yanked is a skill whose version Withdrawn is yanked, for Reason, and is the
	// highest; Left is the one that is chosen instead. The zero Ref skips all of
	// this.
	Yanked                  ref.Ref
	Withdrawn, Reason, Left string
	// Renamed is a skill that is called NewSlug now. The zero Ref skips it.
	Renamed ref.Ref
	NewSlug string
}

// Run tests a source. open is called for each test and returns the source anew.
func Run(t *testing.T, open func(t *testing.T) source.Source, want Expect) {
	t.Helper()
	s := suite{open, want}
	for name, test := range map[string]func(*testing.T, suite){
		"a skill is found":             testFound,
		"bytes are stable":             testStable,
		"claims are true":              testClaims,
		"a version is picked":          testVersions,
		"what is missing is not found": testMissing,
		"what is foreign is refused":   testForeign,
		"a part is not built upon":     testPartial,
		"what holds is not sent again": testNotModified,
		"a full sink ends the fetch":   testFullSink,
		"a cancelled context ends all": testCancelled,
		"all may be called at once":    testConcurrent,
		"a search finds":               testSearch,
		"what is yanked is marked":     testYanked,
		"what is renamed is said":      testRenamed,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

type suite struct {
	open func(t *testing.T) source.Source
	want Expect
}

// fetched is what one round of Resolve and Fetch gave.
type fetched struct {
	pin     source.Pin
	receipt source.Receipt
	data    []byte
}

func fetch(t *testing.T, s source.Source, r ref.Ref) fetched {
	t.Helper()
	var f fetched
	var err error
	if f.pin, err = s.Resolve(t.Context(), r, ""); err != nil {
		t.Fatalf("Resolve(%s): %v", r, err)
	}
	var sink Sink
	if f.receipt, err = s.Fetch(t.Context(), f.pin, &sink); err != nil {
		t.Fatalf("Fetch(%s): %v", r, err)
	}
	f.data = sink.Bytes()
	return f
}

func (f fetched) unpack(t *testing.T) (*archive.Result, *skill.Skill) {
	t.Helper()
	result, err := archive.Unpack(t.Context(), bytes.NewReader(f.data), int64(len(f.data)), nil, archive.Options{Slug: f.pin.Slug})
	if err != nil {
		t.Fatalf("artifact of %s: %v", f.pin.Ref, err)
	}
	parsed, _, err := skill.Parse(result.Skill)
	if err != nil {
		t.Fatalf("artifact of %s: %v", f.pin.Ref, err)
	}
	return result, parsed
}

func testFound(t *testing.T, s suite) {
	f := fetch(t, s.open(t), s.want.Found)
	result, parsed := f.unpack(t)
	if parsed.Name != s.want.Name {
		t.Errorf("the artifact holds %q, want %q", parsed.Name, s.want.Name)
	}
	if got := result.Tree.Digest(); s.want.Tree != "" && got != s.want.Tree {
		t.Errorf("the tree is %s, want %s", got, s.want.Tree)
	}
	if f.pin.Ref != s.want.Found {
		t.Errorf("the Pin is for %v, want %v", f.pin.Ref, s.want.Found)
	}
	if s.want.Found.Kind == ref.Registry && f.pin.Slug != s.want.Found.Slug {
		t.Errorf("the Pin has slug %q", f.pin.Slug)
	}
	if f.pin.Trust == "" {
		t.Error("the Pin has no trust level")
	}
}

func testStable(t *testing.T, s suite) {
	src := s.open(t)
	first := fetch(t, src, s.want.Found)
	for _, again := range []fetched{fetch(t, src, s.want.Found), fetch(t, s.open(t), s.want.Found)} {
		if !bytes.Equal(first.data, again.data) {
			t.Error("two fetches of one skill differ")
		}
	}
}

func testClaims(t *testing.T, s suite) {
	f := fetch(t, s.open(t), s.want.Found)
	got := digest.Of(f.data)
	result, _ := f.unpack(t)
	for what, claim := range map[string]digest.Digest{"Pin": f.pin.Artifact, "Receipt": f.receipt.Artifact} {
		if claim != "" && claim != got {
			t.Errorf("the %s claims %s of an artifact with %s", what, claim, got)
		}
	}
	if f.pin.Size != 0 && f.pin.Size != int64(len(f.data)) {
		t.Errorf("the Pin claims %d bytes of %d", f.pin.Size, len(f.data))
	}
	if f.pin.Tree != "" && f.pin.Tree != result.Tree.Digest() {
		t.Errorf("the Pin claims tree %s of %s", f.pin.Tree, result.Tree.Digest())
	}
	if f.pin.Version != "" && f.receipt.Version != "" && f.pin.Version != f.receipt.Version {
		t.Errorf("the Pin claims version %s, the Receipt %s", f.pin.Version, f.receipt.Version)
	}
}

func testVersions(t *testing.T, s suite) {
	src := s.open(t)
	if s.want.Versions == nil {
		if _, err := src.Versions(t.Context(), s.want.Found); !errors.Is(err, source.ErrUnsupported) {
			t.Errorf("Versions: %v, want ErrUnsupported", err)
		}
	} else {
		infos, err := src.Versions(t.Context(), s.want.Versioned)
		if err != nil {
			t.Fatalf("Versions: %v", err)
		}
		got := make([]string, len(infos))
		for i, info := range infos {
			got[i] = info.Version
		}
		slices.SortFunc(got, version.Compare)
		if diff := cmp.Diff(s.want.Versions, got); diff != "" {
			t.Errorf("Versions (-want +got):\n%s", diff)
		}
	}
	for text, want := range s.want.Picks {
		got, err := pick(t, src, s.want.Versioned, text)
		switch {
		case want == "" && !errors.Is(err, version.ErrNoMatch):
			t.Errorf("%q: version %q, error %v; want ErrNoMatch", text, got, err)
		case want != "" && (err != nil || got != want):
			t.Errorf("%q: version %q, error %v; want %s", text, got, err, want)
		}
	}
}

// pick returns the version that a query leads to, as known before or after the
// transfer.
func pick(t *testing.T, src source.Source, r ref.Ref, text string) (string, error) {
	t.Helper()
	q, err := version.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	r.Query = q
	pin, err := src.Resolve(t.Context(), r, "")
	if err != nil {
		return "", err
	}
	receipt, err := src.Fetch(t.Context(), pin, new(Sink))
	if receipt.Version == "" {
		return pin.Version, err
	}
	return receipt.Version, err
}

func testMissing(t *testing.T, s suite) {
	src := s.open(t)
	pin, err := src.Resolve(t.Context(), s.want.Missing, "")
	if err == nil {
		_, err = src.Fetch(t.Context(), pin, new(Sink))
	}
	if !errors.Is(err, source.ErrNotFound) {
		t.Errorf("Resolve and Fetch: %v, want ErrNotFound", err)
	}
	if _, err := src.Versions(t.Context(), s.want.Missing); !errors.Is(err, source.ErrNotFound) && !errors.Is(err, source.ErrUnsupported) {
		t.Errorf("Versions: %v, want ErrNotFound or ErrUnsupported", err)
	}
}

func testForeign(t *testing.T, s suite) {
	if _, err := s.open(t).Resolve(t.Context(), s.want.Foreign, ""); !errors.Is(err, source.ErrUnsupported) {
		t.Errorf("Resolve(%s): %v, want ErrUnsupported", s.want.Foreign, err)
	}
}

// testPartial has sinks that hold what is no beginning of the artifact, and one
// that holds a true one.
func testPartial(t *testing.T, s suite) {
	src := s.open(t)
	whole := fetch(t, src, s.want.Found)
	for name, sink := range map[string]*Sink{
		"unknown origin":   {Data: []byte("left by something else")},
		"other validator":  {Data: []byte("left by another version"), Tag: `"other"`},
		"true beginning":   {Data: bytes.Clone(whole.data[:len(whole.data)/2]), Tag: whole.receipt.Validators.ETag},
		"all of it":        {Data: bytes.Clone(whole.data), Tag: whole.receipt.Validators.ETag},
		"longer than this": {Data: append(bytes.Clone(whole.data), "and more"...), Tag: `"other"`},
	} {
		if _, err := src.Fetch(t.Context(), whole.pin, sink); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !bytes.Equal(sink.Bytes(), whole.data) {
			t.Errorf("%s: the sink holds %d bytes that are not the artifact", name, len(sink.Bytes()))
		}
	}
}

func testNotModified(t *testing.T, s suite) {
	src := s.open(t)
	f := fetch(t, src, s.want.Found)
	f.pin.Known = f.receipt.Validators
	sink := &Sink{Data: []byte("untouched")}
	_, err := src.Fetch(t.Context(), f.pin, sink)
	switch {
	case errors.Is(err, source.ErrNotModified):
		if string(sink.Bytes()) != "untouched" {
			t.Error("the sink was written to")
		}
	case s.want.Validates:
		t.Errorf("Fetch with validators %+v: %v, want ErrNotModified", f.pin.Known, err)
	case err != nil:
		t.Errorf("Fetch with validators %+v: %v", f.pin.Known, err)
	case !bytes.Equal(sink.Bytes(), f.data):
		t.Error("the artifact changed")
	}
	f.pin.Known = source.Validators{ETag: `"of something else"`}
	sink = new(Sink)
	if _, err := src.Fetch(t.Context(), f.pin, sink); err != nil || !bytes.Equal(sink.Bytes(), f.data) {
		t.Errorf("Fetch with other validators: %v", err)
	}
}

var errFull = errors.New("sink is full")

func testFullSink(t *testing.T, s suite) {
	src := s.open(t)
	f := fetch(t, src, s.want.Found)
	if _, err := src.Fetch(t.Context(), f.pin, &Sink{Limit: len(f.data) - 1}); !errors.Is(err, errFull) {
		t.Errorf("Fetch into a sink that fails: %v, want its error", err)
	}
}

func testCancelled(t *testing.T, s suite) {
	src := s.open(t)
	f := fetch(t, src, s.want.Found)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := src.Fetch(ctx, f.pin, new(Sink)); !errors.Is(err, context.Canceled) {
		t.Errorf("Fetch: %v, want context.Canceled", err)
	}
	if _, err := src.Resolve(ctx, s.want.Found, ""); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Resolve: %v, want context.Canceled or nothing", err)
	}
	if searcher, ok := source.As[source.Searcher](src); ok {
		if _, err := searcher.Search(ctx, s.want.Name, 5); !errors.Is(err, context.Canceled) {
			t.Errorf("Search: %v, want context.Canceled", err)
		}
	}
}

func testConcurrent(t *testing.T, s suite) {
	src := s.open(t)
	want := fetch(t, src, s.want.Found)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			pin, err := src.Resolve(t.Context(), s.want.Found, "")
			if err != nil {
				t.Errorf("Resolve: %v", err)
				return
			}
			var sink Sink
			if _, err := src.Fetch(t.Context(), pin, &sink); err != nil || !bytes.Equal(sink.Bytes(), want.data) {
				t.Errorf("Fetch: %v, %d bytes", err, len(sink.Bytes()))
			}
		})
		wg.Go(func() { _, _ = src.Versions(t.Context(), s.want.Versioned) })
		wg.Go(func() { _, _ = src.Resolve(t.Context(), s.want.Missing, "") })
		if searcher, ok := source.As[source.Searcher](src); ok {
			wg.Go(func() { _, _ = searcher.Search(t.Context(), s.want.Name, 5) })
		}
	}
	wg.Wait()
}

func testSearch(t *testing.T, s suite) {
	searcher, ok := source.As[source.Searcher](s.open(t))
	if !ok {
		return
	}
	hits, err := searcher.Search(t.Context(), s.want.Found.Slug, 10)
	if err != nil {
		t.Fatalf("Search: %v", err)
	}
	if len(hits) == 0 || hits[0].Slug != s.want.Found.Slug {
		t.Errorf("Search(%q) = %+v, want the slug itself first", s.want.Found.Slug, hits)
	}
	if hits, err = searcher.Search(t.Context(), s.want.Missing.Slug, 10); err != nil || len(hits) != 0 {
		t.Errorf("Search for what is missing = %v, %v", hits, err)
	}
	for _, limit := range []int{1, 2} {
		if hits, err = searcher.Search(t.Context(), "a", limit); err != nil || len(hits) > limit {
			t.Errorf("Search with limit %d = %d hits, %v", limit, len(hits), err)
		}
	}
}

// A Sink is a source.Sink in memory, for tests. The zero value is empty and
// takes whatever comes.
type Sink struct {
	Data  []byte
	Tag   string // validator of Data
	Limit int    // of bytes, after which Write fails; 0 is none
}

// Bytes returns what the sink holds.
func (s *Sink) Bytes() []byte { return s.Data }

func (s *Sink) Write(p []byte) (int, error) {
	if s.Limit > 0 && len(s.Data)+len(p) > s.Limit {
		return 0, errFull
	}
	s.Data = append(s.Data, p...)
	return len(p), nil
}

// Offset returns how many bytes the sink holds.
func (s *Sink) Offset() int64 { return int64(len(s.Data)) }

// Validator returns Tag.
func (s *Sink) Validator() string { return s.Tag }

// Restart empties the sink.
func (s *Sink) Restart(validator string) error {
	s.Data, s.Tag = nil, validator
	return nil
}
