package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/openskills-go/skills/pkg/bundle"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// A Shelf holds artifacts by digest. Several goroutines may use it.
type Shelf interface {
	// Copy writes the artifact d to w, or one that holds the same files. What was
	// written counts only if the error is nil. It matches fs.ErrNotExist if the shelf
	// has no such artifact.
	Copy(w io.Writer, d digest.Digest) error
}

// A NotBundledError says that the network may not be asked for an artifact, and
// neither the store nor the bundle has it. It matches transport.ErrOffline.
type NotBundledError struct {
	Name, Version string
	Artifact      digest.Digest // "" if it is not known
}

func (e *NotBundledError) Error() string {
	text := e.Name
	if e.Version != "" {
		text += " " + e.Version
	}
	if e.Artifact != "" {
		text += " (" + string(e.Artifact) + ")"
	}
	return text + " is neither in the store nor in the bundle"
}

// Unwrap makes it one of those that mean that the network is not asked.
func (*NotBundledError) Unwrap() error { return transport.ErrOffline }

// An IncompleteError says that a bundle was not written, since these skills lack
// their artifact.
type IncompleteError struct{ Names []string }

func (e *IncompleteError) Error() string {
	return fmt.Sprintf("no bundle without %s", strings.Join(e.Names, ", "))
}

// bring gets the artifact of s into s.body, out of the bundle if there is one that
// has it, else from its source.
func (e *Engine) bring(ctx context.Context, s *step) error {
	if e.Bundle == nil {
		return e.fetch(ctx, s)
	}
	if s.pin.Artifact != "" {
		err := e.unbundle(s)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	err := e.fetch(ctx, s)
	if errors.Is(err, transport.ErrOffline) {
		return &NotBundledError{Name: s.label(), Version: s.pin.Version, Artifact: s.pin.Artifact}
	}
	return err
}

func (e *Engine) unbundle(s *step) error {
	body := e.newBody()
	err := e.Bundle.Copy(&meter{Sink: body, engine: e, name: s.label()}, s.pin.Artifact)
	if err == nil {
		err = s.check(body.Digest(), source.Receipt{})
	}
	if err != nil {
		return errors.Join(err, body.Close())
	}
	s.body = body
	s.pin.Artifact, s.pin.Size = body.Digest(), body.Offset()
	return nil
}

// WriteBundle writes the lock, the manifest and every artifact that the lock names
// to w. What the store lacks is fetched into it. Where that does not succeed the
// outcomes say why, the error is an *IncompleteError, and nothing is written. With
// o.DryRun nothing is fetched or written at all.
func (e *Engine) WriteBundle(ctx context.Context, w io.Writer, o Options) ([]Outcome, error) {
	steps, st, err := e.fetchAll(ctx, nil, o)
	if err != nil {
		return nil, err
	}
	outcomes := (&Plan{steps: steps}).Outcomes()
	c := &bundle.Contents{Lock: st.lock}
	var missing []string
	for _, s := range steps {
		if s.failed() {
			missing = append(missing, s.out.Name)
			continue
		}
		if s.pin.Artifact != s.entry.Artifact {
			if c.Instead == nil {
				c.Instead = map[digest.Digest]digest.Digest{}
			}
			c.Instead[s.entry.Artifact] = s.pin.Artifact
		}
	}
	if len(missing) > 0 {
		return outcomes, &IncompleteError{Names: missing}
	}
	if o.DryRun {
		return outcomes, nil
	}
	if st.manifest != nil {
		if c.Manifest = st.manifest.Bytes(); c.Manifest == nil {
			c.Manifest = []byte{}
		}
	}
	return outcomes, bundle.Write(ctx, w, c, e.Store.Open)
}
