package source

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
)

// A Mirrored is a registry with mirrors: places that hold the same artifacts, and
// give them out while the registry itself cannot.
//
// What a reference means only the registry is asked, so that a mirror can neither
// hold back a version nor make one up. A mirror sends bytes, in order of the list,
// and only those that the Pin has a digest of: of the artifact, of the tree or of
// each file, from the lock or from what the registry said. The caller holds what
// comes to it as always. Whatever else a mirror says of a skill is not heeded.
//
// The registry cannot if it is unreachable, stalls, breaks off, or answers with a
// status of 5xx. Any other answer is one, also "not found" and "too many requests";
// and a certificate that is not trusted may be somebody in between.
//
// The fields are set before the first use.
type Mirrored struct {
	Primary Source
	Mirrors []Mirror

	down atomic.Bool // the network did not lead to Primary, and did to a mirror
}

// A Mirror is one mirror of a registry.
type Mirror struct {
	URL  string // or absolute folder
	Open func() (Source, error)
}

// A MirrorError says that a registry could not give something out, and that no
// mirror did.
type MirrorError struct {
	Err  error // of the registry
	Why  string
	Errs []error // of the mirrors that were asked
}

func (e *MirrorError) Error() string {
	parts := []string{e.Err.Error(), e.Why}
	for _, err := range e.Errs {
		parts = append(parts, err.Error())
	}
	return strings.Join(parts, "; ")
}

// Unwrap returns the error of the registry, which decides what to do about it.
func (e *MirrorError) Unwrap() error { return e.Err }

// Unwrap returns the registry, whose optional abilities mirrors do not have.
func (m *Mirrored) Unwrap() Source { return m.Primary }

// Versions asks the registry.
func (m *Mirrored) Versions(ctx context.Context, r ref.Ref) ([]version.Info, error) {
	return m.Primary.Versions(ctx, r)
}

// Resolve asks the registry.
func (m *Mirrored) Resolve(ctx context.Context, r ref.Ref, current string) (Pin, error) {
	return m.Primary.Resolve(ctx, r, current)
}

// Fetch asks the registry, and if that cannot, its mirrors. The Receipt of one of
// those has its Mirror and no other claims.
func (m *Mirrored) Fetch(ctx context.Context, p Pin, dst Sink) (Receipt, error) {
	vouched := p.Artifact != "" || p.Tree != "" || len(p.Files) > 0
	var failed []error
	if vouched && m.down.Load() {
		// To wait for it again for every skill helps nobody.
		receipt, errs := m.fetchMirrored(ctx, p, dst)
		if errs == nil {
			return receipt, nil
		}
		failed = errs
	}
	if len(failed) > 0 {
		if err := dst.Restart(""); err != nil {
			return Receipt{}, fmt.Errorf("begin anew: %w", err)
		}
	}
	receipt, err := m.Primary.Fetch(ctx, p, dst)
	switch {
	case err == nil || ctx.Err() != nil || !isDown(err):
		return receipt, err
	case !vouched:
		return receipt, &MirrorError{Err: err, Why: "no mirror is asked for what neither the lock nor the registry has a digest of"}
	}
	if failed == nil {
		if receipt, failed = m.fetchMirrored(ctx, p, dst); failed == nil {
			_, status := errors.AsType[*transport.StatusError](err)
			m.down.Store(!status) // which may be about this one artifact
			return receipt, nil
		}
	}
	return Receipt{}, &MirrorError{Err: err, Why: "no mirror has it", Errs: failed}
}

// fetchMirrored asks one mirror after the other. It returns the errors of all if
// there is none that sent it.
func (m *Mirrored) fetchMirrored(ctx context.Context, p Pin, dst Sink) (Receipt, []error) {
	// The validators and addresses of the registry mean nothing to others.
	p.Known, p.URL = Validators{}, ""
	var errs []error
	for _, mirror := range m.Mirrors {
		receipt, err := mirror.fetch(ctx, p, dst)
		if err == nil {
			return receipt, nil
		}
		errs = append(errs, fmt.Errorf("mirror %s: %w", mirror.URL, err))
		if ctx.Err() != nil {
			break
		}
	}
	return Receipt{}, errs
}

func (m *Mirror) fetch(ctx context.Context, p Pin, dst Sink) (Receipt, error) {
	src, err := m.Open()
	if err != nil {
		return Receipt{}, err
	}
	// A part that came from elsewhere is not continued: an ETag says which bytes
	// they are only to who gave it.
	if err := dst.Restart(""); err != nil {
		return Receipt{}, fmt.Errorf("begin anew: %w", err)
	}
	p.Registry = m.URL
	receipt, err := src.Fetch(ctx, p, dst)
	return Receipt{URL: receipt.URL, Mirror: m.URL}, err
}

// isDown reports whether err says that a registry cannot answer, and not that it
// does not want to.
func isDown(err error) bool {
	_, address := errors.AsType[*transport.AddressError](err)
	_, proxy := errors.AsType[*transport.ProxyError](err)
	if address || proxy || errors.Is(err, context.Canceled) {
		return false // it is we who do not go there
	}
	if status, ok := errors.AsType[*transport.StatusError](err); ok {
		return status.Status >= 500 && status.Status <= 599
	}
	if _, stalled := errors.AsType[*transport.StalledError](err); stalled {
		return true
	}
	network, ok := errors.AsType[*transport.NetworkError](err)
	return ok && !isTLS(network.Err)
}

// isTLS reports whether err comes from the handshake, where somebody in between
// shows.
func isTLS(err error) bool {
	var alert tls.AlertError
	var header tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var roots x509.SystemRootsError
	for _, target := range []any{&alert, &header, &verification, &authority, &host, &invalid, &roots} {
		if errors.As(err, target) {
			return true
		}
	}
	// Some errors of the handshake have no type: "remote error: tls: ..." for one.
	return strings.Contains(err.Error(), "tls: ")
}
