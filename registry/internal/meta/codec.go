package meta

import (
	"encoding/json"
	"fmt"
	"time"
)

// Times are microseconds since 1970, and 0 for the zero time; lists and maps are
// JSON.

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// clock scans a time.
type clock struct{ t *time.Time }

func (c clock) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("scan time: it is a %T", v)
	}
	if *c.t = (time.Time{}); n != 0 {
		*c.t = time.UnixMicro(n).UTC()
	}
	return nil
}

func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return "null" // no type of this package is without JSON
	}
	return string(data)
}

// jsonOf scans JSON.
type jsonOf struct{ v any }

func (j jsonOf) Scan(v any) error {
	switch v := v.(type) {
	case string:
		return json.Unmarshal([]byte(v), j.v)
	case []byte:
		return json.Unmarshal(v, j.v)
	}
	return fmt.Errorf("scan JSON: it is a %T", v)
}

// hash scans 32 bytes.
type hash struct{ h *[32]byte }

func (h hash) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(h.h) {
		return fmt.Errorf("scan hash: it is %d bytes of %T", len(b), v)
	}
	copy(h.h[:], b)
	return nil
}

// flag scans a truth value that is a number.
type flag struct{ b *bool }

func (f flag) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("scan flag: it is a %T", v)
	}
	*f.b = n != 0
	return nil
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
