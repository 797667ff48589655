// Package openskills is a client of registries that speak the protocol of
// openskills.cc: one address answers with a skill for a slug. What it answers
// with is told by the first bytes, since such servers differ: an archive, a bare
// SKILL.md, the files as JSON, or JSON with the address of one of these.
//
// The protocol has no list of versions and no digests of its own. A server that
// has them, such as registry/folderserver, takes the version that is asked for as one
// more parameter, and says in headers what it sent.
package openskills

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/internal/baseurl"
)

// Defaults for what Options leave empty.
const (
	DefaultURL    = "https://openskills.cc"
	DefaultLocale = "en"
	DefaultSource = "copy"
)

// accept is what Fetch asks for. Servers that take no notice are the rule.
const accept = "application/zip, application/gzip, application/x-tar, application/octet-stream;q=0.9, " +
	"text/markdown;q=0.8, application/json;q=0.7, */*;q=0.1"

// Options say where a registry is, and what it is asked for. Only Client is
// needed.
type Options struct {
	Name   string // that references give it; "" is the default registry
	URL    string // with any path that the registry lives under
	Client *transport.Client
	Locale string // for references that name none
	Source string // where the request comes from, as the protocol puts it
	Limits archive.Limits
}

// A Registry is a registry on the web. It implements source.Source,
// source.Searcher and source.Matcher, and all of its methods may be called at
// once.
type Registry struct {
	name   string
	base   baseurl.URL
	client *transport.Client
	locale string
	source string
	limits archive.Limits
}

var (
	_ source.Source   = (*Registry)(nil)
	_ source.Searcher = (*Registry)(nil)
	_ source.Matcher  = (*Registry)(nil)
)

// New returns a registry. It touches no network; the error is about o.URL.
func New(o Options) (*Registry, error) {
	if o.URL == "" {
		o.URL = DefaultURL
	}
	b, err := baseurl.Parse(o.URL, "", ErrURL)
	if err != nil {
		return nil, err
	}
	if o.Locale == "" {
		o.Locale = DefaultLocale
	}
	if o.Source == "" {
		o.Source = DefaultSource
	}
	if o.Limits.Download <= 0 {
		o.Limits.Download = archive.DefaultLimits().Download
	}
	return &Registry{name: o.Name, base: b, client: o.Client, locale: o.Locale, source: o.Source, limits: o.Limits}, nil
}

// Versions answers source.ErrUnsupported: the protocol has no such list.
func (r *Registry) Versions(_ context.Context, rf ref.Ref) ([]version.Info, error) {
	return nil, fmt.Errorf("list versions of %s: %w", quote(rf.Slug), source.ErrUnsupported)
}

// Resolve says where the skill is, without asking: whether it exists, and in
// which version, is known after Fetch. A query for a version is passed on by
// Fetch, which holds the server's answer to it if it names the version that it
// sent; if it does not, the caller has only the SKILL.md to go by.
func (r *Registry) Resolve(_ context.Context, rf ref.Ref, _ string) (source.Pin, error) {
	switch {
	case rf.Kind != ref.Registry:
		return source.Pin{}, fmt.Errorf("resolve %s: not the slug of a registry: %w", quote(rf.String()), source.ErrUnsupported)
	case rf.Owner != "":
		return source.Pin{}, fmt.Errorf("resolve %s: ask %s: %w", quote(rf.String()), r.base.Host, source.ErrNoOwners)
	case !ref.ValidSlug(rf.Slug):
		return source.Pin{}, fmt.Errorf("resolve %s: not a slug: %w", quote(rf.Slug), source.ErrNotFound)
	}
	pin := source.Pin{
		Ref:      rf,
		Registry: r.base.String(),
		Slug:     rf.Slug,
		Locale:   rf.Locale,
		Trust:    source.FirstUse,
	}
	if pin.Locale == "" {
		pin.Locale = r.locale
	}
	pin.URL = r.downloadURL(pin)
	return pin, nil
}

// Fetch asks for the artifact of p: one request, or two if the answer is the
// address of the artifact. What is no archive is packed into one, equal files
// into equal bytes, and has then no digest that the server could have claimed.
func (r *Registry) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	if !ref.ValidSlug(p.Slug) {
		return source.Receipt{}, fmt.Errorf("fetch %s: not a slug: %w", quote(p.Slug), source.ErrNotFound)
	}
	receipt, err := r.fetch(ctx, p, r.downloadURL(p), dst)
	if _, yanked := errors.AsType[*version.YankedError](err); yanked && strings.HasPrefix(p.Version, treePrefix) {
		// A server that speaks of yanks knows the versions that are made from trees,
		// and gives to who has one what it does not give to others.
		receipt, err = r.fetch(ctx, p, r.addressOf(p, p.Version), dst)
	}
	if err != nil {
		return receipt, fmt.Errorf("fetch %s: %w", quote(p.Slug), err)
	}
	return receipt, nil
}

func (r *Registry) fetch(ctx context.Context, p source.Pin, address string, dst source.Sink) (source.Receipt, error) {
	options := transport.GetOptions{
		Accept:      accept,
		Limit:       r.limits.Download,
		Known:       transport.Validators(p.Known),
		RefusePages: true,
	}
	var served source.Receipt // by the registry itself, as far as it says
	for range 2 {
		in := newIntake(dst)
		got, err := r.client.Download(ctx, address, options, in)
		receipt := r.receiptOf(got, p)
		if err != nil {
			return receipt, from(cmp.Or(got.URL, address), explain(err, wanted(p)))
		}
		next, err := r.finish(ctx, in, got)
		if err != nil {
			return source.Receipt{}, from(got.URL, err)
		}
		receipt.Version = cmp.Or(receipt.Version, served.Version)
		receipt.Yanked = cmp.Or(receipt.Yanked, served.Yanked)
		receipt.Slug = cmp.Or(receipt.Slug, served.Slug)
		if next == "" {
			if in.repacked {
				receipt.Artifact = "" // it is of what came, not of what we made of it
			}
			if options.Via != "" {
				receipt.Validators = source.Validators{} // of an address that is not asked again
			}
			return receipt, checkVersion(p, receipt.Version)
		}
		address, served = next, receipt
		options.Via, options.Known = got.URL, transport.Validators{}
	}
	return source.Receipt{}, from(options.Via, &AnswerError{
		Status: http.StatusOK, Message: "the address that the server named answers with another address",
	})
}

// from notes in an error who it was that answered.
func from(address string, err error) error {
	if answer, ok := errors.AsType[*AnswerError](err); ok {
		if u, parseErr := url.Parse(address); parseErr == nil {
			answer.Host = u.Host
		}
	}
	return err
}

func (r *Registry) receiptOf(t transport.Receipt, p source.Pin) source.Receipt {
	receipt := source.Receipt{
		URL:        t.URL,
		Artifact:   t.Digest,
		Slug:       r.renamed(t, p.Slug),
		Validators: source.Validators{ETag: t.ETag, LastModified: t.LastModified},
	}
	if reason, ok := t.Header["X-Skill-Yanked"]; ok {
		receipt.Yanked = yankReason(reason[0])
	}
	if v := t.Header.Get("X-Skill-Version"); version.Valid(v) {
		receipt.Version = v
	}
	return receipt
}

// finish makes an archive in the sink of what came. If what came is an address,
// it returns that instead.
func (r *Registry) finish(ctx context.Context, in *intake, got transport.Receipt) (next string, err error) {
	if in.Passing {
		return "", nil
	}
	if got.Digest != "" {
		if have := digest.Of(in.Held); have != got.Digest {
			return "", &digest.MismatchError{What: "answer of " + r.base.Host, Want: got.Digest, Got: have}
		}
	}
	content, err := read(in.Held, got.ContentType)
	if err != nil {
		return "", err
	}
	switch {
	case content.archive:
		return "", in.Pass()
	case content.url != "":
		return resolveURL(got.URL, content.url)
	}
	in.repacked = true
	if err := in.Dst.Restart(""); err != nil {
		return "", fmt.Errorf("write artifact: %w", err)
	}
	_, err = archive.PackFiles(ctx, in.Dst, content.files)
	return "", err
}

// treePrefix begins the versions that were made from a tree digest, of which a
// server knows nothing.
const treePrefix = "0.0.0-t"

// wanted is the query that an answer has to satisfy.
func wanted(p source.Pin) version.Query {
	if p.Version == "" {
		return p.Ref.Query
	}
	if strings.HasPrefix(p.Version, treePrefix) {
		return version.Query{}
	}
	q, err := version.ParseQuery(p.Version)
	if err != nil {
		return version.Query{}
	}
	return q
}

// checkVersion holds the version that a server says it sent to what was asked
// for. A tag means what the server says that it means.
func checkVersion(p source.Pin, got string) error {
	q := wanted(p)
	if got == "" || q.Kind() == version.Any || q.Kind() == version.Tag || q.Match(got) {
		return nil
	}
	return &version.NoMatchError{Query: q, Have: []string{got}}
}

// explain gives an error of the network the meaning that it has here.
func explain(err error, q version.Query) error {
	if errors.Is(err, transport.ErrNotModified) {
		return source.ErrNotModified
	}
	if status, ok := errors.AsType[*transport.StatusError](err); ok {
		return explainStatus(status, err, q)
	}
	return err
}

// quote makes text from outside safe, and short enough for an error.
func quote(s string) string { return baseurl.Quote(s) }
