package wellknown

import (
	"context"
	"errors"
	"fmt"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
)

// accept is what Fetch asks for. Most sites are files, and take no notice.
const accept = "application/zip, application/gzip, application/x-tar, application/octet-stream;q=0.9, " +
	"text/markdown;q=0.8, text/plain;q=0.7, */*;q=0.1"

// Fetch downloads the artifact of p and nothing else. A Pin that says where that
// is, and what, needs no index: it is only read if the artifact is not there any
// more, or another one is. What the digest of the index does not hold for is an
// error. A bare SKILL.md, and loose files, are packed.
func (r *Registry) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	receipt, err := r.fetch(ctx, p, dst)
	if err != nil {
		return receipt, fmt.Errorf("fetch %s: %w", quote(p.Slug), err)
	}
	return receipt, nil
}

func (r *Registry) fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	if !skill.ValidName(p.Slug) {
		return source.Receipt{}, fmt.Errorf("not a name: %w", source.ErrNotFound)
	}
	known := transport.Validators(p.Known)
	direct := wanted{what: p.Slug, url: p.URL, artifact: p.Artifact, tree: p.Tree}
	byPin := p.URL != "" && (p.Artifact != "" || p.Tree != "")
	var first error
	if read, _ := r.known(); byPin && !read.has(p) {
		receipt, err := r.download(ctx, direct, known, dst)
		if !movedOn(err) {
			return receipt, err
		}
		// What came, if anything did, is no beginning of what is wanted.
		if first = err; dst.Offset() > 0 {
			if err := dst.Restart(""); err != nil {
				return source.Receipt{}, fmt.Errorf("write artifact: %w", err)
			}
		}
	}
	x, err := r.index(ctx)
	if err != nil {
		return source.Receipt{}, err
	}
	e, err := x.entry(p.Slug)
	if err == nil {
		err = e.agrees(p)
	}
	switch {
	case err != nil:
		return source.Receipt{}, err
	case first != nil && e.url == p.URL && e.is(p):
		return source.Receipt{}, first
	case e.kind == loose:
		return r.fetchLoose(ctx, x, e, dst)
	}
	entry := wanted{what: e.name, url: e.url}
	if e.kind == bare {
		entry.skill, entry.tree = e.digest, e.tree
	} else {
		entry.artifact = e.digest
	}
	receipt, err := r.download(ctx, entry, known, dst)
	receipt.Version = e.version
	// Without a version there is no promise but for this moment: sites are built anew.
	receipt.Repacked = receipt.Repacked || e.version == ""
	return receipt, err
}

// movedOn reports whether err says that something else, or nothing, is where the
// artifact of a Pin was.
func movedOn(err error) bool {
	_, mismatch := errors.AsType[*digest.MismatchError](err)
	return mismatch || errors.Is(err, source.ErrNotFound)
}

// has reports whether an index that was read lists what p is.
func (x *index) has(p source.Pin) bool {
	return x != nil && x.byName[p.Slug] != nil && x.byName[p.Slug].is(p)
}

// is reports whether an entry is known to be what p is.
func (e *entry) is(p source.Pin) bool {
	return e.kind == packed && e.digest == p.Artifact || e.tree != "" && e.tree == p.Tree
}

// agrees holds an entry to what a lock has of the skill. It saves the download of
// what would be refused. That an archive has another digest than the one of the
// lock is no such thing: sites are built anew, and the files may be the same.
func (e *entry) agrees(p source.Pin) error {
	if e.is(p) || p.Artifact == "" && p.Tree == "" {
		return nil
	}
	if v := p.Version; e.version != "" && v != e.version && version.Valid(v) {
		if q, err := version.ParseQuery(v); err == nil {
			return &version.NoMatchError{Query: q, Have: []string{e.version}}
		}
	}
	if p.Tree != "" && e.tree != "" {
		return &digest.MismatchError{What: "the tree of " + e.name + " in the index", Want: p.Tree, Got: e.tree}
	}
	return nil
}

// A wanted is what is at one address, and what it must be: an archive with the
// digest artifact, or a SKILL.md that alone makes the tree.
type wanted struct {
	what     string // the name of the skill
	url      string
	artifact digest.Digest
	tree     digest.Digest
	skill    digest.Digest // of the SKILL.md, where it is known: for messages
}

func (r *Registry) download(ctx context.Context, a wanted, known transport.Validators, dst source.Sink) (source.Receipt, error) {
	in := newIntake(dst, a.artifact == "")
	got, err := r.client.Download(ctx, a.url, transport.GetOptions{
		Accept: accept, Limit: r.limits.Download, Known: known, Via: r.base.String(), RefusePages: true,
	}, in)
	receipt := source.Receipt{
		URL:        got.URL,
		Validators: source.Validators{ETag: got.ETag, LastModified: got.LastModified},
	}
	if err != nil {
		return receipt, meaning(err)
	}
	have := in.digest()
	if got.Digest != "" && have != "" && got.Digest != have {
		return receipt, &digest.MismatchError{What: "what came for " + a.what, Want: got.Digest, Got: have}
	}
	if err := in.end(); err != nil {
		return receipt, err
	}
	if in.Passing {
		receipt.Artifact = a.artifact
		return receipt, a.checkArchive(have)
	}
	if err := a.checkSkill(in.Held, have); err != nil {
		return receipt, err
	}
	receipt.Repacked = true
	return receipt, pack(ctx, dst, map[string][]byte{skill.FileName: in.Held})
}

// checkArchive is for what came and is an archive. Of a download that was
// continued only who has all of it can tell the digest, which the Receipt names.
func (a wanted) checkArchive(have digest.Digest) error {
	switch {
	case have == "":
		return nil
	case a.artifact == "" && a.skill != "" && a.skill != have:
		return a.mismatch(a.skill, have)
	case a.artifact == "":
		return &archive.FormatError{Why: "listed as a " + skill.FileName + ", and is an archive"}
	case a.artifact != have:
		return a.mismatch(a.artifact, have)
	}
	return nil
}

// checkSkill is for what came and is no archive.
func (a wanted) checkSkill(held []byte, have digest.Digest) error {
	tree := treeOf(have)
	switch {
	case a.tree != "" && a.tree == tree:
		return nil
	case a.artifact == have:
		// It is what the index promises, and that is nothing to unpack.
		_, err := archive.Detect(held[:min(len(held), tellSize)])
		return err
	case a.artifact != "":
		return a.mismatch(a.artifact, have)
	case a.skill != "":
		return a.mismatch(a.skill, have)
	}
	return a.mismatch(a.tree, tree)
}

func (a wanted) mismatch(want, got digest.Digest) error {
	return &digest.MismatchError{What: "the artifact of " + a.what, Want: want, Got: got}
}
