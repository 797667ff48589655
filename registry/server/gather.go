package server

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// What is at most so large is sent as one.
const maxGather = 64 << 10

// Gather returns a listener whose connections send a small answer as one: net/http
// sends the header with the first 4 KiB of the body, and then the rest, which wakes
// whoever reads it twice. ConnContext goes with it.
func Gather(l net.Listener) net.Listener { return gatherer{l} }

type gatherer struct{ net.Listener }

func (g gatherer) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &gathering{Conn: c}, nil
}

type gatherKey struct{}

// ConnContext is that of an http.Server which serves what Gather returned. Of other
// connections, such as those of TLS, it says nothing.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if g, ok := c.(*gathering); ok {
		return context.WithValue(ctx, gatherKey{}, g)
	}
	return ctx
}

// A gathering connection holds the beginning of an answer until all of it is there.
// What it holds when it is closed was part of an answer that broke off.
type gathering struct {
	net.Conn
	body int // bytes of the body that is to come; 0: nothing is held
	held []byte
}

func (g *gathering) Write(p []byte) (int, error) {
	if g.body == 0 {
		return g.Conn.Write(p)
	}
	header := bytes.Index(g.held, []byte("\r\n\r\n"))
	if header < 0 {
		header = bytes.Index(p, []byte("\r\n\r\n"))
	}
	if len(g.held)+len(p) < header+4+g.body || header < 0 && len(g.held) < maxGather {
		g.held = append(g.held, p...)
		return len(p), nil
	}
	first := len(g.held)
	all := net.Buffers{g.held, p}
	n, err := all.WriteTo(g.Conn)
	g.body, g.held = 0, nil
	return max(0, int(n)-first), err
}

// gather makes r's connection send as one the answer whose header this is, if it has
// one that can, and the answer is worth it.
func gather(r *http.Request, status int, h http.Header) {
	if status != http.StatusOK || r.Method != http.MethodGet {
		return
	}
	g, ok := r.Context().Value(gatherKey{}).(*gathering)
	if !ok {
		return
	}
	const oneWrite = 2 << 10 // what goes with its header into the 4 KiB of net/http
	if n, err := strconv.Atoi(h.Get("Content-Length")); err == nil && n > oneWrite && n <= maxGather {
		g.body = n
	}
}

// serveBlob answers with a blob, whose headers are set. What asks for all of it is
// sent without the buffer of http.ServeContent.
func serveBlob(w http.ResponseWriter, r *http.Request, blob io.ReadSeeker, size int64) {
	all, ok := blob.(io.WriterTo)
	if !ok || r.Method != http.MethodGet || !whole(r) {
		http.ServeContent(w, r, "", time.Time{}, blob)
		return
	}
	h := w.Header()
	h["Accept-Ranges"] = []string{"bytes"}
	h["Content-Length"] = []string{strconv.FormatInt(size, 10)}
	w.WriteHeader(http.StatusOK)
	_, _ = all.WriteTo(w)
}

// whole reports whether a request asks for all of something, whatever it is.
func whole(r *http.Request) bool {
	for _, name := range []string{"Range", "If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if r.Header[name] != nil {
			return false
		}
	}
	return true
}
