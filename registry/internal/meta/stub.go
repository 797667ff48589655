package meta

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/openskills-go/skills/pkg/digest"
)

var errTodo = errors.New("todo")

// A DB is a database of a registry. Its methods may be called at once.
type DB struct{}

// A Tx is a transaction. It is for one goroutine, and only until the function it
// was given to returns.
type Tx struct{}

// Open opens the database that url names, sqlite:///path/to/file,
// sqlite://:memory: or postgres://…, and brings its tables up to date.
func Open(ctx context.Context, url string) (*DB, error) { return nil, errTodo }

// View calls f with a transaction that only reads, and sees one state.
func (db *DB) View(ctx context.Context, f func(*Tx) error) error { return errTodo }

// Update calls f with a transaction that is committed if f returns nil. f is
// called again if the transaction could not be serialised. Who updates a skill
// has found it in the same transaction, which locks it.
func (db *DB) Update(ctx context.Context, f func(*Tx) error) error { return errTodo }

// Generation returns a number that is another after each Update that wrote, by
// any process. It is cheap.
func (db *DB) Generation(ctx context.Context) (int64, error) { return 0, errTodo }

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return errTodo }

// Backup writes a copy of one state to the file at path, which must not exist.
// PostgreSQL has tools of its own for that: errors.ErrUnsupported.
func (db *DB) Backup(ctx context.Context, path string) error { return errTodo }

// Close closes the database.
func (db *DB) Close() error { return errTodo }

// PutUser writes a user; its owner is created with it.
func (tx *Tx) PutUser(ctx context.Context, u User) error { return errTodo }

// User returns a user, or ErrNotFound.
func (tx *Tx) User(ctx context.Context, handle string) (User, error) { return User{}, errTodo }

// Users returns all users, by handle.
func (tx *Tx) Users(ctx context.Context) ([]User, error) { return nil, errTodo }

// PutOwner writes an owner.
func (tx *Tx) PutOwner(ctx context.Context, o Owner) error { return errTodo }

// Owner returns an owner, or ErrNotFound.
func (tx *Tx) Owner(ctx context.Context, handle string) (Owner, error) { return Owner{}, errTodo }

// OwnersOf returns the owners that a user is a member of, by handle.
func (tx *Tx) OwnersOf(ctx context.Context, user string) ([]Owner, error) { return nil, errTodo }

// PutMember writes a member.
func (tx *Tx) PutMember(ctx context.Context, m Member) error { return errTodo }

// Members returns the members of an owner, by user.
func (tx *Tx) Members(ctx context.Context, owner string) ([]Member, error) { return nil, errTodo }

// DeleteMember takes a member away, or returns ErrNotFound.
func (tx *Tx) DeleteMember(ctx context.Context, owner, user string) error { return errTodo }

// CreateToken writes a new token.
func (tx *Tx) CreateToken(ctx context.Context, t Token) error { return errTodo }

// TokenByHash returns a token and its user, or ErrNotFound. Whether it holds is
// for the caller to see.
func (tx *Tx) TokenByHash(ctx context.Context, hash [32]byte) (Token, User, error) {
	return Token{}, User{}, errTodo
}

// Tokens returns the tokens of a user, or of all ("" ), newest first.
func (tx *Tx) Tokens(ctx context.Context, user string) ([]Token, error) { return nil, errTodo }

// RevokeToken revokes the token with an ID, or returns ErrNotFound. One that is
// revoked stays as it is.
func (tx *Tx) RevokeToken(ctx context.Context, id string, at time.Time) error { return errTodo }

// TouchToken notes that a token was used. It does not count for Generation.
func (tx *Tx) TouchToken(ctx context.Context, id string, at time.Time) error { return errTodo }

// PutDevice writes a login, by its Hash. ErrExists: another has its UserCode.
func (tx *Tx) PutDevice(ctx context.Context, d Device) error { return errTodo }

// Device returns the login with the hash of a device code, or ErrNotFound.
func (tx *Tx) Device(ctx context.Context, hash [32]byte) (Device, error) { return Device{}, errTodo }

// DeviceByUserCode returns a login, or ErrNotFound.
func (tx *Tx) DeviceByUserCode(ctx context.Context, code string) (Device, error) {
	return Device{}, errTodo
}

// DeleteDevice deletes a login, if it is there.
func (tx *Tx) DeleteDevice(ctx context.Context, hash [32]byte) error { return errTodo }

// DeleteDevicesBefore deletes what expired before a time.
func (tx *Tx) DeleteDevicesBefore(ctx context.Context, at time.Time) error { return errTodo }

// Skills returns the skills with a slug, of one owner or ("") of any, also those
// that are deleted or removed. In an Update it locks them.
func (tx *Tx) Skills(ctx context.Context, owner, slug string) ([]Skill, error) { return nil, errTodo }

// Flat returns the skills whose owner and slug joined by - are flat.
func (tx *Tx) Flat(ctx context.Context, flat string) ([]Skill, error) { return nil, errTodo }

// SkillByID returns a skill, or ErrNotFound.
func (tx *Tx) SkillByID(ctx context.Context, id int64) (Skill, error) { return Skill{}, errTodo }

// CreateSkill writes a new skill and returns its ID. ErrExists: there is one with
// its owner and slug.
func (tx *Tx) CreateSkill(ctx context.Context, s Skill) (int64, error) { return 0, errTodo }

// UpdateSkill writes all of a skill but its ID, owner, slug, stars and downloads.
func (tx *Tx) UpdateSkill(ctx context.Context, s Skill) error { return errTodo }

// Index makes a skill be found by a text instead of the one before.
func (tx *Tx) Index(ctx context.Context, skill int64, t Text) error { return errTodo }

// List returns a page of skills, and the cursor of the next or "".
func (tx *Tx) List(ctx context.Context, q ListQuery) ([]Skill, string, error) {
	return nil, "", errTodo
}

// Search returns what a query finds, best first. An empty text finds nothing.
func (tx *Tx) Search(ctx context.Context, q SearchQuery) ([]Hit, error) { return nil, errTodo }

// Count returns how many skills, versions and owners with a skill there are to be
// had.
func (tx *Tx) Count(ctx context.Context) (skills, versions, owners int64, err error) {
	return 0, 0, 0, errTodo
}

// Versions returns all versions of a skill, also those that are deleted, in the
// order in which they were published.
func (tx *Tx) Versions(ctx context.Context, skill int64) ([]Version, error) { return nil, errTodo }

// Version returns a version of a skill, or ErrNotFound.
func (tx *Tx) Version(ctx context.Context, skill int64, version string) (Version, error) {
	return Version{}, errTodo
}

// VersionByManifest returns the version that has an OCI manifest, or ErrNotFound.
func (tx *Tx) VersionByManifest(ctx context.Context, skill int64, manifest digest.Digest) (Version, error) {
	return Version{}, errTodo
}

// VersionsByArtifact returns the versions, of any skill, that have an artifact.
func (tx *Tx) VersionsByArtifact(ctx context.Context, artifact digest.Digest) ([]Version, error) {
	return nil, errTodo
}

// AllVersions yields every version there ever was, by ID, in pages of its own.
// The error, if there is one, comes last. It is only for a View, or outside of one
// transaction's isolation where the database is PostgreSQL and large.
func (tx *Tx) AllVersions(ctx context.Context) iter.Seq2[Version, error] { return nil }

// CreateVersion writes a new version with its files and returns its ID. ErrExists:
// the skill has it.
func (tx *Tx) CreateVersion(ctx context.Context, v Version, files []File) (int64, error) {
	return 0, errTodo
}

// UpdateVersion writes what may change of a version: Yanked, YankReason, Deleted,
// Removed.
func (tx *Tx) UpdateVersion(ctx context.Context, v Version) error { return errTodo }

// Files returns the files of a version, by path.
func (tx *Tx) Files(ctx context.Context, version int64) ([]File, error) { return nil, errTodo }

// CountDownloads adds to the downloads of skills, by ID. It does not count for
// Generation.
func (tx *Tx) CountDownloads(ctx context.Context, by map[int64]int64) error { return errTodo }

// Star notes that a user likes a skill, and reports whether it is news.
func (tx *Tx) Star(ctx context.Context, user string, skill int64) (bool, error) {
	return false, errTodo
}

// Unstar takes that back, and reports whether it is news.
func (tx *Tx) Unstar(ctx context.Context, user string, skill int64) (bool, error) {
	return false, errTodo
}

// AddEvent appends to the audit log.
func (tx *Tx) AddEvent(ctx context.Context, e Event) error { return errTodo }

// Events returns at most limit events, newest first, from before the one with an
// ID (0: the newest).
func (tx *Tx) Events(ctx context.Context, before int64, limit int) ([]Event, error) {
	return nil, errTodo
}

// AppendLog appends a line to the log of what was published and returns its
// number; the first is 0. Appends are serialised: numbers have no gaps.
func (tx *Tx) AppendLog(ctx context.Context, line string) (int64, error) { return 0, errTodo }

// Log returns at most limit lines of the log from number from on.
func (tx *Tx) Log(ctx context.Context, from int64, limit int) ([]string, error) { return nil, errTodo }

// LogSize returns how many lines the log has.
func (tx *Tx) LogSize(ctx context.Context) (int64, error) { return 0, errTodo }

// AddLogHashes appends hashes to the log's tree; the first has number from, which
// is how many there are.
func (tx *Tx) AddLogHashes(ctx context.Context, from int64, hashes [][32]byte) error { return errTodo }

// LogHashes returns the hashes with these numbers.
func (tx *Tx) LogHashes(ctx context.Context, numbers []int64) ([][32]byte, error) {
	return nil, errTodo
}

// Setting returns a value that the registry keeps for itself, or ErrNotFound.
func (tx *Tx) Setting(ctx context.Context, name string) ([]byte, error) { return nil, errTodo }

// PutSetting writes one. ErrExists: there is one, and it stays.
func (tx *Tx) PutSetting(ctx context.Context, name string, value []byte) error { return errTodo }

// Served reports whether a version that is to be had, of a skill that is, has a blob:
// its artifact, or a part of its image.
func (tx *Tx) Served(ctx context.Context, blob digest.Digest) (bool, error) { return false, errTodo }
