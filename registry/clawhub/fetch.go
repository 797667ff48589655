package clawhub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/internal/held"
	"github.com/openskills-go/skills/registry/internal/zipend"
)

// Fetch asks for the artifact of p, in one request. Of p it needs the slug, the
// version, and the owner if there is one, as a lock has them. What the registry
// only points to comes from there.
func (r *Registry) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	name, err := named(ref.Ref{Kind: ref.Registry, Owner: p.Owner, Slug: p.Slug})
	if err != nil {
		return source.Receipt{}, fmt.Errorf("fetch: %w", err)
	}
	fetch := r.fetch
	if p.Revision != "" {
		fetch = r.fetchElsewhere
	}
	receipt, err := fetch(ctx, p, name, dst)
	if err != nil {
		return receipt, fmt.Errorf("fetch %s: %w", quote(name.String()), err)
	}
	return receipt, nil
}

func (r *Registry) fetch(ctx context.Context, p source.Pin, name skillName, dst source.Sink) (source.Receipt, error) {
	address := r.base.download(name, p.Version)
	in := &intake{Sink: held.Sink{Dst: dst, Passing: dst.Offset() > 0}}
	got, err := r.client.Download(ctx, address, transport.GetOptions{
		Accept:      "application/zip, application/octet-stream;q=0.9, */*;q=0.1",
		Limit:       r.limits.Download,
		Known:       transport.Validators(p.Known),
		RefusePages: true,
	}, in)
	receipt := source.Receipt{
		URL:        got.URL,
		Artifact:   got.Digest,
		Slug:       r.renamed(got, name.slug),
		Repacked:   true, // what is published is the files, and the zip is made for who asks
		Validators: source.Validators{ETag: got.ETag, LastModified: got.LastModified},
	}
	if err != nil && !errors.Is(err, errTooLong) {
		return receipt, explain(err, address, name.slug)
	}
	if err := in.finish(address); err != nil {
		return source.Receipt{}, err
	}
	return receipt, nil
}

// renamed returns the slug that a skill has now, if the registry sent us on to
// another address of its API: what another host is asked for says nothing about
// names here, and what it keeps its archives under (/storage/x) may look like the
// page of a skill.
func (r *Registry) renamed(t transport.Receipt, asked string) string {
	for _, address := range append([]string{t.URL}, t.Via...) {
		address = r.base.Secured(address)
		at, ok := r.Match(address)
		_, path := place(address)
		if ok && at.Slug != asked && strings.HasPrefix(path, r.base.Path+"/api/") {
			return at.Slug
		}
	}
	return ""
}

const (
	// tellSize is how many bytes tell an archive from all else.
	tellSize = 512
	// maxHeld bounds an answer that is none: a word of the server.
	maxHeld = 64 << 10
)

// An intake is the transport.Sink in front of a source.Sink. It passes archives
// through, and holds the beginning of anything else, which is an error.
type intake struct {
	held.Sink
	zip zipend.Watch
}

func (in *intake) Restart(validator string) error {
	in.zip = zipend.Watch{}
	return in.Sink.Restart(validator)
}

// Ended reports whether what came has its end, as far as can be told: only of a
// zip that was seen from its beginning.
func (in *intake) Ended() bool { return !in.zip.Missing() }

func (in *intake) Write(p []byte) (int, error) {
	in.zip.See(p, in.Offset() == 0)
	if in.Passing {
		return in.Dst.Write(p)
	}
	if len(in.Held)+len(p) > maxHeld && len(in.Held) >= tellSize {
		return 0, errTooLong
	}
	told := len(in.Held) >= tellSize // that it is none
	in.Held = append(in.Held, p...)
	if told || len(in.Held) < tellSize || !isArchive(in.Held) {
		return len(p), nil
	}
	return len(p), in.Pass()
}

// errTooLong ends a transfer of what finish then says the beginning of.
var errTooLong = errors.New("the answer is no archive, and long")

func isArchive(head []byte) bool {
	_, err := archive.Detect(head[:min(len(head), tellSize)])
	return err == nil
}

// finish passes on an archive that is too small to have been told before, and
// says what else came.
func (in *intake) finish(address string) error {
	if in.Passing {
		return nil
	}
	text := bytes.TrimSpace(in.Held)
	if isArchive(in.Held) {
		return in.Pass()
	}
	e := wrong(address, "it is no archive")
	var handoff struct {
		SourceRef string `json:"sourceRef"`
		Repo      string `json:"repo"`
	}
	switch {
	case len(text) == 0:
		e.Why, e.cause = "it is empty", transport.ErrEmpty
	case json.Unmarshal(text, &handoff) == nil && handoff.Repo != "":
		e.Why = "the registry has no version of it any more, and points to " + quote(handoff.Repo)
		e.Err = source.ErrNotFound
	default:
		e.Message = messageOf(text[:min(len(text), 4<<10)])
	}
	return e
}

// fetchElsewhere takes a skill from where the registry pointed to when it was
// resolved. A lock has only the commit, and the registry is asked again for the
// place.
func (r *Registry) fetchElsewhere(ctx context.Context, p source.Pin, name skillName, dst source.Sink) (source.Receipt, error) {
	there, err := ref.Parse(p.URL)
	if err != nil || there.Kind != ref.Git {
		answer, err := r.install(ctx, name)
		if err != nil {
			return source.Receipt{}, err
		}
		answer.GitHub.Commit = p.Revision
		text, err := answer.GitHub.text(r.base.ofSkill(name, "/install"))
		if err != nil {
			return source.Receipt{}, err
		}
		if there, err = ref.Parse(text); err != nil {
			return source.Receipt{}, err
		}
	}
	if r.git == nil {
		return source.Receipt{}, fmt.Errorf("the registry has it at %s: %w", quote(there.String()), source.ErrUnsupported)
	}
	pin, err := r.git.Resolve(ctx, there, "")
	if err != nil {
		return source.Receipt{}, err
	}
	pin.Known = p.Known
	receipt, err := r.git.Fetch(ctx, pin, dst)
	// Names and versions there are not those of the registry.
	receipt.Slug, receipt.Version = "", ""
	return receipt, err
}
