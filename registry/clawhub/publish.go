package clawhub

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"

	"golang.org/x/sync/errgroup"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/api"
)

// maxUploads is how many files are sent at once: what the server takes of one token.
const maxUploads = 4

// A bundle is a skill as it is sent: its files, as an install would place them.
type bundle struct {
	files    []bundleFile
	artifact digest.Digest
	tree     digest.Digest
	size     int64
}

type bundleFile struct {
	path       string
	data       []byte
	sum        string // sha256, in hexadecimal digits
	executable bool
}

// Publish sends the files of a skill one by one, by the shape of publishing that
// newer clients use, and then what they are a version of. Who publishes is asked
// first, unless the draft says it, then whether the version is there already: for
// the same files nothing is sent.
func (r *Registry) Publish(ctx context.Context, d source.Draft) (source.Published, error) {
	p, err := r.publish(ctx, d)
	if err != nil {
		return source.Published{}, fmt.Errorf("publish %s: %w", quote(d.Slug), err)
	}
	return p, nil
}

func (r *Registry) publish(ctx context.Context, d source.Draft) (source.Published, error) {
	b, err := r.bundle(ctx, d)
	if err != nil {
		return source.Published{}, err
	}
	if d.Owner == "" {
		account, err := r.Whoami(ctx)
		if err != nil {
			return source.Published{}, err
		}
		if d.Owner = account.Handle; !ref.ValidSlug(d.Owner) {
			return source.Published{}, wrong(r.base.at(apiV1+"/whoami"), "no reference can name the account: "+quote(d.Owner))
		}
	}
	name := skillName{owner: d.Owner, slug: d.Slug}
	p := source.Published{
		Release: source.Release{Owner: d.Owner, Slug: d.Slug, Version: d.Version}, URL: r.base.page(name),
		Artifact: b.artifact, Size: b.size, Tree: b.tree, Files: len(b.files),
	}
	switch same, err := r.isThere(ctx, name, d.Version, b); {
	case err != nil:
		return source.Published{}, err
	case same:
		p.Unchanged = true
		return p, nil
	case d.DryRun:
		return p, nil
	}
	sent, err := r.upload(ctx, b)
	if err != nil {
		return source.Published{}, err
	}
	return p, r.enter(ctx, d, b, sent, &p)
}

// bundle reads the files of a draft, through all the checks of an install.
func (r *Registry) bundle(ctx context.Context, d source.Draft) (*bundle, error) {
	var zip bytes.Buffer
	if _, err := archive.Pack(ctx, &zip, d.Files); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	contents := map[string]*bytes.Buffer{}
	data := zip.Bytes()
	o := archive.Options{Limits: r.limits, Tap: func(path string) io.Writer {
		contents[path] = new(bytes.Buffer)
		return contents[path]
	}}
	unpacked, err := archive.Unpack(ctx, bytes.NewReader(data), int64(len(data)), nil, o)
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	b := &bundle{artifact: digest.Of(data), tree: unpacked.Tree.Digest(), size: int64(len(data))}
	for _, f := range unpacked.Tree.Files {
		b.files = append(b.files, bundleFile{f.Path, contents[f.Path].Bytes(), hex.EncodeToString(f.Sum[:]), f.Mode&0o100 != 0})
	}
	return b, nil
}

// isThere reports whether the version is there with the same files. That it has
// others is a *source.TakenError; a server that does not say leaves it to the end.
func (r *Registry) isThere(ctx context.Context, name skillName, version string, b *bundle) (bool, error) {
	pin, err := r.describe(ctx, name, source.Pin{Version: version})
	_, missing := errors.AsType[*EndpointError](err)
	_, blocked := errors.AsType[*source.BlockedError](err)
	switch {
	case missing || blocked || errors.Is(err, source.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case pin.Files == nil:
		return false, nil
	}
	published := map[string]string{}
	for _, f := range pin.Files {
		published[f.Path] = f.Digest.Hex()
	}
	same := len(published) == len(b.files)
	for _, f := range b.files {
		same = same && published[f.path] == f.sum
	}
	if !same {
		return false, &source.TakenError{Release: source.Release{Owner: name.owner, Slug: name.slug, Version: version}}
	}
	return true, nil
}

// upload sends the files, each by a ticket of its own.
func (r *Registry) upload(ctx context.Context, b *bundle) ([]api.PublishedFile, error) {
	sent := make([]api.PublishedFile, len(b.files))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxUploads)
	for i, f := range b.files {
		g.Go(func() (err error) {
			if sent[i], err = r.uploadFile(ctx, f); err != nil {
				err = fmt.Errorf("send %s: %w", quote(f.path), err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return sent, nil
}

func (r *Registry) uploadFile(ctx context.Context, f bundleFile) (api.PublishedFile, error) {
	kind := mime.TypeByExtension(path.Ext(f.path))
	if kind == "" {
		kind = http.DetectContentType(f.data)
	}
	address := r.base.at(apiV1 + "/skills/-/upload-url")
	var ticket api.UploadTicket
	err := r.send(ctx, address, api.UploadRequest{Path: f.path, Size: int64(len(f.data)), SHA256: f.sum, ContentType: kind}, &ticket)
	if err != nil {
		return api.PublishedFile{}, rejected(err, source.Release{})
	}
	// The token goes along only if that is the registry itself.
	at, err := url.Parse(address)
	if err == nil {
		at, err = at.Parse(ticket.URL)
	}
	if err != nil || ticket.URL == "" {
		return api.PublishedFile{}, wrong(address, "it names no place to send to: "+quote(ticket.URL))
	}
	resp, err := r.client.Post(ctx, at.String(), transport.Body{Type: kind, Data: f.data, Repeatable: true}, transport.GetOptions{Via: address})
	if err != nil {
		return api.PublishedFile{}, rejected(explain(err, at.String(), ""), source.Release{})
	}
	var uploaded api.Upload
	if err := decode(resp.Body, &uploaded, at.String()); err != nil {
		return api.PublishedFile{}, err
	}
	if uploaded.StorageID == "" {
		return api.PublishedFile{}, wrong(at.String(), "it does not say where the file is")
	}
	return api.PublishedFile{
		Path: f.path, Size: int64(len(f.data)), StorageID: uploaded.StorageID, SHA256: f.sum,
		ContentType: kind, UploadTicket: ticket.Ticket, Executable: f.executable,
	}, nil
}

// enter makes a version of what was sent.
func (r *Registry) enter(ctx context.Context, d source.Draft, b *bundle, sent []api.PublishedFile, p *source.Published) error {
	accepted := true
	tags := d.Tags
	if tags == nil {
		tags = []string{}
	}
	address := r.base.at(apiV1 + "/skills")
	var answer api.Published
	err := r.send(ctx, address, api.Publish{
		Slug: d.Slug, DisplayName: d.Name, OwnerHandle: d.Owner, Version: d.Version, Changelog: d.Changelog,
		AcceptLicenseTerms: &accepted, Tags: tags, Files: sent,
	}, &answer)
	switch {
	case err != nil:
		return rejected(err, p.Release)
	case !answer.OK:
		return wrong(address, "it does not say that the version was published")
	case answer.Version != "" && answer.Version != d.Version:
		return wrong(address, "it is about another version: "+quote(answer.Version))
	case answer.Artifact != nil && answer.Artifact.Tree != string(b.tree):
		return &source.AlteredError{Release: p.Release, Want: b.tree, Got: digest.Digest(answer.Artifact.Tree)}
	}
	p.Pending = answer.Status == "pending"
	return nil
}

// rejected gives the refusal of a version the meaning that it has.
func rejected(err error, rel source.Release) error {
	if errors.Is(err, source.ErrAuth) {
		return err
	}
	status, message := 0, ""
	if answer, ok := errors.AsType[*AnswerError](err); ok && answer.Status != http.StatusOK {
		status, message = answer.Status, answer.Message
	} else if e, ok := errors.AsType[*transport.StatusError](err); ok && e.Status < 500 && !e.Retryable() {
		status, message = e.Status, messageOf(e.Body)
	}
	switch {
	case status == 0:
		return err
	case status == http.StatusConflict && mentions(message, "already exists", "exists already"):
		return &source.TakenError{Release: rel}
	}
	return &source.RejectedError{Why: firstLine(message), Err: err}
}

// send posts JSON that may be sent twice, and reads JSON.
func (r *Registry) send(ctx context.Context, address string, what, into any) error {
	data, err := json.Marshal(what)
	if err != nil {
		return err
	}
	resp, err := r.client.Post(ctx, address, transport.Body{Data: data, Repeatable: true}, transport.GetOptions{})
	if err != nil {
		return explain(err, address, "")
	}
	return decode(resp.Body, into, address)
}
