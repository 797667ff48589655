// Package install is the engine: it turns what a person asked for into a Plan,
// and a Plan into skills that stand complete in their agents' folders.
//
// A Plan says, for each skill, what would happen and why; a dry run, outdated and
// the restore of a lock are views of it. Apply fetches and unpacks beside the
// targets, flushes, writes down what it is about to do, swaps the staged folders
// in, reads them back and moves the lock last. A kill at any moment leaves the
// old state or the new one: the next Apply or Recover finishes or drops what it
// finds.
package install

import (
	"sync"
	"time"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/history"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/store"
	"github.com/openskills-go/skills/pkg/target"
)

// A Kind says where the manifest and the lock of a scope are.
type Kind string

const (
	User    Kind = "user"    // the folder of the user's settings
	Project Kind = "project" // the folder that holds skills.yaml
	Dir     Kind = "dir"     // one folder that carries its own lock, and no manifest
)

// A Scope is one set of installed skills with one lock.
type Scope struct {
	Kind     Kind
	Root     string // the lock's folder; paths in the lock are relative to it
	Manifest string // path of skills.yaml; "" for Dir
	Lock     string // path of skills.lock
}

// An Engine installs, updates and removes the skills of one scope. Its fields
// are set once, before the first call; its methods may not run at the same time
// in one process, any number of processes may.
type Engine struct {
	Scope  Scope
	Source *source.Set
	// Registry is what a bare slug in the manifest means to everyone who reads it:
	// the address or folder that the manifest names as its registry, else the
	// built-in one.
	Registry string
	Store    *store.Store
	// Bundle has artifacts that the store may lack; nil for none. It is looked into
	// before a source is asked.
	Bundle Shelf
	// AgentDir returns the absolute folder in which an agent reads skills in
	// this scope.
	AgentDir func(agent string) (string, error)
	// Agents are placed into when neither the request nor the lock names any.
	Agents []string
	// Known are all agents that there are, for PlanAdopt: a folder may be that of
	// one that nobody chose.
	Known []string
	// Backups is where a folder goes before it is overwritten or deleted on
	// request; "" makes such a request an error.
	Backups string
	Limits  archive.Limits // zero fields mean the defaults
	// History remembers what Apply changes, as the work of Command. Nil: nothing does.
	History *history.Log
	Command string
	Now     func() time.Time // nil: time.Now
	Jobs    int              // transfers at once; 0 means 8
	// OnEvent is told what happens while it happens, one call at a time. May be nil.
	OnEvent func(Event)

	mu        sync.Mutex
	rootCache map[string][]target.Root
	index     *store.Index // what the store remembers; read when first needed
	unkept    bool         // the store could not be written, and it was said

	generations []history.Generation // of the history, as they were when first needed
}

// A Want is one skill that a person asked for.
type Want struct {
	Typed string  // as typed, for messages and the lock
	Ref   ref.Ref // Typed, parsed
	As    string  // the name to install it under; "" takes it from the skill

	unlisted bool // it is no list of skills, as Expand found out
}

// OnEdit says what happens to an installed skill that was changed on disk.
type OnEdit string

const (
	FailOnEdit      OnEdit = "fail"      // refuse, and list the files; the default. Files that were only added are kept
	MergeOnEdit     OnEdit = "merge"     // bring the edits into the new version, or leave the skill as it is where they contradict it
	KeepOnEdit      OnEdit = "keep"      // leave the skill as it is
	OverwriteOnEdit OnEdit = "overwrite" // back it up, then replace it
)

// Options are what the requests have in common.
type Options struct {
	Agents          []string // to place into besides those of the lock, or to remove from; nil: those of the lock, else the engine's
	Replace         bool     // back up, then replace a folder that is not ours
	OnEdit          OnEdit
	AllowHiddenText bool
	Path            string // the folder to take of an archive that holds several skills
	Locale          string
	DryRun          bool // a plan to be looked at: what only an artifact can tell is found out, without keeping it
	Link            bool // one real copy, and links to it from the other agents' folders; user scope only
	AcceptRename    bool // take a skill that its registry renamed by its new slug, and record that
	AcceptOwner     bool // take a skill that is another owner's now, and record that
	// AcceptRisk are the versions to take though their registry flags them, each as
	// owner/slug@version, or slug@version where there is no owner.
	AcceptRisk []string

	looking bool // nothing is installed: to look is no decision

	idle   bool // nothing newer is to be placed, so that edits are in nobody's way
	frozen bool // exactly what the lock says: no edit, no other line ends, and the lock is not written
}

// An Action is what happens, or would happen, to one skill.
type Action string

const (
	Installed Action = "installed"
	Updated   Action = "updated"
	Unchanged Action = "unchanged"
	Removed   Action = "removed"
	Disabled  Action = "disabled"
	Enabled   Action = "enabled"
	Skipped   Action = "skipped"
	Failed    Action = "failed"
)

// A Placement is one folder that a skill stands in.
type Placement struct {
	Agents []string `json:"agents"`
	Path   string   `json:"path"` // of the skill itself
	Status Action   `json:"status"`
}

// An Outcome is one skill of a plan or a result.
type Outcome struct {
	Name     string        `json:"name"` // "" in a plan whose source tells it only with the artifact
	Ref      string        `json:"ref"`
	Registry string        `json:"registry,omitempty"`
	Slug     string        `json:"slug,omitempty"`
	Owner    string        `json:"owner,omitempty"`
	Version  string        `json:"version,omitempty"`
	From     string        `json:"from,omitempty"` // the version that was installed before
	Locale   string        `json:"locale,omitempty"`
	Artifact digest.Digest `json:"artifact,omitempty"`
	Size     int64         `json:"size,omitempty"`
	Tree     digest.Digest `json:"tree,omitempty"`
	Trust    source.Level  `json:"trust,omitempty"`
	Action   Action        `json:"action"`
	Targets  []Placement   `json:"targets"`
	Files    *Changes      `json:"files,omitempty"`   // of an update
	Edits    *Edits        `json:"edits,omitempty"`   // that an update brought into the new version
	Scripts  []string      `json:"scripts,omitempty"` // of an update: files that can be run and are new or changed
	Tools    []string      `json:"tools,omitempty"`   // of an update: allowed-tools that were not allowed before
	Backups  []string      `json:"backups,omitempty"` // folders that hold what was overwritten or deleted
	Warnings []string      `json:"warnings,omitempty"`
	Err      error         `json:"-"`
}

// Changes are the paths by which two trees of a skill differ.
type Changes struct {
	Added   []string `json:"added,omitempty"`
	Changed []string `json:"changed,omitempty"`
	Removed []string `json:"removed,omitempty"`
}

// Edits are the paths of a skill that were changed where it is installed, and what
// became of them.
type Edits struct {
	Kept    []string `json:"kept,omitempty"`    // as they were
	Merged  []string `json:"merged,omitempty"`  // with what the new version changed
	Deleted []string `json:"deleted,omitempty"` // and still not there
}

// A Result is what Apply did, in the order of the plan.
type Result struct {
	Outcomes []Outcome
}

// Count returns how many outcomes have the action.
func (r *Result) Count(a Action) int {
	n := 0
	for i := range r.Outcomes {
		if r.Outcomes[i].Action == a {
			n++
		}
	}
	return n
}

// An Event is a moment of an Apply, for progress.
type Event struct {
	Kind  EventKind
	Name  string // the skill, as far as it is known
	Bytes int64  // Fetching: how many more bytes came; Planned: how many are expected, if known
	Count int    // Planned: how many skills there are to do
	Err   error  // Done: why it failed

	Holder Holder // Waiting: who has the scope
}

// An EventKind says which moment.
type EventKind int

const (
	Planned  EventKind = iota // once, first
	Fetching                  // bytes of an artifact came
	Staged                    // a skill is unpacked, verified and ready
	Done                      // a skill has its outcome
	Flushing                  // everything is staged and is being written to disk
	Waiting                   // another process has had the scope for a while
)
