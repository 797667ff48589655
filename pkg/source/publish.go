package source

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/openskills-go/skills/pkg/digest"
)

// A Publisher is a Source that takes versions of skills in.
type Publisher interface {
	// Publish makes a version out of d, as a whole or not at all. A version that is
	// there with the same files is left as it is; with others it is a *TakenError.
	Publish(ctx context.Context, d Draft) (Published, error)
}

// A Draft is a version that is to be published.
type Draft struct {
	Owner     string // "" is the account of the credential
	Slug      string
	Version   string
	Name      string // for people
	Changelog string
	Tags      []string
	Files     fs.FS // the folder with its SKILL.md at the top
	DryRun    bool  // ask what can be asked, and write nothing
}

// A Published version is there, or would be after a dry run.
type Published struct {
	Release   Release
	URL       string        // where people read about it
	Artifact  digest.Digest // of the reproducible zip of its files
	Size      int64         // of that zip
	Tree      digest.Digest
	Files     int
	Unchanged bool // it was there before
	Pending   bool // the source has it, and looks at it before others see it
}

// A TakenError says that a version is there already, with other files.
type TakenError struct{ Release Release }

func (e *TakenError) Error() string {
	return fmt.Sprintf("version %.80q of %.200q is there already, with other files", e.Release.Version, e.Release.Slug)
}

// A RejectedError says that a source does not take what was to be published.
type RejectedError struct {
	Why string // of the source: untrusted
	Err error
}

func (e *RejectedError) Error() string {
	return fmt.Sprintf("the registry does not take it: %.400s", e.Why)
}
func (e *RejectedError) Unwrap() error { return e.Err }

// An AlteredError says that a source made a version of other files than it was sent.
type AlteredError struct {
	Release   Release
	Want, Got digest.Digest // of trees
}

func (e *AlteredError) Error() string {
	return fmt.Sprintf("version %.80q of %.200q was published with the tree %.80s, and sent was %s", e.Release.Version, e.Release.Slug, e.Got, e.Want)
}

// A Curator is a Source whose publishers say something about what they published.
// Saying the same again changes nothing. What a source has no way to do is
// ErrUnsupported.
type Curator interface {
	// Yank hides a version from selection, for a reason; those who have it locked
	// still get it. Without a reason that is taken back.
	Yank(ctx context.Context, r Release, reason string) error
	// Deprecate says why another skill should be used; "" takes that back. The
	// Version of r is not read.
	Deprecate(ctx context.Context, r Release, reason string) error
	// Tag makes a tag stand for r. If r has no Version the tag is taken away.
	Tag(ctx context.Context, r Release, tag string) error
}
