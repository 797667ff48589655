package server

import (
	"container/list"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

const (
	maxAnswer  = 64 << 10 // bytes of one answer that is remembered
	maxAnswers = 16 << 20 // bytes of all
)

// answers remembers what was answered to requests that anyone may make, as long as
// nothing changed.
type answers struct {
	mu         sync.Mutex
	generation int64
	size       int
	order      *list.List // of *answer; the front was asked for last
	by         map[string]*list.Element
}

type answer struct {
	key, kind, etag string
	cache           string
	status          int
	body            []byte

	// Of a download, all of its header, and the skill that it counts for.
	header http.Header
	skill  int64
}

func newAnswers() *answers { return &answers{order: list.New(), by: map[string]*list.Element{}} }

func (a *answers) get(generation int64, key string) *answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	if generation != a.generation {
		a.order.Init()
		clear(a.by)
		a.generation, a.size = generation, 0
	}
	e, ok := a.by[key]
	if !ok {
		return nil
	}
	a.order.MoveToFront(e)
	return e.Value.(*answer)
}

func (a *answers) put(generation int64, one *answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.by[one.key]; ok || generation != a.generation {
		return
	}
	a.by[one.key] = a.order.PushFront(one)
	a.size += len(one.body) + len(one.key)
	for a.size > maxAnswers {
		last := a.order.Back()
		old := a.order.Remove(last).(*answer)
		delete(a.by, old.key)
		a.size -= len(old.body) + len(old.key)
	}
}

// remembered answers from memory what was answered since the last change, with an
// ETag. What names the server by the name it was called has no part in it.
func (s *Server) remembered(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		generation, err := s.catalog.Generation(r.Context())
		if err != nil || s.options.Private || s.options.URL == "" {
			next(w, r)
			return
		}
		key := r.URL.RequestURI()
		one := s.answers.get(generation, key)
		if one == nil {
			held := &holding{header: http.Header{}}
			asked := r
			if r.Method == http.MethodHead {
				asked = r.Clone(r.Context())
				asked.Method = http.MethodGet
			}
			next(held, asked)
			one = &answer{key: key, kind: held.header.Get("Content-Type"), cache: held.header.Get("Cache-Control"), status: held.status, body: held.body}
			sum := sha256.Sum256(held.body)
			one.etag = strconv.Quote(base64.RawURLEncoding.EncodeToString(sum[:18]))
			if (one.status == http.StatusOK || one.status == http.StatusNotFound) && len(one.body) <= maxAnswer && len(key) < 1024 {
				s.answers.put(generation, one)
			}
			for name, values := range held.header {
				if name != "Content-Length" {
					w.Header()[name] = values
				}
			}
		}
		one.write(w, r)
	})
}

func (a *answer) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = []string{a.kind}, []string{a.cache}
	if a.status == http.StatusOK {
		h["Etag"] = []string{a.etag}
		if match := r.Header.Get("If-None-Match"); match != "" && (match == "*" || strings.Contains(match, a.etag)) {
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body)
	}
}

// A holding writer keeps an answer.
type holding struct {
	header http.Header
	status int
	body   []byte
}

func (h *holding) Header() http.Header { return h.header }

func (h *holding) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *holding) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	h.body = append(h.body, p...)
	return len(p), nil
}

// unkept is the generation of what is not to be remembered.
const unkept = -1

// again answers a download as the one before, if nothing changed since. If it did not,
// what is answered now is of the generation that it returns.
func (s *Server) again(w http.ResponseWriter, r *http.Request) (generation int64, done bool) {
	if r.Method != http.MethodGet || s.options.Private || !whole(r) {
		return unkept, false
	}
	generation, err := s.catalog.Generation(r.Context())
	if err != nil {
		return unkept, false
	}
	one := s.answers.get(generation, r.URL.RequestURI())
	if one == nil || one.header == nil {
		return generation, false
	}
	h := w.Header()
	maps.Copy(h, one.header)
	s.catalog.Downloaded(one.skill)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(one.body)
	return generation, true
}

// keep remembers what was answered with a small blob, of the generation that again
// returned. What is read of the blob is read again.
func (s *Server) keep(generation int64, one *answer, blob io.ReadSeeker, size int64) error {
	if generation == unkept || size > maxAnswer || len(one.key) >= 1024 {
		return nil
	}
	one.body = make([]byte, size)
	_, err := io.ReadFull(blob, one.body)
	if err == nil {
		_, err = blob.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("read blob: %w", err)
	}
	all := one.header
	one.header = http.Header{"Accept-Ranges": {"bytes"}, "Content-Length": {strconv.FormatInt(size, 10)}}
	for _, name := range []string{"Content-Type", "Cache-Control", "Etag", "Repr-Digest", "X-Skill-Version", "X-Skill-Yanked", "Content-Disposition"} {
		if values := all[name]; values != nil {
			one.header[name] = values
		}
	}
	s.answers.put(generation, one)
	return nil
}
