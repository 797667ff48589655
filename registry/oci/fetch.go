package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// attempts is how often a layer that broke off is continued or begun again. That
// a server cannot be reached at all the transport has tried by itself.
const attempts = 4

// Fetch transfers the layer of p as it is, a tar or tar.gz, and verifies its
// digest: one request, if p has that digest.
func (s *Source) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	at := p.Ref
	if p.URL != "" {
		parsed, err := ref.Parse(p.URL)
		if err != nil || parsed.Kind != ref.OCI || parsed.Rev != "" {
			return source.Receipt{}, fmt.Errorf("fetch %s: not an OCI repository: %w", quote(p.URL), source.ErrUnsupported)
		}
		at = parsed
	}
	repo, err := s.open(at)
	if err != nil {
		return source.Receipt{}, err
	}
	sum, size := p.Artifact, p.Size
	if size == 0 {
		size = -1
	}
	if sum == "" {
		at.Rev = p.Ref.Rev
		if p.Revision != "" {
			revision, err := sha256Of(p.Revision)
			if err != nil {
				return source.Receipt{}, fmt.Errorf("fetch %s: %w", at, err)
			}
			at.Rev = string(revision)
		}
		m, _, err := find(ctx, repo, at, p.Version)
		if err != nil {
			return source.Receipt{}, fmt.Errorf("fetch %s: %w", at, err)
		}
		_, layer, err := choose(ctx, repo, at, m)
		if err != nil {
			return source.Receipt{}, fmt.Errorf("fetch %s: %w", at, err)
		}
		sum, size = layer.sum, layer.Size
	}
	if sum, err = sha256Of(string(sum)); err != nil {
		return source.Receipt{}, fmt.Errorf("fetch %s: %w", at, err)
	}
	if size > s.limit {
		return source.Receipt{}, s.tooLarge(size)
	}
	t := &transfer{repo: repo, sum: sum, size: size, limit: s.limit, dst: dst, hash: digest.NewHasher()}
	if err := t.run(ctx); err != nil {
		if t.over {
			err = s.tooLarge(t.size)
		}
		return source.Receipt{}, fmt.Errorf("fetch %s: %w", at, err)
	}
	return source.Receipt{Artifact: sum}, nil
}

// sha256Of checks that text, out of a lock perhaps, is the digest of bytes.
func sha256Of(text string) (digest.Digest, error) {
	d, err := digest.Parse(text)
	if err != nil || d.Hex() == "" {
		return "", fmt.Errorf("%s: %w", quote(text), digest.ErrInvalid)
	}
	return d, nil
}

// A transfer is one layer on its way, over all attempts.
type transfer struct {
	repo  repository
	sum   digest.Digest
	size  int64 // negative if it is not known
	limit int64
	dst   source.Sink
	hash  *digest.Hasher
	n     int64 // bytes in the sink
	over  bool  // it is larger than the limit
}

func (t *transfer) run(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		err := t.once(ctx)
		if err == nil || attempt >= attempts || ctx.Err() != nil || !brokeOff(err) {
			return err
		}
	}
}

// brokeOff says whether an answer began and did not end.
func brokeOff(err error) bool {
	_, network := errors.AsType[*transport.NetworkError](err)
	_, stalled := errors.AsType[*transport.StalledError](err)
	return network || stalled
}

func (t *transfer) once(ctx context.Context) error {
	b, err := t.repo.blob(ctx, t.sum, t.size)
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	if t.size < 0 {
		t.size = b.size
	}
	if t.size > t.limit {
		t.over = true
		return digest.ErrSize
	}
	// What was hashed is what is in the sink: the rest of it will do, where there is
	// a way to ask for that.
	seeker, ok := b.ReadCloser.(io.Seeker)
	if ok && t.n > 0 {
		_, err := seeker.Seek(t.n, io.SeekStart)
		ok = err == nil
	}
	if !ok || t.n == 0 {
		if err := t.dst.Restart(""); err != nil {
			return fmt.Errorf("begin artifact: %w", err)
		}
		t.hash.Reset()
		t.n = 0
	}
	return t.copy(ctx, b)
}

func (t *transfer) copy(ctx context.Context, r io.Reader) error {
	buf := make([]byte, 64<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf)
		if t.n+int64(n) > t.size {
			return fmt.Errorf("layer has more than the %d bytes that it should: %w", t.size, digest.ErrSize)
		}
		if n > 0 {
			if _, err := t.dst.Write(buf[:n]); err != nil {
				return fmt.Errorf("write artifact: %w", err)
			}
			_, _ = t.hash.Write(buf[:n])
			t.n += int64(n)
		}
		switch {
		case err == io.EOF:
			return t.finish()
		case err != nil:
			return explainRead(err)
		}
	}
}

func (t *transfer) finish() error {
	if t.n != t.size {
		return fmt.Errorf("layer has %d bytes of %d: %w", t.n, t.size, digest.ErrSize)
	}
	if got := t.hash.Digest(); got != t.sum {
		return &digest.MismatchError{What: "the layer", Want: t.sum, Got: got}
	}
	return nil
}

// explainRead is for errors of a body that is read: those of the transport are
// fit to print, and any other may repeat an address.
func explainRead(err error) error {
	if brokeOff(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if strings.Contains(err.Error(), "?") {
		return &AnswerError{Why: plain(err.Error())}
	}
	return err
}
