package blobs

import (
	"container/list"
	"sync"

	"github.com/openskills-go/skills/pkg/digest"
)

// A cache holds the small blobs that were read last, up to a number of bytes.
type cache struct {
	limit int64

	mu    sync.Mutex
	size  int64
	order *list.List // of *kept; the front was used last
	by    map[digest.Digest]*list.Element
}

type kept struct {
	digest digest.Digest
	data   []byte
}

func newCache(limit int64) *cache {
	return &cache{limit: limit, order: list.New(), by: map[digest.Digest]*list.Element{}}
}

func (c *cache) get(d digest.Digest) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.by[d]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*kept).data, true
}

func (c *cache) put(d digest.Digest, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.by[d]; ok || int64(len(data)) > c.limit {
		return
	}
	c.by[d] = c.order.PushFront(&kept{d, data})
	c.size += int64(len(data))
	for c.size > c.limit {
		c.remove(c.order.Back())
	}
}

func (c *cache) drop(d digest.Digest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.by[d]; ok {
		c.remove(e)
	}
}

func (c *cache) remove(e *list.Element) {
	k := c.order.Remove(e).(*kept)
	delete(c.by, k.digest)
	c.size -= int64(len(k.data))
}
