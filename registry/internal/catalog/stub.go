package catalog

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/internal/meta"
)

var errTodo = errors.New("todo")

// Find returns the skill with a name. Its error is a NotFoundError, an
// AmbiguousError or a GoneError.
func (c *Catalog) Find(ctx context.Context, n Name) (meta.Skill, error) { return meta.Skill{}, errTodo }

// FindFlat is Find for a text that is a slug, owner/slug, @owner/slug, or owner and
// slug joined by a hyphen.
func (c *Catalog) FindFlat(ctx context.Context, text string) (meta.Skill, error) {
	return meta.Skill{}, errTodo
}

// A Want says which version of a skill: at most one field is set, and none is the
// latest.
type Want struct{ Version, Tag string }

// Select returns a version of a skill. A yanked one is returned to whoever names it
// by Version. Its error is a NotFoundError or a GoneError.
func (c *Catalog) Select(ctx context.Context, s meta.Skill, w Want) (meta.Version, error) {
	return meta.Version{}, errTodo
}

// Versions returns the versions of a skill that are to be had, yanked ones
// included, newest first in the order of semantic versions.
func (c *Catalog) Versions(ctx context.Context, s meta.Skill) ([]meta.Version, error) {
	return nil, errTodo
}

// Files returns the files of a version, by path.
func (c *Catalog) Files(ctx context.Context, v meta.Version) ([]meta.File, error) {
	return nil, errTodo
}

// File returns the bytes of one file of a version.
func (c *Catalog) File(ctx context.Context, v meta.Version, path string) ([]byte, meta.File, error) {
	return nil, meta.File{}, errTodo
}

// Blob returns what a digest names, to be read in part, and its size. Only what a
// version that is to be had consists of is returned.
func (c *Catalog) Blob(ctx context.Context, d digest.Digest) (io.ReadSeekCloser, int64, error) {
	return nil, 0, errTodo
}

// Match returns the version of a skill whose files have a fingerprint, as ClawHub's
// client computes it, or ok is false.
func (c *Catalog) Match(ctx context.Context, s meta.Skill, fingerprint string) (v meta.Version, ok bool, err error) {
	return meta.Version{}, false, errTodo
}

// List returns a page of skills, and the cursor of the next or "".
func (c *Catalog) List(ctx context.Context, q meta.ListQuery) ([]meta.Skill, string, error) {
	return nil, "", errTodo
}

// Search returns what a query finds, best first.
func (c *Catalog) Search(ctx context.Context, q meta.SearchQuery) ([]meta.Hit, error) {
	return nil, errTodo
}

// Owner returns an owner. Its error is a NotFoundError.
func (c *Catalog) Owner(ctx context.Context, handle string) (meta.Owner, error) {
	return meta.Owner{}, errTodo
}

// Count returns how many skills, versions and owners with a skill there are to be
// had.
func (c *Catalog) Count(ctx context.Context) (skills, versions, owners int64, err error) {
	return 0, 0, 0, errTodo
}

// Generation returns a number that is another after each change. Those by other
// processes are seen within a second.
func (c *Catalog) Generation(ctx context.Context) (int64, error) { return 0, errTodo }

// Downloaded counts a download of a skill. It is written some time later.
func (c *Catalog) Downloaded(skill int64) {}

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
func (c *Catalog) Publish(ctx context.Context, a Actor, d Draft) (Release, error) {
	return Release{}, errTodo
}

// Yank hides a version from selection, for a reason.
func (c *Catalog) Yank(ctx context.Context, a Actor, n Name, version, reason string) error {
	return errTodo
}

// Unyank takes that back.
func (c *Catalog) Unyank(ctx context.Context, a Actor, n Name, version string) error { return errTodo }

// Deprecate says of a skill that another should be used; "" takes that back.
func (c *Catalog) Deprecate(ctx context.Context, a Actor, n Name, message string) error {
	return errTodo
}

// Tag makes a tag stand for a version; version "" takes the tag away. Latest can be
// moved and not taken away.
func (c *Catalog) Tag(ctx context.Context, a Actor, n Name, tag, version string) error {
	return errTodo
}

// Delete takes a skill away, or only a version of it. Nothing is lost.
func (c *Catalog) Delete(ctx context.Context, a Actor, n Name, version string) error { return errTodo }

// Undelete takes that back.
func (c *Catalog) Undelete(ctx context.Context, a Actor, n Name, version string) error {
	return errTodo
}

// Remove takes a skill, or a version of it, away as a moderator, for a reason.
func (c *Catalog) Remove(ctx context.Context, a Actor, n Name, version, reason string) error {
	return errTodo
}

// Restore takes that back.
func (c *Catalog) Restore(ctx context.Context, a Actor, n Name, version string) error { return errTodo }

// Star notes that an actor likes a skill, and reports whether that is news.
func (c *Catalog) Star(ctx context.Context, a Actor, n Name) (bool, error) { return false, errTodo }

// Unstar takes that back, and reports whether that is news.
func (c *Catalog) Unstar(ctx context.Context, a Actor, n Name) (bool, error) { return false, errTodo }

// AddUser adds a user and the owner of the same handle.
func (c *Catalog) AddUser(ctx context.Context, a Actor, u meta.User) error { return errTodo }

// Users returns all users, by handle.
func (c *Catalog) Users(ctx context.Context, a Actor) ([]meta.User, error) { return nil, errTodo }

// DisableUser makes the tokens of a user count for nothing, or again for what they
// did.
func (c *Catalog) DisableUser(ctx context.Context, a Actor, handle string, disabled bool) error {
	return errTodo
}

// AddOwner adds an organisation whose admin is the actor, or the user given.
func (c *Catalog) AddOwner(ctx context.Context, a Actor, o meta.Owner, admin string) error {
	return errTodo
}

// SetMember gives a user a role for an owner; "" takes it away.
func (c *Catalog) SetMember(ctx context.Context, a Actor, m meta.Member) error { return errTodo }

// Members returns the members of an owner.
func (c *Catalog) Members(ctx context.Context, owner string) ([]meta.Member, error) {
	return nil, errTodo
}

// Events returns lines of the audit log, newest first.
func (c *Catalog) Events(ctx context.Context, a Actor, before int64, limit int) ([]meta.Event, error) {
	return nil, errTodo
}

// Log returns the lines from a number on of the log of what was published.
func (c *Catalog) Log(ctx context.Context, from int64, limit int) ([]string, error) {
	return nil, errTodo
}

// All yields every skill that is to be had with its versions, oldest first, by
// owner and slug.
func (c *Catalog) All(ctx context.Context) iter.Seq2[Entry, error] { return nil }

// An Entry is a skill with its versions, oldest first.
type Entry struct {
	Skill    meta.Skill
	Versions []meta.Version
}

// A Fault is what Fsck found.
type Fault struct {
	Subject string // alice/pdf@1.0.0, or a digest
	Why     string
	Repair  string // what was done about it; "" is nothing
}

// Fsck checks that every version's blobs are there and are what they should be. It
// yields what is wrong. With repair, what no version names and is older than grace
// is deleted.
func (c *Catalog) Fsck(ctx context.Context, repair bool, grace time.Duration) iter.Seq2[Fault, error] {
	return nil
}
