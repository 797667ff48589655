package folderserver

import (
	"container/list"
	"sync"

	"github.com/openskills-go/skills/pkg/digest"
)

// An artifact is one version of a skill as it is sent. It does not change.
type artifact struct {
	data    []byte
	digest  digest.Digest
	version string // "" if the registry gives none
	skill   []byte // its SKILL.md
	format  string // media type
	suffix  string // of its file name
}

func (a *artifact) size() int64 { return int64(len(a.data) + len(a.skill)) }

// A key names an artifact at one moment.
type key struct {
	slug, locale, version string
	stamp                 string
}

// String is unique to k, as a slug, a locale and a version hold no newline.
func (k key) String() string { return k.slug + "\n" + k.locale + "\n" + k.version + "\n" + k.stamp }

// A cache holds the artifacts that were used last, up to a sum of bytes. When
// the stamp of one changes, the older one falls out in its turn.
type cache struct {
	limit int64

	mu      sync.Mutex
	size    int64
	entries map[key]*list.Element
	order   *list.List // of entry; most recently used first
}

type entry struct {
	key      key
	artifact *artifact
}

func newCache(limit int64) *cache {
	return &cache{limit: limit, entries: make(map[key]*list.Element), order: list.New()}
}

func (c *cache) load(k key) *artifact {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if !ok {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(entry).artifact
}

func (c *cache) store(k key, a *artifact) {
	if a.size() > c.limit {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[k]; ok {
		c.remove(e)
	}
	c.entries[k] = c.order.PushFront(entry{k, a})
	c.size += a.size()
	for c.size > c.limit {
		c.remove(c.order.Back())
	}
}

func (c *cache) remove(e *list.Element) {
	old := c.order.Remove(e).(entry)
	delete(c.entries, old.key)
	c.size -= old.artifact.size()
}
