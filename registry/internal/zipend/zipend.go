// Package zipend tells whether a zip that comes in pieces has its end.
package zipend

import "bytes"

const (
	entrySignature = "PK\x03\x04"
	endSignature   = "PK\x05\x06"
)

// A Watch looks for the signature of the record that ends a zip. That one could
// also be inside an entry does no harm: what is then missing, unpacking it says.
// The zero value has seen nothing.
type Watch struct {
	missing bool
	tail    []byte // of what was seen: the signature may come in two pieces
}

// Missing reports whether what came begins like a zip and has no end. It is false
// of a zip that was not seen from its beginning.
func (w *Watch) Missing() bool { return w.missing }

// See looks at more of an answer, or at its beginning.
func (w *Watch) See(p []byte, first bool) {
	w.missing = w.missing || first && bytes.HasPrefix(p, []byte(entrySignature))
	if !w.missing {
		return
	}
	edge := append(w.tail, p[:min(len(p), len(endSignature)-1)]...)
	if bytes.Contains(edge, []byte(endSignature)) || bytes.Contains(p, []byte(endSignature)) {
		w.missing = false
		return
	}
	if len(p) >= len(endSignature)-1 {
		edge = p
	}
	w.tail = bytes.Clone(edge[max(0, len(edge)-len(endSignature)+1):])
}
