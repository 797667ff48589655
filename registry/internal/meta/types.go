package meta

import (
	"time"

	"github.com/openskills-go/skills/pkg/digest"
)

// A Role is what someone may do: in a whole registry (Admin, Moderator, Member)
// or for an owner (Admin, Publisher).
type Role string

const (
	Admin     Role = "admin"     // everything: of the registry, or of an owner and its members
	Moderator Role = "moderator" // takes skills down and puts them back
	Publisher Role = "publisher" // publishes for an owner
	Plain     Role = "user"      // nothing but what is its own
)

// A Kind of owner.
type Kind string

const (
	Person Kind = "user" // the owner that each user has, with the user's handle
	Org    Kind = "org"
)

// A User is someone who can have tokens.
type User struct {
	Handle   string // unique among owners
	Name     string // for people; "" is the handle
	Role     Role   // Admin, Moderator or Plain
	Disabled bool   // none of its tokens counts
	Created  time.Time
}

// An Owner has skills. Every user is one; an organisation has members.
type Owner struct {
	Handle  string
	Name    string
	Kind    Kind
	Created time.Time
}

// A Member of an owner.
type Member struct {
	Owner, User string
	Role        Role // Admin or Publisher
}

// A Token lets its bearer act as a user. The token itself is nowhere: it is found
// by the SHA-256 of its text.
type Token struct {
	ID      string // public, to name it by
	Hash    [32]byte
	User    string
	Label   string
	Scopes  []string
	Created time.Time
	Expires time.Time // zero: never
	Used    time.Time // last, to about a minute; zero: never
	Revoked time.Time // zero: it holds
}

// A DeviceStatus is how far a login on a device has come.
type DeviceStatus string

const (
	DevicePending  DeviceStatus = "pending"
	DeviceApproved DeviceStatus = "approved"
	DeviceDenied   DeviceStatus = "denied"
)

// A Device is a login that waits for its user to approve it on a page (RFC 8628).
type Device struct {
	Hash     [32]byte // SHA-256 of the device code
	UserCode string   // what the user compares
	Scopes   []string
	Label    string
	User     string // who approved
	Status   DeviceStatus
	Created  time.Time
	Expires  time.Time
	Polled   time.Time // last; zero: never
}

// A Skill is one of an owner. Owner and Slug name it, and no other ever has both.
type Skill struct {
	ID          int64
	Owner, Slug string
	Name        string // for people
	Summary     string // the description of the latest version
	Latest      string // what tag latest stands for; "" if no version is left
	Tags        map[string]string
	Topics      []string
	Stars       int64
	Downloads   int64
	Created     time.Time
	Updated     time.Time // last published
	Deprecated  string    // why, and what to use instead; "" if it is not
	Deleted     time.Time // by its owner; zero: it is there
	Removed     string    // by a moderator, why; "" if it was not
}

// A Version of a skill. What it holds never changes, only whether it is to be had.
type Version struct {
	ID              int64
	Skill           int64
	Version         string // semantic, without build metadata
	Changelog       string
	License         string // of the SKILL.md
	Description     string // of the SKILL.md
	Artifact        digest.Digest
	Size            int64         // of the artifact
	Tree            digest.Digest // h1
	Count           int           // of files
	Unpacked        int64         // bytes of all files
	Fingerprint     string        // as ClawHub's client computes it
	TextFingerprint string        // the same of text files only
	Manifest        digest.Digest // of the OCI image manifest
	Config          digest.Digest // of its config
	Layer           digest.Digest // of its layer
	Publisher       string        // user
	Created         time.Time
	Yanked          bool // hidden from selection
	YankReason      string
	Deleted         time.Time // by its owner; zero: it is there
	Removed         string    // by a moderator, why; "" if it was not
	Log             int64     // its number in the log of what was published
}

// A File of a version.
type File struct {
	Path        string        `json:"path"`
	Size        int64         `json:"size"`
	Digest      digest.Digest `json:"digest"` // sha256
	ContentType string        `json:"type"`
	Executable  bool          `json:"x,omitempty"`
}

// Text is what a skill is found by.
type Text struct {
	Slug, Name string
	Summary    string   // found last
	Topics     []string // count as much as the name
}

// A Sort is the order of a list; "" is by Owner and Slug.
type Sort string

const (
	ByUpdated   Sort = "updated"   // newest first
	ByCreated   Sort = "created"   // newest first
	ByDownloads Sort = "downloads" // most first
	ByStars     Sort = "stars"     // most first
)

// A ListQuery says which skills to list. Those that are deleted, removed or
// without a version are only listed with Every.
type ListQuery struct {
	Every  bool
	Owner  string // "" is all
	Prefix string // of the slug
	Sort   Sort
	Limit  int    // at least 1
	Cursor string // what the page before gave; "" is the first
}

// A SearchQuery says what to search. The same skills are left out as in a list.
type SearchQuery struct {
	Text   string
	Owner  string // "" is all
	Exact  bool   // only those whose slug, or owner/slug, is Text
	Limit  int    // at least 1
	Offset int
}

// A Hit is a skill that a search found. Hits come best first: the exact slug, then
// a name that matches, then any text.
type Hit struct {
	Skill
	Score float64 // greater is better; only to compare within one answer
}

// An Event is a line of the audit log.
type Event struct {
	ID      int64
	Time    time.Time
	User    string // "" is the operator at the command line
	Token   string // its ID
	Address string
	Action  string // publish, yank, token.create, …
	Subject string // alice/pdf@1.0.0
	Detail  string
}
