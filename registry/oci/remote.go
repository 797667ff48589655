package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"

	godigest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

const (
	tagPages = 20   // of a list, each of
	tagPage  = 1000 // tags
	maxTags  = 10000
)

// newAuth returns the client that answers the challenges of registries. Where a
// registry sends us for a token is its own choice, on another host more often
// than not, and that host is sent the credential of the registry: so the scheme
// works (https://distribution.github.io/distribution/spec/auth/token). It must be
// https, and nothing private unless the registry is.
func newAuth(o Options) *auth.Client {
	client := o.Client.HTTP()
	client.Transport = &guarded{client.Transport}
	a := &auth.Client{
		Client:   client,
		Cache:    auth.NewCache(),
		ClientID: "skills",
		// The transport looks at the addresses when it connects, which is when they
		// count, and behind a proxy, too.
		BlockedRealmPrefixes: []netip.Prefix{},
	}
	if o.Credential != nil {
		a.Credential = func(ctx context.Context, host string) (auth.Credential, error) {
			c, err := o.Credential(ctx, host)
			if err != nil {
				return auth.EmptyCredential, &CredentialError{Host: host, Err: err}
			}
			return auth.Credential{Username: c.Username, Password: c.Password, RefreshToken: c.IdentityToken}, nil
		}
	}
	return a
}

// A CredentialError says that the credential for a registry could not be had.
type CredentialError struct {
	Host string
	Err  error
}

func (e *CredentialError) Error() string {
	return fmt.Sprintf("credential for %s: %v", quote(e.Host), e.Err)
}
func (e *CredentialError) Unwrap() error { return e.Err }

// guarded lets plain http reach this machine and nothing else.
type guarded struct{ base http.RoundTripper }

func (g *guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" && !isLoopback(req.URL.Hostname()) {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, &transport.URLError{URL: transportPlace(req.URL), Why: "is not protected: http is for this machine only"}
	}
	return g.base.RoundTrip(req)
}

func isLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// A remoteRepository is one in a registry.
type remoteRepository struct {
	*remote.Repository
	base string // URL of the registry
	name string // host and repository, for people
}

func (s *Source) openRemote(url string) (*remoteRepository, error) {
	name, ok := strings.CutPrefix(url, "oci://")
	if !ok || s.auth == nil {
		return nil, fmt.Errorf("open %s: %w", quote(url), source.ErrUnsupported)
	}
	r, err := registry.ParseReference(name)
	if err != nil || r.Reference != "" {
		return nil, &transport.URLError{URL: quote(url), Why: "is not oci://host/repository"}
	}
	repo := &remote.Repository{
		Client:           s.auth,
		Reference:        r,
		TagListPageSize:  tagPage,
		TagListMaxPages:  tagPages,
		MaxMetadataBytes: maxManifest,
	}
	host := r.Host()
	scheme := "https://"
	if hostname, _, _ := strings.Cut(host, ":"); isLoopback(hostname) || strings.HasPrefix(host, "[::1]") {
		repo.PlainHTTP, scheme = true, "http://"
	}
	return &remoteRepository{Repository: repo, base: scheme + host, name: name}, nil
}

// via returns the context for all requests: what is not to the registry itself is
// to what the registry named.
func (r *remoteRepository) via(ctx context.Context) context.Context {
	return transport.Via(ctx, r.base)
}

func (r *remoteRepository) manifest(ctx context.Context, reference string) (*manifest, error) {
	desc, body, err := r.Manifests().FetchReference(r.via(ctx), reference)
	if err != nil {
		return nil, r.explain(err)
	}
	defer func() { _ = body.Close() }()
	if !isManifestType(desc.MediaType) {
		return nil, &AnswerError{Host: r.Reference.Registry, Why: "a manifest was asked for, and a " + quote(desc.MediaType) + " came"}
	}
	if desc.Size > maxManifest {
		return nil, &AnswerError{Host: r.Reference.Registry, Why: fmt.Sprintf("a manifest of %d bytes is over the limit of %d", desc.Size, int64(maxManifest))}
	}
	data, err := io.ReadAll(io.LimitReader(body, maxManifest+1))
	if err != nil {
		return nil, r.explain(err)
	}
	want := digest.Digest(desc.Digest)
	if d, err := digest.Parse(reference); err == nil {
		want = d // and the header has said the same
	}
	if got := digest.Of(data); got != want {
		return nil, &digest.MismatchError{What: "the manifest " + quote(reference) + " of " + r.name, Want: want, Got: got}
	}
	m, err := parseManifest(data, desc.MediaType)
	if answer, ok := errors.AsType[*AnswerError](err); ok {
		answer.Host = r.Reference.Registry
	}
	return m, err
}

// A blob is an open stream of bytes that are not verified yet.
type blob struct {
	io.ReadCloser
	size int64
}

func (r *remoteRepository) blob(ctx context.Context, d digest.Digest, size int64) (*blob, error) {
	if size >= 0 {
		body, err := r.Blobs().Fetch(r.via(ctx), ocispec.Descriptor{Digest: godigest.Digest(d), Size: size})
		if err != nil {
			return nil, r.explain(err)
		}
		return &blob{body, size}, nil
	}
	desc, body, err := r.Blobs().FetchReference(r.via(ctx), string(d))
	if err != nil {
		return nil, r.explain(err)
	}
	return &blob{body, desc.Size}, nil
}

// errEnough ends a list of tags that is too long.
var errEnough = errors.New("more tags than are looked at")

func (r *remoteRepository) tags(ctx context.Context) ([]string, error) {
	var all []string
	err := r.Tags(r.via(ctx), "", func(tags []string) error {
		if all = append(all, tags...); len(all) > maxTags {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil, &AnswerError{Host: r.Reference.Registry, Why: fmt.Sprintf("it lists more than %d tags", maxTags)}
	}
	return all, r.explain(err)
}
