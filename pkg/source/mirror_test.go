package source_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
)

// A station is a Source that sends one text, or part of it and an error.
type station struct {
	registry

	text    string
	err     error
	receipt source.Receipt
	asked   []source.Pin
	offsets []int64 // of the sink, when it was asked
}

func (s *station) Fetch(_ context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	s.asked = append(s.asked, p)
	s.offsets = append(s.offsets, dst.Offset())
	if _, err := dst.Write([]byte(s.text)); err != nil {
		return source.Receipt{}, err
	}
	return s.receipt, s.err
}

func (s *station) Search(context.Context, string, int) ([]source.Hit, error) {
	return []source.Hit{{Slug: "found"}}, nil
}

var refused = &transport.NetworkError{Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}

var vouched = source.Pin{
	Registry: "https://acme", Slug: "pdf", URL: "https://acme/pdf.zip", Artifact: digest.Of([]byte("whole")),
	Known: source.Validators{ETag: `"1"`},
}

// mirrored returns a registry with mirrors, each of which sends a text.
func mirrored(primary *station, mirrors ...*station) *source.Mirrored {
	m := &source.Mirrored{Primary: primary}
	for i, s := range mirrors {
		m.Mirrors = append(m.Mirrors, source.Mirror{
			URL:  fmt.Sprintf("https://m%d", i+1),
			Open: func() (source.Source, error) { return s, nil },
		})
	}
	return m
}

func TestWhenMirrorsAreAsked(t *testing.T) {
	status := func(n int) error { return fmt.Errorf("fetch: %w", &transport.StatusError{Status: n}) }
	over := func(err error) error { return &transport.NetworkError{Err: err} }
	for _, test := range []struct {
		err  error
		asks bool
	}{
		{nil, false},
		{refused, true},
		{over(&net.DNSError{Name: "acme", IsNotFound: true}), true},
		{over(io.ErrUnexpectedEOF), true},
		{&transport.StalledError{}, true},
		{status(500), true},
		{status(502), true},
		{status(503), true},
		{&transport.WaitError{Err: &transport.StatusError{Status: 503}}, true},
		{status(400), false},
		{status(401), false},
		{status(403), false},
		{status(404), false},
		{status(410), false},
		{status(429), false},
		{status(451), false},
		{status(600), false},
		{&transport.WaitError{Err: &transport.StatusError{Status: 429}}, false},
		{source.ErrNotFound, false},
		{source.ErrNotModified, false},
		{source.ErrAuth, false},
		{&digest.MismatchError{}, false},
		{&source.BlockedError{}, false},
		{&transport.OfflineError{}, false},
		{&transport.RedirectError{}, false},
		{&transport.LimitError{}, false},
		{&transport.ContentError{Err: transport.ErrWebPage}, false},
		{&transport.ProxyError{Status: 502}, false},
		{over(&transport.AddressError{}), false},
		{over(context.Canceled), false},
		{over(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), false},
		{over(x509.HostnameError{Certificate: &x509.Certificate{}}), false},
		{over(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), false},
		{over(&net.OpError{Op: "remote error", Err: tls.AlertError(40)}), false},
		{over(errors.New("remote error: tls: handshake failure")), false},
		{errors.New("disk full"), false},
	} {
		primary, mirror := &station{text: "ha", err: test.err}, &station{text: "whole"}
		sink := &sourcetest.Sink{}
		receipt, err := mirrored(primary, mirror).Fetch(t.Context(), vouched, sink)
		switch {
		case len(mirror.asked) > 0 != test.asks:
			t.Errorf("%v: the mirror was asked: %v", test.err, len(mirror.asked) > 0)
		case test.asks && (err != nil || receipt.Mirror != "https://m1" || string(sink.Bytes()) != "whole"):
			t.Errorf("%v: %+v, %v, %q", test.err, receipt, err, sink.Bytes())
		case !test.asks && (!errors.Is(err, test.err) || receipt.Mirror != ""):
			t.Errorf("%v: became %+v, %v", test.err, receipt, err)
		}
	}
}

// A mirror is believed nothing: it gets no validators, addresses or parts of the
// registry, and what it says of a skill is left out.
func TestAMirrorSendsBytesAndNothingElse(t *testing.T) {
	primary := &station{text: "who", err: refused}
	first := &station{text: "half of", err: source.ErrNotFound}
	second := &station{text: "whole", receipt: source.Receipt{
		URL: "https://m2/pdf", Artifact: digest.Of([]byte("x")), Version: "9.0.0", Slug: "evil", Yanked: "because",
		Validators: source.Validators{ETag: `"evil"`},
	}}
	sink := &sourcetest.Sink{Tag: `"1"`}
	receipt, err := mirrored(primary, first, second).Fetch(t.Context(), vouched, sink)
	if err != nil || receipt != (source.Receipt{URL: "https://m2/pdf", Mirror: "https://m2"}) || string(sink.Bytes()) != "whole" {
		t.Errorf("%+v, %v, %q", receipt, err, sink.Bytes())
	}
	if sink.Validator() != "" {
		t.Errorf("the sink goes on from %q", sink.Validator())
	}
	for i, s := range []*station{first, second} {
		want := vouched
		want.Registry, want.URL, want.Known = fmt.Sprintf("https://m%d", i+1), "", source.Validators{}
		if len(s.asked) != 1 || fmt.Sprintf("%+v", s.asked[0]) != fmt.Sprintf("%+v", want) || s.offsets[0] != 0 {
			t.Errorf("mirror %d was asked for %+v at %d", i+1, s.asked, s.offsets)
		}
	}
}

// What nobody vouched for no mirror is asked for, and what a reference means
// neither.
func TestAMirrorIsNoRegistry(t *testing.T) {
	primary, mirror := &station{err: refused}, &station{text: "whole"}
	m := mirrored(primary, mirror)
	bare := vouched
	bare.Artifact = ""
	_, err := m.Fetch(t.Context(), bare, &sourcetest.Sink{})
	if e, ok := errors.AsType[*source.MirrorError](err); !ok || !errors.Is(err, refused) || !strings.Contains(e.Error(), "has a digest of") {
		t.Errorf("Fetch = %v", err)
	}
	bare.Files = []source.File{}
	if _, err := m.Fetch(t.Context(), bare, &sourcetest.Sink{}); err == nil {
		t.Error("an empty list vouches for something")
	}
	if _, err := m.Resolve(t.Context(), ref.Ref{Slug: "pdf"}, ""); !errors.Is(err, source.ErrNotFound) {
		t.Errorf("Resolve = %v", err)
	}
	if _, err := m.Versions(t.Context(), ref.Ref{Slug: "pdf"}); !errors.Is(err, source.ErrNotFound) {
		t.Errorf("Versions = %v", err)
	}
	if len(mirror.asked) > 0 {
		t.Errorf("the mirror was asked for %+v", mirror.asked)
	}
	for _, vouches := range []func(*source.Pin){
		func(p *source.Pin) { p.Tree = digest.OfTree(nil) },
		func(p *source.Pin) { p.Files = []source.File{{Path: "SKILL.md"}} },
	} {
		p := vouched
		p.Artifact = ""
		vouches(&p)
		if receipt, err := m.Fetch(t.Context(), p, &sourcetest.Sink{}); err != nil || receipt.Mirror == "" {
			t.Errorf("Fetch of %+v = %+v, %v", p, receipt, err)
		}
	}
}

func TestNoMirrorHasIt(t *testing.T) {
	primary := &station{err: refused}
	first, second := &station{err: source.ErrNotFound}, &station{err: &transport.StatusError{Status: 503}}
	m := mirrored(primary, first, second)
	m.Mirrors = append(m.Mirrors, source.Mirror{URL: "bad", Open: func() (source.Source, error) { return nil, errBroken }})
	_, err := m.Fetch(t.Context(), vouched, &sourcetest.Sink{})
	e, ok := errors.AsType[*source.MirrorError](err)
	if !ok || !errors.Is(err, refused) || errors.Is(err, source.ErrNotFound) || len(e.Errs) != 3 || !errors.Is(e.Errs[2], errBroken) {
		t.Errorf("Fetch = %v", err)
	}
	// Nobody is asked on behalf of who has gone.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Fetch(ctx, vouched, &sourcetest.Sink{}); !errors.Is(err, refused) || len(first.asked) != 1 {
		t.Errorf("Fetch = %v, and the mirror was asked %d times", err, len(first.asked))
	}
}

// A registry that cannot be reached is not waited for again for each skill; one
// that answered with a status is.
func TestARegistryThatIsDown(t *testing.T) {
	for _, test := range []struct {
		err   error
		asked int
	}{{refused, 1}, {&transport.StatusError{Status: 500}, 3}} {
		primary, mirror := &station{err: test.err}, &station{text: "whole"}
		m := mirrored(primary, mirror)
		for range 3 {
			if _, err := m.Fetch(t.Context(), vouched, &sourcetest.Sink{}); err != nil {
				t.Error(err)
			}
		}
		if len(primary.asked) != test.asked {
			t.Errorf("%v: it was asked %d times, want %d", test.err, len(primary.asked), test.asked)
		}
		// What the mirror lacks it is asked for all the same.
		primary.err, primary.text, mirror.err = nil, "whole", source.ErrNotFound
		sink := &sourcetest.Sink{}
		if receipt, err := m.Fetch(t.Context(), vouched, sink); err != nil || receipt.Mirror != "" || string(sink.Bytes()) != "whole" {
			t.Errorf("%v: %+v, %v, %q", test.err, receipt, err, sink.Bytes())
		}
	}
}

// What a registry can do beside, it can with mirrors; what it cannot, it cannot.
func TestAbilitiesPassThrough(t *testing.T) {
	m := mirrored(&station{}, &station{})
	s, ok := source.As[source.Searcher](m)
	if !ok {
		t.Fatal("it cannot be searched")
	}
	if hits, err := s.Search(t.Context(), "x", 1); err != nil || len(hits) != 1 {
		t.Errorf("Search = %v, %v", hits, err)
	}
	if _, ok := source.As[source.Lister](m); ok {
		t.Error("it lists")
	}
	if _, ok := source.As[source.Searcher](nil); ok {
		t.Error("nothing can be searched")
	}
	outer := &source.Mirrored{Primary: m}
	if able, ok := source.As[*source.Mirrored](outer); !ok || able != outer {
		t.Error("the nearest is not found")
	}
	set := &source.Set{Default: "https://acme", Open: func(string) (source.Source, error) {
		return &source.Mirrored{Primary: registry{"https://acme"}}, nil
	}}
	route, err := set.Route(ref.Ref{Kind: ref.URL, URL: "https://acme/pdf"})
	if err != nil || route.Registry != "https://acme" || route.Ref.Slug != "pdf" {
		t.Errorf("Route = %+v, %v", route, err)
	}
	if !slices.Equal([]string{route.Ref.String()}, []string{"pdf"}) {
		t.Errorf("Route = %+v", route)
	}
}
