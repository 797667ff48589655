package transport

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
)

// A Sink takes the bytes of one artifact. It may hold the beginning of it from
// an interrupted attempt, which a Client continues if the server can, and drops
// if not. It is used by one goroutine at a time.
type Sink interface {
	io.Writer
	// Offset returns how many bytes the sink holds.
	Offset() int64
	// Validator returns the strong ETag that those bytes came with, or "".
	Validator() string
	// Restart drops what the sink holds; what follows comes with validator.
	Restart(validator string) error
}

// An Ender is a Sink that can tell whether what it holds has an end. It is asked
// after an answer without any length, which ends when the connection does,
// whether all was sent or not (RFC 9112, 8): if there is no end, the answer broke
// off.
type Ender interface {
	Sink
	Ended() bool
}

// A Receipt is what a server said about what it sent.
type Receipt struct {
	URL          string        // after redirects
	Via          []string      // the URLs that redirected, in order; nil if none did
	Digest       digest.Digest // of the whole artifact as claimed in a header; "" if it was not
	ETag         string
	LastModified string
	ContentType  string
	Header       http.Header
}

// Download transfers what is at a URL into dst, byte for byte. What dst holds is
// complete if and only if the error is nil; if the error is not, it may hold a
// part that another Download can continue. What kind of thing it is, and whether
// it has the Digest of the Receipt, is for the caller to see. The Receipt is
// also valid with ErrNotModified.
func (c *Client) Download(ctx context.Context, rawURL string, o GetOptions, dst Sink) (Receipt, error) {
	q, err := c.ask(ctx, rawURL, o)
	if err != nil {
		return Receipt{}, err
	}
	if o.Accept == "" {
		o.Accept = "*/*"
	}
	if o.Limit <= 0 {
		o.Limit = DefaultDownloadLimit
	}
	d := download{client: c, question: q, options: o, dst: dst}
	err = c.retry(ctx, q, d.once)
	return d.receipt, err
}

// A download is one call of Download, over all its attempts.
type download struct {
	client   *Client
	question question
	options  GetOptions
	dst      Sink
	receipt  Receipt
}

func (d *download) once(ctx context.Context) error {
	h := d.question.header(d.client.userAgent, d.options.Accept)
	h.Set("Accept-Encoding", "identity") // the digest is that of the stored bytes
	d.options.Known.set(h)
	offset, tag := d.dst.Offset(), d.dst.Validator()
	resume := offset > 0 && isStrong(tag)
	if resume {
		h.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-")
		h.Set("If-Range", tag)
	}
	a, err := d.client.exchange(ctx, d.question, h)
	if err != nil {
		return err
	}
	defer a.close()

	total := a.ContentLength // of the artifact; -1 if it is unknown
	switch {
	case a.StatusCode == http.StatusOK:
		resume = false
	case a.StatusCode == http.StatusPartialContent && resume:
		if total, err = a.checkPart(offset, tag); err != nil {
			return d.startOver(err)
		}
	case a.StatusCode == http.StatusRequestedRangeNotSatisfiable && resume:
		status := a.statusError()
		status.pass = true
		return d.startOver(status)
	case a.StatusCode == http.StatusNotModified && !d.options.Known.isZero():
		if d.receipt, err = a.receipt(); err != nil {
			return err
		}
		return fmt.Errorf("get %s: %w", place(a.url), ErrNotModified)
	default:
		return a.statusError()
	}
	if err := a.checkEncoding(); err != nil {
		return err
	}
	if total > d.options.Limit {
		return &LimitError{URL: place(a.url), Limit: d.options.Limit, Got: total}
	}
	if d.receipt, err = a.receipt(); err != nil {
		return err
	}
	if !resume {
		if tag = d.receipt.ETag; !isStrong(tag) {
			tag = ""
		}
		if err := d.restart(tag); err != nil {
			return err
		}
	}
	if err := d.copy(a); err != nil {
		return err
	}
	if total >= 0 && d.dst.Offset() != total {
		return a.bodyError(io.ErrUnexpectedEOF)
	}
	if sink, ok := d.dst.(Ender); ok && total < 0 && a.endsOnClose() && !sink.Ended() {
		return a.bodyError(io.ErrUnexpectedEOF)
	}
	return nil
}

// endsOnClose says whether nothing but the end of the connection ends the body.
func (a *answer) endsOnClose() bool {
	return a.ProtoMajor < 2 && a.ContentLength < 0 && len(a.TransferEncoding) == 0
}

// startOver drops the part, so that the next attempt asks for the whole.
func (d *download) startOver(why error) error {
	if err := d.restart(""); err != nil {
		return err
	}
	return why
}

func (d *download) restart(tag string) error {
	if err := d.dst.Restart(tag); err != nil {
		return fmt.Errorf("begin download: %w", err)
	}
	return nil
}

// copy writes the body to the sink, up to the limit.
func (d *download) copy(a *answer) error {
	buf, ok := d.client.buffers.Get().(*[bufferSize]byte)
	if !ok {
		buf = new([bufferSize]byte)
	}
	defer d.client.buffers.Put(buf)
	at := d.dst.Offset()
	for begin := at == 0; ; begin = false {
		n, err := a.Read(buf[:])
		if begin && d.options.RefusePages && isPage(a.Header.Get("Content-Type"), buf[:n]) {
			return a.contentError(ErrWebPage, buf[:n])
		}
		if at += int64(n); at > d.options.Limit {
			return &LimitError{URL: place(a.url), Limit: d.options.Limit, Got: -1}
		}
		if n > 0 {
			if _, err := d.dst.Write(buf[:n]); err != nil {
				return fmt.Errorf("write download: %w", err)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return a.bodyError(err)
		}
	}
}

// checkPart returns how long the whole of a part is that continues at offset
// what came with tag, or -1. Its errors pass: the whole can be asked for instead.
func (a *answer) checkPart(offset int64, tag string) (int64, error) {
	refuse := func(name, why string) (int64, error) {
		err := a.headerError(name, why)
		err.pass = true
		return 0, err
	}
	r, ok := parseContentRange(a.Header.Get("Content-Range"))
	switch {
	case !ok || len(a.Header.Values("Content-Range")) > 1:
		return refuse("Content-Range", "is not a range of bytes")
	case r.first != offset:
		return refuse("Content-Range", "does not begin where it was asked to")
	case a.ContentLength >= 0 && a.ContentLength != r.last-r.first+1:
		return refuse("Content-Range", "is not as long as the answer")
	case a.Header.Get("Etag") != "" && a.Header.Get("Etag") != tag:
		return refuse("Etag", "is not the one that was asked for")
	}
	return r.total, nil
}

func (a *answer) receipt() (Receipt, error) {
	claim, err := a.claimedDigest()
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{
		URL:          a.url.String(),
		Via:          a.via,
		Digest:       claim,
		ETag:         a.Header.Get("Etag"),
		LastModified: a.Header.Get("Last-Modified"),
		ContentType:  clip(strings.TrimSpace(a.Header.Get("Content-Type")), clipName),
		Header:       a.Header,
	}, nil
}
