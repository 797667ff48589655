package transport

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
)

// A Cache keeps small answers on disk, to ask about them again instead of
// transferring them again. It never answers in place of the server. It may be
// deleted at any time, and used by many processes at once: entries are replaced
// by rename and checked when read, and what cannot be read or written is as good
// as not there. A nil Cache keeps nothing.
type Cache struct{ dir string }

// NewCache returns the cache in a folder, which is made when it is needed.
func NewCache(dir string) *Cache { return &Cache{dir: dir} }

// An entry is one file: a line of JSON about the answer, then its body.
type entry struct {
	URL          string        `json:"url"` // as asked, before redirects
	Accept       string        `json:"accept"`
	ETag         string        `json:"etag,omitempty"`
	LastModified string        `json:"lastModified,omitempty"`
	Digest       digest.Digest `json:"digest"` // of the body

	body []byte
}

func (e *entry) validators() Validators {
	return Validators{ETag: e.ETag, LastModified: e.LastModified}
}

func (c *Cache) file(url, accept string) string {
	sum := sha256.Sum256([]byte(url + "\n" + accept))
	return filepath.Join(c.dir, hex.EncodeToString(sum[:]))
}

// load returns the entry for a URL, or nil if there is none that is whole.
func (c *Cache) load(url, accept string, limit int64) *entry {
	if c == nil {
		return nil
	}
	name := c.file(url, accept)
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > limit+headerLimit {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	e := parseEntry(data)
	if e == nil || e.URL != url || e.Accept != accept || int64(len(e.body)) > limit {
		return nil
	}
	return e
}

func parseEntry(data []byte) *entry {
	head, body, ok := bytes.Cut(data, []byte("\n"))
	var e entry
	if !ok || json.Unmarshal(head, &e) != nil || e.Digest != digest.Of(body) || e.validators().isZero() {
		return nil
	}
	e.body = body
	return &e
}

// store keeps an answer if it can be asked about again and may be kept.
func (c *Cache) store(url, accept string, r *Response) {
	v := validators(r.Header)
	if c == nil || v.isZero() || !mayStore(r) || !tells(r.Header) {
		return
	}
	e := entry{URL: url, Accept: accept, ETag: v.ETag, LastModified: v.LastModified, Digest: digest.Of(r.Body)}
	head, err := json.Marshal(e)
	if err != nil {
		return
	}
	// Errors are dropped from here on: without the cache everything works.
	if os.MkdirAll(c.dir, 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(c.dir, ".new-*")
	if err != nil {
		return
	}
	_, err = f.Write(append(append(head, '\n'), r.Body...))
	if closed := f.Close(); err != nil || closed != nil || os.Rename(f.Name(), c.file(url, accept)) != nil {
		_ = os.Remove(f.Name())
	}
}

// tells reports whether what validates an answer would be another for another one.
// A time alone counts in seconds: what was modified in the second in which it was
// sent may have been so again in the same one (RFC 9110, 8.8.2.2).
func tells(h http.Header) bool {
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	sent, errSent := http.ParseTime(h.Get("Date"))
	return h.Get("Etag") != "" || err != nil || errSent != nil || sent.After(modified)
}

func mayStore(r *Response) bool {
	for _, line := range r.Header.Values("Cache-Control") {
		for directive := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(directive), "no-store") {
				return false
			}
		}
	}
	return strings.TrimSpace(r.Header.Get("Vary")) != "*" && r.Header.Get("Set-Cookie") == ""
}
