package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	godigest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// PushOptions say how a skill is pushed. The zero value works.
type PushOptions struct {
	// Created is noted as the time of the artifact. The zero time is the beginning
	// of 1970, so that the same files have the same digest whenever they are pushed.
	Created time.Time
	// Source and Revision say where the files come from: the address of a
	// repository, and the commit.
	Source, Revision string
	// ReplaceTag moves a tag that stands for something else.
	ReplaceTag bool
	// DryRun asks what the tag stands for, and writes nothing.
	DryRun bool
}

// A Pushed skill is there, or would be after a dry run.
type Pushed struct {
	Ref       ref.Ref // with the tag
	Name      string
	Version   string        // "" if neither the tag nor the SKILL.md is one
	Manifest  digest.Digest // by which the registry has it
	Artifact  digest.Digest // of the layer
	Size      int64         // of the layer
	Tree      digest.Digest
	Files     int
	Unchanged bool          // it was there before
	Replaced  digest.Digest // the manifest that the tag stood for; "" if it did for none
}

// A TagError says that no tag can be given to a skill. It is about what was asked
// for.
type TagError struct {
	Why string // safe to print
}

func (e *TagError) Error() string { return e.Why }

// A TagTakenError says that a tag stands for another artifact already.
type TagTakenError struct {
	Tag       string
	Have, New digest.Digest
}

func (e *TagTakenError) Error() string {
	return fmt.Sprintf("the tag %s is there already, for %s; this is %s", quote(e.Tag), e.Have, e.New)
}

// Push puts the skill in fsys into the repository of r, under the tag of r or
// else that of its version. It writes the manifest last: as long as that is not
// there the tag stands for what it did before. Where the tag stands for just that
// already, nothing is written.
func (s *Source) Push(ctx context.Context, fsys fs.FS, r ref.Ref, o PushOptions) (*Pushed, error) {
	if r.Kind != ref.OCI || strings.HasPrefix(r.URL, layoutScheme) {
		return nil, fmt.Errorf("push to %s: it is in no OCI registry: %w", quote(r.String()), source.ErrUnsupported)
	}
	repo, err := s.openRemote(r.URL)
	if err != nil {
		return nil, err
	}
	a, parsed, err := build(ctx, fsys, s.limit)
	if err != nil {
		return nil, err
	}
	if r.Rev, err = a.settle(r.Rev); err != nil {
		return nil, err
	}
	if err := a.finish(parsed, o); err != nil {
		return nil, err
	}
	p := &Pushed{
		Ref: r, Name: a.name, Version: a.version, Manifest: digest.Of(a.manifest), Artifact: digest.Of(a.layer),
		Size: int64(len(a.layer)), Tree: a.tree.Digest(), Files: len(a.tree.Files),
	}
	if err := repo.pushTo(ctx, a, p, o); err != nil {
		return nil, fmt.Errorf("push %s: %w", r, err)
	}
	return p, nil
}

// settle brings the tag and the version together, and returns the tag.
func (a *artifact) settle(tag string) (string, error) {
	if strings.Contains(tag, ":") {
		return "", &TagError{Why: "a digest follows from the files; a tag can be chosen"}
	}
	if tag == "" {
		if a.version == "" {
			return "", &TagError{Why: "the SKILL.md has no version that could be the tag"}
		}
		return tagOf(a.version), nil
	}
	tagged := versionOf(tag)
	if tagged != "" && a.version != "" && version.Compare(tagged, a.version) != 0 {
		return "", &TagError{Why: fmt.Sprintf("the SKILL.md says that it is version %s, and the tag %s", quote(a.version), quote(tag))}
	}
	if a.version == "" {
		a.version = tagged
	}
	return tag, nil
}

// pushTo pushes a, unless the tag stands for it, and looks whether it is there.
func (r *remoteRepository) pushTo(ctx context.Context, a *artifact, p *Pushed, o PushOptions) error {
	tag := p.Ref.Rev
	before, err := r.manifest(ctx, tag)
	switch {
	case errors.Is(err, source.ErrNotFound):
	case err != nil:
		return err
	case before.digest == p.Manifest:
		p.Unchanged = true
		return nil
	case !o.ReplaceTag:
		return &TagTakenError{Tag: tag, Have: before.digest, New: p.Manifest}
	default:
		p.Replaced = before.digest
	}
	if o.DryRun {
		return nil
	}
	for _, b := range []struct {
		mediaType string
		data      []byte
	}{{typeLayer, a.layer}, {typeConfig, a.config}} {
		desc := descriptorOf(b.mediaType, b.data)
		there, err := r.Blobs().Exists(r.via(ctx), desc)
		if err != nil {
			return r.explain(err)
		}
		if there {
			continue
		}
		if err := r.Blobs().Push(r.via(ctx), desc, bytes.NewReader(b.data)); err != nil {
			return r.explain(err)
		}
	}
	desc := descriptorOf(mediaManifest, a.manifest)
	if err := r.Manifests().PushReference(r.via(ctx), desc, bytes.NewReader(a.manifest), tag); err != nil {
		return r.explain(err)
	}
	after, err := r.manifest(ctx, tag)
	if err != nil {
		return fmt.Errorf("read it back: %w", err)
	}
	if after.digest != p.Manifest {
		return &digest.MismatchError{What: "the manifest of tag " + quote(tag) + ", read back,", Want: p.Manifest, Got: after.digest}
	}
	return nil
}

func descriptorOf(mediaType string, data []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: godigest.Digest(digest.Of(data)), Size: int64(len(data))}
}
