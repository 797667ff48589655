package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/internal/meta"
	"github.com/openskills-go/skills/registry/internal/translog"
	"github.com/openskills-go/skills/registry/oci"
)

// A Draft is what is to be published: Files, or an Archive in any format that
// pkg/archive reads.
type Draft struct {
	Owner     string // "" is the actor's own
	Slug      string
	Name      string // for people; "" is the name in the SKILL.md
	Version   string // "" is the version in the SKILL.md, or 1.0.0 for the first, else the next patch
	Changelog string
	Tags      []string // besides latest
	Topics    []string

	Files      map[string][]byte
	Executable map[string]bool
	Archive    []byte

	DryRun bool // check everything, write nothing
}

// A Release is what was published.
type Release struct {
	Skill   meta.Skill
	Version meta.Version
	Files   []meta.File
	Created bool // false: the version was there, with the same files
}

// Publish makes a version of a skill. Its error may be any of this package, and
// what pkg/archive or pkg/skill refuse, which are InvalidErrors here.
//
// A version that is there with the same files is a success; what else the draft
// says of it is then passed over. Without a Version, files that the latest version
// has already are that version.
func (c *Catalog) Publish(ctx context.Context, a Actor, d Draft) (Release, error) {
	if d.Owner == "" {
		d.Owner = a.User
	}
	if err := c.checkDraft(&d); err != nil {
		return Release{}, err
	}
	if err := c.mayPublish(ctx, a, d.Owner); err != nil {
		return Release{}, err
	}
	b, err := c.check(ctx, d)
	if err != nil {
		return Release{}, err
	}
	if d.Name == "" {
		d.Name = b.skill.Name
	}
	// Most of what is wrong, and all that is there already, is told before anything
	// is stored. The transaction below decides again, and for good.
	var early *Release
	err = c.meta.View(ctx, func(tx *meta.Tx) error {
		r, err := c.settle(ctx, tx, a, &d, b)
		if err == nil && !r.Created {
			early = r
		}
		return err
	})
	if err != nil {
		return Release{}, err
	}
	if early != nil {
		return *early, c.heal(ctx, d, b, early.Version)
	}
	if b.image, err = oci.Build(ctx, oci.BuildOptions{Name: d.Slug, Version: d.Version, Files: b.imageFiles()}); err != nil {
		return Release{}, fmt.Errorf("build image: %w", err)
	}
	if d.DryRun {
		return Release{Skill: meta.Skill{Owner: d.Owner, Slug: d.Slug, Name: d.Name}, Version: b.version(d, a, c.now()), Files: b.files, Created: true}, nil
	}
	if err := c.keep(ctx, b); err != nil {
		return Release{}, err
	}
	var out Release
	err = c.meta.Update(ctx, func(tx *meta.Tx) error {
		r, err := c.settle(ctx, tx, a, &d, b)
		if err == nil && r.Created {
			err = c.enter(ctx, tx, published{a, d, b}, r)
		}
		if err == nil {
			out = *r
		}
		return err
	})
	if errors.Is(err, meta.ErrExists) {
		// Another process was faster by the width of a transaction.
		err = &ConflictError{What: "version", Name: d.Owner + "/" + d.Slug + "@" + d.Version, Why: "was published at this moment by another; publish again"}
	}
	if err != nil {
		return Release{}, err
	}
	c.changed()
	return out, nil
}

// keep makes the blobs durable, before a row names them.
func (c *Catalog) keep(ctx context.Context, b *bundle) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, data := range [][]byte{b.artifact, b.image.Layer, b.image.Config, b.image.Manifest} {
		g.Go(func() error { return c.blobs.Put(ctx, digest.Of(data), data) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("store version: %w", err)
	}
	return nil
}

// heal writes what is lost or damaged of a version that is there, now that someone
// came with its files.
func (c *Catalog) heal(ctx context.Context, d Draft, b *bundle, v meta.Version) (err error) {
	if d.DryRun {
		return nil
	}
	if b.image, err = oci.Build(ctx, oci.BuildOptions{Name: d.Slug, Version: v.Version, Files: b.imageFiles()}); err != nil {
		return fmt.Errorf("build image: %w", err)
	}
	noted := []digest.Digest{v.Artifact, v.Manifest, v.Config, v.Layer}
	for _, data := range [][]byte{b.artifact, b.image.Layer, b.image.Config, b.image.Manifest} {
		sum := digest.Of(data)
		if !slices.Contains(noted, sum) {
			continue // made by another release of this program
		}
		if err := c.blobs.Heal(ctx, sum, data); err != nil {
			return fmt.Errorf("store version: %w", err)
		}
	}
	return nil
}

func (c *Catalog) checkDraft(d *Draft) error {
	if err := checkOwner(d.Owner); err != nil {
		return err
	}
	if err := checkSlug(d.Slug); err != nil {
		return err
	}
	if d.Version != "" {
		if err := checkVersion(d.Version); err != nil {
			return err
		}
	}
	if len(d.Tags) > maxTags || len(d.Topics) > maxTopics {
		return &InvalidError{What: "tags", Faults: []string{"there are more than 20 of them"}}
	}
	d.Tags = slices.DeleteFunc(slices.Clone(d.Tags), func(t string) bool { return t == version.Latest })
	for _, tag := range d.Tags {
		if err := checkTag(tag); err != nil {
			return err
		}
	}
	for _, topic := range d.Topics {
		if err := checkText("topic", topic, maxTag, false); err != nil {
			return err
		}
	}
	if err := checkText("display name", d.Name, maxTitle, false); err != nil {
		return err
	}
	return checkText("changelog", d.Changelog, maxNotes, true)
}

// settle decides what a draft is: a new version, one that is there, or neither. It
// fills in the version of the draft if that was left open.
func (c *Catalog) settle(ctx context.Context, tx *meta.Tx, a Actor, d *Draft, b *bundle) (*Release, error) {
	if err := may(ctx, tx, a, d.Owner, meta.Publisher); err != nil {
		return nil, err
	}
	r := &Release{Files: b.files, Created: true, Skill: meta.Skill{Owner: d.Owner, Slug: d.Slug}}
	found, err := tx.Skills(ctx, d.Owner, d.Slug)
	if err != nil {
		return nil, err
	}
	var there []meta.Version
	if len(found) > 0 {
		r.Skill = found[0]
		if r.Skill.Removed != "" {
			return nil, goneError(r.Skill)
		}
		if !r.Skill.Deleted.IsZero() {
			return nil, &ConflictError{What: "skill", Name: d.Owner + "/" + d.Slug, Why: "was deleted; undelete it first"}
		}
		if there, err = tx.Versions(ctx, r.Skill.ID); err != nil {
			return nil, err
		}
	}
	number := d.Version
	if number == "" {
		if i := slices.IndexFunc(there, func(v meta.Version) bool { return v.Version == r.Skill.Latest }); i >= 0 && there[i].Tree == b.tree {
			r.Version, r.Created = there[i], false
			return r, nil
		}
		number = nextVersion(b.skill.Version, there)
	}
	for _, v := range there {
		if v.Version != number {
			continue
		}
		name := d.Owner + "/" + d.Slug + "@" + number
		switch {
		case lost(v):
			return nil, &ConflictError{What: "version", Name: name, Why: "was deleted, and its name is not free again"}
		case v.Tree != b.tree:
			return nil, &ConflictError{What: "version", Name: name, Why: "exists already, with other files"}
		}
		r.Version, r.Created = v, false
		return r, nil
	}
	d.Version = number
	return r, nil
}

// nextVersion is the version of a draft that names none: what its SKILL.md says, if
// that is a version and new, else the one after all that there are.
func nextVersion(said string, there []meta.Version) string {
	said = strings.TrimPrefix(said, "v")
	taken := func(v meta.Version) bool { return v.Version == said }
	if checkVersion(said) == nil && !slices.ContainsFunc(there, taken) {
		return said
	}
	last := ""
	for _, v := range there {
		if last == "" || version.Compare(v.Version, last) > 0 {
			last = v.Version
		}
	}
	if last == "" {
		return "1.0.0"
	}
	core, prerelease, pre := strings.Cut(last, "-")
	if pre && prerelease != "" {
		return core // the release that the prerelease was of
	}
	var major, minor, patch uint64
	if _, err := fmt.Sscanf(core, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", major, minor, patch+1)
}

// imageFiles returns the files as they were checked, with their modes.
func (b *bundle) imageFiles() []oci.BuildFile {
	out := make([]oci.BuildFile, len(b.files))
	for i, f := range b.files {
		out[i] = oci.BuildFile{Path: f.Path, Data: b.data[f.Path], Executable: f.Executable}
	}
	return out
}

func (b *bundle) version(d Draft, a Actor, now time.Time) meta.Version {
	return meta.Version{
		Version: d.Version, Changelog: d.Changelog, License: b.skill.License, Description: b.skill.Description,
		Artifact: digest.Of(b.artifact), Size: int64(len(b.artifact)), Tree: b.tree, Count: len(b.files), Unpacked: b.size,
		Fingerprint: b.fingerprint, TextFingerprint: b.textFinger,
		Manifest: digest.Of(b.image.Manifest), Config: digest.Of(b.image.Config), Layer: digest.Of(b.image.Layer),
		Publisher: a.User, Created: now,
	}
}

// published is what is published, and by whom.
type published struct {
	actor  Actor
	draft  Draft
	bundle *bundle
}

// enter writes a new version, and what follows from it for its skill.
func (c *Catalog) enter(ctx context.Context, tx *meta.Tx, p published, r *Release) (err error) {
	a, d, b := p.actor, p.draft, p.bundle
	now := c.now().UTC().Truncate(time.Microsecond)
	s := r.Skill
	if s.ID == 0 {
		s = meta.Skill{Owner: d.Owner, Slug: d.Slug, Name: d.Name, Created: now, Updated: now}
		if s.ID, err = tx.CreateSkill(ctx, s); err != nil {
			return err
		}
	}
	v := b.version(d, a, now)
	v.Skill = s.ID
	line := fmt.Sprintf("publish %s/%s %s %s %s %d %d", d.Owner, d.Slug, v.Version, v.Tree, v.Artifact, v.Size, now.Unix())
	if v.Log, err = translog.Append(ctx, tx, line); err != nil {
		return err
	}
	if v.ID, err = tx.CreateVersion(ctx, v, b.files); err != nil {
		return err
	}
	if s.Tags == nil {
		s.Tags = map[string]string{}
	}
	for _, tag := range d.Tags {
		s.Tags[tag] = v.Version
	}
	s.Updated = now
	if better(v.Version, s.Latest) {
		s.Latest, s.Name, s.Summary = v.Version, d.Name, v.Description
		s.Tags[version.Latest] = v.Version
		if d.Topics != nil {
			s.Topics = d.Topics
		}
		if err := tx.Index(ctx, s.ID, meta.Text{Slug: s.Slug, Name: s.Name, Summary: s.Summary, Topics: s.Topics}); err != nil {
			return err
		}
	}
	if err := tx.UpdateSkill(ctx, s); err != nil {
		return err
	}
	r.Skill, r.Version = s, v
	return tx.AddEvent(ctx, c.event(a, "publish", s, v.Version, string(v.Artifact)))
}

// better reports whether a version should be latest instead of another: a release
// goes before any prerelease, and then the greater one.
func better(v, than string) bool {
	if than == "" {
		return true
	}
	if pre, was := strings.Contains(v, "-"), strings.Contains(than, "-"); pre != was {
		return was
	}
	return version.Compare(v, than) > 0
}

func (c *Catalog) event(a Actor, action string, s meta.Skill, version, detail string) meta.Event {
	subject := s.Owner + "/" + s.Slug
	if version != "" {
		subject += "@" + version
	}
	return meta.Event{Time: c.now(), User: a.User, Token: a.Token, Address: a.Address, Action: action, Subject: subject, Detail: detail}
}
