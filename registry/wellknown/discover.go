package wellknown

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// maxIndex bounds an index in bytes: about a KiB and a half for each of as many
// entries as are read.
const maxIndex = 16 << 20

// A NoIndexError says that a site lists no skills. It matches source.ErrNotFound.
type NoIndexError struct {
	URL  string // of the site
	Root string // of the same host without the path, if that one lists skills; else ""
}

func (e *NoIndexError) Error() string {
	text := fmt.Sprintf("%.200s lists no skills", e.URL)
	if e.Root != "" {
		text += fmt.Sprintf("; %.200s does, and is another site", e.Root)
	}
	return text
}

// Is makes a NoIndexError match source.ErrNotFound.
func (*NoIndexError) Is(target error) bool { return target == source.ErrNotFound }

// errNone says that there is nothing at the address of an index.
var errNone = errors.New("there is no index")

// discover returns the first index of a site that lists a skill. One that cannot
// be used, or cannot be had just now, is an error and not a reason to try the
// next: that one may be without digests.
func discover(ctx context.Context, client *transport.Client, b base) (*index, error) {
	var denied error
	for _, address := range b.indexes() {
		x, err := readIndex(ctx, client, address)
		switch {
		case err == nil && len(x.entries) > 0:
			return x, nil
		case errors.Is(err, source.ErrAuth):
			// Some hosts say so of what is not there. The next may be.
			denied = errors.Join(denied, err)
		case err != nil && !errors.Is(err, errNone):
			return nil, err
		}
	}
	if denied != nil {
		return nil, denied
	}
	none := &NoIndexError{URL: b.String()}
	if b.Path == "" {
		return nil, none
	}
	for _, address := range b.root().indexes() {
		x, err := readIndex(ctx, client, address)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil && len(x.entries) > 0 {
			none.Root = b.root().String()
			break
		}
	}
	return nil, none
}

// readIndex asks for one index.
func readIndex(ctx context.Context, client *transport.Client, address string) (*index, error) {
	resp, err := client.Get(ctx, address, transport.GetOptions{Limit: maxIndex})
	if err != nil {
		return nil, fmt.Errorf("read index: %w", explain(err))
	}
	return decode(resp.Body, resp.URL)
}

// explain gives an error about an index its meaning. A web page with status 200
// is how many sites answer to an address that they do not have.
func explain(err error) error {
	if errors.Is(err, transport.ErrWebPage) {
		return fmt.Errorf("%w: %w", errNone, err)
	}
	status, ok := errors.AsType[*transport.StatusError](err)
	if !ok {
		return err
	}
	switch s := status.Status; {
	case s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusUnavailableForLegalReasons:
		return meaning(err)
	case s >= 400 && s < 500 && !status.Retryable():
		return fmt.Errorf("%w: %w", errNone, err)
	}
	return err
}

// meaning adds the sentinel of pkg/source that an error of the network amounts to.
func meaning(err error) error {
	status, ok := errors.AsType[*transport.StatusError](err)
	if ok && status.Status == http.StatusUnavailableForLegalReasons {
		return fmt.Errorf("%w: %w", source.ErrWithheld, err)
	}
	return source.FromTransport(err)
}
