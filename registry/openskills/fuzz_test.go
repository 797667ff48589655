package openskills

import (
	"bytes"
	"net/url"
	"testing"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
)

// What an answer is does not depend on the pieces in which it comes, and what
// is made of it can be unpacked, or is refused.
func FuzzIntake(f *testing.F) {
	f.Add([]byte("PK\x03\x04 and so on"), 1)
	f.Add([]byte("---\nname: demo\ndescription: d\n---\n"), 3)
	f.Add([]byte(`{"files":[{"path":"SKILL.md","content":"---\nname: a\ndescription: d\n---\n"}]}`), 7)
	f.Add([]byte(`{"data":{"url":"/x"}}`), 512)
	f.Add([]byte(`[{"name":"../x","contents":"","encoding":"base64"}]`), 5)
	f.Add([]byte(`{"error":{"message":"no"}}`), 2)
	f.Add([]byte("\x1f\x8b\x08\x00"), 2)
	f.Add(bytes.Repeat([]byte{0}, 1024), 100)
	f.Fuzz(func(t *testing.T, answer []byte, piece int) {
		piece = max(1, min(piece, 1<<16))
		var whole, parts sourcetest.Sink
		first, second := newIntake(&whole), newIntake(&parts)
		_, _ = first.Write(answer)
		for rest := answer; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
			_, _ = second.Write(rest[:min(piece, len(rest))])
		}
		if first.Offset() != int64(len(answer)) || second.Offset() != int64(len(answer)) {
			t.Fatalf("%d and %d bytes are held of %d", first.Offset(), second.Offset(), len(answer))
		}
		if first.Passing != second.Passing && !isGzip(answer) {
			t.Fatalf("the whole passes: %v, the parts: %v", first.Passing, second.Passing)
		}
		if first.Passing {
			return
		}
		content, err := read(first.Held, "text/plain")
		if err != nil {
			_ = err.Error()
			return
		}
		if _, err := resolveURL("https://example.com/api", content.url); err == nil && content.url != "" {
			return
		}
		var packed bytes.Buffer
		if _, err := archive.PackFiles(t.Context(), &packed, content.files); err != nil {
			return
		}
		if _, err := archive.Unpack(t.Context(), bytes.NewReader(packed.Bytes()), int64(packed.Len()), nil, archive.Options{}); err != nil {
			t.Errorf("what was packed is refused: %v", err)
		}
	})
}

// A slug that an address stands for is one, and its address is ours.
func FuzzMatch(f *testing.F) {
	r, err := New(Options{URL: "https://example.com/base"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("https://example.com/base/skills/demo")
	f.Add("https://example.com/base/zh/skills/%2e%2e")
	f.Add("https://example.com/base/api/download?slug=a&locale=zh")
	f.Fuzz(func(t *testing.T, s string) {
		found, ok := r.Match(s)
		if !ok {
			return
		}
		if !ref.ValidSlug(found.Slug) {
			t.Errorf("%q matches %q, which is no slug", s, found.Slug)
		}
		pin, err := r.Resolve(t.Context(), found, "")
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(pin.URL)
		if err != nil || u.Host != "example.com" || u.Query().Get("slug") != found.Slug {
			t.Errorf("%q leads to %q", s, pin.URL)
		}
	})
}

// Hits can be installed by their slugs, whatever the answer is.
func FuzzHits(f *testing.F) {
	f.Add([]byte(`{"results":[{"slug":"a"}],"skills":[{"id":"b"}]}`))
	f.Add([]byte(`[{"slug":"../a","name":"b"}]`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		hits, err := readHits(answer)
		if err != nil {
			return
		}
		for _, h := range hits {
			if !ref.ValidSlug(h.Slug) {
				t.Errorf("hit with slug %q", h.Slug)
			}
		}
	})
}
