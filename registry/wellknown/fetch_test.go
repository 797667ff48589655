package wellknown_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/wellknown"
)

// locked returns what a lock would have of a skill, with the address of its
// artifact.
func locked(t *testing.T, s *site, name string) source.Pin {
	t.Helper()
	r := open(t, s.URL)
	pin, err := r.Resolve(t.Context(), named(name), "")
	if err != nil {
		t.Fatal(err)
	}
	var sink sourcetest.Sink
	if _, err := r.Fetch(t.Context(), pin, &sink); err != nil {
		t.Fatal(err)
	}
	result, err := archive.Unpack(t.Context(), bytes.NewReader(sink.Bytes()), sink.Offset(), nil, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.requests()
	return source.Pin{
		Registry: r.URL(), Slug: name, URL: pin.URL, Artifact: digest.Of(sink.Bytes()), Tree: result.Tree.Digest(),
		Version: version.FromTree(result.Tree.Digest()), Trust: source.FromRegistry,
	}
}

// errOther says that the artifact comes that the index has now.
var errOther = errors.New("another artifact")

func TestFetchByPin(t *testing.T) {
	oldPDF := pack(t, map[string]string{"SKILL.md": skillText("pdf", "one"), "scripts/run.sh": "#!/bin/sh\n"})
	newPDF := pack(t, map[string]string{"SKILL.md": skillText("pdf", "two")})
	for _, test := range []struct {
		name   string
		skill  string
		change func(s *site, p *source.Pin)
		asks   []string
		want   error // nil: the bytes of the pin
	}{
		{"where it was", "pdf", func(*site, *source.Pin) {}, []string{pdfFile}, nil},
		{"where the SKILL.md was", "bare", func(*site, *source.Pin) {}, []string{bareFile}, nil},
		{"no address", "pdf", func(_ *site, p *source.Pin) { p.URL = "" }, []string{indexPath, pdfFile}, nil},
		{"moved", "pdf", func(s *site, _ *source.Pin) {
			delete(s.files, pdfFile[1:])
			s.put("/moved.zip", oldPDF)
			s.put(indexPath, indexOf(t, schema, entry("pdf", "archive", "/moved.zip", oldPDF)))
		}, []string{pdfFile, indexPath, "/moved.zip"}, nil},
		{"another is in its place", "pdf", func(s *site, _ *source.Pin) {
			s.put(pdfFile, newPDF)
			s.put("/v1/pdf.zip", oldPDF)
			s.put(indexPath, indexOf(t, schema, entry("pdf", "archive", "/v1/pdf.zip", oldPDF)))
		}, []string{pdfFile, indexPath, "/v1/pdf.zip"}, nil},
		{"another is in its place and in the index", "pdf", func(s *site, _ *source.Pin) {
			s.put(pdfFile, newPDF)
			s.put(indexPath, indexOf(t, schema, entry("pdf", "archive", "pdf.zip", newPDF)))
		}, []string{pdfFile, indexPath, pdfFile}, errOther},
		{"another, and the index knows nothing of it", "pdf", func(s *site, _ *source.Pin) { s.put(pdfFile, newPDF) },
			[]string{pdfFile, indexPath}, &digest.MismatchError{}},
		{"another SKILL.md is in its place", "bare", func(s *site, _ *source.Pin) { s.put(bareFile, []byte("---\nname: bare\n")) },
			[]string{bareFile, indexPath}, &digest.MismatchError{}},
		{"gone", "pdf", func(s *site, _ *source.Pin) {
			delete(s.files, pdfFile[1:])
			s.put(indexPath, indexOf(t, schema, entry("other", "archive", "other.zip", newPDF)))
		}, []string{pdfFile, indexPath}, source.ErrNotFound},
		{"the index is gone as well", "pdf", func(s *site, _ *source.Pin) { clear(s.files) },
			[]string{pdfFile, indexPath, oldSkills + "index.json"}, source.ErrNotFound},
		{"a newer version only", "kept", func(s *site, p *source.Pin) {
			p.URL, p.Version = "", "1.2.0"
			next := entry("kept", "archive", "/kept.zip", newPDF)
			next["version"] = "2.0.0"
			s.put(indexPath, indexOf(t, schema, next))
		}, []string{indexPath}, version.ErrNoMatch},
		{"no name", "pdf", func(_ *site, p *source.Pin) { p.Slug = "../pdf" }, nil, source.ErrNotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := sample(t, "")
			pin := locked(t, s, test.skill)
			want := pin.Artifact
			test.change(s, &pin)
			var sink sourcetest.Sink
			receipt, err := open(t, s.URL).Fetch(t.Context(), pin, &sink)
			if diff := cmp.Diff(test.asks, s.requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			_, mismatch := errors.AsType[*digest.MismatchError](err)
			_, wantMismatch := errors.AsType[*digest.MismatchError](test.want)
			switch {
			case errors.Is(test.want, errOther):
				// Whether it has the files of the lock is for who unpacks it to see.
				if err != nil || receipt.Artifact != digest.Of(newPDF) || digest.Of(sink.Bytes()) != receipt.Artifact {
					t.Errorf("Fetch: %+v, %v", receipt, err)
				}
			case wantMismatch != mismatch, !wantMismatch && !errors.Is(err, test.want):
				t.Fatalf("Fetch: %v, want %v", err, test.want)
			case err == nil && digest.Of(sink.Bytes()) != want:
				t.Error("what came is not what the pin names")
			case err == nil && (receipt.Artifact == "") != (test.skill == "bare"), err == nil && receipt.Artifact == "" && !receipt.Repacked:
				t.Errorf("the receipt is %+v", receipt)
			}
		})
	}
}

// Where the index was read and has moved on, what a lock has may still be there.
func TestFetchOfWhatTheIndexLeft(t *testing.T) {
	s := sample(t, "")
	pin := locked(t, s, "pdf")
	other := pack(t, map[string]string{"SKILL.md": skillText("pdf", "two")})
	s.put("/v2.zip", other)
	s.put(indexPath, indexOf(t, schema, entry("pdf", "archive", "/v2.zip", other)))
	r := open(t, s.URL)
	if _, err := r.List(t.Context(), ref.Ref{}); err != nil {
		t.Fatal(err)
	}
	var sink sourcetest.Sink
	if _, err := r.Fetch(t.Context(), pin, &sink); err != nil || digest.Of(sink.Bytes()) != pin.Artifact {
		t.Errorf("Fetch: %v", err)
	}
	s.did(t, indexPath, pdfFile)
}

// A web makes names out of addresses of this machine.
func web(t *testing.T, hosts map[string]*site) *transport.Client {
	t.Helper()
	c, err := transport.New(transport.Options{
		Attempts: 1,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			s, ok := hosts[strings.TrimSuffix(address, ":80")]
			if !ok {
				return nil, fmt.Errorf("no such host: %s", address)
			}
			var d net.Dialer
			return d.DialContext(ctx, network, s.Listener.Addr().String())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// Artifacts may be on other hosts, but an index of the web leads into no private
// network, whether directly or by way of another host.
func TestOtherOrigins(t *testing.T) {
	docs, cdn := newSite(t, fstest.MapFS{}), newSite(t, fstest.MapFS{})
	c := web(t, map[string]*site{"docs.example.com": docs, "cdn.example.net": cdn})
	data := pack(t, map[string]string{"SKILL.md": skillText("pdf", "one")})
	cdn.put("/v7/pdf.zip", data)
	list := func(url string) []byte {
		return indexOf(t, schema, entry("pdf", "archive", url, data))
	}
	fetch := func() error {
		r, err := wellknown.New(wellknown.Options{URL: "http://docs.example.com", Client: c})
		if err != nil {
			t.Fatal(err)
		}
		pin, err := r.Resolve(t.Context(), named("pdf"), "")
		if err != nil {
			return err
		}
		_, err = r.Fetch(t.Context(), pin, new(sourcetest.Sink))
		return err
	}
	docs.put(indexPath, list("http://cdn.example.net/v7/pdf.zip"))
	if err := fetch(); err != nil {
		t.Errorf("another origin: %v", err)
	}
	for _, url := range []string{
		docs.URL + "/x.zip", "http://localhost/x.zip", "http://10.0.0.1/x.zip", "http://169.254.169.254/latest", "http://[::1]/x", "http://2130706433/",
	} {
		docs.put(indexPath, list(url))
		_, refused := errors.AsType[*transport.AddressError](fetch())
		_, odd := errors.AsType[*transport.URLError](fetch())
		if !refused && !odd {
			t.Errorf("%s: %v", url, fetch())
		}
	}

	// The index itself is on another host: its addresses are relative to there.
	docs.handle(indexPath, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://cdn.example.net/v7/index.json", http.StatusMovedPermanently)
	})
	cdn.put("/v7/index.json", list("pdf.zip"))
	if err := fetch(); err != nil {
		t.Errorf("an index elsewhere: %v", err)
	}
	cdn.put("/v7/index.json", list("http://127.0.0.1/pdf.zip"))
	if _, ok := errors.AsType[*transport.AddressError](fetch()); !ok {
		t.Errorf("an index elsewhere that leads inside: %v", fetch())
	}
	docs.handle(indexPath, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, docs.URL+"/index.json", http.StatusFound)
	})
	if _, ok := errors.AsType[*transport.AddressError](fetch()); !ok {
		t.Errorf("an index that is sent inside: %v", fetch())
	}
}

// However many ask at once, the index is asked for once; who gives up takes
// nobody along.
func TestIndexIsAskedForOnce(t *testing.T) {
	for name, files := range map[string]bool{"an index": true, "none": false} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, fstest.MapFS{})
			if files {
				s = sample(t, "")
			}
			r := open(t, s.URL)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := r.Resolve(ctx, named("pdf"), ""); !errors.Is(err, context.Canceled) {
				t.Errorf("Resolve: %v", err)
			}
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					_, err := r.Resolve(t.Context(), named("pdf"), "")
					if (err == nil) != files || err != nil && !errors.Is(err, source.ErrNotFound) {
						t.Errorf("Resolve: %v", err)
					}
				})
				wg.Go(func() { _ = r.Warnings() })
			}
			wg.Wait()
			want := []string{indexPath}
			if !files {
				want = append(want, oldSkills+"index.json")
			}
			s.did(t, want...)
		})
	}
}

func TestLooseFilesAreBounded(t *testing.T) {
	s := newSite(t, fstest.MapFS{})
	names := []string{"SKILL.md"}
	s.put(oldSkills+"old/SKILL.md", []byte(skillText("old", "one")))
	for i := range 10 {
		names = append(names, fmt.Sprint(i))
		s.put(oldSkills+fmt.Sprintf("old/%d", i), make([]byte, 1000))
	}
	s.put(oldSkills+"index.json", indexOf(t, "", object{"name": "old", "files": names}))
	for _, test := range []struct {
		limits archive.Limits
		want   bool
	}{
		{archive.Limits{}, true},
		{archive.Limits{Download: 10_200}, true},
		{archive.Limits{Download: 9_999}, false},
		{archive.Limits{File: 999}, false},
	} {
		r, err := wellknown.New(wellknown.Options{URL: s.URL, Client: client(t), Limits: test.limits})
		if err != nil {
			t.Fatal(err)
		}
		pin, err := r.Resolve(t.Context(), named("old"), "")
		if err != nil || pin.Trust != source.FirstUse || pin.Artifact != "" || pin.Tree != "" {
			t.Fatalf("Resolve = %+v, %v", pin, err)
		}
		_, err = r.Fetch(t.Context(), pin, new(sourcetest.Sink))
		_, all := errors.AsType[*archive.LimitError](err)
		_, one := errors.AsType[*transport.LimitError](err)
		if (err == nil) != test.want || err != nil && !all && !one {
			t.Errorf("%+v: %v", test.limits, err)
		}
	}
}

func TestArtifactIsBounded(t *testing.T) {
	s := newSite(t, fstest.MapFS{})
	data := []byte(skillText("pdf", strings.Repeat("long ", 1<<19)))
	s.put("/pdf", data)
	s.put(indexPath, indexOf(t, schema, entry("pdf", "skill-md", "/pdf", data)))
	r := open(t, s.URL)
	pin, err := r.Resolve(t.Context(), named("pdf"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Fetch(t.Context(), pin, new(sourcetest.Sink)); !errors.Is(err, archive.ErrRefused) {
		t.Errorf("a SKILL.md of megabytes: %v", err)
	}
}
