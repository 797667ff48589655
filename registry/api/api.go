// Package api is what a registry and its clients say to each other: version 1 of
// the API of ClawHub, with what this project adds to it, as JSON. Where ClawHub's
// client wants a key to be absent it is omitempty here, and where it wants null a
// pointer without; times are milliseconds since 1970. What is added, and what that
// client passes over, is marked as ours.
package api

// Discovery is where a registry is: /.well-known/clawhub.json.
type Discovery struct {
	APIBase       string `json:"apiBase"`
	AuthBase      string `json:"authBase"`
	MinCLIVersion string `json:"minCliVersion"`
}

// Whoami is who a token is of.
type Whoami struct {
	User Account `json:"user"`
}

// An Account is a user as others see it.
type Account struct {
	Handle      string  `json:"handle"`
	DisplayName string  `json:"displayName"`
	Image       *string `json:"image"`
	Role        string  `json:"role,omitempty"`
}

// An Item is a skill in a list.
type Item struct {
	Slug          string            `json:"slug"`
	DisplayName   string            `json:"displayName"`
	Summary       string            `json:"summary"`
	Topics        []string          `json:"topics,omitempty"`
	Tags          map[string]string `json:"tags"`
	Stats         Stats             `json:"stats"`
	CreatedAt     int64             `json:"createdAt"`
	UpdatedAt     int64             `json:"updatedAt"`
	LatestVersion *Version          `json:"latestVersion,omitempty"`
	OwnerHandle   string            `json:"ownerHandle"`
	Deprecated    string            `json:"deprecated,omitempty"` // ours: why, and what to use instead
}

// Stats are how often a skill was used.
type Stats struct {
	Downloads int64 `json:"downloads"`
	Installs  int64 `json:"installsAllTime"`
	Stars     int64 `json:"stars"`
	Versions  int   `json:"versions,omitempty"`
}

// A List is a page of skills.
type List struct {
	Items      []Item  `json:"items"`
	NextCursor *string `json:"nextCursor"`
}

// A Skill is all about a skill.
type Skill struct {
	Skill         *Item     `json:"skill"`
	LatestVersion *Version  `json:"latestVersion"`
	Owner         *Account  `json:"owner"`
	Metadata      *struct{} `json:"metadata"`
	Moderation    *struct{} `json:"moderation"`
}

// A Version is one of a skill.
type Version struct {
	Version   string    `json:"version"`
	Changelog string    `json:"changelog"`
	CreatedAt int64     `json:"createdAt"`
	License   *string   `json:"license"` // MIT-0 or null: its client knows no other
	Files     []File    `json:"files,omitempty"`
	Artifact  *Artifact `json:"artifact,omitempty"` // ours
	Yanked    string    `json:"yanked,omitempty"`   // ours: why; it is hidden from selection
}

// An Artifact is the zip of a version. Its digests vouch for what is downloaded.
type Artifact struct {
	SHA256 string `json:"sha256"` // 64 hexadecimal digits
	Size   int64  `json:"size"`
	Tree   string `json:"h1"` // of the files; see golang.org/x/mod/sumdb/dirhash
}

// A File is one of a version.
type File struct {
	Path        string `json:"path"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"`
	ContentType string `json:"contentType"`
}

// Versions is a page of the versions of a skill, newest first.
type Versions struct {
	Items      []Version `json:"items"`
	NextCursor *string   `json:"nextCursor"`
}

// OneVersion is all about a version.
type OneVersion struct {
	Version *Version `json:"version"`
	Skill   *Naming  `json:"skill"`
}

// A Naming is a skill by its names.
type Naming struct {
	Slug        string `json:"slug"`
	DisplayName string `json:"displayName"`
}

// Found is what a search finds. Results is what ClawHub's client reads, and Skills,
// which only /api/search has, what Vercel's does.
type Found struct {
	Results []Result `json:"results"`
	Skills  []Listed `json:"skills,omitempty"`
}

// A Result is a skill that a search found.
type Result struct {
	Score       float64  `json:"score"`
	Slug        string   `json:"slug"`
	DisplayName string   `json:"displayName"`
	Summary     string   `json:"summary"`
	Version     string   `json:"version"`
	Downloads   int64    `json:"downloads"`
	UpdatedAt   int64    `json:"updatedAt"`
	OwnerHandle string   `json:"ownerHandle"`
	Owner       *Account `json:"owner"`
}

// A Listed is a Result as Vercel's client prints it: Source, @, Name.
type Listed struct {
	ID          string `json:"id"`
	Slug        string `json:"slug"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Version     string `json:"version"`
	Source      string `json:"source"`
	Installs    int64  `json:"installs"`
}

// Resolved says which version has a fingerprint.
type Resolved struct {
	Slug          string  `json:"slug"`
	Match         *Number `json:"match"`
	LatestVersion *Number `json:"latestVersion"`
}

// A Number is a version and nothing else.
type Number struct {
	Version string `json:"version"`
}

// An Install says how a skill is installed.
type Install struct {
	OK          bool    `json:"ok"`
	Slug        string  `json:"slug"`
	InstallKind string  `json:"installKind"`
	Archive     Archive `json:"archive"`
}

// An Archive is where a version is downloaded.
type Archive struct {
	Version     string `json:"version"`
	DownloadURL string `json:"downloadUrl"`
}

// An UploadRequest asks for leave to upload a file.
type UploadRequest struct {
	Path        string `json:"path"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"`
	ContentType string `json:"contentType,omitempty"`
}

// An UploadTicket is that leave.
type UploadTicket struct {
	URL    string `json:"uploadUrl"`
	Ticket string `json:"uploadTicket"`
}

// An Upload is what was uploaded.
type Upload struct {
	StorageID string `json:"storageId"`
}

// A Publish makes a version of what was uploaded.
type Publish struct {
	Slug               string          `json:"slug"`
	DisplayName        string          `json:"displayName,omitempty"`
	OwnerHandle        string          `json:"ownerHandle,omitempty"`
	Version            string          `json:"version,omitempty"` // ours: "" is chosen by the registry
	Changelog          string          `json:"changelog"`
	AcceptLicenseTerms *bool           `json:"acceptLicenseTerms,omitempty"`
	Tags               []string        `json:"tags,omitempty"`
	Topics             []string        `json:"topics,omitempty"`
	Files              []PublishedFile `json:"files,omitempty"`
	DryRun             bool            `json:"dryRun,omitempty"` // ours: check everything, write nothing
}

// A PublishedFile is a file that was uploaded.
type PublishedFile struct {
	Path         string `json:"path"`
	Size         int64  `json:"size"`
	StorageID    string `json:"storageId"`
	SHA256       string `json:"sha256"`
	ContentType  string `json:"contentType,omitempty"`
	UploadTicket string `json:"uploadTicket,omitempty"`
	Executable   bool   `json:"executable,omitempty"` // ours
}

// A Published is a version that was made, or that was there with the same files.
type Published struct {
	OK        bool      `json:"ok"`
	SkillID   string    `json:"skillId"`
	VersionID string    `json:"versionId"`
	Status    string    `json:"publicationStatus"`
	Slug      string    `json:"slug"`
	Owner     string    `json:"ownerHandle"`
	Version   string    `json:"version"`
	Created   bool      `json:"created"`  // ours: false if it was there
	Artifact  *Artifact `json:"artifact"` // ours
}

// Done says that something was done.
type Done struct {
	OK bool `json:"ok"`
}

// Starred is the answer to a star.
type Starred struct {
	OK             bool `json:"ok"`
	Starred        bool `json:"starred"`
	AlreadyStarred bool `json:"alreadyStarred"`
}

// Unstarred is the answer to its end.
type Unstarred struct {
	OK               bool `json:"ok"`
	Unstarred        bool `json:"unstarred"`
	AlreadyUnstarred bool `json:"alreadyUnstarred"`
}

// Tagged is the answer to a tag.
type Tagged struct {
	OK      bool   `json:"ok"`
	Slug    string `json:"slug"`
	Tag     string `json:"tag"`
	Version string `json:"version"`
}

// A Change is the body of what is done to a skill or a version. All of it is
// optional but what the operation says.
type Change struct {
	OwnerHandle string `json:"ownerHandle,omitempty"`
	Version     string `json:"version,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Message     string `json:"message,omitempty"`
	Slug        string `json:"slug,omitempty"` // of the old addresses
	Role        string `json:"role,omitempty"`
	Handle      string `json:"handle,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
}

// An Owner is who has skills, and who may publish for it.
type Owner struct {
	Handle      string   `json:"handle"`
	DisplayName string   `json:"displayName"`
	Kind        string   `json:"kind"` // user, org
	Members     []Member `json:"members"`
}

// A Member may publish for an owner, or govern it.
type Member struct {
	Handle string `json:"handle"`
	Role   string `json:"role"` // admin, publisher
}

// A DeviceCode begins a login on a device (RFC 8628).
type DeviceCode struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int    `json:"expires_in"`
	Interval                int    `json:"interval"`
}

// A DeviceToken ends it.
type DeviceToken struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	Scope       string `json:"scope"`
}

// A DeviceError is why there is no token yet, or never.
type DeviceError struct {
	Error string `json:"error"`
}

// Ambiguous says that several owners have a slug.
type Ambiguous struct {
	Code    string  `json:"code"` // AMBIGUOUS_SKILL_SLUG
	Message string  `json:"message"`
	Matches []Match `json:"matches"`
}

// A Match is one of them.
type Match struct {
	OwnerHandle string `json:"ownerHandle"`
	Slug        string `json:"slug"`
	Ref         string `json:"ref"`
	URL         string `json:"url"`
}

// A Fault is an error of /api/download and /api/search.
type Fault struct {
	Error FaultDetail `json:"error"`
}

// A FaultDetail has a stable Code and a Message for people.
type FaultDetail struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Have    []string `json:"have,omitempty"`    // the versions that there are instead
	Version string   `json:"version,omitempty"` // what was yanked
	Reason  string   `json:"reason,omitempty"`
}
