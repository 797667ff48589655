// Package source says what a place to get skills from can do. Registries,
// folders, archive files and URLs implement Source; a Set routes each reference
// to exactly one of them and never falls through to another.
package source

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/version"
)

var (
	// ErrNotFound says that a source has no such skill.
	ErrNotFound = errors.New("skill is not found")
	// ErrAmbiguous says that a reference names several skills.
	ErrAmbiguous = errors.New("reference is ambiguous")
	// ErrUnsupported says that a source cannot do what was asked of it at all.
	ErrUnsupported = errors.New("operation is not supported by this source")
	// ErrNoOwners says that skills have no owners there. It is ErrUnsupported.
	ErrNoOwners = fmt.Errorf("skills have no owners: %w", ErrUnsupported)
	// ErrNotModified says that the artifact is still the one that the
	// validators in the Pin were given with.
	ErrNotModified = errors.New("artifact is not modified")
	// ErrWithheld says that a source has the skill and may not hand it out (HTTP
	// status 451, RFC 7725).
	ErrWithheld = errors.New("skill is withheld")
	// ErrAuth says that a source wants a credential, or refused the one it got.
	ErrAuth = errors.New("access is denied")
)

// A Source obtains skills. All methods may be called at once. Errors match the
// sentinels of this package where one fits, and those of pkg/transport for
// whatever happens on the network.
type Source interface {
	// Versions lists the versions of a skill, in no order. A source that has no
	// versions answers ErrUnsupported.
	Versions(ctx context.Context, r ref.Ref) ([]version.Info, error)

	// Resolve picks one version for r, preferring current while it satisfies r's
	// query. A yanked version is picked only if it is current; if nothing else
	// would do the error is a *version.YankedError. It writes nothing. A source without versions or digests leaves those
	// fields of the Pin empty, and may answer without asking anyone: that the
	// skill exists is then known only after Fetch.
	Resolve(ctx context.Context, r ref.Ref, current string) (Pin, error)

	// Fetch transfers the artifact of p into dst. What dst holds is complete if
	// and only if the error is nil; the caller verifies it. A yanked version is
	// transferred to whom it names, and the Receipt says that it is one; the
	// Receipt is also valid with ErrNotModified.
	Fetch(ctx context.Context, p Pin, dst Sink) (Receipt, error)
}

// A Pin is a resolved answer: which artifact a reference means.
type Pin struct {
	Ref      ref.Ref
	Registry string // base URL or absolute folder of the registry; "" for what comes from none
	// Slug is the one by which the source has the skill now. It is another than
	// that of Ref if the source says that the skill was renamed.
	Slug     string
	Owner    string
	Version  string // "" if only the artifact can tell
	Locale   string
	Revision string        // commit, for git
	URL      string        // where the artifact is, for people and for direct sources
	Artifact digest.Digest // "" if the source publishes none
	Size     int64         // of the artifact; 0 if unknown
	Tree     digest.Digest // "" if the source publishes none
	Trust    Level
	Files    []File     // of the tree, as the source publishes them; nil if it does not. Fetch must bring these and no others
	Flagged  string     // why the source has doubts about this version, see FlagReason; "" if it has none
	Yanked   string     // why the version is yanked, see YankReason; "" if it is not, or if only Fetch can tell
	Known    Validators // of an earlier Fetch: the source may answer ErrNotModified

	Deprecated string // why another skill should be used, see FlagReason; "" if none should
}

// A File is one of the files of a skill, as a source publishes them.
type File struct {
	Path   string // slash path in the skill
	Size   int64
	Digest digest.Digest // sha256 of its bytes
}

// Validators are what an HTTP answer can be asked about again with.
type Validators struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`
}

// A Level says what the digests of a Pin rest on.
type Level string

const (
	// FirstUse is a digest that we computed ourselves from what we were given.
	FirstUse Level = "first-use"
	// FromRegistry is a digest that the registry published and that matched.
	FromRegistry Level = "registry"
)

// A Sink takes the bytes of one artifact. It may hold the beginning of it from
// an interrupted attempt, which a Source can continue or drop.
type Sink interface {
	io.Writer
	// Offset returns how many bytes the sink holds.
	Offset() int64
	// Validator returns the strong ETag that those bytes came with, or "".
	Validator() string
	// Restart drops what the sink holds; what follows comes with validator.
	Restart(validator string) error
}

// A Receipt is what a source said about an artifact while transferring it.
type Receipt struct {
	URL      string        // final URL after redirects, if it was HTTP
	Artifact digest.Digest // as claimed by the source; "" if it claimed none
	Version  string        // as claimed by the source; "" if it claimed none
	Slug     string        // by which the source has the skill now, if it is another than that of the Pin
	Yanked   string        // why the version is yanked, see YankReason; "" if it is not
	// Repacked says that the bytes of the artifact are not promised to stay: the
	// source packed it here, out of what it was sent, or its publisher packs the
	// same files anew. What is locked is then held to its tree.
	Repacked   bool
	Validators Validators
	Mirror     string // URL or folder of the mirror that sent it; "" if it was the source itself
}

// A Searcher is a Source that can be searched.
type Searcher interface {
	// Search returns at most limit hits, best first. An exact slug comes first.
	Search(ctx context.Context, query string, limit int) ([]Hit, error)
}

// A Suggester is a Source that can tell what somebody may have meant, without
// asking anyone far away.
type Suggester interface {
	// Suggest returns a few slugs that are spelled like one that is not there, the
	// nearest first.
	Suggest(ctx context.Context, slug string) []string
}

// A Hit is one search result. Texts are as the source gave them: untrusted.
type Hit struct {
	Slug        string `json:"slug"`
	Owner       string `json:"owner,omitempty"`
	Name        string `json:"name,omitempty"`
	Version     string `json:"version,omitempty"`
	Description string `json:"description,omitempty"`
}

// A Lister is a Source where one reference can stand for several skills: a
// repository, the index of a website.
type Lister interface {
	// List returns the skills that r stands for, sorted by name. A reference to one
	// skill stands for itself. It is ErrNotFound if there is no skill.
	List(ctx context.Context, r ref.Ref) ([]Listing, error)
}

// A Listing is one of several skills in one place. Texts are as the source gave
// them: untrusted.
type Listing struct {
	Ref         ref.Ref // of this skill alone, for Resolve
	Name        string  // by which people choose it
	Description string
}

// A Matcher is a Source that knows its own web addresses, so that a page or
// download URL that a person copied is the slug it shows.
type Matcher interface {
	// Match returns the reference that a URL of this source stands for.
	Match(url string) (ref.Ref, bool)
}

// A Warner is a Source that notices what is wrong with itself and is no error.
type Warner interface {
	// Warnings returns what was noticed so far: each is a line, safe to print.
	Warnings() []string
}
