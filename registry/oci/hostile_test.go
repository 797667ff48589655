package oci_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/oci"
)

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func isErr(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func saying(text string) func(error) bool {
	return func(err error) bool { return err != nil && strings.Contains(err.Error(), text) }
}

// checkText sees that an error can be shown to anyone.
func checkText(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	if len(text) > 600 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) || strings.Contains(text, "hunter2") {
		t.Errorf("error reads %q", text)
	}
}

// answer sends a body as it is, with a digest in the header that may be a lie.
func answer(w http.ResponseWriter, mediaType, claim, body string) {
	w.Header().Set("Content-Type", mediaType)
	if claim != "" {
		w.Header().Set("Docker-Content-Digest", claim)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = io.WriteString(w, body)
}

// What a registry says a manifest is must be so, and bounded.
func TestHostileManifests(t *testing.T) {
	sum := func(s string) string { return string(digest.Of([]byte(s))) }
	const good = `{"schemaVersion":2,"mediaType":"` + mediaManifest + `","layers":[]}`
	layer := func(more string) string {
		return `{"schemaVersion":2,"layers":[{"mediaType":"` + typeContent + `","digest":"` + sum("x") + `","size":1` + more + `}]}`
	}
	for name, test := range map[string]struct {
		serve func(w http.ResponseWriter, r *http.Request)
		want  func(error) bool
	}{
		"another digest": {func(w http.ResponseWriter, _ *http.Request) { answer(w, mediaManifest, sum("x"), good) },
			isA[*digest.MismatchError]},
		"a digest that is none": {func(w http.ResponseWriter, _ *http.Request) { answer(w, mediaManifest, "sha256:zz", good) },
			isA[*oci.AnswerError]},
		"a web page": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, "text/html; charset=utf-8", sum("x"), "<html>")
		},
			saying(`a "text/html" came`)},
		"no type": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			answer(w, "", "", good)
		}, isA[*oci.AnswerError]},
		"a blob": {func(w http.ResponseWriter, _ *http.Request) { answer(w, typeContent, "", "x") }, isA[*oci.AnswerError]},
		"two types": {func(w http.ResponseWriter, _ *http.Request) { answer(w, mediaIndex, "", good) },
			saying("calls itself")},
		"image and index": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, mediaManifest, "", `{"layers":[],"manifests":[]}`)
		}, saying("in one")},
		"an index called image": {func(w http.ResponseWriter, _ *http.Request) { answer(w, mediaManifest, "", `{"manifests":[]}`) },
			saying("not what its type says")},
		"not JSON":       {func(w http.ResponseWriter, _ *http.Request) { answer(w, mediaManifest, "", "\x1b[2J") }, isA[*oci.AnswerError]},
		"more than JSON": {func(w http.ResponseWriter, _ *http.Request) { answer(w, mediaManifest, "", good+"{}") }, isA[*oci.AnswerError]},
		"wrong types":    {func(w http.ResponseWriter, _ *http.Request) { answer(w, mediaManifest, "", `{"layers":{"a":1}}`) }, isA[*oci.AnswerError]},
		"deep JSON": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, mediaManifest, "", `{"annotations":`+strings.Repeat("[", 1<<20))
		}, isA[*oci.AnswerError]},
		"nulls": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, mediaManifest, "", `{"mediaType":null,"config":null,"layers":null,"annotations":{"a":null}}`)
		}, isA[*oci.NoSkillError]},
		"5 MiB": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, mediaManifest, sum("x"), good+strings.Repeat(" ", 5<<20))
		}, saying("over the limit")},
		"a size of 2^62": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", mediaManifest)
			w.Header().Set("Docker-Content-Digest", sum("x"))
			w.Header().Set("Content-Length", strconv.FormatInt(1<<62, 10))
			_, _ = io.WriteString(w, good)
		}, saying("over the limit")},
		"without end": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", mediaManifest)
			for r.Context().Err() == nil && r.Method == http.MethodGet {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<20)); err != nil {
					return
				}
			}
		}, func(err error) bool { return err != nil }},
		"500": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, strings.Repeat("no\x1b ", 1<<16), 500) }, isA[*transport.StatusError]},
		"an error": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"errors":[{"code":"DENIED","message":"no\u001b[2J"}]}`, http.StatusForbidden)
		}, isErr(source.ErrAuth)},
		"withheld": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusNotFound) }, isErr(source.ErrNotFound)},
		"to a private host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://10.255.255.1/x?sig=hunter2", http.StatusFound)
		}, saying("http is for this machine only")},
		"to another scheme": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, func(err error) bool { return err != nil }},
		"a layer of another digest": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, mediaManifest, "", strings.Replace(layer(""), sum("x"), "sha512:"+strings.Repeat("0", 128), 1))
		}, isA[*oci.AnswerError]},
		"a layer of -1 bytes": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, mediaManifest, "", strings.Replace(layer(""), `"size":1`, `"size":-1`, 1))
		}, isA[*oci.AnswerError]},
		"a layer of 2^62 bytes": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, mediaManifest, "", strings.Replace(layer(""), `"size":1`, `"size":4611686018427387904`, 1))
		}, isA[*archive.LimitError]},
		"a layer kept elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			answer(w, mediaManifest, "", layer(`,"urls":["http://`+r.Host+`/elsewhere"]`))
		}, isA[*oci.NoSkillError]},
		"no archive": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, mediaManifest, "", strings.Replace(layer(""), "tar+gzip", "tar+zstd", 1))
		}, isA[*oci.NoSkillError]},
		"an image of two layers": {func(w http.ResponseWriter, _ *http.Request) {
			l := `{"mediaType":"` + mediaLayer + `","digest":"` + sum("x") + `","size":1}`
			answer(w, mediaManifest, "", `{"config":{"mediaType":"`+mediaImage+`"},"layers":[`+l+`,`+l+`]}`)
		}, saying("an image of 2 layers")},
		"an index of nothing": {func(w http.ResponseWriter, _ *http.Request) { answer(w, mediaIndex, "", `{"manifests":null}`) },
			isA[*oci.NoSkillError]},
		"an index of very much": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, mediaIndex, "", `{"manifests":[{}`+strings.Repeat(`,{}`, 1000)+`]}`)
		}, saying("more than 1000")},
		"an index of a large manifest": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, mediaIndex, "", `{"manifests":[{"mediaType":"`+mediaManifest+`","digest":"`+sum("x")+`","size":4611686018427387904}]}`)
		}, saying("over the limit")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				test.serve(w, r)
				return true
			}
			p, err := open(t).Resolve(t.Context(), s.ref("o/pdf:1.0.0"), "")
			checkText(t, err)
			if err == nil || !test.want(err) {
				t.Errorf("Resolve = %+v, %T %v", p, err, err)
			}
			for _, line := range s.asked() {
				if !strings.HasSuffix(line, " /v2/o/pdf/manifests/1.0.0") {
					t.Errorf("asked %s", line)
				}
			}
		})
	}
}

// Indexes that lead to indexes end, whether the registry tells the truth or not.
func TestHostileIndexes(t *testing.T) {
	s := newServer(t)
	next := s.usual("o/deep", skillText)
	for range 4 {
		next = s.pushJSON("o/deep", mediaIndex, item{"manifests": []item{next}})
	}
	if _, err := open(t).Resolve(t.Context(), s.ref("o/deep@"+next["digest"].(string)), ""); !isA[*oci.NoSkillError](err) {
		t.Errorf("a deep index: %v", err)
	}
	one := s.pushJSON("o/two", mediaIndex, item{"manifests": []item{s.usual("o/two", skillText)}})
	s.pushJSON("o/two", mediaIndex, item{"manifests": []item{one}}, "latest")
	if p, err := open(t).Resolve(t.Context(), s.ref("o/two"), ""); err != nil || p.Artifact == "" {
		t.Errorf("an index of an index: %v", err)
	}

	// A loop can only be made of lies about digests.
	claim := string(digest.Of([]byte("x")))
	loop := `{"manifests":[{"mediaType":"` + mediaIndex + `","digest":"` + claim + `","size":1}]}`
	s.before = func(w http.ResponseWriter, _ *http.Request) bool {
		answer(w, mediaIndex, claim, loop)
		return true
	}
	s.asked()
	if _, err := open(t).Resolve(t.Context(), s.ref("o/loop@"+claim), ""); !isA[*digest.MismatchError](err) || len(s.asked()) != 1 {
		t.Errorf("a loop: %v", err)
	}

	// Several platforms that differ are no skill, unless one is ours.
	s.before = nil
	var entries []item
	for i, arch := range []string{"s390x", "riscv64"} {
		entries = append(entries, with(s.usual("o/differs", skillText+strconv.Itoa(i)), "platform", item{"os": "plan9", "architecture": arch}))
	}
	s.pushJSON("o/differs", mediaIndex, item{"manifests": entries}, "latest")
	if _, err := open(t).Resolve(t.Context(), s.ref("o/differs"), ""); !isA[*oci.NoSkillError](err) {
		t.Errorf("platforms that differ: %v", err)
	}
	// The size that an index notes must be that of the manifest.
	lie := with(s.usual("o/lie", skillText), "size", 7)
	s.pushJSON("o/lie", mediaIndex, item{"manifests": []item{lie}}, "latest")
	if _, err := open(t).Resolve(t.Context(), s.ref("o/lie"), ""); !isA[*oci.AnswerError](err) {
		t.Errorf("a size that is a lie: %v", err)
	}
}

// Lists of tags end, and do not lead elsewhere.
func TestHostileTags(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	t.Cleanup(other.Close)
	for name, test := range map[string]struct {
		link string
		tags int
		most int // requests
	}{
		"without end":     {"</v2/o/pdf/tags/list?last=x>; rel=\"next\"", 1, 20},
		"to another host": {"<" + other.URL + "/v2/o/pdf/tags/list?sig=hunter2>; rel=\"next\"", 1, 1},
		"too many":        {"</v2/o/pdf/tags/list?last=x>; rel=\"next\"", 3000, 4},
	} {
		s := newServer(t)
		s.before = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Link", test.link)
			_ = json.NewEncoder(w).Encode(map[string]any{"name": "o/pdf", "tags": strings.Split(strings.Repeat("1.0.0,", test.tags), ",")})
			return true
		}
		_, err := open(t).Versions(t.Context(), s.ref("o/pdf"))
		checkText(t, err)
		if asked := len(s.asked()); !isA[*oci.AnswerError](err) || asked > test.most || elsewhere > 0 {
			t.Errorf("%s: %d requests, %v", name, asked, err)
		}
	}
	for _, body := range []string{`{"tags":null}`, `{"name":"x","tags":["\u001b[2J","../x","1.0","v1.2","01.0.0"]}`} {
		s := newServer(t)
		s.before = func(w http.ResponseWriter, _ *http.Request) bool {
			answer(w, "application/json", "", body)
			return true
		}
		if v, err := open(t).Versions(t.Context(), s.ref("o/pdf")); err != nil || len(v) > 0 {
			t.Errorf("%s: %v, %v", body, v, err)
		}
	}
}

// Only the bytes that the manifest names, all of them, are an artifact.
func TestHostileBlobs(t *testing.T) {
	whole := gz(tarOf(t, "pdf/", skillText))
	size := strconv.Itoa(len(whole))
	for name, test := range map[string]struct {
		serve    func(w http.ResponseWriter, r *http.Request)
		want     func(error) bool // nil: it arrives
		requests int
	}{
		"other bytes": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, "x/y", "", strings.Repeat("x", len(whole)))
		}, isA[*digest.MismatchError], 1},
		"more": {func(w http.ResponseWriter, _ *http.Request) { answer(w, "x/y", "", string(whole)+"x") }, isA[*oci.AnswerError], 1},
		"less": {func(w http.ResponseWriter, _ *http.Request) { answer(w, "x/y", "", "x") }, isA[*oci.AnswerError], 1},
		"more, unsaid": {func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = w.Write(append(slices.Clip(whole), 'x'))
		}, isErr(digest.ErrSize), 1},
		"less, unsaid": {func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = w.Write(whole[1:])
		}, isErr(digest.ErrSize), 1},
		"another digest in the header": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, "x/y", string(digest.Of(nil)), string(whole))
		}, isA[*oci.AnswerError], 1},
		"broken off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", size)
			_, _ = w.Write(whole[:20])
		}, isA[*transport.NetworkError], 4},
		"broken off, with a range that is none": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Accept-Ranges", "bytes")
			w.Header().Set("Content-Length", size)
			_, _ = w.Write(whole[:20])
		}, func(err error) bool { return err != nil }, 100},
		"gone":         {func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }, isErr(source.ErrNotFound), 1},
		"forbidden":    {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusForbidden) }, isErr(source.ErrAuth), 1},
		"a wrong type": {func(w http.ResponseWriter, _ *http.Request) { answer(w, "text/html", "", string(whole)) }, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.usual("o/pdf", skillText, "1.0.0")
			p, err := open(t).Resolve(t.Context(), s.ref("o/pdf:1.0.0"), "")
			if err != nil {
				t.Fatal(err)
			}
			s.asked()
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				test.serve(w, r)
				return true
			}
			sink := &sourcetest.Sink{Data: []byte("left over")}
			_, err = open(t).Fetch(t.Context(), p, sink)
			checkText(t, err)
			if asked := len(s.asked()); asked > test.requests {
				t.Errorf("%d requests", asked)
			}
			if test.want == nil && (err != nil || digest.Of(sink.Bytes()) != p.Artifact) || test.want != nil && (err == nil || !test.want(err)) {
				t.Errorf("Fetch = %T %v", err, err)
			}
			p.Size, s.before = archive.DefaultLimits().Download+1, nil
			if _, err := open(t).Fetch(t.Context(), p, sink); !isA[*archive.LimitError](err) || len(s.asked()) > 0 {
				t.Errorf("Fetch of much = %v", err)
			}
		})
	}
}

// What broke off is continued where the registry can do that, and begun again
// where it cannot.
func TestBrokenOff(t *testing.T) {
	for _, ranges := range []bool{true, false} {
		s := newServer(t)
		s.usual("o/pdf", skillText, "1.0.0")
		p, err := open(t).Resolve(t.Context(), s.ref("o/pdf:1.0.0"), "")
		if err != nil {
			t.Fatal(err)
		}
		whole := gz(tarOf(t, "pdf/", skillText))
		var asked []string
		s.before = func(w http.ResponseWriter, r *http.Request) bool {
			asked = append(asked, r.Header.Get("Range"))
			if ranges {
				w.Header().Set("Accept-Ranges", "bytes")
			}
			var first int
			if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &first); err == nil {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, len(whole)-1, len(whole)))
				w.Header().Set("Content-Length", strconv.Itoa(len(whole)-first))
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(whole[first:])
				return true
			}
			w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
			if !ranges && len(asked) > 1 {
				_, _ = w.Write(whole)
			} else {
				_, _ = w.Write(whole[:20])
			}
			return true
		}
		var sink sourcetest.Sink
		if _, err := open(t).Fetch(t.Context(), p, &sink); err != nil || digest.Of(sink.Bytes()) != p.Artifact {
			t.Errorf("ranges %v: %v, asked %q", ranges, err, asked)
		}
		if last := asked[len(asked)-1]; ranges && !strings.HasPrefix(last, "bytes=20-") {
			t.Errorf("asked %q", asked)
		}
	}
}

// A tag that moves after it was resolved changes nothing about what was resolved.
func TestTagMoves(t *testing.T) {
	s := newServer(t)
	s.usual("o/pdf", skillText, "1.0.0")
	src := open(t)
	p, err := src.Resolve(t.Context(), s.ref("o/pdf:1.0.0"), "")
	if err != nil {
		t.Fatal(err)
	}
	s.usual("o/pdf", skillText+"moved\n", "1.0.0")
	for _, known := range []digest.Digest{p.Artifact, ""} {
		pin := p
		pin.Artifact = known
		var sink sourcetest.Sink
		if _, err := src.Fetch(t.Context(), pin, &sink); err != nil || digest.Of(sink.Bytes()) != p.Artifact {
			t.Errorf("Fetch = %v", err)
		}
	}
	if moved, err := src.Resolve(t.Context(), s.ref("o/pdf:1.0.0"), ""); err != nil || moved.Artifact == p.Artifact {
		t.Errorf("Resolve = %+v, %v", moved, err)
	}
}

// A pin comes from a lock, which anyone may have written.
func TestHostilePins(t *testing.T) {
	s := newServer(t)
	s.usual("o/pdf", skillText, "1.0.0")
	good, err := open(t).Resolve(t.Context(), s.ref("o/pdf:1.0.0"), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(p *source.Pin){
		"a web address":    func(p *source.Pin) { p.URL = s.URL + "/o/pdf" },
		"a tag in it":      func(p *source.Pin) { p.URL += ":1.0.0" },
		"a file":           func(p *source.Pin) { p.URL = "file:///etc/passwd" },
		"a path":           func(p *source.Pin) { p.URL += "/../../x" },
		"a tree digest":    func(p *source.Pin) { p.Artifact = digest.OfTree(nil) },
		"no digest":        func(p *source.Pin) { p.Artifact = "sha256:../../../etc/passwd" },
		"another revision": func(p *source.Pin) { p.Artifact, p.Revision = "", string(digest.Of(nil)) },
		"a wrong revision": func(p *source.Pin) { p.Artifact, p.Revision = "", "../../x" },
		"a wrong size":     func(p *source.Pin) { p.Size++ },
	} {
		p := good
		change(&p)
		s.asked()
		if _, err := open(t).Fetch(t.Context(), p, new(sourcetest.Sink)); err == nil {
			t.Errorf("%s: it is fetched", name)
		} else {
			checkText(t, err)
		}
		for _, line := range s.asked() {
			if !strings.Contains(line, "/v2/o/pdf/") || strings.Contains(line, "..") {
				t.Errorf("%s: asked %s", name, line)
			}
		}
	}
}
